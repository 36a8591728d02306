//! `#[command]` and `#[query]`.

mod check;
mod command;
mod parse;
mod query;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::rules;
use parse::{Handler, Kind};

/// `#[command]`
pub fn command(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Command, arguments, item)
}

/// `#[query]`
pub fn query(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Query, arguments, item)
}

fn attribute(kind: Kind, arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let errors = Errors::new();
    // It is an item of some kind, or the compiler would have refused it before.
    let Ok(function) = syn::parse2(item.clone()) else {
        errors.refuse(&rules::HANDLER_SHAPE, item.clone().into_iter().next(), &["be anything but a function"]);
        let faults = errors.into_tokens();
        return quote!(#item #faults);
    };
    let handler = Handler::parse(kind, arguments, function, &errors);
    check::check(&handler, &errors);
    let expansion = match (kind, errors.is_empty()) {
        (Kind::Command, true) => command::expand(&handler),
        (Kind::Command, false) => command::stub(&handler),
        (Kind::Query, true) => query::expand(&handler),
        (Kind::Query, false) => query::stub(&handler),
    };
    let function = &handler.function;
    let faults = errors.into_tokens();
    // What the framework asks of a handler's signature is not the user's choice.
    quote! {
        #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps, clippy::unused_async)]
        #function
        #expansion
        #faults
    }
}
