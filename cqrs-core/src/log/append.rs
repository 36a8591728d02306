//! The log's two primitives without an app: append a batch under conditions, read as a stream.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_core::Stream;
use uuid::Uuid;

use crate::debug::opaque_debug;
use crate::event::{self, Emitted, EncodeError, Event, EventHeader, Events, RecordedEvent};
use crate::log::{EventLog, EventQuery, Page, lost_while_read};
use crate::meta::Meta;
use crate::position::{Bookmark, Position};
use crate::store_error::{BoxFuture, StoreError};
use crate::time::Timestamp;

/// How many events a stream reads at once.
const PAGE: usize = 1_000;

/// "No event matches `query` after position `after`."
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Condition {
    /// The events that must not exist.
    pub query: EventQuery,
    /// After this position.
    pub after: Position,
    /// The id of the event at that position, if known. If the log holds another event there, or none, it has lost events that
    /// the decision was based on, and the condition fails.
    pub event: Option<Uuid>,
}

impl Condition {
    /// The condition that no event matches `query` after this position or bookmark.
    #[must_use]
    pub fn new(query: EventQuery, after: impl Into<Bookmark>) -> Self {
        let Bookmark { position, event } = after.into();
        Self { query, after: position, event }
    }

    /// Whether the condition holds. `page` was read with the query, after the position.
    #[must_use]
    pub fn holds(&self, page: &Page) -> bool {
        page.continues(Bookmark { position: self.after, event: self.event }) && page.events.is_empty()
    }
}

/// Events that are not in the log yet, with the metadata of their request.
pub struct NewEvents {
    events: Emitted,
    meta: Arc<Meta>,
}

opaque_debug!(NewEvents { events, meta });

impl NewEvents {
    /// From an event, a tuple, array, `Vec` or `Option` of events, or a `#[derive(Events)]` enum.
    pub fn new(events: impl Events, meta: Meta) -> Self {
        let mut emitted = Emitted::default();
        events.emit(&mut emitted);
        Self { events: emitted, meta: Arc::new(meta) }
    }
}

/// An entry of a batch: its events are appended together if its condition holds.
#[derive(Debug)]
pub struct AppendEntry {
    /// The events.
    pub events: NewEvents,
    /// The condition, if any.
    pub condition: Option<Condition>,
}

impl AppendEntry {
    /// These events, unconditionally.
    pub fn new(events: impl Events) -> Self {
        Self { events: NewEvents::new(events, Meta::new()), condition: None }
    }

    /// Appends only if no event matches `query` after `after`: a position, or better a [`Bookmark`] such as
    /// [`Page::end`].
    #[must_use]
    pub fn unless(mut self, query: EventQuery, after: impl Into<Bookmark>) -> Self {
        self.condition = Some(Condition::new(query, after));
        self
    }
}

/// The positions of an entry's events. Empty if the entry had no events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Appended {
    /// The first event's position.
    pub first: Position,
    /// How many events the entry has.
    pub events: usize,
}

/// Why a batch was not appended.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum AppendError {
    /// An event cannot be encoded, or cannot be read back. Nothing of the batch was stored.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// The store failed. Nothing of the batch was stored, except where the error says otherwise.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Appends a batch in one transaction. Returns for each entry its positions, or the condition that failed. A condition also
/// sees the events of the entries before it.
///
/// This writes to the log only. Views in the log's database catch up with the next command, or with the next query that asks
/// for `after(position)`.
///
/// # Errors
/// See [`AppendError`]. A failed condition is not an error of the batch: the other entries are stored.
pub async fn append(
    log: &dyn EventLog,
    batch: Vec<AppendEntry>,
) -> Result<Vec<Result<Appended, Condition>>, AppendError> {
    let mut tx = log.begin().await?;
    let mut head = tx.head();
    let at = Timestamp::now();
    let mut outcomes = Vec::with_capacity(batch.len());
    let mut events: Vec<RecordedEvent> = Vec::new();
    for AppendEntry { events: new, condition } in batch {
        if let Some(condition) = condition {
            let stored = tx.read(&condition.query, condition.after, 1).await?;
            let matches = |event: &RecordedEvent| event.position() > condition.after && condition.query.matches(event);
            if !condition.holds(&stored) || events.iter().any(matches) {
                outcomes.push(Err(condition));
                continue;
            }
        }
        outcomes.push(Ok(Appended { first: head.next(), events: new.events.len() }));
        let new = new.events.record(head, &new.meta, at)?;
        head = head.plus(new.len() as u64);
        events.extend(new);
    }
    if !events.is_empty() {
        tx.append(&events, &[]).await?;
        tx.commit().await?;
    }
    Ok(outcomes)
}

