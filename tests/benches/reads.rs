//! What a blog asks of its articles, next to the same questions in SQL by hand on the same database.
//!
//! `cargo bench -p cqrs-tests --bench reads` prints milliseconds and ratios. `CQRS_ROWS` says of how many articles
//! (100,000), each with ten tags: `all`, one of 20, one of 1,000 and seven of 50,000. `CQRS_STORES=sqlite,redis` picks stores.
//! Redis is compared with SQLite.

use std::time::{Duration, Instant};

use cqrs_postgres::{PostgresViews, tokio_postgres};
use cqrs_redis::RedisViews;
use cqrs_runtime::Position;
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Condition, Filter, Place, Row, RowQuery, Value, ViewShape, ViewStore};
use cqrs_sqlite::{SqliteViews, rusqlite};
use cqrs_test_servers::{Postgres, Redis};
use cqrs_tests::chance::{Random, given};

const AUTHORS: u64 = 10_000;
const FOLLOWED: u64 = 2_000;
/// Rows on a page.
const PAGE: u32 = 20;
/// How often each question is asked. The median counts.
const TIMES: usize = 15;

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(author, created_at))]
struct Article {
    #[key]
    id: String,
    #[index]
    author: i64,
    #[index]
    created_at: i64,
    #[index]
    tags: Vec<String>,
    body: String,
}

fn article(random: &mut Random, number: u64) -> Article {
    let mut tags = vec!["all".to_owned()];
    for (of, times) in [(20, 1), (1_000, 1), (50_000, 7)] {
        for _ in 0..times {
            tags.push(format!("{of}-{}", random.below(of)));
        }
    }
    Article {
        id: format!("article-{:08}", number * 7_919 % 100_000_007),
        author: random.below(AUTHORS).cast_signed(),
        created_at: number.cast_signed(),
        tags,
        body: "Of reads and writes, in words that nobody counts. ".repeat(4),
    }
}

fn shape() -> ViewShape {
    Article::LAYOUT.shape(1)
}

/// A question of the framework, and the same in SQL, where `?` and `$1` are left to the database.
struct Question {
    name: &'static str,
    query: RowQuery,
    total: bool,
    sql: &'static str,
    total_sql: Option<&'static str>,
}

fn questions(rows: u64) -> Vec<Question> {
    let newest =
        |filter: Filter| RowQuery { order: vec![("created_at", true)], limit: Some(PAGE), ..RowQuery::new(filter) };
    let of = |condition: Condition<Article>| newest(condition.into_filter());
    let author = 77;
    let page_1_000 = {
        let at = rows.saturating_sub(999 * u64::from(PAGE));
        let place = Place { values: vec![Value::Integer(at.cast_signed())], key: String::new(), inclusive: false };
        RowQuery { start: Some(place), ..newest(Filter::All(Vec::new())) }
    };
    let question = |name, query, sql| Question { name, query, sql, total: false, total_sql: None };
    let tagged = "SELECT a.document FROM articles a JOIN article_tags t ON t.article = a.id WHERE t.tag = ";
    let by_tag = |tag: &str| format!("{tagged}'{tag}' ORDER BY a.created_at DESC, a.id DESC LIMIT 20").leak() as &str;
    let by_both = |tag: &str| {
        format!("{tagged}'{tag}' AND a.author = {author} ORDER BY a.created_at DESC, a.id DESC LIMIT 20").leak() as &str
    };
    let all = "SELECT document FROM articles ORDER BY created_at DESC, id DESC LIMIT 20";
    let later = format!(
        "SELECT document FROM articles WHERE created_at < {} ORDER BY created_at DESC, id DESC LIMIT 20",
        rows.saturating_sub(999 * u64::from(PAGE))
    );
    let feed = "SELECT document FROM articles WHERE author IN (SELECT followed FROM follows WHERE follower = 1)
                ORDER BY created_at DESC, id DESC LIMIT 20";
    let followed = (0..FOLLOWED).map(|number| (number * 5).cast_signed());
    vec![
        question("page 1", newest(Filter::All(Vec::new())), all),
        question("page 1,000 by cursor", page_1_000, later.leak()),
        question("a tag of all", of(Article::TAGS.has("all")), by_tag("all")),
        question("a tag of one in 20", of(Article::TAGS.has("20-3")), by_tag("20-3")),
        question("a tag of one in 1,000", of(Article::TAGS.has("1000-3")), by_tag("1000-3")),
        question("a tag of few", of(Article::TAGS.has("50000-3")), by_tag("50000-3")),
        question(
            "a tag of all, an author",
            of(Article::TAGS.has("all").and(Article::AUTHOR.eq(author))),
            by_both("all"),
        ),
        question(
            "a tag of one in 20, an author",
            of(Article::TAGS.has("20-3").and(Article::AUTHOR.eq(author))),
            by_both("20-3"),
        ),
        question(
            "an author",
            of(Article::AUTHOR.eq(author)),
            "SELECT document FROM articles WHERE author = 77 ORDER BY created_at DESC, id DESC LIMIT 20",
        ),
        question("a feed of 2,000", of(Article::AUTHOR.one_of(followed)), feed),
        Question {
            name: "a page with total",
            query: of(Article::TAGS.has("20-3")),
            total: true,
            sql: by_tag("20-3"),
            total_sql: Some("SELECT count(*) FROM article_tags WHERE tag = '20-3'"),
        },
    ]
}

