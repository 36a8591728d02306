//! A projection whose lease is held by a process that makes no progress: the errors of a query, of health and of a policy.

use std::sync::Arc;
use std::time::{Duration, Instant};

use cqrs_postgres::PostgresViews;
use cqrs_redis::RedisViews;
use cqrs_runtime::OperationError;
use cqrs_runtime::app::HealthStatus;
use cqrs_runtime::app::ProjectionState;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::policy::RetryPolicy;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{MemoryViews, ViewStore};
use cqrs_sqlite::SqliteViews;
use cqrs_test_servers::{Postgres, Redis};
use cqrs_tests::bank::{AccountId, BalanceOf, OpenAccount, PersonId};

use crate::logs::bank;

/// Longer than any test takes.
const LONG: Duration = Duration::from_secs(600);

async fn until(mut done: impl AsyncFnMut() -> bool) {
    let started = Instant::now();
    while !done().await {
        assert!(started.elapsed() < Duration::from_secs(60), "it does not come to pass");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_query_that_waits_for_it_hears_that_it_is_not_there_yet_and_health_says_why() {
    let folder = tempfile::tempdir().unwrap();
    let database = Postgres::shared().database();
    let prefix = format!("unattended:{}:", Uuid::now_v7());
    let stores: [Arc<dyn ViewStore>; 4] = [
        Arc::new(MemoryViews::new()),
        Arc::new(SqliteViews::open(folder.path().join("views.db")).await.unwrap()),
        Arc::new(PostgresViews::open(database.url()).await.unwrap()),
        Arc::new(RedisViews::builder(Redis::shared().url()).prefix(prefix).open().await.unwrap()),
    ];
    for store in stores {
        let name = store.describe();
        // The views are built, so that they are there to be read.
        let log = MemoryLog::new();
        let builder = || App::builder().log(log.clone()).views(Arc::clone(&store)).projection_lease(LONG);
        let first = bank(builder()).await;
        let (account, owner) = (AccountId::new(), PersonId::new());
        let receipt = first.commands().execute(OpenAccount { account, owner }).await.unwrap();
        first.caught_up(receipt.position(), Duration::from_secs(60)).await.unwrap();
        let lease = first.stored_as("Balance").unwrap().projection;
        first.close().await;

        let leases = store.lease(&[lease], "a process that hangs", LONG).await.unwrap();
        let app = bank(builder()).await;
        let state = async || app.projections().await.unwrap()[0].state;
        until(async || state().await == ProjectionState::Elsewhere).await;
        assert_eq!(app.health().await.status, HealthStatus::Healthy, "{name}: nothing is missing");
        let other = OpenAccount { account: AccountId::new(), owner };
        let at = app.commands().execute(other).await.unwrap().position();
        for within in [0, 3, 40, 200] {
            let hasty = app.queries().after(at).within(Duration::from_millis(within));
            let error = hasty.ask(BalanceOf { account }).await.unwrap_err();
            let QueryError::NotYet(lag) = &error else { panic!("{name}, after {within} ms: {error}") };
            assert_eq!((lag.view, lag.reached, lag.wanted), ("Balance", receipt.position(), at), "{name}");
        }
        let error = app.caught_up(at, Duration::from_millis(40)).await.unwrap_err();
        assert_eq!(error.kind(), "NotYet", "{name}");
        assert!(
            app.queries()
                .after(at)
                .within(Duration::from_millis(1))
                .or_stale()
                .ask(BalanceOf { account })
                .await
                .is_ok()
        );

        // It dies, and this process has not noticed: it asks every 200 seconds.
        store.release(&leases.into_iter().flatten().collect::<Vec<_>>()).await.unwrap();
        let status = app.projections().await.unwrap().remove(0);
        assert!(status.is_unattended && status.state == ProjectionState::Elsewhere, "{name}: {status:?}");
        let health = app.health().await;
        assert_eq!(health.status, HealthStatus::Degraded, "{name}: {health}");
        let text = health.to_string();
        assert!(
            text.contains("projection `Balance`: no process runs it, and it has not processed 1 event"),
            "{name}: {text}"
        );
        app.close().await;

        let quick = bank(builder()).await;
        quick.caught_up(at, Duration::from_secs(60)).await.unwrap();
        assert_eq!(quick.health().await.status, HealthStatus::Healthy);
        quick.close().await;
    }
}

// ---- a policy that waits for a view ------------------------------------------------------------------------------------------

#[derive(Id)]
pub struct AuthorId(Uuid);
#[derive(Id)]
pub struct ArticleId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct ArticleWritten {
    #[tag]
    article: ArticleId,
    #[tag]
    author: AuthorId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct AuthorLeft {
    #[tag]
    author: AuthorId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct ArticleDeleted {
    #[tag]
    article: ArticleId,
}

#[derive(Command, Serialize, Deserialize)]
pub struct WriteArticle {
    article: ArticleId,
    author: AuthorId,
}

#[command]
fn write_article(cmd: WriteArticle) -> Result<ArticleWritten, std::convert::Infallible> {
    Ok(ArticleWritten { article: cmd.article, author: cmd.author })
}

#[derive(Command, Serialize, Deserialize)]
pub struct Leave {
    author: AuthorId,
}

#[command]
fn leave(cmd: Leave) -> Result<AuthorLeft, std::convert::Infallible> {
    Ok(AuthorLeft { author: cmd.author })
}

#[derive(Command, Serialize, Deserialize)]
pub struct DeleteArticle {
    article: ArticleId,
}

#[command]
fn delete_article(cmd: DeleteArticle) -> Result<ArticleDeleted, std::convert::Infallible> {
    Ok(ArticleDeleted { article: cmd.article })
}

#[derive(View, Serialize, Deserialize)]
pub struct ArticleOf {
    #[key]
    article: ArticleId,
    #[index]
    author: AuthorId,
}

#[projection(on = [ArticleWritten, ArticleDeleted])]
impl ArticleOf {
    fn written(e: &ArticleWritten) -> Self {
        Self { article: e.article, author: e.author }
    }
    fn deleted(self, _: &ArticleDeleted) -> Option<Self> {
        None
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = u64)]
pub struct ArticlesOf {
    author: AuthorId,
}

#[query]
async fn articles_of(q: ArticlesOf, articles: Views<ArticleOf>) -> Result<u64, QueryError> {
    articles.find(ArticleOf::AUTHOR.eq(q.author)).count().await
}

#[policy(on = [AuthorLeft])]
async fn delete_what_is_left(e: &AuthorLeft, articles: Views<ArticleOf>) -> Result<Vec<DeleteArticle>, QueryError> {
    let left = articles.find(ArticleOf::AUTHOR.eq(e.author)).all().await?;
    Ok(left.into_iter().map(|row| DeleteArticle { article: row.article }).collect())
}

async fn blog(builder: cqrs_runtime::AppBuilder) -> App {
    let builder = builder.policy_retry(RetryPolicy::new(2, Duration::from_millis(1)));
    builder.only_modules(["it::unattended"]).build().await.unwrap()
}

/// Writes, and leaves at once.
async fn write_and_leave(app: &App) -> AuthorId {
    let author = AuthorId::new();
    for _ in 0..20 {
        app.commands().execute(WriteArticle { article: ArticleId::new(), author }).await.unwrap();
    }
    app.commands().execute(Leave { author }).await.unwrap();
    author
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_sees_all_that_happened_before_its_event() {
    let folder = tempfile::tempdir().unwrap();
    let views = || async { SqliteViews::open(folder.path().join("views.db")).await.unwrap() };
    for app in [
        blog(App::builder().log(MemoryLog::new())).await,
        blog(App::builder().log(MemoryLog::new()).views(views().await).projection_batch(1)).await,
    ] {
        for _ in 0..5 {
            let author = write_and_leave(&app).await;
            let at = app.settled().await.unwrap();
            let left =
                app.queries().after(at).within(Duration::from_secs(60)).ask(ArticlesOf { author }).await.unwrap();
            assert_eq!((left, app.parked().await.unwrap().len()), (0, 0), "none was missed");
        }
        app.close().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_policy_waits_for_a_view_that_stands_still_and_is_not_parked() {
    let (log, views) = (MemoryLog::new(), MemoryViews::new());
    let app = blog(App::builder().log(log.clone()).views(views)).await;
    app.pause("ArticleOf").await.unwrap();
    let author = write_and_leave(&app).await;
    // As long as it is away, the policy is held up, and says by what: more often than a failure would be tried.
    let says = |app: &App| app.policies().remove(0).error;
    until(async || says(&app).is_some_and(|error| error.contains("view `ArticleOf`"))).await;
    assert!(app.health().await.to_string().contains("policy `delete_what_is_left`: it keeps failing"));
    assert_eq!(app.parked().await.unwrap(), []);
    assert!(matches!(app.pause("Articles").await, Err(OperationError::Unknown(_))));
    app.resume("ArticleOf").await.unwrap();
    let at = app.settled().await.unwrap();
    let left = app.queries().after(at).within(Duration::from_secs(60)).ask(ArticlesOf { author }).await.unwrap();
    assert_eq!((left, app.parked().await.unwrap().len()), (0, 0));
}