/// Reads the events that match `query` after position `after`, in ascending order, page by page. The stream ends at the head that its
/// last page saw. If the log loses events between two pages that the stream has already delivered, the stream ends with an error.
pub fn read(log: Arc<dyn EventLog>, query: EventQuery, after: Position) -> EventStream {
    EventStream {
        log,
        query: Arc::new(query),
        after: after.into(),
        page: Vec::new().into_iter(),
        reading: None,
        more: true,
    }
}

type Reading = BoxFuture<'static, Result<Page, StoreError>>;

/// The stream that [`read`] returns.
pub struct EventStream {
    log: Arc<dyn EventLog>,
    query: Arc<EventQuery>,
    after: Bookmark,
    page: std::vec::IntoIter<RecordedEvent>,
    reading: Option<Reading>,
    more: bool,
}

opaque_debug!(EventStream { query, after });

impl EventStream {
    /// The next event. `None` at the end.
    pub async fn next(&mut self) -> Option<Result<RecordedEvent, StoreError>> {
        std::future::poll_fn(|cx| Pin::new(&mut *self).poll_next(cx)).await
    }
}

impl Stream for EventStream {
    type Item = Result<RecordedEvent, StoreError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            if let Some(event) = self.page.next() {
                return Poll::Ready(Some(Ok(event)));
            }
            if !self.more {
                return Poll::Ready(None);
            }
            let mut reading = self.reading.take().unwrap_or_else(|| {
                let (log, query, after) = (Arc::clone(&self.log), Arc::clone(&self.query), self.after);
                Box::pin(async move { log.read(&query, after.position, PAGE).await })
            });
            let Poll::Ready(page) = reading.as_mut().poll(cx) else {
                self.reading = Some(reading);
                return Poll::Pending;
            };
            match page {
                Ok(page) if self.after.event.is_some() && !page.continues(self.after) => {
                    self.more = false;
                    return Poll::Ready(Some(Err(lost_while_read(self.after))));
                }
                Ok(page) => {
                    self.after = page.end();
                    self.more = page.more;
                    self.page = page.events.into_iter();
                }
                Err(error) => {
                    self.more = false;
                    return Poll::Ready(Some(Err(error)));
                }
            }
        }
    }
}

/// An event as name, version, tags and JSON, of a type that this program does not know: for imports and for tests of
/// bad data.
#[derive(Clone, Debug)]
pub struct RawEvent {
    /// Its name.
    pub name: String,
    /// The version of its fields.
    pub version: u32,
    /// Its tags, by which it is found.
    pub tags: Vec<crate::id::Tag>,
    /// Its fields, as JSON.
    pub data: String,
}

impl RawEvent {
    /// The event as its type writes it.
    ///
    /// # Errors
    /// It cannot be encoded, or cannot be read back.
    pub fn of<E: Event>(event: &E) -> Result<Self, EncodeError> {
        let (data, event) = event::kept(event)?;
        let mut tags = Vec::new();
        event.tags(&mut tags);
        Ok(Self { name: E::NAME.to_owned(), version: E::VERSION, tags, data })
    }
}

/// Appends raw events unchecked, and returns the position of the last one.
///
/// # Errors
/// The store failed.
pub async fn append_raw(log: &dyn EventLog, events: Vec<RawEvent>, meta: Meta) -> Result<Position, StoreError> {
    let mut tx = log.begin().await?;
    let (head, at, meta) = (tx.head(), Timestamp::now(), Arc::new(meta));
    let recorded: Vec<RecordedEvent> = (1..)
        .zip(events)
        .map(|(number, event)| {
            let header = EventHeader {
                position: head.plus(number),
                id: Uuid::now_v7(),
                name: event.name.into(),
                version: event.version,
                tags: event.tags,
                meta: Arc::clone(&meta),
                recorded_at: at,
            };
            RecordedEvent::new(header, event.data.into())
        })
        .collect();
    tx.append(&recorded, &[]).await?;
    let last = recorded.last().map_or(tx.head(), RecordedEvent::position);
    tx.commit().await?;
    Ok(last)
}
