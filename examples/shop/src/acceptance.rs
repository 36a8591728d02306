//! An acceptance suite: what every write side of this shop must do.
//!
//! It sends commands and queries by a [`Client`]: an app in this process, or a client of a shop on the network. So it depends on
//! nothing of a write side but [`contracts`](crate::contracts). A scenario panics if the shop behaves otherwise. Every
//! scenario creates new ids, so all of them can run on one shop.
//!
//! ```
//! # use cqrs_runtime::{App, log::MemoryLog};
//! # tokio::runtime::Runtime::new()?.block_on(async {
//! let app = App::builder().log(MemoryLog::new()).build().await?;
//! shop::acceptance::run(&app, app.log()).await;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! # })?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::sync::Arc;

use cqrs_runtime::EventLog;
use cqrs_runtime::client::Client;
use cqrs_runtime::error::Rejecting;
use cqrs_runtime::message::Handling;
use cqrs_runtime::prelude::*;
use serde::de::DeserializeOwned;

use crate::contracts::{
    CancelOrder, ConfirmOrder, CreateOrder, CustomerId, Line, Money, OrderId, ProductId, RegisterCustomer,
    RenameCustomer, ShipOrder, Status,
};
use crate::read::{CustomersNamed, OrderDetail, OrderDetails, OrderHistory, OrderSummary};

/// Runs every scenario on the shop that this client reaches. The log is the shop's.
///
/// # Panics
/// If one of them fails.
pub async fn run(client: &impl Client, log: &Arc<dyn EventLog>) {
    let shop = Shop { client, log };
    an_order_is_made_confirmed_and_shipped(&shop).await;
    an_order_is_cancelled_until_it_ships(&shop).await;
    the_history_is_newest_first_and_paged(&shop).await;
    a_rename_reaches_the_summaries(&shop).await;
    what_is_not_there_is_refused(&shop).await;
    what_is_there_is_not_made_again(&shop).await;
    what_makes_no_sense_is_refused(&shop).await;
    an_id_takes_effect_once(&shop).await;
}

/// From the order to the parcel, with its charges.
async fn an_order_is_made_confirmed_and_shipped(shop: &Shop<'_, impl Client>) {
    let (customer, order) = (shop.customer("Ada Lovelace").await, OrderId::new());

    shop.accepts(CreateOrder { order, customer, lines: vec![line("cup", 2, 12_50), line("tea", 1, 4_99)] }).await;
    shop.refuses(ship(order), "only a confirmed order can be shipped, and this one is pending").await;
    let summary = shop.summaries(customer).await.remove(0);
    assert_eq!((summary.order, summary.customer_name.as_str()), (order, "Ada Lovelace"));
    assert_eq!((summary.item_count, summary.status), (3, Status::Pending));
    assert_eq!(summary.total, Money::from_cents(29_99 + 2_40 + 4_90));

    shop.accepts(ConfirmOrder { order }).await;
    shop.refuses(ConfirmOrder { order }, "only a pending order can be confirmed, and this one is confirmed").await;
    shop.refuses(ShipOrder { order, tracking_number: " ".into() }, "a shipment needs a tracking number").await;
    shop.accepts(ship(order)).await;
    shop.refuses(ship(order), "only a confirmed order can be shipped, and this one is shipped").await;

    assert_eq!(shop.summaries(customer).await[0].status, Status::Shipped);
    let detail = shop.detail(order).await;
    let lines = detail.lines.iter().map(|line| (line.product_name.as_str(), line.quantity, line.line_total.cents()));
    assert_eq!(lines.collect::<Vec<_>>(), [("The cup", 2, 25_00), ("The tea", 1, 4_99)]);
    let amounts = [detail.subtotal, detail.tax, detail.shipping, detail.total].map(Money::cents);
    assert_eq!(amounts, [29_99, 2_40, 4_90, 37_29]);
    assert_eq!((detail.status, detail.tracking_number.as_deref()), (Status::Shipped, Some("PARCEL-1")));
    let timeline: Vec<_> = detail.timeline.iter().map(|entry| entry.status).collect();
    assert_eq!(timeline, [Status::Pending, Status::Confirmed, Status::Shipped]);
    assert!(detail.timeline.is_sorted_by_key(|entry| entry.at), "{:?}", detail.timeline);
}

