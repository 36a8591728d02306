//! A program that cannot read the numbers that it writes is refused, where it starts and where it is verified.

use cqrs_runtime::App;
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct ThingId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Weighed {
    #[tag]
    thing: ThingId,
    grams: f64,
}

#[derive(View, Serialize, Deserialize)]
pub struct Weight {
    #[key]
    thing: ThingId,
    grams: f64,
}

#[projection(on = [Weighed])]
impl Weight {
    fn weighed(_: Option<Self>, event: &Weighed) -> Self {
        Self { thing: event.thing, grams: event.grams }
    }
}

#[derive(Command, Serialize, Deserialize)]
pub struct Weigh {
    thing: ThingId,
    grams: f64,
}

#[command]
fn weigh(cmd: Weigh) -> Result<Weighed, std::convert::Infallible> {
    Ok(Weighed { thing: cmd.thing, grams: cmd.grams })
}

#[tokio::test]
async fn an_app_is_refused() {
    let refused = App::builder().log(MemoryLog::new()).build().await.expect_err("it must be refused").to_string();
    assert!(refused.contains("`arbitrary_precision` of `serde_json` is on"), "{refused}");
    assert!(refused.contains("cargo tree -e features -i serde_json"), "{refused}");
}

#[test]
fn verify_says_so() {
    let refused = cqrs_runtime::verify::linked(env!("CARGO_MANIFEST_DIR")).check().unwrap_err().to_string();
    assert!(refused.contains("`arbitrary_precision` of `serde_json` is on"), "{refused}");
}
