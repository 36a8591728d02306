//! What only the linked program can know is refused when it starts, with file and line of every party.

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::{App, BuildError};

async fn refusal(module: &str) -> String {
    let module = format!("{}::{module}", module_path!());
    let refused = App::builder().log(MemoryLog::new()).only([module]).build().await.err();
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
            "[CQRS802] nothing handles `NobodyDoes`",
            "[CQRS802] nothing handles `NobodyKnows`",
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

#[tokio::test]
async fn a_module_that_holds_nothing_and_a_missing_log() {
    let text = refusal("nowhere").await;
    says(&text, &["`.only(..)` names `it::startup::nowhere`"]);
    let text = App::builder().build().await.err().expect("refused").to_string();
    says(&text, &["the app has no log", "App::builder().log(..)"]);
}
