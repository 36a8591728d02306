//! Shelves that are stocked and sold from.

use std::convert::Infallible;

use cqrs_runtime::prelude::*;

/// Shelves are looked for in so many groups.
pub const GROUPS: u32 = 4;

/// Names a shelf.
#[derive(Id)]
pub struct ShelfId(Uuid);

/// The shelf of this number.
#[must_use]
pub fn shelf(number: u32) -> ShelfId {
    ShelfId::from(Uuid::from_u128(number.into()))
}

/// The number of a shelf.
#[must_use]
pub fn number_of(shelf: ShelfId) -> u32 {
    u32::try_from(shelf.0.as_u128()).unwrap_or(u32::MAX)
}

/// The group of a shelf.
#[must_use]
pub fn group_of(shelf: ShelfId) -> u32 {
    number_of(shelf) % GROUPS
}

/// Something was put on a shelf.
#[derive(Event, Serialize, Deserialize)]
pub struct Stocked {
    /// Which.
    #[tag]
    pub shelf: ShelfId,
}

/// Something was sold from a shelf.
#[derive(Event, Serialize, Deserialize)]
pub struct Sold {
    /// Which.
    #[tag]
    pub shelf: ShelfId,
}

/// A shelf fell over. Where it was never stocked, no view has a row of it, and parks it.
#[derive(Event, Serialize, Deserialize)]
pub struct Toppled {
    /// Which.
    #[tag]
    pub shelf: ShelfId,
}

/// What decisions know of a shelf.
#[derive(Default)]
pub struct Shelf {
    left: u64,
}

#[aggregate(id = ShelfId, on = [Stocked, Sold, Toppled])]
impl Shelf {
    fn stocked(this: Option<Self>, _: &Stocked) -> Self {
        Self { left: this.unwrap_or_default().left + 1 }
    }
    fn sold(&mut self, _: &Sold) {
        self.left -= 1;
    }
    fn toppled(this: Option<Self>, _: &Toppled) -> Self {
        this.unwrap_or_default()
    }
}

/// Puts things on a shelf.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Stock {
    /// Which.
    pub shelf: ShelfId,
    /// How many.
    pub times: usize,
}

#[command]
fn stock(cmd: Stock, _shelf: Option<&Shelf>) -> Result<Vec<Stocked>, Infallible> {
    Ok((0..cmd.times).map(|_| Stocked { shelf: cmd.shelf }).collect())
}

/// Sells up to so many things from a shelf.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Sell {
    /// Which.
    pub shelf: ShelfId,
    /// How many.
    pub times: usize,
}

#[command]
fn sell(cmd: Sell, shelf: Option<&Shelf>) -> Result<Vec<Sold>, Infallible> {
    let left = shelf.map_or(0, |shelf| usize::try_from(shelf.left).unwrap_or(usize::MAX));
    Ok((0..cmd.times.min(left)).map(|_| Sold { shelf: cmd.shelf }).collect())
}

/// Lets a shelf fall over.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
pub struct Topple {
    /// Which.
    pub shelf: ShelfId,
}

#[command]
fn topple(cmd: Topple, _shelf: Option<&Shelf>) -> Result<Toppled, Infallible> {
    Ok(Toppled { shelf: cmd.shelf })
}

/// How often a shelf was stocked: a view that both versions have, and share.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
pub struct Tally {
    /// Which.
    #[key]
    pub shelf: ShelfId,
    /// Its group.
    #[index]
    pub group: u32,
    /// How often.
    pub stocked: u64,
}

#[projection(on = [Stocked, Toppled])]
impl Tally {
    fn stocked(this: Option<Self>, event: &Stocked) -> Self {
        let stocked = this.map_or(0, |this| this.stocked) + 1;
        Self { shelf: event.shelf, group: group_of(event.shelf), stocked }
    }
    fn toppled(&mut self, _: &Toppled) {}
}

/// The tallies of a group.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Tally>)]
pub struct Tallies {
    /// Which.
    pub group: u32,
}

#[query]
async fn tallies(q: Tallies, tallies: Views<Tally>) -> Result<Vec<Tally>, QueryError> {
    tallies.find(Tally::GROUP.eq(q.group)).all().await
}
