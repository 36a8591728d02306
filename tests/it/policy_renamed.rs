//! A renamed policy continues at the position of the old one. Work that the old one could not finish stays visible.

use std::sync::Arc;

use cqrs_postgres::PostgresLog;
use cqrs_runtime::AppBuilder;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_sqlite::SqliteLog;
use cqrs_test_servers::Postgres;

/// One program: an order that is paid is packed, by a policy with a name and options of its own.
macro_rules! orders {
    ($module:ident { $($policy:item)* }) => {
        pub mod $module {
            use cqrs_runtime::prelude::*;
            #[derive(Id)]
            pub struct OrderId(Uuid);
            #[derive(Event, Serialize, Deserialize)]
            pub struct Paid {
                #[tag]
                pub order: OrderId,
                pub blocked: bool,
            }
            #[derive(Event, Serialize, Deserialize)]
            pub struct Unblocked {
                #[tag]
                pub order: OrderId,
            }
            #[derive(Event, Serialize, Deserialize)]
            pub struct Packed {
                #[tag]
                pub order: OrderId,
            }
            pub struct Order {
                blocked: bool,
            }
            #[aggregate(id = OrderId, on = [Paid, Unblocked], ignore = [Packed])]
            impl Order {
                fn paid(e: &Paid) -> Self {
                    Self { blocked: e.blocked }
                }
                fn unblocked(&mut self, _: &Unblocked) {
                    self.blocked = false;
                }
            }
            #[derive(Debug, thiserror::Error)]
            #[error("the order is blocked")]
            pub struct Blocked;
            #[derive(Command, Serialize, Deserialize)]
            pub struct Pay {
                pub order: OrderId,
                pub blocked: bool,
            }
            #[command]
            fn pay(cmd: Pay, _order: Absent<Order>) -> Result<Paid, std::convert::Infallible> {
                Ok(Paid { order: cmd.order, blocked: cmd.blocked })
            }
            #[derive(Command, Serialize, Deserialize)]
            pub struct Unblock {
                pub order: OrderId,
            }
            #[command]
            fn unblock(cmd: Unblock, _order: &Order) -> Result<Unblocked, std::convert::Infallible> {
                Ok(Unblocked { order: cmd.order })
            }
            #[derive(Command, Serialize, Deserialize)]
            #[cqrs(error = Blocked)]
            pub struct Pack {
                pub order: OrderId,
            }
            #[command]
            fn pack(cmd: Pack, order: &Order) -> Result<Packed, Blocked> {
                if order.blocked { Err(Blocked) } else { Ok(Packed { order: cmd.order }) }
            }
            $($policy)*
        }
    };
}

