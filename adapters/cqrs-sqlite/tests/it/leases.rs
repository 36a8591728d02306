//! Whose leases hold: not those of a dead process, and none for longer than its own length.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cqrs_runtime::view::ViewStore;
use cqrs_sqlite::SqliteViews;
use cqrs_sqlite::rusqlite::Connection;

use crate::support::folder;

const WHERE: &str = "CQRS_SQLITE_TEST_LEASES";
const HOUR: Duration = Duration::from_secs(3_600);

/// Not a test: another process, which takes a lease, and lives on until it is killed.
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

/// Another process that has the leases.
fn child_of(place: &str) -> Child {
    let mut child = Command::new(std::env::current_exe().unwrap());
    child.args(["leases::child", "--exact", "--ignored", "--nocapture", "--test-threads=1"]);
    let mut child = child.env(WHERE, place).stdout(Stdio::piped()).spawn().unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.map(Result::unwrap).any(|line| line == "leased"), "the other process has the leases");
    child
}

async fn has(views: &impl ViewStore, owner: &str) -> bool {
    views.lease(&["Items"], owner, HOUR).await.unwrap()[0].is_some()
}

async fn holders(views: &impl ViewStore) -> Vec<Option<String>> {
    views.holders(&["Items", "Items@wanted"]).await.unwrap()
}

async fn open(path: &str) -> SqliteViews {
    SqliteViews::open(path).await.unwrap()
}

#[tokio::test]
async fn a_dead_processs_leases_are_had_at_once_and_a_living_ones_are_not() {
    let (folder, path) = folder();
    let path = path.to_str().unwrap();
    let views = open(path).await;
    let mut child = child_of(path);
    assert!(!has(&views, "me").await, "it lives");
    assert_eq!(holders(&views).await, [Some("child".into()), Some("child".into())]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holders(&views).await, [None, None], "nobody has what a dead process had");
    assert!(has(&views, "me").await);
    assert_eq!(holders(&views).await, [Some("me".into()), None]);
    // Another process of the same file, as another value.
    let other = open(path).await;
    assert!(!has(&other, "other").await, "and I live");
    let lease = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).unwrap();
    drop(views.begin(&[lease]).await.unwrap());
    drop(folder);
}

#[tokio::test]
async fn whoever_tidies_up_beside_the_database_takes_no_lease_away() {
    let (folder, path) = folder();
    let (views, other) = (open(path.to_str().unwrap()).await, open(path.to_str().unwrap()).await);
    assert!(has(&views, "me").await);
    for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
        if file.file_name().to_string_lossy().contains("-process-") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    assert!(!has(&other, "other").await, "its time decides");
    assert!(has(&views, "me").await);
    drop(views);
    let left = std::fs::read_dir(folder.path()).unwrap().flatten();
    let left = left.filter(|file| file.file_name().to_string_lossy().contains("-process-")).count();
    assert_eq!(left, 0, "a process takes its file with it");
}

#[tokio::test]
async fn a_time_that_another_clock_wrote_is_trusted_no_further_than_the_leases_length() {
    let (_folder, path) = folder();
    let views = open(path.to_str().unwrap()).await;
    let file = Connection::open(&path).unwrap();
    // Of a process that nothing else is known of, whose clock was a day ahead; and of one that did not say how long.
    for length in ["3600000", "NULL"] {
        file.execute("DELETE FROM cqrs_leases", []).unwrap();
        for (name, ahead) in [("Items", 86_400_000_i64), ("Items@wanted", 3_599_000)] {
            let sql = format!(
                "INSERT INTO cqrs_leases (projection, owner, token, until, length)
                 VALUES ('{name}', 'stranger', 7, CAST(unixepoch('subsec') * 1000 AS INTEGER) + {ahead}, {length})"
            );
            file.execute(&sql, []).unwrap();
        }
        let wanted = views.lease(&["Items@wanted"], "me", HOUR).await.unwrap();
        assert_eq!(wanted, [None], "what may be true is trusted");
        if length != "NULL" {
            assert_eq!(holders(&views).await, [None, Some("stranger".into())]);
        }
        let lease = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).expect("it is had");
        assert_eq!(lease.token, 8, "and the stranger's is refused from now on");
    }
}
