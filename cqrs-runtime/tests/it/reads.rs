//! What a query can ask of a view: pages, counts, sums and streams, on an app.

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::given;
use cqrs_runtime::view::{Condition, Cursor, Find, Page};

#[derive(Id)]
pub struct PostId(Uuid);

#[derive(Id)]
pub struct WriterId(String);

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
pub struct Posted {
    #[tag]
    pub post: PostId,
    #[tag]
    pub writer: WriterId,
    pub title: String,
    pub likes: Option<u32>,
    pub score: f64,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
pub struct Withdrawn {
    #[tag]
    pub post: PostId,
}

#[derive(View, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[allow(clippy::struct_field_names, reason = "the key is named like the events' fields")]
pub struct Post {
    #[key]
    pub post: PostId,
    #[index]
    pub writer: WriterId,
    #[index]
    pub title: String,
    #[index]
    pub likes: Option<u32>,
    #[index]
    pub score: f64,
    #[index]
    pub day: Date,
}

#[projection(on = [Posted, Withdrawn])]
impl Post {
    fn posted(e: &Recorded<Posted>) -> Self {
        Self {
            post: e.post,
            writer: e.writer.clone(),
            title: e.title.clone(),
            likes: e.likes,
            score: e.score,
            day: e.recorded_at().date(),
        }
    }
    fn withdrawn(self, _: &Withdrawn) -> Option<Self> {
        None
    }
}

#[derive(Command, Serialize, Deserialize)]
pub struct Write {
    pub post: PostId,
    pub writer: String,
    pub title: String,
    pub likes: Option<u32>,
    pub score: f64,
}

#[derive(Command, Serialize, Deserialize)]
pub struct Withdraw {
    pub post: PostId,
}

#[command]
fn write(cmd: Write) -> Result<Posted, std::convert::Infallible> {
    let Write { post, writer, title, likes, score } = cmd;
    Ok(Posted { post, writer: writer.parse().expect("a name"), title, likes, score })
}

#[command]
fn withdraw(cmd: Withdraw) -> Result<Withdrawn, std::convert::Infallible> {
    Ok(Withdrawn { post: cmd.post })
}

/// The titles of a page in the order of likes.
#[derive(Query, Serialize, Deserialize, Clone)]
#[cqrs(returns = Page<String>)]
pub struct MostLiked {
    pub writer: Option<String>,
    pub rows: u32,
    pub cursor: Option<Cursor>,
}

fn of(posts: &Views<Post>, writer: Option<&str>) -> Find<Post> {
    match writer {
        Some(writer) => posts.find(Post::WRITER.eq(writer.parse::<WriterId>().expect("a name"))),
        None => posts.scan(),
    }
}

#[query]
async fn most_liked(q: MostLiked, posts: Views<Post>) -> Result<Page<String>, QueryError> {
    let found = of(&posts, q.writer.as_deref()).order_by(Post::LIKES.desc());
    Ok(found.page(q.rows).at(q.cursor).with_total().await?.map(|post| post.title))
}

/// Every other answer at once.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Figures)]
pub struct AskFigures {
    pub writer: Option<String>,
}

#[derive(Serialize, Deserialize, Debug, PartialEq)]
pub struct Figures {
    pub exists: bool,
    pub by_writer: Vec<(WriterId, u64)>,
    pub most: Vec<(WriterId, u64)>,
    pub likes: Vec<Option<u32>>,
    pub days: usize,
    pub sum: i64,
    pub score: f64,
    pub least: Option<u32>,
    pub greatest: Option<f64>,
}

#[query]
async fn ask_figures(q: AskFigures, posts: Views<Post>) -> Result<Figures, QueryError> {
    let found = || of(&posts, q.writer.as_deref());
    Ok(Figures {
        exists: found().exists().await?,
        by_writer: found().count_by(Post::WRITER).await?,
        most: found().limit(1).count_by(Post::WRITER).await?,
        likes: found().distinct(Post::LIKES).await?,
        days: found().distinct(Post::DAY).await?.len(),
        sum: found().sum(Post::LIKES).await?,
        score: found().sum(Post::SCORE).await?,
        least: found().min(Post::LIKES).await?.flatten(),
        greatest: found().max(Post::SCORE).await?,
    })
}

/// The titles that begin with a text, streamed.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<String>)]
pub struct Titled {
    pub prefix: String,
    pub limit: Option<u32>,
}

#[query]
async fn titled(q: Titled, posts: Views<Post>) -> Result<Vec<String>, QueryError> {
    let condition: Condition<Post> = Post::TITLE.starts_with(&q.prefix);
    let mut found = posts.find(condition).order_by(Post::TITLE.asc());
    if let Some(limit) = q.limit {
        found = found.limit(limit);
    }
    let (mut rows, mut titles) = (found.stream(), Vec::new());
    while let Some(post) = rows.next().await {
        titles.push(post?.title);
    }
    Ok(titles)
}

/// Posts by their ids.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Option<String>>)]
pub struct Named {
    pub posts: Vec<PostId>,
}

#[query]
async fn named(q: Named, posts: Views<Post>) -> Result<Vec<Option<String>>, QueryError> {
    let posts = posts.get_all(&q.posts).await?;
    Ok(posts.into_iter().map(|post| post.map(|post| post.title)).collect())
}

fn posted(writer: &str, title: &str, likes: Option<u32>, score: f64) -> Posted {
    let writer = writer.parse().expect("a name");
    Posted { post: PostId::new(), writer, title: title.to_owned(), likes, score }
}

async fn app() -> App {
    let app = App::builder().only_modules([module_path!()]).log(MemoryLog::new()).build().await;
    app.expect("an app")
}

async fn put(app: &App, title: &str, likes: Option<u32>) -> PostId {
    let post = PostId::new();
    let command = Write { post, writer: "ann".into(), title: title.into(), likes, score: 0.0 };
    app.commands().execute(command).await.expect("it is written");
    post
}

async fn page(app: &App, rows: u32, cursor: Option<Cursor>) -> Page<String> {
    app.queries().ask(MostLiked { writer: None, rows, cursor }).await.expect("a page")
}

#[tokio::test]
async fn pages_lead_to_the_next_and_back_while_rows_come_and_go() {
    let app = app().await;
    let mut posts = Vec::new();
    for (title, likes) in [("g", None), ("f", Some(1)), ("e", Some(2)), ("d", Some(2)), ("c", Some(3)), ("a", Some(9))]
    {
        posts.push(put(&app, title, likes).await);
    }
    let first = page(&app, 2, None).await;
    assert_eq!((&first.rows[..], first.total), (&["a".to_owned(), "c".into()][..], Some(6)));
    assert_eq!(first.previous, None, "nothing comes before the first page");

    // One more before, the last row of the page gone, and one behind.
    put(&app, "b", Some(5)).await;
    app.commands().execute(Withdraw { post: posts[4] }).await.expect("it is withdrawn");
    let second = page(&app, 2, first.next.clone()).await;
    assert_eq!(second.rows.len(), 2);
    assert!(second.rows.contains(&"d".to_owned()) && second.rows.contains(&"e".to_owned()), "{second:?}");
    let third = page(&app, 2, second.next.clone()).await;
    assert_eq!(third.rows, ["f", "g"], "`None` is the least");
    assert_eq!(third.next, None, "nothing comes after the last page");

    assert_eq!(page(&app, 2, third.previous).await.rows, second.rows);
    let back = page(&app, 2, second.previous.clone()).await;
    assert_eq!(back.rows, ["a", "b"], "what came is there, and what went is not");
    assert_eq!(back.previous, None);
    assert_eq!(page(&app, 2, back.next).await.rows, second.rows);

    // Everything after the cursor goes, and its page still leads back to the last row.
    for gone in [posts[0], posts[1]] {
        app.commands().execute(Withdraw { post: gone }).await.expect("it is withdrawn");
    }
    let empty = page(&app, 2, second.next).await;
    assert_eq!((empty.rows.len(), empty.next.clone()), (0, None));
    assert_eq!(page(&app, 2, empty.previous).await.rows, second.rows);
}

#[tokio::test]
async fn a_page_of_no_rows_is_one_of_one_row() {
    let app = app().await;
    put(&app, "a", None).await;
    assert_eq!(page(&app, 0, None).await.rows, ["a"]);
}

#[tokio::test]
async fn a_cursor_of_another_order_or_of_another_type_is_refused() {
    let app = app().await;
    for likes in 0..3 {
        put(&app, "a", Some(likes)).await;
    }
    let cursor = page(&app, 1, None).await.next.expect("more");
    let views = app.queries().ask(Named { posts: Vec::new() }).await;
    assert_eq!(views.expect("an answer"), Vec::<Option<String>>::new());
    // The same numbers, but a text where a number belongs.
    let json: String = cursor.to_string();
    let bytes: Vec<u8> = json
        .as_bytes()
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).unwrap(), 16).unwrap())
        .collect();
    let forged = String::from_utf8(bytes).unwrap().replace("{\"I\":2}", "{\"T\":\"2\"}");
    let digit = |half: u8| char::from_digit(half.into(), 16).expect("a digit");
    let forged: String = forged.bytes().flat_map(|byte| [digit(byte >> 4), digit(byte & 15)]).collect();
    let forged = MostLiked { writer: None, rows: 1, cursor: Some(forged.parse().expect("a cursor")) };
    let error = app.queries().ask(forged).await.expect_err("a text is no number of likes");
    assert_eq!(error.kind(), "OtherCursor");
    assert_eq!(
        error.to_string(),
        "the cursor is not of this search of view `Post`, which has another order; start at the first page"
    );
    // A cursor that is none is an error of the request.
    let data = r#"{"writer":null,"rows":1,"cursor":"5b5d"}"#;
    let error = app.queries().ask_json("MostLiked", data, Meta::new()).await.expect_err("no cursor");
    assert!(error.to_string().contains("this is no cursor"), "{error}");
}