orders! {
    old {
    #[policy(on = [Paid])]
    fn packing(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    }
}
orders! {
    renamed {
    #[policy(on = [Paid])]
    fn pack_orders(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    }
}
orders! {
    renamed_aloud {
    #[policy(on = [Paid], was = "packing")]
    fn pack_orders(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    }
}
orders! {
    linked_still {
    #[policy(on = [Paid])]
    fn packing(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    #[policy(on = [Paid], was = "packing")]
    fn pack_orders(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    }
}
orders! {
    two_heirs {
    #[policy(on = [Paid], was = "packing")]
    fn pack_orders(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    #[policy(on = [Paid], was = "packing")]
    fn pack_parcels(paid: &Paid) -> Pack {
        Pack { order: paid.order }
    }
    }
}
orders! { without {} }

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

    async fn packed(&self) -> usize {
        let page = self.log().await.read(&EventQuery::named(&["Packed"]), 0.into(), 100).await.expect("a page");
        page.events.len()
    }

    /// An order that the old policy has not seen.
    async fn leave_one_unhandled(&self) {
        let app = self.program("old").await.without_policies().build().await.expect("an app");
        let pay = old::Pay { order: old::OrderId::new(), blocked: false };
        app.commands().execute(pay).await.expect("paid");
    }

    /// An order that the old policy has parked.
    async fn leave_one_parked(&self) -> old::OrderId {
        let app = self.start("old").await;
        let order = old::OrderId::new();
        app.commands().execute(old::Pay { order, blocked: true }).await.expect("paid");
        app.settled().await.expect("settled");
        assert_eq!(app.parked().await.expect("parked").len(), 1);
        order
    }
}

#[track_caller]
fn says(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is not in:\n{text}");
    }
}

async fn refusal(builder: AppBuilder) -> String {
    builder.build().await.expect_err("it must be refused").to_string()
}

#[tokio::test]
async fn a_policy_that_was_renamed_in_silence_is_refused() {
    for place in Place::all() {
        place.leave_one_unhandled().await;
        let refused = refusal(place.program("renamed").await).await;
        says(
            &refused,
            &[
                "[CQRS808] the log holds the progress of policy `packing`",
                "its unfinished work would be forgotten",
                "`#[policy(was = \"packing\", ..)]` on `pack_orders`",
                ".retired([\"packing\"])",
            ],
        );
    }
}

#[tokio::test]
async fn a_renamed_policy_handles_what_the_old_one_had_not() {
    for place in Place::all() {
        place.leave_one_unhandled().await;
        let app = place.start("renamed_aloud").await;
        app.settled().await.expect("settled");
        assert_eq!(place.packed().await, 1);
        drop(app);
        // Its former name is done with, and may be forgotten; a program of before goes on.
        for module in ["renamed", "old", "renamed_aloud", "renamed"] {
            let app = place.start(module).await;
            app.settled().await.expect("settled");
        }
        assert_eq!(place.packed().await, 1, "nothing takes effect twice");
    }
}

#[tokio::test]
async fn what_the_old_one_had_parked_is_the_new_ones() {
    for place in Place::all() {
        let order = place.leave_one_parked().await;
        let app = place.start("renamed_aloud").await;
        let parked = app.parked().await.expect("parked");
        let owners: Vec<_> = parked.iter().map(|parked| &*parked.projection).collect();
        assert_eq!(owners, ["policy:pack_orders"]);
        says(&app.health().await.to_string(), &["policy `pack_orders`: 1 event or command is parked"]);
        let order = renamed_aloud::OrderId::from(order.into_inner());
        app.commands().execute(renamed_aloud::Unblock { order }).await.expect("unblocked");
        assert_eq!(app.retry_policy("pack_orders").await.expect("retried"), []);
        assert_eq!((place.packed().await, app.health().await.problems.len()), (1, 0));
    }
}

#[tokio::test]
async fn an_event_that_the_old_one_had_begun_takes_effect_once() {
    for place in Place::all() {
        place.leave_one_unhandled().await;
        let log = place.log().await;
        let before =
            log.views().expect("views").checkpoint("policy:packing").await.expect("read").expect("a checkpoint");
        let app = place.start("old").await;
        app.settled().await.expect("settled");
        drop(app);
        assert_eq!(place.packed().await, 1);
        // As if it had been killed between its command and its checkpoint.
        let mut tx = log.begin().await.expect("the lock");
        let views = tx.views().expect("views");
        views.set_checkpoints(&[("policy:packing", before)]).await.expect("set");
        tx.commit().await.expect("committed");
        let app = place.start("renamed_aloud").await;
        app.settled().await.expect("settled");
        assert_eq!(place.packed().await, 1, "the command has the id that it had");
    }
}

#[tokio::test]
async fn unfinished_work_of_a_policy_that_nobody_has_stays_in_sight() {
    for place in Place::all() {
        place.leave_one_parked().await;
        // One that has no policies at all leaves them to others, and shows what they could not finish.
        for app in [place.program("without").await, place.program("renamed").await.retired(["packing"])] {
            let app = app.build().await.expect("an app");
            let parked = app.parked().await.expect("parked");
            assert_eq!(parked.iter().map(|parked| &*parked.projection).collect::<Vec<_>>(), ["policy:packing"]);
            says(
                &app.health().await.to_string(),
                &[
                    "policy `packing`: 1 event or command is parked",
                    "this program has no such policy",
                    "was = \"packing\"",
                ],
            );
        }
        let app = place.start("without").await;
        assert_eq!(app.dismiss_policy("packing").await.expect("dismissed").len(), 1);
        assert_eq!(app.parked().await.expect("parked"), []);
        assert!(app.dismiss_policy("packing").await.is_err(), "there is no such policy");
    }
}

#[tokio::test]
async fn what_is_taken_over_is_nobody_elses() {
    let place = Place::Memory(MemoryLog::new());
    let refused = refusal(place.program("linked_still").await).await;
    says(
        &refused,
        &["[CQRS808] policy `pack_orders` takes over from `packing`, which is still linked", "delete `packing`"],
    );
    assert_eq!(refused.matches("it/policy_renamed.rs:").count(), 2, "{refused}");
    let refused = refusal(place.program("two_heirs").await).await;
    says(&refused, &["[CQRS808] policies `pack_orders`, `pack_parcels` all take over from `packing`: only one can"]);
}
