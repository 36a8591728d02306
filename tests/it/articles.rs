//! What the queries of a blog ask: indexes of several values, alone and with others, in each store, next to a model in memory.

use std::collections::{BTreeMap, BTreeSet};

use cqrs_postgres::{PostgresLog, PostgresViews};
use cqrs_redis::RedisViews;
use cqrs_runtime::log::{EventLog, MemoryLog};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::{Cursor, Page, ViewStore};
use cqrs_sqlite::{SqliteLog, SqliteViews};
use cqrs_test_servers::{Postgres, Redis};

use cqrs_tests::chance::{Random, seed};

#[derive(Id)]
pub struct ArticleId(u32);

#[derive(Id)]
pub struct AuthorId(u32);

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct Published {
    #[tag]
    pub article: ArticleId,
    #[tag]
    pub author: AuthorId,
    pub written: i64,
    pub tags: Vec<String>,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct Retagged {
    #[tag]
    pub article: ArticleId,
    pub tags: Vec<String>,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct Withdrawn {
    #[tag]
    pub article: ArticleId,
}

/// Every article with one tag has another instead.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
pub struct TagRenamed {
    pub from: String,
    pub to: String,
}

#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
#[cqrs(index(author, written))]
#[allow(clippy::struct_field_names, reason = "the key has the name that it has in events")]
pub struct Article {
    #[key]
    pub article: ArticleId,
    #[index]
    pub author: AuthorId,
    #[index]
    pub written: i64,
    #[index]
    pub tags: Vec<String>,
}

#[projection(on = [Published, Retagged, Withdrawn, TagRenamed])]
impl Article {
    fn published(e: &Published) -> Self {
        Self { article: e.article, author: e.author, written: e.written, tags: e.tags.clone() }
    }
    fn retagged(&mut self, e: &Retagged) {
        self.tags.clone_from(&e.tags);
    }
    fn withdrawn(self, _: &Withdrawn) -> Option<Self> {
        None
    }
    #[by(tags = e.from.clone())]
    fn tag_renamed(&mut self, e: &TagRenamed) {
        for tag in &mut self.tags {
            if *tag == e.from {
                tag.clone_from(&e.to);
            }
        }
    }
}

#[derive(Events, Clone, Debug)]
pub enum Change {
    Published(Published),
    Retagged(Retagged),
    Withdrawn(Withdrawn),
    TagRenamed(TagRenamed),
}

#[derive(Command, Serialize, Deserialize)]
pub enum Edit {
    Publish { article: ArticleId, author: AuthorId, written: i64, tags: Vec<String> },
    Retag { article: ArticleId, tags: Vec<String> },
    Withdraw { article: ArticleId },
    RenameTag { from: String, to: String },
}

#[command]
fn edit(cmd: Edit) -> Result<Change, std::convert::Infallible> {
    Ok(match cmd {
        Edit::Publish { article, author, written, tags } => {
            Change::Published(Published { article, author, written, tags })
        }
        Edit::Retag { article, tags } => Change::Retagged(Retagged { article, tags }),
        Edit::Withdraw { article } => Change::Withdrawn(Withdrawn { article }),
        Edit::RenameTag { from, to } => Change::TagRenamed(TagRenamed { from, to }),
    })
}

/// The articles that a page of a blog lists, the newest first.
#[derive(Query, Serialize, Deserialize, Clone, Debug)]
#[cqrs(returns = (Page<Article>, Vec<(String, u64)>, Vec<String>, bool))]
pub struct List {
    pub tags: Vec<String>,
    pub author: Option<AuthorId>,
    pub followed: Option<Vec<AuthorId>>,
    pub rows: u32,
    pub cursor: Option<Cursor>,
}

#[query]
async fn list(
    q: List,
    articles: Views<Article>,
) -> Result<(Page<Article>, Vec<(String, u64)>, Vec<String>, bool), QueryError> {
    if let (true, Some(author)) = (q.tags.is_empty(), q.author.filter(|_| q.followed.is_none())) {
        // Those of one author, from the compound index.
        let found = || articles.find(Article::AUTHOR.eq(author));
        let page = found().order_by(Article::WRITTEN.desc()).page(q.rows).at(q.cursor).with_total().await?;
        return Ok((
            page,
            found().count_by(Article::TAGS).await?,
            found().distinct(Article::TAGS).await?,
            found().exists().await?,
        ));
    }
    let mut wanted = if let [tag] = &*q.tags { Article::TAGS.has(tag) } else { Article::TAGS.has_any(&q.tags) };
    if let Some(author) = q.author {
        wanted = wanted.and(Article::AUTHOR.eq(author));
    }
    if let Some(followed) = q.followed {
        wanted = wanted.and(Article::AUTHOR.one_of(followed));
    }
    let found = || articles.find(wanted.clone());
    let page = found().order_by(Article::WRITTEN.desc()).page(q.rows).at(q.cursor).with_total().await?;
    Ok((page, found().count_by(Article::TAGS).await?, found().distinct(Article::TAGS).await?, found().exists().await?))
}

const TAGS: [&str; 6] = ["rust", "cqrs", "Rust", "", "a b", "größe"];

fn some_tags(chance: &mut Random) -> Vec<String> {
    // One of them may come twice, and counts once.
    (0..chance.below(4)).map(|_| some_tag(chance)).collect()
}

fn some_tag(chance: &mut Random) -> String {
    TAGS[usize::try_from(chance.below(6)).unwrap()].to_owned()
}

async fn app(log: impl EventLog, views: Option<impl ViewStore>) -> App {
    let builder = App::builder().only_modules([module_path!()]).log(log);
    match views {
        Some(views) => builder.views(views).build().await.unwrap(),
        None => builder.build().await.unwrap(),
    }
}

/// Writes articles at random, in the app and in a model, and asks both the same.
async fn answers_are_those_of_a_model(app: &App, chance: &mut Random) {
    let mut model: BTreeMap<u32, Article> = BTreeMap::new();
    let mut position = None;
    for written in 0..150 {
        let article = ArticleId(u32::try_from(chance.below(40)).unwrap());
        let author = AuthorId(u32::try_from(chance.below(4)).unwrap());
        let tags = some_tags(chance);
        let edit = match chance.below(10) {
            0 => {
                let (from, to) = (some_tag(chance), some_tag(chance));
                for tag in model.values_mut().flat_map(|article| &mut article.tags).filter(|tag| **tag == from) {
                    tag.clone_from(&to);
                }
                Edit::RenameTag { from, to }
            }
            _ if !model.contains_key(&article.0) => {
                // Many are of one moment.
                let written = written / 10;
                model.insert(article.0, Article { article, author, written, tags: tags.clone() });
                Edit::Publish { article, author, written, tags }
            }
            1 => {
                model.remove(&article.0);
                Edit::Withdraw { article }
            }
            _ => {
                model.get_mut(&article.0).unwrap().tags.clone_from(&tags);
                Edit::Retag { article, tags }
            }
        };
        position = Some(app.commands().execute(edit).await.unwrap().position());
    }
    let queries = app.queries().after(position.unwrap());
    for _ in 0..60 {
        let some = |chance: &mut Random| AuthorId(u32::try_from(chance.below(5)).unwrap());
        let mut asked = List {
            tags: some_tags(chance),
            author: (chance.below(2) == 0).then(|| some(chance)),
            followed: (chance.below(3) == 0).then(|| (0..chance.below(4)).map(|_| some(chance)).collect()),
            rows: 1 + u32::try_from(chance.below(6)).unwrap(),
            cursor: None,
        };
        let mut expected: Vec<&Article> = model.values().filter(|article| is_listed(article, &asked)).collect();
        expected.sort_by_key(|article| std::cmp::Reverse((article.written, article.article.0.to_string())));
        let mut cloud: BTreeMap<&str, u64> = BTreeMap::new();
        for article in &expected {
            let tags: BTreeSet<&str> = article.tags.iter().map(String::as_str).collect();
            for tag in tags {
                *cloud.entry(tag).or_default() += 1;
            }
        }
        let distinct: Vec<String> = cloud.keys().map(|tag| (*tag).to_owned()).collect();
        let mut cloud: Vec<(String, u64)> = cloud.into_iter().map(|(tag, rows)| (tag.to_owned(), rows)).collect();
        cloud.sort_by_key(|(_, rows)| std::cmp::Reverse(*rows));
        let mut found = Vec::new();
        loop {
            let (page, counted, values, exists) = queries.ask(asked.clone()).await.unwrap();
            assert_eq!(page.total, Some(expected.len() as u64), "{asked:?}");
            assert_eq!((counted, values, exists), (cloud.clone(), distinct.clone(), !expected.is_empty()), "{asked:?}");
            found.extend(page.rows);
            asked.cursor = page.next;
            if asked.cursor.is_none() {
                break;
            }
        }
        assert_eq!(found.iter().collect::<Vec<_>>(), expected, "{asked:?}");
    }
}

fn is_listed(article: &Article, asked: &List) -> bool {
    let of_one = asked.tags.is_empty() && asked.author.is_some() && asked.followed.is_none();
    (of_one || article.tags.iter().any(|tag| asked.tags.contains(tag)))
        && asked.author.is_none_or(|author| article.author == author)
        && asked.followed.as_ref().is_none_or(|followed| followed.contains(&article.author))
}

const ALONE: Option<SqliteViews> = None;

#[tokio::test]
async fn a_blog_is_listed_from_memory() {
    answers_are_those_of_a_model(&app(MemoryLog::new(), ALONE).await, &mut Random::new(seed())).await;
}

#[tokio::test]
async fn a_blog_is_listed_from_a_file() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("log.db")).await.unwrap();
    answers_are_those_of_a_model(&app(log, ALONE).await, &mut Random::new(seed())).await;
}

#[tokio::test]
async fn a_blog_is_listed_from_a_server() {
    let (log, views) = (Postgres::shared().database(), Postgres::shared().database());
    let log = PostgresLog::open(log.url()).await.unwrap();
    let views = PostgresViews::open(views.url()).await.unwrap();
    answers_are_those_of_a_model(&app(log, Some(views)).await, &mut Random::new(seed())).await;
}

#[tokio::test]
async fn a_blog_is_listed_from_redis() {
    let prefix = format!("articles:{}:", Uuid::now_v7());
    let views = RedisViews::builder(Redis::shared().url()).prefix(prefix).open().await.unwrap();
    answers_are_those_of_a_model(&app(MemoryLog::new(), Some(views)).await, &mut Random::new(seed())).await;
}
