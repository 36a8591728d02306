//! CQRS106: an identifier is a newtype: what to write instead.

include!("../shop.rs");

#[derive(Id)]
pub struct ParcelId(u64);
