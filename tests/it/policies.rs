//! Policies: each reacts once to each event, on every kind of log.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_runtime::log::{
    BoxFuture, CommandRecord, EventLog, EventQuery, LogTransaction, MemoryLog, Page, RawEvent, StoreError, append_raw,
};
use cqrs_runtime::policy::RetryPolicy;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, Parked, ViewStore, ViewTransaction};
use cqrs_runtime::{AppBuilder, OperationError};
use cqrs_sqlite::SqliteLog;
use tempfile::TempDir;
use tokio::sync::Notify;

use crate::logs::open;

#[derive(Id)]
pub struct OrderId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct OrderPaid {
    #[tag]
    order: OrderId,
    total: u32,
}

#[derive(Event, Serialize, Deserialize)]
pub struct OrderPacked {
    #[tag]
    order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct OrderShipped {
    #[tag]
    order: OrderId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Booked {
    #[tag]
    order: OrderId,
    text: String,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum OrderError {
    #[error("thirteen is not packed")]
    Unlucky,
}

pub struct Order {
    total: u32,
}

#[aggregate(id = OrderId, on = [OrderPaid, OrderPacked, OrderShipped])]
impl Order {
    fn paid(e: &OrderPaid) -> Self {
        Self { total: e.total }
    }
    fn packed(&mut self, _: &OrderPacked) {}
    fn shipped(&mut self, _: &OrderShipped) {}
}

#[derive(Command, Serialize, Deserialize)]
pub struct PayOrder {
    order: OrderId,
    total: u32,
}

#[command]
fn pay_order(cmd: PayOrder, _order: Absent<Order>) -> Result<OrderPaid, std::convert::Infallible> {
    Ok(OrderPaid { order: cmd.order, total: cmd.total })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = OrderError)]
pub struct PackOrder {
    order: OrderId,
}

#[command]
fn pack_order(cmd: PackOrder, order: &Order) -> Result<OrderPacked, OrderError> {
    if order.total == 13 { Err(OrderError::Unlucky) } else { Ok(OrderPacked { order: cmd.order }) }
}

#[derive(Command, Serialize, Deserialize)]
pub struct ShipOrder {
    order: OrderId,
}

#[command]
fn ship_order(cmd: ShipOrder, _order: &Order) -> Result<OrderShipped, std::convert::Infallible> {
    Ok(OrderShipped { order: cmd.order })
}

#[derive(Command, Serialize, Deserialize)]
pub struct Book {
    order: OrderId,
    text: String,
}

#[command]
async fn book(cmd: Book, desk: State<Desk>) -> Result<Booked, std::convert::Infallible> {
    desk.note(format!("booking {}", cmd.text));
    assert!(cmd.text != "paid 777", "the books are full");
    Ok(Booked { order: cmd.order, text: cmd.text })
}

/// The world outside, and what the test wants of it.
#[derive(Default)]
pub struct Desk {
    done: Mutex<Vec<String>>,
    failures: AtomicU32,
    stuck: AtomicBool,
}

impl Desk {
    fn note(&self, what: impl Into<String>) {
        self.done.lock().unwrap().push(what.into());
    }

    fn noted(&self, what: &str) -> usize {
        self.done.lock().unwrap().iter().filter(|done| done.starts_with(what)).count()
    }
}

#[policy(on = [OrderPaid])]
fn pack_what_is_paid(e: &OrderPaid, desk: State<Desk>) -> PackOrder {
    desk.note("packing");
    assert!(e.total != 666, "the number of the beast");
    PackOrder { order: e.order }
}

#[policy(on = [OrderPacked])]
fn ship_what_is_packed(e: &Recorded<OrderPacked>) -> Vec<ShipOrder> {
    vec![ShipOrder { order: e.order }]
}

#[derive(Debug, thiserror::Error)]
#[error("the line is busy")]
pub struct Busy;

#[policy(on = [OrderShipped])]
async fn call_the_customer(_e: &OrderShipped, desk: State<Desk>) -> Result<(), Busy> {
    let fails = |left: u32| left.checked_sub(1);
    if desk.failures.fetch_update(Ordering::SeqCst, Ordering::SeqCst, fails).is_ok() {
        desk.note("failed call");
        return Err(Busy);
    }
    if desk.stuck.swap(false, Ordering::SeqCst) {
        desk.note("stuck");
        std::future::pending::<()>().await;
    }
    for _ in 0..20 {
        // Time enough for another app to do the same.
        tokio::task::yield_now().await;
    }
    desk.note("call");
    Ok(())
}

pub struct Books;

#[policy(on = [OrderPaid, OrderShipped], from_start, name = "bookkeeping")]
impl Books {
    fn paid(e: &OrderPaid) -> (Book, Option<Book>) {
        let gift = (e.total == 0).then(|| Book { order: e.order, text: "gift".into() });
        (Book { order: e.order, text: format!("paid {}", e.total) }, gift)
    }
    async fn shipped(e: &Recorded<OrderShipped>) -> [Book; 2] {
        let book = |text: &str| Book { order: e.order, text: text.into() };
        [book("postage"), book("box")]
    }
}

#[derive(View, Serialize, Deserialize)]
pub struct Parcel {
    #[key]
    order: OrderId,
    shipped: bool,
}

#[projection(on = [OrderPacked, OrderShipped])]
impl Parcel {
    fn packed(e: &OrderPacked) -> Self {
        Self { order: e.order, shipped: false }
    }
    fn shipped(&mut self, _: &OrderShipped) {
        self.shipped = true;
    }
}

/// A log of each kind; the folder lives as long as the file in it.
async fn logs() -> Vec<(Arc<dyn EventLog>, Option<TempDir>)> {
    let folder = tempfile::tempdir().unwrap();
    let sqlite = open(&folder).await;
    vec![(Arc::new(MemoryLog::new()), None), (Arc::new(sqlite), Some(folder))]
}

fn builder(log: &Arc<dyn EventLog>, desk: &Arc<Desk>) -> AppBuilder {
    App::builder()
        .log(Arc::clone(log))
        .shared_state(Arc::clone(desk))
        .only_modules([module_path!()])
        .policy_retry(RetryPolicy::new(3, Duration::from_millis(1)))
        .poll_interval(Duration::from_millis(5))
}

async fn app(log: &Arc<dyn EventLog>, desk: &Arc<Desk>) -> App {
    builder(log, desk).build().await.unwrap()
}

async fn pay(app: &App, total: u32) -> OrderId {
    let order = OrderId::new();
    app.commands().execute(PayOrder { order, total }).await.unwrap();
    order
}

/// How many events of each name there are.
async fn counts(log: &dyn EventLog) -> BTreeMap<String, usize> {
    let page = log.read(&EventQuery::all(), Position::START, 100_000).await.unwrap();
    let mut counts = BTreeMap::new();
    for event in page.events {
        *counts.entry(event.name().to_owned()).or_default() += 1;
    }
    counts
}

fn expected(counts: &[(&str, usize)]) -> BTreeMap<String, usize> {
    counts.iter().map(|&(name, count)| (name.to_owned(), count)).collect()
}

#[tokio::test]
async fn one_event_leads_to_the_next_and_each_is_answered_once() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let app = app(&log, &desk).await;
        for total in [1, 0] {
            pay(&app, total).await;
        }
        let head = app.settled().await.unwrap();
        let all = [("Booked", 7), ("OrderPacked", 2), ("OrderPaid", 2), ("OrderShipped", 2)];
        assert_eq!(counts(&*log).await, expected(&all));
        assert_eq!((head, desk.noted("call"), desk.noted("packing")), (log.head().await.unwrap(), 2, 2));
        assert_eq!(app.parked().await.unwrap(), []);
        let progress = app.policies();
        assert_eq!(progress.iter().map(|policy| policy.name).collect::<Vec<_>>().len(), 4);
        assert!(progress.iter().all(|policy| policy.position == head && policy.error.is_none()), "{progress:?}");
    }
}

