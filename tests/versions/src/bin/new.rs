//! The program as it is now: a view has further fields and another event, a type in it has another field, and there is an event that the
//! old program does not know, with a view of its own.

use std::convert::Infallible;

use cqrs_runtime::prelude::*;
use cqrs_versions_tests::shelves::{ShelfId, Sold, Stocked, Toppled, group_of, number_of};

/// What a row says of its shelf.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Label {
    text: String,
    length: usize,
}

/// What is on a shelf.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Content {
    #[key]
    shelf: ShelfId,
    #[index]
    group: u32,
    stocked: u64,
    #[index]
    sold: u64,
    label: Label,
}

#[projection(on = [Stocked, Sold, Toppled])]
impl Content {
    fn stocked(this: Option<Self>, event: &Stocked) -> Self {
        let (stocked, sold) = this.map_or((0, 0), |this| (this.stocked, this.sold));
        let text = format!("shelf {}", number_of(event.shelf));
        let label = Label { length: text.len(), text };
        Self { shelf: event.shelf, group: group_of(event.shelf), stocked: stocked + 1, sold, label }
    }
    fn sold(&mut self, _: &Sold) {
        self.sold += 1;
    }
    fn toppled(&mut self, _: &Toppled) {}
}

/// What is on the shelves of a group.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Content>)]
struct Contents {
    group: u32,
}

#[query]
async fn contents(q: Contents, contents: Views<Content>) -> Result<Vec<Content>, QueryError> {
    contents.find(Content::GROUP.eq(q.group)).all().await
}

/// Somebody has looked at a shelf.
#[derive(Event, Serialize, Deserialize)]
struct Inspected {
    #[tag]
    shelf: ShelfId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Infallible)]
struct Inspect {
    shelf: ShelfId,
}

#[command]
fn inspect(cmd: Inspect) -> Result<Inspected, Infallible> {
    Ok(Inspected { shelf: cmd.shelf })
}

/// How often somebody has looked at a shelf, and what was sold from it.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Inspection {
    #[key]
    shelf: ShelfId,
    #[index]
    group: u32,
    inspected: u64,
    sold: u64,
}

#[projection(on = [Inspected, Sold])]
impl Inspection {
    fn inspected(this: Option<Self>, event: &Inspected) -> Self {
        let (inspected, sold) = this.map_or((0, 0), |this| (this.inspected, this.sold));
        Self { shelf: event.shelf, group: group_of(event.shelf), inspected: inspected + 1, sold }
    }
    fn sold(this: Option<Self>, event: &Sold) -> Self {
        let (inspected, sold) = this.map_or((0, 0), |this| (this.inspected, this.sold));
        Self { shelf: event.shelf, group: group_of(event.shelf), inspected, sold: sold + 1 }
    }
}

/// The inspections of a group.
#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<Inspection>)]
struct Inspections {
    group: u32,
}

#[query]
async fn inspections(q: Inspections, inspections: Views<Inspection>) -> Result<Vec<Inspection>, QueryError> {
    inspections.find(Inspection::GROUP.eq(q.group)).all().await
}

#[tokio::main(worker_threads = 2)]
async fn main() {
    cqrs_versions_tests::serve().await;
}
