//! Who put something into the cart pays what was shown, for a while.
//!
//! The boundary of [`PlaceOrder`] is every product in the cart, however many: `Many<Product>`. Each remembers the price
//! before the present one and when it ended, so that the decision itself can tell a price that was just shown from one that
//! never was. The cart carries no signed offer, and no job ends old prices when their time is over.

use std::collections::BTreeSet;

use cqrs_runtime::prelude::*;

/// How long a price is honoured after it has changed, in microseconds: ten minutes.
const GRACE: i64 = 10 * 60 * 1_000_000;

/// Names a product.
#[derive(Id)]
pub struct ProductId(Uuid);

/// Names an order.
#[derive(Id)]
pub struct OrderId(Uuid);

/// A line of the cart: one product, at the price that was shown.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct CartLine {
    /// What.
    pub product: ProductId,
    /// The price that was shown, in cents.
    pub cents: u64,
}

/// A product is for sale.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct ProductOffered {
    /// Which.
    #[tag]
    pub product: ProductId,
    /// Its price, in cents.
    pub cents: u64,
}

/// A product has another price.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct PriceChanged {
    /// Which.
    #[tag]
    pub product: ProductId,
    /// Its new price, in cents.
    pub cents: u64,
}

/// What was in the cart is ordered, at these prices.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct OrderPlaced {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// What, at what prices.
    pub lines: Vec<CartLine>,
}

/// Puts a product up for sale.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = PriceError)]
pub struct OfferProduct {
    /// The new product's id.
    pub product: ProductId,
    /// Its price, in cents.
    pub cents: u64,
}

/// Gives a product another price.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = PriceError)]
pub struct ChangePrice {
    /// Which.
    pub product: ProductId,
    /// Its new price, in cents.
    pub cents: u64,
}

/// Orders what is in the cart.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = PriceError)]
pub struct PlaceOrder {
    /// The new order's id.
    pub order: OrderId,
    /// The cart.
    pub lines: Vec<CartLine>,
}

/// Why a command about prices is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PriceError {
    /// An empty cart.
    #[error("the cart is empty")]
    EmptyCart,
    /// One product on two lines.
    #[error("product `{0}` is in the cart twice")]
    Twice(ProductId),
    /// A price that is not shown, nor was a while ago.
    #[error("product `{product}` costs {cents} cents now, and the cart has another price")]
    Outdated {
        /// Which product.
        product: ProductId,
        /// What it costs now, in cents.
        cents: u64,
    },
}

/// What decisions about a product need to know.
#[derive(Debug)]
pub struct Product {
    cents: u64,
    /// Earlier prices, each with when it ended.
    former: Vec<(u64, Timestamp)>,
}

impl Product {
    /// Whether it costs so much at a time, or did a while before.
    fn honours(&self, cents: u64, at: Timestamp) -> bool {
        let lately = |&(former, ended): &(u64, Timestamp)| former == cents && micros(ended, at) <= GRACE;
        self.cents == cents || self.former.iter().any(lately)
    }
}

fn micros(from: Timestamp, to: Timestamp) -> i64 {
    to.as_micros() - from.as_micros()
}

#[aggregate(id = ProductId, on = [ProductOffered, PriceChanged])]
impl Product {
    fn offered(event: &ProductOffered) -> Self {
        Self { cents: event.cents, former: Vec::new() }
    }

    fn changed(&mut self, event: &Recorded<PriceChanged>) {
        // Those that ended a while before this one did are no one's any more.
        let at = event.recorded_at();
        self.former.retain(|&(_, ended)| micros(ended, at) <= GRACE);
        self.former.push((self.cents, at));
        self.cents = event.cents;
    }
}

/// An order is there, or it is not.
#[derive(Debug)]
pub struct Order;

#[aggregate(id = OrderId, on = [OrderPlaced])]
impl Order {
    fn placed(_: &OrderPlaced) -> Self {
        Self
    }
}

#[command]
fn offer(cmd: OfferProduct, _product: Absent<Product>) -> Result<ProductOffered, PriceError> {
    Ok(ProductOffered { product: cmd.product, cents: cmd.cents })
}

/// The price that a product has already is no news: accepted, and no event.
#[command]
fn change_price(cmd: ChangePrice, product: &Product) -> Result<Option<PriceChanged>, PriceError> {
    let ChangePrice { product: id, cents } = cmd;
    Ok((cents != product.cents).then_some(PriceChanged { product: id, cents }))
}

