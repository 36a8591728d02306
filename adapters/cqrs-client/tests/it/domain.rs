//! A domain in which a client meets every kind of answer.

use std::sync::Arc;

use cqrs_axum::RouterBuilder;
use cqrs_client::Http;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::MemoryViews;
use tokio::net::TcpListener;
use tokio::sync::Semaphore;

#[derive(Id)]
pub struct AccountId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Opened {
    #[tag]
    pub account: AccountId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Paid {
    #[tag]
    pub account: AccountId,
    pub cents: i64,
}

#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(returns = AccountId)]
pub struct Open {
    pub account: AccountId,
}

#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = PaymentError, http = "POST /accounts/{account}/payments/{cents}")]
pub struct Pay {
    pub account: AccountId,
    pub cents: i64,
    pub fails: Option<u8>,
}

/// Waits until the test lets it go on.
#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = PaymentError)]
pub struct PaySlowly {
    pub account: AccountId,
}

/// Why nothing is paid.
#[derive(Debug, Clone, PartialEq, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("nothing to pay")]
    Nothing,
    #[error("{cents} is more than {limit:?}")]
    #[cqrs(code = "too-much", status = 409)]
    TooMuch { cents: i64, limit: Option<Limit>, tags: Vec<String> },
    #[error("no account {0} of {1}")]
    NoAccount(AccountId, u8),
    #[error(transparent)]
    Bank(#[from] BankError),
    #[error("card refused")]
    Card(#[source] CardError),
    #[error("bank `{0}` is away")]
    #[cqrs(status = 503)]
    Away(String),
    #[error("no {0}")]
    Static(&'static str),
}

#[derive(Debug, Clone, PartialEq, thiserror::Error, DomainError)]
pub enum BankError {
    #[error("closed")]
    Closed,
    #[error("no branch {0}")]
    NoBranch(u32),
}

#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[error("card")]
pub struct CardError;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "of", rename_all = "snake_case")]
pub enum Limit {
    Day { cents: i64 },
    None,
}

/// Every refusal, and whether it arrives as the same value.
pub fn refusals() -> Vec<(PaymentError, bool)> {
    let too_much = |limit| PaymentError::TooMuch { cents: i64::MIN, limit, tags: vec!["ü\"".into(), String::new()] };
    vec![
        (PaymentError::Nothing, true),
        (too_much(Some(Limit::Day { cents: i64::MAX })), true),
        (too_much(Some(Limit::None)), true),
        (too_much(None), true),
        (PaymentError::NoAccount(AccountId::from(Uuid::nil()), 7), true),
        (BankError::Closed.into(), true),
        (BankError::NoBranch(9).into(), true),
        (PaymentError::Card(CardError), false),
        // With a status from 500 the fields stay on the server.
        (PaymentError::Away("bank".into()), false),
        (PaymentError::Static("reference"), false),
    ]
}

pub struct Account;

#[aggregate(id = AccountId, on = [Opened, Paid])]
impl Account {
    fn opened(_: &Opened) -> Self {
        Self
    }
    fn paid(&mut self, _: &Paid) {}
}

#[command]
fn open(cmd: Open, _account: Absent<Account>) -> Result<Decision<Opened, AccountId>, std::convert::Infallible> {
    Ok(emit(Opened { account: cmd.account }).returning(cmd.account))
}

#[command]
fn pay(cmd: Pay, _account: &Account) -> Result<[Paid; 2], PaymentError> {
    match cmd.fails {
        Some(255) => panic!("secret"),
        Some(at) => Err(refusals().swap_remove(at.into()).0),
        None => Ok([Paid { account: cmd.account, cents: cmd.cents }, Paid { account: cmd.account, cents: 0 }]),
    }
}

#[command]
async fn pay_slowly(cmd: PaySlowly, _account: &Account, gate: State<Gate>) -> Result<Paid, PaymentError> {
    gate.arrived.add_permits(1);
    gate.open.acquire().await.expect("it is never closed").forget();
    Ok(Paid { account: cmd.account, cents: 1 })
}

/// A text in its path.
#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(http = "PUT /notes/{text}")]
pub struct Note {
    pub text: String,
    pub more: Option<String>,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Noted {
    pub text: String,
    pub more: Option<String>,
}

#[command]
fn note(cmd: Note) -> Result<Noted, std::convert::Infallible> {
    Ok(Noted { text: cmd.text, more: cmd.more })
}

/// Holds what waits for it.
pub struct Gate {
    pub arrived: Semaphore,
    pub open: Semaphore,
}

pub fn gate() -> Arc<Gate> {
    Arc::new(Gate { arrived: Semaphore::new(0), open: Semaphore::new(0) })
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Balance {
    #[key]
    pub account: AccountId,
    pub cents: i64,
}

#[projection(on = [Opened, Paid])]
impl Balance {
    fn opened(event: &Opened) -> Self {
        Self { account: event.account, cents: 0 }
    }
    fn paid(&mut self, event: &Paid) {
        self.cents += event.cents;
    }
}

#[derive(Query, Serialize, Deserialize, Clone)]
#[cqrs(returns = Option<Balance>, consistency = read_your_writes)]
pub struct BalanceOf {
    pub account: AccountId,
}

#[query]
async fn balance_of(q: BalanceOf, balances: Views<Balance>) -> Result<Option<Balance>, QueryError> {
    balances.get(q.account).await
}

/// Fails with a domain error, if there is one of this number.
#[derive(Query, Serialize, Deserialize, Clone)]
#[cqrs(returns = u64)]
pub struct Failing {
    pub fails: u8,
}

#[query]
async fn failing(q: Failing) -> Result<u64, QueryError> {
    Err(QueryError::failed(refusals().swap_remove(q.fails.into()).0))
}

/// An app at level 2.
pub async fn app(gate: &Arc<Gate>) -> App {
    let builder = App::builder().log(MemoryLog::new()).views(MemoryViews::new());
    builder.shared_state(Arc::clone(gate)).build().await.unwrap()
}

/// Serves an app on a port of its own. The server ends with its test's runtime.
pub async fn serve(app: &App, options: impl FnOnce(RouterBuilder) -> RouterBuilder) -> String {
    let router: axum::Router = options(cqrs_axum::builder(app)).build().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, router).await });
    address.to_string()
}

/// A client of an app.
pub async fn client(app: &App) -> Http {
    Http::new(&format!("http://{}/", serve(app, |options| options).await))
}
