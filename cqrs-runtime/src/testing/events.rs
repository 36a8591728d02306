//! Events of a scenario: as a log records them, and as a failure shows them.

use std::fmt::Write;
use std::sync::Arc;

use cqrs_core::event::{Emitted, Events, RecordedEvent};
use cqrs_core::meta::Meta;
use cqrs_core::position::Position;
use cqrs_core::time::Timestamp;

/// The events as recorded in a log after position `after`.
#[track_caller]
pub(super) fn record(events: impl Events, after: Position, meta: &Meta) -> Vec<RecordedEvent> {
    let mut emitted = Emitted::default();
    events.emit(&mut emitted);
    emitted.record(after, &Arc::new(meta.clone()), Timestamp::now()).unwrap_or_else(|error| panic!("{error}"))
}

/// One line per event.
pub(super) fn described(events: &[RecordedEvent]) -> String {
    let mut text = String::new();
    for event in events {
        let _ = write!(text, "\n    {} {}", event.name(), event.data());
    }
    if text.is_empty() { "\n    nothing".into() } else { text }
}
