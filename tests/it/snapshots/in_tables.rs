//! What takes the transaction of SQLite.

use cqrs_runtime::prelude::*;
use cqrs_sqlite::Sqlite;

use super::meters::{Meter, MeterId, MeterRead};

/// The module that an app on SQLite serves too.
pub const IN_TABLES: &str = module_path!();

/// As [`Read`](super::meters::Read), as a workflow with a transaction.
#[derive(Command, Serialize, Deserialize)]
pub struct ReadInTables {
    pub meter: MeterId,
}

#[command]
async fn read_in_tables(
    cmd: ReadInTables,
    meter: &Meter,
    tx: &mut Tx<Sqlite>,
) -> Result<MeterRead, std::convert::Infallible> {
    let _ = (meter, tx);
    Ok(MeterRead { meter: cmd.meter, value: 7 })
}
