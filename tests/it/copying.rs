//! Copying a log into another one of any kind gives an identical log.

use std::convert::Infallible;
use std::sync::Arc;

use cqrs_runtime::Tag;
use cqrs_runtime::log::{
    self, AppendEntry, CopyError, CopyPhase, EventLog, EventQuery, MemoryLog, RawEvent, append_raw,
};
use cqrs_runtime::prelude::*;
use tokio::sync::mpsc;

use crate::logs::logs;

#[derive(Id)]
pub struct BoxId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Packed {
    #[tag]
    parcel: BoxId,
    what: String,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Announced {
    #[tag]
    parcel: BoxId,
}

#[derive(Command, Serialize, Deserialize)]
pub struct Pack {
    parcel: BoxId,
    what: String,
}

#[command]
fn pack(cmd: Pack) -> Result<Packed, Infallible> {
    Ok(Packed { parcel: cmd.parcel, what: cmd.what })
}

#[derive(Command, Serialize, Deserialize)]
pub struct Tell {
    parcel: BoxId,
}

#[command]
fn tell(cmd: Tell) -> Result<Announced, Infallible> {
    Ok(Announced { parcel: cmd.parcel })
}

#[policy(on = [Packed])]
fn announce_what_is_packed(e: &Packed) -> Tell {
    Tell { parcel: e.parcel }
}

async fn app(log: &Arc<dyn EventLog>) -> App {
    App::builder().log(Arc::clone(log)).only_modules(["it::copying"]).build().await.unwrap()
}

fn pack_with(app: &App, id: &str, what: &str) -> impl Future<Output = Receipt> {
    let meta = Meta::new().command_id(CommandId::new(id)).actor("ann").tenant("t");
    let (bus, what) = (app.commands().with_meta(meta), what.to_owned());
    async move { bus.execute(Pack { parcel: BoxId::from(Uuid::from_u128(what.len() as u128)), what }).await.unwrap() }
}

/// Events of several pages, some strange ones, and commands with ids.
async fn fill(log: &Arc<dyn EventLog>) {
    let app = app(log).await;
    for number in 0..4 {
        pack_with(&app, &format!("order-{number} ✓"), &"ö".repeat(number)).await;
    }
    app.settled().await.unwrap();
    app.close().await;
    let packed = |number: u32| Packed { parcel: BoxId::new(), what: format!("{number} \u{1} \"💶\"") };
    log::append(&**log, vec![AppendEntry::new((0..1_200).map(packed).collect::<Vec<_>>())]).await.unwrap();
    // Written by nobody's `serde`.
    let data = format!("{{ \"parcel\" : \"{}\",\t\"more\": [1e400] }}", Uuid::nil());
    let strange = RawEvent { name: "Announced".into(), version: 1, tags: vec![Tag::from_text("box:ü")], data };
    append_raw(&**log, vec![strange], Meta::new()).await.unwrap();
}

async fn events(log: &dyn EventLog) -> Vec<cqrs_runtime::event::RecordedEvent> {
    log.read(&EventQuery::all(), Position::START, usize::MAX / 2).await.unwrap().events
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_is_the_same_and_goes_on() {
    let mut others = logs().await;
    others.rotate_left(1);
    for (from, _place) in logs().await {
        fill(&from).await;
        for (to, _) in &others {
            if to.head().await.unwrap() != Position::START {
                continue;
            }
            let mut phases = Vec::new();
            let copied =
                log::copy(&*from, &**to).progress(|at| phases.push((at.phase, at.done <= at.of))).await.unwrap();
            assert_eq!((copied.events, copied.commands, copied.found), (1_209, 8, 0));
            assert!(phases.iter().all(|(_, within)| *within) && phases.len() > 6, "{phases:?}");
            assert_eq!(events(&*from).await, events(&**to).await);
            let names = async |log: &dyn EventLog| {
                let mut names = log.names().unwrap().declared().await.unwrap();
                names.sort_by_key(|name| (name.declaration.kind, name.declaration.name.clone()));
                names
            };
            assert_eq!(names(&*from).await, names(&**to).await);
            assert!(!names(&**to).await.is_empty());
            let again = log::copy(&*from, &**to).await.unwrap();
            assert_eq!((again.events, again.commands, again.found), (1_209, 8, 1_209), "a second copy finds all of it");

            // It is used where the other one was left: ids are known, and the policy begins at the first event that it has not seen.
            let app = app(to).await;
            assert!(pack_with(&app, "order-1 ✓", "ö").await.is_repeated());
            app.settled().await.unwrap();
            let heard =
                to.read(&EventQuery::named(&["Announced"]), Position::START, 10_000).await.unwrap().events.len();
            assert_eq!(heard, 1_205, "each event was answered once");
            app.close().await;
            let error = log::copy(&*from, &**to).await.unwrap_err();
            assert!(matches!(error, CopyError::Ahead { .. }), "{error}");
            break;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_copy_that_was_killed_goes_on_where_it_ended() {
    let from: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    fill(&from).await;
    for (to, _place) in logs().await {
        for phase in [CopyPhase::Events, CopyPhase::Events, CopyPhase::Verifying, CopyPhase::Commands] {
            let (tell, mut heard) = mpsc::unbounded_channel();
            let (from, to) = (Arc::clone(&from), Arc::clone(&to));
            let copying = tokio::spawn(async move {
                let _ = log::copy(&*from, &*to).progress(move |at| tell.send(at.phase).unwrap_or_default()).await;
            });
            while let Some(at) = heard.recv().await {
                if at == phase {
                    copying.abort();
                }
            }
            let _ = copying.await;
        }
        let copied = log::copy(&*from, &*to).await.unwrap();
        assert_eq!((copied.events, copied.commands), (1_209, 8));
        assert_eq!(events(&*from).await, events(&*to).await);
    }
}

#[tokio::test]
async fn what_is_no_copy_is_refused_and_left_alone() {
    for (to, _place) in logs().await {
        let from: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let packed = || vec![AppendEntry::new(Packed { parcel: BoxId::new(), what: String::new() })];
        log::append(&*from, packed()).await.unwrap();
        log::append(&*to, packed()).await.unwrap();
        let before = events(&*to).await;
        let error = log::copy(&*from, &*to).await.unwrap_err();
        assert!(matches!(&error, CopyError::OtherEvent { position, .. } if *position == 1), "{error}");
        log::append(&*to, packed()).await.unwrap();
        let error = log::copy(&*from, &*to).await.unwrap_err();
        assert!(matches!(&error, CopyError::Ahead { found: 2, expected: 1, .. }), "{error}");
        assert_eq!(events(&*to).await[..1], before);
    }
    // The same events, and another command.
    for (to, _place) in logs().await {
        let from: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
        let (one, other) = (app(&from).await, app(&to).await);
        for (app, what) in [(&one, "a"), (&other, "b")] {
            app.commands()
                .with_meta(Meta::new().command_id(CommandId::new("x")))
                .execute(Nothing { what: what.into() })
                .await
                .unwrap();
        }
        let error = log::copy(&*from, &*to).await.unwrap_err();
        assert!(matches!(&error, CopyError::OtherCommand { id, .. } if id.as_str() == "x"), "{error}");
        other.forget_commands(Timestamp::from_micros(i64::from(u32::MAX) * 1_000_000).unwrap()).await.unwrap();
        other
            .commands()
            .with_meta(Meta::new().command_id(CommandId::new("y")))
            .execute(Nothing { what: String::new() })
            .await
            .unwrap();
        let error = log::copy(&*from, &*to).await.unwrap_err();
        assert!(matches!(&error, CopyError::CommandCount { found: 2, expected: 1, .. }), "{error}");
    }
}

/// A command without an event.
#[derive(Command, Serialize, Deserialize)]
pub struct Nothing {
    what: String,
}

#[command]
fn nothing(_cmd: Nothing) -> Result<Option<Announced>, Infallible> {
    Ok(None)
}

#[tokio::test]
async fn a_log_that_is_written_meanwhile_is_copied_up_to_there_and_said_to_change() {
    let from: Arc<dyn EventLog> = Arc::new(MemoryLog::new());
    fill(&from).await;
    let to = MemoryLog::new();
    let late = || vec![AppendEntry::new(Packed { parcel: BoxId::new(), what: "late".into() })];
    // A log in memory is never waited for: the append is done within the callback.
    let copied = log::copy(&*from, &to)
        .progress(|at| {
            if at.phase == CopyPhase::Commands {
                let mut append = std::pin::pin!(log::append(&*from, late()));
                let mut now = std::task::Context::from_waker(std::task::Waker::noop());
                assert!(append.as_mut().poll(&mut now).is_ready());
            }
        })
        .await;
    match copied {
        Err(CopyError::Changing { .. }) => {
            assert_eq!(to.head().await.unwrap(), 1_209, "what there was at the start is there");
        }
        other => panic!("{other:?}"),
    }
    let copied = log::copy(&*from, &to).await.unwrap();
    assert_eq!((copied.events, copied.found), (1_210, 1_209));
}
