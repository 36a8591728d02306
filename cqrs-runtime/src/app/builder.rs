//! The composition root.

use std::any::{Any, TypeId};
use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use tower_layer::Layer;
use tower_service::Service;

use super::fault::{BuildError, Fault};
use super::names::{self, AcceptedNames};
use super::placement::{Place, ReadDatabases};
use super::unused::Marks;
use super::{App, Inner, checks, findings};
use crate::bus::middleware::{
    BoxError, BusService, CommandRequest, CommandResponse, CommandService, QueryRequest, QueryResponse, QueryService,
};
use crate::bus::read_side::{KeptBy, ReadSide, StoreSlot};
use crate::bus::services::Services;
use crate::model::parameters::State;
use crate::policy::{self, Policies, PolicyInfo, RetryPolicy, Settings};
use crate::projection::{
    Engine, Follower, Generations, Head, Inline, NoStart, Partitions, ProjectionInfo, Runner, Timing,
};
use crate::registry::table::{Placed, Table};
use crate::registry::{EventInfo, Registration, registered};
use crate::sequencer::snapshots::SnapshotWriter;
use crate::sequencer::{Sequencer, Sizes};
use crate::telemetry::{Recorder, TraceLink, Traces};
use cqrs_core::debug::opaque_debug;
use cqrs_core::log::EventLog;
use cqrs_core::view::{View, ViewStore};

type Wrap<S> = Box<dyn FnOnce(S) -> S + Send>;

/// Builds an [`App`] from a log, services and middleware. Linked handlers and projections are registered by themselves.
#[derive(Default)]
pub struct AppBuilder {
    log: Option<Arc<dyn EventLog>>,
    reads: ReadDatabases,
    pace: Timing,
    /// Partition counts, by view.
    partitions: Partitions,
    states: HashMap<TypeId, Box<dyn Any + Send + Sync>>,
    only: Option<Vec<String>>,
    accepted: AcceptedNames,
    accepted_findings: BTreeSet<String>,
    command_layers: Vec<Wrap<CommandService>>,
    query_layers: Vec<Wrap<QueryService>>,
    sizes: Sizes,
    max_bytes: Option<usize>,
    policies: Settings,
    trace_link: TraceLink,
    #[cfg(feature = "metrics")]
    metrics_interval: Option<Duration>,
}

opaque_debug!(AppBuilder);

/// Lower bound for leases: a shorter one would be renewed all the time.
const LEAST_LEASE: Duration = Duration::from_millis(100);

/// How long `build` waits for views that are built in the log's own database (level 1).
const FIRST_BUILD: Duration = Duration::from_secs(2);

/// Default limit for a message on the wire path: one mebibyte.
const MAX_BYTES: usize = 1 << 20;

impl AppBuilder {
    /// Sets the event log. If it can store views and no [`views`](Self::views) are given, views are updated in the
    /// log's own transactions (level 1).
    ///
    /// A log that other code uses too is given as an `Arc`: `.log(Arc::clone(&log))`.
    #[must_use]
    pub fn log(mut self, log: impl EventLog) -> Self {
        self.log = Some(Arc::new(log));
        self
    }

    /// Adds a separate read database (level 2). Commands do not touch it: a task of the app keeps it in step with the log. A
    /// query sees what has arrived there; a query asked [`after`](crate::QueryBus::after) a position waits for it.
    ///
    /// Several apps and processes may share it: one process at a time runs a projection, and all of them may query.
    ///
    /// If an app has several, its views are stored in the first one, except those that [`views_of`](Self::views_of) names. An
    /// async projection and a query's `Reader<Db>` use the first one of the database type that they name.
    #[must_use]
    pub fn views(mut self, views: impl ViewStore) -> Self {
        self.reads.add(Arc::new(views));
        self
    }

