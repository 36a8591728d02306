//! The shop, at the terminal. Without a subcommand it gives a tour.

mod cli;

use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};
use cqrs_runtime::{App, Position};

use cli::Failure;

#[derive(Parser)]
#[command(version, about = "An order shop in one SQLite file, or in two. Without a subcommand it gives a tour.")]
struct Arguments {
    /// The shop's file, made where there is none.
    #[arg(long, global = true, value_name = "PATH", default_value = "shop.db")]
    db: PathBuf,
    /// 1: the views live in the shop's file, and are updated with each command. 2: they live in a file of their own, and follow.
    #[arg(long, global = true, value_name = "LEVEL", default_value_t = 1, value_parser = clap::value_parser!(u8).range(1..=2))]
    level: u8,
    /// At level 2, the file of the views, made where there is none; the shop's file with `-views` unless told otherwise.
    #[arg(long, global = true, value_name = "PATH")]
    read: Option<PathBuf>,
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

async fn run(Arguments { db, level, read, action }: Arguments) -> Result<ExitCode, Failure> {
    let views = match (level, read) {
        (1, None) => None,
        (1, Some(_)) => {
            return Err("`--read` names the file of the views, which is one of its own at `--level 2`".into());
        }
        (_, read) => Some(read.unwrap_or_else(|| beside(&db))),
    };
    let open = async || match &views {
        None => shop::open(&db).await,
        Some(views) => shop::open_apart(&db, views).await,
    };
    // Only commands make a file: a question about one that is not there has a misspelt path more often than not.
    let existing = async || -> Result<App, Failure> {
        if db.try_exists()? {
            open().await
        } else {
            Err(format!("there is no file `{}`; `shop` or `shop load` makes one", db.display()).into())
        }
    };
    match action {
        None => cli::tour::run(&open().await?, &db, views.as_deref()).await?,
        Some(Action::Load { file, keep_going, acks }) => {
            let input = cli::load::Input::open(&file)?;
            return cli::load::run(&open().await?, input, keep_going, acks).await;
        }
        Some(Action::Ask { name, json }) => cli::print::answer(&existing().await?, &name, &json).await?,
        Some(Action::Events { after }) => cli::print::events(&existing().await?, Position::new(after)).await?,
        Some(Action::Describe) => cli::print::description().await?,
        Some(Action::Check) => cli::check::run(&existing().await?).await?,
        Some(Action::Sample { orders }) => cli::sample::write(&mut io::stdout().lock(), orders)?,
    }
    Ok(ExitCode::SUCCESS)
}

/// `shop-views.db` for `shop.db`.
fn beside(db: &Path) -> PathBuf {
    let mut name = db.file_stem().unwrap_or_default().to_owned();
    name.push("-views");
    let mut views = db.with_file_name(name);
    if let Some(extension) = db.extension() {
        views.as_mut_os_string().push(".");
        views.as_mut_os_string().push(extension);
    }
    views
}

fn is_broken_pipe(failure: &(dyn std::error::Error + 'static)) -> bool {
    failure.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}
