//! The rules of messages that their tokens can break.

use super::parse::{Kind, Message};
use crate::errors::Errors;
use crate::{names, rules, types};

pub fn check(message: &mut Message<'_>, errors: &Errors) {
    not_generic(message, errors);
    a_query_answers(message, errors);
    an_error_is_an_error(message, errors);
    a_route_can_be_followed(message, errors);
    one_says_who_may(message, errors);
}

/// 114: the method and the path over HTTP can be those of this message.
fn a_route_can_be_followed(message: &Message<'_>, errors: &Errors) {
    let Some(literal) = &message.http else { return };
    let written = literal.value();
    let refuse = |rule: &rules::Rule, parts: &[&str]| errors.refuse(rule, literal, parts);
    let (name, kind) = (names::text(message.ident), message.kind.text());
    let is_path = |path: &&str| {
        path.starts_with('/') && path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte))
    };
    let Some((method, path)) = written.split_once(' ').filter(|(_, path)| is_path(path)) else {
        return refuse(&rules::HTTP_SHAPE, &[&written]);
    };
    let methods: &[&str] = match message.kind {
        Kind::Command => &["POST", "PUT", "PATCH", "DELETE"],
        Kind::Query => &["GET", "POST"],
    };
    if !methods.contains(&method) {
        return refuse(&rules::HTTP_METHOD, &[kind, &name, method, &methods.join(", ")]);
    }
    let mut fields: Vec<&str> = Vec::new();
    for segment in path.split('/').filter(|segment| segment.contains(['{', '}']) || segment.starts_with([':', '*'])) {
        let field = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
        let Some(field) = field.filter(|field| !field.is_empty() && !field.contains(['{', '}', '*'])) else {
            return refuse(&rules::HTTP_SEGMENT, &[segment]);
        };
        if fields.contains(&field) {
            return refuse(&rules::HTTP_TWICE, &[field]);
        }
        if let Some(known) = message.json_fields.as_ref().filter(|known| !known.iter().any(|known| known == field)) {
            let known = if known.is_empty() { "none".to_owned() } else { format!("`{}`", known.join("`, `")) };
            return refuse(&rules::HTTP_FIELD, &[&name, field, &known]);
        }
        fields.push(field);
    }
}

/// 115: a message is public, or requires a permission.
fn one_says_who_may(message: &Message<'_>, errors: &Errors) {
    if let (Some(public), Some(requires)) = (message.public, &message.requires) {
        errors.refuse_at(&rules::ACCESS_TWICE, public, &[&names::text(message.ident), &requires.value()]);
    }
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
