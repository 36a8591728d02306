//! Handlers, folds and policies that `macro_rules!` writes: with types, names and parameters that it was given, and that are its own.

use std::convert::Infallible;

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct DeskId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Rung {
    #[tag]
    pub desk: DeskId,
    pub times: u32,
}

/// What the macro's workflows ask.
pub struct Loudness(pub u32);

impl ReadOnly for Loudness {}

macro_rules! desk {
    ($aggregate:ident, $view:ident, $ring:ident, $count:ident, $event:ty, $id:ty) => {
        pub struct $aggregate {
            times: u32,
        }

        #[aggregate(id = $id, on = [$event])]
        impl $aggregate {
            fn rung(this: Option<Self>, event: &$event) -> Self {
                Self { times: this.map_or(0, |this| this.times) + event.times }
            }
        }

        #[derive(View, Serialize, Deserialize)]
        pub struct $view {
            #[key]
            pub desk: $id,
            #[index]
            pub times: u32,
        }

        #[projection(on = [$event])]
        impl $view {
            fn rung(this: Option<Self>, event: &$event) -> Self {
                Self { desk: event.desk, times: this.map_or(0, |this| this.times) + event.times }
            }
        }

        #[derive(Command, Serialize, Deserialize, Clone)]
        pub struct $ring {
            pub desk: $id,
        }

        #[derive(Query, Serialize, Deserialize)]
        #[cqrs(returns = Option<u32>)]
        pub struct $count {
            pub desk: $id,
        }
    };
}

macro_rules! workflow {
    ($function:ident, $command:ident, $desk:ident: $aggregate:ty, $services:ty $(, $option:ident)?) => {
        #[command$(($option))?]
        async fn $function(
            cmd: $command,
            #[id(cmd.desk)] $desk: Option<&$aggregate>,
            loudness: $services,
            meta: &Meta,
        ) -> Result<Rung, Infallible> {
            let _ = meta;
            Ok(Rung { desk: cmd.desk, times: loudness.0 + $desk.map_or(0, |desk| desk.times) })
        }
    };
}

macro_rules! query {
    ($function:ident, $query:ty, $view:ty, $($service:ident: $services:ty)?) => {
        #[query]
        async fn $function(q: $query, desks: Views<$view>, $($service: $services)?) -> Result<Option<u32>, QueryError> {
            let louder = 0 $(+ $service.0)?;
            Ok(desks.get(q.desk).await?.map(|desk| desk.times + louder))
        }
    };
}

macro_rules! policy {
    ($function:ident, $event:ty, $command:ident $(, $await:ident)?) => {
        #[policy(on = [$event])]
        $($await)? fn $function(event: &$event) -> Option<$command> {
            (event.times == 1).then(|| $command { desk: event.desk })
        }
    };
}

desk!(Desk, DeskCard, Ring, CountRings, Rung, DeskId);
workflow!(ring, Ring, desk: Desk, State<Loudness>);
query!(count_rings, CountRings, DeskCard, loudness: State<Loudness>);

#[derive(Command, Serialize, Deserialize, Clone)]
pub struct Knock {
    pub desk: DeskId,
}

workflow!(knock, Knock, desk: Desk, State<Loudness>, retry);
policy!(knocks_back, Rung, Knock, async);

#[tokio::test]
async fn what_macros_write_runs() {
    let builder = App::builder().log(MemoryLog::new()).state(Loudness(1)).only_modules([module_path!()]);
    let app = builder.build().await.unwrap();
    let desk = DeskId::new();
    app.commands().execute(Ring { desk }).await.unwrap();
    let receipt = app.commands().execute(Knock { desk }).await.unwrap();
    let rings = app.queries().after(receipt.position()).ask(CountRings { desk }).await.unwrap();
    assert!(rings.is_some_and(|rings| rings > 2), "{rings:?}");
    app.close().await;
}
