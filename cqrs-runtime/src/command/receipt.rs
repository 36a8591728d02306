//! What the caller of an accepted command gets.

use crate::log::Position;

/// An accepted command's receipt: its events are stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt<R = ()> {
    pub(crate) position: Position,
    pub(crate) events: u32,
    pub(crate) returned: R,
    pub(crate) repeated: bool,
}

impl<R> Receipt<R> {
    /// The place in the log from which the command's effects can be seen: its last event's, or, if it stated none, the
    /// log's head when it was decided. `app.queries().after(receipt.position())` waits for the read models to be there.
    #[must_use]
    pub fn position(&self) -> Position {
        self.position
    }

    /// How many events it stated. They stand at the positions up to [`position`](Self::position).
    #[must_use]
    pub fn events(&self) -> u32 {
        self.events
    }

    /// What the command returns, as its `#[cqrs(returns = ..)]` declares.
    pub fn returned(&self) -> &R {
        &self.returned
    }

    /// What the command returns, by value.
    pub fn into_returned(self) -> R {
        self.returned
    }

    /// Whether the command's id was known already, so that nothing ran and this is the first time's receipt.
    #[must_use]
    pub fn is_repeated(&self) -> bool {
        self.repeated
    }
}
