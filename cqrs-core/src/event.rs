//! Events: facts, as the domain emits them and as the log records them.

use std::any::Any;
use std::borrow::Cow;
use std::cmp::Ordering;
use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, OnceLock};

use uuid::Uuid;

pub use crate::event_list::{EventList, TagInfo};
use crate::id::Tag;
use crate::json::{Codec, KeepError};
use crate::meta::Meta;
use crate::position::{Bookmark, Position};
use crate::time::Timestamp;

/// A fact of the domain; each has its own type. Implemented by `#[derive(Event)]`.
#[diagnostic::on_unimplemented(
    message = "[CQRS105] `{Self}` is not an event",
    label = "no `#[derive(Event)]`",
    note = "the log holds events: facts, one type each, that every later version can still read",
    note = "derive `Event`, `Serialize` and `Deserialize` for it",
    note = "see: cqrs_runtime::rules#cqrs105"
)]
pub trait Event: Sized + Send + Sync + 'static {
    /// The name in the log: the type's own, or `#[cqrs(name = "..")]`.
    const NAME: &'static str;
    /// The version of its fields, from 1.
    const VERSION: u32;
    /// Its `#[tag]` fields, in the order of the source.
    const TAGS: &'static [TagInfo];

    /// Its JSON codec: [`Codec::SERDE`].
    const JSON: Codec<Self>;

    /// Adds its tags.
    fn tags(&self, tags: &mut Vec<Tag>);

    /// Reads an event of an earlier version, through the type that `#[cqrs(from = ..)]` names.
    fn decode_earlier(version: u32, data: &str) -> Result<Self, DecodeError> {
        let _ = data;
        Err(DecodeError::UnknownVersion { event: Self::NAME, stored: version, newest: Self::VERSION })
    }

    /// Reads a stored event of this or an earlier version.
    ///
    /// # Errors
    /// The data is not of this event, or has a version that this program does not know.
    fn decode(version: u32, data: &str) -> Result<Self, DecodeError> {
        match version.cmp(&Self::VERSION) {
            Ordering::Equal => Self::JSON.read_back(data).map_err(|KeepError { path, reason }| {
                DecodeError::Malformed { event: Self::NAME, version, path, reason }
            }),
            Ordering::Less => Self::decode_earlier(version, data),
            Ordering::Greater => {
                Err(DecodeError::UnknownVersion { event: Self::NAME, stored: version, newest: Self::VERSION })
            }
        }
    }
}

/// Conversion from the version before, which `#[cqrs(from = Old)]` names.
#[diagnostic::on_unimplemented(
    message = "[CQRS107] `{Self}` cannot be made from `{Old}`",
    label = "`{Self}` has no `From` of it",
    note = "every stored event must be readable for ever: the version before is read, and then made into this one",
    note = "write `impl From<{Old}> for {Self}`",
    note = "see: cqrs_runtime::rules#cqrs107"
)]
pub trait UpcastFrom<Old> {
    /// Converts the old event into the new one.
    fn upcast(old: Old) -> Self;
}

#[diagnostic::do_not_recommend]
impl<Old, E: From<Old>> UpcastFrom<Old> for E {
    fn upcast(old: Old) -> Self {
        Self::from(old)
    }
}

/// Why a stored event could not be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// The JSON does not match the type.
    #[error("stored event `{event}` version {version} does not match its type at `{path}`: {reason}")]
    Malformed {
        /// The event's name.
        event: &'static str,
        /// The stored version.
        version: u32,
        /// The field, as a path into the JSON.
        path: String,
        /// The error there.
        reason: String,
    },
    /// No linked type has that version.
    #[error("stored event `{event}` has version {stored}, but the newest version that this program knows is {newest}: {}", unknown(*stored, *newest))]
    UnknownVersion {
        /// The event's name.
        event: &'static str,
        /// The stored version.
        stored: u32,
        /// The newest version that this program knows.
        newest: u32,
    },
}

fn unknown(stored: u32, newest: u32) -> &'static str {
    if stored > newest {
        "a newer program wrote it; update this one to read it"
    } else {
        "the chain of `#[cqrs(from = ..)]` does not reach back that far"
    }
}

/// Everything that the log stores about an event, except its own fields.
#[derive(Clone, Debug, PartialEq)]
pub struct EventHeader {
    /// Its position in the log: gapless, in commit order, never reused.
    pub position: Position,
    /// Its id, by which a consumer recognizes a repetition.
    pub id: Uuid,
    /// The event's name.
    pub name: Cow<'static, str>,
    /// The version of its fields.
    pub version: u32,
    /// Its tags.
    pub tags: Vec<Tag>,
    /// The request that caused it.
    pub meta: Arc<Meta>,
    /// When it was appended.
    pub recorded_at: Timestamp,
}

/// An event with its header, for a fold or a policy that needs the position, time or metadata.
///
/// It dereferences to the event: `event.order` of a `Recorded<OrderCreated>`.
#[derive(Debug, Clone)]
pub struct Recorded<E> {
    header: Arc<EventHeader>,
    event: E,
}

