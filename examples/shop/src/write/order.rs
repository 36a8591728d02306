//! Orders.

use cqrs_runtime::prelude::*;

use super::Customer;
use crate::contracts::{
    CancelOrder, ConfirmOrder, CreateOrder, OrderCancelled, OrderConfirmed, OrderCreated, OrderError, OrderId,
    OrderShipped, ShipOrder, Status,
};
use crate::pricing;

/// What decisions about an order need to know.
#[derive(Debug)]
pub struct Order {
    status: Status,
}

#[aggregate(id = OrderId, on = [OrderCreated, OrderConfirmed, OrderShipped, OrderCancelled])]
impl Order {
    fn created(_: &OrderCreated) -> Self {
        Self { status: Status::Pending }
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
}

/// Only a customer who is registered may order: consistent over both.
#[command]
fn create_order(cmd: CreateOrder, _order: Absent<Order>, _customer: &Customer) -> Result<OrderCreated, OrderError> {
    let pricing::Charges { tax, shipping } = pricing::charges(&cmd.lines)?;
    Ok(OrderCreated { order: cmd.order, customer: cmd.customer, lines: cmd.lines, tax, shipping })
}

#[command]
fn confirm_order(cmd: ConfirmOrder, order: &Order) -> Result<OrderConfirmed, OrderError> {
    match order.status {
        Status::Pending => Ok(OrderConfirmed { order: cmd.order }),
        other => Err(OrderError::NotConfirmable(other)),
    }
}

#[command]
fn ship_order(cmd: ShipOrder, order: &Order) -> Result<OrderShipped, OrderError> {
    match order.status {
        Status::Confirmed if cmd.tracking_number.trim().is_empty() => Err(OrderError::NoTrackingNumber),
        Status::Confirmed => Ok(OrderShipped { order: cmd.order, tracking_number: cmd.tracking_number }),
        other => Err(OrderError::NotShippable(other)),
    }
}

#[command]
fn cancel_order(cmd: CancelOrder, order: &Order) -> Result<OrderCancelled, OrderError> {
    match order.status {
        Status::Pending | Status::Confirmed if cmd.reason.trim().is_empty() => Err(OrderError::NoReason),
        Status::Pending | Status::Confirmed => Ok(OrderCancelled { order: cmd.order, reason: cmd.reason }),
        other => Err(OrderError::NotCancellable(other)),
    }
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{Scenario, given, nothing};

    use super::*;
    use crate::contracts::{CustomerId, CustomerRegistered, Line, Money, ProductId};

    fn lines() -> Vec<Line> {
        let (product, unit_price) = (ProductId::new("cup"), Money::from_cents(1000));
        vec![Line { product, product_name: "Cup".into(), quantity: 2, unit_price }]
    }

    fn created(order: OrderId, customer: CustomerId) -> OrderCreated {
        let (tax, shipping) = (Money::from_cents(160), Money::from_cents(490));
        OrderCreated { order, customer, lines: lines(), tax, shipping }
    }

    /// An order that is pending, confirmed, shipped and cancelled.
    fn orders(order: OrderId) -> [(Status, Scenario); 4] {
        let created = || created(order, CustomerId::new());
        let shipped = OrderShipped { order, tracking_number: "P1".into() };
        [
            (Status::Pending, given(created())),
            (Status::Confirmed, given((created(), OrderConfirmed { order }))),
            (Status::Shipped, given((created(), OrderConfirmed { order }, shipped))),
            (Status::Cancelled, given((created(), OrderCancelled { order, reason: "late".into() }))),
        ]
    }

    #[test]
    fn who_is_registered_may_order() {
        let (order, customer) = (OrderId::new(), CustomerId::new());
        let create = |lines| CreateOrder { order, customer, lines };
        let registered = CustomerRegistered { customer, name: "Ada".into() };
        given(registered.clone()).when(create(lines())).then(created(order, customer));
        given(registered.clone()).when(create(vec![])).rejected(OrderError::NoLines);
        given((registered, created(order, customer))).when(create(lines())).already_exists();
        nothing().when(create(lines())).not_found();
    }

    #[test]
    fn only_pending_orders_are_confirmed() {
        let order = OrderId::new();
        for (status, orders) in orders(order) {
            let outcome = orders.when(ConfirmOrder { order });
            match status {
                Status::Pending => outcome.then(OrderConfirmed { order }),
                other => outcome.rejected(OrderError::NotConfirmable(other)),
            };
        }
    }

    #[test]
    fn only_confirmed_orders_are_shipped() {
        let order = OrderId::new();
        for (status, orders) in orders(order) {
            let outcome = orders.when(ShipOrder { order, tracking_number: "P2".into() });
            match status {
                Status::Confirmed => outcome.then(OrderShipped { order, tracking_number: "P2".into() }),
                other => outcome.rejected(OrderError::NotShippable(other)),
            };
        }
    }

    #[test]
    fn what_is_not_shipped_can_be_cancelled_once() {
        let order = OrderId::new();
        for (status, orders) in orders(order) {
            let outcome = orders.when(CancelOrder { order, reason: "found better".into() });
            if status.is_open() {
                outcome.then(OrderCancelled { order, reason: "found better".into() });
            } else {
                outcome.rejected(OrderError::NotCancellable(status));
            }
        }
    }
}
