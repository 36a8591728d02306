//! Subcommands for operators.

use std::io::{self, Write};
use std::time::Duration;

use cqrs_runtime::App;
use cqrs_runtime::app::{ProjectionState, ProjectionStatus};
use cqrs_runtime::view::Parked;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::Failure;

/// How often the progress is read.
const LOOK: Duration = Duration::from_millis(100);

/// Prints the status of each projection, and what is parked.
pub async fn status(app: &App) -> Result<(), Failure> {
    let (statuses, parked) = (app.projections().await?, app.parked().await?);
    let mut out = io::stdout();
    writeln!(out, "{} holds {} events", app.log().describe(), app.log().head().await?)?;
    writeln!(out, "{:<16} {:>9} {:>9} {:>9} {:>7} state", "projection", "position", "lag", "seconds", "parked")?;
    for status in &statuses {
        let ProjectionStatus { name, position, lag_events, lag_seconds, parked, .. } = status;
        let position = position.get();
        writeln!(out, "{name:<16} {position:>9} {lag_events:>9} {lag_seconds:>9.1} {parked:>7} {}", state(status))?;
    }
    for parked in &parked {
        writeln!(out, "{}", line(parked))?;
    }
    Ok(())
}

fn state(status: &ProjectionStatus) -> String {
    let state = match status.state {
        ProjectionState::Running => "running".to_owned(),
        ProjectionState::Rebuilding(at) => format!("rebuilding, at {at}"),
        ProjectionState::Paused => "paused".to_owned(),
        ProjectionState::Parked => "parked".to_owned(),
        ProjectionState::Failing(attempts) => format!("failing, {attempts} times in a row"),
        ProjectionState::Elsewhere => "run by another process".to_owned(),
        other => format!("{other:?}"),
    };
    match &status.last_error {
        Some(error) => format!("{state}: {error}"),
        None => state,
    }
}

/// The words after `parked` are the arguments of `retry` and `skip`.
fn line(Parked { projection, key, position, event, error, attempts, .. }: &Parked) -> String {
    let key = if key.is_empty() { "''" } else { key };
    let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    format!("parked: {projection} {key} at {event}, position {position}, tried {times}: {error}")
}

/// Resumes a parked key, with the event that it is parked at or the one after it. Fails if it is parked again. A server that
/// runs the projection releases it for this.
pub async fn take_up(app: &App, projection: &str, key: &str, skip: bool) -> Result<(), Failure> {
    if skip {
        app.skip(projection, key).await?;
    } else {
        app.retry(projection, key).await?;
    }
    let parked = app.parked().await?;
    match parked.iter().find(|parked| parked.projection == projection && parked.key == key) {
        Some(parked) => Err(line(parked).into()),
        None => Ok(writeln!(io::stdout(), "resumed {key} in {projection}")?),
    }
}

/// Prints stored views that no process has used for a day, and removes them if requested.
pub async fn unused(app: &App, remove: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    for view in app.unused_views().await? {
        let version = view.fingerprint.map_or_else(String::new, |fingerprint| format!(" version {fingerprint:016x}"));
        let used = view.last_used.map_or_else(|| "never".to_owned(), |ago| format!("{} ago", HumanDuration(ago)));
        let removed = match (remove, remove && app.remove_unused_view(&view).await?) {
            (true, true) => "; removed",
            (true, false) => "; kept: a process has just used it",
            (false, _) => "",
        };
        let (name, rows, store) = (&view.projection, view.rows, &view.store);
        writeln!(out, "{name}{version}: {rows} rows in {store}, last used {used}{removed}")?;
    }
    Ok(())
}

/// Rebuilds a projection from the whole log. On a terminal it shows the progress while this process does it: a server that runs the
/// projection continues the rebuild.
pub async fn rebuild(app: &App, projection: &str) -> Result<(), Failure> {
    let bar = ProgressBar::new(app.log().head().await?.get());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos} of {len} events{msg}").expect("indicatif's own keys"));
    let mut rebuilt = std::pin::pin!(app.rebuild(projection));
    let mut look = tokio::time::interval(LOOK);
    let reached = loop {
        tokio::select! {
            reached = &mut rebuilt => break reached,
            _ = look.tick(), if !bar.is_hidden() => {
                // A failed look loses one step of the progress line. The rebuild reports its own errors.
                let statuses = app.projections().await.unwrap_or_default();
                let progress = statuses.iter().find(|status| status.name == projection).map(ProjectionStatus::progress);
                // Until the rebuild has begun, the position is the log's end.
                if let Some(progress) = progress.filter(|progress| progress.at < progress.of) {
                    bar.set_length(progress.of.get());
                    bar.set_position(progress.at.get());
                    bar.set_message(progress.time_left.map_or_else(String::new, |left| format!(", {} left", HumanDuration(left))));
                }
            }
        }
    };
    bar.finish_and_clear();
    let reached = reached?;
    let parked = app.parked().await?.into_iter().filter(|parked| parked.projection == projection).count();
    writeln!(io::stdout(), "rebuilt {projection} up to position {reached}; parked keys: {parked}")?;
    Ok(())
}
