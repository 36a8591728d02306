//! The program in an operator's hands: how projections do, and what to do where one cannot fold an event.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use cqrs_sqlite::rusqlite::Connection;

use crate::support::Shop;

const ADA: &str = "00000000-0000-7000-8000-00000000000a";
const ORDER: &str = "00000000-0000-7000-8000-000000000001";
const OTHER: &str = "00000000-0000-7000-8000-000000000002";

/// Six events: a customer, and two orders of hers, confirmed; the one is shipped.
fn filled(shop: &Shop) {
    let line = r#"{"product":"cup","product_name":"Cup","quantity":2,"unit_price":650}"#;
    let mut commands = vec![format!(r#"{{"command":"RegisterCustomer","data":{{"customer":"{ADA}","name":"Ada"}}}}"#)];
    for order in [ORDER, OTHER] {
        commands.push(format!(
            r#"{{"command":"CreateOrder","data":{{"order":"{order}","customer":"{ADA}","lines":[{line}]}}}}"#
        ));
        commands.push(format!(r#"{{"command":"ConfirmOrder","data":{{"order":"{order}"}}}}"#));
    }
    commands.push(format!(r#"{{"command":"ShipOrder","data":{{"order":"{ORDER}","tracking_number":"P1"}}}}"#));
    // A line a load, so that each has its position.
    for command in commands {
        let said = shop.run_with(&["load", "-"], &command);
        assert!(said.ok, "{said:?}");
    }
    // At level 2 it waits for the views.
    shop.succeeds(&["check"]);
}

/// Replaces the order's confirmation in the log by a second creation, which no summary accepts.
fn damage(shop: &Shop) {
    let twice = "UPDATE cqrs_events SET (name, data) = (SELECT name, data FROM cqrs_events WHERE position = 2) WHERE position = 3";
    change(shop, twice);
}

/// Undoes that.
fn mend(shop: &Shop) {
    let data = format!(r#"{{"order":"{ORDER}"}}"#);
    change(shop, &format!("UPDATE cqrs_events SET name = 'OrderConfirmed', data = '{data}' WHERE position = 3"));
}

fn change(shop: &Shop, sql: &str) {
    assert_eq!(Connection::open(shop.db()).unwrap().execute(sql, []).unwrap(), 1);
}

/// How far the order has come, as the summary says.
fn shown(shop: &Shop, order: &str) -> String {
    let history = shop.asks("OrderHistory", &format!(r#"{{"customer":"{ADA}","limit":10}}"#));
    let summary = history.as_array().unwrap().iter().find(|summary| summary["order"] == order).unwrap().clone();
    summary["status"].as_str().unwrap().to_lowercase()
}

/// A projection's line of the status, by words.
fn line(status: &str, projection: &str) -> Vec<String> {
    let line = status.lines().find(|line| line.starts_with(projection));
    line.unwrap_or_else(|| panic!("no {projection} in\n{status}")).split_whitespace().map(str::to_owned).collect()
}

#[test]
fn the_status_says_where_each_projection_stands() {
    let shop = Shop::new();
    filled(&shop);
    let status = shop.succeeds(&["status"]);
    assert!(status.lines().next().unwrap().ends_with("shop.db holds 6 events"), "{status}");
    for projection in ["CustomerCard", "OrderDetail", "OrderSummary"] {
        assert_eq!(line(&status, projection), [projection, "6", "0", "0.0", "0", "running"], "{status}");
    }
    assert!(!status.contains("parked:"), "{status}");
}

/// As another version of the program has left them a day and a bit ago, and as one does that has just stopped.
#[test]
fn versions_of_views_that_nobody_uses_are_listed_and_removed() {
    let shop = Shop::new();
    filled(&shop);
    assert_eq!(shop.succeeds(&["unused"]), "", "what this program uses is no such thing");
    let file = Connection::open(shop.db()).unwrap();
    let left = "INSERT INTO cqrs_checkpoints (projection, position, fingerprint) VALUES (?1, 4, 1)";
    for version in ["OrderSummary@00000000000000aa", "OrderSummary@00000000000000bb"] {
        file.execute(left, [version]).unwrap();
    }
    let used = "INSERT INTO cqrs_leases SELECT 'OrderSummary@00000000000000bb@used', owner, token, until, length
                FROM cqrs_leases WHERE projection LIKE 'OrderSummary@%@used'";
    assert_eq!(file.execute(used, []).unwrap(), 1);
    let listed = "OrderSummary version 00000000000000aa: 0 rows in SQLite file ";
    for (arguments, ending) in [(&["unused"][..], "last used never\n"), (&["unused", "--remove"], "never; removed\n")] {
        let said = shop.succeeds(arguments);
        assert!(said.starts_with(listed) && said.ends_with(ending) && said.lines().count() == 1, "{said}");
    }
    assert_eq!(shop.succeeds(&["unused"]), "");
    shop.succeeds(&["check"]);
}

/// What an operator does where an event cannot be folded.
fn is_looked_after(shop: &Shop) {
    filled(shop);
    damage(shop);
    let rebuilt = shop.succeeds(&["rebuild", "OrderSummary"]);
    assert!(rebuilt.contains("up to position 6; parked keys: 1"), "{rebuilt}");

    let status = shop.succeeds(&["status"]);
    let summaries = line(&status, "OrderSummary");
    assert_eq!(summaries[1..5], ["6", "0", "0.0", "1"], "{status}");
    let parked = format!("parked: OrderSummary {ORDER} at OrderCreated, position 3, tried once: ");
    assert!(status.lines().any(|line| line.starts_with(&parked) && line.len() > parked.len()), "{status}");
    assert_eq!((shown(shop, ORDER), shown(shop, OTHER)), ("pending".into(), "confirmed".into()));

    let said = shop.run(&["retry", "OrderSummary", ORDER]);
    assert!(!said.ok && said.err.contains("position 3, tried 2 times"), "it fails again: {said:?}");
    let said = shop.run(&["retry", "OrderSummary", OTHER]);
    assert!(!said.ok && said.err.contains(OTHER), "that key is not parked: {said:?}");
    let said = shop.run(&["retry", "OrderSumary", ORDER]);
    assert!(
        !said.ok && said.err.contains("there is no projection `OrderSumary`; did you mean `OrderSummary`?"),
        "{said:?}"
    );

    let skipped = shop.succeeds(&["skip", "OrderSummary", ORDER]);
    assert!(skipped.contains(&format!("resumed {ORDER} in OrderSummary")), "{skipped}");
    assert_eq!(shown(shop, ORDER), "shipped", "the later event was folded without the one passed over");

    shop.succeeds(&["rebuild", "OrderSummary"]);
    assert_eq!(shown(shop, ORDER), "pending", "a rebuild comes upon it again");
    mend(shop);
    shop.succeeds(&["retry", "OrderSummary", ORDER]);
    assert_eq!(shown(shop, ORDER), "shipped");
    shop.succeeds(&["check"]);
    assert!(!shop.succeeds(&["status"]).contains("parked:"));
}

#[test]
fn a_parked_key_is_found_retried_skipped_and_mended() {
    is_looked_after(&Shop::new());
}

#[test]
fn at_level_2_as_well() {
    is_looked_after(&Shop::at(&["--level", "2"]));
}

#[test]
fn an_operator_looks_after_what_a_running_server_runs() {
    let shop = Shop::at(&["--level", "2"]);
    filled(&shop);
    damage(&shop);
    let mut server = Command::new(env!("CARGO_BIN_EXE_shop"));
    server.args(["--level", "2", "load", "-", "--acks"]).current_dir(shop.db().parent().unwrap());
    let mut server = server.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
    let (mut input, mut acks) = (server.stdin.take().unwrap(), BufReader::new(server.stdout.take().unwrap()));
    let mut rename = |name: &str, line: &str| {
        let data = format!(r#"{{"customer":"{ADA}","name":"{name}"}}"#);
        writeln!(input, r#"{{"command":"RenameCustomer","data":{data}}}"#).unwrap();
        let mut ack = String::new();
        acks.read_line(&mut ack).unwrap();
        assert_eq!(ack, line);
    };
    rename("Ada L.", "line 1\n");
    let status = shop.succeeds(&["status"]);
    assert_eq!(line(&status, "OrderSummary")[5..].join(" "), "run by another process", "{status}");

    let rebuilt = shop.succeeds(&["rebuild", "OrderSummary"]);
    assert!(rebuilt.contains("up to position 7; parked keys: 1"), "{rebuilt}");
    let said = shop.run(&["retry", "OrderSummary", ORDER]);
    assert!(!said.ok && said.err.contains("position 3, tried 2 times"), "it fails again: {said:?}");
    shop.succeeds(&["skip", "OrderSummary", ORDER]);
    assert_eq!(shown(&shop, ORDER), "shipped");
    shop.succeeds(&["rebuild", "OrderSummary"]);
    assert_eq!(shown(&shop, ORDER), "pending", "the event is come upon again");
    mend(&shop);
    shop.succeeds(&["retry", "OrderSummary", ORDER]);
    assert_eq!(shown(&shop, ORDER), "shipped");

    // The server has its projections again, and goes on.
    rename("Ada Lovelace", "line 2\n");
    drop(input);
    assert!(server.wait().unwrap().success());
    shop.succeeds(&["check"]);
}
