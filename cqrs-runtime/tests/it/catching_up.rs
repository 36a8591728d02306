//! Views reach the log's head, for events of any process and for projections added at any time.

use cqrs_runtime::log::{MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::ViewStore;

use crate::domains::club::*;
use crate::torn_commits::torn_views;

fn events(team: TeamId, member: MemberId) -> Vec<RawEvent> {
    let named = RawEvent::of(&TeamNamed { team, name: "team".into() });
    vec![named.unwrap(), RawEvent::of(&MemberJoined { member, team }).unwrap()]
}

#[tokio::test]
async fn a_new_app_on_an_old_log_has_its_views() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    happen(&log, events(team, member)).await;
    let app = club(&log).await;
    assert_eq!(app.queries().ask(Members {}).await.unwrap().len(), 1, "without a request to wait");
    assert_eq!(app.queries().ask(Teams {}).await.unwrap()[0].names, 1);
    let again = club(&log).await;
    assert_eq!(again.queries().ask(Teams {}).await.unwrap()[0].names, 1, "no event is folded twice");
}

#[tokio::test]
async fn a_query_after_a_position_sees_what_was_appended_behind_the_app() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    let app = club(&log).await;
    let at = happen(&log, events(team, member)).await;
    assert_eq!(app.queries().ask(Members {}).await.unwrap().len(), 1, "without a notification that there is anything");
    assert_eq!(app.queries().after(at).ask(Members {}).await.unwrap().len(), 1);
}

#[tokio::test]
async fn a_log_longer_than_a_page_is_folded_to_its_end() {
    let (log, team) = (MemoryLog::new(), TeamId::new());
    let named = RawEvent::of(&TeamNamed { team, name: "team".into() }).unwrap();
    happen(&log, vec![named; 2_345]).await;
    assert_eq!(club(&log).await.queries().ask(Teams {}).await.unwrap()[0].names, 2_345);
}

/// How often a team was named: a view, and two projections that make it, of which an app has one.
mod namings {
    use cqrs_runtime::prelude::*;

    use crate::domains::club::TeamId;

    #[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Namings {
        #[key]
        pub team: TeamId,
        pub count: u32,
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<Namings>)]
    pub struct AllNamings {}

    #[query]
    async fn all_namings(_q: AllNamings, namings: Views<Namings>) -> Result<Vec<Namings>, QueryError> {
        namings.scan().all().await
    }
}

mod first {
    use super::namings::Namings;
    use crate::domains::club::TeamNamed;

    pub struct FirstNamings;

    #[cqrs_runtime::projection(view = Namings, on = [TeamNamed])]
    impl FirstNamings {
        fn named(this: Option<Namings>, event: &TeamNamed) -> Namings {
            Namings { team: event.team, count: this.map_or(0, |this| this.count) + 1 }
        }
    }
}

mod renamed {
    use super::namings::Namings;
    use crate::domains::club::TeamNamed;

    pub struct RenamedNamings;

    #[cqrs_runtime::projection(view = Namings, on = [TeamNamed])]
    impl RenamedNamings {
        fn named(this: Option<Namings>, event: &TeamNamed) -> Namings {
            Namings { team: event.team, count: this.map_or(0, |this| this.count) + 1 }
        }
    }
}

/// The view as a later program has it: of another shape.
mod later {
    use cqrs_runtime::prelude::*;

    use crate::domains::club::{TeamId, TeamNamed};

    #[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Namings {
        #[key]
        pub team: TeamId,
        #[index]
        pub count: u32,
    }

    #[projection(name = "FirstNamings", on = [TeamNamed])]
    impl Namings {
        fn named(this: Option<Self>, event: &TeamNamed) -> Self {
            Self { team: event.team, count: this.map_or(0, |this| this.count) + 1 }
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<Namings>)]
    pub struct NamedTwice {}

    #[query]
    async fn named_twice(_q: NamedTwice, namings: Views<Namings>) -> Result<Vec<Namings>, QueryError> {
        namings.find(Namings::COUNT.eq(2)).all().await
    }
}

async fn part(log: &MemoryLog, modules: &[&str]) -> App {
    let own = modules.iter().map(|module| format!("{}::{module}", module_path!()));
    App::builder().log(log.clone()).only_modules(own.chain([CLUB.to_owned()])).build().await.unwrap()
}

#[tokio::test]
async fn a_view_that_another_projection_makes_now_is_made_from_the_start() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    happen(&log, events(team, member)).await;
    for module in ["first", "renamed", "first"] {
        let app = part(&log, &["namings", module]).await;
        let found = app.queries().ask(namings::AllNamings {}).await.unwrap();
        assert_eq!(
            found,
            [namings::Namings { team, count: 1 }],
            "as `{module}` makes it, on nothing that another has left"
        );
    }
}

#[tokio::test]
async fn a_view_of_another_shape_is_built_beside_the_old_one_which_is_read_meanwhile() {
    let (log, views, team) = (MemoryLog::new(), torn_views(), TeamId::new());
    let named = || vec![RawEvent::of(&TeamNamed { team, name: "team".into() }).unwrap()];
    let part = async |modules: &[&str]| {
        let own = modules.iter().map(|module| format!("{}::{module}", module_path!()));
        let builder = App::builder().log(log.clone()).views(views.clone()).only_modules(own.chain([CLUB.to_owned()]));
        builder.projection_lease(std::time::Duration::from_millis(150)).build().await.unwrap()
    };
    let old = part(&["namings", "first"]).await;
    let at = happen(&log, named()).await;
    let one = [namings::Namings { team, count: 1 }];
    assert_eq!(old.queries().after(at).ask(namings::AllNamings {}).await.unwrap(), one);
    let old_rows = old.stored_as("FirstNamings").unwrap().shape;
    drop(old);
    views.refuse(Some("Namings"));
    let at = happen(&log, named()).await;
    let new = part(&["later"]).await;
    let error = new.queries().ask(later::NamedTwice {}).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotBuilt(view) if view.view == "Namings"), "never half of it: {error}");
    let stored = views.rows(&old_rows, &[team.to_string()]).await.unwrap();
    assert_eq!(stored.len(), 1, "what programs of the old shape read is there");
    views.refuse(None);
    let found = new.queries().after(at).ask(later::NamedTwice {}).await.unwrap();
    assert_eq!(found, [later::Namings { team, count: 2 }], "no event is missed, and none is folded twice");
}

#[tokio::test]
async fn a_view_of_another_shape_is_made_from_the_start() {
    let (log, team) = (MemoryLog::new(), TeamId::new());
    let named = || vec![RawEvent::of(&TeamNamed { team, name: "team".into() }).unwrap()];
    happen(&log, named()).await;
    let app = part(&log, &["namings", "first"]).await;
    assert_eq!(app.queries().ask(namings::AllNamings {}).await.unwrap().len(), 1);
    happen(&log, named()).await;
    let app = part(&log, &["later"]).await;
    let found = app.queries().ask(later::NamedTwice {}).await.unwrap();
    assert_eq!(found, [later::Namings { team, count: 2 }], "no event is missed, and none is folded twice");
}