#[tokio::test]
async fn a_command_carries_on_what_its_event_began() {
    for (log, _folder) in logs().await {
        let app = app(&log, &Arc::default()).await;
        let meta = Meta::new().actor("ann").tenant("north");
        let (correlation, order) = (meta.correlation, OrderId::new());
        app.commands().with_meta(meta).execute(PayOrder { order, total: 1 }).await.unwrap();
        app.settled().await.unwrap();
        let events = log.read(&EventQuery::all(), Position::START, 100).await.unwrap().events;
        let find = |name| events.iter().find(|event| event.name() == name).unwrap().header();
        let (paid, packed) = (find("OrderPaid"), find("OrderPacked"));
        assert_eq!(packed.meta.causation, Some(paid.id));
        assert_eq!(packed.meta.actor.as_deref(), Some("policy:pack_what_is_paid"));
        assert_eq!(packed.meta.tenant.as_deref(), Some("north"));
        let id = format!("policy:pack_what_is_paid:{}:PackOrder:0", paid.id);
        assert_eq!(packed.meta.command_id, Some(CommandId::new(&id)));
        assert!(events.iter().all(|event| event.header().meta.correlation == correlation));
    }
}

#[tokio::test]
async fn a_policy_starts_at_now_and_goes_on_from_its_checkpoint() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let old = RawEvent::of(&OrderPaid { order: OrderId::new(), total: 1 }).unwrap();
        append_raw(&*log, vec![old], Meta::new()).await.unwrap();
        let first = app(&log, &desk).await;
        first.settled().await.unwrap();
        assert_eq!(counts(&*log).await, expected(&[("Booked", 1), ("OrderPaid", 1)]), "only what asks for the start");
        drop(first);
        let missed = RawEvent::of(&OrderPaid { order: OrderId::new(), total: 1 }).unwrap();
        append_raw(&*log, vec![missed], Meta::new()).await.unwrap();
        app(&log, &desk).await.settled().await.unwrap();
        let all = [("Booked", 4), ("OrderPacked", 1), ("OrderPaid", 2), ("OrderShipped", 1)];
        assert_eq!(counts(&*log).await, expected(&all), "what came while no one listened is not lost");
    }
}

