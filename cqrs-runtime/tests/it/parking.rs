//! An event that cannot be folded parks its key. Other keys go on.

use cqrs_runtime::log::{MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;

use crate::domains::club::*;

fn raw<E: Event>(event: &E) -> RawEvent {
    RawEvent::of(event).unwrap()
}

fn joined(member: MemberId, team: TeamId) -> RawEvent {
    raw(&MemberJoined { member, team })
}

fn scored(member: MemberId, points: i64) -> RawEvent {
    raw(&MemberScored { member, points })
}

/// The scores and points of a member.
fn card(cards: &[MemberCard], member: MemberId) -> Option<(u32, i64)> {
    cards.iter().find(|card| card.member == member).map(|card| (card.scores, card.points))
}

#[tokio::test]
async fn an_event_that_cannot_be_read_parks_its_key_and_no_other() {
    for at_once in [true, false] {
        let (log, team, (sick, well)) = (MemoryLog::new(), TeamId::new(), (MemberId::new(), MemberId::new()));
        let poison = RawEvent { data: "{\"member\": 7".into(), ..scored(sick, 1) };
        let events =
            [joined(sick, team), joined(well, team), scored(sick, 1), poison, scored(sick, 2), scored(well, 3)];
        let app = club(&log).await;
        let mut at = Position::START;
        for batch in events.chunks(if at_once { events.len() } else { 1 }) {
            at = happen(&log, batch.to_vec()).await;
            standing(&app, at).await;
        }
        let (_, cards, parked) = standing(&app, at).await;
        assert_eq!(
            card(&cards, sick),
            Some((1, 1)),
            "the row is as it was before the event, and its later events wait"
        );
        assert_eq!(card(&cards, well), Some((1, 3)), "other keys go on");
        assert_eq!(parked.len(), 1);
        assert_eq!((&*parked[0].projection, &*parked[0].key), ("MemberCard", &*sick.to_string()));
        assert_eq!((&*parked[0].event, parked[0].position.get()), ("MemberScored", 4));
        assert!(parked[0].error.contains("does not match its type"), "{}", parked[0].error);
    }
}

#[tokio::test]
async fn an_event_that_names_no_key_parks_itself_alone() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    let lost = RawEvent { data: "[]".into(), tags: Vec::new(), ..scored(member, 1) };
    let at = happen(&log, vec![joined(member, team), lost, scored(member, 2)]).await;
    let (_, cards, parked) = standing(&club(&log).await, at).await;
    assert_eq!(card(&cards, member), Some((1, 2)), "nothing waits behind it");
    assert_eq!((&*parked[0].key, parked[0].position.get(), parked.len()), ("@2", 2, 1));
}

#[tokio::test]
async fn a_method_that_panics_parks_its_key_and_changes_nothing_of_the_row() {
    for at_once in [true, false] {
        let (log, team, (sick, well)) = (MemoryLog::new(), TeamId::new(), (MemberId::new(), MemberId::new()));
        let events = [
            joined(sick, team),
            joined(well, team),
            scored(sick, 1),
            scored(sick, i64::MAX),
            scored(well, 3),
            scored(sick, 2),
        ];
        let app = club(&log).await;
        let mut at = Position::START;
        for batch in events.chunks(if at_once { events.len() } else { 1 }) {
            at = happen(&log, batch.to_vec()).await;
            standing(&app, at).await;
        }
        let (_, cards, parked) = standing(&app, at).await;
        assert_eq!(card(&cards, sick), Some((1, 1)), "what the method did before it panicked is undone");
        assert_eq!(card(&cards, well), Some((1, 3)), "other keys go on");
        assert_eq!((&*parked[0].key, parked[0].position.get(), parked.len()), (&*sick.to_string(), 4, 1));
        assert!(parked[0].error.contains("its method panicked: points are few"), "{}", parked[0].error);
    }
}

#[tokio::test]
async fn what_a_form_refuses_parks_the_key() {
    let (log, team, (twice, never)) = (MemoryLog::new(), TeamId::new(), (MemberId::new(), MemberId::new()));
    let at = happen(&log, vec![joined(twice, team), scored(twice, 1), joined(twice, team), scored(never, 1)]).await;
    let app = club(&log).await;
    let (_, cards, mut parked) = standing(&app, at).await;
    assert_eq!(card(&cards, twice), Some((1, 1)));
    assert_eq!(card(&cards, never), None);
    parked.sort_by_key(|parked| parked.position);
    let parked: Vec<_> = parked.iter().map(|parked| (parked.position.get(), parked.error.as_str())).collect();
    assert_eq!(
        parked,
        [
            (3, "event `MemberJoined` at position 3: it creates a state that already exists"),
            (4, "event `MemberScored` at position 4: it changes a state that does not exist"),
        ]
    );
}

#[tokio::test]
async fn a_parked_key_never_refuses_a_command_nor_hides_a_row() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    let app = club(&log).await;
    happen(&log, vec![joined(member, team), scored(member, i64::MAX), scored(member, 1)]).await;
    let at = happen(&log, vec![raw(&TeamNamed { team, name: "new".into() })]).await;
    let (teams, cards, parked) = standing(&app, at).await;
    assert_eq!(parked.len(), 1);
    assert_eq!(teams.len(), 1, "another projection takes the same events");
    assert_eq!(cards[0].team_name, None, "a fan-out passes over a key that waits");
}

#[tokio::test]
async fn a_rebuild_folds_everything_anew() {
    let (log, team, member) = (MemoryLog::new(), TeamId::new(), MemberId::new());
    let app = club(&log).await;
    let poison = RawEvent { data: "?".into(), ..scored(member, 1) };
    let at =
        happen(&log, vec![joined(member, team), raw(&TeamNamed { team, name: "a".into() }), poison, scored(member, 2)])
            .await;
    let before = standing(&app, at).await;
    assert_eq!(app.rebuild("MemberCard").await.unwrap(), at);
    assert_eq!(standing(&app, at).await, before, "the same events make the same views, and park the same key");
    assert_eq!(before.0[0].names, 1, "and those that are looked up are folded again with them, not twice");
    let error = app.rebuild("Nobody").await.unwrap_err().to_string();
    assert!(error.contains("no projection `Nobody`") && error.contains("MemberCard"), "{error}");
}
