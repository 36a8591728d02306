//! Events that no decision emits: they are appended to the log directly.

use cqrs_runtime::prelude::*;

#[derive(Id)]
pub struct KeyId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct Noted {
    #[tag]
    pub key: KeyId,
    #[tag]
    pub beside: KeyId,
    pub op: u64,
}

#[derive(Event, Serialize, Deserialize)]
pub struct Marked {
    #[tag]
    pub key: KeyId,
    pub op: u64,
}