#[tokio::test]
async fn a_rebuild_repeats_no_policy() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let app = app(&log, &desk).await;
        pay(&app, 1).await;
        let settled = app.settled().await.unwrap();
        app.rebuild("Parcel").await.unwrap();
        assert_eq!(app.settled().await.unwrap(), settled);
        assert_eq!((desk.noted("packing"), desk.noted("call")), (1, 1));
        drop(app);
        let again = self::app(&log, &desk).await;
        assert_eq!(again.settled().await.unwrap(), settled);
        assert_eq!((desk.noted("packing"), desk.noted("call")), (1, 1), "the checkpoint has outlived the rebuild");
    }
}

#[tokio::test]
async fn what_the_domain_refuses_is_kept_visibly_and_the_rest_goes_on() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let app = app(&log, &desk).await;
        pay(&app, 13).await;
        pay(&app, 14).await;
        app.settled().await.unwrap();
        let all = [("Booked", 4), ("OrderPacked", 1), ("OrderPaid", 2), ("OrderShipped", 1)];
        assert_eq!(counts(&*log).await, expected(&all));
        let parked = app.parked().await.unwrap();
        let refused = Parked {
            projection: "policy:pack_what_is_paid".into(),
            key: "@1:PackOrder:0".into(),
            position: Position::new(1),
            event: "OrderPaid".into(),
            error: "command `PackOrder`: Rejected: thirteen is not packed".into(),
            attempts: 1,
        };
        assert_eq!(parked, [refused]);
    }
}

#[tokio::test]
async fn a_read_database_of_its_own_changes_nothing_for_policies() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let app = builder(&log, &desk).views(MemoryViews::new()).build().await.unwrap();
        pay(&app, 13).await;
        app.settled().await.unwrap();
        let parked: Vec<_> = app.parked().await.unwrap().into_iter().map(|parked| parked.projection).collect();
        assert_eq!(parked, ["policy:pack_what_is_paid"], "what a policy could not finish shows wherever the views are");
        app.dismiss_policy("pack_what_is_paid").await.unwrap();
        assert_eq!(app.parked().await.unwrap(), []);
    }
}

