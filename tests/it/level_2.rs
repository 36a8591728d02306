//! Level 2 on files: the log in one file, the views in another.

use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::time::Duration;

use cqrs_conformance::views::checkpoint_as_stored;
use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::log::{EventLog, EventQuery, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Row, RowQuery, ViewShape, ViewStore};
use cqrs_sqlite::rusqlite::Connection;
use cqrs_sqlite::{SqliteLog, SqliteViews};
use cqrs_tests::bank::*;
use tempfile::TempDir;

use crate::logs::bank;

/// How long a runner of these tests has a projection to itself.
const LEASE: Duration = Duration::from_millis(1_500);

async fn at_level_2(folder: &Path) -> App {
    in_batches(folder, 7).await
}

async fn in_batches(folder: &Path, batch: usize) -> App {
    let log = SqliteLog::open(folder.join("log.db")).await.unwrap();
    let views = SqliteViews::open(folder.join("views.db")).await.unwrap();
    bank(App::builder().log(log).views(views).projection_batch(batch).projection_lease(LEASE)).await
}

async fn shape() -> ViewShape {
    bank(App::builder().log(MemoryLog::new())).await.shape_of::<Balance>().unwrap()
}

pub async fn rows(views: &dyn ViewStore) -> Vec<Row> {
    let every = RowQuery::all();
    views.find(&shape().await, &every).await.unwrap()
}

/// The rows that an app at level 1 makes of the same events, from the start.
pub async fn folded_anew(log: &dyn EventLog) -> Vec<Row> {
    let page = log.read(&EventQuery::all(), Position::START, 1_000_000).await.unwrap();
    let copy = MemoryLog::new();
    let mut tx = copy.begin().await.unwrap();
    tx.append(&page.events, &[]).await.unwrap();
    tx.commit().await.unwrap();
    bank(App::builder().log(copy.clone())).await;
    rows(&*copy.views().unwrap()).await
}

/// Accounts, and the commands that move money between them.
struct Customers {
    app: App,
    accounts: Vec<AccountId>,
    moves: usize,
}

impl Customers {
    async fn of(app: &App) -> Self {
        let (owner, accounts) = (PersonId::new(), (0..5).map(|_| AccountId::new()).collect::<Vec<_>>());
        for &account in &accounts {
            app.commands().execute(OpenAccount { account, owner }).await.unwrap();
            app.commands().execute(PayIn { account, amount: 1_000 }).await.unwrap();
        }
        Self { app: app.clone(), accounts, moves: 0 }
    }

    async fn move_money(&mut self, times: usize) -> Position {
        let mut at = Position::START;
        for _ in 0..times {
            self.moves += 1;
            let (from, to) = (self.accounts[self.moves % 5], self.accounts[(self.moves / 5) % 5]);
            let moved = self.app.commands().execute(Transfer { from, to, amount: 1 }).await;
            at = moved.unwrap().position();
        }
        at
    }

    async fn balance(&self, at: Position) -> Balance {
        let query = BalanceOf { account: self.accounts[0] };
        let patient = self.app.queries().after(at).within(Duration::from_secs(60));
        patient.ask(query).await.unwrap().unwrap()
    }
}

