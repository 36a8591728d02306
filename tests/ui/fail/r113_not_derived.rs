//! CQRS113: a client reads domain errors back
//!
//! The fault: `CloseDoor { door }`

use cqrs_runtime::client::Client;
use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct DoorId(Uuid);

#[derive(Debug, thiserror::Error)]
#[error("it is closed already")]
pub struct Closed;

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Closed)]
pub struct CloseDoor {
    door: DoorId,
}

pub async fn close(doors: &impl Client, door: DoorId) -> bool {
    doors.execute(CloseDoor { door }).await.is_ok()
}

fn main() {}