#[tokio::test]
async fn a_panic_parks_its_event_and_the_rest_goes_on() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let app = app(&log, &desk).await;
        pay(&app, 666).await;
        app.settled().await.unwrap();
        pay(&app, 777).await;
        app.settled().await.unwrap();
        pay(&app, 1).await;
        app.settled().await.unwrap();
        let parked = app.parked().await.unwrap();
        let parked: Vec<_> =
            parked.iter().map(|entry| [&*entry.projection, &*entry.key, &*entry.event, &*entry.error]).collect();
        let in_a_workflow = "command `Book`: the command panicked: the books are full";
        assert_eq!(
            parked,
            [
                ["policy:bookkeeping", "@3:Book:0", "OrderPaid", in_a_workflow],
                ["policy:pack_what_is_paid", "@1", "OrderPaid", "the policy panicked: the number of the beast"],
            ]
        );
        assert_eq!((desk.noted("packing"), counts(&*log).await["OrderPacked"]), (3, 2));
    }
}

#[tokio::test]
async fn an_event_that_cannot_be_read_is_parked() {
    for (log, _folder) in logs().await {
        let app = app(&log, &Arc::default()).await;
        let mut unreadable = RawEvent::of(&OrderPaid { order: OrderId::new(), total: 1 }).unwrap();
        unreadable.data = "{}".into();
        append_raw(&*log, vec![unreadable], Meta::new()).await.unwrap();
        pay(&app, 1).await;
        app.settled().await.unwrap();
        let parked = app.parked().await.unwrap();
        let owners: Vec<_> = parked.iter().map(|parked| (parked.projection.as_str(), parked.key.as_str())).collect();
        assert_eq!(owners, [("policy:bookkeeping", "@1"), ("policy:pack_what_is_paid", "@1")]);
        assert!(parked[0].error.contains("missing field"), "{}", parked[0].error);
        assert_eq!(counts(&*log).await["OrderPacked"], 1);
    }
}

#[tokio::test]
async fn what_fails_outside_is_tried_again_and_parked_in_the_end() {
    for (failures, calls, parked) in [(2, 1, 0), (3, 0, 1)] {
        for (log, _folder) in logs().await {
            let desk = Arc::new(Desk { failures: AtomicU32::new(failures), ..Desk::default() });
            let app = app(&log, &desk).await;
            pay(&app, 1).await;
            app.settled().await.unwrap();
            assert_eq!((desk.noted("failed call"), desk.noted("call")), (failures as usize, calls));
            let entries = app.parked().await.unwrap();
            assert_eq!(entries.len(), parked);
            assert!(entries.iter().all(|entry| entry.error == "the policy failed: the line is busy"), "{entries:?}");
            pay(&app, 1).await;
            app.settled().await.unwrap();
            assert_eq!(desk.noted("call"), calls + 1, "the next event is answered");
        }
    }
}

#[tokio::test]
async fn an_operator_says_what_becomes_of_what_is_parked() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk { failures: AtomicU32::new(3), ..Desk::default() });
        let app = app(&log, &desk).await;
        for total in [13, 1] {
            pay(&app, total).await;
        }
        app.settled().await.unwrap();
        assert_eq!(app.parked().await.unwrap().len(), 2);
        assert_eq!(app.retry_policy("call_the_customer").await.unwrap(), []);
        assert_eq!((desk.noted("failed call"), desk.noted("call")), (3, 1), "the line is free again");
        let still = app.retry_policy("pack_what_is_paid").await.unwrap();
        assert_eq!(still, app.parked().await.unwrap(), "the domain refuses it again");
        assert_eq!(still[0].key, "@1:PackOrder:0");
        assert_eq!(app.dismiss_policy("pack_what_is_paid").await.unwrap(), still);
        assert_eq!(app.parked().await.unwrap(), []);
        let unknown = app.retry_policy("nobody").await.unwrap_err();
        assert!(matches!(unknown, OperationError::Unknown(_)), "{unknown:?}");
        let unknown = unknown.to_string();
        assert!(unknown.contains("there is no policy `nobody`; known: pack_what_is_paid, "), "{unknown}");
        let misspelt = app.dismiss_policy("pack_what_is_payd").await.unwrap_err().to_string();
        assert_eq!(misspelt, "there is no policy `pack_what_is_payd`; did you mean `pack_what_is_paid`?");
        assert_eq!((desk.noted("packing"), desk.noted("call")), (3, 1));
        drop(app);

        let missed = RawEvent::of(&OrderPaid { order: OrderId::new(), total: 1 }).unwrap();
        append_raw(&*log, vec![missed], Meta::new()).await.unwrap();
        let again = self::app(&log, &desk).await;
        again.settled().await.unwrap();
        assert_eq!((desk.noted("packing"), desk.noted("call")), (4, 2), "the checkpoints stay where they were");
    }
}