    /// Sets the read database of view `V`, so that each view can use the database that suits it. Other views stay where they
    /// are without this call: in the log's transactions (level 1), or in the database that [`views`](Self::views) sets.
    ///
    /// ```standalone_crate
    /// # use cqrs_runtime::prelude::*;
    /// # use cqrs_runtime::{log::MemoryLog, view::MemoryViews};
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
    /// # #[command]
    /// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
    /// #[derive(View, Serialize, Deserialize)]
    /// pub struct Door { #[key] door: DoorId }
    ///
    /// #[projection(on = [DoorOpened])]
    /// impl Door {
    ///     fn opened(event: &DoorOpened) -> Self { Self { door: event.door } }
    /// }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().log(MemoryLog::new()).views_of::<Door>(MemoryViews::new()).build().await?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Views that look each other up must be stored in one database. Give it as an `Arc` for each of them:
    /// `.views_of::<Door>(Arc::clone(&store)).views_of::<House>(store)`.
    #[must_use]
    pub fn views_of<V: View>(mut self, views: impl ViewStore) -> Self {
        self.reads.add_for(V::LAYOUT.name, Arc::new(views));
        self
    }

    /// How many events the read database takes in one transaction (level 2). Default: 5,000. Projections whose positions differ
    /// by less than this share one scan of the log.
    #[must_use]
    pub fn projection_batch(mut self, events: usize) -> Self {
        self.pace.batch = events.max(1);
        self
    }

    /// How long a projection's lease lasts before another process may take it over (level 2). Default: six seconds; at least 100 ms.
    /// The process that holds the lease renews it in time. If that process dies or hangs, another one that shares the read database
    /// takes the projection over after this time. If it hangs inside a transaction whose locks the database keeps (PostgreSQL,
    /// SQLite), another process can take over only when the database ends that transaction.
    #[must_use]
    pub fn projection_lease(mut self, time: Duration) -> Self {
        self.pace.lease = time.max(LEAST_LEASE);
        self
    }

    /// Splits the projection that makes view `V` into `number` partitions by key (level 2), so that several cores,
    /// connections and processes fold it. Each partition owns its keys, folds their events in order and advances on its own.
    /// Queries return the same rows as without partitions. Use it where one runner is too slow and the database runs several
    /// transactions at a time, as PostgreSQL and Redis do and SQLite does not. Every partition looks at every event that the
    /// projection listens to.
    ///
    /// ```standalone_crate
    /// # use cqrs_runtime::prelude::*;
    /// # use cqrs_runtime::{log::MemoryLog, view::MemoryViews};
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// # #[derive(Command, Serialize, Deserialize)] pub struct OpenDoor { door: DoorId }
    /// # #[command]
    /// # fn open(cmd: OpenDoor) -> Result<DoorOpened, std::convert::Infallible> { Ok(DoorOpened { door: cmd.door }) }
    /// #[derive(View, Serialize, Deserialize)]
    /// pub struct Door { #[key] door: DoorId, opened: u32 }
    ///
    /// #[projection(on = [DoorOpened])]
    /// impl Door {
    ///     fn opened(this: Option<Self>, event: &DoorOpened) -> Self {
    ///         Self { door: event.door, opened: this.map_or(0, |this| this.opened) + 1 }
    ///     }
    /// }
    /// # #[derive(Query, Serialize, Deserialize)] #[cqrs(returns = Option<u32>)] pub struct Opened { door: DoorId }
    /// # #[query]
    /// # async fn often(q: Opened, doors: Views<Door>) -> Result<Option<u32>, QueryError> {
    /// #     Ok(doors.get(q.door).await?.map(|door| door.opened))
    /// # }
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// let app = App::builder().log(MemoryLog::new()).views(MemoryViews::new()).partitions::<Door>(4).build().await?;
    /// let door = DoorId::new();
    /// let at = app.commands().execute(OpenDoor { door }).await?.position();
    /// assert_eq!(app.queries().after(at).ask(Opened { door }).await?, Some(1));
    /// assert_eq!(app.projections().await?[0].partitions.len(), 4);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// Processes that share the read database share the partitions, and take over those of a process that dies. The number may
    /// change from one start to the next without a rebuild: the process that holds all partitions brings them to one position
    /// and repartitions them; 1 merges them. While processes with another number run, the old number stays.
    ///
    /// [`build`](Self::build) refuses partitions for an async projection, for a projection that looks others up or is looked
    /// up, and for one that is folded with each command (level 1).
    #[must_use]
    pub fn partitions<V: View>(mut self, number: u32) -> Self {
        self.partitions.insert(V::LAYOUT.name, number);
        self
    }

