//! What a program says of itself: everything that goes through `tracing`.

use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

/// Listens to this thread's events and spans of every level, until it is dropped.
#[must_use = "it listens until it is dropped"]
pub struct Said {
    text: Arc<Mutex<String>>,
    _listening: tracing::subscriber::DefaultGuard,
}

impl Said {
    /// Begins to listen.
    pub fn listen() -> Self {
        let text = Arc::<Mutex<String>>::default();
        let listening = tracing::subscriber::set_default(Listener(Arc::clone(&text)));
        Self { text, _listening: listening }
    }

    /// Every field of everything that was said.
    #[must_use]
    pub fn text(&self) -> String {
        self.text.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

struct Listener(Arc<Mutex<String>>);

impl Listener {
    fn hear(&self, fields: impl FnOnce(&mut Fields<'_>)) {
        fields(&mut Fields(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner)));
    }
}

struct Fields<'a>(&'a mut String);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let _ = writeln!(self.0, "{} = {value:?}", field.name());
    }
}

impl Subscriber for Listener {
    fn enabled(&self, _: &Metadata<'_>) -> bool {
        true
    }

    fn new_span(&self, span: &Attributes<'_>) -> Id {
        self.hear(|fields| span.record(fields));
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, values: &Record<'_>) {
        self.hear(|fields| values.record(fields));
    }

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn event(&self, event: &Event<'_>) {
        self.hear(|fields| event.record(fields));
    }

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}
