//! No two accounts have one name.
//!
//! A name is an entity like any other: its id is its text, and its [`Claim`] is folded from the events that carry it as a
//! tag. The boundary of [`RegisterAccount`] is the new account and the name, whether or not anyone ever had it. So there is
//! no table of reserved names to keep in step, and nothing is searched: a read model, which lags, is not asked.

use cqrs_runtime::prelude::*;

/// Names an account.
#[derive(Id)]
pub struct AccountId(Uuid);

/// A user name as it is compared: trimmed, in small letters.
#[derive(Id)]
pub struct Username(String);

impl Username {
    /// What a written name is compared as.
    #[must_use]
    pub fn of(written: &str) -> Self {
        Self::new(written.trim().to_lowercase())
    }
}

/// An account is made, and its name taken.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct AccountRegistered {
    /// Which.
    #[tag]
    pub account: AccountId,
    /// Its name.
    #[tag]
    pub username: Username,
}

/// An account has another name, and its former one is free: a fact about two names.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct UsernameChanged {
    /// Which.
    #[tag]
    pub account: AccountId,
    /// The former name.
    #[tag]
    pub released: Username,
    /// The present one.
    #[tag]
    pub claimed: Username,
}

/// An account is no more, and its name free.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct AccountClosed {
    /// Which.
    #[tag]
    pub account: AccountId,
    /// Its last name.
    #[tag]
    pub username: Username,
}

/// Makes an account.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = AccountError)]
pub struct RegisterAccount {
    /// The new account's id.
    pub account: AccountId,
    /// Its name, as its owner writes it.
    pub username: String,
}

/// Gives an account another name.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = AccountError)]
pub struct ChangeUsername {
    /// Which.
    pub account: AccountId,
    /// Its new name, as its owner writes it.
    pub username: String,
}

/// Ends an account.
#[derive(Command, Serialize, Deserialize, Clone, Debug)]
#[cqrs(error = AccountError)]
pub struct CloseAccount {
    /// Which.
    pub account: AccountId,
}

/// Why a command about an account is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AccountError {
    /// The name is empty, or nothing but space.
    #[error("an account needs a name")]
    NoName,
    /// Another account has it.
    #[error("the name `{0}` is taken")]
    Taken(Username),
    /// It is closed.
    #[error("the account is closed")]
    Closed,
}

/// Whether someone has a name. There is none of a name that no one ever had.
#[derive(Debug)]
pub struct Claim {
    taken: bool,
}

#[aggregate(id = Username, on = [AccountRegistered, UsernameChanged, AccountClosed])]
impl Claim {
    fn registered(_before: Option<Self>, _: &AccountRegistered) -> Self {
        Self { taken: true }
    }

    fn changed(_before: Option<Self>, event: &UsernameChanged, name: &Username) -> Self {
        Self { taken: event.claimed == *name }
    }

    fn closed(&mut self, _: &AccountClosed) {
        self.taken = false;
    }
}

/// What decisions about an account need to know.
#[derive(Debug)]
pub struct Account {
    /// None of a closed one.
    username: Option<Username>,
}

#[aggregate(id = AccountId, on = [AccountRegistered, UsernameChanged, AccountClosed])]
impl Account {
    fn registered(event: &AccountRegistered) -> Self {
        Self { username: Some(event.username.clone()) }
    }

    fn changed(&mut self, event: &UsernameChanged) {
        self.username = Some(event.claimed.clone());
    }

    fn closed(&mut self, _: &AccountClosed) {
        self.username = None;
    }
}

/// Consistent over the name: of many who want it at once, one gets it.
#[command]
fn register(
    cmd: RegisterAccount,
    _account: Absent<Account>,
    #[id(Username::of(&cmd.username))] claim: Option<&Claim>,
) -> Result<AccountRegistered, AccountError> {
    let username = free(&cmd.username, claim)?;
    Ok(AccountRegistered { account: cmd.account, username })
}

