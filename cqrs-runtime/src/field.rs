//! Fields found by name: how a projection reaches the field of an event that its view's key is named after.

/// A field of a type, under the hash of its name. `#[derive(Event)]` makes one for each named field.
#[diagnostic::on_unimplemented(
    message = "[CQRS504] event `{Self}` has no field that is named as the view's key",
    label = "it could reach no row",
    note = "a view's row is found by its key, and the event must say which row it is about",
    note = "give the event a field of the key's name, or say what the key is: `#[key(expr)]` (or `#[keys(expr)]`, `#[by(index)]`) on its method"
)]
pub trait HasField<const NAME: u64> {
    /// Its type.
    type Field;
    /// The field.
    fn field(&self) -> &Self::Field;
}

/// The hash of a field's name: FNV-1a of 64 bits, which `#[derive(Event)]` computes alike.
#[must_use]
pub const fn field_name(name: &str) -> u64 {
    let bytes = name.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut at = 0;
    while at < bytes.len() {
        hash = (hash ^ bytes[at] as u64).wrapping_mul(0x0100_0000_01b3);
        at += 1;
    }
    hash
}
