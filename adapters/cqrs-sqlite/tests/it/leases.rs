//! Leases: those of a dead process do not hold, and none is trusted for longer than its own length.

use std::io::{BufRead, BufReader, Write};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use cqrs_runtime::view::ViewStore;
use cqrs_sqlite::SqliteViews;
use cqrs_sqlite::rusqlite::Connection;

use crate::support::folder;

const WHERE: &str = "CQRS_SQLITE_TEST_LEASES";
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

async fn open(path: &str) -> SqliteViews {
    SqliteViews::open(path).await.unwrap()
}

#[tokio::test]
async fn leases_of_a_dead_process_are_free_at_once_and_of_a_living_one_are_not() {
    let (folder, path) = folder();
    let path = path.to_str().unwrap();
    let views = open(path).await;
    let mut child = child_of(path);
    assert!(!has(&views, "me").await, "it is alive");
    assert_eq!(holders(&views).await, [Some("child".into()), Some("child".into())]);
    child.kill().unwrap();
    child.wait().unwrap();
    assert_eq!(holders(&views).await, [None, None], "nobody holds the leases of a dead process");
    assert!(has(&views, "me").await);
    assert_eq!(holders(&views).await, [Some("me".into()), None]);
    // Another process with the same file, represented by another value.
    let other = open(path).await;
    assert!(!has(&other, "other").await, "this process is alive too");
    let lease = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).unwrap();
    drop(views.begin(&[lease]).await.unwrap());
    drop(folder);
}

#[tokio::test]
async fn deleting_the_lock_file_takes_no_lease_away() {
    let (folder, path) = folder();
    let (views, other) = (open(path.to_str().unwrap()).await, open(path.to_str().unwrap()).await);
    assert!(has(&views, "me").await);
    for file in std::fs::read_dir(folder.path()).unwrap().flatten() {
        if file.file_name().to_string_lossy().contains("-process-") {
            std::fs::remove_file(file.path()).unwrap();
        }
    }
    assert!(!has(&other, "other").await, "the lease's time decides");
    assert!(has(&views, "me").await);
    drop(views);
    let left = std::fs::read_dir(folder.path()).unwrap().flatten();
    let left = left.filter(|file| file.file_name().to_string_lossy().contains("-process-")).count();
    assert_eq!(left, 0, "a process deletes its file");
}

#[tokio::test]
async fn a_lease_is_trusted_no_longer_than_its_own_length() {
    let (_folder, path) = folder();
    let views = open(path.to_str().unwrap()).await;
    let file = Connection::open(&path).unwrap();
    // Leases of an unknown process: one whose clock was a day ahead, and one without a length.
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
        assert_eq!(wanted, [None], "a plausible lease is trusted");
        if length != "NULL" {
            assert_eq!(holders(&views).await, [None, Some("stranger".into())]);
        }
        let lease = views.lease(&["Items"], "me", HOUR).await.unwrap().remove(0).expect("the lease is free");
        assert_eq!(lease.token, 8, "and the stranger's is refused from now on");
    }
}
