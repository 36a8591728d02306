//! The code that `#[cqs]` accepts: all of it compiles, under the strictest lints and without a prelude.

#[no_implicit_prelude]
#[deny(warnings, missing_docs, unused_qualifications)]
// The forms are the point, not what their bodies make of them.
#[allow(
    clippy::multiple_bound_locations,
    clippy::needless_lifetimes,
    clippy::unused_self,
    clippy::boxed_local,
    clippy::unused_async
)]
mod allowed {
    extern crate cqrs_runtime as renamed;

    use ::std::boxed::Box;
    use ::std::cell::Cell;
    use ::std::clone::Clone;
    use ::std::convert::From;
    use ::std::default::Default;
    use ::std::iter::Iterator;
    use ::std::marker::{Copy, Sized};
    use ::std::ops::Fn;
    use ::std::option::Option;
    use ::std::pin::Pin;
    use ::std::result::Result::{self, Ok};
    use ::std::string::String;
    use ::std::sync::{Arc, Mutex};
    use ::std::vec::Vec;

    /// A name that an expansion could have taken.
    pub struct Queries<T>(pub T);

    /// Borrows, and has parameters. The lock is what no one sees.
    pub struct Shelf<'a, T: ?Sized, const N: usize> {
        pub label: &'a T,
        pub slots: [u32; N],
        pub asked: Arc<Mutex<u32>>,
    }

    #[renamed::cqs(crate = renamed)]
    impl<'a, T: ?Sized, const N: usize> Shelf<'a, T, N>
    where
        Self: Sized,
    {
        /// Anything but methods.
        pub const SLOTS: usize = N;

        /// No receiver, no marker.
        pub fn new(label: &'a T) -> Self {
            Self { label, slots: [0; N], asked: Arc::default() }
        }

        /// A query without a receiver may be marked.
        #[query]
        pub fn slots() -> usize {
            Self::SLOTS
        }

        /// Parameters of its own, and what a function is called with.
        #[renamed::query]
        pub fn found<'k, K: Copy>(&self, key: &'k Queries<K>, weigh: impl Fn(&mut String, K) -> u32) -> u32
        where
            K: Clone,
        {
            weigh(&mut String::new(), key.0)
        }

        /// A lifetime of its own, in a type of another name.
        #[query]
        pub async fn label<'k>(&self, _key: Option<&Queries<Vec<&'k str>>>) -> Option<&'a T> {
            Option::Some(self.label)
        }

        /// Not there, and neither are its types.
        #[cfg(any())]
        #[query]
        pub fn gone(&self, key: Missing) -> Missing {}

        /// Yes, or why not.
        #[query]
        pub fn may_be_put(&self, value: u32) -> Result<(), String> {
            if self.slots.contains(&value) { Result::Err(String::from("there")) } else { Ok(()) }
        }

        /// A shared handle.
        #[query]
        pub fn sum(self: Arc<Self>) -> u32 {
            self.slots.iter().sum()
        }

        /// It is handed over, and changes for nobody.
        #[query]
        pub fn into_slots(self) -> [u32; N] {
            self.slots
        }

        /// Fails as the standard library does.
        #[command]
        pub async fn put(&mut self, at: usize, value: u32) -> ::std::io::Result<()> {
            self.slots[at] = value;
            Ok(())
        }

        /// Pinned.
        #[command]
        pub fn empty(mut self: Pin<&mut Self>) {
            self.slots = [0; N];
        }

        /// The end.
        #[command]
        pub fn close(self: Box<Self>) {}

        /// Private, and free.
        fn swap(&mut self, value: u32) -> u32 {
            ::std::mem::replace(&mut self.slots[0], value)
        }
    }

    #[renamed::cqs(crate = renamed)]
    impl<T: ?Sized, const N: usize> Shelf<'_, T, N> {
        /// A second block of the same type.
        #[command]
        pub fn reset(&mut self) {
            let _ = self.swap(0);
        }
    }

    /// What changes in secret says so.
    pub struct Cached(pub Cell<u32>);

    #[renamed::cqs(crate = renamed, interior_mutability)]
    impl Cached {
        /// Counts how often it was asked.
        #[query]
        pub fn asked(&self) -> u32 {
            self.0.replace(self.0.get() + 1)
        }
    }
}

use std::pin::Pin;
use std::sync::Arc;

use allowed::{Cached, Queries, Shelf};

#[tokio::test]
async fn an_annotated_block_behaves_as_it_is_written() {
    let mut shelf = Shelf::<str, 2>::new("tea");
    shelf.put(1, 7).await.unwrap();
    assert_eq!(shelf.label(Some(&Queries(vec!["a"]))).await, Some("tea"));
    assert_eq!(shelf.found(&Queries(3), |_, key| key), 3);
    assert_eq!(shelf.may_be_put(7), Err("there".to_owned()));
    assert_eq!(Shelf::<str, 2>::slots(), 2);
    assert_eq!(*shelf.asked.lock().unwrap(), 0);
    shelf.reset();
    assert_eq!(Arc::new(shelf).sum(), 7);

    let mut other = Shelf::<str, 1>::new("salt");
    Pin::new(&mut other).empty();
    assert_eq!(other.into_slots(), [0]);
    Box::new(Shelf::<str, 1>::new("gone")).close();

    let cached = Cached(0.into());
    assert_eq!((cached.asked(), cached.asked()), (0, 1));
}
