//! Commands whose callers wait until the read side shows them.

use std::time::{Duration, Instant};

use super::CommandBus;
use crate::error::QueryError;
use crate::handler::{Handled, Handling};
use crate::log::BoxFuture;
use crate::projection::Handle;
use crate::query::{After, DEADLINE};
use crate::view::View;

/// A command bus that waits, after each command, until read models have come so far. See
/// [`CommandBus::awaiting`].
#[derive(Clone)]
#[must_use = "it does nothing until a command is executed"]
pub struct AwaitingBus {
    bus: CommandBus,
    projections: Vec<Awaited>,
    within: Duration,
}

#[derive(Clone, Copy)]
enum Awaited {
    View(&'static str),
    Projection(&'static str),
}

/// What became of a command, and whether the read models show it.
#[derive(Debug)]
#[must_use = "whether the command was accepted stands in `reply`"]
pub struct Seen<R> {
    /// What the command came to: as [`CommandBus::execute`] returns it.
    pub reply: R,
    /// Whether all of it shows. **Waiting is not undoing**: with [`QueryError::NotYet`] the command has taken effect all the
    /// same, and shows later. Of a command that was refused there is nothing to be seen, and this is `Ok`.
    pub seen: Result<(), QueryError>,
}

impl CommandBus {
    /// A bus that waits, after each command, until view `V` shows it: five seconds at most, or as
    /// [`within`](AwaitingBus::within) says.
    ///
    /// ```no_run
    /// # use cqrs_runtime::prelude::*;
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
    /// # #[command]
    /// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
    /// # #[derive(View, Serialize, Deserialize)] pub struct Door { #[key] door: DoorId }
    /// # async fn example(app: App, door: DoorId) -> Result<(), Box<dyn std::error::Error>> {
    /// let opened = app.commands().awaiting::<Door>().execute(OpenDoor { door }).await;
    /// let receipt = opened.reply?;
    /// if opened.seen.is_err() {
    ///     println!("opened at {}, and not shown yet", receipt.position());
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn awaiting<V: View>(&self) -> AwaitingBus {
        AwaitingBus { bus: self.clone(), projections: Vec::new(), within: DEADLINE }.awaiting::<V>()
    }

    /// As [`awaiting`](Self::awaiting), for an async projection.
    pub fn awaiting_projection<P: Handle>(&self) -> AwaitingBus {
        AwaitingBus { bus: self.clone(), projections: Vec::new(), within: DEADLINE }.awaiting_projection::<P>()
    }
}

impl AwaitingBus {
    /// Waits for view `V` too.
    pub fn awaiting<V: View>(mut self) -> Self {
        self.projections.push(Awaited::View(V::LAYOUT.name));
        self
    }

    /// Waits for an async projection too.
    pub fn awaiting_projection<P: Handle>(mut self) -> Self {
        self.projections.push(Awaited::Projection(P::NAME));
        self
    }

    /// How long to wait, for all together.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Executes a command, and waits until what it did shows.
    pub fn execute<C: Handled<H>, H: 'static>(&self, command: C) -> BoxFuture<'static, Seen<C::Reply>> {
        let (executing, this) = (self.bus.execute(command), self.clone());
        Box::pin(async move {
            let reply: Handling<C> = executing.await;
            let seen = match &reply {
                Ok(receipt) => {
                    this.wait(After { position: receipt.position, within: this.within, or_stale: false }).await
                }
                Err(_) => Ok(()),
            };
            Seen { reply, seen }
        })
    }

    async fn wait(&self, after: After) -> Result<(), QueryError> {
        let deadline = Instant::now() + after.within;
        for awaited in &self.projections {
            let within = deadline.saturating_duration_since(Instant::now());
            let after = After { within, ..after };
            match awaited {
                Awaited::View(view) => self.bus.inner.wait_for_view(Some(after), view).await?,
                Awaited::Projection(projection) => self.bus.inner.wait_for_projection(after, projection).await?,
            }
        }
        Ok(())
    }
}
