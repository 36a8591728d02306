//! The app: the linked handlers and projections, with a log and a read side.

use std::sync::Arc;

use crate::bus::command::CommandBus;
use crate::bus::query::QueryBus;
use crate::bus::services::Services;
use crate::expansion::probe::Probe;
use crate::model::error::{Named, NotBuilt, NotYet, OperationError, QueryError, UnknownName};
use crate::model::parameters::State;
use crate::policy::{self, Policies, PolicyInfo, PolicyStatus};
use crate::registry::ServedMessage;
use crate::registry::table::Table;
use cqrs_core::debug::opaque_debug;
use cqrs_core::log::EventLog;
use cqrs_core::position::Position;
use cqrs_core::store_error::StoreError;
use cqrs_core::time::Timestamp;
use cqrs_core::view::{Generation, Parked, View, ViewShape, ViewStore};

mod builder;
mod checks;
mod client;
mod fault;
mod findings;
#[cfg(feature = "metrics")]
mod gauges;
mod health;
mod names;
mod placement;
mod policy_checks;
mod projections;
mod ready;
mod renamed;
mod unused;

pub use crate::projection::{PartitionStatus, Progress, ProjectionState, ProjectionStatus};
pub use crate::registry::Description;
pub use builder::AppBuilder;
pub use fault::{BuildError, Fault};
pub use health::{Health, HealthStatus, Problem};
use unused::Marks;
pub use unused::UnusedView;

/// A running application: handlers, a log, read models. Cheap to clone.
///
/// ```standalone_crate
/// use cqrs_runtime::prelude::*;
/// use cqrs_runtime::log::MemoryLog;
///
/// #[derive(Id)]
/// pub struct DoorId(Uuid);
///
/// #[derive(Event, Serialize, Deserialize)]
/// pub struct DoorOpened { #[tag] door: DoorId }
///
/// #[derive(Command, Serialize, Deserialize)]
/// pub struct OpenDoor { door: DoorId }
///
/// #[command]
/// fn open_door(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> {
///     Ok(DoorOpened { door: cmd.door })
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let app = App::builder().log(MemoryLog::new()).build().await?;
/// let receipt = app.commands().execute(OpenDoor { door: DoorId::new() }).await?;
/// assert_eq!(receipt.position(), 1);
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct App {
    pub(crate) services: Arc<Services>,
    pub(crate) inner: Arc<Inner>,
}

opaque_debug!(App);

/// How long [`App::quiet`] waits for the projections.
const PROJECTIONS_TAKE: std::time::Duration = std::time::Duration::from_secs(60);

impl App {
    /// Starts building an app.
    #[must_use]
    pub fn builder() -> AppBuilder {
        AppBuilder::default()
    }

    /// The command bus.
    #[must_use]
    pub fn commands(&self) -> CommandBus {
        CommandBus::new(Arc::clone(&self.services))
    }

    /// The query bus.
    #[must_use]
    pub fn queries(&self) -> QueryBus {
        QueryBus::new(Arc::clone(&self.services))
    }

    /// The log.
    #[must_use]
    pub fn log(&self) -> &Arc<dyn EventLog> {
        &self.services.log
    }

    /// The store that queries read: the log's own (level 1), or the app's first read database (level 2).
    #[must_use]
    pub fn views(&self) -> Option<&Arc<dyn ViewStore>> {
        self.services.reads.slots.first().map(|slot| &slot.store)
    }

    /// How view `V` is stored. `None` if no projection of this app makes it. The fingerprint covers everything that the rows
    /// depend on: programs with the same fingerprint can share the rows, others cannot.
    #[must_use]
    pub fn shape_of<V: View>(&self) -> Option<ViewShape> {
        self.services.reads.shape_of(V::LAYOUT.name)
    }

    /// Every view of this app with how it is stored, ordered by name.
    #[must_use]
    pub fn shapes(&self) -> Vec<(&'static str, ViewShape)> {
        let mut shapes = self.services.reads.shapes();
        shapes.sort_by_key(|(view, _)| *view);
        shapes
    }

