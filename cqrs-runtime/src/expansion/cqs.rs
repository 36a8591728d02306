//! Checks in the expansion of `#[cqs]`: what the compiler knows about a type and a macro cannot see.

use std::marker::PhantomData;
use std::panic::RefUnwindSafe;
use std::pin::Pin;

/// A type that does not change behind a shared reference, as far as [`RefUnwindSafe`] knows.
#[diagnostic::on_unimplemented(
    message = "[CQRS706] `{Self}` has a `#[query]`, and may change behind a shared reference",
    label = "a `Cell`, `RefCell`, `OnceCell` or other `UnsafeCell` is inside, or a `dyn Trait` that may hold one",
    note = "why: a query that could change state in secret would not be one",
    note = "instead: keep the state in plain fields, and let a `#[command]` change it; where no answer depends on it (a cache), say so aloud: `#[cqs(interior_mutability)]`",
    note = "a `dyn Trait` that holds none says so as well: `dyn Trait + RefUnwindSafe`",
    note = "see: cqrs_runtime::rules#cqrs706"
)]
pub trait Unchanging {}

#[diagnostic::do_not_recommend]
impl<T: ?Sized + RefUnwindSafe> Unchanging for T {}

/// 706: refuses a type that may change behind a shared reference.
pub fn unchanging<T: ?Sized + Unchanging>() {}

/// A type that the signature of a query names, possibly by an alias.
///
/// The functions here take precedence, and cannot be called. All other types use those of [`SeenPlain`].
pub struct Seen<T: ?Sized>(PhantomData<T>);

/// The signature of a query. It implements neither of these traits, for any `T`.
pub struct Signature;

/// What a query may take and return.
#[diagnostic::on_unimplemented(
    message = "[CQRS704] a query cannot take or return `{T}`",
    label = "this is another name for it",
    note = "why: asking a question must not change the answer",
    note = "instead: take and return what only reads, `&T` or a value; what changes something is a `#[command]`",
    note = "see: cqrs_runtime::rules#cqrs704"
)]
pub trait Lends<T> {}

/// What a query may return.
#[diagnostic::on_unimplemented(
    message = "[CQRS705] a query returns `()`",
    label = "this is another name for it",
    note = "why: it answers nothing, and can only be a command",
    note = "instead: return the answer, or mark it `#[command]`",
    note = "see: cqrs_runtime::rules#cqrs705"
)]
pub trait Answers<T> {}

macro_rules! exclusive {
    ($($ty:ty),+) => {$(
        impl<'a, T: ?Sized> Seen<$ty> {
            /// 704: refuses the type as a parameter.
            pub fn taken()
            where
                Signature: Lends<$ty>,
            {
            }
            /// 704: refuses the type in the answer.
            pub fn returned()
            where
                Signature: Lends<$ty>,
            {
            }
        }
    )+};
}
exclusive!(&'a mut T, Option<&'a mut T>, Pin<&'a mut T>);

impl Seen<()> {
    /// 705: refuses the type as the answer. (The lifetime keeps the bound from being refused here.)
    pub fn returned<'a>()
    where
        Signature: Answers<&'a ()>,
    {
    }
}

/// Fallback of the functions of [`Seen`], for types that are not aliases of a refused one.
pub trait SeenPlain {
    /// The type is fine as a parameter.
    fn taken() {}
    /// The type is fine as the answer.
    fn returned() {}
}

impl<T: ?Sized> SeenPlain for Seen<T> {}
