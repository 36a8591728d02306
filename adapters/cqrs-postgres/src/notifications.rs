//! Notifications of new events.

use std::time::Duration;

use cqrs_core::log::StoreError;
use tokio::sync::{mpsc, watch};
use tokio_postgres::AsyncMessage;

use crate::connect::{Place, Purpose};
use crate::error::store_error;
use crate::text::quoted;

/// How long to wait before the next attempt to reach a server.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Notifies when the log has, or may have, grown: see
/// [`PostgresLog::news`](crate::PostgresLog::news).
///
/// ```no_run
/// # async fn example(log: cqrs_postgres::PostgresLog) -> Result<(), cqrs_runtime::log::StoreError> {
/// use cqrs_runtime::log::{EventLog, EventQuery, Position};
///
/// let (mut news, mut after) = (log.news(), Position::START);
/// loop {
///     let page = log.read(&EventQuery::all(), after, 1_000).await?;
///     after = page.up_to;
///     if !page.more {
///         news.next().await;
///     }
/// }
/// # }
/// ```
#[derive(Clone, Debug)]
pub struct News {
    appended: watch::Receiver<()>,
}

impl News {
    /// Waits for an append since the last call, or since the `News` was created. After a lost
    /// connection it returns as well, because there may have been one. It misses no append, and may
    /// report several at once.
    pub async fn next(&mut self) {
        // The sender ends only with the runtime.
        if self.appended.changed().await.is_err() {
            std::future::pending::<()>().await;
        }
    }
}

/// Listens until the result is dropped.
pub(crate) fn listen(place: Place, channel: String) -> News {
    let (notify, appended) = watch::channel(());
    tokio::spawn(async move {
        tokio::select! {
            () = notify.closed() => {}
            () = follow(&place, &channel, &notify) => {}
        }
    });
    News { appended }
}

async fn follow(place: &Place, channel: &str, notify: &watch::Sender<()>) {
    let mut wait = FIRST_WAIT;
    loop {
        if let Err(error) = hear(place, channel, notify, &mut wait).await {
            tracing::warn!(%error, "notifications interrupted; reconnecting");
        }
        tokio::time::sleep(wait).await;
        wait = (wait * 2).min(LONGEST_WAIT);
    }
}

/// Listens on one connection until it ends.
async fn hear(place: &Place, channel: &str, notify: &watch::Sender<()>, wait: &mut Duration) -> Result<(), StoreError> {
    let (sender, mut receiver) = mpsc::unbounded_channel();
    let listener = move |message| {
        if matches!(message, AsyncMessage::Notification(_)) {
            let _ = sender.send(());
        }
    };
    let connection = place.listening(Purpose::Listen, Box::new(listener)).await?;
    let listening = connection.client.batch_execute(&format!("LISTEN {}", quoted(channel))).await;
    listening.map_err(|error| store_error(&place.store, &error))?;
    *wait = FIRST_WAIT;
    // Events may have been committed while nobody listened.
    let _ = notify.send(());
    while receiver.recv().await.is_some() {
        let _ = notify.send(());
    }
    Ok(())
}
