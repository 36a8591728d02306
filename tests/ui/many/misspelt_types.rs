//! Types that are not there: each is said once, though the expansions name it too.

include!("../shop.rs");

#[command]
fn ship(cmd: Ship, order: Option<&Oder>) -> Result<Shiped, Refused> {
    let _ = order;
    Ok(Shipped { order: cmd.order })
}

#[query]
async fn count(_: Count, _orders: Views<Sumary>) -> Result<u64, QueryError> {
    Ok(0)
}

#[policy(on = [Created])]
fn answer(_: &Created) -> Option<Shp> {
    None
}

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    pub order: OrderId,
    pub total: i64,
}

#[projection(on = [Created])]
impl Parcel {
    fn created(e: &Created, order: Option<&Sumary>) -> Self {
        Self { order: e.order, total: order.map_or(0, |order| order.total) }
    }
}

fn main() {}
