//! Faults that only the linked program can show are errors at its start, with file and line of each place.

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::view::MemoryViews;
use cqrs_runtime::{App, BuildError};
use cqrs_tests::bank::Balance;

async fn refusal(module: &str) -> String {
    let module = format!("{}::{module}", module_path!());
    let refused = App::builder().log(MemoryLog::new()).only_modules([module]).build().await.err();
    let refused = refused.expect("the app must be refused");
    assert!(matches!(refused, BuildError::Faults(_)), "{refused}");
    refused.to_string()
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

mod two_of_one_name {
    mod a {
        use cqrs_runtime::prelude::*;
        #[derive(Id)]
        pub struct ThingId(Uuid);
        #[derive(Event, Serialize, Deserialize)]
        pub struct ThingDone {
            #[tag]
            thing: ThingId,
        }
        #[derive(Command, Serialize, Deserialize)]
        pub struct DoThing {
            thing: ThingId,
        }
        #[command]
        fn do_thing(cmd: DoThing) -> Result<ThingDone, std::convert::Infallible> {
            Ok(ThingDone { thing: cmd.thing })
        }
    }
    mod b {
        use cqrs_runtime::prelude::*;
        #[derive(Query, Serialize, Deserialize)]
        #[cqrs(name = "DoThing", returns = u32)]
        pub struct CountThings {}
        #[query]
        async fn count_things(_q: CountThings) -> Result<u32, QueryError> {
            Ok(0)
        }
        #[derive(Event, Serialize, Deserialize)]
        pub struct ThingDone {}
    }
}

#[tokio::test]
async fn two_messages_or_events_of_one_name() {
    let text = refusal("two_of_one_name").await;
    says(
        &text,
        &[
            "[CQRS801] 2 messages are named `DoThing`",
            "[CQRS801] 2 events are named `ThingDone version 1`",
            "startup.rs:",
        ],
    );
    assert_eq!(text.matches("startup.rs:").count(), 4, "both places of both faults:\n{text}");
}

mod without_handler {
    use cqrs_runtime::prelude::*;
    #[derive(Command, Serialize, Deserialize)]
    pub struct NobodyDoes {}
    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u32)]
    pub struct NobodyKnows {}
    #[derive(Event, Serialize, Deserialize)]
    pub struct NobodyCares {}
}

#[tokio::test]
async fn messages_that_nothing_handles_and_events_that_no_one_knows() {
    let text = refusal("without_handler").await;
    says(
        &text,
        &[
            "[CQRS802] no handler for `NobodyDoes`",
            "[CQRS802] no handler for `NobodyKnows`",
            "[CQRS804] event `NobodyCares`",
            "no handler and no projection is linked",
        ],
    );
}

mod one_prefix {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    pub struct OrderId(Uuid);
    #[derive(Id)]
    #[cqrs(name = "order")]
    pub struct PurchaseId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct Ordered {
        #[tag]
        order: OrderId,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct Purchased {
        #[tag]
        purchase: PurchaseId,
    }
    pub struct Order;
    #[aggregate(id = OrderId, on = [Ordered])]
    impl Order {
        fn ordered(_: &Ordered) -> Self {
            Self
        }
    }
    pub struct Purchase;
    #[aggregate(id = PurchaseId, on = [Purchased])]
    impl Purchase {
        fn purchased(_: &Purchased) -> Self {
            Self
        }
    }
}

#[tokio::test]
async fn two_kinds_of_id_with_one_prefix() {
    says(&refusal("one_prefix").await, &["[CQRS801] the ids `", "both make tags `order:..`"]);
}

mod view_without_projection {
    use cqrs_runtime::prelude::*;
    #[derive(View, Serialize, Deserialize)]
    pub struct Empty {
        #[key]
        name: String,
    }
    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Option<Empty>)]
    pub struct GetEmpty {
        name: String,
    }
    #[query]
    async fn get_empty(q: GetEmpty, views: Views<Empty>) -> Result<Option<Empty>, QueryError> {
        views.get(q.name).await
    }
}

#[tokio::test]
async fn a_view_that_no_projection_makes() {
    says(
        &refusal("view_without_projection").await,
        &["[CQRS804] `get_empty` reads view `Empty`, which no projection makes"],
    );
}

