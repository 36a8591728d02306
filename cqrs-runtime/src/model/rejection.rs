//! What a domain's error says about itself: a stable code, a status, its fields. Declared by `#[derive(DomainError)]`.

use std::any::TypeId;
use std::convert::Infallible;
use std::error::Error;
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use crate::model::error::DomainError;
use crate::model::remote_error::RemoteError;

/// A domain's error, for callers without its Rust type.
///
/// ```
/// use cqrs_runtime::DomainError;
/// use cqrs_runtime::error::Rejection;
///
/// #[derive(Debug, DomainError)]
/// pub enum OrderError {
///     #[cqrs(code = "order-too-large", status = 409)]
///     TooLarge { limit: u32 },
///     NoLines,
/// }
/// # impl std::fmt::Display for OrderError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("no order") }
/// # }
/// # impl std::error::Error for OrderError {}
///
/// let rejection = Rejection::of(&OrderError::TooLarge { limit: 7 }).unwrap();
/// assert_eq!((&*rejection.code, rejection.status), ("order-too-large", Some(409)));
/// assert_eq!(rejection.members["limit"], 7);
/// assert_eq!(Rejection::of(&OrderError::NoLines).unwrap().code, "NoLines");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rejection {
    /// The variant's code. For an error without `#[derive(DomainError)]` the name of its type.
    pub code: String,
    /// The HTTP status that the domain chose, from 400 to 599.
    pub status: Option<u16>,
    /// The error's fields by name. Unnamed fields are numbered from 0. A field that serde cannot write is `null`.
    pub members: Map<String, Value>,
}

impl Rejection {
    /// What an error says about itself. `None` if its type does not derive `DomainError`.
    #[must_use]
    pub fn of(error: &(dyn Error + 'static)) -> Option<Self> {
        inventory::iter::<DomainErrorInfo>().find_map(|info| (info.rejection)(error))
    }

    /// The same for any domain error: one that derives nothing has the name of its type as its code.
    #[must_use]
    pub fn of_domain<E: DomainError>(error: &E) -> Self {
        Self::of(error.as_error()).unwrap_or_else(|| {
            let path = std::any::type_name::<E>();
            let path = path.split('<').next().unwrap_or(path);
            let name = path.rsplit("::").next().unwrap_or(path);
            Self::with_code(name, None)
        })
    }

    /// Reads an error back. `None` if it has another code, or cannot be read back: its variant has a cause, or a field that serde
    /// cannot read. What is read says the same about itself.
    #[must_use]
    pub fn read<E: Rejecting>(&self) -> Option<E> {
        let error = E::read(self)?;
        let again = error.rejection();
        let is_same = |(name, value): (&String, &Value)| self.members.get(name) == Some(value);
        (again.code == self.code && again.members.iter().all(is_same)).then_some(error)
    }

    #[doc(hidden)]
    #[must_use]
    pub fn with_code(code: &str, status: Option<u16>) -> Self {
        Self { code: code.to_owned(), status, members: Map::new() }
    }

    /// Adds a field.
    #[doc(hidden)]
    #[must_use]
    pub fn member<T: Serialize + ?Sized>(mut self, name: &str, value: &T) -> Self {
        self.members.insert(name.to_owned(), serde_json::to_value(value).unwrap_or_default());
        self
    }

    /// For a variant that only wraps another error: what that says, if its type derives `DomainError`.
    #[doc(hidden)]
    #[must_use]
    pub fn or_inner(self, inner: &(dyn Error + 'static)) -> Self {
        Self::of(inner).unwrap_or(self)
    }
}

impl RemoteError {
    /// Reads a domain error back, for callers that know its type: that of a query's handler. `None` if it is another error.
    #[must_use]
    pub fn read<E: Rejecting>(&self) -> Option<E> {
        Rejection { code: self.code.clone(), status: None, members: self.members.clone() }.read()
    }
}

/// An error that says what it is, and can be read back. Implemented by `#[derive(DomainError)]`.
pub trait Rejecting: Error + Send + Sync + 'static {
    /// The code and status of each variant.
    const CODES: &'static [RejectionCode];
    /// What this error says.
    fn rejection(&self) -> Rejection;
    /// Reads one: see [`Rejection::read`].
    #[doc(hidden)]
    fn read(rejection: &Rejection) -> Option<Self>
    where
        Self: Sized;
}

impl Rejecting for Infallible {
    const CODES: &'static [RejectionCode] = &[];
    fn rejection(&self) -> Rejection {
        match *self {}
    }
    fn read(_: &Rejection) -> Option<Self> {
        None
    }
}

/// A code that a domain error may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RejectionCode {
    /// The code.
    pub code: &'static str,
    /// The HTTP status that the domain chose.
    pub status: Option<u16>,
    /// Of a variant that only wraps another domain error: its codes, which are said in place of this one.
    pub wraps: &'static [RejectionCode],
    /// Its doc comment.
    pub docs: &'static str,
    /// Its fields, as they are members of the answer.
    pub members: &'static [RejectionMember],
}

