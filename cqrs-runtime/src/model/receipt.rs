//! The receipt of an accepted command.

use cqrs_core::position::Position;

/// The receipt of an accepted command, whose events are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt<R = ()> {
    pub(crate) position: Position,
    pub(crate) events: u32,
    pub(crate) returned: R,
    pub(crate) repeated: bool,
}

impl<R> Receipt<R> {
    /// A receipt that came from another process, for a [`Client`](crate::client::Client). The command bus makes its own.
    pub fn new(position: Position, events: u32, returned: R, repeated: bool) -> Self {
        Self { position, events, returned, repeated }
    }

    /// The position from which the command's effects can be seen: that of its last event. If it emitted none, the log's
    /// head when it was decided. `app.queries().after(receipt.position())` waits for the read models to reach it.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// How many events it emitted. The last one is at [`position`](Self::position), the others right before
    /// it.
    #[must_use]
    pub fn events(&self) -> u32 {
        self.events
    }

    /// The command's return value, of the type in `#[cqrs(returns = ..)]`.
    pub fn returned(&self) -> &R {
        &self.returned
    }

    /// The command's return value, by value.
    pub fn into_returned(self) -> R {
        self.returned
    }

    /// `true` if this command id was already executed. Nothing ran then, and this is the original receipt.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }
}
