//! `#[command]` and `#[query]`.

mod check;
mod command;
mod implementation;
mod parse;
mod query;

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};
use syn::Type;

use crate::errors::Errors;
use crate::runtime::at;
use crate::{rules, types};
use parse::{Handler, Kind, Message};

/// `#[command]`
pub fn command(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Command, arguments, item)
}

/// `#[query]`
pub fn query(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Query, arguments, item)
}

/// `Of::<Self>::emitted::<T, E>()` for a `Result<T, E>` that is written out, so that an error about either stands at it;
/// `emitted_as::<R>()` for any other type.
fn taken_apart(handler: &Handler, message: &Message, output: &Type, name: &str) -> TokenStream {
    let own = at(message.span(), quote!(Self));
    let arguments = types::arguments(output);
    let (span, name, result) = match arguments.as_slice() {
        [success, failure] if types::is_named(output, &["Result"]) => {
            (types::anchor(success), name.to_owned(), quote!(#success, #failure))
        }
        _ => (types::anchor(output), format!("{name}_as"), quote!(#output)),
    };
    let (rt, name) = (handler.rt.at(span), Ident::new(&name, span));
    quote_spanned!(span=> #rt::Of::<#own>::#name::<#result>())
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
        (Kind::Query, true) => query::expand(&handler),
        (_, false) => implementation::stub(&handler),
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
