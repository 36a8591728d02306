//! A shopping cart on which each method changes the cart or answers, never both.
//!
//! No events, no log, no database: `#[cqs]` asks of a plain object what the rest of the framework asks of a whole system.
//! Only [`ShoppingCart`]'s commands change it, and they return nothing but why they refused; its queries may be asked at
//! any time, in any order, as often as one likes.

mod money;

use cqrs_runtime::cqs;

pub use money::Money;

/// The most of one product that a cart holds.
pub const MOST_OF_ONE: u32 = 1_000;

/// The highest price of one piece. A cart's total stays far within what [`Money`] can hold.
pub const HIGHEST_PRICE: Money = Money::from_cents(100_000_000);

/// The most different products in one cart.
pub const MOST_PRODUCTS: usize = 1_000;

/// So many pieces of one product, each at one price.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    product: String,
    price: Money,
    quantity: u32,
}

#[cqs]
impl Item {
    /// What it is.
    #[query]
    #[must_use]
    pub fn product(&self) -> &str {
        &self.product
    }

    /// The price of one.
    #[query]
    #[must_use]
    pub fn price(&self) -> Money {
        self.price
    }

    /// How many.
    #[query]
    #[must_use]
    pub fn quantity(&self) -> u32 {
        self.quantity
    }

    /// The price of all of them.
    #[query]
    #[must_use]
    pub fn total(&self) -> Money {
        self.price * self.quantity
    }
}

/// Why the cart refuses a command. It is then as it was.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CartError {
    /// The product has no name.
    #[error("a product needs a name")]
    NoProduct,
    /// None of something.
    #[error("the quantity of `{0}` is 0: remove it instead")]
    NoQuantity(String),
    /// More than [`MOST_OF_ONE`].
    #[error("{quantity} of `{product}` are more than {MOST_OF_ONE}, the most of one product")]
    TooMany {
        /// Of which product.
        product: String,
        /// How many it would be.
        quantity: u64,
    },
    /// More than [`MOST_PRODUCTS`].
    #[error("the cart holds {MOST_PRODUCTS} products, the most of one cart")]
    Full,
    /// More than [`HIGHEST_PRICE`].
    #[error("{price} for `{product}` is more than {HIGHEST_PRICE}, the highest price")]
    PriceTooHigh {
        /// Of which product.
        product: String,
        /// The price.
        price: Money,
    },
    /// The product is there already, at another price.
    #[error("`{product}` is in the cart at {price} already: remove it first")]
    OtherPrice {
        /// Which product.
        product: String,
        /// Its price in the cart.
        price: Money,
    },
    /// The product is not there.
    #[error("there is no `{0}` in the cart")]
    NotInCart(String),
    /// More than the whole.
    #[error("a discount of {0} % is more than the whole")]
    DiscountTooHigh(u8),
}

/// Items, and a discount on all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ShoppingCart {
    items: Vec<Item>,
    discount: u8,
}

#[cqs]
impl ShoppingCart {
    /// An empty cart, without discount.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds pieces of a product; to those that are there, if it is in the cart.
    ///
    /// # Errors
    /// No name, no quantity, too many, too high a price, or another price than that of those in the cart.
    #[command]
    pub fn add(&mut self, product: &str, price: Money, quantity: u32) -> Result<(), CartError> {
        if product.trim().is_empty() {
            return Err(CartError::NoProduct);
        }
        if price > HIGHEST_PRICE {
            return Err(CartError::PriceTooHigh { product: product.to_owned(), price });
        }
        let quantity = allowed(product, quantity.into())?;
        match self.position(product) {
            Ok(at) => {
                let item = &mut self.items[at];
                if item.price != price {
                    return Err(CartError::OtherPrice { product: product.to_owned(), price: item.price });
                }
                item.quantity = allowed(product, u64::from(item.quantity) + u64::from(quantity))?;
            }
            Err(_) if self.items.len() == MOST_PRODUCTS => return Err(CartError::Full),
            Err(_) => self.items.push(Item { product: product.to_owned(), price, quantity }),
        }
        Ok(())
    }

    /// Removes a product, all of it.
    ///
    /// # Errors
    /// It is not in the cart.
    #[command]
    pub fn remove(&mut self, product: &str) -> Result<(), CartError> {
        self.items.remove(self.position(product)?);
        Ok(())
    }

    /// Makes it so many pieces of a product.
    ///
    /// # Errors
    /// It is not in the cart, none, or too many.
    #[command]
    pub fn change_quantity(&mut self, product: &str, quantity: u32) -> Result<(), CartError> {
        let at = self.position(product)?;
        self.items[at].quantity = allowed(product, quantity.into())?;
        Ok(())
    }

    /// Takes so many per cent off the whole cart, in place of any discount before.
    ///
    /// # Errors
    /// More than 100.
    #[command]
    pub fn apply_discount(&mut self, percent: u8) -> Result<(), CartError> {
        if percent > 100 {
            return Err(CartError::DiscountTooHigh(percent));
        }
        self.discount = percent;
        Ok(())
    }

    /// Takes everything out, and the discount back.
    #[command]
    pub fn clear(&mut self) {
        self.items.clear();
        self.discount = 0;
    }

    /// What is in it, in the order in which it came.
    #[query]
    #[must_use]
    pub fn items(&self) -> &[Item] {
        &self.items
    }

    /// How many pieces.
    #[query]
    #[must_use]
    pub fn item_count(&self) -> u32 {
        self.items.iter().map(Item::quantity).sum()
    }

    /// Whether nothing is in it.
    #[query]
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// How many per cent are taken off.
    #[query]
    #[must_use]
    pub fn discount(&self) -> u8 {
        self.discount
    }

    /// What it costs, with the discount, rounded to the cent in the customer's favour.
    #[query]
    #[must_use]
    pub fn total(&self) -> Money {
        let whole: Money = self.items.iter().map(Item::total).sum();
        whole.without_percent(self.discount)
    }

    /// Where a product is. A private method need not be marked; this one is, and is held to it.
    #[query]
    fn position(&self, product: &str) -> Result<usize, CartError> {
        let at = self.items.iter().position(|item| item.product == product);
        at.ok_or_else(|| CartError::NotInCart(product.to_owned()))
    }
}

/// A quantity that one product may have.
fn allowed(product: &str, quantity: u64) -> Result<u32, CartError> {
    match u32::try_from(quantity) {
        Ok(0) => Err(CartError::NoQuantity(product.to_owned())),
        Ok(allowed) if allowed <= MOST_OF_ONE => Ok(allowed),
        _ => Err(CartError::TooMany { product: product.to_owned(), quantity }),
    }
}

#[cfg(test)]
mod tests;
