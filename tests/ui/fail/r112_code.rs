//! CQRS112: a domain error's codes are its own
//!
//! The fault: `"TooMuch"`

include!("../shop.rs");

#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("too much")]
    TooMuch,
    #[error("too little")]
    #[cqrs(code = "TooMuch")]
    TooLittle,
}

fn main() {}