/// A log whose transactions that append nothing, such as those that move a checkpoint, fail while it should; and those
/// that append, as often as it should.
struct Forgetful {
    log: Arc<dyn EventLog>,
    forgets: AtomicBool,
    forgotten: Notify,
    refuses: Mutex<Vec<StoreError>>,
}

impl Forgetful {
    fn new(log: &Arc<dyn EventLog>) -> Arc<Self> {
        let (log, refuses) = (Arc::clone(log), Mutex::default());
        Arc::new(Self { log, forgets: AtomicBool::new(false), forgotten: Notify::new(), refuses })
    }
}

struct ForgetfulTransaction(Box<dyn LogTransaction>, Arc<Forgetful>, bool);

struct Shared(Arc<Forgetful>);

impl EventLog for Shared {
    fn describe(&self) -> String {
        self.0.log.describe()
    }
    fn read<'a>(
        &'a self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.0.log.read(query, after, limit)
    }
    fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
        self.0.log.head()
    }
    fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
        Box::pin(async {
            let inner = self.0.log.begin().await?;
            Ok(Box::new(ForgetfulTransaction(inner, Arc::clone(&self.0), false)) as Box<dyn LogTransaction>)
        })
    }
    fn views(&self) -> Option<Arc<dyn ViewStore>> {
        self.0.log.views()
    }
}

impl LogTransaction for ForgetfulTransaction {
    fn head(&self) -> Position {
        self.0.head()
    }
    fn read<'a>(
        &'a mut self,
        query: &'a EventQuery,
        after: Position,
        limit: usize,
    ) -> BoxFuture<'a, Result<Page, StoreError>> {
        self.0.read(query, after, limit)
    }
    fn commands<'a>(
        &'a mut self,
        ids: &'a [CommandId],
    ) -> BoxFuture<'a, Result<Vec<Option<CommandRecord>>, StoreError>> {
        self.0.commands(ids)
    }
    fn append<'a>(
        &'a mut self,
        events: &'a [cqrs_runtime::event::RecordedEvent],
        commands: &'a [CommandRecord],
    ) -> BoxFuture<'a, Result<(), StoreError>> {
        self.2 = true;
        self.0.append(events, commands)
    }
    fn views(&mut self) -> Option<&mut dyn ViewTransaction> {
        self.0.views()
    }
    fn commit(self: Box<Self>) -> BoxFuture<'static, Result<(), StoreError>> {
        let Self(inner, log, appended) = *self;
        if !appended && log.forgets.load(Ordering::SeqCst) {
            log.forgotten.notify_one();
            let lost = StoreError::Unavailable { store: "the test".into(), reason: "it forgets".into() };
            return Box::pin(std::future::ready(Err(lost)));
        }
        if let Some(error) = appended.then(|| log.refuses.lock().unwrap().pop()).flatten() {
            return Box::pin(std::future::ready(Err(error)));
        }
        inner.commit()
    }
}

