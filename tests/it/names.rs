//! A program that has dropped a name reports it at its start. An older program keeps running next to a newer one.

use std::sync::Arc;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::log::{EventLog, MemoryLog, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_runtime::verify::{Bless, linked};
use cqrs_runtime::{AppBuilder, Tag};
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::Postgres;

/// One program: an account that can be opened once, and its limit, under names of its own.
macro_rules! accounts {
    ($module:ident, $id:ident, $limit:ident $(as $stored:literal)?, $($more:item)*) => {
        pub mod $module {
            use cqrs_runtime::prelude::*;
            #[derive(Id)]
            pub struct $id(Uuid);
            #[derive(Event, Serialize, Deserialize)]
            $(#[cqrs(name = $stored)])?
            pub struct $limit {
                #[tag]
                pub account: $id,
                pub limit: i64,
            }
            pub struct Account;
            #[aggregate(id = $id, on = [$limit])]
            impl Account {
                fn set(_: Option<Self>, _: &$limit) -> Self {
                    Self
                }
            }
            #[derive(Command, Serialize, Deserialize)]
            pub struct Open {
                pub account: $id,
            }
            #[command]
            fn open(cmd: Open, _account: Absent<Account>) -> Result<$limit, std::convert::Infallible> {
                Ok($limit { account: cmd.account, limit: 1 })
            }
            $($more)*
        }
    };
}

accounts! {first, AccountId, LimitSet,}
accounts! {event_renamed, AccountId, CreditLimitSet,}
accounts! {event_renamed_aloud, AccountId, CreditLimitSet as "LimitSet",}
accounts! {id_renamed, WalletId, LimitSet,}
accounts! {
    newer,
    AccountId,
    LimitSet,
    #[derive(Event, Serialize, Deserialize)]
    pub struct Closed {
        #[tag]
        pub account: AccountId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Close {
        pub account: AccountId,
    }
    #[command]
    fn close(cmd: Close) -> Result<Closed, std::convert::Infallible> {
        Ok(Closed { account: cmd.account })
    }
}
pub mod other_service {
    use cqrs_runtime::prelude::*;
    #[derive(Id)]
    pub struct ParcelId(Uuid);
    #[derive(Event, Serialize, Deserialize)]
    pub struct Packed {
        #[tag]
        pub parcel: ParcelId,
    }
    #[derive(Command, Serialize, Deserialize)]
    pub struct Pack {
        pub parcel: ParcelId,
    }
    #[command]
    fn pack(cmd: Pack) -> Result<Packed, std::convert::Infallible> {
        Ok(Packed { parcel: cmd.parcel })
    }
}

/// The databases that a log is tried on, each of which opens again as another process would.
enum Place {
    Memory(MemoryLog),
    Sqlite(tempfile::TempDir),
    Postgres(cqrs_test_servers::Database),
}

impl Place {
    fn all() -> [Self; 3] {
        let folder = tempfile::tempdir().expect("a folder");
        [Self::Memory(MemoryLog::new()), Self::Sqlite(folder), Self::Postgres(Postgres::shared().database())]
    }

    async fn log(&self) -> Arc<dyn EventLog> {
        match self {
            Self::Memory(log) => Arc::new(log.clone()),
            Self::Sqlite(folder) => Arc::new(SqliteLog::open(folder.path().join("log.db")).await.expect("a log")),
            Self::Postgres(database) => {
                Arc::new(PostgresLog::builder(database.url()).readers(2).open().await.expect("a log"))
            }
        }
    }

    async fn program(&self, module: &str) -> AppBuilder {
        App::builder().log(self.log().await).only_modules([format!("{}::{module}", module_path!())])
    }

    async fn start(&self, module: &str) -> App {
        self.program(module).await.build().await.unwrap_or_else(|refused| panic!("{module}: {refused}"))
    }

    async fn refusal(&self, module: &str) -> String {
        let refused = self.program(module).await.build().await.err();
        refused.unwrap_or_else(|| panic!("{module} must be refused")).to_string()
    }
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

async fn open_first(place: &Place) -> first::AccountId {
    let account = first::AccountId::new();
    place.start("first").await.commands().execute(first::Open { account }).await.expect("opened");
    account
}

#[tokio::test]
async fn an_event_that_was_renamed_is_refused_until_its_old_name_is_said() {
    for place in Place::all() {
        let account = open_first(&place).await;
        let refused = place.refusal("event_renamed").await;
        says(
            &refused,
            &[
                "[CQRS808] the log holds events `LimitSet`, the first at position 1",
                "it/names.rs:",
                "in it::names::first, first seen 20",
                "write `#[cqrs(name = \"LimitSet\")]` on event `CreditLimitSet`",
                ".retired([\"LimitSet\"])",
                ".served_elsewhere([\"LimitSet\"])",
                "see: cqrs_runtime::rules#cqrs808",
            ],
        );
        assert_eq!(refused.matches("[CQRS808]").count(), 1, "{refused}");
        // A program that was refused has declared nothing: refused again.
        place.refusal("event_renamed").await;
        let app = place.start("event_renamed_aloud").await;
        let account = event_renamed_aloud::AccountId::from(account.into_inner());
        let again = app.commands().execute(event_renamed_aloud::Open { account }).await;
        assert!(again.is_err(), "the account is there");
        place.start("first").await;
    }
}

#[tokio::test]
async fn an_id_type_that_was_renamed_is_refused() {
    for place in Place::all() {
        open_first(&place).await;
        says(
            &place.refusal("id_renamed").await,
            &[
                "[CQRS808] the log holds tags `account:..`, one of them at position 1 (LimitSet)",
                "write `#[cqrs(name = \"account\")]` on the id type whose tags are `wallet:..`",
                ".retired([\"account\"])",
            ],
        );
        let accepted = place.program("id_renamed").await.retired(["account"]);
        accepted.build().await.expect("it is said aloud");
    }
}

#[tokio::test]
async fn a_name_that_was_never_stored_may_go() {
    let place = Place::Memory(MemoryLog::new());
    place.start("first").await;
    place.start("event_renamed").await;
}

#[tokio::test]
async fn an_older_program_goes_on_beside_a_newer_one_and_names_what_it_does_not_know() {
    // Keeps CQRS808
    for place in Place::all() {
        let account = open_first(&place).await;
        let newer = place.start("newer").await;
        let closed = newer::Close { account: newer::AccountId::from(account.into_inner()) };
        newer.commands().execute(closed).await.expect("closed");
        // The old process is started again in the middle of the deployment, or for good where that is taken back.
        for _ in 0..2 {
            let older = place.start("first").await;
            let health = older.health().await.to_string();
            says(&health, &["degraded", "log: it holds event `Closed`, which was declared at ", "it/names.rs:"]);
            older.commands().execute(first::Open { account: first::AccountId::new() }).await.expect("it serves");
        }
        let health = place.start("newer").await.health().await;
        assert_eq!(health.problems, [], "{health}");
        // One that brings something of its own and lacks it has dropped it.
        let refused = place.refusal("event_renamed").await;
        says(&refused, &["`LimitSet`", "`Closed`", "for 2 reasons"]);
    }
}

#[tokio::test]
async fn a_program_that_serves_a_part_names_the_other_parts() {
    for place in Place::all() {
        open_first(&place).await;
        says(&place.refusal("other_service").await, &["events `LimitSet`", "tags `account:..`"]);
        let part = || async { place.program("other_service").await.served_elsewhere(["LimitSet", "account"]) };
        let app = part().await.build().await.expect("it is said aloud");
        let parcel = other_service::ParcelId::new();
        app.commands().execute(other_service::Pack { parcel }).await.expect("packed");
        assert_eq!(app.health().await.problems, []);
        // The first one brings nothing new, and so is older.
        place.start("first").await;
    }
}

#[tokio::test]
async fn what_is_linked_cannot_be_retired() {
    let place = Place::Memory(MemoryLog::new());
    for names in [["LimitSet"], ["account"]] {
        let refused = place.program("first").await.retired(names).build().await.expect_err("refused").to_string();
        says(&refused, &["[CQRS808] `.retired(..)` names", names[0], "but this program has it", "it/names.rs:"]);
        let folder = tempfile::tempdir().expect("a folder");
        let builder = place.program("first").await.served_elsewhere(names);
        let refused = linked(folder.path()).builder(builder).bless(Bless::Additions).check().expect_err("refused");
        says(&refused.to_string(), &["[CQRS808] `.served_elsewhere(..)` names"]);
    }
}

#[tokio::test]
async fn events_that_no_program_has_declared_count_where_they_are_about_its_own() {
    let raw = |name: &str, tags: Vec<Tag>| RawEvent { name: name.into(), version: 1, tags, data: "{}".into() };
    for place in Place::all() {
        let log = place.log().await;
        append_raw(&*log, vec![raw("Foreign", Vec::new())], Meta::new()).await.expect("appended");
        let app = place.start("first").await;
        assert_eq!(app.health().await.problems, [], "it is nobody's of ours");
        let about = vec![Tag::from_text("account:1")];
        append_raw(&*log, vec![raw("LimitLifted", about)], Meta::new()).await.expect("appended");
        let refused = place.refusal("first").await;
        says(&refused, &["events `LimitLifted`", "was not declared by any program"]);
        assert!(!refused.contains("Foreign"), "{refused}");
    }
}

#[test]
fn a_retired_event_is_no_loss_to_the_lock_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let builder = |module: &str| App::builder().only_modules([format!("{}::{module}", module_path!())]);
    let check =
        |builder: AppBuilder, bless| linked(folder.path()).builder(builder).bless(bless).accept(["Closed"]).check();
    check(builder("newer"), Bless::Additions).expect("written");
    let lost = || linked(folder.path()).builder(builder("first"));
    says(
        &lost().bless(Bless::Additions).check().expect_err("a loss").to_string(),
        &["event `Closed`", "no longer linked"],
    );
    let retired = || linked(folder.path()).builder(builder("first").retired(["Closed"]));
    says(
        &retired().bless(Bless::No).check().expect_err("an addition").to_string(),
        &["`Closed` version 1: it is retired"],
    );
    retired().bless(Bless::Additions).check().expect("written");
    lost().bless(Bless::No).check().expect("the file no longer has it");
}
