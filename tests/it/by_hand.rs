//! A hand-written handler of a decision, as the baseline for the handler that `#[command]` generates.

use cqrs_runtime::__private::{
    Boundary, Calls, CommandContext, Handling, Here, Loaded, Probe, Registration, emitted, inventory,
};
use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::prelude::*;
use cqrs_runtime::{CommandError, Handled};

#[derive(Id)]
pub struct ParcelId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Packed {
    #[tag]
    parcel: ParcelId,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Shipped {
    #[tag]
    parcel: ParcelId,
}

#[derive(Command, Serialize, Deserialize)]
pub struct Pack {
    parcel: ParcelId,
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = ParcelError)]
pub struct Ship {
    parcel: ParcelId,
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the parcel is on its way")]
pub struct ParcelError;

pub struct Parcel {
    shipped: bool,
}

#[aggregate(id = ParcelId, on = [Packed, Shipped])]
impl Parcel {
    fn packed(_: &Packed) -> Self {
        Self { shipped: false }
    }
    fn shipped(&mut self, _: &Shipped) {
        self.shipped = true;
    }
}

#[command]
fn pack(cmd: Pack, _parcel: Absent<Parcel>) -> Result<Packed, std::convert::Infallible> {
    Ok(Packed { parcel: cmd.parcel })
}

#[allow(clippy::needless_pass_by_value, reason = "as a generated handler calls it")]
fn ship(cmd: Ship, parcel: &Parcel) -> Result<Shipped, ParcelError> {
    if parcel.shipped { Err(ParcelError) } else { Ok(Shipped { parcel: cmd.parcel }) }
}

impl Handled for Ship {
    fn handle(self, context: CommandContext) -> impl Future<Output = Handling<Self>> + Send {
        let boundary = |cmd: &Self, _: &Meta, load: &mut Boundary| {
            load.one::<&Parcel>(&cmd.parcel);
        };
        let decision = |cmd: Self, loaded: &Loaded<'_>, meta: &Meta| {
            let parcel = loaded.get::<&Parcel>(0, meta)?;
            let result = ship(cmd, parcel);
            emitted::<Self, Shipped, ParcelError>(result)
        };
        context.decide(self, boundary, decision)
    }
}

inventory::submit!(Registration::command_handler(
    module_path!(),
    Calls::<(Ship, Here)>::COMMAND,
    "ship",
    false,
    &[Probe::<&Parcel>::PARAMETER],
    Probe::<Result<Shipped, ParcelError>>::EMITS,
));

#[tokio::test]
async fn it_handles_as_a_generated_one_does() {
    let app = App::builder().log(MemoryLog::new()).only_modules([module_path!()]).build().await.unwrap();
    let parcel = ParcelId::new();
    assert!(matches!(app.commands().execute(Ship { parcel }).await, Err(CommandError::NotFound(_))));
    app.commands().execute(Pack { parcel }).await.unwrap();
    assert_eq!(app.commands().execute(Ship { parcel }).await.unwrap().events(), 1);
    assert_eq!(app.commands().execute(Ship { parcel }).await.unwrap_err().rejection(), Some(&ParcelError));
}