mod named_beside {
    use cqrs_runtime::prelude::*;
    #[derive(Event, Serialize, Deserialize)]
    pub struct Seen {
        name: String,
    }
    #[derive(View, Serialize, Deserialize)]
    #[cqrs(name = "Sights@next")]
    pub struct Sights {
        #[key]
        name: String,
    }
    #[projection(on = [Seen])]
    impl Sights {
        fn seen(_: Option<Self>, event: &Seen) -> Self {
            Self { name: event.name.clone() }
        }
    }
}

#[tokio::test]
async fn a_view_named_as_what_is_built_beside_another() {
    says(&refusal("named_beside").await, &["[CQRS801] the name `Sights@next` is reserved", "startup.rs:"]);
}

#[tokio::test]
async fn a_module_that_holds_nothing_and_a_missing_log() {
    let text = refusal("nowhere").await;
    says(&text, &["`.only_modules(..)` names `it::startup::nowhere`"]);
    let text = App::builder().build().await.expect_err("refused").to_string();
    says(&text, &["the app has no log", "App::builder().log(..)"]);
}

mod versions {
    pub mod chain {
        use cqrs_runtime::prelude::*;
        #[derive(Event, Serialize, Deserialize)]
        #[cqrs(name = "Renamed")]
        pub struct RenamedV1 {
            name: String,
        }
        #[derive(Event, Serialize, Deserialize)]
        #[cqrs(version = 2, from = RenamedV1)]
        pub struct Renamed {
            first: String,
            last: String,
        }
        impl From<RenamedV1> for Renamed {
            fn from(old: RenamedV1) -> Self {
                Self { first: String::new(), last: old.name }
            }
        }
        #[derive(Command, Serialize, Deserialize)]
        pub struct Rename {
            first: String,
            last: String,
        }
        #[command]
        fn rename(cmd: Rename) -> Result<Renamed, std::convert::Infallible> {
            Ok(Renamed { first: cmd.first, last: cmd.last })
        }
    }
    mod fork {
        use cqrs_runtime::prelude::*;
        #[derive(Event, Serialize, Deserialize)]
        #[cqrs(name = "Renamed", version = 2, from = super::chain::RenamedV1)]
        pub struct OtherwiseRenamed {
            full: String,
        }
        impl From<super::chain::RenamedV1> for OtherwiseRenamed {
            fn from(_: super::chain::RenamedV1) -> Self {
                Self { full: String::new() }
            }
        }
    }
}

#[tokio::test]
async fn an_event_may_have_many_versions_and_each_of_them_once() {
    let text = refusal("versions").await;
    says(&text, &["[CQRS801] 2 events are named `Renamed version 2`", "rename one"]);
    assert_eq!(text.matches("startup.rs:").count(), 2, "version 1 is no fault:\n{text}");
    let chain = format!("{}::versions::chain", module_path!());
    App::builder()
        .log(MemoryLog::new())
        .only_modules([chain])
        .build()
        .await
        .expect("two versions of one event are well");
}

mod models {
    mod a {
        use cqrs_runtime::prelude::*;
        #[derive(Id)]
        pub struct LampId(Uuid);
        #[derive(Event, Serialize, Deserialize)]
        pub struct LampLit {
            #[tag]
            pub lamp: LampId,
        }
        pub struct Lamp;
        #[aggregate(id = LampId, on = [LampLit])]
        impl Lamp {
            fn lit(_: &LampLit) -> Self {
                Self
            }
        }
        #[derive(View, Serialize, Deserialize)]
        pub struct LampCard {
            #[key]
            pub lamp: LampId,
        }
        #[projection(on = [LampLit])]
        impl LampCard {
            fn lit(event: &LampLit) -> Self {
                Self { lamp: event.lamp }
            }
        }
        pub struct AlsoLamps;
        #[projection(view = LampCard, on = [LampLit])]
        impl AlsoLamps {
            fn lit(event: &LampLit) -> LampCard {
                LampCard { lamp: event.lamp }
            }
        }
    }
    mod b {
        use super::a::{LampId, LampLit};
        use cqrs_runtime::prelude::*;
        pub struct Lamp;
        #[aggregate(id = LampId, on = [LampLit])]
        impl Lamp {
            fn lit(_: &LampLit) -> Self {
                Self
            }
        }
        #[derive(View, Serialize, Deserialize)]
        pub struct LampCard {
            #[key]
            pub lamp: LampId,
        }
    }
}

