//! A command id that a program of another version reuses.

use cqrs_runtime::prelude::*;

use crate::command_ids::{ListId, app, with};
use crate::logs::logs;

/// The same command in two versions of a program.
mod before {
    use std::convert::Infallible;

    use cqrs_runtime::prelude::*;

    use crate::command_ids::ListId;

    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(name = "BoxMoved")]
    pub struct BoxMoved {
        #[tag]
        list: ListId,
        to: String,
    }

    #[derive(Command, Serialize, Deserialize)]
    #[cqrs(name = "MoveBox")]
    pub struct MoveBox {
        pub list: ListId,
        pub to: String,
    }

    #[command]
    fn move_box(cmd: MoveBox) -> Result<BoxMoved, Infallible> {
        Ok(BoxMoved { list: cmd.list, to: cmd.to })
    }
}

mod after {
    use std::convert::Infallible;

    use cqrs_runtime::prelude::*;

    use crate::command_ids::ListId;

    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(name = "BoxMoved")]
    pub struct BoxMoved {
        #[tag]
        list: ListId,
        to: String,
    }

    #[derive(Command, Serialize, Deserialize)]
    #[cqrs(name = "MoveBox")]
    pub struct MoveBox {
        pub list: ListId,
        pub to: String,
        #[serde(default)]
        pub carefully: bool,
    }

    #[command]
    fn move_box(cmd: MoveBox) -> Result<BoxMoved, Infallible> {
        Ok(BoxMoved { list: cmd.list, to: cmd.to })
    }
}

#[tokio::test]
async fn a_repetition_across_a_deployment_is_answered_and_one_within_a_version_is_held_to_its_content() {
    for (log, _place) in logs().await {
        let old = app(&log, &["it::command_ids_of_versions::before"]).await;
        let new = app(&log, &["it::command_ids_of_versions::after"]).await;
        let list = ListId::new();
        let first = with(&old, "a").execute(before::MoveBox { list, to: "x".into() }).await.unwrap();
        let again = with(&new, "a").execute(after::MoveBox { list, to: "x".into(), carefully: false }).await.unwrap();
        assert!(again.is_repeated() && again.position() == first.position());
        let first = with(&new, "b").execute(after::MoveBox { list, to: "x".into(), carefully: true }).await.unwrap();
        let again = with(&old, "b").execute(before::MoveBox { list, to: "x".into() }).await.unwrap();
        assert!(again.is_repeated() && again.position() == first.position());
        let refused =
            with(&new, "b").execute(after::MoveBox { list, to: "x".into(), carefully: false }).await.unwrap_err();
        assert!(matches!(refused, CommandError::IdReused(_)), "{refused}");
    }
}
