//! Executes commands from a file, many at once.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use cqrs_runtime::{App, CommandBus, CommandId, Meta};
use indicatif::{ProgressBar, ProgressStyle};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;

use super::Failure;

/// How many commands are in flight. All that wait for the disk together share one commit.
const IN_FLIGHT: usize = 512;

/// The source of the lines.
pub struct Input {
    source: Box<dyn Read + Send>,
    bytes: Option<u64>,
}

impl Input {
    /// Opens a file, or takes standard input for `-`.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if path == Path::new("-") {
            return Ok(Self { source: Box::new(io::stdin()), bytes: None });
        }
        let file = File::open(path).map_err(|error| format!("cannot read `{}`: {error}", path.display()))?;
        let bytes = file.metadata().ok().filter(std::fs::Metadata::is_file).map(|file| file.len());
        Ok(Self { source: Box::new(file), bytes })
    }

    /// Reads ahead on a separate thread, so that a slow terminal or pipe does not delay the answers.
    fn lines(self) -> mpsc::Receiver<io::Result<Vec<u8>>> {
        let (send, lines) = mpsc::channel(IN_FLIGHT);
        std::thread::spawn(move || {
            let mut read = BufReader::new(self.source).split(b'\n');
            // The receiver is gone once a line has failed.
            read.try_for_each(|line| send.blocking_send(line)).ok();
        });
        lines
    }
}

/// Executes all lines, and prints a summary. It succeeds if every command was accepted.
///
/// After a line that failed nothing more is sent, unless `keep_going` is set. Commands in flight are completed.
pub async fn run(app: &App, input: Input, keep_going: bool, acks: bool) -> Result<ExitCode, Failure> {
    let mut tally = Tally::new(input.bytes, acks);
    let mut lines = input.lines();
    let mut under_way = JoinSet::new();
    let mut turns = Turns::default();
    let mut number = 0;
    let mut reading = true;
    loop {
        tokio::select! {
            Some(done) = under_way.join_next() => tally.add(done?)?,
            line = lines.recv(), if reading && under_way.len() < IN_FLIGHT => match line {
                None => reading = false,
                Some(line) => {
                    number += 1;
                    tally.bar.inc(line.as_ref().map_or(0, |line| line.len() as u64 + 1));
                    // Without more lines there is nothing to continue with.
                    reading = line.is_ok();
                    match Line::parse(line) {
                        Ok(None) => {}
                        Ok(Some(line)) => drop(under_way.spawn(line.execute(number, app.commands(), &mut turns))),
                        Err(error) => tally.add(Done { number, id: None, answer: Err(error) })?,
                    }
                }
            },
            else => break,
        }
        reading &= keep_going || tally.failed() == 0;
    }
    tally.finish(keep_going)
}

/// A line of the file.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    command: String,
    data: Box<RawValue>,
    #[serde(default)]
    id: Option<String>,
}

impl Line {
    /// Parses a line. An empty line is skipped.
    fn parse(line: io::Result<Vec<u8>>) -> Result<Option<Self>, Refusal> {
        let line =
            line.map_err(|error| Refusal { name: "Unreadable".into(), text: format!("cannot be read: {error}") })?;
        if line.trim_ascii().is_empty() {
            return Ok(None);
        }
        serde_json::from_slice(&line).map(Some).map_err(|error| Refusal {
            name: "Malformed".into(),
            // The input is one line, so the column is enough.
            text: format!("not a command: {error}").replace(" at line 1 column ", " at column "),
        })
    }

    /// Starts the command at once, or after the earlier ones that it may depend on.
    fn execute(self, number: u64, bus: CommandBus, turns: &mut Turns) -> impl Future<Output = Done> + use<> {
        let id = self.id.as_deref().map(CommandId::new);
        let (earlier, done) = turns.enter(&self.data);
        async move {
            for mut command in earlier {
                // Nothing is ever sent: the wait ends with an error when the sender is dropped.
                let _ = command.changed().await;
            }
            let meta = Meta { command_id: id.clone(), ..Meta::new() };
            let answer = bus.execute_json(&self.command, self.data.get(), meta).await;
            drop(done);
            let answer = answer.map(|receipt| receipt.is_repeated());
            Done {
                number,
                id,
                answer: answer.map_err(|error| Refusal { name: error.code().into(), text: error.to_string() }),
            }
        }
    }
}

