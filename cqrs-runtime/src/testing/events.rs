//! Events of a scenario: as a log records them, and as a failure shows them.

use std::fmt::Write;
use std::sync::Arc;

use crate::core::event::{Emitted, Events, RecordedEvent};
use crate::core::meta::Meta;
use crate::core::position::Position;
use crate::core::time::Timestamp;

/// The events as recorded in a log after position `after`.
#[track_caller]
pub(super) fn record(events: impl Events, after: Position, meta: &Meta) -> Vec<RecordedEvent> {
    let mut emitted = Emitted::default();
    events.emit(&mut emitted);
    let meta = Arc::new(meta.clone());
    let events = (1..).zip(emitted.events).map(|(number, event)| (after.plus(number), event));
    let recorded = events.map(|(position, event)| event.record(position, &meta, Timestamp::now()));
    match recorded.collect() {
        Ok(events) => events,
        Err(error) => panic!("{error}"),
    }
}

/// One line per event.
pub(super) fn described(events: &[RecordedEvent]) -> String {
    let mut text = String::new();
    for event in events {
        let _ = write!(text, "\n    {} {}", event.name(), event.data());
    }
    if text.is_empty() { "\n    nothing".into() } else { text }
}
