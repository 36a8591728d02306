//! `#[command]` and `#[query]`.

mod check;
mod command;
mod implementation;
mod parse;
mod query;

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use crate::errors::Errors;
use crate::runtime::{at, without_proposed_parameters};
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

/// `Calls::<Self>::emitted::<T, E>()` for a `Result<T, E>` that is written out, so that an error about either is shown at it;
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
    quote_spanned!(span=> #rt::Calls::<#own>::#name::<#result>())
}

/// A method, which is refused, with the stand-in inside its body.
fn method_with(handler: &Handler, stub: &TokenStream) -> Option<TokenStream> {
    let mut function = handler.function.clone();
    function.sig.inputs.iter().find(|input| matches!(input, syn::FnArg::Receiver(_)))?;
    function.block.stmts.insert(0, syn::parse_quote!(#stub));
    Some(function.to_token_stream())
}

/// `#[command]` above a type, where its derive is meant: refused, and read as that.
fn of_a_type(kind: Kind, arguments: &TokenStream, item: &TokenStream, ty: &syn::DeriveInput) -> TokenStream {
    let errors = Errors::new();
    let (macro_name, derive) = match kind {
        Kind::Command => ("command", "Command"),
        Kind::Query => ("query", "Query"),
    };
    let given = if arguments.is_empty() { String::new() } else { format!(" #[cqrs({})]", types::text(arguments)) };
    errors.refuse_at(&rules::HANDLER_OF_A_TYPE, proc_macro2::Span::call_site(), &[macro_name, derive, &given]);
    let mut derived = ty.clone();
    if !arguments.is_empty() {
        derived.attrs.push(syn::parse_quote!(#[cqrs(#arguments)]));
    }
    let derived = crate::message::stand_in(kind, &derived);
    let faults = errors.into_tokens();
    quote!(#item #derived #faults)
}

fn attribute(kind: Kind, arguments: TokenStream, item: &TokenStream) -> TokenStream {
    // It is an item of some kind, or the compiler would have refused it before.
    let Ok(function) = syn::parse2(item.clone()) else {
        if let Ok(ty) = syn::parse2::<syn::DeriveInput>(item.clone()) {
            return of_a_type(kind, &arguments, item, &ty);
        }
        let errors = Errors::new();
        errors.refuse(&rules::HANDLER_SHAPE, item.clone().into_iter().next(), &["be anything but a function"]);
        let faults = errors.into_tokens();
        return quote!(#item #faults);
    };
    let errors = Errors::new();
    let handler = Handler::parse(kind, arguments, function, &errors);
    check::check(&handler, &errors);
    let expansion = match (kind, errors.is_empty()) {
        (Kind::Command, true) => command::expand(&handler),
        (Kind::Query, true) => query::expand(&handler),
        (_, false) => implementation::stub(&handler),
    };
    let (function, expansion) = match method_with(&handler, &expansion) {
        // The compiler would refuse the signature as well.
        _ if check::returns_dyn_event(&handler) || check::names_no_database(&handler) => {
            (TokenStream::new(), expansion)
        }
        // Next to a method there is no place for it.
        Some(method) => (method, TokenStream::new()),
        None => (handler.function.to_token_stream(), expansion),
    };
    // Of a borrowed result the compiler may propose a lifetime.
    let borrows = handler.output().is_some_and(types::is_borrowed);
    let function = if borrows { function } else { without_proposed_parameters(function, "fn") };
    let faults = errors.into_tokens();
    // What the framework asks of a handler's signature is not the user's choice.
    quote! {
        #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps, clippy::unused_async)]
        #function
        #expansion
        #faults
    }
}