#[tokio::test]
async fn a_read_file_is_kept_in_step_and_its_rows_are_those_of_level_1() {
    for batch in [1, 7, 1_000] {
        let folder = tempfile::tempdir().unwrap();
        let app = in_batches(folder.path(), batch).await;
        let mut customers = Customers::of(&app).await;
        let closed = customers.accounts[4];
        let at = customers.move_money(60).await;
        assert_eq!(customers.balance(at).await.account, customers.accounts[0]);
        let at = app.commands().execute(CloseAccount { account: closed }).await.unwrap().position();
        let gone = app.queries().after(at).ask(BalanceOf { account: closed }).await.unwrap();
        assert_eq!(gone, None);
        let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
        assert_eq!(rows(&views).await, folded_anew(&**app.log()).await);
        let beside = app.log().views().unwrap();
        assert!(checkpoint_as_stored(&*beside, "Balance").await.is_none(), "the log's file holds no views");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_rebuild_takes_the_place_of_what_is_read_while_commands_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let app = in_batches(folder.path(), 3).await;
    let mut customers = Customers::of(&app).await;
    let at = customers.move_money(40).await;
    let before = customers.balance(at).await;
    let rebuilding = app.clone();
    let rebuild = tokio::spawn(async move { rebuilding.rebuild("Balance").await.unwrap() });
    while !rebuild.is_finished() {
        let at = customers.move_money(1).await;
        let present = customers.balance(at).await;
        assert!(present.movements >= before.movements, "what is read never goes back: {present:?}");
    }
    assert!(rebuild.await.unwrap() >= at);
    let at = customers.move_money(10).await;
    customers.balance(at).await;
    let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
    assert_eq!(rows(&views).await, folded_anew(&**app.log()).await);
    let file = Connection::open(folder.path().join("views.db")).unwrap();
    let made = "SELECT name FROM sqlite_schema WHERE tbl_name LIKE 'cqrs_view_%' AND sql IS NOT NULL ORDER BY name";
    let mut made = file.prepare(made).unwrap();
    let made: Vec<String> = made.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let stored = app.stored_as("Balance").unwrap().shape.name.to_lowercase();
    let expected = ["cqrs_index_0__", "cqrs_index_1__", "cqrs_view_"].map(|start| format!("{start}{stored}"));
    assert_eq!(made, expected, "and nothing is left over");
}

#[tokio::test]
async fn a_locked_read_file_neither_delays_nor_refuses_a_command() {
    let folder = tempfile::tempdir().unwrap();
    let app = at_level_2(folder.path()).await;
    let mut customers = Customers::of(&app).await;
    customers.balance(app.log().head().await.unwrap()).await;
    let intruder = Connection::open(folder.path().join("views.db")).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let at = customers.move_money(30).await;
    let hasty = app.queries().after(at).within(Duration::from_millis(50));
    let error = hasty.ask(BalanceOf { account: customers.accounts[0] }).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotYet(lag) if lag.wanted == at && lag.view == "Balance"), "{error}");
    intruder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(customers.balance(at).await.movements, 1 + 6 + 9, "a payment, six transfers out, nine in");
}

#[tokio::test]
async fn an_app_is_built_while_its_read_file_is_locked() {
    let folder = tempfile::tempdir().unwrap();
    drop(SqliteViews::open(folder.path().join("views.db")).await.unwrap());
    let intruder = Connection::open(folder.path().join("views.db")).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let app = at_level_2(folder.path()).await;
    let customers = Customers::of(&app).await;
    let error = app.queries().ask(BalanceOf { account: customers.accounts[0] }).await.unwrap_err();
    assert!(matches!(&error, QueryError::NotBuilt(view) if view.view == "Balance"), "{error}");
    intruder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(customers.balance(app.log().head().await.unwrap()).await.balance, 1_000);
}

#[tokio::test]
async fn waiting_for_a_view_is_not_undoing() {
    let folder = tempfile::tempdir().unwrap();
    let app = at_level_2(folder.path()).await;
    let customers = Customers::of(&app).await;
    let account = customers.accounts[0];
    let seen = app.commands().awaiting::<Balance>().execute(PayIn { account, amount: 1 }).await;
    assert!(seen.reply.is_ok() && seen.seen.is_ok());
    let shown = app.queries().ask(BalanceOf { account }).await.unwrap().unwrap();
    assert_eq!(shown.balance, 1_001, "without a request to wait");

    let intruder = Connection::open(folder.path().join("views.db")).unwrap();
    intruder.execute_batch("BEGIN IMMEDIATE").unwrap();
    let hasty = app.commands().awaiting::<Balance>().within(Duration::from_millis(50));
    let refused = hasty.execute(PayIn { account, amount: 0 }).await;
    assert!(matches!(refused.reply, Err(CommandError::Rejected(BankError::NoAmount))));
    assert!(refused.seen.is_ok(), "there is nothing to see");
    let unseen = hasty.execute(PayIn { account, amount: 2 }).await;
    let receipt = unseen.reply.expect("it is stored");
    assert_eq!(unseen.seen.unwrap_err().kind(), "NotYet", "and does not show yet");
    intruder.execute_batch("ROLLBACK").unwrap();
    assert_eq!(customers.balance(receipt.position()).await.balance, 1_003, "once");
}

/// A query that is to see what its caller has written.
mod mine {
    use cqrs_runtime::prelude::*;

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u32, consistency = read_your_writes)]
    pub struct CountMine {}

    #[query]
    async fn count_mine(_q: CountMine) -> Result<u32, QueryError> {
        Ok(7)
    }
}

