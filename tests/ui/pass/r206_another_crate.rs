//! CQRS206: the handler of another crate's message says so: what to write instead.

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{Account, AccountClosed, BankError, CloseAccount};

#[command(foreign)]
fn close(cmd: CloseAccount, _account: &Account) -> Result<AccountClosed, BankError> {
    Ok(AccountClosed { account: cmd.account })
}
