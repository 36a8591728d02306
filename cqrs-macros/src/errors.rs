//! Every fault of one item, collected, so that all of them show at once.

use std::cell::RefCell;

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Type;

use crate::rules::Rule;

/// The faults found so far. Parsing and checking go on after one.
///
/// It must be read by [`Errors::into_tokens`]: dropped unread, it panics in debug builds, since a fault would be silent.
#[derive(Default)]
pub struct Errors {
    faults: RefCell<Option<Vec<syn::Error>>>,
}

impl Errors {
    /// An empty collector.
    pub fn new() -> Self {
        Self { faults: RefCell::new(Some(Vec::new())) }
    }

    /// A breach of `rule` at `tokens`; `parts` fill the rule's places.
    pub fn refuse(&self, rule: &Rule, tokens: impl ToTokens, parts: &[&str]) {
        self.push(syn::Error::new_spanned(tokens, rule.message(parts)));
    }

    /// The same, where there is a span and no tokens.
    pub fn refuse_at(&self, rule: &Rule, span: Span, parts: &[&str]) {
        self.push(syn::Error::new(span, rule.message(parts)));
    }

    /// What `syn` could not parse.
    pub fn push(&self, error: syn::Error) {
        if let Some(faults) = &mut *self.faults.borrow_mut() {
            faults.push(error);
        }
    }

    /// The value, or `None` with the error kept.
    pub fn keep<T>(&self, result: syn::Result<T>) -> Option<T> {
        result.map_err(|error| self.push(error)).ok()
    }

    /// How many faults there are so far.
    pub fn count(&self) -> usize {
        self.faults.borrow().as_ref().map_or(0, Vec::len)
    }

    /// Whether nothing is wrong so far.
    pub fn is_empty(&self) -> bool {
        self.faults.borrow().as_ref().is_none_or(Vec::is_empty)
    }

    /// In place of a type that nobody knows, since the last fault is about it: one that the compiler takes for wrong. It shows the
    /// fault once, and says no more of what would need that type.
    pub fn unknown_type(&self) -> Type {
        let faults = self.faults.borrow();
        let fault = faults.iter().flatten().next_back().map(|fault| as_expression(fault.to_compile_error()));
        Type::Verbatim(quote!([(); #fault]))
    }

    /// The faults as `compile_error!`s.
    pub fn into_tokens(self) -> TokenStream {
        let faults = self.faults.take().unwrap_or_default();
        faults.iter().map(syn::Error::to_compile_error).collect()
    }
}

/// `::core::compile_error!{ .. }` without what makes it an item.
fn as_expression(tokens: TokenStream) -> TokenStream {
    tokens.into_iter().filter(|token| !matches!(token, TokenTree::Punct(punct) if punct.as_char() == ';')).collect()
}

impl Drop for Errors {
    fn drop(&mut self) {
        let unread = cfg!(debug_assertions) && !std::thread::panicking() && self.faults.borrow().is_some();
        assert!(!unread, "the errors of an item were dropped unread");
    }
}
