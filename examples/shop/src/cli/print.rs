//! Prints answers, events and the app's description.

use std::io::{self, Write};
use std::time::Duration;

use cqrs_runtime::log::{EventQuery, MemoryLog};
use cqrs_runtime::{App, Meta, Position};

use super::Failure;

/// How long the views may take to catch up with a log that grew while no process followed it.
pub const PATIENCE: Duration = Duration::from_secs(600);

/// How many events are read at once.
const PAGE: usize = 1_000;

/// Answers a query as JSON.
pub async fn answer(app: &App, name: &str, json: &str) -> Result<(), Failure> {
    // As of now: at level 2 the views may have to catch up.
    let head = app.log().head().await?;
    let answer = app.queries().after(head).within(PATIENCE).ask_json(name, json, Meta::new()).await?;
    writeln!(io::stdout(), "{answer:#}")?;
    Ok(())
}

/// Prints the log from a position on.
pub async fn events(app: &App, mut after: Position) -> Result<(), Failure> {
    let mut out = io::BufWriter::new(io::stdout());
    loop {
        let page = app.log().read(&EventQuery::all(), after, PAGE).await?;
        for event in &page.events {
            let at = event.header().recorded_at;
            writeln!(out, "{} {at} {} {}", event.position(), event.name(), event.data())?;
        }
        out.flush()?;
        if !page.more {
            return Ok(());
        }
        after = page.up_to;
    }
}

/// Describes the app. Needs no database.
pub async fn description() -> Result<(), Failure> {
    let app = App::builder().log(MemoryLog::new()).build().await?;
    write!(io::stdout(), "{}", app.describe())?;
    Ok(())
}
