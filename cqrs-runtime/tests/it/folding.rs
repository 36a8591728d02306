//! Folding events in batches of any size gives the same views as folding them one at a time.

use std::collections::BTreeMap;
use std::hash::{BuildHasher, RandomState};

use cqrs_runtime::log::{MemoryLog, RawEvent};
use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::given;

use crate::domains::club::*;

/// Numbers that look random; a failing test prints the seed.
pub struct Chance(u64);

impl Chance {
    pub fn new() -> Self {
        let chance = Self(RandomState::new().hash_one(1));
        println!("the seed is {}", chance.0);
        chance
    }
    pub fn below(&mut self, bound: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % bound
    }
    pub fn pick<T: Copy>(&mut self, from: &[T]) -> T {
        from[self.below(from.len())]
    }
}

/// The club as plain code keeps it: the names of the teams, and the members.
#[derive(Default)]
pub struct Ledger {
    teams: BTreeMap<TeamId, TeamCard>,
    members: BTreeMap<MemberId, MemberCard>,
}

impl Ledger {
    /// Whether the event is one that every fold takes.
    pub fn allows(&self, event: &Happened) -> bool {
        let there = |member| self.members.contains_key(member);
        match event {
            Happened::Named(_) | Happened::Dissolved(_) => true,
            Happened::Joined(event) => !there(&event.member),
            Happened::Scored(event) => there(&event.member),
            Happened::ChangedTeam(event) => there(&event.member),
            Happened::Left(event) => there(&event.member),
            Happened::Swapped(event) => there(&event.one) && there(&event.other),
        }
    }

    pub fn apply(&mut self, event: &Happened) {
        match event.clone() {
            Happened::Named(TeamNamed { team, name }) => {
                self.members
                    .values_mut()
                    .filter(|card| card.team == team)
                    .for_each(|card| card.team_name = Some(name.clone()));
                let names = self.teams.get(&team).map_or(1, |card| card.names + 1);
                self.teams.insert(team, TeamCard { team, name, names });
            }
            Happened::Joined(MemberJoined { member, team }) => {
                let joined = self.teams.get(&team).map(|card| card.name.clone());
                let team_name = joined.clone();
                self.members
                    .insert(member, MemberCard { member, team, joined, team_name, scores: 0, points: 0, swaps: 0 });
            }
            Happened::Scored(MemberScored { member, points }) => {
                let card = self.members.get_mut(&member).unwrap();
                card.scores += 1;
                card.points += points;
            }
            Happened::ChangedTeam(MemberChangedTeam { member, team }) => {
                let card = self.members.get_mut(&member).unwrap();
                card.team = team;
                card.team_name = self.teams.get(&team).map(|card| card.name.clone());
            }
            Happened::Left(MemberLeft { member }) => {
                self.members.remove(&member);
            }
            Happened::Dissolved(TeamDissolved { team }) => self.members.retain(|_, card| card.team != team),
            Happened::Swapped(MembersSwapped { one, other }) => {
                self.members.get_mut(&one).unwrap().swaps += 1;
                self.members.get_mut(&other).unwrap().swaps += 1;
            }
        }
    }
}

pub struct People {
    members: Vec<MemberId>,
    teams: Vec<TeamId>,
}

impl People {
    pub fn new() -> Self {
        Self { members: (0..6).map(|_| MemberId::new()).collect(), teams: (0..3).map(|_| TeamId::new()).collect() }
    }

    pub fn anything(&self, chance: &mut Chance) -> Happened {
        let (member, other, team) = (chance.pick(&self.members), chance.pick(&self.members), chance.pick(&self.teams));
        match chance.below(20) {
            0..4 => Happened::Named(TeamNamed { team, name: format!("name {}", chance.below(1000)) }),
            4..9 => Happened::Joined(MemberJoined { member, team }),
            9..13 => Happened::Scored(MemberScored { member, points: i64::try_from(chance.below(100)).unwrap() }),
            13..16 => Happened::ChangedTeam(MemberChangedTeam { member, team }),
            16..18 => Happened::Left(MemberLeft { member }),
            18 => Happened::Dissolved(TeamDissolved { team }),
            _ => Happened::Swapped(MembersSwapped { one: member, other }),
        }
    }
}

#[test]
fn any_history_makes_the_views_that_folding_by_hand_makes() {
    let mut chance = Chance::new();
    for _ in 0..60 {
        let (people, mut ledger, mut events) = (People::new(), Ledger::default(), Vec::new());
        for _ in 0..chance.below(60) {
            let event = people.anything(&mut chance);
            if ledger.allows(&event) {
                ledger.apply(&event);
                events.push(event);
            }
        }
        let history = given(events);
        assert_eq!(history.views::<TeamCard>(), ledger.teams.into_values().collect::<Vec<_>>());
        assert_eq!(history.views::<MemberCard>(), ledger.members.into_values().collect::<Vec<_>>());
    }
}

