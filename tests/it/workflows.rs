//! Workflows: async handlers that load, cause an outside effect, and append under their condition.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use cqrs_runtime::WorkflowError;
use cqrs_runtime::log::{EventQuery, MemoryLog, StoreError};
use cqrs_runtime::prelude::*;
use cqrs_sqlite::Sqlite;
use tokio::sync::Notify;

use crate::logs::open;

#[derive(Id)]
pub struct TicketId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TicketOpened {
    #[tag]
    ticket: TicketId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct NoteAdded {
    #[tag]
    ticket: TicketId,
    note: String,
}

#[derive(Debug, PartialEq, thiserror::Error)]
pub enum TicketError {
    #[error("no room")]
    NoRoom,
    #[error("{0}")]
    Database(String),
}

impl From<cqrs_sqlite::rusqlite::Error> for TicketError {
    fn from(error: cqrs_sqlite::rusqlite::Error) -> Self {
        Self::Database(error.to_string())
    }
}

pub struct Ticket {
    notes: usize,
}

#[aggregate(id = TicketId, on = [TicketOpened, NoteAdded])]
impl Ticket {
    fn opened(_: &TicketOpened) -> Self {
        Self { notes: 0 }
    }
    fn noted(&mut self, _: &NoteAdded) {
        self.notes += 1;
    }
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = TicketError)]
pub struct OpenTicket {
    ticket: TicketId,
}

#[command]
fn open_ticket(cmd: OpenTicket, _ticket: Absent<Ticket>) -> Result<TicketOpened, TicketError> {
    Ok(TicketOpened { ticket: cmd.ticket })
}

/// What the world looks like to a workflow: it stops at the gate until the test lets it on.
pub struct Gate {
    arrived: Notify,
    open: Notify,
    runs: AtomicU32,
}

impl Gate {
    async fn pass(&self) {
        self.runs.fetch_add(1, Ordering::SeqCst);
        self.arrived.notify_one();
        self.open.notified().await;
    }
}

#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = TicketError)]
pub struct NoteSlowly {
    ticket: TicketId,
    note: String,
}

#[command]
async fn note_slowly(cmd: NoteSlowly, ticket: &Ticket, gate: State<Gate>) -> Result<NoteAdded, TicketError> {
    gate.pass().await;
    if ticket.notes >= 3 {
        return Err(TicketError::NoRoom);
    }
    Ok(NoteAdded { ticket: cmd.ticket, note: cmd.note })
}

#[derive(Command, Serialize, Deserialize, Clone)]
#[cqrs(error = TicketError)]
pub struct NoteAtLast {
    ticket: TicketId,
    note: String,
}

#[command(retry)]
async fn note_at_last(cmd: NoteAtLast, ticket: &Ticket, gate: State<Gate>) -> Result<NoteAdded, TicketError> {
    gate.pass().await;
    Ok(NoteAdded { ticket: cmd.ticket, note: format!("{} after {}", cmd.note, ticket.notes) })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = TicketError)]
pub struct NoteInTable {
    ticket: TicketId,
    note: String,
    fail: bool,
}

#[command]
async fn note_in_table(cmd: NoteInTable, ticket: &Ticket, tx: &mut Tx<Sqlite>) -> Result<NoteAdded, TicketError> {
    let row = (cmd.ticket.to_string(), cmd.note.as_str());
    tx.execute("INSERT INTO notes (ticket, note) VALUES (?1, ?2)", row)?;
    if cmd.fail || ticket.notes >= 3 {
        return Err(TicketError::NoRoom);
    }
    Ok(NoteAdded { ticket: cmd.ticket, note: cmd.note })
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct RowsInTable {
    ticket: TicketId,
}

#[query]
async fn rows_in_table(q: RowsInTable, reader: Reader<Sqlite>) -> Result<u32, QueryError> {
    reader
        .query_row("SELECT count(*) FROM notes WHERE ticket = ?1", [q.ticket.to_string()], |row| row.get(0))
        .map_err(QueryError::failed)
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = String)]
pub struct WriteByQuery {}

#[query]
async fn write_by_query(_q: WriteByQuery, reader: Reader<Sqlite>) -> Result<String, QueryError> {
    let refused = reader.execute("INSERT INTO notes (ticket, note) VALUES ('', '')", ());
    Ok(refused.map_or_else(|error| error.to_string(), |rows| format!("{rows} rows written")))
}