    /// The store that holds the view of this name.
    #[must_use]
    pub fn views_of(&self, view: &str) -> Option<&Arc<dyn ViewStore>> {
        self.services.reads.of_view(view).map(|slot| &slot.store)
    }

    /// Under which names the view of a projection and its checkpoint are stored. The names contain the projection's fingerprint,
    /// because other versions of the program store separate rows. For SQL of your own, and for a look into the database. `None`
    /// for an async projection, which has tables of its own, and where no projection has that name.
    #[must_use]
    pub fn stored_as(&self, projection: &str) -> Option<Generation> {
        let mut slots = self.services.reads.slots.iter();
        let stored = slots.find_map(|slot| slot.generations.get(projection))?;
        Some(Generation { shape: stored.shape?, projection: stored.name })
    }

    /// An overview of this app: its messages, events, handlers and projections. Prints as text.
    #[must_use]
    pub fn describe(&self) -> Description {
        Description::new(&self.inner.registry)
    }

    /// Every command and query that this app serves, commands first, each ordered by name. For transports.
    #[must_use]
    pub fn messages(&self) -> Vec<ServedMessage> {
        crate::registry::served(&self.inner.registry)
    }

    /// The progress of the policies that run in this process. Empty with [`AppBuilder::without_policies`].
    #[must_use]
    pub fn policies(&self) -> Vec<PolicyStatus> {
        self.inner.policies.status()
    }

    /// Waits until every policy has handled every event, including the events of the policies' own commands. Returns the log's
    /// head at that moment. Tests call this instead of sleeping.
    ///
    /// It goes on waiting while a policy keeps failing ([`policies`](Self::policies) shows why), and while others append.
    ///
    /// # Errors
    /// See [`OperationError`]: the log cannot be reached, or this process does not run the policies.
    pub async fn settled(&self) -> Result<Position, OperationError> {
        self.services.head.wake();
        self.inner.policies.settled(&*self.services.log, self.inner.registry.policies.len()).await
    }

    /// Waits until every policy has handled every event, as [`settled`](Self::settled), and every projection has processed the log up
    /// to there. Returns the log's head at that moment: what a query finds then contains everything that follows from the commands
    /// so far. Tests call this instead of sleeping.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # async fn example(app: App) -> Result<(), Box<dyn std::error::Error>> {
    /// // .. commands ..
    /// app.quiet().await?;
    /// // .. queries ..
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// It goes on waiting while a policy keeps failing ([`policies`](Self::policies) shows why), and while others append. An app
    /// without policies in this process, [`without_policies`](AppBuilder::without_policies), can only wait for its projections:
    /// [`caught_up`](Self::caught_up).
    ///
    /// # Errors
    /// As for [`settled`](Self::settled), and [`OperationError::Behind`] where a projection is not there within a minute: it is
    /// paused, for example, or no process runs it.
    pub async fn quiet(&self) -> Result<Position, OperationError> {
        loop {
            let head = self.settled().await?;
            match self.caught_up(head, PROJECTIONS_TAKE).await {
                Ok(()) => {}
                Err(QueryError::NotYet(behind)) => return Err(OperationError::Behind(behind)),
                Err(QueryError::NotBuilt(NotBuilt { view, position: reached, of: wanted })) => {
                    return Err(OperationError::Behind(NotYet { view, reached, wanted }));
                }
                Err(QueryError::Unavailable(error)) => return Err(error.into()),
                Err(other) => {
                    let (store, reason) = (self.services.log.describe(), other.to_string());
                    return Err(StoreError::Failed { store, reason }.into());
                }
            }
            // A policy that was handed an event in between has moved the head before it is settled again.
            if self.settled().await? == head {
                return Ok(head);
            }
        }
    }

    /// Handles the parked events of a policy again, after the cause was fixed, and returns what is still parked. Its commands
    /// take effect once: those that already did are not repeated. What an `async fn` does outside is repeated.
    ///
    /// # Errors
    /// See [`OperationError`]: no policy has that name, or the store failed. Then everything stays parked.
    pub async fn retry_policy(&self, policy: &str) -> Result<Vec<Parked>, OperationError> {
        policy::retry(&self.services, self.policy(policy)?).await
    }

