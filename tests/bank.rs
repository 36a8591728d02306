//! A bank: accounts that are opened, paid into, drawn from, and closed, and transfers between two of them.

use cqrs_runtime::prelude::*;

/// Names an account.
#[derive(Id)]
pub struct AccountId(Uuid);

/// Names a person.
#[derive(Id)]
pub struct PersonId(Uuid);

/// An account was opened.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct AccountOpened {
    /// Which.
    #[tag]
    pub account: AccountId,
    /// Whose.
    #[tag]
    pub owner: PersonId,
}

/// Money was paid in.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MoneyPaidIn {
    /// Where.
    #[tag]
    pub account: AccountId,
    /// Cents.
    pub amount: i64,
}

/// Money went from one account to another.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MoneyMoved {
    /// From where.
    #[tag]
    pub from: AccountId,
    /// To where.
    #[tag]
    pub to: AccountId,
    /// Cents.
    pub amount: i64,
}

/// An account was closed.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct AccountClosed {
    /// Which.
    #[tag]
    pub account: AccountId,
}

/// Why the bank refuses.
#[derive(Debug, Clone, PartialEq, thiserror::Error, DomainError)]
pub enum BankError {
    /// The account is closed.
    #[error("the account is closed")]
    Closed,
    /// There is not enough money.
    #[error("{missing} cents are missing")]
    Overdrawn {
        /// How much.
        missing: i64,
    },
    /// Nothing is no amount.
    #[error("an amount is more than nothing")]
    NoAmount,
}

/// Opens an account and returns its id.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = BankError, returns = AccountId)]
pub struct OpenAccount {
    /// Which.
    pub account: AccountId,
    /// Whose.
    pub owner: PersonId,
}

/// Pays money in.
#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = BankError)]
pub struct PayIn {
    /// Where.
    pub account: AccountId,
    /// Cents.
    pub amount: i64,
}

/// Moves money.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = BankError)]
pub struct Transfer {
    /// From where.
    pub from: AccountId,
    /// To where.
    pub to: AccountId,
    /// Cents.
    pub amount: i64,
}

/// Closes an account, its money going to another, if it has any.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = BankError)]
pub struct CloseAccount {
    /// Which.
    pub account: AccountId,
}

/// Panics if it should.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = BankError)]
pub struct Explode {
    /// Where.
    pub account: AccountId,
}

/// An account's state.
pub struct Account {
    balance: i64,
    closed: bool,
}

#[aggregate(id = AccountId, on = [AccountOpened, MoneyPaidIn, MoneyMoved, AccountClosed])]
impl Account {
    fn opened(_: &AccountOpened) -> Self {
        Self { balance: 0, closed: false }
    }
    fn paid_in(&mut self, event: &MoneyPaidIn) {
        self.balance += event.amount;
    }
    fn moved(&mut self, event: &MoneyMoved, id: &AccountId) {
        if event.from == *id {
            self.balance -= event.amount;
        }
        if event.to == *id {
            self.balance += event.amount;
        }
    }
    fn closed(&mut self, _: &AccountClosed) {
        self.closed = true;
    }
}

impl Account {
    fn open(&self) -> Result<(), BankError> {
        if self.closed { Err(BankError::Closed) } else { Ok(()) }
    }
}

#[command]
fn open_account(cmd: OpenAccount, _account: Absent<Account>) -> Result<Decision<AccountOpened, AccountId>, BankError> {
    Ok(emit(AccountOpened { account: cmd.account, owner: cmd.owner }).returning(cmd.account))
}

#[command]
fn pay_in(cmd: PayIn, account: &Account) -> Result<MoneyPaidIn, BankError> {
    account.open()?;
    if cmd.amount <= 0 {
        return Err(BankError::NoAmount);
    }
    Ok(MoneyPaidIn { account: cmd.account, amount: cmd.amount })
}

#[command]
fn transfer(cmd: Transfer, from: &Account, to: &Account) -> Result<MoneyMoved, BankError> {
    from.open()?;
    to.open()?;
    if from.balance < cmd.amount {
        return Err(BankError::Overdrawn { missing: cmd.amount - from.balance });
    }
    Ok(MoneyMoved { from: cmd.from, to: cmd.to, amount: cmd.amount })
}

#[command]
fn close_account(cmd: CloseAccount, account: Option<&Account>) -> Result<Option<AccountClosed>, BankError> {
    Ok(account.filter(|account| !account.closed).map(|_| AccountClosed { account: cmd.account }))
}

#[command]
fn explode(cmd: Explode, account: &Account) -> Result<AccountClosed, BankError> {
    assert!(account.closed, "it exploded");
    Ok(AccountClosed { account: cmd.account })
}

/// What an account's owner sees.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Balance {
    /// Which.
    #[key]
    pub account: AccountId,
    /// Whose.
    #[index]
    pub owner: PersonId,
    /// Cents.
    #[index]
    pub balance: i64,
    /// How many movements.
    pub movements: u32,
}

#[projection(on = [AccountOpened, MoneyPaidIn, MoneyMoved, AccountClosed])]
impl Balance {
    fn opened(event: &AccountOpened) -> Self {
        Self { account: event.account, owner: event.owner, balance: 0, movements: 0 }
    }
    fn paid_in(&mut self, event: &MoneyPaidIn) {
        self.balance += event.amount;
        self.movements += 1;
    }
    #[keys([event.from, event.to])]
    fn moved(&mut self, event: &MoneyMoved, id: &AccountId) {
        self.balance += if event.from == *id { -event.amount } else { event.amount };
        self.movements += 1;
    }
    fn closed(self, _: &AccountClosed) -> Option<Self> {
        None
    }
}

/// The balance of an account.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<Balance>)]
pub struct BalanceOf {
    /// Which.
    pub account: AccountId,
}

/// The accounts of a person, the richest first.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Balance>)]
pub struct AccountsOf {
    /// Whose.
    pub owner: PersonId,
}

#[query]
async fn balance_of(q: BalanceOf, balances: Views<Balance>) -> Result<Option<Balance>, QueryError> {
    balances.get(q.account).await
}

#[query]
async fn accounts_of(q: AccountsOf, balances: Views<Balance>) -> Result<Vec<Balance>, QueryError> {
    balances.find(Balance::OWNER.eq(q.owner)).order_by(Balance::BALANCE.desc()).all().await
}
