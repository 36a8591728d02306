//! The value of `on` and `ignore`: a list of events.

use proc_macro2::TokenTree;
use syn::parse::ParseStream;
use syn::{Attribute, LitStr, Path, Token, bracketed};

use crate::errors::Errors;
use crate::rules;

/// A list of events. What is wrong in it is refused there, and the rest is read.
pub fn events(input: ParseStream<'_>, errors: &Errors) -> syn::Result<Vec<Path>> {
    let list;
    bracketed!(list in input);
    let (mut paths, mut quoted) = (Vec::new(), false);
    while !list.is_empty() {
        if list.peek(Token![#]) {
            let conditions = list.call(Attribute::parse_outer)?;
            errors.refuse(&rules::LIST_CONDITION, conditions.first(), &[]);
            continue;
        }
        if list.peek(LitStr) {
            let literal: LitStr = list.parse()?;
            if !std::mem::replace(&mut quoted, true) {
                errors.refuse(&rules::LIST_QUOTED, &literal, &[&literal.value()]);
            }
            paths.extend(literal.parse::<Path>());
        } else if let Ok(path) = list.call(Path::parse_mod_style) {
            paths.push(path);
        } else {
            let strange = list.parse::<TokenTree>()?;
            errors.refuse(&rules::LIST_STRANGE, &strange, &[&strange.to_string()]);
            skip_to_comma(&list)?;
        }
        if list.peek(Token![,]) {
            list.parse::<Token![,]>()?;
        } else if list.peek(syn::Ident) || list.peek(Token![crate]) {
            let next = list.fork().parse::<TokenTree>()?;
            errors.refuse(&rules::LIST_COMMA, &next, &[&next.to_string()]);
        } else if !list.is_empty() && !list.peek(Token![#]) && !list.peek(LitStr) {
            let strange = list.fork().parse::<TokenTree>()?;
            errors.refuse(&rules::LIST_STRANGE, &strange, &[&strange.to_string()]);
            skip_to_comma(&list)?;
        }
    }
    Ok(paths)
}

/// Passes over everything before the next comma.
pub fn skip_to_comma(input: ParseStream<'_>) -> syn::Result<()> {
    while !input.is_empty() && !input.peek(Token![,]) {
        input.parse::<TokenTree>()?;
    }
    Ok(())
}
