//! Checks that the shop's views match its log.

use cqrs_runtime::App;
use cqrs_runtime::Position;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::view::{Row, RowQuery, ViewShape};

use super::Failure;
use super::print::PATIENCE;

/// How many events are copied at once.
const PAGE: usize = 10_000;

/// Copies the log into memory, lets another app fold it from the start, and compares every row of every view.
/// Nothing else may write to the log while it runs.
pub async fn run(app: &App) -> Result<(), Failure> {
    let log = app.log();
    let head = log.head().await?;
    let copy = MemoryLog::new();
    let mut position = Position::START;
    while position < head {
        let page = log.read(&EventQuery::all(), position, PAGE).await?;
        for event in &page.events {
            if event.position() != position.next() {
                return Err(format!("position {position} is followed by {}", event.position()).into());
            }
            position = event.position();
        }
        let mut transaction = copy.begin().await?;
        transaction.append(&page.events, &[]).await?;
        transaction.commit().await?;
    }
    println!("{position} events, positions without gaps");

    app.caught_up(head, PATIENCE).await?;
    if let Some(parked) = app.parked().await?.first() {
        return Err(format!("projection {} has parked `{}`: {}", parked.projection, parked.key, parked.error).into());
    }
    let anew = App::builder().log(copy).build().await?;
    anew.caught_up(head, PATIENCE).await?;
    for (view, shape) in &app.shapes() {
        let (stored, folded) = (rows(app, view, shape).await?, rows(&anew, view, shape).await?);
        if let Some((stored, folded)) = stored.iter().zip(&folded).find(|(stored, folded)| stored != folded) {
            return Err(format!("{view}: stored row {stored:?} differs from the log's {folded:?}").into());
        }
        if stored.len() != folded.len() {
            return Err(format!("{view}: {} rows are stored, but the log gives {}", stored.len(), folded.len()).into());
        }
        println!("{view}: {} rows, equal to the log's", stored.len());
    }
    Ok(())
}

/// All rows of a view, ordered by key.
async fn rows(app: &App, view: &str, shape: &ViewShape) -> Result<Vec<Row>, Failure> {
    let views = app.views_of(view).ok_or_else(|| format!("{} stores no views", app.log().describe()))?;
    let all = RowQuery::all();
    Ok(views.find(shape, &all).await?)
}