async fn app(gate: Arc<Gate>) -> (App, tempfile::TempDir) {
    let folder = tempfile::tempdir().unwrap();
    let log = open(&folder).await;
    cqrs_sqlite::rusqlite::Connection::open(folder.path().join("log.db"))
        .unwrap()
        .execute("CREATE TABLE notes (ticket TEXT NOT NULL, note TEXT NOT NULL)", ())
        .unwrap();
    let app = App::builder().log(log).shared_state(gate).only_modules([module_path!()]).build().await.unwrap();
    (app, folder)
}

fn gate() -> Arc<Gate> {
    Arc::new(Gate { arrived: Notify::new(), open: Notify::new(), runs: AtomicU32::new(0) })
}

async fn ticket(app: &App) -> TicketId {
    let ticket = TicketId::new();
    app.commands().execute(OpenTicket { ticket }).await.unwrap();
    ticket
}

#[tokio::test]
async fn a_workflow_whose_boundary_changed_meanwhile_conflicts() {
    let gate = gate();
    let (app, _folder) = app(Arc::clone(&gate)).await;
    let ticket = ticket(&app).await;
    let bus = app.commands();
    let slow = tokio::spawn(async move { bus.execute(NoteSlowly { ticket, note: "slow".into() }).await });
    gate.arrived.notified().await;
    let quick = NoteInTable { ticket, note: "quick".into(), fail: false };
    app.commands().execute(quick).await.unwrap();
    gate.open.notify_one();
    let CommandError::Conflict(conflict) = slow.await.unwrap().unwrap_err() else { panic!("no conflict") };
    assert_eq!(conflict.loaded_at, 1);
    assert_eq!(app.log().head().await.unwrap(), 2);
    assert_eq!(gate.runs.load(Ordering::SeqCst), 1, "only a workflow marked `retry` runs again");
}

#[tokio::test]
async fn a_workflow_is_not_disturbed_by_what_is_outside_its_boundary() {
    let gate = gate();
    let (app, _folder) = app(Arc::clone(&gate)).await;
    let (ticket, other) = (ticket(&app).await, ticket(&app).await);
    let bus = app.commands();
    let slow = tokio::spawn(async move { bus.execute(NoteSlowly { ticket, note: "slow".into() }).await });
    gate.arrived.notified().await;
    let elsewhere = NoteInTable { ticket: other, note: "elsewhere".into(), fail: false };
    app.commands().execute(elsewhere).await.unwrap();
    gate.open.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().position(), 4);
}

#[tokio::test]
async fn a_workflow_marked_retry_runs_again_on_the_new_state() {
    let gate = gate();
    let (app, _folder) = app(Arc::clone(&gate)).await;
    let ticket = ticket(&app).await;
    let bus = app.commands();
    let slow = tokio::spawn(async move { bus.execute(NoteAtLast { ticket, note: "slow".into() }).await });
    gate.arrived.notified().await;
    app.commands().execute(NoteInTable { ticket, note: "quick".into(), fail: false }).await.unwrap();
    gate.open.notify_one();
    gate.arrived.notified().await;
    gate.open.notify_one();
    assert_eq!(slow.await.unwrap().unwrap().position(), 3);
    assert_eq!(gate.runs.load(Ordering::SeqCst), 2);
    let page = app.log().read(&EventQuery::named(&["NoteAdded"]), Position::new(2), 9).await.unwrap();
    assert_eq!(page.events[0].decode::<NoteAdded>().unwrap().note, "slow after 1");
}

#[tokio::test]
async fn what_a_workflow_writes_through_its_transaction_stands_or_falls_with_its_events() {
    let (app, _folder) = app(gate()).await;
    let ticket = ticket(&app).await;
    let refused = app.commands().execute(NoteInTable { ticket, note: "no".into(), fail: true }).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&TicketError::NoRoom));
    assert_eq!(app.queries().ask(RowsInTable { ticket }).await.unwrap(), 0);
    app.commands().execute(NoteInTable { ticket, note: "yes".into(), fail: false }).await.unwrap();
    assert_eq!(app.queries().ask(RowsInTable { ticket }).await.unwrap(), 1);
    assert_eq!(app.log().head().await.unwrap(), 2);
}

#[tokio::test]
async fn a_workflow_with_a_known_id_does_not_touch_the_world_again() {
    let gate = gate();
    let (app, _folder) = app(Arc::clone(&gate)).await;
    let ticket = ticket(&app).await;
    let bus = app.commands().with_meta(Meta::new().command_id(CommandId::new("once")));
    gate.open.notify_one();
    let first = bus.execute(NoteSlowly { ticket, note: "a".into() }).await.unwrap();
    let again = bus.execute(NoteSlowly { ticket, note: "a".into() }).await.unwrap();
    assert_eq!((again.position(), again.is_repeated()), (first.position(), true));
    assert_eq!(gate.runs.load(Ordering::SeqCst), 1);
}