#[tokio::test]
async fn two_models_of_one_name_and_two_makers_of_one_view() {
    let text = refusal("models").await;
    says(
        &text,
        &[
            "[CQRS801] 2 aggregates are named `Lamp`",
            "[CQRS801] 2 views are named `LampCard`",
            "[CQRS801] 2 projections make view `LampCard`",
            "put their methods into one `#[projection]`",
        ],
    );
    assert_eq!(text.matches("startup.rs:").count(), 6, "both places of the three faults:\n{text}");
}

mod one_projection_name {
    use cqrs_runtime::prelude::*;
    #[derive(Event, Serialize, Deserialize)]
    pub struct Rung {
        pub bell: u32,
    }
    mod a {
        use cqrs_runtime::prelude::*;
        #[derive(View, Serialize, Deserialize)]
        pub struct Bell {
            #[key]
            bell: u32,
        }
        #[projection(on = [super::Rung], name = "bells")]
        impl Bell {
            fn rung(_: Option<Self>, event: &super::Rung) -> Self {
                Self { bell: event.bell }
            }
        }
    }
    mod b {
        use cqrs_runtime::prelude::*;
        #[derive(View, Serialize, Deserialize)]
        pub struct Ring {
            #[key]
            bell: u32,
        }
        #[projection(on = [super::Rung], name = "bells")]
        impl Ring {
            fn rung(_: Option<Self>, event: &super::Rung) -> Self {
                Self { bell: event.bell }
            }
        }
    }
}

#[tokio::test]
async fn two_projections_of_one_name() {
    let text = refusal("one_projection_name").await;
    says(&text, &["[CQRS801] 2 projections are named `bells`"]);
    assert_eq!(text.matches("startup.rs:").count(), 2, "{text}");
}

pub mod capabilities {
    use cqrs_runtime::log::{BoxFuture, EventQuery, LogTransaction, MemoryLog, Page, StoreError};
    use cqrs_runtime::prelude::*;
    use cqrs_runtime::{Database, EventLog};
    use cqrs_sqlite::Sqlite;

    /// A database that nothing here is connected to.
    pub enum Elsewhere {}
    impl Database for Elsewhere {
        type Transaction = ();
        type Reader = ();
    }
    pub struct Clock;
    #[derive(Event, Serialize, Deserialize)]
    pub struct Ticked {
        #[tag]
        clock: ClockId,
    }
    #[derive(Id)]
    pub struct ClockId(Uuid);
    #[derive(Command, Serialize, Deserialize)]
    pub struct Tick {
        clock: ClockId,
    }
    #[command]
    async fn tick(cmd: Tick, _clock: State<Clock>, _tx: &mut Tx<Sqlite>) -> Result<Ticked, std::convert::Infallible> {
        Ok(Ticked { clock: cmd.clock })
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct TickElsewhere {
        clock: ClockId,
    }
    #[command]
    async fn tick_elsewhere(cmd: TickElsewhere, _tx: &mut Tx<Elsewhere>) -> Result<Ticked, std::convert::Infallible> {
        Ok(Ticked { clock: cmd.clock })
    }
    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u32)]
    pub struct Ticks {}
    #[query]
    async fn ticks(_q: Ticks, _db: Reader<Sqlite>) -> Result<u32, QueryError> {
        Ok(0)
    }
    pub struct TickTable;
    #[projection(on = [Ticked])]
    impl TickTable {
        async fn ticked(_tx: &mut Tx<Sqlite>, _event: &Ticked) -> Result<(), std::convert::Infallible> {
            Ok(())
        }
    }

    /// A log that keeps no views.
    pub struct Bare(pub MemoryLog);
    impl EventLog for Bare {
        fn describe(&self) -> String {
            "a bare log".into()
        }
        fn read<'a>(
            &'a self,
            query: &'a EventQuery,
            after: Position,
            limit: usize,
        ) -> BoxFuture<'a, Result<Page, StoreError>> {
            self.0.read(query, after, limit)
        }
        fn head(&self) -> BoxFuture<'_, Result<Position, StoreError>> {
            self.0.head()
        }
        fn begin(&self) -> BoxFuture<'_, Result<Box<dyn LogTransaction>, StoreError>> {
            self.0.begin()
        }
    }
}

