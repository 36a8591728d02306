//! Limits what a handler may do on the write connection: it must not end the transaction or change
//! the framework's tables.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};

/// The prefix of all names of tables, indexes and savepoints of this crate.
pub(crate) const PREFIX: &str = "cqrs_";

/// Pragmas that only read, with or without an argument, such as the name of a table.
const LOOKS: [&str; 10] = [
    "table_info",
    "table_xinfo",
    "table_list",
    "index_list",
    "index_info",
    "index_xinfo",
    "foreign_key_list",
    "foreign_key_check",
    "integrity_check",
    "quick_check",
];

/// Pragmas that only read if they have no argument. Virtual tables use some of them: FTS5 reads
/// `data_version`, FTS4 and R*Tree read `page_size`.
const LOOKS_WITHOUT_A_VALUE: [&str; 22] = [
    "application_id",
    "auto_vacuum",
    "busy_timeout",
    "cache_size",
    "collation_list",
    "compile_options",
    "data_version",
    "database_list",
    "defer_foreign_keys",
    "encoding",
    "foreign_keys",
    "freelist_count",
    "function_list",
    "journal_mode",
    "module_list",
    "page_count",
    "page_size",
    "pragma_list",
    "query_only",
    "schema_version",
    "synchronous",
    "user_version",
];

/// A pragma that a transaction may set: its effect ends with the transaction.
const ENDS_WITH_THE_TRANSACTION: &str = "defer_foreign_keys";

/// Who is using a connection: this crate or a handler.
#[derive(Clone, Default)]
pub(crate) struct Guard {
    /// Whether this crate is using it.
    own: Arc<AtomicBool>,
    /// Whether a commit is allowed.
    commit: Arc<AtomicBool>,
}

impl Guard {
    /// Guards a connection from now on.
    ///
    /// The authorizer refuses a statement when it is prepared. The commit hook refuses statements
    /// that bypass it: after an `OR ROLLBACK` has ended the transaction, each statement would
    /// otherwise commit by itself.
    pub(crate) fn install(connection: &mut Connection) -> rusqlite::Result<Self> {
        let guard = Self::default();
        let own = Arc::clone(&guard.own);
        connection.authorizer(Some(move |context: AuthContext<'_>| {
            if own.load(Ordering::Relaxed) || allowed(context.action) {
                Authorization::Allow
            } else {
                Authorization::Deny
            }
        }))?;
        let commit = Arc::clone(&guard.commit);
        connection.commit_hook(Some(move || !commit.load(Ordering::Relaxed)))?;
        Ok(guard)
    }

    /// Allows this crate's own statements until the result is dropped.
    pub(crate) fn own(&self) -> Own<'_> {
        self.own.store(true, Ordering::Relaxed);
        Own(&self.own)
    }

    /// Allows commits until the result is dropped.
    pub(crate) fn committing(&self) -> Own<'_> {
        self.commit.store(true, Ordering::Relaxed);
        Own(&self.commit)
    }
}

/// A permission that ends when it is dropped.
pub(crate) struct Own<'a>(&'a AtomicBool);

impl Drop for Own<'_> {
    fn drop(&mut self) {
        self.0.store(false, Ordering::Relaxed);
    }
}

fn ours(name: &str) -> bool {
    name.get(..PREFIX.len()).is_some_and(|start| start.eq_ignore_ascii_case(PREFIX))
}

/// Prevents changes to the settings of a read connection, which other borrowers will use.
pub(crate) fn hold_to_reading(connection: &mut Connection) -> rusqlite::Result<()> {
    connection.authorizer(Some(|context: AuthContext<'_>| match context.action {
        AuthAction::Attach { .. } | AuthAction::Detach { .. } => Authorization::Deny,
        AuthAction::Pragma { pragma_name, pragma_value } if !looks_only(pragma_name, pragma_value) => {
            Authorization::Deny
        }
        _ => Authorization::Allow,
    }))
}

fn looks_only(pragma: &str, value: Option<&str>) -> bool {
    let is_in = |known: &[&str]| known.iter().any(|known| known.eq_ignore_ascii_case(pragma));
    is_in(&LOOKS) || (value.is_none() && is_in(&LOOKS_WITHOUT_A_VALUE))
}

/// Whether a handler may do this.
fn allowed(action: AuthAction<'_>) -> bool {
    use AuthAction as A;
    match action {
        A::Select | A::Read { .. } | A::Function { .. } | A::Recursive | A::Analyze { .. } | A::Reindex { .. } => true,
        A::CreateTable { table_name }
        | A::CreateTempTable { table_name }
        | A::Delete { table_name }
        | A::DropTable { table_name }
        | A::DropTempTable { table_name }
        | A::Insert { table_name }
        | A::Update { table_name, .. }
        | A::CreateVtable { table_name, .. }
        | A::DropVtable { table_name, .. } => !ours(table_name),
        A::CreateIndex { index_name, table_name }
        | A::CreateTempIndex { index_name, table_name }
        | A::DropIndex { index_name, table_name }
        | A::DropTempIndex { index_name, table_name } => !ours(index_name) && !ours(table_name),
        A::CreateTrigger { trigger_name, table_name }
        | A::CreateTempTrigger { trigger_name, table_name }
        | A::DropTrigger { trigger_name, table_name }
        | A::DropTempTrigger { trigger_name, table_name } => !ours(trigger_name) && !ours(table_name),
        A::CreateView { view_name }
        | A::CreateTempView { view_name }
        | A::DropView { view_name }
        | A::DropTempView { view_name } => !ours(view_name),
        A::Savepoint { savepoint_name, .. } => !ours(savepoint_name),
        A::Pragma { pragma_name, pragma_value } => {
            looks_only(pragma_name, pragma_value) || pragma_name.eq_ignore_ascii_case(ENDS_WITH_THE_TRANSACTION)
        }
        // This refuses `BEGIN`, `COMMIT`, `ROLLBACK`, `ATTACH`, `DETACH`, and what later versions
        // of `SQLite` may add. It also refuses `ALTER TABLE`, whose new name is not reported here.
        _ => false,
    }
}
