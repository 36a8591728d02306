//! Decisions in batches: no conflict, no retry, one panic harms no one else, and other processes' events are seen.

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{AccountId, BalanceOf, BankError, Explode, OpenAccount, PayIn, PersonId, Transfer};

use crate::logs::{bank, banks, open};

#[tokio::test(flavor = "multi_thread")]
async fn a_hot_aggregate_never_conflicts() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
        let tasks: Vec<_> = (0..32)
            .map(|_| {
                let bus = app.commands();
                tokio::spawn(async move {
                    for _ in 0..20 {
                        bus.execute(PayIn { account, amount: 1 }).await.unwrap();
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.unwrap();
        }
        let balance = app.queries().ask(BalanceOf { account }).await.unwrap().unwrap();
        assert_eq!((balance.balance, balance.movements), (640, 640));
        assert_eq!(app.log().head().await.unwrap(), 641);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn money_is_neither_made_nor_lost_by_transfers_at_once() {
    for (app, _folder) in banks().await {
        let accounts: Vec<_> = (0..4).map(|_| AccountId::new()).collect();
        for &account in &accounts {
            app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
            app.commands().execute(PayIn { account, amount: 10 }).await.unwrap();
        }
        let mut tasks = Vec::new();
        for (i, &from) in accounts.iter().enumerate() {
            for j in 0..40 {
                let to = accounts[(i + 1 + j % 3) % 4];
                let bus = app.commands();
                tasks.push(tokio::spawn(async move { bus.execute(Transfer { from, to, amount: 7 }).await }));
            }
        }
        for task in tasks {
            match task.await.unwrap() {
                Ok(_) | Err(CommandError::Rejected(BankError::Overdrawn { .. })) => {}
                Err(error) => panic!("{error}"),
            }
        }
        let mut sum = 0;
        for account in accounts {
            let balance = app.queries().ask(BalanceOf { account }).await.unwrap().unwrap().balance;
            assert!(balance >= 0, "a decision acted on an old state");
            sum += balance;
        }
        assert_eq!(sum, 40);
    }
}

#[tokio::test]
async fn a_panic_fails_its_own_command_alone() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
        let bus = app.commands();
        let (before, panicked, after) = tokio::join!(
            bus.execute(PayIn { account, amount: 1 }),
            bus.execute(Explode { account }),
            bus.execute(PayIn { account, amount: 2 }),
        );
        before.unwrap();
        after.unwrap();
        let CommandError::Panicked(panicked) = panicked.unwrap_err() else { panic!("not a panic") };
        assert_eq!((panicked.command, &*panicked.message), ("Explode", "it exploded"));
        assert_eq!(app.queries().ask(BalanceOf { account }).await.unwrap().unwrap().balance, 3);
    }
}

#[tokio::test]
async fn a_decision_sees_what_another_process_has_appended() {
    let folder = tempfile::tempdir().unwrap();
    let one = bank(App::builder().log(open(&folder).await)).await;
    let other = bank(App::builder().log(open(&folder).await)).await;
    let (a, b) = (AccountId::new(), AccountId::new());
    for account in [a, b] {
        one.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
    }
    // Both have the accounts in memory from here on.
    one.commands().execute(PayIn { account: a, amount: 10 }).await.unwrap();
    other.commands().execute(Transfer { from: a, to: b, amount: 10 }).await.unwrap();
    let refused = one.commands().execute(Transfer { from: a, to: b, amount: 1 }).await.unwrap_err();
    assert_eq!(refused.rejection(), Some(&BankError::Overdrawn { missing: 1 }));
    let receipt = one.commands().execute(Transfer { from: b, to: a, amount: 3 }).await.unwrap();
    let seen = other.queries().after(receipt.position()).ask(BalanceOf { account: b }).await.unwrap().unwrap();
    assert_eq!((seen.balance, seen.movements), (7, 2));
}

#[tokio::test]
async fn a_small_cache_changes_no_answer() {
    let app = bank(App::builder().log(cqrs_runtime::log::MemoryLog::new()).aggregate_cache_capacity(2)).await;
    let accounts: Vec<_> = (0..20).map(|_| AccountId::new()).collect();
    for &account in &accounts {
        app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
    }
    for round in 1..=3 {
        for &account in &accounts {
            app.commands().execute(PayIn { account, amount: round }).await.unwrap();
        }
    }
    for &from in &accounts {
        let refused = app.commands().execute(Transfer { from, to: accounts[0], amount: 7 }).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&BankError::Overdrawn { missing: 1 }));
    }
}
