//! The shop, at the terminal. Without a subcommand it gives a tour.

mod cli;

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cqrs_runtime::Position;

use cli::Failure;
use cli::databases::Options;

#[derive(Parser)]
#[command(version, about = "An order shop, on one or several databases. Without a subcommand it gives a tour.")]
struct Arguments {
    #[command(flatten)]
    databases: Options,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Executes commands, one line of JSON each.
    ///
    /// A line names the command, its fields and optionally an id. A second command with the same id is not executed
    /// again. Commands about the same order or customer are executed in the order of their lines.
    #[command(after_long_help = r#"Example: {"id": "4711", "command": "ConfirmOrder", "data": {"order": ".."}}"#)]
    Load {
        /// The file of commands, or `-` for standard input.
        file: PathBuf,
        /// Continue after a line that failed.
        #[arg(long)]
        keep_going: bool,
        /// Print each accepted command's id as soon as its events are stored.
        #[arg(long)]
        acks: bool,
    },
    /// Serves commands and queries over HTTP, until Ctrl+C or a signal to terminate.
    ///
    /// Requests that are under way are answered first, for up to 30 seconds.
    Serve {
        /// The address to listen at. Port 0 means any free port.
        #[arg(long, value_name = "ADDRESS:PORT", default_value = "127.0.0.1:8080")]
        address: std::net::SocketAddr,
    },
    /// Answers a query as JSON, e.g. `ask CustomersNamed '{"name": "Ada Lovelace"}'`.
    Ask {
        /// The query's name.
        name: String,
        /// The query's fields.
        json: String,
    },
    /// Prints the log, one event per line: position, time, name, fields.
    Events {
        /// Only events after this position.
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        after: u64,
    },
    /// Lists commands, queries, events, aggregates and projections with their handlers.
    Describe,
    /// Verifies that positions have no gaps, and that every view matches a fold of the whole log.
    Check,
    /// Prints the progress of each projection, and the parked keys, whose events could not be folded.
    Status,
    /// Resumes a parked key, from the event that it is parked at.
    Retry {
        /// The projection's name.
        projection: String,
        /// The key, as `shop status` prints it.
        key: String,
    },
    /// Skips the event that a key is parked at, and resumes the key.
    Skip {
        /// The projection's name.
        projection: String,
        /// The key, as `shop status` prints it.
        key: String,
    },
    /// Rebuilds a projection from the whole log, together with those that look-ups connect it with.
    Rebuild {
        /// The projection's name.
        projection: String,
    },
    /// Lists stored views that no process has used for a day, such as older versions of a view.
    Unused {
        /// Remove them.
        #[arg(long)]
        remove: bool,
    },
    /// Prints sample commands for `load`: always the same ones.
    Sample {
        /// How many orders.
        #[arg(long, value_name = "NUMBER", default_value_t = cli::sample::ORDERS)]
        orders: u32,
    },
}

#[tokio::main]
async fn main() -> ExitCode {
    match run(Arguments::parse()).await {
        Ok(code) => code,
        // With `shop events | head` the reader closes the pipe early, which is not an error.
        Err(failure) if is_broken_pipe(&*failure) => ExitCode::SUCCESS,
        Err(failure) => {
            eprintln!("shop: {failure}");
            ExitCode::FAILURE
        }
    }
}

async fn run(Arguments { databases, action }: Arguments) -> Result<ExitCode, Failure> {
    let databases = databases.databases()?;
    match action {
        None => databases.open(async |app| cli::tour::run(app, &databases).await).await?,
        Some(Action::Load { file, keep_going, acks }) => {
            let input = cli::load::Input::open(&file)?;
            return databases.open(async |app| cli::load::run(app, input, keep_going, acks).await).await;
        }
        Some(Action::Serve { address }) => {
            databases.open(async |app| cli::serve::run(app, address).await).await?;
        }
        Some(Action::Ask { name, json }) => {
            databases.existing(async |app| cli::print::answer(app, &name, &json).await).await?;
        }
        Some(Action::Events { after }) => {
            databases.existing(async |app| cli::print::events(app, Position::new(after)).await).await?;
        }
        Some(Action::Describe) => cli::print::description().await?,
        Some(Action::Check) => databases.existing(cli::check::run).await?,
        Some(Action::Status) => databases.existing(cli::operate::status).await?,
        Some(Action::Retry { projection, key }) => {
            databases.existing(async |app| cli::operate::take_up(app, &projection, &key, false).await).await?;
        }
        Some(Action::Skip { projection, key }) => {
            databases.existing(async |app| cli::operate::take_up(app, &projection, &key, true).await).await?;
        }
        Some(Action::Rebuild { projection }) => {
            databases.existing(async |app| cli::operate::rebuild(app, &projection).await).await?;
        }
        Some(Action::Unused { remove }) => {
            databases.existing(async |app| cli::operate::unused(app, remove).await).await?;
        }
        Some(Action::Sample { orders }) => cli::sample::write(&mut io::stdout().lock(), orders)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
