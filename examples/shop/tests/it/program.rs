//! The program, as a person or a script runs it.

use std::fs;
use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};

use crate::support::{Shop, sample};

const ADA: &str = "00000000-0000-7000-8000-00000000000a";
const ORDER: &str = "00000000-0000-7000-8000-000000000001";

fn register() -> String {
    format!(r#"{{"command":"RegisterCustomer","data":{{"customer":"{ADA}","name":"Ada"}},"id":"ada"}}"#)
}

fn create() -> String {
    let line = r#"{"product":"cup","product_name":"Cup","quantity":2,"unit_price":650}"#;
    format!(r#"{{"command":"CreateOrder","data":{{"order":"{ORDER}","customer":"{ADA}","lines":[{line}]}}}}"#)
}

fn confirm(order: &str) -> String {
    format!(r#"{{"command":"ConfirmOrder","data":{{"order":"{order}"}}}}"#)
}

#[test]
fn the_tour_shows_commands_events_answers_and_a_refusal_each_time_anew() {
    let shop = Shop::new();
    for _ in 0..2 {
        let tour = shop.succeeds(&[]);
        for part in [
            "> CreateOrder {",
            " OrderCreated {",
            "Ada Lovelace",
            "refused: only a confirmed order can be shipped, and this one is pending",
            "already executed",
            "\"timeline\"",
            "Try next",
        ] {
            assert!(tour.contains(part), "no `{part}` in\n{tour}");
        }
    }
    assert_eq!(shop.events(), 16, "eight events a tour");
    shop.succeeds(&["check"]);
}

#[test]
fn the_sample_is_what_sample_prints_and_loads_once() {
    let shop = Shop::new();
    let text = fs::read_to_string(sample()).unwrap();
    assert_eq!(shop.succeeds(&["sample"]), text, "write it again: cargo run -p shop -- sample > data/sample.ndjson");

    let (path, lines) = (sample(), text.lines().count());
    let path = path.to_str().unwrap();
    let first = shop.succeeds(&["load", path]);
    assert!(first.contains(&format!("accepted {lines}, repeated 0, rejected 0")), "{first}");
    assert!(first.contains(" per second"), "{first}");
    let events = shop.events();
    assert_eq!(events, lines, "each command of the sample states one event");

    let second = shop.succeeds(&["load", path]);
    assert!(second.contains(&format!("accepted 0, repeated {lines}, rejected 0")), "{second}");
    assert_eq!(shop.events(), events);
    let check = shop.succeeds(&["check"]);
    assert!(check.contains("OrderSummary: 300 rows"), "{check}");
}

#[test]
fn at_level_2_the_views_follow_in_a_file_of_their_own() {
    let shop = Shop::new();
    let tour = shop.succeeds(&["--level", "2"]);
    assert!(tour.contains("Its views follow the log in shop-views.db") && tour.contains("\"timeline\""), "{tour}");
    let path = sample();
    shop.succeeds(&["--level", "2", "load", path.to_str().unwrap()]);
    let check = shop.succeeds(&["check", "--level", "2", "--read", "shop-views.db"]);
    assert!(check.contains("OrderSummary: 303 rows"), "{check}");
    assert!(shop.db().with_file_name("shop-views.db").exists());
    // Another file is built from the start, and one question waits for all of it.
    let named =
        shop.succeeds(&["--level", "2", "--read", "again.db", "ask", "CustomersNamed", r#"{"name":"Ada Lovelace"}"#]);
    assert!(named.contains("Ada Lovelace"), "{named}");
    shop.succeeds(&["check"]);
    let wrong = shop.run(&["--read", "shop-views.db", "check"]);
    assert!(!wrong.ok && wrong.err.contains("`--level 2`"), "{wrong:?}");
}

#[test]
fn a_line_that_fails_is_named_and_costs_no_other() {
    let missing = "00000000-0000-7000-8000-00000000ffff";
    let bad = [
        ("{\"command\":".to_owned(), "not a command: EOF while parsing a value at column 11"),
        (confirm("no uuid"), "`ConfirmOrder` cannot be read: order: "),
        (confirm(missing), "Order `00000000-0000-7000-8000-00000000ffff` not found"),
        (
            confirm(ORDER).replace("ConfirmOrder", "ConfirmOder"),
            "there is no command `ConfirmOder`; did you mean `ConfirmOrder`?",
        ),
        (confirm(ORDER).replace("\"data\"", "\"date\""), "unknown field `date`"),
        (r#"{"command":"ConfirmOrder"}"#.to_owned(), "missing field `data`"),
    ];
    for (bad, message) in bad {
        let input = [register(), create(), String::new(), bad, confirm(ORDER)].join("\n");

        let shop = Shop::new();
        let stopped = shop.run_with(&["load", "-"], &input);
        assert!(!stopped.ok, "{stopped:?}");
        assert!(stopped.err.contains("line 4: ") && stopped.err.contains(message), "`{message}`: {stopped:?}");
        assert!(stopped.out.contains("rejected 1"), "{stopped:?}");
        assert!(shop.events() >= 2, "what comes before the bad line is done");

        let shop = Shop::new();
        let went_on = shop.run_with(&["load", "-", "--keep-going"], &input);
        assert!(!went_on.ok, "{went_on:?}");
        assert!(went_on.err.contains("line 4: ") && went_on.err.contains(message), "`{message}`: {went_on:?}");
        assert!(went_on.out.contains("accepted 3, repeated 0, rejected 1"), "{went_on:?}");
        assert_eq!(shop.events(), 3);
    }
}

#[test]
fn bytes_that_are_no_text_are_a_bad_line() {
    let shop = Shop::new();
    let file = shop.db().with_file_name("bytes");
    fs::write(&file, [register().as_bytes(), b"\n\xff\xfe\n", create().as_bytes(), b"\n"].concat()).unwrap();
    let said = shop.run(&["load", file.to_str().unwrap(), "--keep-going"]);
    assert!(!said.ok && said.err.contains("line 2: not a command"), "{said:?}");
    assert!(said.out.contains("accepted 2, repeated 0, rejected 1"), "{said:?}");
}

#[test]
fn refusals_are_counted_by_their_name() {
    let shop = Shop::new();
    let input = [register(), create(), confirm(ORDER), confirm(ORDER), confirm(ORDER), create()].join("\n");
    let said = shop.run_with(&["load", "-", "--keep-going"], &input);
    assert!(said.out.contains("accepted 3, repeated 0, rejected 3"), "{said:?}");
    assert!(said.out.contains("AlreadyExists: 1") && said.out.contains("NotConfirmable: 2"), "{said:?}");
}

#[test]
fn commands_of_one_order_keep_their_order() {
    let shop = Shop::new();
    let mut lines = vec![register()];
    for number in 0..200 {
        let order = format!("00000000-0000-7000-8000-00000001{number:04}");
        let parcel = format!(r#"{{"order":"{order}","tracking_number":"P{number}"}}"#);
        lines.push(create().replace(ORDER, &order));
        lines.push(confirm(&order));
        lines.push(format!(r#"{{"command":"ShipOrder","data":{parcel}}}"#));
    }
    let said = shop.run_with(&["load", "-"], &lines.join("\n"));
    assert!(said.ok && said.out.contains("accepted 601"), "{said:?}");
}

#[test]
fn an_acknowledgement_is_printed_at_once() {
    let shop = Shop::new();
    let mut child = Command::new(env!("CARGO_BIN_EXE_shop"))
        .args(["load", "-", "--acks"])
        .current_dir(shop.db().parent().unwrap())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut input = child.stdin.take().unwrap();
    let mut acks = BufReader::new(child.stdout.take().unwrap()).lines();
    for (line, ack) in [(register(), "ada"), (create(), "line 2")] {
        writeln!(input, "{line}").unwrap();
        assert_eq!(acks.next().unwrap().unwrap(), ack, "while the input is still open");
    }
    drop(input);
    assert!(acks.next().is_none());
    assert!(child.wait().unwrap().success());
}

#[test]
fn ask_answers_in_json_or_says_what_is_wrong() {
    let shop = Shop::new();
    assert!(shop.run_with(&["load", "-"], &[register(), create()].join("\n")).ok);

    let history = shop.asks("OrderHistory", &format!(r#"{{"customer":"{ADA}","limit":10}}"#));
    assert_eq!(history[0]["customer_name"], "Ada");
    assert_eq!(history[0]["total"], 13_00 + 1_04 + 4_90);
    let detail = shop.asks("OrderDetails", &format!(r#"{{"order":"{ORDER}"}}"#));
    assert_eq!(detail["lines"][0]["line_total"], 13_00);
    assert_eq!(shop.asks("OrderDetails", &format!(r#"{{"order":"{ADA}"}}"#)), serde_json::Value::Null);

    let wrong = shop.run(&["ask", "OrderDetail", "{}"]);
    assert!(!wrong.ok && wrong.err.contains("did you mean `OrderDetails`?"), "{wrong:?}");
    let wrong = shop.run(&["ask", "OrderDetails", "{}"]);
    assert!(!wrong.ok && wrong.err.contains("missing field `order`"), "{wrong:?}");
}

#[test]
fn events_are_printed_from_a_position_on() {
    let shop = Shop::new();
    assert!(shop.run_with(&["load", "-"], &[register(), create(), confirm(ORDER)].join("\n")).ok);
    let events = shop.succeeds(&["events", "--after", "1"]);
    let names: Vec<_> = events.lines().map(|line| line.split(' ').nth(2).unwrap()).collect();
    assert_eq!(names, ["OrderCreated", "OrderConfirmed"]);
    assert!(events.starts_with("2 "), "{events}");
    assert_eq!(shop.succeeds(&["events", "--after", "3"]), "");
}

#[test]
fn describe_names_every_part_and_needs_no_file() {
    let shop = Shop::new();
    let description = shop.succeeds(&["describe"]);
    for part in
        ["CreateOrder", "ship_order", "OrderHistory", "CustomerRenamed", "Customer", "OrderSummary", "order.rs:"]
    {
        assert!(description.contains(part), "no `{part}` in\n{description}");
    }
    assert!(!shop.db().exists());
}

#[test]
fn questions_about_a_file_that_is_not_there_make_none() {
    let shop = Shop::new();
    for arguments in [&["events"][..], &["check"], &["ask", "OrderDetails", "{}"]] {
        let said = shop.run(arguments);
        assert!(!said.ok && said.err.contains("there is no file `shop.db`"), "{said:?}");
    }
    let said = shop.run(&["load", "nowhere.ndjson"]);
    assert!(!said.ok && said.err.contains("cannot read `nowhere.ndjson`"), "{said:?}");
    assert!(!shop.db().exists());
}
