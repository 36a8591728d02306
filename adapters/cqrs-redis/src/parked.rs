//! Parked keys as fields of a hash.

use cqrs_core::log::Position;
use cqrs_core::view::Parked;
use serde_json::{Value, json};

use crate::encode;

/// The field of a parked key: the length of the projection's name, a colon, the name, and the key.
pub(crate) fn field(projection: &str, key: &str) -> String {
    format!("{}:{projection}{key}", projection.len())
}

/// The value of a parked key's field: everything but the projection and the key.
pub(crate) fn entry(parked: &Parked) -> String {
    json!({
        "position": encode::position(parked.position),
        "event": parked.event,
        "error": parked.error,
        "attempts": parked.attempts,
    })
    .to_string()
}

/// Decodes a parked key.
pub(crate) fn decoded(field: &str, entry: &str) -> Option<Parked> {
    let (length, rest) = field.split_once(':')?;
    let (projection, key) = rest.split_at_checked(length.parse().ok()?)?;
    let entry: Value = serde_json::from_str(entry).ok()?;
    let text = |name: &str| Some(entry.get(name)?.as_str()?.to_owned());
    Some(Parked {
        projection: projection.to_owned(),
        key: key.to_owned(),
        position: Position::new(text("position")?.parse().ok()?),
        event: text("event")?,
        error: text("error")?,
        attempts: u32::try_from(entry.get("attempts")?.as_u64()?).ok()?,
    })
}
