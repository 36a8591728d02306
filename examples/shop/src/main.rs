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
#[command(version, about = "An order shop, on one database or on two. Without a subcommand it gives a tour.")]
struct Arguments {
    #[command(flatten)]
    databases: Options,
    #[command(subcommand)]
    action: Option<Action>,
}

#[derive(Subcommand)]
enum Action {
    /// Executes commands, a line of JSON each.
    ///
    /// A line names the command, its fields and, if you like, an id: the same id again is the same command again, and
    /// runs nothing. Commands about the same order or customer are executed in the order of their lines.
    #[command(after_long_help = r#"Example: {"id": "4711", "command": "ConfirmOrder", "data": {"order": ".."}}"#)]
    Load {
        /// The file of commands, or `-` for standard input.
        file: PathBuf,
        /// Go on after a line that failed.
        #[arg(long)]
        keep_going: bool,
        /// Print each accepted command's id as soon as its events are stored.
        #[arg(long)]
        acks: bool,
    },
    /// Answers a query as JSON, e.g. `ask CustomersNamed '{"name": "Ada Lovelace"}'`.
    Ask {
        /// The query's name.
        name: String,
        /// The query's fields.
        json: String,
    },
    /// Prints the log, an event a line: position, time, name, fields.
    Events {
        /// Only what stands after this position.
        #[arg(long, value_name = "POSITION", default_value_t = 0)]
        after: u64,
    },
    /// Lists commands, queries, events, aggregates and projections, and who handles what.
    Describe,
    /// Verifies that the positions are dense and that every view is what a fold of the whole log makes.
    Check,
    /// Prints how far each projection has come, and what is parked: keys whose events could not be folded.
    Status,
    /// Takes a parked key up again, from the event that it is parked at.
    Retry {
        /// The projection's name.
        projection: String,
        /// The key, as `shop status` prints it.
        key: String,
    },
    /// Passes over the event that a key is parked at, and goes on with that key.
    Skip {
        /// The projection's name.
        projection: String,
        /// The key, as `shop status` prints it.
        key: String,
    },
    /// Folds a projection anew from the whole log, with those that it is connected with by look-ups.
    Rebuild {
        /// The projection's name.
        projection: String,
    },
    /// Lists what is stored of views and is not used any more: by no process for a day. Older versions of a view stay until then.
    Unused {
        /// Remove it.
        #[arg(long)]
        remove: bool,
    },
    /// Prints commands to load: the same ones each time.
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
        // `shop events | head`: whoever read the output has seen enough.
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