/// The name that the account has already is no news: accepted, and no event.
#[command]
fn change_username(
    cmd: ChangeUsername,
    account: &Account,
    #[id(Username::of(&cmd.username))] claim: Option<&Claim>,
) -> Result<Option<UsernameChanged>, AccountError> {
    let released = account.username.clone().ok_or(AccountError::Closed)?;
    if released == Username::of(&cmd.username) {
        return Ok(None);
    }
    let claimed = free(&cmd.username, claim)?;
    Ok(Some(UsernameChanged { account: cmd.account, released, claimed }))
}

/// The name that becomes free is the account's to say: no one else can have it, so its claim need not be looked at.
#[command]
fn close_account(cmd: CloseAccount, account: &Account) -> Result<AccountClosed, AccountError> {
    let username = account.username.clone().ok_or(AccountError::Closed)?;
    Ok(AccountClosed { account: cmd.account, username })
}

fn free(written: &str, claim: Option<&Claim>) -> Result<Username, AccountError> {
    let username = Username::of(written);
    if username == Username::new("") {
        Err(AccountError::NoName)
    } else if claim.is_some_and(|claim| claim.taken) {
        Err(AccountError::Taken(username))
    } else {
        Ok(username)
    }
}

#[cfg(test)]
mod tests {
    use cqrs_runtime::testing::{given, nothing};

    use super::*;

    fn ada() -> Username {
        Username::new("ada")
    }

    fn grace() -> Username {
        Username::new("grace")
    }

    #[test]
    fn a_name_is_taken_once_however_it_is_written() {
        let (account, other) = (AccountId::new(), AccountId::new());
        let register = |username: &str| RegisterAccount { account, username: username.into() };
        let taken = || given(AccountRegistered { account: other, username: ada() });
        nothing().when(register(" Ada ")).then(AccountRegistered { account, username: ada() });
        taken().when(register("ADA")).rejected(AccountError::Taken(ada()));
        taken().when(register("grace")).then(AccountRegistered { account, username: grace() });
        nothing().when(register(" \t")).rejected(AccountError::NoName);
    }

    #[test]
    fn an_account_is_registered_once() {
        let account = AccountId::new();
        given(AccountRegistered { account, username: ada() })
            .when(RegisterAccount { account, username: "grace".into() })
            .already_exists();
    }

    #[test]
    fn a_name_that_was_changed_is_free_and_the_new_one_is_not() {
        let (account, other) = (AccountId::new(), AccountId::new());
        let changed = UsernameChanged { account, released: ada(), claimed: grace() };
        let history = || given((AccountRegistered { account, username: ada() }, changed.clone()));
        let register = |username: &str| RegisterAccount { account: other, username: username.into() };
        history().when(register("ada")).then(AccountRegistered { account: other, username: ada() });
        history().when(register("grace")).rejected(AccountError::Taken(grace()));
        history().when(ChangeUsername { account, username: "Ada".into() }).then(UsernameChanged {
            account,
            released: grace(),
            claimed: ada(),
        });
    }

    #[test]
    fn a_name_is_changed_to_a_free_one_alone() {
        let (account, other) = (AccountId::new(), AccountId::new());
        let change = |username: &str| ChangeUsername { account, username: username.into() };
        let registered = || given(AccountRegistered { account, username: ada() });
        registered().when(change("Grace")).then(UsernameChanged { account, released: ada(), claimed: grace() });
        registered().when(change("ADA")).then_nothing();
        registered().when(change(" ")).rejected(AccountError::NoName);
        registered()
            .and(AccountRegistered { account: other, username: grace() })
            .when(change("grace"))
            .rejected(AccountError::Taken(grace()));
        nothing().when(change("grace")).not_found();
    }

    #[test]
    fn a_closed_account_frees_its_name_and_stays_closed() {
        let (account, other) = (AccountId::new(), AccountId::new());
        let registered = AccountRegistered { account, username: ada() };
        let closed = AccountClosed { account, username: ada() };
        given(registered.clone()).when(CloseAccount { account }).then(closed.clone());
        let history = || given((registered.clone(), closed.clone()));
        history()
            .when(RegisterAccount { account: other, username: "ada".into() })
            .then(AccountRegistered { account: other, username: ada() });
        history().when(CloseAccount { account }).rejected(AccountError::Closed);
        history().when(ChangeUsername { account, username: "grace".into() }).rejected(AccountError::Closed);
        nothing().when(CloseAccount { account }).not_found();
    }
}
