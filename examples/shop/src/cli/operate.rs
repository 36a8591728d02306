//! Looking after projections.

use std::io::{self, Write};
use std::time::Duration;

use cqrs_runtime::App;
use cqrs_runtime::app::{ProjectionState, ProjectionStatus};
use cqrs_runtime::view::Parked;
use indicatif::{HumanDuration, ProgressBar, ProgressStyle};

use super::Failure;

/// How often one looks again.
const LOOK: Duration = Duration::from_millis(100);

/// Prints how each projection is doing, and what is parked.
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

/// The words after `parked` are those that `retry` and `skip` take.
fn line(Parked { projection, key, position, event, error, attempts, .. }: &Parked) -> String {
    let key = if key.is_empty() { "''" } else { key };
    let times = if *attempts == 1 { "once".to_owned() } else { format!("{attempts} times") };
    format!("parked: {projection} {key} at {event}, position {position}, tried {times}: {error}")
}

/// Takes a parked key up again, with the event that it is parked at or after that one. Fails where it is parked again. A server
/// that runs the projection hands it over for that.
pub async fn take_up(app: &App, projection: &str, key: &str, skip: bool) -> Result<(), Failure> {
    if skip {
        app.skip(projection, key).await?;
    } else {
        app.retry(projection, key).await?;
    }
    let parked = app.parked().await?;
    match parked.iter().find(|parked| parked.projection == projection && parked.key == key) {
        Some(parked) => Err(line(parked).into()),
        None => Ok(writeln!(io::stdout(), "{projection} {key} follows the log again")?),
    }
}

/// Prints what is stored of views and no process has used for a day; removes it, if that is asked for.
pub async fn unused(app: &App, remove: bool) -> Result<(), Failure> {
    let mut out = io::stdout();
    for view in app.unused_views().await? {
        let version = view.fingerprint.map_or_else(String::new, |fingerprint| format!(" version {fingerprint:016x}"));
        let used = view.last_used.map_or_else(|| "never".to_owned(), |ago| format!("{} ago", HumanDuration(ago)));
        let removed = match (remove, remove && app.remove_unused_view(&view).await?) {
            (true, true) => "; removed",
            (true, false) => "; left: a process has used it just now",
            (false, _) => "",
        };
        let (name, rows, store) = (&view.projection, view.rows, &view.store);
        writeln!(out, "{name}{version}: {rows} rows in {store}, last used {used}{removed}")?;
    }
    Ok(())
}

/// Folds a projection anew from the whole log, with a line of progress on a terminal while this process does it: a server that runs
/// the projection goes on with what is begun here.
pub async fn rebuild(app: &App, projection: &str) -> Result<(), Failure> {
    let bar = ProgressBar::new(app.log().head().await?.get());
    bar.set_style(ProgressStyle::with_template("{wide_bar} {pos} of {len} events{msg}").expect("indicatif's own keys"));
    let mut rebuilt = std::pin::pin!(app.rebuild(projection));
    let mut look = tokio::time::interval(LOOK);
    let reached = loop {
        tokio::select! {
            reached = &mut rebuilt => break reached,
            _ = look.tick(), if !bar.is_hidden() => {
                // A look that fails costs the line a step; what fails the rebuild says so itself.
                let statuses = app.projections().await.unwrap_or_default();
                let progress = statuses.iter().find(|status| status.name == projection).map(ProjectionStatus::progress);
                // Until the rebuild has begun, what is read is at the log's end.
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
    writeln!(io::stdout(), "{projection} is built anew, up to position {reached}; {parked} of its keys are parked")?;
    Ok(())
}