#[tokio::test]
async fn what_was_done_before_the_checkpoint_takes_effect_once() {
    for (log, _folder) in logs().await {
        let forgetful = Forgetful::new(&log);
        let desk = Arc::new(Desk::default());
        let shared: Arc<dyn EventLog> = Arc::new(Shared(Arc::clone(&forgetful)));
        let first = builder(&shared, &desk).build().await.unwrap();
        forgetful.forgets.store(true, Ordering::SeqCst);
        pay(&first, 1).await;
        forgetful.forgotten.notified().await;
        while !counts(&*log).await.contains_key("OrderPacked") {
            forgetful.forgotten.notified().await;
        }
        let held_up = first.policies().into_iter().find_map(|policy| policy.error);
        assert_eq!(held_up.as_deref(), Some("the test is unavailable: it forgets"));
        drop(first);

        let second = app(&log, &desk).await;
        second.settled().await.unwrap();
        let all = [("Booked", 3), ("OrderPacked", 1), ("OrderPaid", 1), ("OrderShipped", 1)];
        assert_eq!(counts(&*log).await, expected(&all));
        assert_eq!(desk.noted("packing"), 2, "the event was handled again, since no one knew that it had been");
    }
}

#[tokio::test]
async fn a_command_is_sent_again_while_the_store_is_away_and_a_few_times_if_it_fails() {
    let away = || StoreError::Unavailable { store: "the test".into(), reason: "it is away".into() };
    let failed = || StoreError::Failed { store: "the test".into(), reason: "it is full".into() };
    for (errors, parked) in [(vec![away(); 7], 0), (vec![failed(); 2], 0), (vec![failed(); 3], 1)] {
        for (log, _folder) in logs().await {
            let forgetful = Forgetful::new(&log);
            let shared: Arc<dyn EventLog> = Arc::new(Shared(Arc::clone(&forgetful)));
            let order = OrderId::new();
            // Before the policies' time, but for the one that begins at the start.
            append_raw(&*log, vec![RawEvent::of(&OrderPaid { order, total: 1 }).unwrap()], Meta::new()).await.unwrap();
            let app = app(&shared, &Arc::default()).await;
            app.settled().await.unwrap();
            forgetful.refuses.lock().unwrap().clone_from(&errors);
            append_raw(&*log, vec![RawEvent::of(&OrderPacked { order }).unwrap()], Meta::new()).await.unwrap();
            app.settled().await.unwrap();
            let entries = app.parked().await.unwrap();
            assert_eq!(entries.len(), parked, "{entries:?}");
            assert!(entries.iter().all(|entry| entry.error.ends_with("the test failed: it is full")), "{entries:?}");
            assert_eq!(forgetful.refuses.lock().unwrap().len(), 0, "each error has been met");
            assert_eq!(counts(&*log).await.get("OrderShipped").copied(), (parked == 0).then_some(1));
        }
    }
}

#[tokio::test]
async fn the_runners_end_with_the_last_handle_of_their_app() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let app = builder(&log, &Arc::default()).poll_interval(Duration::from_secs(3_600)).build().await.unwrap();
    let another = app.clone();
    pay(&app, 1).await;
    app.settled().await.unwrap();
    drop(app);
    pay(&another, 1).await;
    let settled = tokio::time::timeout(Duration::from_secs(10), another.settled()).await;
    settled.expect("an append of this process wakes the policies at once").unwrap();
    drop(another);
    let alive = tokio::runtime::Handle::current().metrics();
    let ended = async {
        while alive.num_alive_tasks() > 0 {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), ended).await.expect("a runner keeps running without its app");
}

#[tokio::test]
async fn one_process_may_leave_policies_to_others() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let sender = builder(&log, &desk).without_policies().build().await.unwrap();
        pay(&sender, 1).await;
        assert_eq!(sender.policies(), []);
        let refused = sender.settled().await.unwrap_err();
        assert!(matches!(refused, OperationError::NoPolicies), "{refused}");
        assert_eq!(log.head().await.unwrap(), 1);
        let worker = app(&log, &desk).await;
        worker.settled().await.unwrap();
        assert_eq!(counts(&*log).await["OrderShipped"], 1, "it starts where the first app that knew of it was built");
    }
}

#[tokio::test]
async fn of_several_apps_one_acts_outside() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk::default());
        let apps = [app(&log, &desk).await, app(&log, &desk).await, app(&log, &desk).await];
        for number in 0..10 {
            pay(&apps[number % 3], 1).await;
        }
        for app in &apps {
            app.settled().await.unwrap();
        }
        let all = [("Booked", 30), ("OrderPacked", 10), ("OrderPaid", 10), ("OrderShipped", 10)];
        assert_eq!(counts(&*log).await, expected(&all));
        assert_eq!(desk.noted("call"), 10, "one call an order, and not one an app");
    }
}

