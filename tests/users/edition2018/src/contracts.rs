//! Messages and events that are handled elsewhere.

use cqrs_runtime::prelude::*;

/// Names a product.
#[derive(Id)]
pub struct ProductId(String);

/// A product was offered.
#[derive(Event, Serialize, Deserialize)]
pub struct Offered {
    /// Which.
    #[tag]
    pub product: ProductId,
}

/// Offers a product.
#[derive(Command, Serialize, Deserialize)]
pub struct Offer {
    /// Which.
    pub product: ProductId,
}

/// What is on shelves.
#[derive(View, Serialize, Deserialize)]
pub struct OnShelf {
    /// Which.
    #[key]
    pub product: ProductId,
    /// On how many.
    #[index]
    pub shelves: i64,
}

/// On how many shelves a product is.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = i64)]
pub struct ShelvesOf {
    /// Which.
    pub product: ProductId,
}
