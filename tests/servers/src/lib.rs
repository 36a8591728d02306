//! Throwaway servers for tests: started from the binaries of this machine, on a free port, in a folder of their own.
//!
//! ```no_run
//! use cqrs_test_servers::Postgres;
//!
//! let database = Postgres::shared().database();
//! println!("{}", database.url());
//! ```
//!
//! A server ends, and its folder goes, when its value is dropped, and also when the test process ends in any way, `SIGKILL`
//! included: a shell runs next to it and waits for the end of a pipe.
//!
//! `TEST_POSTGRES_BIN`, `TEST_PGBOUNCER_BIN`, `TEST_REDIS_BIN` and `TEST_MONGODB_BIN` name the folder of the binaries to start, where there are several
//! versions, and `TEST_POSTGRES_URL`, `TEST_REDIS_URL` and `TEST_MONGODB_URL` servers to use instead. A program that is missing is an error that says what to
//! install; `scripts/install-test-servers.sh` installs everything that the workspace's tests need.

mod error;
mod find;
mod mongo;
mod pgbouncer;
mod postgres;
mod process;
mod redis;
mod said;

pub use error::ServerError;
pub use mongo::Mongo;
pub use pgbouncer::PgBouncer;
pub use postgres::{Database, Postgres};
pub use redis::Redis;
pub use said::Said;
