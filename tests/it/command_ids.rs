//! A command id belongs to one command: one name, one content. And it can be forgotten.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::convert::Infallible;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::wire::WireError;

use crate::command_ids_of_workflows::{WorkOnPostgres, WorkOnSqlite};
use crate::logs::{Place, logs};

#[derive(Id)]
pub struct ListId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Listed {
    #[tag]
    pub list: ListId,
    pub text: String,
}

#[derive(Clone, Default, Serialize, Deserialize)]
pub struct Contents {
    order: Vec<i64>,
    set: HashSet<String>,
    sorted: BTreeSet<u8>,
    map: HashMap<String, Vec<f64>>,
    big: u128,
    note: Option<String>,
}

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct Decide {
    pub list: ListId,
    pub text: String,
    pub contents: Contents,
}

#[command]
fn decide(cmd: Decide) -> Result<Listed, Infallible> {
    Ok(Listed { list: cmd.list, text: cmd.text })
}

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct Work {
    pub list: ListId,
    pub text: String,
    pub contents: Contents,
}

#[command]
async fn work(cmd: Work) -> Result<Listed, Infallible> {
    Ok(Listed { list: cmd.list, text: cmd.text })
}

/// Words that a policy answers with at present.
pub struct Words(Mutex<String>);

#[derive(Command, Serialize, Deserialize)]
pub struct Answer {
    list: ListId,
    text: String,
}

mod answers {
    use super::*;

    #[derive(Event, Serialize, Deserialize)]
    pub struct Answered {
        #[tag]
        list: ListId,
        pub text: String,
    }

    #[command]
    fn answer(cmd: Answer) -> Result<Answered, Infallible> {
        Ok(Answered { list: cmd.list, text: cmd.text })
    }

    #[policy(on = [Listed], from_start)]
    async fn answer_with_words(e: &Listed, words: State<Words>) -> Answer {
        Answer { list: e.list, text: words.0.lock().unwrap().clone() }
    }
}

const HERE: &str = "it::command_ids";

pub async fn app(log: &Arc<dyn EventLog>, modules: &[&'static str]) -> App {
    let builder = App::builder().log(Arc::clone(log)).state(Words(Mutex::new("first".into())));
    builder.only_modules(modules.iter().copied()).without_policies().build().await.unwrap()
}

pub fn with(app: &App, id: &str) -> CommandBus {
    app.commands().with_meta(Meta::new().command_id(CommandId::new(id)))
}

fn contents() -> Contents {
    Contents {
        order: vec![1, 2, 3],
        set: ["a", "b", "c", "d"].map(str::to_owned).into(),
        sorted: [3, 1, 2].into(),
        map: [("x", vec![0.1]), ("y", vec![]), ("z", vec![2.0, 1.0])]
            .map(|(key, value)| (key.to_owned(), value))
            .into(),
        big: u128::MAX,
        note: None,
    }
}

/// Contents that each differ from [`contents`] in one thing.
fn others() -> Vec<Contents> {
    let change = |change: fn(&mut Contents)| {
        let mut other = contents();
        change(&mut other);
        other
    };
    vec![
        change(|it| it.order.reverse()),
        change(|it| it.order.push(4)),
        change(|it| it.set.extend(["e".to_owned()])),
        change(|it| it.set.retain(|text| text != "a")),
        change(|it| it.sorted.extend([4])),
        change(|it| drop(it.map.insert("x".into(), vec![0.2]))),
        change(|it| it.map.get_mut("z").unwrap().reverse()),
        change(|it| drop(it.map.remove("y"))),
        change(|it| it.big -= 1),
        change(|it| it.note = Some(String::new())),
    ]
}

macro_rules! holds_to_content {
    ($app:expr, $command:ident) => {{
        let (app, list) = ($app, ListId::new());
        let command = |text: &str, contents| $command { list, text: text.into(), contents };
        let id = stringify!($command);
        let first = with(app, id).execute(command("one", contents())).await.unwrap();
        // A set is written in another order each time that one is made.
        for _ in 0..8 {
            let again = with(app, id).execute(command("one", contents())).await.unwrap();
            assert!(again.is_repeated() && again.position() == first.position());
        }
        let others = others().into_iter().map(|contents| command("one", contents));
        for other in
            others.chain([command("two", contents()), $command { list: ListId::new(), ..command("one", contents()) }])
        {
            let json = serde_json::to_string(&other).unwrap();
            let refused = with(app, id).execute(other.clone()).await.unwrap_err();
            let CommandError::IdReused(reused) = &refused else { panic!("{refused}: {json}") };
            assert_eq!((&*reused.first, &*reused.second, reused.id.as_str()), (id, id, id));
            assert_eq!(reused.position, first.position());
            assert!(refused.to_string().contains("with other content"), "{refused}");
            let meta = Meta::new().command_id(CommandId::new(id));
            let refused = app.commands().execute_json(id, &json, meta).await.unwrap_err();
            assert!(matches!(&refused, WireError::Command { kind: "IdReused", .. }), "{refused}");
        }
        assert_eq!(app.log().head().await.unwrap(), first.position(), "what is refused has no effect");
    }};
}

#[tokio::test]
async fn the_same_id_with_other_content_is_refused() {
    for (log, place) in logs().await {
        let database = match place {
            Place::Memory => HERE,
            Place::Folder(_) => "it::command_ids_of_workflows::on_sqlite",
            Place::Database(_) => "it::command_ids_of_workflows::on_postgres",
        };
        let app = app(&log, &[HERE, database]).await;
        holds_to_content!(&app, Decide);
        holds_to_content!(&app, Work);
        match place {
            Place::Memory => {}
            Place::Folder(_) => holds_to_content!(&app, WorkOnSqlite),
            Place::Database(_) => holds_to_content!(&app, WorkOnPostgres),
        }
    }
}

#[tokio::test]
async fn of_many_at_once_with_one_id_and_two_contents_one_content_takes_effect() {
    for (log, _place) in logs().await {
        let (app, list) = (app(&log, &[HERE]).await, ListId::new());
        let tasks: Vec<_> = (0..40)
            .map(|number| {
                let bus = with(&app, "one");
                let command = Decide { list, text: (number % 2).to_string(), contents: contents() };
                tokio::spawn(async move { bus.execute(command).await })
            })
            .collect();
        let (mut accepted, mut refused) = (0, 0);
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) => accepted += 1,
                Err(CommandError::IdReused(_)) => refused += 1,
                Err(other) => panic!("{other}"),
            }
        }
        assert_eq!((accepted, refused, log.head().await.unwrap().get()), (20, 20, 1));
    }
}

