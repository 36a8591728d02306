//! CQRS112: a domain error's members are its own
//!
//! The fault: `status`

include!("../shop.rs");

#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("too much")]
    #[cqrs(status = 409)]
    TooMuch { status: u32 },
}

fn main() {}
