//! A command id takes effect at most once.

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{AccountId, BalanceOf, BankError, OpenAccount, PayIn, PersonId};

use crate::logs::{bank, banks, open};

fn with(app: &App, id: &str) -> CommandBus {
    app.commands().with_meta(Meta::new().command_id(CommandId::new(id)))
}

#[tokio::test]
async fn the_same_id_again_returns_the_first_receipt_and_runs_nothing() {
    for (app, _folder) in banks().await {
        let (account, owner) = (AccountId::new(), PersonId::new());
        let open = || OpenAccount { account, owner };
        let first = with(&app, "a").execute(open()).await.unwrap();
        let again = with(&app, "a").execute(open()).await.unwrap();
        assert!(!first.is_repeated() && again.is_repeated());
        assert_eq!((again.position(), again.returned()), (first.position(), first.returned()));
        assert_eq!(app.log().head().await.unwrap(), 1);
    }
}

#[tokio::test]
async fn an_id_belongs_to_one_command() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        with(&app, "a").execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
        let reused = with(&app, "a").execute(PayIn { account, amount: 1 }).await.unwrap_err();
        let CommandError::IdReused(reused) = reused else { panic!("{reused}") };
        assert_eq!((&*reused.first, &*reused.second, reused.position.get()), ("OpenAccount", "PayIn", 1));
    }
}

#[tokio::test]
async fn a_refused_command_may_be_sent_again_with_its_id() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
        let refused = with(&app, "b").execute(PayIn { account, amount: 0 }).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&BankError::NoAmount));
        assert!(!with(&app, "b").execute(PayIn { account, amount: 1 }).await.unwrap().is_repeated());
    }
}

#[tokio::test]
async fn many_at_once_with_one_id_take_effect_once() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        app.commands().execute(OpenAccount { account, owner: PersonId::new() }).await.unwrap();
        let tasks: Vec<_> = (0..50)
            .map(|_| {
                let bus = with(&app, "one");
                tokio::spawn(async move { bus.execute(PayIn { account, amount: 1 }).await.unwrap() })
            })
            .collect();
        let mut positions = Vec::new();
        let mut first = 0;
        for task in tasks {
            let receipt = task.await.unwrap();
            first += u32::from(!receipt.is_repeated());
            positions.push(receipt.position());
        }
        assert_eq!(first, 1);
        assert!(positions.iter().all(|position| *position == 2));
        assert_eq!(app.queries().ask(BalanceOf { account }).await.unwrap().unwrap().balance, 1);
    }
}

#[tokio::test]
async fn ids_outlive_the_process() {
    let folder = tempfile::tempdir().unwrap();
    let (account, owner) = (AccountId::new(), PersonId::new());
    let opening = || OpenAccount { account, owner };
    let app = bank(App::builder().log(open(&folder).await)).await;
    with(&app, "a").execute(opening()).await.unwrap();
    drop(app);
    let app = bank(App::builder().log(open(&folder).await)).await;
    let again = with(&app, "a").execute(opening()).await.unwrap();
    assert!(again.is_repeated());
    assert_eq!(again.into_returned(), account);
}
