//! Queries of a scenario.

use std::sync::Arc;

use super::scenario::{Scenario, block_on};
use super::views::{filled, nearest, with_look_ups};
use crate::bus::handler::Answered;
use crate::model::message::Answering;
use crate::model::parameter_info::ParameterInfo;
use crate::projection::{Inline, ProjectionInfo};
use crate::registry::{Item, registered};
use cqrs_core::log::EventLog;
use cqrs_core::position::Position;
use cqrs_core::view::ViewLayout;

impl Scenario {
    /// Runs a query by its handler, on the views that it takes, folded from the events.
    ///
    /// ```
    /// # use cqrs_runtime::prelude::*;
    /// # use cqrs_runtime::testing::given;
    /// # #[derive(Id)] pub struct DoorId(Uuid);
    /// # #[derive(Event, Serialize, Deserialize)] pub struct DoorOpened { #[tag] door: DoorId }
    /// # #[derive(View, Serialize, Deserialize)] pub struct DoorUse { #[key] door: DoorId, #[index] opened: u32 }
    /// # #[projection(on = [DoorOpened])]
    /// # impl DoorUse {
    /// #     fn opened(this: Option<Self>, e: &DoorOpened) -> Self {
    /// #         Self { door: e.door, opened: this.map_or(0, |this| this.opened) + 1 }
    /// #     }
    /// # }
    /// #[derive(Query, Serialize, Deserialize)]
    /// #[cqrs(returns = i64)]
    /// pub struct AllUses {}
    ///
    /// #[query]
    /// async fn all_uses(_: AllUses, doors: Views<DoorUse>) -> Result<i64, QueryError> {
    ///     doors.scan().sum(DoorUse::OPENED).await
    /// }
    ///
    /// let (front, back) = (DoorId::new(), DoorId::new());
    /// let events = [front, back, front].map(|door| DoorOpened { door });
    /// assert_eq!(given(events).ask(AllUses {}).unwrap(), 3);
    /// ```
    ///
    /// # Panics
    /// If no projection, or more than one, makes a view of the query; if an event could not be folded; if the handler takes a database's
    /// reader, which a scenario does not have, or a service that was not added.
    #[track_caller]
    pub fn ask<Q: Answered<H>, H: 'static>(mut self, query: Q) -> Answering<Q> {
        let needed = views_of(Q::NAME, std::any::type_name::<Q>());
        let projections = with_look_ups(needed);
        let inline = Inline::new(&projections).unwrap_or_else(|error| panic!("{error}"));
        let log = filled(&inline, &self.history, &[self.history.len()]);
        let (meta, head) = (self.sent(), Position::new(self.history.len() as u64));
        block_on(async {
            let app = self.app.unchecked(Arc::new(log) as Arc<dyn EventLog>, &projections);
            app.queries().with_meta(meta).after(head).ask_checked(query).await
        })
    }
}

/// The projections of the views that a query's handler takes.
#[track_caller]
fn views_of(query: &str, path: &str) -> Vec<(&'static str, &'static ProjectionInfo)> {
    let handlers = registered().filter_map(|entry| match &entry.item {
        Item::QueryHandler(info) if info.query == query => Some((entry.module, info)),
        _ => None,
    });
    let common = |module: &str| module.split("::").zip(path.split("::")).take_while(|(a, b)| a == b).count();
    let Some((module, handler)) = handlers.max_by_key(|(module, _)| common(module)) else { return Vec::new() };
    let mut needed = Vec::new();
    for parameter in handler.parameters {
        match parameter {
            ParameterInfo::View(layout) => needed.push(maker(module, *layout)),
            ParameterInfo::Reader(database) => panic!(
                "`{}` takes `Reader<{}>`, but a scenario has no database; test it on an app, `App::builder().log(..)`, with a \
                 log in that database",
                handler.function,
                (database.name)()
            ),
            _ => {}
        }
    }
    needed
}

#[track_caller]
fn maker(module: &'static str, layout: ViewLayout) -> (&'static str, &'static ProjectionInfo) {
    nearest(module, |info| info.view == Some(layout)).unwrap_or_else(|| {
        panic!("no `#[projection]` makes view `{}`: write it, or link the crate that has it", layout.name)
    })
}