#[test]
fn values_are_counted_listed_and_added_up() {
    let events = [
        posted("bob", "b", Some(4), 0.5),
        posted("ann", "a", None, -2.25),
        posted("bob", "c", Some(4), 8.0),
        posted("cem", "d", Some(1), 0.0),
    ];
    let name = |name: &str| name.parse::<WriterId>().expect("a name");
    let all = given(events.clone()).ask(AskFigures { writer: None }).expect("an answer");
    let expected = Figures {
        exists: true,
        by_writer: vec![(name("bob"), 2), (name("ann"), 1), (name("cem"), 1)],
        most: vec![(name("bob"), 2)],
        likes: vec![None, Some(1), Some(4)],
        days: 1,
        sum: 9,
        score: 6.25,
        least: Some(1),
        greatest: Some(8.0),
    };
    assert_eq!(all, expected);
    let none = given(events).ask(AskFigures { writer: Some("dan".into()) }).expect("an answer");
    let expected = Figures {
        exists: false,
        by_writer: vec![],
        most: vec![],
        likes: vec![],
        days: 0,
        sum: 0,
        score: 0.0,
        least: None,
        greatest: None,
    };
    assert_eq!(none, expected);
}

#[test]
fn events_happen_when_a_scenario_says() {
    let day = |text: &str| -> Timestamp { format!("{text}T12:00:00Z").parse().expect("a time") };
    let scenario = given(posted("ann", "a", None, 0.0))
        .at(day("2026-05-01"))
        .and([posted("ann", "b", None, 0.0), posted("ann", "c", None, 0.0)])
        .at(day("2026-05-02"))
        .and(posted("ann", "d", None, 0.0))
        .at(day("2026-05-03"));
    let days: Vec<String> = scenario.views::<Post>().into_iter().map(|post| post.day.to_string()).collect();
    let count = |day: &str| days.iter().filter(|there| *there == day).count();
    assert_eq!([count("2026-05-01"), count("2026-05-02"), count("2026-05-03")], [1, 2, 1]);
    assert_eq!(scenario.ask(AskFigures { writer: None }).expect("an answer").days, 3);
}

