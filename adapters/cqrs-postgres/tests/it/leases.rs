//! Leases: those of a dead process do not hold, and none is trusted for longer than its own length.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cqrs_postgres::PostgresViews;
use cqrs_runtime::view::ViewStore;

use crate::support::{client, database};

const WHERE: &str = "CQRS_POSTGRES_TEST_LEASES";
const HOUR: Duration = Duration::from_secs(3_600);

/// Not a test: another process, which acquires a lease and runs until it is killed.
#[tokio::test]
#[ignore = "started by other tests, in a process of its own"]
async fn child() {
    let Ok(place) = std::env::var(WHERE) else { return };
    let views = open(&place).await;
    let leases = views.lease(&["Items", "Items@wanted"], "child", HOUR).await.unwrap();
    assert!(leases.iter().all(Option::is_some));
    writeln!(std::io::stdout(), "\nleased").unwrap();
    std::future::pending::<()>().await;
}

/// Another process, which holds the leases.
fn child_of(place: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["leases::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let mut child = child.env(WHERE, place).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "leased"), "the other process holds the leases");
    child
}

async fn has(views: &impl ViewStore, owner: &str) -> bool {
    views.lease(&["Items"], owner, HOUR).await.unwrap()[0].is_some()
}

async fn holders(views: &impl ViewStore) -> Vec<Option<String>> {
    views.holders(&["Items", "Items@wanted"]).await.unwrap()
}

async fn open(url: &str) -> PostgresViews {
    PostgresViews::open(url).await.unwrap()
}

#[tokio::test]
async fn leases_of_a_dead_process_are_free_at_once_and_of_a_living_one_are_not() {
    let database = database();
    let views = open(database.url()).await;
    let mut child = child_of(database.url());
    assert!(!has(&views, "me").await, "it is alive");
    assert_eq!(holders(&views).await, [Some("child".into()), Some("child".into())]);
    child.kill().unwrap();
    child.wait().unwrap();
    // The server ends a session when it next reads from it.
    let gone = async {
        while holders(&views).await != [None, None] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), gone).await.expect("nobody holds the leases of a dead process");
    assert!(has(&views, "me").await);
    assert_eq!(holders(&views).await, [Some("me".into()), None]);
    let other = open(database.url()).await;
    assert!(!has(&other, "other").await, "this process is alive too");
}

#[tokio::test]
async fn a_lost_session_is_opened_again_and_the_token_decides() {
    let database = database();
    let (views, other) = (open(database.url()).await, open(database.url()).await);
    let first = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).unwrap();
    let ends = "SELECT pg_terminate_backend(a.pid) FROM pg_stat_activity a JOIN pg_locks l ON l.pid = a.pid
                WHERE a.datname = current_database() AND l.locktype = 'advisory' AND l.mode = 'ShareLock'";
    let client = client(database.url()).await;
    client.batch_execute(ends).await.unwrap();
    let again = async {
        while other.holders(&["Items"]).await.unwrap() != [None] {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), again).await.expect("the session's end releases the lock");
    // The first to ask gets the lease: here its owner, which opens the session again.
    assert_eq!(views.lease(&["Items"], "me", HOUR).await.unwrap(), [Some(first.clone())], "the same lease");
    assert!(!has(&other, "other").await);
    client.batch_execute(ends).await.unwrap();
    let taken = async {
        while !has(&other, "other").await {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(60), taken).await.expect("and here another owner");
    assert!(views.begin(&[first]).await.is_err(), "writes of the first owner are refused");
    assert!(!has(&views, "me").await);
}

#[tokio::test]
async fn a_lease_is_trusted_no_longer_than_its_own_length() {
    let database = database();
    let views = open(database.url()).await;
    let client = client(database.url()).await;
    for length in ["3600000", "NULL"] {
        let sql = format!(
            "DELETE FROM cqrs_leases;
             INSERT INTO cqrs_leases (projection, owner, token, until, length) VALUES
                 ('Items', 'stranger', 7, now() + interval '1 day', {length}),
                 ('Items@wanted', 'stranger', 7, now() + interval '59 minutes', {length})"
        );
        client.batch_execute(&sql).await.unwrap();
        let wanted = views.lease(&["Items@wanted"], "me", HOUR).await.unwrap();
        assert_eq!(wanted, [None], "a plausible lease is trusted");
        if length != "NULL" {
            assert_eq!(holders(&views).await, [None, Some("stranger".into())]);
        }
        let lease = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).expect("the lease is free");
        assert_eq!(lease.token, 8, "and the stranger's is refused from now on");
    }
}
