//! CQRS206: the handler of another crate's message says so
//!
//! The fault: `CloseAccount`

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{Account, AccountClosed, BankError, CloseAccount};

#[command]
fn close(cmd: CloseAccount, _account: &Account) -> Result<AccountClosed, BankError> {
    Ok(AccountClosed { account: cmd.account })
}

fn main() {}
