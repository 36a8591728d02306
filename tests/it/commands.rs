//! Commands change state, queries see it, and refusals change nothing.

use cqrs_runtime::prelude::*;
use cqrs_tests::bank::{
    AccountId, AccountsOf, BalanceOf, BankError, CloseAccount, OpenAccount, PayIn, PersonId, Transfer,
};

use crate::logs::banks;

async fn open(app: &App, owner: PersonId) -> AccountId {
    let account = AccountId::new();
    let receipt = app.commands().execute(OpenAccount { account, owner }).await.unwrap();
    assert_eq!(*receipt.returned(), account);
    account
}

#[tokio::test]
async fn a_command_is_seen_by_the_next_query() {
    for (app, _folder) in banks().await {
        let account = open(&app, PersonId::new()).await;
        let receipt = app.commands().execute(PayIn { account, amount: 5 }).await.unwrap();
        assert_eq!((receipt.position(), receipt.events()), (Position::new(2), 1));
        let balance = app.queries().after(receipt.position()).ask(BalanceOf { account }).await.unwrap().unwrap();
        assert_eq!((balance.balance, balance.movements), (5, 1));
    }
}

#[tokio::test]
async fn a_refused_command_leaves_no_event() {
    for (app, _folder) in banks().await {
        let (from, to) = (open(&app, PersonId::new()).await, open(&app, PersonId::new()).await);
        let refused = app.commands().execute(Transfer { from, to, amount: 7 }).await;
        assert_eq!(refused.unwrap_err().rejection(), Some(&BankError::Overdrawn { missing: 7 }));
        assert_eq!(app.log().head().await.unwrap(), 2);
    }
}

#[tokio::test]
async fn a_parameter_says_whether_its_aggregate_must_be_there() {
    for (app, _folder) in banks().await {
        let account = AccountId::new();
        let missing = app.commands().execute(PayIn { account, amount: 1 }).await.unwrap_err();
        let CommandError::NotFound(entity) = missing else { panic!("{missing}") };
        assert_eq!((entity.aggregate, entity.id), ("Account", account.to_string()));

        let owner = PersonId::new();
        app.commands().execute(OpenAccount { account, owner }).await.unwrap();
        let twice = app.commands().execute(OpenAccount { account, owner }).await.unwrap_err();
        assert!(matches!(twice, CommandError::AlreadyExists(_)), "{twice}");

        let nothing = app.commands().execute(CloseAccount { account: AccountId::new() }).await.unwrap();
        assert_eq!((nothing.events(), nothing.position()), (0, Position::new(1)));
    }
}

#[tokio::test]
async fn an_event_with_two_tags_of_one_kind_reaches_both_aggregates_and_both_rows() {
    for (app, _folder) in banks().await {
        let owner = PersonId::new();
        let (from, to) = (open(&app, owner).await, open(&app, owner).await);
        app.commands().execute(PayIn { account: from, amount: 10 }).await.unwrap();
        app.commands().execute(Transfer { from, to, amount: 4 }).await.unwrap();
        let accounts = app.queries().ask(AccountsOf { owner }).await.unwrap();
        let sums: Vec<_> = accounts.iter().map(|row| (row.account, row.balance, row.movements)).collect();
        assert_eq!(sums, [(from, 6, 2), (to, 4, 1)]);
        // The aggregates agree with the views: four is all there is to move back.
        let refused = app.commands().execute(Transfer { from: to, to: from, amount: 5 }).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&BankError::Overdrawn { missing: 1 }));
    }
}

#[tokio::test]
async fn an_ended_view_is_gone_and_its_aggregate_is_not() {
    for (app, _folder) in banks().await {
        let account = open(&app, PersonId::new()).await;
        app.commands().execute(CloseAccount { account }).await.unwrap();
        assert_eq!(app.queries().ask(BalanceOf { account }).await.unwrap(), None);
        let refused = app.commands().execute(PayIn { account, amount: 1 }).await.unwrap_err();
        assert_eq!(refused.rejection(), Some(&BankError::Closed));
    }
}

#[tokio::test]
async fn a_query_for_what_will_never_be_says_so_or_answers_stale() {
    for (app, _folder) in banks().await {
        let account = open(&app, PersonId::new()).await;
        let far = app.queries().after(Position::new(99)).within(std::time::Duration::ZERO);
        let error = far.ask(BalanceOf { account }).await.unwrap_err();
        let QueryError::NotYet(late) = error else { panic!("{error}") };
        assert_eq!((late.view, late.reached, late.wanted), ("Balance", Position::new(1), Position::new(99)));
        assert!(far.or_stale().ask(BalanceOf { account }).await.unwrap().is_some());
    }
}