#[tokio::test]
async fn batches_make_no_difference_to_what_is_parked_either() {
    let mut chance = Chance::new();
    for _ in 0..40 {
        let people = People::new();
        // Many of these cannot be folded: joining twice, scoring after leaving, points that are too many.
        let mut anything = || {
            let mut raw = match people.anything(&mut chance) {
                Happened::Scored(event) if chance.below(4) == 0 => {
                    RawEvent::of(&MemberScored { points: i64::MAX, ..event }).unwrap()
                }
                event => event.raw(),
            };
            if chance.below(12) == 0 {
                raw.data = "{\"cut off".into();
            }
            raw
        };
        let events: Vec<_> = (0..50).map(|_| anything()).collect();
        let at_once = MemoryLog::new();
        let last = happen(&at_once, events.clone()).await;
        let expected = standing(&club(&at_once).await, last).await;

        let (log, mut rest) = (MemoryLog::new(), &events[..]);
        let app = club(&log).await;
        let most = chance.pick(&[1, 2, 8]);
        while !rest.is_empty() {
            let (batch, later) = rest.split_at((1 + chance.below(most)).min(rest.len()));
            let at = happen(&log, batch.to_vec()).await;
            standing(&app, at).await;
            rest = later;
        }
        assert_eq!(standing(&app, last).await, expected, "in batches of {most} at most");
    }
}

#[test]
fn a_fan_out_reaches_rows_that_the_same_batch_has_made_moved_and_ended() {
    let (team, other) = (TeamId::new(), TeamId::new());
    let (stays, comes, goes, ends) = (MemberId::new(), MemberId::new(), MemberId::new(), MemberId::new());
    let named = |name: &str| TeamNamed { team, name: name.into() };
    let joined = |member, team| MemberJoined { member, team };
    let history = given((
        named("old"),
        [joined(stays, team), joined(goes, team), joined(ends, team), joined(comes, other)],
        [MemberChangedTeam { member: comes, team }, MemberChangedTeam { member: goes, team: other }],
        MemberLeft { member: ends },
        named("new"),
    ));
    let name = |member| history.view::<MemberCard>(member).map(|card| card.team_name);
    assert_eq!(name(stays), Some(Some("new".into())), "made in this batch");
    assert_eq!(name(comes), Some(Some("new".into())), "moved here in this batch");
    assert_eq!(name(goes), Some(None), "moved away in this batch");
    assert_eq!(name(ends), None, "ended in this batch");
}

#[test]
fn a_look_up_is_read_at_the_position_of_the_event() {
    let (team, early, late) = (TeamId::new(), MemberId::new(), MemberId::new());
    let history = given((
        TeamNamed { team, name: "first".into() },
        MemberJoined { member: early, team },
        TeamNamed { team, name: "second".into() },
        MemberJoined { member: late, team },
        TeamNamed { team, name: "third".into() },
    ));
    let joined = |member| history.view::<MemberCard>(member).unwrap().joined;
    assert_eq!(joined(early).as_deref(), Some("first"));
    assert_eq!(joined(late).as_deref(), Some("second"));
}

#[test]
fn a_row_that_has_ended_may_begin_anew() {
    let (team, member) = (TeamId::new(), MemberId::new());
    let history = given((
        MemberJoined { member, team },
        MemberScored { member, points: 5 },
        MemberLeft { member },
        MemberJoined { member, team },
        MemberScored { member, points: 1 },
    ));
    assert_eq!(history.view::<MemberCard>(member).map(|card| (card.scores, card.points)), Some((1, 1)));
}

/// A view of fractions, which are stored as JSON between batches.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Average {
    #[key]
    pub name: String,
    pub sum: f64,
}

/// Something was measured.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Measured {
    pub name: String,
    pub value: f64,
}

#[projection(on = [Measured])]
impl Average {
    fn measured(this: Option<Self>, event: &Measured) -> Self {
        Self { name: event.name.clone(), sum: this.map_or(0.0, |this| this.sum) * 0.7 + event.value }
    }
}

#[test]
fn fractions_come_back_from_the_store_to_the_last_digit() {
    let mut chance = Chance::new();
    let events: Vec<_> = (0..300)
        .map(|_| Measured { name: "x".into(), value: f64::from(u32::try_from(chance.below(1 << 31)).unwrap()) / 1e7 })
        .collect();
    assert_eq!(given(events).views::<Average>().len(), 1);
}
