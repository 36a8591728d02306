//! `#[derive(View)]`.

mod check;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use syn::{DeriveInput, parse2};

use crate::errors::Errors;
pub use expand::constant;
use parse::View;

/// `#[derive(View)]`
pub fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let view = View::parse(&input, &errors);
    check::check(&view, &errors);
    let expansion = if errors.is_empty() { expand::expand(&view) } else { expand::stub(&view, &errors) };
    let faults = errors.into_tokens();
    quote::quote!(#faults #expansion)
}
