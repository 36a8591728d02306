//! What has a customer ordered?

use cqrs_runtime::prelude::*;
use schemars::JsonSchema;

use super::CustomerCard;
use crate::contracts::{
    CustomerId, CustomerRenamed, Money, OrderCancelled, OrderConfirmed, OrderCreated, OrderId, OrderShipped, Status,
};

/// An order in one line.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq, JsonSchema)]
pub struct OrderSummary {
    /// Which order.
    #[key]
    pub order: OrderId,
    /// Who ordered.
    #[index]
    pub customer: CustomerId,
    /// Who that is, by the present name.
    pub customer_name: String,
    /// How many pieces.
    pub item_count: u64,
    /// What the customer pays, tax and shipping included.
    pub total: Money,
    /// How far it has come.
    pub status: Status,
    /// When it was made.
    #[index]
    pub created_at: Timestamp,
}

#[projection(on = [OrderCreated, OrderConfirmed, OrderShipped, OrderCancelled, CustomerRenamed])]
impl OrderSummary {
    fn created(event: &Recorded<OrderCreated>, customer: Option<&CustomerCard>) -> Self {
        Self {
            order: event.order,
            customer: event.customer,
            customer_name: customer.map(|card| card.name.clone()).unwrap_or_default(),
            item_count: event.lines.iter().map(|line| u64::from(line.quantity)).sum(),
            total: event.total(),
            status: Status::Pending,
            created_at: event.recorded_at(),
        }
    }

    fn confirmed(&mut self, _: &OrderConfirmed) {
        self.status = Status::Confirmed;
    }

    fn shipped(&mut self, _: &OrderShipped) {
        self.status = Status::Shipped;
    }

    fn cancelled(&mut self, _: &OrderCancelled) {
        self.status = Status::Cancelled;
    }

    /// One event, all orders of that customer.
    #[by(customer)]
    fn renamed(&mut self, event: &CustomerRenamed) {
        self.customer_name.clone_from(&event.name);
    }
}

/// The orders of a customer, newest first, a page at a time.
#[derive(Query, Serialize, Deserialize, Clone, Debug, JsonSchema)]
#[cqrs(returns = Vec<OrderSummary>, http = "GET /customers/{customer}/orders")]
pub struct OrderHistory {
    /// Whose.
    pub customer: CustomerId,
    /// How many at most.
    pub limit: u32,
    /// How many to pass over: those of the pages before.
    #[serde(default)]
    pub offset: u64,
}

#[query]
async fn order_history(q: OrderHistory, orders: Views<OrderSummary>) -> Result<Vec<OrderSummary>, QueryError> {
    orders
        .find(OrderSummary::CUSTOMER.eq(q.customer))
        .order_by(OrderSummary::CREATED_AT.desc())
        .offset(q.offset)
        .limit(q.limit)
        .all()
        .await
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::given;

    use super::*;
    use crate::contracts::{CustomerRegistered, Line, ProductId};

    #[test]
    fn a_summary_has_the_present_name_and_the_sums() {
        let (order, customer) = (OrderId::new(), CustomerId::new());
        let line = |quantity, cents| {
            let unit_price = Money::from_cents(cents);
            Line { product: ProductId::new("cup"), product_name: "Cup".into(), quantity, unit_price }
        };
        let created = |order| OrderCreated {
            order,
            customer,
            lines: vec![line(2, 100), line(3, 10)],
            tax: Money::from_cents(18),
            shipping: Money::ZERO,
        };
        let history = given(CustomerRegistered { customer, name: "Ada".into() })
            .and((created(order), OrderConfirmed { order }))
            .and(CustomerRenamed { customer, name: "Ada L.".into() })
            .and(created(OrderId::new()));

        let summary: OrderSummary = history.view(order).unwrap();
        assert_eq!((summary.item_count, summary.total), (5, Money::from_cents(248)));
        assert_eq!(summary.status, Status::Confirmed);
        let names: Vec<_> = history.views::<OrderSummary>().into_iter().map(|order| order.customer_name).collect();
        assert_eq!(names, ["Ada L.", "Ada L."]);
    }
}