/// Pending and confirmed orders can be cancelled, others not.
async fn an_order_is_cancelled_until_it_ships(shop: &Shop<'_, impl Client>) {
    let customer = shop.customer("Grace Hopper").await;
    let cancel = |order| CancelOrder { order, reason: "changed her mind".into() };

    let pending = shop.order(customer).await;
    shop.refuses(CancelOrder { order: pending, reason: String::new() }, "a cancellation needs a reason").await;
    shop.accepts(cancel(pending)).await;
    let detail = shop.detail(pending).await;
    assert_eq!((detail.status, detail.cancelled_because.as_deref()), (Status::Cancelled, Some("changed her mind")));
    shop.refuses(cancel(pending), "only a pending or confirmed order can be cancelled, and this one is cancelled")
        .await;
    shop.refuses(ConfirmOrder { order: pending }, "this one is cancelled").await;

    let confirmed = shop.order(customer).await;
    shop.accepts(ConfirmOrder { order: confirmed }).await;
    shop.accepts(cancel(confirmed)).await;
    assert_eq!(shop.detail(confirmed).await.status, Status::Cancelled);

    let shipped = shop.order(customer).await;
    shop.accepts(ConfirmOrder { order: shipped }).await;
    shop.accepts(ship(shipped)).await;
    shop.refuses(cancel(shipped), "only a pending or confirmed order can be cancelled, and this one is shipped").await;
    assert_eq!(shop.detail(shipped).await.status, Status::Shipped);
}

/// The pages of a history together give the whole history.
async fn the_history_is_newest_first_and_paged(shop: &Shop<'_, impl Client>) {
    let (customer, other) = (shop.customer("Mary Shelley").await, shop.customer("Percy Shelley").await);
    let mut orders = Vec::new();
    for _ in 0..5 {
        orders.insert(0, shop.order(customer).await);
        shop.order(other).await;
    }
    let page = async |limit, offset| {
        let page = shop.asks(OrderHistory { customer, limit, offset }).await;
        page.into_iter().map(|summary| summary.order).collect::<Vec<_>>()
    };
    assert_eq!(page(10, 0).await, orders);
    assert_eq!(page(2, 0).await, orders[..2]);
    assert_eq!(page(2, 2).await, orders[2..4]);
    assert_eq!(page(2, 4).await, orders[4..]);
    assert_eq!(page(2, 5).await, []);
}

/// A customer's new name shows on her earlier and later orders, and on nobody else's.
async fn a_rename_reaches_the_summaries(shop: &Shop<'_, impl Client>) {
    let (customer, other) = (shop.customer("Marie Sklodowska").await, shop.customer("Pierre Curie").await);
    for of in [customer, customer, other] {
        shop.order(of).await;
    }
    let name = format!("Marie Curie {customer}");
    let renamed = shop.accepts(RenameCustomer { customer, name: format!(" {name} ") }).await;
    assert_eq!(renamed, 1);
    let again = shop.accepts(RenameCustomer { customer, name: name.clone() }).await;
    assert_eq!(again, 0, "the name that she has already is no news");
    shop.order(customer).await;

    let names = async |of| shop.summaries(of).await.into_iter().map(|order| order.customer_name).collect::<Vec<_>>();
    assert_eq!(names(customer).await, [name.as_str(); 3]);
    assert_eq!(names(other).await, ["Pierre Curie"]);
    let found = shop.asks(CustomersNamed { name }).await;
    assert_eq!(found.into_iter().map(|card| card.customer).collect::<Vec<_>>(), [customer]);
}

/// Missing orders and customers are refused.
async fn what_is_not_there_is_refused(shop: &Shop<'_, impl Client>) {
    let order = OrderId::new();
    shop.refuses(ConfirmOrder { order }, &format!("Order `{order}` not found")).await;
    shop.refuses(ship(order), &format!("Order `{order}` not found")).await;
    shop.refuses(CancelOrder { order, reason: "late".into() }, &format!("Order `{order}` not found")).await;
    assert_eq!(shop.asks(OrderDetails { order }).await, None);

    let customer = CustomerId::new();
    let missing = format!("Customer `{customer}` not found");
    shop.refuses(CreateOrder { order, customer, lines: vec![line("cup", 1, 1_00)] }, &missing).await;
    shop.refuses(RenameCustomer { customer, name: "Nobody".into() }, &missing).await;
    assert_eq!(shop.summaries(customer).await, []);
}

/// No second customer, no second order of one id.
async fn what_is_there_is_not_made_again(shop: &Shop<'_, impl Client>) {
    let customer = shop.customer("Emmy Noether").await;
    let twice = RegisterCustomer { customer, name: "Emmy Noether".into() };
    shop.refuses(twice, &format!("Customer `{customer}` already exists")).await;

    let order = shop.order(customer).await;
    let twice = CreateOrder { order, customer, lines: vec![line("cup", 9, 1_00)] };
    shop.refuses(twice, &format!("Order `{order}` already exists")).await;
    assert_eq!(shop.summaries(customer).await.len(), 1);
}

