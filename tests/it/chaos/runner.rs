//! A process that runs the projections.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, Receiver};
use std::time::Duration;

use cqrs_runtime::App;
use cqrs_runtime::app::ProjectionState;

use super::counters::COUNTERS;
use super::places::{open_log, open_views};
use super::watch::PATIENCE;

const LOG: &str = "CQRS_BARS_LOG";
const VIEWS: &str = "CQRS_BARS_VIEWS";

/// How long it has a projection to itself.
pub const LEASE: Duration = Duration::from_millis(300);

/// How many events it folds at once.
pub const BATCH: usize = 25;

/// Not a test: what is killed and stopped. It prints whether it runs the projections, or another does, whenever that changes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let (Ok(log), Ok(views)) = (std::env::var(LOG), std::env::var(VIEWS)) else { return };
    let builder = App::builder().log(open_log(&log).await).views(open_views(&views).await);
    let builder = builder.projection_batch(BATCH).projection_lease(LEASE).only_modules([COUNTERS]);
    let app = builder.build().await.unwrap();
    let mut told = None;
    loop {
        // What cannot be asked now is asked again.
        if let Ok(statuses) = app.projections().await {
            let all = |state| statuses.iter().all(|status| status.state == state);
            let known = [ProjectionState::Running, ProjectionState::Elsewhere].into_iter().find(|state| all(*state));
            if let Some(state) = known.filter(|state| told != Some(*state)) {
                writeln!(std::io::stdout(), "\nstate {state:?}").unwrap();
                told = known;
            }
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// The process, killed at the end.
pub struct Runner {
    child: Child,
    told: Receiver<String>,
    state: String,
}

impl Runner {
    pub fn start(log: &str, views: &str) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["chaos::runner::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        let mut child = child.env(LOG, log).env(VIEWS, views).stdout(Stdio::piped()).spawn().unwrap();
        let (send, told) = mpsc::channel();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        std::thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                if let Some(state) = line.strip_prefix("state ") {
                    let _ = send.send(state.to_owned());
                }
            }
        });
        Self { child, told, state: String::new() }
    }

    /// Whether it said last that it runs the projections.
    pub fn runs(&mut self) -> bool {
        self.assert_alive();
        while let Ok(state) = self.told.try_recv() {
            self.state = state;
        }
        self.state == "Running"
    }

    /// Waits until it says that it runs the projections.
    pub fn wait_until_it_runs(&mut self) {
        while !self.runs() {
            self.state = self.told.recv_timeout(PATIENCE).expect("it runs the projections");
        }
    }

    /// Waits until it says that another process runs the projections.
    pub fn wait_for_elsewhere(&mut self) {
        while self.runs() || self.state.is_empty() {
            self.state = self.told.recv_timeout(PATIENCE).expect("it learns that another has taken over");
        }
    }

    pub fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }

    pub fn assert_alive(&mut self) {
        assert!(self.child.try_wait().unwrap().is_none(), "it does not end by itself");
    }

    pub fn kill(mut self) {
        self.assert_alive();
    }
}

impl Drop for Runner {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