#[tokio::test]
async fn the_wire_and_the_typed_bus_send_the_same_command_whatever_its_fields_order() {
    let log: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    let (app, list) = (app(&log, &[HERE]).await, ListId::new());
    with(&app, "a").execute(Decide { list, text: "x".into(), contents: contents() }).await.unwrap();
    let json = format!(
        r#"{{ "contents": {{"note": null, "big": {}, "sorted": [3, 2, 1], "map": {{"z": [2, 1.0], "y": [], "x": [1e-1]}},
            "set": ["d", "b", "c", "a"], "order": [1,2,3]}}, "text": "\u0078", "list": "{list}" }}"#,
        u128::MAX
    );
    let again =
        app.commands().execute_json("Decide", &json, Meta::new().command_id(CommandId::new("a"))).await.unwrap();
    assert!(again.is_repeated());
}

#[tokio::test]
async fn what_a_policy_answers_otherwise_the_second_time_neither_counts_nor_parks() {
    for (log, _place) in logs().await {
        let words = Arc::new(Words(Mutex::new("first".into())));
        let run = async || {
            let builder = App::builder().log(Arc::clone(&log)).shared_state(Arc::clone(&words));
            builder.only_modules([HERE]).build().await.unwrap()
        };
        let app = run().await;
        app.commands().execute(Decide { list: ListId::new(), text: "?".into(), contents: contents() }).await.unwrap();
        app.settled().await.unwrap();
        app.close().await;
        *words.0.lock().unwrap() = "second".into();
        // The program was killed before it stored how far its policy had come.
        let mut tx = log.begin().await.unwrap();
        tx.views().unwrap().clear(None, "policy:answer_with_words").await.unwrap();
        tx.commit().await.unwrap();
        let app = run().await;
        app.settled().await.unwrap();
        assert_eq!(app.parked().await.unwrap(), []);
        assert_eq!(app.policies()[0].position, 2);
        let events =
            log.read(&cqrs_runtime::log::EventQuery::named(&["Answered"]), Position::START, 10).await.unwrap().events;
        assert_eq!(events.iter().map(|event| event.data().contains("first")).collect::<Vec<_>>(), [true]);
    }
}

#[tokio::test]
async fn what_is_remembered_of_commands_is_counted_and_removed_by_its_time() {
    for (log, _place) in logs().await {
        let (app, list) = (app(&log, &[HERE]).await, ListId::new());
        let command = |text: &str| Decide { list, text: text.into(), contents: contents() };
        for id in ["a", "b"] {
            with(&app, id).execute(command(id)).await.unwrap();
        }
        app.commands().execute(command("without an id")).await.unwrap();
        let between = Timestamp::now();
        // Times are of microseconds, and both ends of `between` count.
        while Timestamp::now() <= between {
            tokio::time::sleep(Duration::from_micros(50)).await;
        }
        with(&app, "c").execute(command("c")).await.unwrap();
        assert_eq!(app.count_command_records(None).await.unwrap(), 3);
        assert_eq!(app.count_command_records(Some(between)).await.unwrap(), 2);
        assert_eq!(app.forget_commands(between).await.unwrap(), 2);
        assert_eq!(app.count_command_records(None).await.unwrap(), 1);
        assert!(with(&app, "c").execute(command("c")).await.unwrap().is_repeated());
        let again = with(&app, "a").execute(command("a")).await.unwrap();
        assert_eq!((again.is_repeated(), again.position().get()), (false, 5), "it runs again");
        assert_eq!(
            app.forget_commands(Timestamp::from_micros(i64::from(i32::MAX) * 1_000_000).unwrap()).await.unwrap(),
            2
        );
    }
}