#[tokio::test]
async fn by_the_wire_too_a_query_of_ones_own_writes_needs_a_position() {
    let module = format!("{}::mine", module_path!());
    let app = App::builder().log(MemoryLog::new()).only_modules([module]).build().await.unwrap();
    let error = app.queries().ask_json("CountMine", "{}", Meta::new()).await.unwrap_err();
    assert_eq!((error.kind(), error.to_string().contains("`CountMine`")), ("NoPosition", true), "{error}");
    let queries = app.queries().after(Position::START);
    assert_eq!(queries.ask_json("CountMine", "{}", Meta::new()).await.unwrap(), 7);
    assert_eq!(queries.ask(mine::CountMine {}).await.unwrap(), 7);
}

const FOLDER: &str = "CQRS_LEVEL_2_TEST_FOLDER";

/// Not a test: a process that runs the projections. It prints what they are about whenever that changes.
#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let Ok(folder) = std::env::var(FOLDER) else { return };
    let app = at_level_2(Path::new(&folder)).await;
    let mut told = None;
    loop {
        let status = app.projections().await.unwrap().remove(0);
        if told != Some(status.state) {
            writeln!(std::io::stdout(), "\nstate {:?}", status.state).unwrap();
            told = Some(status.state);
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Another process, killed at the end.
struct Other {
    child: Child,
    lines: BufReader<ChildStdout>,
}

impl Other {
    fn start(folder: &TempDir) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap());
        child.args(["level_2::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
        let mut child = child.env(FOLDER, folder.path()).stdout(Stdio::piped()).spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap());
        Self { child, lines }
    }

    fn wait_for(&mut self, state: ProjectionState) {
        let wanted = format!("state {state:?}");
        let mut line = String::new();
        while line.trim_end() != wanted {
            line.clear();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "it ended before it was `{wanted}`");
        }
    }

    fn signal(&self, signal: &str) {
        let sent = Command::new("kill").args([signal, &self.child.id().to_string()]).status().unwrap();
        assert!(sent.success());
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_killed_while_it_folds_leaves_each_event_applied_once() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    // It writes, and runs nothing: its own views are in another database than its log.
    let writer = bank(App::builder().log(log)).await;
    let mut customers = Customers::of(&writer).await;
    for kill in 0..6 {
        let mut other = Other::start(&folder);
        other.wait_for(ProjectionState::Running);
        // Each at another place among the batches of seven.
        customers.move_money(40 + kill).await;
        other.child.kill().unwrap();
    }
    let at = customers.move_money(3).await;
    let app = at_level_2(folder.path()).await;
    let patient = app.queries().after(at).within(Duration::from_secs(60));
    patient.ask(BalanceOf { account: customers.accounts[0] }).await.unwrap();
    let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
    assert_eq!(rows(&views).await, folded_anew(&**app.log()).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_process_that_is_stopped_beyond_its_lease_puts_nothing_back_when_it_wakes() {
    let folder = tempfile::tempdir().unwrap();
    let mut holder = Other::start(&folder);
    holder.wait_for(ProjectionState::Running);
    let app = at_level_2(folder.path()).await;
    let state = async || app.projections().await.unwrap()[0].state;
    assert_eq!(state().await, ProjectionState::Elsewhere, "one of them runs it");
    let mut customers = Customers::of(&app).await;
    let at = customers.move_money(20).await;
    customers.balance(at).await;
    // Stopped between two transactions: inside one it would hold the file's lock, and nobody could take over at all.
    loop {
        holder.signal("-STOP");
        let probe = Connection::open(folder.path().join("views.db")).unwrap();
        probe.busy_timeout(Duration::ZERO).unwrap();
        if probe.execute_batch("BEGIN IMMEDIATE; ROLLBACK").is_ok() {
            break;
        }
        holder.signal("-CONT");
    }
    let at = customers.move_money(50).await;
    let after = customers.balance(at).await;
    assert_eq!(state().await, ProjectionState::Running, "it has taken over");
    let views = SqliteViews::open(folder.path().join("views.db")).await.unwrap();
    let before = rows(&views).await;
    holder.signal("-CONT");
    holder.wait_for(ProjectionState::Elsewhere);
    assert_eq!(rows(&views).await, before);
    assert_eq!(rows(&views).await, folded_anew(&**app.log()).await);
    assert_eq!(customers.balance(at).await, after);
}