#[test]
fn texts_are_found_by_their_start_and_streamed_in_order() {
    let mut events: Vec<Posted> = (0..1_203).map(|n| posted("ann", &format!("ab{n:04}"), None, 0.0)).collect();
    events.extend(["a", "aB", "ac", "AB", "b", "äb", ""].map(|title| posted("ann", title, None, 0.0)));
    let ask =
        |prefix: &str, limit| given(events.clone()).ask(Titled { prefix: prefix.into(), limit }).expect("an answer");
    let expected: Vec<String> = (0..1_203).map(|n| format!("ab{n:04}")).collect();
    assert!(ask("ab", None) == expected, "more than two portions, each row once");
    assert_eq!(ask("ab", Some(700)).len(), 700);
    assert_eq!(ask("ab", Some(0)), Vec::<String>::new());
    assert_eq!(ask("ab12", None), ["ab1200", "ab1201", "ab1202"]);
    assert_eq!(ask("", None).len(), 1_210);
    assert_eq!(ask("x", None), Vec::<String>::new());
}

#[test]
fn rows_are_got_by_many_keys_in_their_order() {
    let (a, b) = (posted("ann", "a", None, 0.0), posted("ann", "b", None, 0.0));
    let posts = vec![b.post, PostId::new(), a.post, b.post];
    let named = given([a, b]).ask(Named { posts }).expect("an answer");
    assert_eq!(named, [Some("b".to_owned()), None, Some("a".into()), Some("b".into())]);
}

#[tokio::test]
async fn a_quiet_app_has_handled_everything_and_shows_it() {
    let app = app().await;
    let post = put(&app, "a", None).await;
    let head = app.quiet().await.expect("it is quiet");
    assert_eq!(head, app.log().head().await.expect("a head"));
    assert_eq!(app.queries().ask(Named { posts: vec![post] }).await.expect("an answer"), [Some("a".to_owned())]);
}
