//! CQRS112: a domain error's members are its own: what to write instead.

include!("../shop.rs");

#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("too much")]
    #[cqrs(status = 409)]
    TooMuch { limit: u32 },
}

fn main() {}
