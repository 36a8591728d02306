//! A version of the program, in a process of its own.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use cqrs_versions_tests::{Question, Said};
use tokio::sync::oneshot;

/// How long anything may take.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// The version.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    Old,
    New,
}

/// Where its log and its views are.
#[derive(Clone)]
pub struct Urls {
    pub log: String,
    /// At level 2.
    pub views: Option<String>,
}

/// What happens to a question whose process is killed.
#[derive(Debug)]
pub struct Killed;

type Waiting = Arc<Mutex<Option<HashMap<u64, oneshot::Sender<Said>>>>>;

/// A process, killed at the end.
pub struct Program {
    version: Version,
    child: Mutex<Child>,
    input: Mutex<ChildStdin>,
    /// Who waits for an answer; nobody any more, when it has ended.
    waiting: Waiting,
    number: AtomicU64,
    killed: AtomicBool,
}

impl Program {
    /// Starts it. What it is asked before its app is built it answers then.
    pub fn start(version: Version, urls: &Urls) -> Arc<Self> {
        let program = match version {
            Version::Old => env!("CARGO_BIN_EXE_old"),
            Version::New => env!("CARGO_BIN_EXE_new"),
        };
        let mut command = Command::new(program);
        command.arg(&urls.log).args(&urls.views).stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let (input, output) = (child.stdin.take().unwrap(), child.stdout.take().unwrap());
        let waiting: Waiting = Arc::new(Mutex::new(Some(HashMap::new())));
        let heard = Arc::clone(&waiting);
        std::thread::spawn(move || {
            for line in BufReader::new(output).lines().map_while(Result::ok) {
                // A killed process may have said half a line.
                let Ok((number, said)) = serde_json::from_str::<(u64, Said)>(&line) else { continue };
                let answer = heard.lock().unwrap().as_mut().and_then(|waiting| waiting.remove(&number));
                answer.map(|answer| answer.send(said));
            }
            heard.lock().unwrap().take();
        });
        Arc::new(Self {
            version,
            child: Mutex::new(child),
            input: Mutex::new(input),
            waiting,
            number: AtomicU64::default(),
            killed: AtomicBool::default(),
        })
    }

    /// Asks it, and waits for the answer.
    pub async fn ask(&self, question: Question) -> Result<Said, Killed> {
        let number = self.number.fetch_add(1, Ordering::SeqCst);
        let (send, answer) = oneshot::channel();
        let is_running = self.waiting.lock().unwrap().as_mut().map(|waiting| waiting.insert(number, send)).is_some();
        let line = serde_json::to_string(&(number, &question)).unwrap();
        let is_asked = is_running && writeln!(self.input.lock().unwrap(), "{line}").is_ok();
        let answer = async { if is_asked { answer.await.ok() } else { None } };
        let Ok(said) = tokio::time::timeout(PATIENCE, answer).await else {
            panic!("the {:?} program did not answer {question:?} within {PATIENCE:?}", self.version)
        };
        let is_killed = || self.killed.load(Ordering::SeqCst);
        assert!(said.is_some() || is_killed(), "the {:?} program ended by itself", self.version);
        said.ok_or(Killed)
    }

    /// Asks one that is not killed.
    pub async fn say(&self, question: Question) -> Said {
        self.ask(question).await.expect("nobody kills it")
    }

    /// As `kill -9`.
    pub fn kill(&self) {
        self.killed.store(true, Ordering::SeqCst);
        let mut child = self.child.lock().unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.kill();
    }
}