#[tokio::test]
async fn what_one_app_does_not_finish_another_takes_over() {
    for (log, _folder) in logs().await {
        let desk = Arc::new(Desk { stuck: AtomicBool::new(true), ..Desk::default() });
        let first = app(&log, &desk).await;
        pay(&first, 1).await;
        while desk.noted("stuck") == 0 {
            tokio::task::yield_now().await;
        }
        let second = builder(&log, &desk).policy_lease(Duration::from_millis(20)).build().await.unwrap();
        second.settled().await.unwrap();
        assert_eq!((desk.noted("stuck"), desk.noted("call")), (1, 1));
    }
}

#[tokio::test]
async fn an_app_describes_its_policies() {
    let app = app(&(Arc::new(MemoryLog::new()) as Arc<dyn EventLog>), &Arc::default()).await;
    let text = app.describe().to_string();
    for part in [
        "pure; listens to OrderPaid; sends PackOrder",
        "acts outside; listens to OrderShipped",
        "bookkeeping",
        "acts outside; listens to OrderPaid, OrderShipped; sends Book",
    ] {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

const PATH: &str = "CQRS_POLICIES_TEST_PATH";
const ORDERS: &str = "CQRS_POLICIES_TEST_ORDERS";

/// Not a test: what the other process does. It pays orders, and runs the policies.
#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let Ok(path) = std::env::var(PATH) else { return };
    let orders: usize = std::env::var(ORDERS).unwrap().parse().unwrap();
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(path).await.unwrap());
    let app = app(&log, &Arc::default()).await;
    for _ in 0..orders {
        pay(&app, 1).await;
        println!("\npaid");
    }
    app.settled().await.unwrap();
    println!("\nsettled, with {} parked", app.parked().await.unwrap().len());
}

fn start_child(path: &Path, orders: usize) -> Child {
    let mut child = std::process::Command::new(std::env::current_exe().unwrap());
    child.args(["policies::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    child.env(PATH, path).env(ORDERS, orders.to_string()).stdout(Stdio::piped()).spawn().unwrap()
}

/// A log whose policies have begun, and its file.
async fn begun() -> (Arc<dyn EventLog>, TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("log.db");
    let log: Arc<dyn EventLog> = Arc::new(SqliteLog::open(&path).await.unwrap());
    drop(app(&log, &Arc::default()).await);
    (log, folder, path)
}

#[tokio::test(flavor = "multi_thread")]
async fn processes_that_run_the_same_policies_send_each_command_once() {
    let (log, _folder, path) = begun().await;
    let children: Vec<Child> = (0..2).map(|_| start_child(&path, 20)).collect();
    for mut child in children {
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let said: Vec<_> = lines.map(Result::unwrap).filter(|line| line.starts_with("settled")).collect();
        assert!(child.wait().unwrap().success());
        assert_eq!(said, ["settled, with 0 parked"]);
    }
    let app = app(&log, &Arc::default()).await;
    app.settled().await.unwrap();
    let all = [("Booked", 120), ("OrderPacked", 40), ("OrderPaid", 40), ("OrderShipped", 40)];
    assert_eq!(counts(&*log).await, expected(&all));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_killed_process_left_undone_is_done_once() {
    for orders in [1, 9, 30] {
        let (log, _folder, path) = begun().await;
        let mut child = start_child(&path, 100_000);
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        assert_eq!(lines.map(Result::unwrap).filter(|line| line == "paid").take(orders).count(), orders);
        child.kill().unwrap();
        child.wait().unwrap();
        let app = builder(&log, &Arc::default()).policy_lease(Duration::from_millis(20)).build().await.unwrap();
        app.settled().await.unwrap();
        let paid = counts(&*log).await["OrderPaid"];
        assert!(paid >= orders, "an acknowledged order is there");
        let all = [("Booked", 3 * paid), ("OrderPacked", paid), ("OrderPaid", paid), ("OrderShipped", paid)];
        assert_eq!(counts(&*log).await, expected(&all));
    }
}