/// Nameless customers, orders of nothing.
async fn what_makes_no_sense_is_refused(shop: &Shop<'_, impl Client>) {
    shop.refuses(RegisterCustomer { customer: CustomerId::new(), name: "  ".into() }, "a customer needs a name").await;
    let customer = shop.customer("Lise Meitner").await;
    shop.refuses(RenameCustomer { customer, name: String::new() }, "a customer needs a name").await;

    let order = OrderId::new();
    let create = |lines| CreateOrder { order, customer, lines };
    shop.refuses(create(vec![]), "an order needs at least one line").await;
    shop.refuses(create(vec![line("cup", 0, 1_00)]), "the line of product `cup` has quantity 0").await;
    shop.refuses(create(vec![line("cup", 1, -1)]), "a price cannot be negative").await;
    shop.refuses(create(vec![line("cup", u32::MAX, i64::MAX)]), "the most that one order may come to").await;
    assert_eq!(shop.asks(OrderDetails { order }).await, None);
}

/// The same command id again is the same command again.
async fn an_id_takes_effect_once(shop: &Shop<'_, impl Client>) {
    let (customer, order) = (shop.customer("Ada Byron").await, OrderId::new());
    let id = CommandId::random();
    let send = async || {
        let command = CreateOrder { order, customer, lines: vec![line("cup", 1, 1_00)] };
        shop.sends(command, Meta::new().command_id(id.clone())).await.expect("the shop should accept the order")
    };
    let (first, second) = (send().await, send().await);
    assert!(!first.is_repeated() && second.is_repeated());
    assert_eq!((first.position(), first.events()), (second.position(), second.events()));
    assert_eq!(shop.summaries(customer).await.len(), 1);
}

/// A shop, as its clients see it.
struct Shop<'a, S> {
    client: &'a S,
    log: &'a Arc<dyn EventLog>,
}

impl<S: Client> Shop<'_, S> {
    async fn sends<C: Command<Error: Rejecting>>(&self, command: C, meta: Meta) -> Handling<C> {
        self.client.execute_with(command, meta).await
    }

    /// How many events it stated.
    async fn accepts<C: Command<Error: Rejecting>>(&self, command: C) -> u32 {
        let answer = self.sends(command, Meta::new()).await;
        answer.unwrap_or_else(|error| panic!("{} should have been accepted: {error}", C::NAME)).events()
    }

    async fn refuses<C: Command<Error: Rejecting>>(&self, command: C, because: &str) {
        let head = async || self.log.head().await.expect("the log can be read");
        let before = head().await;
        match self.sends(command, Meta::new()).await {
            Ok(_) => panic!("{} should have been refused", C::NAME),
            Err(CommandError::Remote(error)) => panic!("{}: `{error:?}` is no error of the shop", C::NAME),
            Err(error) => {
                let error = error.to_string();
                assert!(error.contains(because), "{}: `{error}` should say `{because}`", C::NAME);
            }
        }
        assert_eq!(head().await, before, "{} was refused and left an event", C::NAME);
    }

    /// Accepted commands are visible, at every level.
    async fn asks<Q: Query<Returns: DeserializeOwned>>(&self, query: Q) -> Q::Returns {
        let answer = self.client.ask(query).await;
        answer.unwrap_or_else(|error| panic!("{} should have been answered: {error}", Q::NAME))
    }

    async fn customer(&self, name: &str) -> CustomerId {
        let customer = CustomerId::new();
        self.accepts(RegisterCustomer { customer, name: name.into() }).await;
        customer
    }

    async fn order(&self, customer: CustomerId) -> OrderId {
        let order = OrderId::new();
        self.accepts(CreateOrder { order, customer, lines: vec![line("cup", 1, 12_50)] }).await;
        order
    }

    async fn summaries(&self, customer: CustomerId) -> Vec<OrderSummary> {
        self.asks(OrderHistory { customer, limit: 100, offset: 0 }).await
    }

    async fn detail(&self, order: OrderId) -> OrderDetail {
        self.asks(OrderDetails { order }).await.expect("the order should be there")
    }
}

fn line(product: &str, quantity: u32, cents: i64) -> Line {
    let unit_price = Money::from_cents(cents);
    Line { product: ProductId::new(product), product_name: format!("The {product}"), quantity, unit_price }
}

fn ship(order: OrderId) -> ShipOrder {
    ShipOrder { order, tracking_number: "PARCEL-1".into() }
}
