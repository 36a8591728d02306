//! Handlers of messages that are defined in another crate.

use ::core::convert::Infallible;
use ::core::result::Result::{self, Ok};
use ::cqrs_runtime::{QueryError, command, query};
use ::edition2018_user::contracts::{Offer, Offered, ShelvesOf};

#[command(foreign)]
fn offer(cmd: Offer) -> Result<Offered, Infallible> {
    Ok(Offered { product: cmd.product })
}

#[query(foreign)]
async fn shelves_of(_q: ShelvesOf) -> Result<i64, QueryError> {
    Ok(0)
}