/// Orders dependent commands: a command about an order or a customer comes after the last command about the same one,
/// so that a customer is registered before she orders, and an order confirmed before it is shipped.
#[derive(Default)]
struct Turns {
    last: HashMap<String, watch::Receiver<()>>,
}

impl Turns {
    /// The commands to wait for, and a sender to drop when the command is done.
    fn enter(&mut self, data: &RawValue) -> (Vec<watch::Receiver<()>>, watch::Sender<()>) {
        #[derive(Deserialize, Default)]
        struct Named {
            order: Option<String>,
            customer: Option<String>,
        }
        // The bus reports invalid data.
        let Named { order, customer } = serde_json::from_str(data.get()).unwrap_or_default();
        let earlier = [&order, &customer].into_iter().flatten().filter_map(|id| self.last.get(id).cloned()).collect();
        let (done, last) = watch::channel(());
        // A new order counts as about the order: other orders of the same customer need not wait for it.
        if let Some(id) = order.or(customer) {
            self.last.insert(id, last);
        }
        if self.last.len() > 4 * IN_FLIGHT {
            self.last.retain(|_, command| command.has_changed().is_ok());
        }
        (earlier, done)
    }
}

/// The result of a line.
struct Done {
    number: u64,
    id: Option<CommandId>,
    /// `true` if it was accepted before.
    answer: Result<bool, Refusal>,
}

struct Refusal {
    name: String,
    text: String,
}

/// The results of all lines so far.
struct Tally {
    bar: ProgressBar,
    acks: bool,
    started: Instant,
    accepted: u64,
    repeated: u64,
    refused: BTreeMap<String, u64>,
}

impl Tally {
    fn new(bytes: Option<u64>, acks: bool) -> Self {
        // Shown on a terminal only.
        let (bar, template) = match bytes {
            Some(bytes) => (ProgressBar::new(bytes), "{wide_bar} {percent}% {eta} {msg}"),
            None => (ProgressBar::new_spinner(), "{spinner} {elapsed} {msg}"),
        };
        bar.set_style(ProgressStyle::with_template(template).expect("a template of indicatif's own keys"));
        Self { bar, acks, started: Instant::now(), accepted: 0, repeated: 0, refused: BTreeMap::new() }
    }

    fn add(&mut self, Done { number, id, answer }: Done) -> io::Result<()> {
        match answer {
            Ok(repeated) => {
                *(if repeated { &mut self.repeated } else { &mut self.accepted }) += 1;
                if self.acks {
                    let mut out = io::stdout().lock();
                    match id {
                        Some(id) => writeln!(out, "{id}")?,
                        None => writeln!(out, "line {number}")?,
                    }
                    out.flush()?;
                }
            }
            Err(Refusal { name, text }) => {
                *self.refused.entry(name).or_default() += 1;
                self.bar.suspend(|| eprintln!("line {number}: {text}"));
            }
        }
        self.bar.set_message(format!("{} accepted, {} failed", self.accepted + self.repeated, self.failed()));
        Ok(())
    }

    fn failed(&self) -> u64 {
        self.refused.values().sum()
    }

    /// Prints the summary: on standard output, unless that is used for acknowledged ids.
    fn finish(self, keep_going: bool) -> Result<ExitCode, Failure> {
        self.bar.finish_and_clear();
        let seconds = self.started.elapsed().as_secs_f64();
        let (Self { accepted, repeated, .. }, failed) = (&self, self.failed());
        let all = accepted + repeated + failed;
        let mut out: Box<dyn Write> = if self.acks { Box::new(io::stderr()) } else { Box::new(io::stdout()) };
        writeln!(out, "accepted {accepted}, repeated {repeated}, rejected {failed}")?;
        for (name, count) in &self.refused {
            writeln!(out, "  {name}: {count}")?;
        }
        #[expect(clippy::cast_precision_loss, reason = "a rate to look at")]
        let rate = all as f64 / seconds;
        writeln!(out, "{all} commands in {seconds:.2} s, {rate:.0} per second")?;
        if failed > 0 && !keep_going {
            writeln!(
                out,
                "stopped at the failure: later lines were not sent; `--keep-going` continues after failures"
            )?;
        }
        Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
    }
}