    /// Registers a service that handlers take as `State<T>`.
    #[must_use]
    pub fn state<T: Send + Sync + 'static>(self, service: T) -> Self {
        self.shared_state(Arc::new(service))
    }

    /// Registers a service that is shared with other code, such as a trait object: handlers take `Arc<dyn Gateway>` as `State<dyn
    /// Gateway>`.
    #[must_use]
    pub fn shared_state<T: ?Sized + Send + Sync + 'static>(mut self, service: Arc<T>) -> Self {
        self.states.insert(TypeId::of::<T>(), Box::new(State::new(service)));
        self
    }

    /// Registers only handlers defined in these modules and in the modules inside them. A path is the start of a
    /// `module_path!()`. A path without any handler is an error.
    ///
    /// Use it in a test binary that links several domains.
    #[must_use]
    pub fn only_modules<P: Into<String>>(mut self, modules: impl IntoIterator<Item = P>) -> Self {
        self.only.get_or_insert_default().extend(modules.into_iter().map(Into::into));
        self
    }

    /// Accepts events and views that lead nowhere (rule 804): an event that nothing listens to, one that is listened to and not
    /// emitted here, or a view that no query reads. [`build`](Self::build) warns of those that are not accepted, and `verify!()`
    /// fails. Both also report an accepted name that no longer needs it.
    #[must_use]
    pub fn accept<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.accepted_findings.extend(names.into_iter().map(Into::into));
        self
    }

    /// Names events, tag prefixes and policies that the log holds and no program needs any more. Without it,
    /// [`build`](Self::build) refuses a program that has dropped a name (rule 808): a type that was renamed without
    /// `#[cqrs(name = \"..\")]` looks the same.
    ///
    /// `verify!(builder = ..)` takes it too: a retired event of `events.lock` is not reported as lost.
    ///
    /// What a retired policy could not finish stays in [`App::parked`] until [`App::dismiss_policy`].
    #[must_use]
    pub fn retired<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.accepted.retired.extend(names.into_iter().map(Into::into));
        self
    }

    /// Names events, tag prefixes and policies that the log holds and another program serves. Use it when several programs share one
    /// log. Like [`retired`](Self::retired), except that the names are in use.
    ///
    /// An older program of a rolling deployment does not need it. A name that was declared after all of its own belongs to a newer
    /// program: the older one starts, and [`App::health`] lists the names that it does not know.
    #[must_use]
    pub fn served_elsewhere<N: Into<String>>(mut self, names: impl IntoIterator<Item = N>) -> Self {
        self.accepted.elsewhere.extend(names.into_iter().map(Into::into));
        self
    }

    /// Adds a layer around the command bus. The first layer added is the outermost. See [`middleware`](crate::middleware).
    #[must_use]
    pub fn command_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<CommandService> + Send + 'static,
        L::Service: Service<CommandRequest, Response = CommandResponse, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.command_layers.push(Box::new(move |service| service.layered(&layer)));
        self
    }

    /// Adds a layer around the query bus. The first layer added is the outermost. See [`middleware`](crate::middleware).
    #[must_use]
    pub fn query_layer<L>(mut self, layer: L) -> Self
    where
        L: Layer<QueryService> + Send + 'static,
        L::Service: Service<QueryRequest, Response = QueryResponse, Error: Into<BoxError>, Future: Send>
            + Clone
            + Send
            + Sync
            + 'static,
    {
        self.query_layers.push(Box::new(move |service| service.layered(&layer)));
        self
    }

    /// How many commands may wait for the sequencer. Default: 4,096. When the queue is full, the next caller waits
    /// for a place.
    #[must_use]
    pub fn command_queue_capacity(mut self, commands: usize) -> Self {
        self.sizes.queue = commands.max(1);
        self
    }

    /// How long the app waits for one answer of the log: for its lock, a page of events, an append, a commit. Default: 60 seconds. After
    /// that the command fails with [`CommandError::Unavailable`](crate::CommandError::Unavailable). This bound is for stores that hang:
    /// the stores of this project time out earlier by their own options. Set it higher than the time that the log's adapter waits for its
    /// lock.
    #[must_use]
    pub fn store_timeout(mut self, timeout: Duration) -> Self {
        self.sizes.timeout = timeout;
        self
    }

    /// How many aggregates are kept in memory. Default: 100,000.
    #[must_use]
    pub fn aggregate_cache_capacity(mut self, aggregates: usize) -> Self {
        self.sizes.cache = aggregates;
        self
    }

    /// How many events of an aggregate lie between two snapshots of it. Default: 100; at least 1. Snapshots are written in the
    /// background. See [`snapshot`](crate::snapshot).
    #[must_use]
    pub fn snapshot_every(mut self, events: u64) -> Self {
        self.sizes.snapshot_every = events.max(1);
        self
    }

    /// The longest message, in bytes, that the wire path accepts. Default: one mebibyte.
    #[must_use]
    pub fn max_message_bytes(mut self, bytes: usize) -> Self {
        self.max_bytes = Some(bytes);
        self
    }

    /// Runs no policies in this process. Other processes on the same log run them. See [`policy`].
    #[must_use]
    pub fn without_policies(mut self) -> Self {
        self.policies.enabled = false;
        self
    }

    /// How often an idle policy looks for events that other processes have appended. Default: one second. It is notified
    /// at once of the events of its own process.
    #[must_use]
    pub fn poll_interval(mut self, interval: Duration) -> Self {
        self.policies.poll = interval;
        self
    }

    /// How often a policy tries an event whose failure may pass, before it parks the event, and with which pauses. Default:
    /// [`RetryPolicy::default`].
    #[must_use]
    pub fn policy_retry(mut self, retry: RetryPolicy) -> Self {
        self.policies.retry = retry;
        self
    }

    /// How long another process may work on one event of an `async fn` policy before this process takes it over. Default: 30
    /// seconds. Must be longer than the slowest policy function, or another process runs it a second time.
    #[must_use]
    pub fn policy_lease(mut self, time: Duration) -> Self {
        self.policies.lease = time;
        self
    }

    /// Checks everything that is linked, and starts the app. At level 1 its views are up to date then. At level 2 the runner has
    /// started, and an unreachable read database affects queries only.
    ///
    /// A program without any linked handler or projection is refused too, since that is a mistake:
    ///
    /// ```standalone_crate
    /// # use cqrs_runtime::{App, log::MemoryLog};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() {
    /// let refused = App::builder().log(MemoryLog::new()).build().await.unwrap_err().to_string();
    /// assert!(refused.contains("no handler and no projection is linked into this program"));
    /// assert!(refused.contains("write `use that_crate as _;`"));
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`BuildError`] lists every fault of the linked program, with the file and line of everything involved; or names the
    /// store that could not be prepared.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    pub async fn build(self) -> Result<App, BuildError> {
        let registry = Table::new(select(self.only.as_deref()).map_err(BuildError::Faults)?);
        let log = self.log.clone().ok_or_else(|| {
            BuildError::from(Fault::new("the app has no log", &[], "set one: `App::builder().log(..)`"))
        })?;
        let places = checks::check(&registry, &self.states, &*log, &self.reads)?;
        let partitions = checks::partitions(&registry, &places, &self.partitions)?;
        let mut faults = Vec::new();
        self.accepted.check(&registry, &mut faults);
        if !faults.is_empty() {
            return Err(BuildError::Faults(faults));
        }
        for finding in findings::check(&registry, &self.accepted_findings) {
            tracing::warn!("{finding}");
        }
        let newer_names = names::check(&*log, &registry, &self.accepted).await?;
        let faulty = |reason| BuildError::from(circle(reason));
        let policies = (registry.policies(), self.policies);
        #[cfg(feature = "metrics")]
        let metrics_interval = self.metrics_interval;
        let (mut inline, head, mut reads) = (Arc::<Inline>::default(), Arc::new(Head::default()), ReadSide::default());
        let inside: Vec<_> =
            places.iter().filter(|place| place.inside_log).flat_map(|p| p.projections.clone()).collect();
        let recorder = registry.recorder(&inside);
        let mut marks = Marks::default();
        for Place { store, inside_log, projections } in places {
            let generations = Generations::of(&projections);
            // Marked before anything of it is created, so that no process removes it as unused.
            marks.keep(&store, &generations).await;
            let by = if inside_log {
                inline = Arc::new(Inline::new(&projections).map_err(faulty)?);
                for shape in inline.shapes() {
                    store.prepare(shape).await?;
                }
                let (inline, log, store, head) =
                    (Arc::clone(&inline), Arc::clone(&log), Arc::clone(&store), Arc::clone(&head));
                let follower = Follower::start(&projections, inline, log, store, head, recorder.clone());
                KeptBy::Commands(Arc::new(follower.map_err(faulty)?))
            } else {
                let (log, store) = (Arc::clone(&log), Arc::clone(&store));
                let started = Runner::start(&projections, &partitions, log, store, &head, self.pace).await;
                KeptBy::Runner(started.map_err(|refused| match refused {
                    NoStart::Circle(reason) => faulty(reason),
                    NoStart::Foreign(error) => error.into(),
                })?)
            };
            reads.slots.push(StoreSlot { store, by, projections, generations });
        }
        let app = self.start(log, registry, inline, recorder, head, (reads, marks), newer_names);
        for follower in app.services.reads.followers() {
            follower.settle(FIRST_BUILD).await?;
        }
        let app = react(app, policies).await?;
        #[cfg(feature = "metrics")]
        super::gauges::keep(&app, metrics_interval);
        Ok(app)
    }

    /// Links the app's spans to traces: a command continues its caller's trace, its events carry the trace, and policies that
    /// answer them continue it. Crate `cqrs-opentelemetry` implements this for OpenTelemetry.
    #[must_use]
    pub fn traces(mut self, traces: impl Traces) -> Self {
        self.trace_link = TraceLink::new(traces);
        self
    }

    /// How often the log and the read side are read for gauges. Default: every five seconds. It does not matter how often a
    /// recorder reads the gauges.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics_interval(mut self, interval: Duration) -> Self {
        self.metrics_interval = Some(interval);
        self
    }

    /// The faults of the linked program, and its events; also the faults of this builder's settings, if it is
    /// `composed`.
    pub(crate) fn verify(&self, composed: bool) -> (Vec<Fault>, Vec<Placed<EventInfo>>) {
        let table = match select(self.only.as_deref()) {
            Ok(registrations) => Table::new(registrations),
            Err(faults) => return (faults, Vec::new()),
        };
        let mut faults = checks::linked(&table);
        self.accepted.check(&table, &mut faults);
        faults.extend(findings::check(&table, &self.accepted_findings));
        if let Err(reason) = Engine::new(&table.projections()) {
            faults.push(circle(reason));
        }
        if composed {
            checks::services_are_there(&table, &self.states, &mut faults);
        }
        match &self.log {
            Some(log) => {
                checks::databases_are_there(&table, &**log, &self.reads, &mut faults);
            }
            None => checks::one_write_database(&table, &mut faults),
        }
        (faults, table.events)
    }

    /// The names that no program needs any more.
    pub(crate) fn retired_names(&self) -> &BTreeSet<String> {
        &self.accepted.retired
    }

    /// An app for [`testing`](crate::testing): it takes typed commands and queries, and does not check what else is linked. These
    /// projections have filled their views already.
    pub(crate) fn unchecked(mut self, log: Arc<dyn EventLog>, filled: &[&'static ProjectionInfo]) -> App {
        self.sizes.rehearse_snapshots = true;
        let store = log.views();
        let slot = |store| StoreSlot {
            store,
            by: KeptBy::Nobody,
            projections: filled.to_vec(),
            generations: if filled.is_empty() { Generations::default() } else { Generations::of(filled) },
        };
        let slots = store.into_iter().map(slot).collect();
        let (table, reads) = (Table::default(), (ReadSide { slots }, Marks::default()));
        let recorder = table.recorder(&[]);
        self.start(log, table, Arc::default(), recorder, Arc::default(), reads, Vec::new())
    }

    #[allow(clippy::too_many_arguments, reason = "each part of an app, once")]
    fn start(
        self,
        log: Arc<dyn EventLog>,
        registry: Table,
        inline: Arc<Inline>,
        recorder: Recorder,
        head: Arc<Head>,
        (reads, marks): (ReadSide, Marks),
        newer_names: Vec<String>,
    ) -> App {
        let snapshots =
            Arc::new(SnapshotWriter::start(&*log, self.sizes.snapshot_every, self.sizes.rehearse_snapshots));
        let (log_too, inline_too, head_too) = (Arc::clone(&log), Arc::clone(&inline), Arc::clone(&head));
        let sequencer = Sequencer::start(
            log_too,
            inline_too,
            head_too,
            Arc::clone(&snapshots),
            self.sizes,
            recorder.clone(),
            self.trace_link.clone(),
        );
        let handlers = registry.handlers();
        let inner = Arc::new(Inner { registry, policies: Policies::default(), newer_names, _marks: marks });
        let services = Services {
            log,
            handlers,
            sequencer,
            inline,
            head,
            snapshots,
            recorder,
            trace_link: self.trace_link,
            command_layers: stack(self.command_layers),
            query_layers: stack(self.query_layers),
            reads,
            states: self.states,
            max_bytes: self.max_bytes.unwrap_or(MAX_BYTES),
            _app: Arc::clone(&inner) as _,
        };
        App { services: Arc::new(services), inner }
    }
}

