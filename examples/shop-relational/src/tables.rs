//! The schema, and what all statements on it have in common.

use std::path::Path;

use rusqlite::{Connection, Error};
use shop::contracts::TableError;

/// Makes the tables that are not there yet.
pub fn create(path: &Path) -> Result<(), Error> {
    Connection::open(path)?.execute_batch(
        "CREATE TABLE IF NOT EXISTS customers (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL
        ) STRICT;
        CREATE TABLE IF NOT EXISTS orders (
            id TEXT PRIMARY KEY,
            customer TEXT NOT NULL REFERENCES customers (id),
            status TEXT NOT NULL,
            tax INTEGER NOT NULL,
            shipping INTEGER NOT NULL,
            tracking_number TEXT,
            cancelled_because TEXT
        ) STRICT;
        CREATE TABLE IF NOT EXISTS order_lines (
            \"order\" TEXT NOT NULL REFERENCES orders (id),
            number INTEGER NOT NULL,
            product TEXT NOT NULL,
            product_name TEXT NOT NULL,
            quantity INTEGER NOT NULL,
            unit_price INTEGER NOT NULL,
            PRIMARY KEY (\"order\", number)
        ) STRICT;",
    )
}

/// A statement's result, its error one that the contracts know.
pub fn done<T>(result: Result<T, Error>) -> Result<T, TableError> {
    result.map_err(|error| TableError::Database(error.to_string()))
}
