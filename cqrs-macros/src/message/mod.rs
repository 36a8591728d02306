//! `#[derive(Command)]` and `#[derive(Query)]`.

mod check;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse2};

use crate::errors::Errors;
pub use parse::Kind;
use parse::Message;

/// `#[derive(Command)]`
pub fn command(input: TokenStream) -> TokenStream {
    derive(Kind::Command, input)
}

/// `#[derive(Query)]`
pub fn query(input: TokenStream) -> TokenStream {
    derive(Kind::Query, input)
}

/// What stands in for the derive of a type that it was forgotten on.
pub fn stand_in(kind: Kind, input: &DeriveInput) -> TokenStream {
    let errors = Errors::new();
    let stub = expand::stub(&Message::parse(kind, input, &errors));
    let faults = errors.into_tokens();
    quote::quote!(#faults #stub)
}

fn derive(kind: Kind, input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let mut message = Message::parse(kind, &input, &errors);
    check::check(&mut message, &errors);
    let expansion = if errors.is_empty() { expand::expand(&message) } else { expand::stub(&message) };
    let faults = errors.into_tokens();
    quote::quote!(#faults #expansion)
}
