//! Commands about customers.

use cqrs_runtime::prelude::*;
use cqrs_sqlite::Sqlite;
use rusqlite::OptionalExtension;
use shop::contracts::{
    CustomerError, CustomerId, CustomerRegistered, CustomerRenamed, RegisterCustomer, RenameCustomer, TableError,
};

use crate::tables::done;

#[command(foreign)]
async fn register_customer(cmd: RegisterCustomer, tx: &mut Tx<Sqlite>) -> Result<CustomerRegistered, CustomerError> {
    let RegisterCustomer { customer, name } = cmd;
    if name_of(tx, customer)?.is_some() {
        return Err(TableError::AlreadyExists("Customer", customer.to_string()).into());
    }
    let name = trimmed(&name)?;
    done(tx.execute("INSERT INTO customers (id, name) VALUES (?1, ?2)", (customer.to_string(), name)))?;
    Ok(CustomerRegistered { customer, name: name.to_owned() })
}

#[command(foreign)]
async fn rename_customer(cmd: RenameCustomer, tx: &mut Tx<Sqlite>) -> Result<Option<CustomerRenamed>, CustomerError> {
    let RenameCustomer { customer, name } = cmd;
    let known = name_of(tx, customer)?.ok_or_else(|| TableError::NotFound("Customer", customer.to_string()))?;
    let name = trimmed(&name)?;
    if name == known {
        return Ok(None);
    }
    done(tx.execute("UPDATE customers SET name = ?2 WHERE id = ?1", (customer.to_string(), name)))?;
    Ok(Some(CustomerRenamed { customer, name: name.to_owned() }))
}

/// A customer's name, if she is registered.
pub fn name_of(tx: &Tx<Sqlite>, customer: CustomerId) -> Result<Option<String>, TableError> {
    let name = tx.query_row("SELECT name FROM customers WHERE id = ?1", [customer.to_string()], |row| row.get(0));
    done(name.optional())
}

fn trimmed(name: &str) -> Result<&str, CustomerError> {
    match name.trim() {
        "" => Err(CustomerError::NoName),
        name => Ok(name),
    }
}