/// The tables that somebody would make by hand.
const TABLES: &str = "
    CREATE TABLE articles (id TEXT PRIMARY KEY, author BIGINT NOT NULL, created_at BIGINT NOT NULL, document TEXT NOT NULL);
    CREATE INDEX articles_newest ON articles (created_at, id);
    CREATE INDEX articles_of_author ON articles (author, created_at, id);
    CREATE TABLE article_tags (article TEXT NOT NULL, tag TEXT NOT NULL, PRIMARY KEY (article, tag));
    CREATE INDEX article_tags_of_tag ON article_tags (tag, article);
    CREATE TABLE follows (follower BIGINT NOT NULL, followed BIGINT NOT NULL, PRIMARY KEY (follower, followed));";

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort_unstable();
    times[times.len() / 2].as_secs_f64() * 1_000.0
}

async fn fill(store: &dyn ViewStore, rows: u64) {
    let mut random = Random::new(7);
    store.prepare(&shape()).await.expect("a view");
    for from in (0..rows).step_by(5_000) {
        let row = |number| {
            let article = article(&mut random, number);
            Row {
                key: article.id.clone(),
                indexes: article.index_values(),
                multi_values: article.multi_values(),
                document: serde_json::to_string(&article).expect("JSON").into(),
                position: Position::new(1),
            }
        };
        let part: Vec<Row> = (from..rows.min(from + 5_000)).map(row).collect();
        let mut tx = store.begin(&[]).await.expect("a transaction");
        tx.write(&shape(), &part, &[]).await.expect("rows");
        tx.commit().await.expect("a commit");
    }
}

/// Milliseconds for each question.
async fn asked(store: &dyn ViewStore, questions: &[Question]) -> Vec<(f64, Vec<String>)> {
    let mut answers = Vec::new();
    for question in questions {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            let begun = Instant::now();
            let rows = store.find(&shape(), &question.query).await.expect("an answer");
            let articles: Vec<Article> =
                rows.iter().map(|row| serde_json::from_str(&row.document).expect("an article")).collect();
            if question.total {
                store.count(&shape(), &question.query.filter).await.expect("a total");
            }
            times.push(begun.elapsed());
            found = articles.into_iter().map(|article| article.id).collect();
        }
        answers.push((median(times), found));
    }
    answers
}

fn ids(documents: &[String]) -> Vec<String> {
    documents.iter().map(|document| serde_json::from_str::<Article>(document).expect("an article").id).collect()
}

fn by_hand_in_sqlite(path: &std::path::Path, rows: u64, questions: &[Question]) -> Vec<(f64, Vec<String>)> {
    let mut connection = rusqlite::Connection::open(path).expect("the file");
    connection.execute_batch(TABLES).expect("tables");
    let transaction = connection.transaction().expect("a transaction");
    let mut random = Random::new(7);
    for number in 0..rows {
        let article = article(&mut random, number);
        let document = serde_json::to_string(&article).expect("JSON");
        let sql = "INSERT INTO articles VALUES (?1, ?2, ?3, ?4)";
        let mut insert = transaction.prepare_cached(sql).expect("a statement");
        insert.execute((&article.id, article.author, article.created_at, document)).expect("a row");
        let mut tag =
            transaction.prepare_cached("INSERT OR IGNORE INTO article_tags VALUES (?1, ?2)").expect("a statement");
        for name in &article.tags {
            tag.execute((&article.id, name)).expect("a row");
        }
    }
    for number in 0..FOLLOWED {
        transaction.execute("INSERT INTO follows VALUES (1, ?1)", [(number * 5).cast_signed()]).expect("a row");
    }
    transaction.commit().expect("a commit");
    let ask = |question: &Question| {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        for _ in 0..TIMES {
            let begun = Instant::now();
            let mut statement = connection.prepare_cached(question.sql).expect("a statement");
            let documents = statement.query_map([], |row| row.get::<_, String>(0)).expect("an answer");
            let documents: Vec<String> = documents.map(|document| document.expect("a row")).collect();
            found = ids(&documents);
            if let Some(total) = question.total_sql {
                connection.query_row(total, [], |row| row.get::<_, i64>(0)).expect("a total");
            }
            times.push(begun.elapsed());
        }
        (median(times), found)
    };
    questions.iter().map(ask).collect()
}

