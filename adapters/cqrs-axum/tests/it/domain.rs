//! A domain in which everything happens that HTTP has an answer for.

use std::sync::Arc;

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use tokio::sync::Semaphore;

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct OrderCreated {
    #[tag]
    pub order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct OrderShipped {
    #[tag]
    pub order: OrderId,
    pub tracking_number: String,
    pub by: Option<String>,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId)]
pub struct CreateOrder {
    pub order: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = ShippingError)]
pub struct ShipOrder {
    pub order: OrderId,
    pub tracking_number: String,
}

/// Waits until the test lets it go on.
#[derive(Command, Serialize, Deserialize)]
pub struct ShipSlowly {
    pub order: OrderId,
}

#[derive(Command, Serialize, Deserialize)]
pub struct Explode {
    pub order: OrderId,
}

#[derive(Debug, thiserror::Error, DomainError)]
pub enum ShippingError {
    #[error("it was shipped as {tracking_number} already")]
    #[cqrs(code = "already-shipped", status = 409)]
    AlreadyShipped { tracking_number: String },
    #[error("a shipment needs a tracking number")]
    NoTrackingNumber,
    #[error("secret {0}")]
    #[cqrs(status = 503)]
    CarrierDown(String),
    #[error(transparent)]
    Carrier(#[from] CarrierError),
}

#[derive(Debug, thiserror::Error, DomainError)]
#[error("the carrier has no depot {0}")]
#[cqrs(status = 410)]
pub struct CarrierError(u32, #[source] std::fmt::Error);

pub struct Order {
    tracking_number: Option<String>,
}

#[aggregate(id = OrderId, on = [OrderCreated, OrderShipped])]
impl Order {
    fn created(_: &OrderCreated) -> Self {
        Order { tracking_number: None }
    }
    fn shipped(&mut self, event: &OrderShipped) {
        self.tracking_number = Some(event.tracking_number.clone());
    }
}

#[command]
fn create(
    cmd: CreateOrder,
    _order: Absent<Order>,
) -> Result<Decision<OrderCreated, OrderId>, std::convert::Infallible> {
    Ok(emit(OrderCreated { order: cmd.order }).returning(cmd.order))
}

#[command]
fn ship(cmd: ShipOrder, order: &Order, meta: &Meta) -> Result<OrderShipped, ShippingError> {
    if let Some(tracking_number) = order.tracking_number.clone() {
        return Err(ShippingError::AlreadyShipped { tracking_number });
    }
    match &*cmd.tracking_number {
        "" => Err(ShippingError::NoTrackingNumber),
        "down" => Err(ShippingError::CarrierDown("secret".into())),
        "depot 7" => Err(CarrierError(7, std::fmt::Error).into()),
        _ => Ok(OrderShipped { order: cmd.order, tracking_number: cmd.tracking_number, by: meta.actor.clone() }),
    }
}

/// Holds what waits for it.
pub struct Gate {
    pub arrived: Semaphore,
    pub open: Semaphore,
}

#[command]
async fn ship_slowly(
    cmd: ShipSlowly,
    _order: &Order,
    gate: State<Gate>,
) -> Result<OrderShipped, std::convert::Infallible> {
    gate.arrived.add_permits(1);
    gate.open.acquire().await.expect("it is never closed").forget();
    Ok(OrderShipped { order: cmd.order, tracking_number: "slow".into(), by: None })
}

#[command]
fn explode(cmd: Explode) -> Result<OrderCreated, std::convert::Infallible> {
    panic!("secret of {:?}", cmd.order)
}

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    pub tracking_number: Option<String>,
    pub by: Option<String>,
}

#[projection(on = [OrderCreated, OrderShipped])]
impl Parcel {
    fn created(event: &OrderCreated) -> Self {
        Parcel { order: event.order, tracking_number: None, by: None }
    }
    fn shipped(&mut self, event: &OrderShipped) {
        self.tracking_number = Some(event.tracking_number.clone());
        self.by.clone_from(&event.by);
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<Parcel>)]
pub struct ParcelOf {
    pub order: OrderId,
}

#[query]
async fn parcel_of(q: ParcelOf, parcels: Views<Parcel>) -> Result<Option<Parcel>, QueryError> {
    parcels.get(q.order).await
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<Parcel>, consistency = read_your_writes)]
pub struct MyParcel {
    pub order: OrderId,
}

#[query]
async fn my_parcel(q: MyParcel, parcels: Views<Parcel>) -> Result<Option<Parcel>, QueryError> {
    parcels.get(q.order).await
}

/// Answers what it was asked.
#[derive(Query, Serialize, Deserialize, Clone)]
#[cqrs(returns = Echo)]
pub struct Echo {
    pub text: String,
    pub number: Option<i64>,
    #[serde(default)]
    pub ratio: f64,
    #[serde(default)]
    pub flag: bool,
    #[serde(default)]
    pub orders: Vec<OrderId>,
    #[serde(default)]
    pub numbers: Vec<u8>,
    #[serde(default)]
    pub kind: Kind,
    pub range: Option<Range>,
}

#[derive(Serialize, Deserialize, Clone, Copy, Default)]
pub enum Kind {
    #[default]
    Small,
    Large,
}

#[derive(Serialize, Deserialize, Clone)]
pub struct Range {
    pub from: u32,
    pub to: u32,
}

#[query]
async fn echo(q: Echo) -> Result<Echo, QueryError> {
    match &*q.text {
        "explode" => panic!("secret"),
        "fail" => Err(QueryError::failed("secret: password")),
        "carrier" => Err(QueryError::failed(CarrierError(9, std::fmt::Error))),
        _ => Ok(q),
    }
}

pub fn gate() -> Arc<Gate> {
    Arc::new(Gate { arrived: Semaphore::new(0), open: Semaphore::new(0) })
}

pub async fn app_with(gate: &Arc<Gate>) -> App {
    App::builder()
        .log(MemoryLog::new())
        .shared_state(Arc::clone(gate))
        .only_modules(["it::domain"])
        .build()
        .await
        .unwrap()
}

pub async fn app() -> App {
    app_with(&gate()).await
}
