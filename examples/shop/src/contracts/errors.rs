//! Why the shop refuses a command.

use cqrs_runtime::DomainError;

use super::{Money, ProductId, Status};

/// Why a command about a customer is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, DomainError)]
pub enum CustomerError {
    /// The name is empty, or nothing but space.
    #[error("a customer needs a name")]
    NoName,
    /// What a write side on tables finds there, or does not.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Why a command about an order is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, DomainError)]
pub enum OrderError {
    /// No lines.
    #[error("an order needs at least one line")]
    NoLines,
    /// A line of nothing.
    #[error("the line of product `{0}` has quantity 0: leave it out")]
    NoQuantity(ProductId),
    /// A price below zero.
    #[error("product `{product}` has the price {price}: a price cannot be negative")]
    NegativePrice {
        /// Of which product.
        product: ProductId,
        /// The price.
        price: Money,
    },
    /// More than the shop sells at once.
    #[error("the lines come to more than {limit}, the most that one order may come to")]
    TooLarge {
        /// The most that one order may come to.
        limit: Money,
    },
    /// Not pending.
    #[error("only a pending order can be confirmed, and this one is {0}")]
    #[cqrs(status = 409)]
    NotConfirmable(Status),
    /// Not confirmed.
    #[error("only a confirmed order can be shipped, and this one is {0}")]
    #[cqrs(status = 409)]
    NotShippable(Status),
    /// No tracking number.
    #[error("a shipment needs a tracking number")]
    NoTrackingNumber,
    /// Neither pending nor confirmed.
    #[error("only a pending or confirmed order can be cancelled, and this one is {0}")]
    #[cqrs(status = 409)]
    NotCancellable(Status),
    /// No reason.
    #[error("a cancellation needs a reason")]
    NoReason,
    /// What a write side on tables finds there, or does not.
    #[error(transparent)]
    Table(#[from] TableError),
}

/// Errors of a write side with its own tables. For aggregates the runtime has them:
/// `CommandError::NotFound`, `AlreadyExists` and `Unavailable`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, DomainError)]
pub enum TableError {
    /// No row has that id.
    #[error("{0} `{1}` not found")]
    #[cqrs(status = 404)]
    NotFound(&'static str, String),
    /// A row with that id exists.
    #[error("{0} `{1}` already exists")]
    #[cqrs(status = 409)]
    AlreadyExists(&'static str, String),
    /// An error of the database, or a row that this program did not write.
    #[error("the database failed: {0}")]
    #[cqrs(status = 503)]
    Database(String),
}
