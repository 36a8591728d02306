//! A command that takes effect only if its aggregates are as its caller has seen them, on each log.

use std::convert::Infallible;
use std::sync::Arc;

use cqrs_runtime::log::EventLog;
use cqrs_runtime::prelude::*;

use crate::logs::logs;

#[derive(Id)]
pub struct BoxId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct BoxMade {
    #[tag]
    r#box: BoxId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Filled {
    #[tag]
    r#box: BoxId,
}

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct MakeBox {
    r#box: BoxId,
}

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct Fill {
    r#box: BoxId,
    as_well: BoxId,
}

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct FillSlowly {
    r#box: BoxId,
}

pub struct Boxed;

#[aggregate(id = BoxId, on = [BoxMade, Filled])]
impl Boxed {
    fn made(_: &BoxMade) -> Self {
        Self
    }
    fn filled(&mut self, _: &Filled) {}
}

#[command]
fn make(cmd: MakeBox) -> Result<BoxMade, Infallible> {
    Ok(BoxMade { r#box: cmd.r#box })
}

#[command]
fn fill(cmd: Fill, #[id(cmd.r#box)] _first: &Boxed, #[id(cmd.as_well)] _second: &Boxed) -> Result<Filled, Infallible> {
    Ok(Filled { r#box: cmd.r#box })
}

#[command]
async fn fill_slowly(cmd: FillSlowly, #[id(cmd.r#box)] _boxed: &Boxed) -> Result<Filled, Infallible> {
    Ok(Filled { r#box: cmd.r#box })
}

async fn app(log: &Arc<dyn EventLog>) -> App {
    App::builder().log(Arc::clone(log)).only_modules(["it::expected"]).build().await.unwrap()
}

/// Whether the command took effect, or conflicted.
async fn takes_effect<H: 'static, C>(app: &App, command: C, meta: Meta) -> bool
where
    C: cqrs_runtime::Handled<H> + Command<Error = Infallible, Returns = ()>,
{
    let head = async || app.log().head().await.unwrap();
    let before = head().await;
    match app.commands().with_meta(meta).execute::<C, H, _>(command).await {
        Ok(receipt) => {
            assert!(receipt.is_repeated() || receipt.position() > before);
            true
        }
        Err(CommandError::Conflict(_)) => {
            assert_eq!(head().await, before, "a conflict leaves no event");
            false
        }
        Err(error) => panic!("{error:?}"),
    }
}

#[tokio::test]
async fn a_command_takes_effect_only_on_what_its_caller_has_seen() {
    for (log, _place) in logs().await {
        // The second process learns of the first one's events by the log alone.
        let (app, other) = (app(&log).await, app(&log).await);
        let [one, two, third] = [BoxId::new(), BoxId::new(), BoxId::new()];
        let mut seen = Position::default();
        for made in [one, two, third] {
            seen = app.commands().execute(MakeBox { r#box: made }).await.unwrap().position();
        }
        let at = |position: Position| Meta::new().expected(position);
        let fill = |first, second| Fill { r#box: first, as_well: second };
        let store = log.describe();
        // As seen; and what happens to others does not count.
        assert!(takes_effect(&app, fill(one, two), at(seen)).await, "{store}");
        assert!(takes_effect(&app, fill(two, two), at(seen)).await, "{store}");
        assert!(takes_effect(&app, FillSlowly { r#box: third }, at(seen)).await, "{store}");
        // Each of the aggregates that the handler loads counts, in this process and in another one.
        for app in [&app, &other] {
            assert!(!takes_effect(app, fill(one, third), at(seen)).await, "{store}");
            assert!(!takes_effect(app, fill(third, two), at(seen)).await, "{store}");
            assert!(!takes_effect(app, FillSlowly { r#box: third }, at(seen)).await, "{store}");
        }
        // What another process has done since.
        let known = log.head().await.unwrap();
        assert!(takes_effect(&other, fill(one, two), at(known)).await, "{store}");
        assert!(!takes_effect(&app, fill(one, two), at(known)).await, "{store}");
        assert!(!takes_effect(&app, FillSlowly { r#box: one }, at(known)).await, "{store}");
        assert!(takes_effect(&app, FillSlowly { r#box: two }, at(known)).await, "{store}");
        // A position that the log does not reach, as after a restored backup.
        let beyond = Position::new(log.head().await.unwrap().get() + 1);
        assert!(!takes_effect(&app, fill(one, two), at(beyond)).await, "{store}");
        assert!(!takes_effect(&app, FillSlowly { r#box: one }, at(beyond)).await, "{store}");
        // A repeated id is answered, although its own event came after the position.
        let known = log.head().await.unwrap();
        let with_id = || at(known).command_id(CommandId::new("fill once"));
        assert!(takes_effect(&app, fill(one, two), with_id()).await, "{store}");
        assert!(takes_effect(&other, fill(one, two), with_id()).await, "{store}");
        assert_eq!(log.head().await.unwrap().get(), known.get() + 1, "{store}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn of_many_that_have_seen_the_same_one_takes_effect() {
    for (log, _place) in logs().await {
        let apps = [app(&log).await, app(&log).await];
        let one = BoxId::new();
        for round in 0..3 {
            let seen = match round {
                0 => apps[0].commands().execute(MakeBox { r#box: one }).await.unwrap().position(),
                _ => log.head().await.unwrap(),
            };
            let racing = (0..8).map(|at| {
                let bus = apps[at % 2].commands().with_meta(Meta::new().expected(seen));
                tokio::spawn(async move { bus.execute(Fill { r#box: one, as_well: one }).await })
            });
            let mut accepted = 0;
            for racing in racing.collect::<Vec<_>>() {
                match racing.await.unwrap() {
                    Ok(_) => accepted += 1,
                    Err(error) => assert!(matches!(error, CommandError::Conflict(_)), "{error:?}"),
                }
            }
            assert_eq!((accepted, log.head().await.unwrap().get()), (1, seen.get() + 1), "{}", log.describe());
        }
    }
}