    /// Discards the parked events of a policy, and returns them. This program need not know the policy.
    ///
    /// # Errors
    /// See [`OperationError`]: no policy has that name and nothing of it is parked, or the store failed. Then nothing is
    /// discarded.
    pub async fn dismiss_policy(&self, policy: &str) -> Result<Vec<Parked>, OperationError> {
        let dismissed = policy::dismiss(&self.services, &policy::owner(policy)).await?;
        if dismissed.is_empty() {
            self.policy(policy)?;
        }
        Ok(dismissed)
    }

    /// Lets a policy go on that is [stopped](PolicyStatus::stopped) because the log has lost events that it had handled. It
    /// continues with the first event after this position. The position of the log's [head](EventLog::head) skips everything that
    /// the log holds now.
    ///
    /// What the policy did about lost events stays done, and the events that took their positions were not handled: look at both
    /// first. All processes that run the policy go on within their poll interval.
    ///
    /// # Errors
    /// See [`OperationError`]: no policy has that name, it is not stopped, the log does not reach that position, or the store failed.
    /// Then nothing changes.
    pub async fn resume_policy(&self, policy: &str, after: Position) -> Result<(), OperationError> {
        let info = self.policy(policy)?;
        policy::resume(&self.services, info, after).await?;
        self.inner.policies.resumed(info).await;
        Ok(())
    }

    /// Confirms that the log has lost events while this process ran (it was restored from a backup, or has failed over).
    /// [`health`](Self::health) no longer reports it then. Returns `false` if nothing was reported.
    #[must_use = "it says whether anything was reported"]
    pub fn dismiss_lost_events(&self) -> bool {
        self.services.head.dismiss_lost()
    }

    /// How many commands the log remembers by id. With `before`, only those that were recorded before that time.
    ///
    /// # Errors
    /// The log cannot be reached.
    pub async fn count_command_records(&self, before: Option<Timestamp>) -> Result<u64, StoreError> {
        self.services.log.count_command_records(before).await
    }

    /// Removes the log's records of commands with an id that are older than a time, and returns how many were removed. Their events
    /// stay.
    ///
    /// A command that is sent again with the id of a removed record **runs again**. So keep records for longer than any caller may
    /// retry. That includes the longest time that a queue holds a message, that a policy lags, and that its events stay parked:
    /// commands of policies have ids too.
    ///
    /// ```
    /// # use cqrs_runtime::{App, Timestamp};
    /// # async fn nightly(app: &App) -> Result<(), Box<dyn std::error::Error>> {
    /// const MONTH: i64 = 30 * 24 * 60 * 60 * 1_000_000;
    /// let before = Timestamp::from_micros(Timestamp::now().as_micros() - MONTH).expect("a time of the calendar");
    /// let removed = app.forget_commands(before).await?;
    /// println!("{removed} removed, {} left", app.count_command_records(None).await?);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// The log cannot be reached, or its role may not remove rows (on PostgreSQL). Some records may be removed
    /// already.
    pub async fn forget_commands(&self, before: Timestamp) -> Result<u64, StoreError> {
        self.services.log.forget_commands(before).await
    }

    fn policy(&self, name: &str) -> Result<&'static PolicyInfo, OperationError> {
        let known = self.inner.registry.policies();
        known.iter().find(|info| info.name == name).copied().ok_or_else(|| {
            let known = known.iter().map(|info| info.name).collect();
            OperationError::Unknown(UnknownName { what: Named::Policy, name: name.to_owned(), known })
        })
    }
}

impl Probe<State<App>> {
    /// A way around what the signature says.
    pub const IS_BUS: bool = true;
}

impl Probe<State<Arc<App>>> {
    /// A way around what the signature says.
    pub const IS_BUS: bool = true;
}

/// The state of an app that its buses do not share.
pub(crate) struct Inner {
    pub(crate) registry: Table,
    pub(crate) policies: Policies,
    /// Names of the log that belong to a newer program, or to one that runs next to this one.
    pub(crate) newer_names: Vec<String>,
    _marks: Marks,
}
