//! Sample domains: small programs that tests run.

pub mod club;
pub mod crowd;
pub mod doors;
pub mod tally;
