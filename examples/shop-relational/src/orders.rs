//! Commands about orders.

use cqrs_runtime::prelude::*;
use cqrs_sqlite::Sqlite;
use rusqlite::OptionalExtension;
use shop::contracts::{
    CancelOrder, ConfirmOrder, CreateOrder, OrderCancelled, OrderConfirmed, OrderCreated, OrderError, OrderId,
    OrderShipped, ShipOrder, Status, TableError,
};
use shop::pricing::{self, Charges};

use crate::customers::name_of;
use crate::tables::done;

#[command(foreign)]
async fn create_order(cmd: CreateOrder, tx: &mut Tx<Sqlite>) -> Result<OrderCreated, OrderError> {
    let CreateOrder { order, customer, lines } = cmd;
    if status_of(tx, order)?.is_some() {
        return Err(TableError::AlreadyExists("Order", order.to_string()).into());
    }
    if name_of(tx, customer)?.is_none() {
        return Err(TableError::NotFound("Customer", customer.to_string()).into());
    }
    let Charges { tax, shipping } = pricing::charges(&lines)?;
    done(tx.execute(
        "INSERT INTO orders (id, customer, status, tax, shipping) VALUES (?1, ?2, ?3, ?4, ?5)",
        (order.to_string(), customer.to_string(), Status::Pending.to_string(), tax.cents(), shipping.cents()),
    ))?;
    for (line, number) in lines.iter().zip(1_i64..) {
        done(tx.execute(
            "INSERT INTO order_lines (\"order\", number, product, product_name, quantity, unit_price)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
            (
                order.to_string(),
                number,
                line.product.to_string(),
                &line.product_name,
                line.quantity,
                line.unit_price.cents(),
            ),
        ))?;
    }
    Ok(OrderCreated { order, customer, lines, tax, shipping })
}

#[command(foreign)]
async fn confirm_order(cmd: ConfirmOrder, tx: &mut Tx<Sqlite>) -> Result<OrderConfirmed, OrderError> {
    match known_status(tx, cmd.order)? {
        Status::Pending => {}
        other => return Err(OrderError::NotConfirmable(other)),
    }
    set_status(tx, cmd.order, Status::Confirmed)?;
    Ok(OrderConfirmed { order: cmd.order })
}

#[command(foreign)]
async fn ship_order(cmd: ShipOrder, tx: &mut Tx<Sqlite>) -> Result<OrderShipped, OrderError> {
    let ShipOrder { order, tracking_number } = cmd;
    match known_status(tx, order)? {
        Status::Confirmed if tracking_number.trim().is_empty() => return Err(OrderError::NoTrackingNumber),
        Status::Confirmed => {}
        other => return Err(OrderError::NotShippable(other)),
    }
    set_status(tx, order, Status::Shipped)?;
    let sql = "UPDATE orders SET tracking_number = ?2 WHERE id = ?1";
    done(tx.execute(sql, (order.to_string(), &tracking_number)))?;
    Ok(OrderShipped { order, tracking_number })
}

#[command(foreign)]
async fn cancel_order(cmd: CancelOrder, tx: &mut Tx<Sqlite>) -> Result<OrderCancelled, OrderError> {
    let CancelOrder { order, reason } = cmd;
    match known_status(tx, order)? {
        Status::Pending | Status::Confirmed if reason.trim().is_empty() => return Err(OrderError::NoReason),
        Status::Pending | Status::Confirmed => {}
        other => return Err(OrderError::NotCancellable(other)),
    }
    set_status(tx, order, Status::Cancelled)?;
    let sql = "UPDATE orders SET cancelled_because = ?2 WHERE id = ?1";
    done(tx.execute(sql, (order.to_string(), &reason)))?;
    Ok(OrderCancelled { order, reason })
}

fn known_status(tx: &Tx<Sqlite>, order: OrderId) -> Result<Status, TableError> {
    status_of(tx, order)?.ok_or_else(|| TableError::NotFound("Order", order.to_string()))
}

fn status_of(tx: &Tx<Sqlite>, order: OrderId) -> Result<Option<Status>, TableError> {
    let read = tx.query_row("SELECT status FROM orders WHERE id = ?1", [order.to_string()], |row| row.get(0));
    let Some(text): Option<String> = done(read.optional())? else { return Ok(None) };
    let all = [Status::Pending, Status::Confirmed, Status::Shipped, Status::Cancelled];
    let status = all.into_iter().find(|status| status.to_string() == text);
    status.map(Some).ok_or_else(|| TableError::Database(format!("order `{order}` has the status `{text}`")))
}

fn set_status(tx: &Tx<Sqlite>, order: OrderId, status: Status) -> Result<(), TableError> {
    let sql = "UPDATE orders SET status = ?2 WHERE id = ?1";
    done(tx.execute(sql, (order.to_string(), status.to_string()))).map(drop)
}