async fn by_hand_in_postgres(url: &str, rows: u64, questions: &[Question]) -> Vec<(f64, Vec<String>)> {
    let (client, connection) = tokio_postgres::connect(url, tokio_postgres::NoTls).await.expect("the server");
    let connection = tokio::spawn(connection);
    client.batch_execute(&TABLES.replace("TEXT", "TEXT COLLATE \"C\"")).await.expect("tables");
    let mut random = Random::new(7);
    for from in (0..rows).step_by(5_000) {
        let part: Vec<Article> = (from..rows.min(from + 5_000)).map(|number| article(&mut random, number)).collect();
        let each = |of: fn(&Article) -> String| part.iter().map(of).collect::<Vec<_>>();
        let number = |of: fn(&Article) -> i64| part.iter().map(of).collect::<Vec<_>>();
        let document = |article: &Article| serde_json::to_string(article).expect("JSON");
        let sql = "INSERT INTO articles SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[])";
        let (ids, documents) = (each(|article| article.id.clone()), each(document));
        let (authors, created) = (number(|article| article.author), number(|article| article.created_at));
        client.execute(sql, &[&ids, &authors, &created, &documents]).await.expect("rows");
        let tags: Vec<(&str, &str)> =
            part.iter().flat_map(|article| article.tags.iter().map(|tag| (&*article.id, &**tag))).collect();
        let (of, tag): (Vec<&str>, Vec<&str>) = tags.into_iter().unzip();
        let sql = "INSERT INTO article_tags SELECT * FROM unnest($1::text[], $2::text[]) ON CONFLICT DO NOTHING";
        client.execute(sql, &[&of, &tag]).await.expect("rows");
    }
    let followed: Vec<i64> = (0..FOLLOWED).map(|number| (number * 5).cast_signed()).collect();
    client.execute("INSERT INTO follows SELECT 1, unnest($1::bigint[])", &[&followed]).await.expect("rows");
    client.batch_execute("VACUUM ANALYZE").await.expect("statistics");
    let mut answers = Vec::new();
    for question in questions {
        let (mut times, mut found) = (Vec::new(), Vec::new());
        let statement = client.prepare(question.sql).await.expect("a statement");
        let total = client.prepare(question.total_sql.unwrap_or("SELECT 1")).await.expect("a statement");
        for _ in 0..TIMES {
            let begun = Instant::now();
            let rows = client.query(&statement, &[]).await.expect("an answer");
            found = ids(&rows.iter().map(|row| row.get(0)).collect::<Vec<String>>());
            if question.total_sql.is_some() {
                client.query(&total, &[]).await.expect("a total");
            }
            times.push(begun.elapsed());
        }
        answers.push((median(times), found));
    }
    drop(client);
    connection.await.expect("no panic").expect("a connection");
    answers
}

fn print(
    what: &str,
    other: &str,
    questions: &[Question],
    answers: &[(f64, Vec<String>)],
    others: &[(f64, Vec<String>)],
) {
    println!("\n{:32} {:>12} {:>12} {:>8}", what, "ms", other, "ratio");
    for ((question, (time, found)), (by_hand, expected)) in questions.iter().zip(answers).zip(others) {
        assert_eq!(found, expected, "{}: the same question has the same answer", question.name);
        println!("{:32} {time:12.2} {by_hand:12.2} {:8.2}", question.name, time / by_hand);
    }
    println!("page 1,000 costs {:.2} times page 1", answers[1].0 / answers[0].0);
}

#[tokio::main]
async fn main() {
    let rows = given("CQRS_ROWS").unwrap_or(100_000);
    let stores = std::env::var("CQRS_STORES").unwrap_or_else(|_| "sqlite,postgres,redis".into());
    let questions = questions(rows);
    println!("{rows} articles of ten tags, pages of {PAGE}");
    let mut of_sqlite = None;
    if stores.contains("sqlite") || stores.contains("redis") {
        let folder = tempfile::tempdir().expect("a folder for temporary files");
        let path = folder.path().join("views.db");
        let views = SqliteViews::open(&path).await.expect("a new file");
        fill(&views, rows).await;
        let answers = asked(&views, &questions).await;
        print("SQLite", "by hand", &questions, &answers, &by_hand_in_sqlite(&path, rows, &questions));
        of_sqlite = Some(answers);
    }
    if stores.contains("postgres") {
        let server = Postgres::start().unwrap_or_else(|error| panic!("{error}"));
        let database = server.new_database().unwrap_or_else(|error| panic!("{error}"));
        let views = PostgresViews::open(database.url()).await.expect("a new database");
        fill(&views, rows).await;
        let by_hand = by_hand_in_postgres(database.url(), rows, &questions).await;
        print("PostgreSQL", "by hand", &questions, &asked(&views, &questions).await, &by_hand);
    }
    if let (true, Some(of_sqlite)) = (stores.contains("redis"), of_sqlite) {
        let server = Redis::start().unwrap_or_else(|error| panic!("{error}"));
        let views = RedisViews::open(server.url()).await.expect("a new server");
        fill(&views, rows).await;
        print("Redis", "SQLite", &questions, &asked(&views, &questions).await, &of_sqlite);
    }
}
