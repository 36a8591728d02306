//! Being told that the log has grown.

use std::time::Duration;

use cqrs_runtime::log::StoreError;
use tokio::sync::{mpsc, watch};
use tokio_postgres::AsyncMessage;

use crate::connect::{Place, Purpose};
use crate::error::store_error;
use crate::text::quoted;

/// How long to wait before a server that cannot be reached is tried again.
const FIRST_WAIT: Duration = Duration::from_millis(50);
const LONGEST_WAIT: Duration = Duration::from_secs(5);

/// Tells whenever the log has, or may have, grown: see [`PostgresLog::news`](crate::PostgresLog::news).
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
#[derive(Clone)]
pub struct News {
    appended: watch::Receiver<()>,
}

impl News {
    /// Waits until an append was committed since the last call, or since the `News` was made, or until one may have been: after a lost
    /// connection. It never misses one, and may tell of several at once.
    pub async fn next(&mut self) {
        // The sender lives as long as this receiver, or as the runtime.
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
            tracing::warn!(%error, "nothing is heard of new events: trying again");
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
    // What was committed while nobody listened.
    let _ = notify.send(());
    while receiver.recv().await.is_some() {
        let _ = notify.send(());
    }
    Ok(())
}
