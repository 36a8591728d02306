//! Compares ways to insert a batch: one prepared statement for each row, one `INSERT` of many rows,
//! and one `INSERT .. SELECT` from JSON.
//!
//! `cargo bench -p cqrs-sqlite --bench append` prints events per second for each way, on batches of
//! 1, 32 and 512. Each batch is a transaction with `synchronous=FULL` on a file of its own. The
//! ways take turns within one run.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use cqrs_sqlite::rusqlite::{Connection, Result, params, params_from_iter};

/// How long each way is measured at each size, and how many batches make a turn.
const LASTS: Duration = Duration::from_millis(1_500);
const TURN: usize = 8;

const DATA: &str = r#"{"order":"0192f7a0-0000-7000-8000-000000000000","customer":"0192f7a0-0000-7000-8000-000000000001","total":4711}"#;
const COLUMNS: &str = "(position, name, data)";

type Write = fn(&Connection, i64, usize) -> Result<()>;

fn main() -> Result<()> {
    let ways: [(&str, Write); 3] = [("row by row", row_by_row), ("many rows", many_rows), ("from json", from_json)];
    println!("{:>6} {:>14} {:>14} {:>14}   (events per second)", "batch", ways[0].0, ways[1].0, ways[2].0);
    for batch in [1, 32, 512] {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let open = |(name, _): &(&str, Write)| {
            let connection = Connection::open(folder.path().join(name))?;
            connection.execute_batch(
                "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;
                 CREATE TABLE events (position INTEGER PRIMARY KEY, name TEXT NOT NULL, data TEXT NOT NULL) STRICT;",
            )?;
            Ok(connection)
        };
        let connections = ways.iter().map(open).collect::<Result<Vec<_>>>()?;
        let (mut spent, mut events) = ([Duration::ZERO; 3], 0_i64);
        while spent.iter().any(|spent| *spent < LASTS) {
            for (place, (connection, (_, write))) in connections.iter().zip(&ways).enumerate() {
                let started = Instant::now();
                for turn in 0..TURN {
                    let first = events + i64::try_from(turn * batch).expect("small");
                    connection.execute_batch("BEGIN IMMEDIATE")?;
                    write(connection, first, batch)?;
                    connection.execute_batch("COMMIT")?;
                }
                spent[place] += started.elapsed();
            }
            events += i64::try_from(TURN * batch).expect("small");
        }
        #[allow(clippy::cast_precision_loss, reason = "some millions")]
        let rates = spent.map(|spent| events as f64 / spent.as_secs_f64());
        println!("{batch:>6} {:>14.0} {:>14.0} {:>14.0}", rates[0], rates[1], rates[2]);
    }
    Ok(())
}

fn row_by_row(connection: &Connection, first: i64, events: usize) -> Result<()> {
    let mut insert = connection.prepare_cached(&format!("INSERT INTO events {COLUMNS} VALUES (?1, ?2, ?3)"))?;
    for position in (first..).take(events) {
        insert.execute(params![position, "OrderCreated", DATA])?;
    }
    Ok(())
}

fn many_rows(connection: &Connection, first: i64, events: usize) -> Result<()> {
    let rows = vec!["(?, ?, ?)"; events].join(", ");
    let mut insert = connection.prepare_cached(&format!("INSERT INTO events {COLUMNS} VALUES {rows}"))?;
    let rows = (first..).take(events).flat_map(|position| [position.to_string(), "OrderCreated".into(), DATA.into()]);
    insert.execute(params_from_iter(rows)).map(drop)
}

fn from_json(connection: &Connection, first: i64, events: usize) -> Result<()> {
    let mut json = String::from("[");
    for position in (first..).take(events) {
        let comma = if position == first { "" } else { "," };
        let _ = write!(json, r#"{comma}[{position},"OrderCreated",{DATA}]"#);
    }
    json.push(']');
    let sql = format!(
        "INSERT INTO events {COLUMNS}
         SELECT json_extract(value, '$[0]'), json_extract(value, '$[1]'), json_extract(value, '$[2]') FROM json_each(?1)"
    );
    connection.prepare_cached(&sql)?.execute([json]).map(drop)
}
