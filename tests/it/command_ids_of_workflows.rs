//! Commands with ids whose workflows write the log's own database: each database has one.

pub mod on_sqlite {
    use std::convert::Infallible;

    use cqrs_runtime::prelude::*;
    use cqrs_sqlite::Sqlite;

    use crate::command_ids::{Contents, ListId, Listed};

    #[derive(Command, Serialize, Deserialize, Clone)]
    pub struct WorkOnSqlite {
        pub list: ListId,
        pub text: String,
        pub contents: Contents,
    }

    #[command]
    async fn work_on_sqlite(cmd: WorkOnSqlite, _tx: &mut Tx<Sqlite>) -> Result<Listed, Infallible> {
        Ok(Listed { list: cmd.list, text: cmd.text })
    }
}

pub mod on_postgres {
    use std::convert::Infallible;

    use cqrs_postgres::Postgres;
    use cqrs_runtime::prelude::*;

    use crate::command_ids::{Contents, ListId, Listed};

    #[derive(Command, Serialize, Deserialize, Clone)]
    pub struct WorkOnPostgres {
        pub list: ListId,
        pub text: String,
        pub contents: Contents,
    }

    #[command]
    async fn work_on_postgres(cmd: WorkOnPostgres, _tx: &mut Tx<Postgres>) -> Result<Listed, Infallible> {
        Ok(Listed { list: cmd.list, text: cmd.text })
    }
}

pub use on_postgres::WorkOnPostgres;
pub use on_sqlite::WorkOnSqlite;