/// Consistent over every product in the cart: no price changes between the look at it and the order.
#[command]
fn place_order(
    cmd: PlaceOrder,
    _order: Absent<Order>,
    #[id(cmd.lines.iter().map(|line| line.product))] products: Many<Product>,
    meta: &Meta,
) -> Result<OrderPlaced, PriceError> {
    if cmd.lines.is_empty() {
        return Err(PriceError::EmptyCart);
    }
    let mut seen = BTreeSet::new();
    for (line, product) in cmd.lines.iter().zip(products) {
        if !seen.insert(line.product) {
            return Err(PriceError::Twice(line.product));
        }
        if !product.honours(line.cents, meta.at) {
            return Err(PriceError::Outdated { product: line.product, cents: product.cents });
        }
    }
    Ok(OrderPlaced { order: cmd.order, lines: cmd.lines })
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{given, nothing};

    use super::*;

    /// A request so many minutes after the scenario's events.
    fn after(minutes: i64) -> Meta {
        let mut meta = Meta::new();
        meta.at = Timestamp::from_micros(meta.at.as_micros() + minutes * 60 * 1_000_000).unwrap();
        meta
    }

    fn order(order: OrderId, lines: &[(ProductId, u64)]) -> PlaceOrder {
        let lines = lines.iter().map(|&(product, cents)| CartLine { product, cents }).collect();
        PlaceOrder { order, lines }
    }

    #[test]
    fn a_product_is_offered_once_and_its_price_changes() {
        let product = ProductId::new();
        let offered = ProductOffered { product, cents: 500 };
        let change = |cents| ChangePrice { product, cents };
        nothing().when(OfferProduct { product, cents: 500 }).then(offered.clone());
        given(offered.clone()).when(OfferProduct { product, cents: 500 }).already_exists();
        given(offered.clone()).when(change(600)).then(PriceChanged { product, cents: 600 });
        given(offered).when(change(500)).then_nothing();
        nothing().when(change(600)).not_found();
    }

    #[test]
    fn the_present_price_is_good_at_any_time_and_no_other_ever() {
        let (id, product) = (OrderId::new(), ProductId::new());
        let offered = || given(ProductOffered { product, cents: 500 }).meta(after(60));
        let lines = vec![CartLine { product, cents: 500 }];
        offered().when(order(id, &[(product, 500)])).then(OrderPlaced { order: id, lines });
        offered().when(order(id, &[(product, 499)])).rejected(PriceError::Outdated { product, cents: 500 });
    }

    #[test]
    fn a_former_price_is_good_for_ten_minutes() {
        let (id, product) = (OrderId::new(), ProductId::new());
        let history = || {
            let changed = |cents| PriceChanged { product, cents };
            given((ProductOffered { product, cents: 500 }, changed(600), changed(700)))
        };
        let outdated = PriceError::Outdated { product, cents: 700 };
        for cents in [500, 600] {
            let lines = vec![CartLine { product, cents }];
            let command = order(id, &[(product, cents)]);
            history().meta(after(9)).when(command.clone()).then(OrderPlaced { order: id, lines });
            history().meta(after(11)).when(command).rejected(outdated.clone());
        }
    }

    #[test]
    fn each_line_is_looked_at() {
        let (id, one, two) = (OrderId::new(), ProductId::new(), ProductId::new());
        let offered = || given([one, two].map(|product| ProductOffered { product, cents: 500 }));
        offered()
            .when(order(id, &[(one, 500), (two, 400)]))
            .rejected(PriceError::Outdated { product: two, cents: 500 });
        offered().when(order(id, &[(one, 500), (one, 500)])).rejected(PriceError::Twice(one));
        offered().when(order(id, &[(one, 500), (ProductId::new(), 500)])).not_found();
        offered().when(order(id, &[])).rejected(PriceError::EmptyCart);
    }

    #[test]
    fn an_order_is_placed_once() {
        let (id, product) = (OrderId::new(), ProductId::new());
        let placed = OrderPlaced { order: id, lines: vec![] };
        given((ProductOffered { product, cents: 500 }, placed)).when(order(id, &[(product, 500)])).already_exists();
    }
}