/// A field of a domain error.
#[derive(Debug, Clone, Copy)]
pub struct RejectionMember {
    /// Its name.
    pub name: &'static str,
    /// Makes its JSON schema. `None` if its type derives no `JsonSchema`, or the feature `schema` is off.
    pub schema: Option<fn() -> Value>,
}

impl PartialEq for RejectionMember {
    fn eq(&self, other: &Self) -> bool {
        self.name == other.name
    }
}

impl Eq for RejectionMember {}

/// What a derive asks about the type of a variant's field.
#[derive(Debug)]
pub struct RejectionField<T>(PhantomData<T>);

impl<T: DeserializeOwned> RejectionField<T> {
    /// Reads the field.
    #[must_use]
    pub fn read(rejection: &Rejection, name: &str) -> Option<T> {
        T::deserialize(rejection.members.get(name)?).ok()
    }
}

impl<T: Rejecting> RejectionField<T> {
    /// The codes of the error that a variant wraps.
    pub const CODES: &'static [RejectionCode] = T::CODES;

    /// Reads the error that a variant wraps.
    #[must_use]
    pub fn wrapped(rejection: &Rejection) -> Option<T> {
        T::read(rejection)
    }
}

/// The answers for a field that serde cannot read, and for a wrapped error that derives nothing.
pub trait NoRejectionField<T> {
    /// No codes.
    const CODES: &'static [RejectionCode] = &[];

    /// Nothing.
    #[must_use]
    fn read(_: &Rejection, _: &str) -> Option<T> {
        None
    }

    /// Nothing.
    #[must_use]
    fn wrapped(_: &Rejection) -> Option<T> {
        None
    }
}

impl<T> NoRejectionField<T> for RejectionField<T> {}

/// A type that derives `DomainError`, as the program lists it.
#[derive(Debug)]
pub struct DomainErrorInfo {
    /// Its Rust type.
    pub type_name: fn() -> &'static str,
    /// Distinguishes types.
    pub type_id: fn() -> TypeId,
    /// The code and status of each variant.
    pub codes: &'static [RejectionCode],
    rejection: fn(&(dyn Error + 'static)) -> Option<Rejection>,
}

impl DomainErrorInfo {
    /// The entry of an error.
    #[must_use]
    pub const fn of<E: Rejecting>() -> Self {
        Self {
            type_name: std::any::type_name::<E>,
            type_id: TypeId::of::<E>,
            codes: E::CODES,
            rejection: |error| error.downcast_ref::<E>().map(E::rejection),
        }
    }
}

inventory::collect!(DomainErrorInfo);

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug)]
    struct Plain<T>(T);
    impl<T> std::fmt::Display for Plain<T> {
        fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            f.write_str("Other(1)")
        }
    }
    impl<T: std::fmt::Debug> Error for Plain<T> {}

    #[test]
    fn an_error_without_the_derive_has_the_name_of_its_type() {
        let error = Plain(vec![std::collections::BTreeMap::<u8, u8>::new()]);
        assert_eq!(Rejection::of(&error), None);
        assert_eq!(Rejection::of_domain(&error), Rejection::with_code("Plain", None));
    }
}