impl<E> Recorded<E> {
    /// Combines an event and its header.
    pub fn new(header: Arc<EventHeader>, event: E) -> Self {
        Self { header, event }
    }

    /// The event without its header.
    pub fn event(&self) -> &E {
        &self.event
    }

    /// Its position in the log.
    pub fn position(&self) -> Position {
        self.header.position
    }

    /// Its id.
    pub fn id(&self) -> Uuid {
        self.header.id
    }

    /// When it was appended.
    pub fn recorded_at(&self) -> Timestamp {
        self.header.recorded_at
    }

    /// The request that caused it.
    pub fn meta(&self) -> &Meta {
        &self.header.meta
    }

    /// Its header.
    pub fn header(&self) -> &EventHeader {
        &self.header
    }
}

impl<E> Deref for Recorded<E> {
    type Target = E;
    fn deref(&self) -> &E {
        &self.event
    }
}

/// An event as the log stores it: header and JSON.
///
/// It is decoded once, and the result is shared by everything that listens to it.
pub struct RecordedEvent {
    header: Arc<EventHeader>,
    data: Box<str>,
    typed: OnceLock<Box<dyn Any + Send + Sync>>,
}

impl RecordedEvent {
    /// An event as read from a store.
    #[must_use]
    pub fn new(header: EventHeader, data: Box<str>) -> Self {
        Self { header: Arc::new(header), data, typed: OnceLock::new() }
    }

    /// An event that is about to be stored, with the value that was read back.
    fn fresh<E: Event>(header: EventHeader, data: Box<str>, event: E) -> Self {
        let header = Arc::new(header);
        let typed = OnceLock::new();
        let _ = typed.set(Box::new(Recorded::new(Arc::clone(&header), event)) as Box<dyn Any + Send + Sync>);
        Self { header, data, typed }
    }

    /// The header.
    #[must_use]
    pub fn header(&self) -> &EventHeader {
        &self.header
    }

    /// Its position in the log.
    #[must_use]
    pub fn position(&self) -> Position {
        self.header.position
    }

    /// The event's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.header.name
    }

    /// Its tags.
    #[must_use]
    pub fn tags(&self) -> &[Tag] {
        &self.header.tags
    }

    /// Its fields, as JSON.
    #[must_use]
    pub fn data(&self) -> &str {
        &self.data
    }

    /// The typed event, upcast to the version of `E`.
    ///
    /// # Errors
    /// The data is not an `E`, or has a version that `E` does not know.
    pub fn decode<E: Event>(&self) -> Result<Decoded<'_, E>, DecodeError> {
        if self.typed.get().is_none() {
            let recorded = self.decode_owned::<E>()?;
            let _ = self.typed.set(Box::new(recorded));
        }
        match self.typed.get().and_then(|typed| typed.downcast_ref()) {
            Some(shared) => Ok(Decoded::Shared(shared)),
            // Another type with the same name was decoded first, possibly an earlier version.
            None => Ok(Decoded::Owned(self.decode_owned::<E>()?)),
        }
    }

    /// The typed event, decoded again, and owned.
    ///
    /// # Errors
    /// As [`decode`](Self::decode).
    pub fn decode_owned<E: Event>(&self) -> Result<Recorded<E>, DecodeError> {
        Ok(Recorded::new(Arc::clone(&self.header), E::decode(self.header.version, &self.data)?))
    }
}

impl Clone for RecordedEvent {
    fn clone(&self) -> Self {
        Self { header: Arc::clone(&self.header), data: self.data.clone(), typed: OnceLock::new() }
    }
}

impl fmt::Debug for RecordedEvent {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordedEvent").field("header", &self.header).field("data", &self.data).finish_non_exhaustive()
    }
}

impl PartialEq for RecordedEvent {
    fn eq(&self, other: &Self) -> bool {
        self.header == other.header && self.data == other.data
    }
}

impl From<&RecordedEvent> for Bookmark {
    fn from(event: &RecordedEvent) -> Self {
        Self::new(event.position(), event.header().id)
    }
}

/// A decoded event: shared with other listeners, or owned.
#[derive(Debug)]
pub enum Decoded<'a, E> {
    /// Shared with other readers.
    Shared(&'a Recorded<E>),
    /// Decoded for this reader only.
    Owned(Recorded<E>),
}

impl<E> Deref for Decoded<'_, E> {
    type Target = Recorded<E>;
    fn deref(&self) -> &Recorded<E> {
        match self {
            Self::Shared(event) => event,
            Self::Owned(event) => event,
        }
    }
}

/// What a handler emits: an event, a tuple, array, `Vec` or `Option` of events, or a `#[derive(Events)]`
/// enum.
#[diagnostic::on_unimplemented(
    message = "[CQRS202] a command handler cannot return `{Self}`",
    label = "neither an event nor a set of events",
    note = "a command does not return data: its handler states events, and a query reads what they made of the views",
    note = "return `Result<events, error>`, where events is a `#[derive(Event)]` type, a tuple, array, `Vec` or `Option` of \
            them, or a `#[derive(Events)]` enum; what is no event yet needs `#[derive(Event)]`",
    note = "see: cqrs_runtime::rules#cqrs202"
)]
pub trait Events: Send + 'static {
    /// Emits every event, in order.
    fn emit(self, to: &mut Emitted);
    /// The events that it may contain.
    const LIST: EventList;
}