/// Starts an app's policies where they left off.
async fn react(app: App, (policies, settings): (Vec<&'static PolicyInfo>, Settings)) -> Result<App, BuildError> {
    let from = policy::start(&*app.services.log, &policies).await?;
    if settings.enabled {
        app.inner.policies.run(&app.services, &policies, &from, settings);
    }
    Ok(app)
}

fn stack<Q, R>(layers: Vec<Wrap<BusService<Q, R>>>) -> Option<BusService<Q, R>>
where
    Q: crate::bus::middleware::Request<Response = R>,
    R: Send + 'static,
{
    // Wraps the innermost layer first: the one that was added last.
    layers.into_iter().rev().fold(None, |inside, wrap| Some(wrap(inside.unwrap_or_else(BusService::innermost))))
}

fn circle(reason: String) -> Fault {
    Fault::new(reason, &[], "remove one of the look-ups")
}

fn select(only: Option<&[String]>) -> Result<Vec<&'static Registration>, Vec<Fault>> {
    let within = |module: &str, path: &str| {
        module.strip_prefix(path).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
    };
    let Some(only) = only else { return Ok(registered().collect()) };
    let empty: Vec<Fault> = only
        .iter()
        .filter(|path| !registered().any(|entry| within(entry.module, path)))
        .map(|path| {
            Fault::new(
                format!("`.only_modules(..)` names `{path}`, but nothing is registered there"),
                &[],
                "use the path that `module_path!()` gives; if the crate is never named in source, link it: `use that_crate as _;`",
            )
        })
        .collect();
    if !empty.is_empty() {
        return Err(empty);
    }
    Ok(registered().filter(|entry| only.iter().any(|path| within(entry.module, path))).collect())
}
