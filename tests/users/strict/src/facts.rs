//! What has happened, and what decisions are made on.

use ::core::default::Default;
use ::core::option::Option;
use ::cqrs_runtime::{Event, Id, Recorded, Uuid, aggregate};
use ::serde::{Deserialize, Serialize};
use ::std::string::String;
use ::std::vec::Vec;

/// Names an order.
#[derive(Id)]
pub struct OrderId(Uuid);

/// Names a product.
#[derive(Id)]
#[cqrs(name = "sku")]
pub struct ProductId(String);

/// An order was opened.
#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// What for.
    #[tag]
    pub products: Vec<ProductId>,
}

/// How an order was shipped, at first.
#[derive(Event, Serialize, Deserialize)]
#[cqrs(name = "Shipped")]
pub struct ShippedV1 {
    /// Which.
    #[tag]
    pub order: OrderId,
}

/// An order was shipped.
#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2, from = ShippedV1)]
pub struct Shipped {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// A field whose name is a keyword.
    pub r#type: String,
}

impl ::core::convert::From<ShippedV1> for Shipped {
    fn from(old: ShippedV1) -> Self {
        Self { order: old.order, r#type: String::new() }
    }
}

/// A note was made: perhaps on a product.
#[derive(Event, Serialize, Deserialize)]
pub struct Noted {
    /// Which.
    #[tag]
    pub order: OrderId,
    /// On what.
    #[tag]
    pub product: Option<ProductId>,
    /// What.
    pub note: String,
}

/// A product was offered.
#[derive(Event, Serialize, Deserialize)]
pub struct Offered {
    /// Which.
    #[tag]
    pub product: ProductId,
}

/// An order.
#[derive(Default)]
pub struct Order {
    pub(crate) shipped: bool,
    pub(crate) notes: u32,
}

#[aggregate(id = OrderId, on = [Opened, Shipped, Noted])]
impl Order {
    fn opened(_: &Opened) -> Self {
        Self::default()
    }
    fn shipped(&mut self, event: &Recorded<Shipped>, id: &OrderId) {
        self.shipped = event.order == *id;
    }
    fn noted(this: Option<Self>, _: &Noted) -> Self {
        let this = this.unwrap_or_default();
        Self { notes: this.notes + 1, ..this }
    }
}

/// A product.
pub struct Product;

#[aggregate(id = ProductId, on = [Offered], ignore = [Opened])]
impl Product {
    fn offered(_: &Offered) -> Self {
        Self
    }
}
