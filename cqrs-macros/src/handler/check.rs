//! The rules of handlers that their tokens can break.

use syn::spanned::Spanned;
use syn::{FnArg, Safety, Type};

use super::parse::{Handler, Kind, Parameter, Role};
use crate::errors::Errors;
use crate::{rules, types};

const BUSES: &[&str] = &["CommandBus", "QueryBus", "EventLog", "App", "AppBuilder"];
const READ_SIDE: &[&str] = &["Views", "Reader"];

pub fn check(handler: &Handler, errors: &Errors) {
    // A method: nothing else about it is meant as a handler's.
    if let Some(receiver @ FnArg::Receiver(_)) = handler.function.sig.inputs.first() {
        errors.refuse(&rules::HANDLER_METHOD, receiver, &[handler.kind.text()]);
        return;
    }
    a_plain_function(handler, errors);
    the_message_comes_first(handler, errors);
    the_result_is_declared(handler, errors);
    let mut transactions = 0;
    for parameter in &handler.parameters {
        match handler.kind {
            Kind::Command => a_command_takes(handler, parameter, &mut transactions, errors),
            Kind::Query => a_query_takes(parameter, errors),
        }
        is_identified_where_it_is_loaded(handler, parameter, errors);
    }
    if let (Some(span), false) = (handler.retry, handler.is_async()) {
        errors.refuse_at(&rules::RETRY_DECISION, span, &[]);
    }
}

/// 208: a handler is found by its message alone.
fn a_plain_function(handler: &Handler, errors: &Errors) {
    let signature = &handler.function.sig;
    let refuse = |span, what| errors.refuse_at(&rules::HANDLER_SHAPE, span, &[what]);
    if !signature.generics.params.is_empty() {
        errors.refuse(&rules::HANDLER_SHAPE, &signature.generics.params, &["be generic"]);
    }
    if let Safety::Unsafe(token) = signature.safety {
        refuse(token.span, "be `unsafe`");
    }
    if let Some(token) = signature.constness {
        refuse(token.span, "be `const`");
    }
    if let Some(abi) = &signature.abi {
        errors.refuse(&rules::HANDLER_SHAPE, abi, &["be `extern`"]);
    }
    if let Some(variadic) = &signature.variadic {
        errors.refuse(&rules::HANDLER_SHAPE, variadic, &["be variadic"]);
    }
    for input in &signature.inputs {
        if let FnArg::Typed(typed) = input
            && matches!(types::bare(&typed.ty), Type::ImplTrait(_))
        {
            errors.refuse(&rules::HANDLER_SHAPE, &typed.ty, &["take `impl Trait`"]);
        }
    }
    if handler.kind == Kind::Query && !handler.is_async() {
        errors.refuse(&rules::QUERY_ASYNC, signature.fn_token, &[&handler.name()]);
    }
}

/// 201, 301: the message, by value. Whether it is one, the compiler knows.
fn the_message_comes_first(handler: &Handler, errors: &Errors) {
    let signature = &handler.function.sig;
    let rule = match handler.kind {
        Kind::Command => &rules::COMMAND_FIRST,
        Kind::Query => &rules::QUERY_FIRST,
    };
    let name = handler.name();
    match &handler.message {
        None if signature.inputs.is_empty() => {
            errors.refuse(rule, &signature.ident, &[&format!("`{name}` takes no {}", handler.kind.text()), &name]);
        }
        // `impl Trait` is refused as such.
        Some(message) if !matches!(types::bare(&message.ty), Type::Path(_) | Type::ImplTrait(_)) => {
            let what = format!("`{}` is not a {} by value", types::text(&message.ty), handler.kind.text());
            errors.refuse(rule, &message.ty, &[&what, &name]);
        }
        _ => {}
    }
}

/// 202, 304: what success and failure hold stands in the signature.
fn the_result_is_declared(handler: &Handler, errors: &Errors) {
    let rule = match handler.kind {
        Kind::Command => &rules::COMMAND_RETURN,
        Kind::Query => &rules::QUERY_RETURN,
    };
    match handler.output() {
        None => errors.refuse(rule, &handler.function.sig.ident, &["nothing"]),
        Some(output) => {
            for opaque in types::leaves(output) {
                if matches!(opaque, Type::ImplTrait(_) | Type::Infer(_)) {
                    errors.refuse(rule, opaque, &[&format!("`{}`", types::text(opaque))]);
                }
            }
        }
    }
}

/// 203, 204, 205: a decision takes aggregates, a workflow services beside them, and neither what lags or hides.
fn a_command_takes(handler: &Handler, parameter: &Parameter, transactions: &mut u32, errors: &Errors) {
    let ty = &parameter.ty;
    let referent = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    let (written, function) = (types::text(ty), handler.name());
    let refuse = |rule| errors.refuse(rule, ty, &[&written, &function]);
    if types::is_named(referent, BUSES) {
        refuse(&rules::DECISION_BUS);
    } else if types::is_named(referent, READ_SIDE) {
        errors.refuse(&rules::COMMAND_READS, ty, &[&types::text(referent)]);
    } else if types::is_named(referent, &["Stale"]) && !handler.is_async() {
        refuse(&rules::DECISION_STALE);
    } else if types::is_named(referent, &["State", "Tx"]) && !handler.is_async() {
        refuse(&rules::DECISION_SERVICE);
    } else if let Role::Transaction(inner) = &parameter.role {
        if !types::is_named(inner, &["Tx"]) {
            errors.refuse(&rules::COMMAND_MUTATES, ty, &[&written, &types::text(inner)]);
        } else if *transactions > 0 {
            refuse(&rules::TWO_TRANSACTIONS);
        }
        *transactions += 1;
    }
}

/// 302, 303: nothing that writes, and nothing of the write side.
fn a_query_takes(parameter: &Parameter, errors: &Errors) {
    let ty = &parameter.ty;
    let referent = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    let written = types::text(ty);
    let refuse = |rule| errors.refuse(rule, ty, &[&written]);
    if matches!(parameter.role, Role::Transaction(_)) {
        refuse(&rules::QUERY_MUTATES);
    } else if types::is_named(referent, BUSES) || types::is_named(referent, &["Tx"]) {
        refuse(&rules::QUERY_WRITES);
    } else if types::is_named(referent, READ_SIDE) || types::is_named(referent, &["State"]) {
        if types::reference(ty).is_some() {
            refuse(&rules::QUERY_WRITES);
        }
    } else if matches!(parameter.role, Role::Aggregate | Role::Many) {
        refuse(&rules::QUERY_AGGREGATE);
    }
}

/// 208, 210: an aggregate is loaded by the command's field of its name, or by `#[id(..)]`.
fn is_identified_where_it_is_loaded(handler: &Handler, parameter: &Parameter, errors: &Errors) {
    let written = types::text(&parameter.ty);
    match (&parameter.role, &parameter.id) {
        _ if handler.kind == Kind::Query => {
            if let Some(id) = &parameter.id {
                errors.refuse(&rules::ID_ON_SERVICE, id, &[&written]);
            }
        }
        (Role::Many, None) => {
            let name = types::text(&parameter.pattern);
            errors.refuse(&rules::MANY_WITHOUT_ID, &parameter.ty, &[&written, &name]);
        }
        (Role::Aggregate, None) if parameter.field().is_none() => {
            errors.refuse_at(&rules::HANDLER_PATTERN, parameter.pattern.span(), &[&types::text(&parameter.pattern)]);
        }
        (Role::Meta | Role::Transaction(_) | Role::Service, Some(id)) => {
            errors.refuse(&rules::ID_ON_SERVICE, id, &[&written]);
        }
        _ => {}
    }
}
