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
        None => cli::tour::run(&databases).await?,
        Some(Action::Load { file, keep_going, acks }) => {
            let input = cli::load::Input::open(&file)?;
            return cli::load::run(&databases.open().await?, input, keep_going, acks).await;
        }
        Some(Action::Ask { name, json }) => cli::print::answer(&databases.existing().await?, &name, &json).await?,
        Some(Action::Events { after }) => {
            cli::print::events(&databases.existing().await?, Position::new(after)).await?;
        }
        Some(Action::Describe) => cli::print::description().await?,
        Some(Action::Check) => cli::check::run(&databases.existing().await?).await?,
        Some(Action::Status) => cli::operate::status(&databases.existing().await?).await?,
        Some(Action::Retry { projection, key }) => {
            cli::operate::take_up(&databases.existing().await?, &projection, &key, false).await?;
        }
        Some(Action::Skip { projection, key }) => {
            cli::operate::take_up(&databases.existing().await?, &projection, &key, true).await?;
        }
        Some(Action::Rebuild { projection }) => {
            cli::operate::rebuild(&databases.existing().await?, &projection).await?;
        }
        Some(Action::Sample { orders }) => cli::sample::write(&mut io::stdout().lock(), orders)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
