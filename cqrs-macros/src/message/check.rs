//! The rules of messages that their tokens can break.

use super::parse::{Kind, Message};
use crate::errors::Errors;
use crate::{names, rules, types};

pub fn check(message: &Message<'_>, errors: &Errors) {
    not_generic(message, errors);
    a_query_answers(message, errors);
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
