//! `Debug` for public types whose fields cannot be shown, or say nothing to a reader.

/// Implements `Debug`: the type's name, and the named fields. `[V]` declares generics.
#[doc(hidden)]
#[macro_export]
macro_rules! opaque_debug {
    ($([$($generics:tt)*])? $type:ident $(<$($argument:tt),*>)? $({ $($field:ident),* })?) => {
        impl $(<$($generics)*>)? ::std::fmt::Debug for $type $(<$($argument),*>)? {
            fn fmt(&self, f: &mut ::std::fmt::Formatter<'_>) -> ::std::fmt::Result {
                f.debug_struct(stringify!($type))$($(.field(stringify!($field), &self.$field))*)?.finish_non_exhaustive()
            }
        }
    };
}
#[doc(hidden)]
pub use opaque_debug;
