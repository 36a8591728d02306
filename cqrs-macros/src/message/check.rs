//! The rules of messages that their tokens can break.

use super::parse::{Kind, Message};
use crate::errors::Errors;
use crate::{names, rules, types};

pub fn check(message: &mut Message<'_>, errors: &Errors) {
    not_generic(message, errors);
    a_query_answers(message, errors);
    an_error_is_an_error(message, errors);
}

/// 109: a text or a number is no error. Of other types the compiler knows.
fn an_error_is_an_error(message: &mut Message<'_>, errors: &Errors) {
    if let Some(error) = message.error.as_ref().filter(|error| is_data(error)) {
        errors.refuse(&rules::ERROR_IS_DATA, error, &[&types::text(error), &names::text(message.ident)]);
        message.error = Some(errors.unknown_type());
    }
}

/// Whether a type is data of the language's own.
fn is_data(ty: &syn::Type) -> bool {
    const DATA: &[&str] = &["String", "bool", "i32", "i64", "u8", "u16", "u32", "u64"];
    let is_str = types::reference(ty).is_some_and(|reference| types::is_named(&reference.elem, &["str"]));
    types::is_unit(ty)
        || is_str
        || types::path(ty).and_then(syn::Path::get_ident).is_some_and(|name| DATA.iter().any(|data| name == data))
}

/// 104: a message owns its data.
fn not_generic(message: &Message<'_>, errors: &Errors) {
    let parts = [&*names::text(message.ident), message.kind.text()];
    if !message.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &message.generics.params, &parts);
    }
    if message.is_union {
        errors.refuse(&rules::MESSAGE_UNION, message.ident, &parts);
    }
}

/// 103: a query declares an answer, and it is not `()`.
fn a_query_answers(message: &Message<'_>, errors: &Errors) {
    if message.kind == Kind::Query {
        let name = names::text(message.ident);
        match &message.returns {
            None => errors.refuse(&rules::QUERY_RETURNS_NOTHING, message.ident, &[&name]),
            Some(returns) if types::is_unit(returns) => errors.refuse(&rules::QUERY_RETURNS_NOTHING, returns, &[&name]),
            Some(_) => {}
        }
    }
}
