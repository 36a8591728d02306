//! A program that is asked by lines of JSON on its standard input, and answers by lines on its standard output.

use std::time::Duration;

use cqrs_runtime::OperationError;
use cqrs_runtime::prelude::*;
use cqrs_runtime::wire::WireError;
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::sync::mpsc;

use crate::places::{open_log, open_views};

/// How long a process has a projection to itself.
const LEASE: Duration = Duration::from_millis(600);

/// How many events are folded at once at level 2.
const BATCH: usize = 400;

/// How long a query waits for its position: longer than any test lets it.
const PATIENCE: Duration = Duration::from_secs(60);

/// What is asked.
#[derive(Serialize, Deserialize, Clone, Debug)]
pub enum Question {
    /// A command by its name and its JSON, once for each id. Said: the position of its last event.
    Execute(String, Value, String),
    /// A query, with the position that it is asked after. Said: the answer.
    Ask(String, Value, Option<u64>),
    /// Whether the program is ready within so many milliseconds.
    Ready(u64),
    /// To rebuild a projection.
    Rebuild(String),
    /// To take up a parked key again.
    Retry(String, String),
    /// To pass over the event that a key is parked at.
    Skip(String, String),
    /// The parked keys. Said: pairs of projection and key.
    Parked,
    /// To remove what no other process uses. Said: what was, by projection.
    RemoveUnused,
}

/// What is said: an answer, or the kind of a failure and its text.
pub type Said = Result<Value, (String, String)>;

/// Serves until the standard input ends.
///
/// # Panics
/// If it is started without the log's URL, or cannot open it, or the app cannot be built.
pub async fn serve() {
    let mut arguments = std::env::args().skip(1);
    let mut builder = App::builder().log(open_log(&arguments.next().expect("the log's URL")).await);
    if let Some(views) = arguments.next() {
        builder = builder.views(open_views(&views).await);
    }
    let app = builder.projection_batch(BATCH).projection_lease(LEASE).build().await.expect("the app can be built");
    let (say, mut said) = mpsc::unbounded_channel::<String>();
    let mut questions = BufReader::new(tokio::io::stdin()).lines();
    let writing = tokio::spawn(async move {
        let mut output = tokio::io::stdout();
        while let Some(line) = said.recv().await {
            if output.write_all(line.as_bytes()).await.is_err() || output.flush().await.is_err() {
                return;
            }
        }
    });
    while let Ok(Some(text)) = questions.next_line().await {
        let (number, question): (u64, Question) = serde_json::from_str(&text).expect("a question");
        let (app, say) = (app.clone(), say.clone());
        tokio::spawn(async move {
            let answer = answer(&app, question).await;
            let _ = say.send(line(number, &answer));
        });
    }
    drop((app, say));
    let _ = writing.await;
}

fn line(number: u64, said: &Said) -> String {
    format!("{}\n", json!([number, said]))
}

async fn answer(app: &App, question: Question) -> Said {
    let wire = |error: WireError| (error.kind().to_owned(), error.to_string());
    let operation = |error: OperationError| (error.kind().to_owned(), error.to_string());
    match question {
        Question::Execute(name, data, id) => {
            let meta = Meta::new().command_id(CommandId::new(&id));
            let receipt = app.commands().execute_json(&name, &data.to_string(), meta).await.map_err(wire)?;
            Ok(receipt.position().get().into())
        }
        Question::Ask(name, data, after) => {
            let data = data.to_string();
            match after {
                None => app.queries().ask_json(&name, &data, Meta::new()).await,
                Some(after) => {
                    app.queries().after(after.into()).within(PATIENCE).ask_json(&name, &data, Meta::new()).await
                }
            }
            .map_err(wire)
        }
        Question::Ready(milliseconds) => {
            let ready = app.ready(Duration::from_millis(milliseconds)).await;
            ready.map(|()| Value::Null).map_err(|error| (error.kind().to_owned(), error.to_string()))
        }
        Question::Rebuild(projection) => Ok(app.rebuild(&projection).await.map_err(operation)?.get().into()),
        Question::Retry(projection, key) => app.retry(&projection, &key).await.map(|()| Value::Null).map_err(operation),
        Question::Skip(projection, key) => app.skip(&projection, &key).await.map(|()| Value::Null).map_err(operation),
        Question::Parked => {
            let parked = app.parked().await.map_err(|error| ("Store".to_owned(), error.to_string()))?;
            Ok(parked.into_iter().map(|parked| json!([parked.projection, parked.key])).collect())
        }
        Question::RemoveUnused => {
            let store = |error: cqrs_runtime::log::StoreError| ("Store".to_owned(), error.to_string());
            let mut removed = Vec::new();
            for view in app.unused_views_for(Duration::ZERO).await.map_err(store)? {
                if app.remove_unused_view(&view).await.map_err(store)? {
                    removed.push(Value::from(view.projection));
                }
            }
            Ok(removed.into())
        }
    }
}