/// The events that a handler has emitted, not yet in the log.
#[derive(Default)]
pub struct Emitted {
    events: Vec<Box<dyn FreshEvent>>,
}

impl fmt::Debug for Emitted {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Emitted").field("events", &self.events.len()).finish_non_exhaustive()
    }
}

impl Emitted {
    /// Adds one event.
    pub fn push<E: Event>(&mut self, event: E) {
        self.events.push(Box::new(event));
    }

    /// How many events there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.events.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.events.is_empty()
    }

    /// The events as a log records them after position `head`: each is written as JSON and read back, and holds the value that was
    /// read. Folds of this process see what later readers will see.
    ///
    /// # Errors
    /// An event cannot be written, or not be read back.
    pub fn record(self, head: Position, meta: &Arc<Meta>, at: Timestamp) -> Result<Vec<RecordedEvent>, EncodeError> {
        let mut position = head;
        let mut recorded = Vec::with_capacity(self.events.len());
        for event in self.events {
            position = position.next();
            recorded.push(event.record(position, meta, at)?);
        }
        Ok(recorded)
    }
}

/// An event on its way to the log, with its type erased.
trait FreshEvent: Send {
    /// Writes it and reads it back, and places the value that was read.
    fn record(
        self: Box<Self>,
        position: Position,
        meta: &Arc<Meta>,
        at: Timestamp,
    ) -> Result<RecordedEvent, EncodeError>;
}

/// An event that cannot be stored: serde refuses to write it, it contains a number that JSON does not have, or it cannot
/// be read back.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("event `{event}` cannot be written as JSON and read back: at `{path}`, {reason}")]
pub struct EncodeError {
    /// The event's name.
    pub event: &'static str,
    /// The field, as a path into the JSON. `.` means the whole event.
    pub path: String,
    /// The error there, and what to do.
    pub reason: String,
}

/// An event's JSON, and the value that is read back from it.
pub(crate) fn kept<E: Event>(event: &E) -> Result<(String, E), EncodeError> {
    let refused = |KeepError { path, reason }| EncodeError { event: E::NAME, path, reason };
    let data = (E::JSON.write)(event).map_err(refused)?;
    let kept = E::decode(E::VERSION, &data).map_err(|error| match error {
        DecodeError::Malformed { path, reason, .. } => refused(KeepError::unreadable(path, &reason)),
        unknown @ DecodeError::UnknownVersion { .. } => {
            refused(KeepError::unreadable(".".into(), &unknown.to_string()))
        }
    })?;
    Ok((data, kept))
}

impl<E: Event> FreshEvent for E {
    fn record(
        self: Box<Self>,
        position: Position,
        meta: &Arc<Meta>,
        at: Timestamp,
    ) -> Result<RecordedEvent, EncodeError> {
        let (data, event) = kept(&*self)?;
        let mut tags = Vec::with_capacity(E::TAGS.len());
        event.tags(&mut tags);
        tags.sort_unstable();
        tags.dedup();
        let header = EventHeader {
            position,
            id: Uuid::now_v7(),
            name: E::NAME.into(),
            version: E::VERSION,
            tags,
            meta: Arc::clone(meta),
            recorded_at: at,
        };
        Ok(RecordedEvent::fresh(header, data.into(), event))
    }
}

#[diagnostic::do_not_recommend]
impl<E: Event> Events for E {
    fn emit(self, to: &mut Emitted) {
        to.push(self);
    }
    const LIST: EventList = EventList::One { name: E::NAME, tags: E::TAGS };
}

macro_rules! collections_of_events {
    ($($collection:ty, [$($generics:tt)*];)+) => {$(
        impl<$($generics)*> Events for $collection {
            fn emit(self, to: &mut Emitted) {
                for events in self {
                    events.emit(to);
                }
            }
            const LIST: EventList = E::LIST;
        }
    )+};
}
collections_of_events! {
    Vec<E>, [E: Events];
    [E; N], [E: Events, const N: usize];
}

impl<E: Events> Events for Option<E> {
    fn emit(self, to: &mut Emitted) {
        if let Some(events) = self {
            events.emit(to);
        }
    }
    const LIST: EventList = E::LIST;
}

macro_rules! tuples_of_events {
    ($(($($part:ident)+))+) => {$(
        impl<$($part: Events),+> Events for ($($part,)+) {
            #[allow(non_snake_case, reason = "a field is named like its type")]
            fn emit(self, to: &mut Emitted) {
                let ($($part,)+) = self;
                $($part.emit(to);)+
            }
            const LIST: EventList = EventList::All(&[$(&$part::LIST),+]);
        }
    )+};
}
tuples_of_events! { (A) (A B) (A B C) (A B C D) (A B C D E) (A B C D E F) (A B C D E F G) (A B C D E F G H) }