#[tokio::test]
async fn a_query_cannot_write_even_by_sql() {
    let (app, _folder) = app(gate()).await;
    let said = app.queries().ask(WriteByQuery {}).await.unwrap();
    assert!(said.contains("readonly"), "{said}");
}

#[tokio::test]
async fn an_app_without_what_its_handlers_take_is_refused_with_every_place() {
    let refused = App::builder().log(MemoryLog::new()).only_modules([module_path!()]).build().await;
    let text = refused.expect_err("refused").to_string();
    for part in ["[CQRS803] `note_slowly` takes `State<", "[CQRS806] `note_in_table` takes `&mut Tx<", "workflows.rs:"]
    {
        assert!(text.contains(part), "{part} is not in:\n{text}");
    }
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = TicketError)]
pub struct NoteByScript {
    ticket: TicketId,
    script: String,
    refuse: bool,
}

#[command]
async fn note_by_script(cmd: NoteByScript, _ticket: &Ticket, tx: &mut Tx<Sqlite>) -> Result<NoteAdded, WorkflowError> {
    if cmd.refuse {
        return Err(TicketError::NoRoom.into());
    }
    tx.execute(&cmd.script, [])?;
    Ok(NoteAdded { ticket: cmd.ticket, note: cmd.script })
}

#[tokio::test]
async fn a_failure_of_what_a_workflow_works_with_is_no_refusal_of_the_domain() {
    let (app, _folder) = app(gate()).await;
    let ticket = ticket(&app).await;
    let run = async |script: &str, refuse| {
        app.commands().execute(NoteByScript { ticket, script: script.into(), refuse }).await
    };
    let refused = run("SELECT 1", true).await;
    assert!(matches!(refused, Err(CommandError::Rejected(TicketError::NoRoom))), "{refused:?}");
    let failed = run("no such statement", false).await;
    let Err(CommandError::Unavailable(StoreError::Failed { store, reason })) = failed else { panic!("{failed:?}") };
    assert!(store.contains("NoteByScript") && reason.contains("syntax error"), "{store}: {reason}");
    assert_eq!(app.log().head().await.unwrap(), 1, "nothing was stored");
    run("UPDATE notes SET note = note", false).await.unwrap();
    assert_eq!(app.log().head().await.unwrap(), 2);
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = TicketError)]
pub struct NoteBeside {
    ticket: TicketId,
    other: Option<TicketId>,
}

#[command]
fn note_beside(cmd: NoteBeside, _ticket: &Ticket, other: Option<&Ticket>) -> Result<NoteAdded, TicketError> {
    Ok(NoteAdded { ticket: cmd.ticket, note: format!("{:?}", other.map(|other| other.notes)) })
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = TicketError)]
pub struct NoteOnMine {}

fn of_the_sender(meta: &Meta) -> Option<TicketId> {
    meta.actor.as_deref()?.parse().ok()
}

#[command]
fn note_on_mine(
    _: NoteOnMine,
    meta: &Meta,
    #[id(of_the_sender(meta))] mine: Option<&Ticket>,
) -> Result<NoteAdded, TicketError> {
    let (Some(ticket), Some(mine)) = (of_the_sender(meta), mine) else { return Err(TicketError::NoRoom) };
    Ok(NoteAdded { ticket, note: mine.notes.to_string() })
}

#[tokio::test]
async fn an_aggregate_that_may_not_be_named_is_loaded_where_it_is() {
    let (app, _folder) = app(gate()).await;
    let (ticket, other) = (ticket(&app).await, ticket(&app).await);
    let note = async |other| {
        let position = app.commands().execute(NoteBeside { ticket, other }).await.unwrap().position();
        let found = app.log().read(&EventQuery::all(), Position::new(position.get() - 1), 1).await.unwrap();
        found.events[0].decode::<NoteAdded>().unwrap().note.clone()
    };
    assert_eq!(note(None).await, "None");
    assert_eq!(note(Some(other)).await, "Some(0)");
    assert_eq!(note(Some(ticket)).await, "Some(2)");
    assert_eq!(note(Some(TicketId::new())).await, "None", "named, and not there");
}

#[tokio::test]
async fn an_aggregate_is_named_by_who_sends_the_command() {
    let (app, _folder) = app(gate()).await;
    let ticket = ticket(&app).await;
    let sent = |meta: Meta| app.commands().with_meta(meta).execute(NoteOnMine {});
    assert_eq!(sent(Meta::new().actor(ticket.to_string())).await.unwrap().position(), 2);
    let nobody = sent(Meta::new()).await;
    assert!(matches!(nobody, Err(CommandError::Rejected(TicketError::NoRoom))), "{nobody:?}");
}
