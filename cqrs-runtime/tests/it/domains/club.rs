//! A club: members who belong to teams and score. Its read models use every form of a fold method.

use cqrs_runtime::log::{EventLog, MemoryLog, RawEvent, append_raw};
use cqrs_runtime::prelude::*;
use cqrs_runtime::view::Parked;

/// The module that an app of the club serves.
pub const CLUB: &str = module_path!();

#[derive(Id)]
pub struct MemberId(Uuid);

#[derive(Id)]
pub struct TeamId(Uuid);

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TeamNamed {
    #[tag]
    pub team: TeamId,
    pub name: String,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MemberJoined {
    #[tag]
    pub member: MemberId,
    #[tag]
    pub team: TeamId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MemberScored {
    #[tag]
    pub member: MemberId,
    pub points: i64,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MemberChangedTeam {
    #[tag]
    pub member: MemberId,
    #[tag]
    pub team: TeamId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MemberLeft {
    #[tag]
    pub member: MemberId,
}

#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TeamDissolved {
    #[tag]
    pub team: TeamId,
}

/// Two members change places.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MembersSwapped {
    #[tag]
    pub one: MemberId,
    #[tag]
    pub other: MemberId,
}

/// Anything that happens in the club.
#[derive(Events, Clone, Debug)]
pub enum Happened {
    Named(TeamNamed),
    Joined(MemberJoined),
    Scored(MemberScored),
    ChangedTeam(MemberChangedTeam),
    Left(MemberLeft),
    Dissolved(TeamDissolved),
    Swapped(MembersSwapped),
}

impl Happened {
    pub fn raw(&self) -> RawEvent {
        let raw = match self {
            Self::Named(event) => RawEvent::of(event),
            Self::Joined(event) => RawEvent::of(event),
            Self::Scored(event) => RawEvent::of(event),
            Self::ChangedTeam(event) => RawEvent::of(event),
            Self::Left(event) => RawEvent::of(event),
            Self::Dissolved(event) => RawEvent::of(event),
            Self::Swapped(event) => RawEvent::of(event),
        };
        raw.unwrap()
    }
}

/// A team's name, and how often it was given one.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct TeamCard {
    #[key]
    pub team: TeamId,
    pub name: String,
    pub names: u32,
}

#[projection(on = [TeamNamed])]
impl TeamCard {
    fn named(this: Option<Self>, event: &TeamNamed) -> Self {
        let names = this.map_or(0, |card| card.names) + 1;
        Self { team: event.team, name: event.name.clone(), names }
    }
}

/// A member, with the name that the team has now and the one that it had when the member came.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct MemberCard {
    #[key]
    pub member: MemberId,
    #[index]
    pub team: TeamId,
    pub joined: Option<String>,
    pub team_name: Option<String>,
    pub scores: u32,
    pub points: i64,
    pub swaps: u32,
}

#[projection(on = [
    TeamNamed, MemberJoined, MemberScored, MemberChangedTeam, MemberLeft, TeamDissolved, MembersSwapped,
])]
impl MemberCard {
    fn joined(event: &MemberJoined, team: Option<&TeamCard>) -> Self {
        let name = team.map(|card| card.name.clone());
        Self {
            member: event.member,
            team: event.team,
            joined: name.clone(),
            team_name: name,
            scores: 0,
            points: 0,
            swaps: 0,
        }
    }
    fn scored(&mut self, event: &MemberScored) {
        self.scores += 1;
        self.points = self.points.checked_add(event.points).expect("points are few");
    }
    fn changed_team(&mut self, event: &MemberChangedTeam, team: Option<&TeamCard>) {
        self.team = event.team;
        self.team_name = team.map(|card| card.name.clone());
    }
    fn left(self, _: &MemberLeft) -> Option<Self> {
        None
    }
    #[by(team)]
    fn team_named(&mut self, event: &TeamNamed) {
        self.team_name = Some(event.name.clone());
    }
    #[by(team)]
    fn dissolved(self, _: &TeamDissolved) -> Option<Self> {
        None
    }
    #[keys([event.one, event.other])]
    fn swapped(&mut self, event: &MembersSwapped) {
        self.swaps += 1;
    }
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<MemberCard>)]
pub struct Members {}

#[query]
async fn members(_q: Members, members: Views<MemberCard>) -> Result<Vec<MemberCard>, QueryError> {
    members.scan().all().await
}

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<TeamCard>)]
pub struct Teams {}

#[query]
async fn teams(_q: Teams, teams: Views<TeamCard>) -> Result<Vec<TeamCard>, QueryError> {
    teams.scan().all().await
}

/// An app of the club on this log.
pub async fn club(log: &MemoryLog) -> App {
    App::builder().log(log.clone()).only_modules([CLUB]).build().await.unwrap()
}

/// Appends to the log behind the app's back, and returns the last position.
pub async fn happen(log: &dyn EventLog, events: Vec<RawEvent>) -> Position {
    append_raw(log, events, Meta::new()).await.unwrap()
}

/// The read models at a position, and the keys that are parked.
pub async fn standing(app: &App, at: Position) -> (Vec<TeamCard>, Vec<MemberCard>, Vec<Parked>) {
    let queries = app.queries().after(at);
    (queries.ask(Teams {}).await.unwrap(), queries.ask(Members {}).await.unwrap(), app.parked().await.unwrap())
}

/// What a checkpoint, a lease or a view of this app is stored as: `Counts@FINGERPRINT@next` for `Counts@next`.
pub fn stored(app: &App, name: &str) -> &'static str {
    let (plain, rest) = name.split_at(name.find('@').unwrap_or(name.len()));
    let stored = app.stored_as(plain).expect("a fold projection of this app");
    Box::leak(format!("{}{rest}", stored.projection).into_boxed_str())
}
