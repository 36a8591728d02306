//! `#[derive(Event)]`.

mod check;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse2};

use crate::errors::Errors;
use parse::Event;

/// `#[derive(Event)]`
pub fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let event = Event::parse(&input, &errors);
    check::check(&event, &errors);
    let expansion = if errors.is_empty() { expand::expand(&event) } else { expand::stub(&event, &errors) };
    let faults = errors.into_tokens();
    quote::quote!(#faults #expansion)
}
