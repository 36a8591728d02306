//! The program as it was.

use cqrs_runtime::prelude::*;
use cqrs_versions_tests::shelves::{ShelfId, Stocked, Toppled, group_of, number_of};

/// What a row says of its shelf.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Label {
    text: String,
}

/// What is on a shelf.
#[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
struct Content {
    #[key]
    shelf: ShelfId,
    #[index]
    group: u32,
    stocked: u64,
    label: Label,
}

#[projection(on = [Stocked, Toppled])]
impl Content {
    fn stocked(this: Option<Self>, event: &Stocked) -> Self {
        let stocked = this.map_or(0, |this| this.stocked) + 1;
        let label = Label { text: format!("shelf {}", number_of(event.shelf)) };
        Self { shelf: event.shelf, group: group_of(event.shelf), stocked, label }
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

#[tokio::main(worker_threads = 2)]
async fn main() {
    cqrs_versions_tests::serve().await;
}
