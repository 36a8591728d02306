//! Commands whose callers wait until the read side shows them.

use std::time::{Duration, Instant};

use crate::bus::command::{CommandBus, Executed};
use crate::model::consistency::{After, DEADLINE};
use crate::model::error::QueryError;
use crate::model::receipt::Receipt;
use crate::projection::Handle;
use cqrs_core::debug::opaque_debug;
use cqrs_core::store_error::BoxFuture;
use cqrs_core::view::View;

/// A command bus that waits after each command until read models show it. See [`CommandBus::awaiting`].
/// [`CommandBus::awaiting`].
#[derive(Clone)]
#[must_use = "a bus does nothing until a command is executed"]
pub struct AwaitingBus {
    bus: CommandBus,
    projections: Vec<Awaited>,
    within: Duration,
}

opaque_debug!(AwaitingBus { bus, within });

#[derive(Clone, Copy)]
enum Awaited {
    View(&'static str),
    Projection(&'static str),
}

/// The result of a command, and whether the read models show it.
#[derive(Debug)]
#[must_use = "`reply` says whether the command was accepted"]
pub struct Seen<R> {
    /// The command's result, as [`CommandBus::execute`] returns it.
    pub reply: R,
    /// Whether the read models show all of it. **A timeout does not undo the command**: with [`QueryError::NotYet`] it has
    /// taken effect all the same, and will show later. `Ok` for a refused command, which has no effects to show.
    pub seen: Result<(), QueryError>,
}

impl CommandBus {
    /// A bus that waits after each command until view `V` shows it. It waits for five seconds, or the time
    /// set by [`within`](AwaitingBus::within).
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

    /// Like [`awaiting`](Self::awaiting), for an async projection.
    pub fn awaiting_projection<P: Handle>(&self) -> AwaitingBus {
        AwaitingBus { bus: self.clone(), projections: Vec::new(), within: DEADLINE }.awaiting_projection::<P>()
    }
}

impl AwaitingBus {
    /// Also waits for view `V`.
    pub fn awaiting<V: View>(mut self) -> Self {
        self.projections.push(Awaited::View(V::LAYOUT.name));
        self
    }

    /// Also waits for an async projection.
    pub fn awaiting_projection<P: Handle>(mut self) -> Self {
        self.projections.push(Awaited::Projection(P::NAME));
        self
    }

    /// How long to wait, in total. Default: five seconds.
    pub fn within(mut self, deadline: Duration) -> Self {
        self.within = deadline;
        self
    }

    /// Executes a command, and waits until its effects show.
    pub fn execute<C, H, T, E>(&self, command: C) -> BoxFuture<'static, Seen<Result<Receipt<T>, E>>>
    where
        C: Executed<H, Result<Receipt<T>, E>>,
        H: 'static,
        T: Send + Sync + 'static,
        E: Send + 'static,
    {
        let (executing, this) = (self.bus.execute(command), self.clone());
        Box::pin(async move {
            let reply = executing.await;
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
                Awaited::View(view) => self.bus.services.wait_for_view(Some(after), view).await?,
                Awaited::Projection(projection) => self.bus.services.wait_for_projection(after, projection).await?,
            }
        }
        Ok(())
    }
}
