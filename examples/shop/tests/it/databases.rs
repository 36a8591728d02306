//! The program on other databases than a file, and on none.

use std::net::TcpListener;

use cqrs_test_servers::{Mongo, Postgres, Redis};

use crate::support::{Shop, sample};

/// Loads the sample, checks it, and asks about it.
fn serves(shop: &Shop) {
    let path = sample();
    let path = path.to_str().unwrap();
    let lines = std::fs::read_to_string(path).unwrap().lines().count();
    let loaded = shop.succeeds(&["load", path]);
    assert!(loaded.contains(&format!("accepted {lines}, repeated 0, rejected 0")), "{loaded}");
    let again = shop.succeeds(&["load", path]);
    assert!(again.contains(&format!("accepted 0, repeated {lines}, rejected 0")), "{again}");
    assert_eq!(shop.events(), lines);
    let check = shop.succeeds(&["check"]);
    assert!(check.contains("OrderSummary: 300 rows"), "{check}");
    let named = shop.asks("CustomersNamed", r#"{"name":"Ada Abbott"}"#);
    let customer = &named[0]["customer"];
    let history = shop.asks("OrderHistory", &format!(r#"{{"customer":{customer},"limit":100}}"#));
    assert!(history.as_array().is_some_and(|orders| !orders.is_empty()), "{named} {history}");
    assert_eq!(history[0]["customer_name"], "Ada Abbott");
    assert!(!shop.db().exists(), "nothing was made in the folder");
}

#[test]
fn all_in_postgres() {
    let database = Postgres::shared().database();
    let shop = Shop::at(&["--write", database.url()]);
    serves(&shop);
    let tour = shop.succeeds(&[]);
    assert!(tour.contains("The shop is open on postgres://") && tour.contains(" --write 'postgres://"), "{tour}");
}

#[test]
fn the_log_in_postgres_and_the_views_in_another() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    serves(&Shop::at(&["--write", log.url(), "--level", "2", "--read", views.url()]));
}

#[test]
fn the_views_in_redis() {
    let (log, views) = (Postgres::shared().database(), Redis::start().unwrap());
    serves(&Shop::at(&["--write", log.url(), "--level", "2", "--read", views.url()]));
}

#[test]
fn the_views_in_postgres_and_the_details_in_redis() {
    let (log, views, details) = (Postgres::shared().database(), Postgres::shared().database(), Redis::start().unwrap());
    let at = ["--write", log.url(), "--level", "2", "--read", views.url(), "--details", details.url()];
    serves(&Shop::at(&at));
    let tour = Shop::at(&at).succeeds(&[]);
    assert!(tour.contains(" --details 'redis://"), "{tour}");
}

#[test]
fn the_views_over_the_protocol_of_mongodb() {
    let log = Postgres::shared().database();
    let views = Mongo::shared().url(&format!("program-{}", cqrs_runtime::Uuid::now_v7()));
    serves(&Shop::at(&["--write", log.url(), "--level", "2", "--read", &views]));
}

#[test]
fn at_level_2_the_views_live_in_a_schema_beside_the_log_unless_told_otherwise() {
    let database = Postgres::shared().database();
    let mark = if database.url().contains('?') { '&' } else { '?' };
    let url = format!("{}{mark}schema=orders", database.url());
    let tour = Shop::at(&["--write", &url, "--level", "2"]).succeeds(&[]);
    assert!(tour.contains("Its views follow the log in postgres://") && tour.contains("schema=orders_views"), "{tour}");
    assert_eq!(Shop::at(&["--write", &url]).events(), 8);
    assert_eq!(Shop::at(&["--write", database.url()]).events(), 0, "the schema `public` is another place");
}

#[test]
fn a_shop_in_memory_gives_a_tour_and_takes_commands() {
    let shop = Shop::at(&["--write", "memory:"]);
    let tour = shop.succeeds(&[]);
    assert!(tour.contains("The shop was in memory and is gone"), "{tour}");
    let path = sample();
    shop.succeeds(&["load", path.to_str().unwrap()]);
    let said = shop.run(&["check"]);
    assert!(!said.ok && said.err.contains("a shop in memory ends with the program"), "{said:?}");
    let tour = shop.succeeds(&["--level", "2"]);
    assert!(tour.contains("Its views follow the log in memory:"), "{tour}");
    assert!(!shop.db().exists());
}

#[test]
fn the_short_form_is_the_long_one() {
    let shop = Shop::new();
    shop.succeeds(&["--db", "a.db"]);
    for options in [["--write", "sqlite:a.db"], ["--write", "a.db"], ["--db", "a.db"]] {
        assert_eq!(shop.succeeds(&[&options[..], &["events"]].concat()).lines().count(), 8, "{options:?}");
    }
}

#[test]
fn what_does_not_fit_is_told_what_to_write() {
    let shop = Shop::new();
    // Nobody listens at a port that was free a moment ago.
    let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let away = format!("postgres://ada:secret@127.0.0.1:{port}/shop");
    let database = Postgres::shared().database();
    let gone = database.url().replace("/cqrs_test_", "/no_such_");
    for (arguments, parts) in [
        (&["--write", "mysql://host/shop"][..], &["the shop knows no database `mysql:`", "write `sqlite:PATH`"][..]),
        (&["--level", "2", "--read", "mysql://host"], &["the shop knows no database `mysql:`", "'--read <URL>'"]),
        (&["--write", "redis://host"], &["`redis://host` stores only views: a log needs", "use `sqlite:PATH`"]),
        (&["--write", "mongodb://ada:secret@host/shop"], &["`mongodb://ada:***@host/shop` stores only views"]),
        (
            &["--level", "2", "--read", &away.replace("postgres", "redis").replace("/shop", "")],
            &["ada:***@", "cannot be opened", "with a running server"],
        ),
        (&["--level", "2", "--read", "mongodb://host"], &["it names no database", "write `mongodb://"]),
        (
            &["--write", "postgres://host:port/shop"],
            &["cannot open `postgres://host:port/shop`", "expected `postgres://user"],
        ),
        (
            &["--write", &away],
            &["connection refused", "ada:***@127.0.0.1", "write `postgres://", "with a running server"],
        ),
        (&["--level", "2", "--read", &away], &["connection refused", "with a running server"]),
        (&["--write", "memory:", "--level", "2", "--read", "views.db"], &["cannot store the views of a log in memory"]),
        (&["--write", &gone], &["does not exist", "an existing database"]),
        (&["--write", "nowhere/shop.db"], &["cannot open `nowhere/shop.db`: the folder of"]),
        (&["--level", "3"], &["3 is not in 1..=2"]),
        (&["--read", "views.db"], &["add `--level 2`"]),
        (&["--write", "a.db", "--db", "b.db"], &["`--write` and `--db` both set the place of the log"]),
        (&["--level", "2", "--read", "./shop.db"], &["`--write` and `--read` are both", "choose another place"]),
        (
            &["--write", database.url(), "--level", "2", "--read", database.url()],
            &["`--write` and `--read` are both", "or use level 1"],
        ),
    ] {
        let said = shop.run(arguments);
        assert!(!said.ok && said.out.is_empty(), "{arguments:?}: {said:?}");
        for part in parts {
            assert!(said.err.to_lowercase().contains(&part.to_lowercase()), "no `{part}`: {arguments:?}: {}", said.err);
        }
        assert!(!said.err.contains("secret"), "{}", said.err);
    }
}
