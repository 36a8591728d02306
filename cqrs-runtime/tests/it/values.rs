//! Every stored value can be read: by this process, by the next one, and in batches of any size.

#![allow(clippy::option_option, clippy::struct_field_names, reason = "values that people store")]

use std::collections::BTreeMap;

use cqrs_runtime::App;
use cqrs_runtime::error::CommandError;
use cqrs_runtime::log::{AppendEntry, EventLog, EventQuery, MemoryLog, Position, RawEvent, append};
use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::{given, nothing};

#[derive(Id)]
pub struct ThingId(Uuid);

/// What one value looks like to a decision and in a view: before a restart, after it, and after a rebuild.
type Seen = Vec<String>;

/// A domain that keeps one value.
macro_rules! kept {
    ($module:ident: $(#[$attribute:meta])* $field:ident: $type:ty) => { kept!($module: $(#[$attribute])* $field: $type, {}); };
    ($module:ident: $(#[$attribute:meta])* $field:ident: $type:ty, { $($items:item)* }) => {
        #[allow(dead_code, reason = "some values are always accepted, others always refused")]
        mod $module {
            use super::*;
            $($items)*

            #[derive(Event, Serialize, Deserialize, Clone, Debug)]
            pub struct Put {
                #[tag]
                pub thing: ThingId,
                $(#[$attribute])*
                pub $field: $type,
            }

            #[derive(Event, Serialize, Deserialize, Clone, Debug)]
            pub struct Said {
                #[tag]
                pub thing: ThingId,
                pub text: String,
            }

            pub struct Thing { value: $type }

            #[aggregate(id = ThingId, on = [Put], ignore = [Said])]
            impl Thing {
                fn put(_: Option<Self>, event: &Put) -> Self { Self { value: event.$field.clone() } }
            }

            #[derive(Command, Serialize, Deserialize, Debug)]
            pub struct Keep { pub thing: ThingId, pub value: $type }

            #[command]
            fn keep(cmd: Keep, _thing: Option<&Thing>) -> Result<Put, std::convert::Infallible> {
                Ok(Put { thing: cmd.thing, $field: cmd.value })
            }

            #[derive(Command, Serialize, Deserialize, Debug)]
            pub struct KeepSlowly { pub thing: ThingId, pub value: $type }

            #[command]
            async fn keep_slowly(cmd: KeepSlowly, _thing: Option<&Thing>) -> Result<Put, std::convert::Infallible> {
                Ok(Put { thing: cmd.thing, $field: cmd.value })
            }

            #[derive(Command, Serialize, Deserialize, Debug)]
            pub struct Say { pub thing: ThingId }

            #[command]
            fn say(cmd: Say, thing: &Thing) -> Result<Said, std::convert::Infallible> {
                Ok(Said { thing: cmd.thing, text: format!("{:?}", thing.value) })
            }

            #[derive(View, Serialize, Deserialize, Debug)]
            pub struct Card { #[key] pub thing: ThingId, pub shown: String, pub value: Option<$type> }

            #[projection(on = [Put])]
            impl Card {
                fn put(before: Option<Self>, event: &Put) -> Self {
                    // What the row held before shows as well.
                    let value = before.and_then(|before| before.value).or(Some(event.$field.clone()));
                    Self { thing: event.thing, shown: format!("{:?} {value:?}", event.$field), value }
                }
            }

            #[derive(Query, Serialize, Deserialize)]
            #[cqrs(returns = Option<String>)]
            pub struct TheCard { pub thing: ThingId }

            #[query]
            async fn the_card(q: TheCard, cards: Views<Card>) -> Result<Option<String>, QueryError> {
                Ok(cards.get(q.thing).await?.map(|card| card.shown))
            }

            #[derive(Query, Serialize, Deserialize)]
            #[cqrs(returns = Vec<String>)]
            pub struct LastSaid {}

            #[derive(View, Serialize, Deserialize, Debug)]
            pub struct Words { #[key] pub thing: ThingId, pub text: String }

            #[projection(on = [Said])]
            impl Words {
                fn said(_: Option<Self>, event: &Said) -> Self { Self { thing: event.thing, text: event.text.clone() } }
            }

            #[query]
            async fn last_said(_q: LastSaid, words: Views<Words>) -> Result<Vec<String>, QueryError> {
                Ok(words.scan().all().await?.into_iter().map(|words| words.text).collect())
            }

            async fn app(log: &MemoryLog) -> App {
                App::builder().log(log.clone()).only_modules([module_path!()]).build().await.unwrap()
            }

            async fn seen(app: &App, thing: ThingId, seen: &mut Seen) {
                app.commands().execute(Say { thing }).await.unwrap();
                seen.extend(app.queries().ask(LastSaid {}).await.unwrap());
                seen.extend(app.queries().ask(TheCard { thing }).await.unwrap());
            }

            /// What is seen of a value that is accepted.
            pub async fn accepted(value: $type) -> Seen {
                let (log, thing) = (MemoryLog::new(), ThingId::new());
                let mut all = Seen::new();
                let first = app(&log).await;
                first.commands().execute(Keep { thing, value: value.clone() }).await.unwrap();
                first.commands().execute(KeepSlowly { thing, value: value.clone() }).await.unwrap();
                seen(&first, thing, &mut all).await;
                drop(first);
                let next = app(&log).await;
                seen(&next, thing, &mut all).await;
                next.rebuild("Card").await.unwrap();
                seen(&next, thing, &mut all).await;
                assert!(next.parked().await.unwrap().is_empty());
                given(Put { thing, $field: value.clone() }).when(Say { thing }).then(Said { thing, text: all[0].clone() });
                let shown = given([Put { thing, $field: value.clone() }, Put { thing, $field: value }]).view::<Card>(thing).unwrap();
                assert_eq!(shown.shown, all[1], "a scenario shows what production does");
                for (at, later) in all.iter().enumerate() {
                    assert_eq!(later, &all[at % 2], "seen later: {all:?}");
                }
                all
            }

            /// Why a value is refused, and where in the event.
            pub async fn refused(value: $type) -> (String, String) {
                let (log, thing) = (MemoryLog::new(), ThingId::new());
                let app = app(&log).await;
                let (bad, good) = tokio::join!(
                    async { app.commands().execute(Keep { thing, value: value.clone() }).await },
                    async { app.commands().execute(Say { thing: ThingId::new() }).await },
                );
                let Err(CommandError::Encode(error)) = bad else { panic!("it must be refused: {bad:?}") };
                assert!(matches!(good, Err(CommandError::NotFound(_))), "no other command is touched: {good:?}");
                let slow = app.commands().execute(KeepSlowly { thing, value: value.clone() }).await;
                assert!(matches!(&slow, Err(CommandError::Encode(same)) if *same == error), "{slow:?}");
                let batch = vec![AppendEntry::new(Put { thing, $field: value.clone() })];
                let appended = append(&log, batch).await.unwrap_err().to_string();
                assert_eq!(appended, error.to_string());
                assert_eq!(RawEvent::of(&Put { thing, $field: value.clone() }).unwrap_err(), error);
                assert_eq!(log.head().await.unwrap(), Position::START, "nothing is stored");
                let same = nothing().when(Keep { thing, value: value.clone() }).into_result();
                assert!(matches!(&same, Err(CommandError::Encode(same)) if *same == error), "{same:?}");
                let history = std::panic::catch_unwind(|| given(Put { thing, $field: value.clone() }));
                assert!(history.is_err(), "no history can hold it");
                assert!(app.commands().execute(Say { thing }).await.is_err_and(|error| matches!(error, CommandError::NotFound(_))));
                assert_eq!(error.event, "Put");
                assert!(error.to_string().contains(&format!("event `Put` cannot be written as JSON and read back: at `{}`", error.path)));
                (error.path, error.reason)
            }
        }
    };
}

kept!(number: amount: f64);
kept!(small: amount: f32);
kept!(optional: amount: Option<f64>);
kept!(list: amounts: Vec<Option<f64>>);
kept!(by_name: amounts: BTreeMap<String, (u8, f64)>);
kept!(flattened: #[serde(flatten)] all: Amounts, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    pub struct Amounts { pub net: f64, pub tax: Option<f64> }
});
kept!(tagged: price: Price, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    #[serde(tag = "kind")]
    pub enum Price { Free, Fixed { amount: f64 } }
});
kept!(keys_flattened: #[serde(flatten)] all: Numbered, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    pub struct Numbered { pub names: BTreeMap<u32, String> }
});
kept!(wide_flattened: #[serde(flatten)] all: Wide, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    pub struct Wide { pub wide: u128 }
});
kept!(wide: wide: u128);
kept!(deep: nest: Nest, {
    #[derive(Serialize, Deserialize, Clone, Debug, Default)]
    pub struct Nest(pub Vec<Nest>);
    impl Nest {
        pub fn of(depth: usize) -> Self { (0..depth).fold(Self::default(), |inner, _| Self(vec![inner])) }
    }
});
kept!(nothing_in_something: maybe: Option<Option<u32>>);
kept!(look_alike: either: Either, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    #[serde(untagged)]
    pub enum Either { Text(String), Name(String) }
});
kept!(skipped_inside: secret: Secret, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    pub struct Secret { #[serde(skip)] pub token: u8, pub name: String }
});
kept!(missing_inside: holder: Holder, {
    #[derive(Serialize, Deserialize, Clone, Debug)]
    pub struct Holder { #[serde(skip_serializing_if = "Vec::is_empty")] pub notes: Vec<u8> }
});

#[tokio::test]
async fn a_number_that_json_does_not_have_is_refused_wherever_it_is() {
    for not in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
        let (path, reason) = number::refused(not).await;
        assert_eq!(path, "amount");
        assert!(reason.starts_with(&format!("JSON has no number {not}; ")), "{reason}");
        assert_eq!(optional::refused(Some(not)).await.0, "amount");
        assert_eq!(list::refused(vec![Some(1.0), None, Some(not)]).await.0, "amounts[2]");
        assert_eq!(by_name::refused(BTreeMap::from([("a".into(), (1, not))])).await.0, "amounts.a[1]");
        // Serde hands the fields of what is flattened over as a map.
        assert!(flattened::refused(flattened::Amounts { net: 1.0, tax: Some(not) }).await.0.ends_with("tax"));
        assert!(tagged::refused(tagged::Price::Fixed { amount: not }).await.0.ends_with("amount"));
    }
    assert_eq!(small::refused(f32::NAN).await.0, "amount");
}

#[tokio::test]
async fn every_number_that_json_has_is_kept() {
    for number in [0.0, -0.0, 0.1, 1.0 / 3.0, f64::MIN, f64::MAX, f64::MIN_POSITIVE, 5e-324, 1e300] {
        assert_eq!(number::accepted(number).await[0], format!("{number:?}"));
        assert_eq!(optional::accepted(Some(number)).await[0], format!("Some({number:?})"));
        flattened::accepted(flattened::Amounts { net: number, tax: None }).await;
        tagged::accepted(tagged::Price::Fixed { amount: number }).await;
    }
    optional::accepted(None).await;
    list::accepted(vec![None, Some(2.5)]).await;
    tagged::accepted(tagged::Price::Free).await;
    wide::accepted(u128::MAX).await;
}

#[tokio::test]
async fn what_cannot_be_read_back_is_refused() {
    let names = BTreeMap::from([(7, "seven".to_owned())]);
    let (_, reason) = keys_flattened::refused(keys_flattened::Numbered { names }).await;
    assert!(reason.contains("cannot be read back (invalid type: string \"7\", expected u32"), "{reason}");
    wide_flattened::refused(wide_flattened::Wide { wide: 1 }).await;
    let (path, reason) = missing_inside::refused(missing_inside::Holder { notes: Vec::new() }).await;
    assert_eq!(path, "holder");
    assert!(reason.contains("missing field `notes`"), "{reason}");
    missing_inside::accepted(missing_inside::Holder { notes: vec![1] }).await;
}

#[tokio::test]
async fn an_event_is_no_deeper_than_its_reader_goes() {
    let (_, reason) = deep::refused(deep::Nest::of(200)).await;
    assert!(reason.contains("recursion limit exceeded"), "{reason}");
    deep::accepted(deep::Nest::of(50)).await;
    // The deepest that is accepted can be read, too.
    let log = MemoryLog::new();
    for depth in 50..=130 {
        let entry = AppendEntry::new(deep::Put { thing: ThingId::new(), nest: deep::Nest::of(depth) });
        if append(&log, vec![entry]).await.is_err() {
            assert!(depth > 100, "{depth}");
            break;
        }
    }
    let page = log.read(&EventQuery::all(), Position::START, 1_000).await.unwrap();
    for event in &page.events {
        event.decode::<deep::Put>().unwrap();
    }
    assert!(page.events.len() > 50);
}

#[tokio::test]
async fn what_is_another_value_when_it_is_read_is_that_from_the_start() {
    assert_eq!(nothing_in_something::accepted(Some(None)).await[0], "None");
    assert_eq!(nothing_in_something::accepted(Some(Some(1))).await[0], "Some(Some(1))");
    assert_eq!(look_alike::accepted(look_alike::Either::Name("a".into())).await[0], "Text(\"a\")");
    let secret = skipped_inside::Secret { token: 7, name: "a".into() };
    assert_eq!(skipped_inside::accepted(secret).await[0], "Secret { token: 0, name: \"a\" }");
}

/// Views whose rows cannot always be kept.
mod averages {
    use super::*;

    #[derive(Event, Serialize, Deserialize, Clone, Debug)]
    pub struct Rated {
        #[tag]
        pub thing: ThingId,
        pub stars: u8,
        pub counts: bool,
    }

    #[derive(Command, Serialize, Deserialize)]
    pub struct Rate {
        pub thing: ThingId,
        pub stars: u8,
        pub counts: bool,
    }

    #[command]
    fn rate(cmd: Rate) -> Result<Rated, std::convert::Infallible> {
        Ok(Rated { thing: cmd.thing, stars: cmd.stars, counts: cmd.counts })
    }

    /// An average of nothing is no number.
    #[derive(View, Serialize, Deserialize, Clone, Debug, PartialEq)]
    pub struct Average {
        #[key]
        pub thing: ThingId,
        pub sum: f64,
        pub number: u32,
        pub average: Option<f64>,
    }

    #[projection(on = [Rated])]
    impl Average {
        fn rated(this: Option<Self>, event: &Rated) -> Self {
            let mut this = this.unwrap_or(Self { thing: event.thing, sum: 0.0, number: 0, average: None });
            this.sum += if event.counts { f64::from(event.stars) } else { 0.0 };
            this.number += u32::from(event.counts);
            this.average = Some(this.sum / f64::from(this.number));
            this
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = Vec<Average>)]
    pub struct Averages {}

    #[query]
    async fn averages(_q: Averages, averages: Views<Average>) -> Result<Vec<Average>, QueryError> {
        averages.scan().all().await
    }

    pub async fn app(log: &MemoryLog) -> App {
        App::builder().log(log.clone()).only_modules([module_path!()]).build().await.unwrap()
    }
}

#[tokio::test]
async fn a_row_that_cannot_be_kept_parks_its_key_at_once() {
    use averages::{Averages, Rate};
    let log = MemoryLog::new();
    let app = averages::app(&log).await;
    let [good, bad, turning] = [ThingId::new(), ThingId::new(), ThingId::new()];
    app.commands().execute(Rate { thing: good, stars: 4, counts: true }).await.unwrap();
    app.commands().execute(Rate { thing: bad, stars: 1, counts: false }).await.unwrap();
    app.commands().execute(Rate { thing: bad, stars: 1, counts: true }).await.unwrap();
    app.commands().execute(Rate { thing: turning, stars: 2, counts: true }).await.unwrap();
    let parked = app.parked().await.unwrap();
    assert_eq!(parked.len(), 1, "{parked:?}");
    assert_eq!((&*parked[0].key, parked[0].position.get()), (&*bad.to_string(), 2));
    assert!(
        parked[0].error.contains("its row cannot be stored: at `average`: JSON has no number NaN"),
        "{}",
        parked[0].error
    );
    let rows = app.queries().ask(Averages {}).await.unwrap();
    assert_eq!(rows.len(), 2, "every row that there is can be read: {rows:?}");
    // A rebuild, in one batch, comes to the same.
    app.rebuild("Average").await.unwrap();
    assert_eq!(app.queries().ask(Averages {}).await.unwrap(), rows);
    let again = app.parked().await.unwrap();
    assert_eq!((&again[0].key, again[0].position, again.len()), (&parked[0].key, parked[0].position, 1));
    // Tried again, it is where it was, and says so.
    app.retry("Average", &parked[0].key).await.unwrap();
    let again = app.parked().await.unwrap();
    assert_eq!((again[0].position.get(), again[0].attempts, &again[0].error), (2, 2, &parked[0].error));
    // Passed over, the key goes on.
    app.skip("Average", &parked[0].key).await.unwrap();
    assert!(app.parked().await.unwrap().is_empty());
    assert_eq!(app.queries().ask(Averages {}).await.unwrap().len(), 3);
    let history = averages::Rated { thing: bad, stars: 1, counts: false };
    let fails = std::panic::catch_unwind(|| given(history).views::<averages::Average>());
    assert!(fails.is_err(), "a scenario fails where production parks");
}
