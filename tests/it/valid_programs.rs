//! Programs that keep the rules of the linked program start, and differ from those that are refused in the fault alone.

use std::convert::Infallible;

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_sqlite::{Sqlite, SqliteLog};

/// What a workflow counts by.
struct Step(u32);

#[derive(Id)]
pub struct TallyId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Tallied {
    #[tag]
    tally: TallyId,
    by: u32,
}

#[derive(Command, Serialize, Deserialize)]
pub struct TallyUp {
    tally: TallyId,
}

#[command]
async fn tally_up(cmd: TallyUp, step: State<Step>, tx: &mut Tx<Sqlite>) -> Result<Tallied, Infallible> {
    let by = step.0 + u32::from(tx.is_autocommit());
    Ok(Tallied { tally: cmd.tally, by })
}

#[derive(View, Serialize, Deserialize)]
pub struct Tally {
    #[key]
    tally: TallyId,
    sum: u32,
}

#[projection(on = [Tallied])]
impl Tally {
    fn tallied(this: Option<Self>, event: &Tallied) -> Self {
        Self { tally: event.tally, sum: this.map_or(0, |this| this.sum) + event.by }
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u32)]
pub struct SumOf {
    tally: TallyId,
}

#[query]
async fn sum_of(q: SumOf, tallies: Views<Tally>) -> Result<u32, QueryError> {
    Ok(tallies.get(q.tally).await?.map_or(0, |tally| tally.sum))
}

#[tokio::test]
async fn a_program_whose_parts_are_there_starts() {
    // Keeps CQRS801 CQRS802 CQRS803 CQRS804 CQRS806
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("valid.db")).await.unwrap();
    let app = App::builder().log(log).only_modules([module_path!()]).state(Step(3)).build().await.unwrap();
    let tally = TallyId::new();
    let done = app.commands().execute(TallyUp { tally }).await.unwrap();
    assert_eq!(app.queries().after(done.position()).ask(SumOf { tally }).await.unwrap(), 3);
}

#[tokio::test]
async fn the_same_without_its_state_or_on_another_log_is_refused() {
    let built = App::builder().log(MemoryLog::new()).only_modules([module_path!()]).build().await;
    let refused = built.expect_err("refused").to_string();
    for part in ["[CQRS803] `tally_up` takes `State<", "[CQRS806] `tally_up` takes `&mut Tx<", "valid_programs.rs:"] {
        assert!(refused.contains(part), "`{part}` is not in:\n{refused}");
    }
}
