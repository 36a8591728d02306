//! CQRS112: a domain error's codes are its own: what to write instead.

include!("../shop.rs");

#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("too much")]
    TooMuch,
    #[error("too little")]
    #[cqrs(code = "too-little")]
    TooLittle,
}

fn main() {}
