//! A connection, its prepared statements, and its pending requests.

use std::collections::HashMap;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

use tokio_postgres::types::{ToSql, Type};
use tokio_postgres::{Client, Error, Row, Statement};

use crate::sql::Sql;
use crate::watch::Watch;

/// The maximum number of prepared statements on one connection.
const MOST_PREPARED: usize = 256;

/// A connection, and the statements prepared on it.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) backend: Backend,
    pub(crate) watch: Watch,
    statements: Mutex<HashMap<String, Statement>>,
}

/// The server process of a connection.
#[derive(Clone, Debug)]
pub(crate) struct Backend {
    pub(crate) pid: i32,
    pub(crate) started: String,
}

/// An answer that has not arrived yet.
pub(crate) struct Pending<T>(State<T>);

type Asking<T> = Pin<Box<dyn Future<Output = Result<T, Error>> + Send>>;

enum State<T> {
    Asking(Asking<T>),
    Answered(Option<Result<T, Error>>),
}

impl<T> Pending<T> {
    /// Sends the request of `asking` now: requests reach the server in the order of these calls,
    /// not of their awaits.
    fn start(asking: impl Future<Output = Result<T, Error>> + Send + 'static) -> Self {
        let mut asking: Asking<T> = Box::pin(asking);
        match asking.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(answer) => Self(State::Answered(Some(answer))),
            Poll::Pending => Self(State::Asking(asking)),
        }
    }
}

impl<T: Unpin> Future for Pending<T> {
    type Output = Result<T, Error>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match &mut self.0 {
            State::Asking(asking) => asking.as_mut().poll(cx),
            State::Answered(answer) => Poll::Ready(answer.take().expect("a future is not polled after completion")),
        }
    }
}

impl Connection {
    pub(crate) fn new(client: Client, backend: Backend, watch: Watch) -> Self {
        Self { client, backend, watch, statements: Mutex::default() }
    }

    /// Prepares a statement. This may take a round trip, so statements that are sent together are
    /// all prepared first.
    pub(crate) async fn prepare(&self, sql: &Sql) -> Result<Option<Statement>, Error> {
        if sql.once {
            return Ok(None);
        }
        let known = self.statements().get(&sql.text).cloned();
        if known.is_some() {
            return Ok(known);
        }
        let types: Vec<Type> = sql.parameters.iter().map(|(_, kind)| kind.clone()).collect();
        let asking = self.watch.request();
        let statement = self.client.prepare_typed(&sql.text, &types).await?;
        drop(asking);
        let mut statements = self.statements();
        if statements.len() >= MOST_PREPARED {
            statements.clear();
        }
        statements.insert(sql.text.clone(), statement.clone());
        Ok(Some(statement))
    }

    /// Sends a prepared statement.
    pub(crate) fn send(self: &Arc<Self>, statement: Option<Statement>, sql: Arc<Sql>) -> Pending<Vec<Row>> {
        let (connection, asking) = (Arc::clone(self), self.watch.request());
        Pending::start(async move {
            let _asking = asking;
            if let Some(statement) = statement {
                let parameters: Vec<&(dyn ToSql + Sync)> =
                    sql.parameters.iter().map(|(value, _)| &**value as &(dyn ToSql + Sync)).collect();
                connection.client.query(&statement, &parameters).await
            } else {
                let parameters: Vec<(&(dyn ToSql + Sync), Type)> = sql
                    .parameters
                    .iter()
                    .map(|(value, kind)| (&**value as &(dyn ToSql + Sync), kind.clone()))
                    .collect();
                connection.client.query_typed(&sql.text, &parameters).await
            }
        })
    }

    /// Sends several statements without parameters as one message. After one that fails, the rest
    /// is not run.
    pub(crate) fn send_text(self: &Arc<Self>, text: String) -> Pending<()> {
        let (connection, asking) = (Arc::clone(self), self.watch.request());
        Pending::start(async move {
            let _asking = asking;
            connection.client.batch_execute(&text).await
        })
    }

    /// Prepares a statement if necessary, sends it, and waits for its rows.
    pub(crate) async fn query(self: &Arc<Self>, sql: Sql) -> Result<Vec<Row>, Error> {
        let statement = self.prepare(&sql).await?;
        self.send(statement, Arc::new(sql)).await
    }

    /// Drops prepared statements: a table may have been created again.
    pub(crate) fn forget_statements(&self) {
        self.statements().clear();
    }

    fn statements(&self) -> std::sync::MutexGuard<'_, HashMap<String, Statement>> {
        self.statements.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