#[tokio::test]
async fn what_the_app_was_not_given_and_a_transaction_of_another_database() {
    let module = format!("{}::capabilities", module_path!());
    let refused = App::builder().log(capabilities::Bare(MemoryLog::new())).only_modules([&*module]).build().await;
    let text = refused.expect_err("refused").to_string();
    let faults = [
        "[CQRS803] `tick` takes `State<it::startup::capabilities::Clock>`, but the app has no such service",
        "[CQRS806] `tick` takes `&mut Tx<Sqlite>`, but the log is a bare log: \
         the events would not commit with it",
        "[CQRS806] `tick_elsewhere` takes `&mut Tx<Elsewhere>`, but the log is a bare log",
        "[CQRS803] `ticks` takes `Reader<Sqlite>`, but no read database of the app is of that type",
        "[CQRS803] projection `TickTable` writes to `Sqlite`",
        "[CQRS803] projection `TickTable` has no read database: a bare log stores no views",
    ];
    says(&text, &faults);
    says(&text, &["App::builder().state(..)", "take the transaction of the log's own database"]);
    says(&text, &[&*format!(", in {module}\n")]);
    assert_eq!(text.matches("startup.rs:").count(), faults.len(), "each has its place:\n{text}");

    let folder = tempfile::tempdir().unwrap();
    let log = crate::logs::open(&folder).await;
    let refused = App::builder().log(log).state(capabilities::Clock).only_modules([&*module]).build().await;
    let text = refused.expect_err("refused").to_string();
    says(&text, &["[CQRS806] `tick_elsewhere` takes `&mut Tx<"]);
    assert_eq!(text.matches("[CQRS").count(), 1, "the others have what they take:\n{text}");
}

#[tokio::test]
async fn a_database_for_one_view_leaves_the_others_of_a_log_that_keeps_none_without() {
    let bare = capabilities::Bare(MemoryLog::new());
    let app = App::builder().log(bare).views_of::<Balance>(MemoryViews::new());
    let refused =
        app.only_modules(["cqrs_tests::bank".to_owned(), format!("{}::shelves", module_path!())]).build().await;
    let text = refused.expect_err("refused").to_string();
    says(&text, &["[CQRS803] projection `Shelf` has no read database: a bare log stores no views"]);
    assert_eq!(text.matches("[CQRS").count(), 1, "{text}");
}

mod shelves {
    use cqrs_runtime::prelude::*;
    use cqrs_tests::bank::{AccountId, AccountOpened};
    #[derive(View, Serialize, Deserialize)]
    pub struct Shelf {
        #[key]
        account: AccountId,
    }
    #[projection(on = [AccountOpened])]
    impl Shelf {
        fn opened(event: &AccountOpened) -> Self {
            Self { account: event.account }
        }
    }
}

mod torn {
    pub mod events {
        use cqrs_runtime::prelude::*;
        #[derive(Event, Serialize, Deserialize)]
        pub struct Torn {
            pub page: u32,
        }
    }
    pub mod models {
        use super::events::Torn;
        use cqrs_runtime::prelude::*;
        #[derive(Command, Serialize, Deserialize)]
        pub struct Tear {
            page: u32,
        }
        #[command]
        fn tear(cmd: Tear) -> Result<Torn, std::convert::Infallible> {
            Ok(Torn { page: cmd.page })
        }
        #[derive(View, Serialize, Deserialize)]
        pub struct Shred {
            #[key]
            page: u32,
        }
        #[projection(on = [Torn])]
        impl Shred {
            fn torn(_: Option<Self>, event: &Torn, #[id(event.page)] _book: Option<&super::books::Book>) -> Self {
                Self { page: event.page }
            }
        }
    }
    pub mod books {
        use cqrs_runtime::prelude::*;
        #[derive(View, Serialize, Deserialize)]
        pub struct Book {
            #[key]
            page: u32,
        }
    }
}

#[tokio::test]
async fn events_and_views_that_are_not_linked() {
    let text = refusal("torn::models").await;
    says(
        &text,
        &[
            "[CQRS804] `tear` emits event `Torn`, which is not linked",
            "[CQRS804] projection `Shred` listens to event `Torn`, which is not linked",
            "[CQRS804] projection `Shred` looks up view `Book`, which no projection makes",
            "use that_crate as _;",
        ],
    );
    assert_eq!(text.matches("startup.rs:").count(), 3, "{text}");
}

mod faulty_policies {
    pub mod messages {
        use cqrs_runtime::prelude::*;
        #[derive(Id)]
        pub struct JobId(Uuid);
        #[derive(Event, Serialize, Deserialize)]
        pub struct JobDone {
            #[tag]
            pub job: JobId,
        }
        #[derive(Command, Serialize, Deserialize)]
        pub struct DoJob {
            pub job: JobId,
        }
        #[command]
        fn do_job(cmd: DoJob) -> Result<JobDone, std::convert::Infallible> {
            Ok(JobDone { job: cmd.job })
        }
    }
    pub mod policies {
        use super::messages::{DoJob, JobDone};
        use cqrs_runtime::prelude::*;
        #[policy(on = [JobDone])]
        async fn again(e: &JobDone, _service: State<u8>) -> DoJob {
            DoJob { job: e.job }
        }
        mod of_the_same_name {
            use super::JobDone;
            use cqrs_runtime::prelude::*;
            #[policy(on = [JobDone], name = "again")]
            fn other(_: &JobDone) {}
        }
    }
}

