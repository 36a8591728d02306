//! CQRS112: a domain error's codes are its own, those of an error that it wraps too: what to write instead.

use cqrs_runtime::prelude::*;

#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("declined")]
    Declined,
}

#[derive(Debug, thiserror::Error, DomainError)]
pub enum OrderError {
    #[error("declined by the shop")]
    #[cqrs(code = "DeclinedByTheShop")]
    Declined,
    #[error(transparent)]
    Payment(#[from] PaymentError),
}

fn main() {}