#[tokio::test]
async fn policies_of_one_name_without_their_service_and_on_events_that_are_not_linked() {
    let text = refusal("faulty_policies::policies").await;
    says(
        &text,
        &[
            "[CQRS801] 2 policies are named `again`",
            "[CQRS803] `again` takes `State<u8>`, but the app has no such service",
            "[CQRS804] policy `again` listens to event `JobDone`, which is not linked",
            "[CQRS802] policy `again` sends `DoJob`, whose handler is not registered",
        ],
    );
}

mod endless {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    pub struct BallId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct Pinged {
        #[tag]
        ball: BallId,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct Ponged {
        #[tag]
        ball: BallId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Ping {
        ball: BallId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Pong {
        ball: BallId,
    }
    #[policy(on = [Pinged])]
    fn answer_ping(e: &Pinged) -> [Pong; 1] {
        [Pong { ball: e.ball }]
    }
    #[policy(on = [Ponged])]
    fn answer_pong(e: &Ponged) -> Ping {
        Ping { ball: e.ball }
    }
    #[command]
    fn ping(cmd: Ping) -> Result<Pinged, std::convert::Infallible> {
        Ok(Pinged { ball: cmd.ball })
    }
    pub mod unstopped {
        use super::{Pong, Ponged};
        use cqrs_runtime::prelude::*;
        #[command(foreign)]
        fn pong(cmd: Pong) -> Result<Ponged, std::convert::Infallible> {
            Ok(Ponged { ball: cmd.ball })
        }
    }
}

#[tokio::test]
async fn policies_that_feed_each_other_without_end() {
    let text = refusal("endless").await;
    says(
        &text,
        &[
            "[CQRS807] policies feed each other without end: `answer_ping` sends `Pong`, for which `pong` emits `Ponged`; \
             `answer_pong` sends `Ping`, for which `ping` emits `Pinged`; to which `answer_ping` listens again",
            "let the handler of one of these commands take an aggregate",
        ],
    );
    assert_eq!(text.matches("startup.rs:").count(), 4, "every party, once:\n{text}");
}

/// The same circle; what the one command is decided on ends it.
mod ending {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    #[cqrs(name = "ended_ball")]
    pub struct BallId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct Pinged {
        #[tag]
        pub ball: BallId,
    }
    #[derive(Event, Serialize, Deserialize)]
    pub struct Ponged {
        #[tag]
        pub ball: BallId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Ping {
        pub ball: BallId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Pong {
        pub ball: BallId,
    }
    pub struct Ball {
        times: u32,
    }
    #[aggregate(id = BallId, on = [Pinged], ignore = [Ponged])]
    impl Ball {
        fn pinged(this: Option<Self>, _: &Pinged) -> Self {
            Self { times: this.map_or(0, |this| this.times) + 1 }
        }
    }
    #[policy(on = [Pinged])]
    fn answer_ping(e: &Pinged) -> Pong {
        Pong { ball: e.ball }
    }
    #[policy(on = [Ponged])]
    fn answer_pong(e: &Ponged) -> Ping {
        Ping { ball: e.ball }
    }
    #[command]
    fn ping(cmd: Ping) -> Result<Pinged, std::convert::Infallible> {
        Ok(Pinged { ball: cmd.ball })
    }
    #[command]
    fn pong(cmd: Pong, ball: &Ball) -> Result<Option<Ponged>, std::convert::Infallible> {
        Ok((ball.times < 3).then_some(Ponged { ball: cmd.ball }))
    }
}

#[tokio::test]
async fn an_aggregate_ends_a_circle_of_policies() {
    // Keeps CQRS807
    let module = format!("{}::ending", module_path!());
    let app = App::builder().log(MemoryLog::new()).only_modules([module]).build().await.unwrap();
    app.commands().execute(ending::Ping { ball: ending::BallId::new() }).await.unwrap();
    assert_eq!(app.settled().await.unwrap(), 5, "three pings and two pongs");
}
