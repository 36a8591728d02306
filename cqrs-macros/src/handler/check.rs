//! The rules of handlers that their tokens can break.

use syn::spanned::Spanned;
use syn::{FnArg, Safety, Type};

use super::parse::{Handler, Kind, Parameter, Role, is_ours};
use crate::errors::Errors;
use crate::{rules, types};

const BUSES: &[&str] = &["CommandBus", "QueryBus", "EventLog", "App", "AppBuilder"];
const READ_SIDE: &[&str] = &["Views", "Reader"];
/// What client libraries call a connection or a transaction.
const CLIENTS: &[&str] = &[
    "Client",
    "Connection",
    "ConnectionManager",
    "MultiplexedConnection",
    "PgConnection",
    "PgPool",
    "PgTransaction",
    "Pool",
    "PoolConnection",
    "PooledConnection",
    "Session",
    "SqliteConnection",
    "SqlitePool",
    "Transaction",
];

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
    let mut asks = true;
    for parameter in &handler.parameters {
        if let Some(corrected) = database_meant(&parameter.ty) {
            errors.refuse(&rules::DATABASE_NAME, &parameter.ty, &[&types::text(&parameter.ty), &corrected]);
            continue;
        }
        match handler.kind {
            Kind::Command => a_command_takes(handler, parameter, &mut transactions, errors),
            // One thing of the write side says what there is to say: the query is perhaps a command.
            Kind::Query if asks => asks = a_query_takes(handler, parameter, errors),
            Kind::Query => {}
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
        Some(message) if is_ours(&message.ty) => {
            let what = format!("`{}` is not a {}", types::text(&message.ty), handler.kind.text());
            errors.refuse(rule, &message.ty, &[&what, &name]);
        }
        // `impl Trait` is refused as such.
        Some(message) if !matches!(types::bare(&message.ty), Type::Path(_) | Type::ImplTrait(_)) => {
            let what = format!("`{}` is not a {} by value", types::text(&message.ty), handler.kind.text());
            errors.refuse(rule, &message.ty, &[&what, &name]);
        }
        _ => {}
    }
}

/// 202, 304: what success and failure hold is in the signature.
fn the_result_is_declared(handler: &Handler, errors: &Errors) {
    let rule = match handler.kind {
        Kind::Command => &rules::COMMAND_RETURN,
        Kind::Query => &rules::QUERY_RETURN,
    };
    match handler.output() {
        None => errors.refuse(rule, &handler.function.sig.ident, &["nothing"]),
        Some(output) => {
            for opaque in types::leaves(output) {
                if handler.kind == Kind::Command && is_dyn_event(opaque) {
                    errors.refuse(&rules::COMMAND_DYN, opaque, &[&types::text(opaque)]);
                }
                if matches!(opaque, Type::ImplTrait(_) | Type::Infer(_)) {
                    errors.refuse(rule, opaque, &[&format!("`{}`", types::text(opaque))]);
                }
            }
        }
    }
}

/// 203, 204, 205: a decision takes aggregates, a workflow also services, and neither takes what lags or hides.
fn a_command_takes(handler: &Handler, parameter: &Parameter, transactions: &mut u32, errors: &Errors) {
    let ty = &parameter.ty;
    let referent = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    let (written, function) = (types::text(ty), handler.name());
    let refuse = |rule| errors.refuse(rule, ty, &[&written, &function]);
    if types::is_named(referent, BUSES) {
        refuse(&rules::DECISION_BUS);
    } else if types::is_named(referent, READ_SIDE) {
        errors.refuse(&rules::COMMAND_READS, ty, &[&types::text(referent), &handler.message_name()]);
    } else if let Some(one) = one_of_several(ty) {
        let name = types::text(&parameter.pattern);
        errors.refuse(&rules::COMMAND_SEVERAL, ty, &[&written, &types::text(one), &name]);
    } else if let Some(whole) = handed_over_whole(handler, ty) {
        errors.refuse(&rules::COMMAND_WHOLE, ty, &[&written, &whole]);
    } else if types::is_named(referent, &["Stale"]) && !handler.is_async() {
        refuse(&rules::DECISION_STALE);
    } else if types::is_named(referent, &["State", "Tx"]) && !handler.is_async() {
        refuse(&rules::DECISION_SERVICE);
    } else if let Role::Transaction(inner) = &parameter.role {
        if types::is_named(inner, CLIENTS) {
            errors.refuse(&rules::COMMAND_CLIENT, ty, &[&written]);
        } else if !types::is_named(inner, &["Tx"]) && !handler.is_async() {
            errors.refuse(&rules::COMMAND_MUTATES, ty, &[&written, &types::text(inner)]);
        } else if *transactions > 0 {
            refuse(&rules::TWO_TRANSACTIONS);
        }
        *transactions += 1;
    }
}

/// `Tx<Sqlite>`, where a `Tx` or `Reader` is of a log or a store instead.
fn database_meant(ty: &Type) -> Option<String> {
    let reference = types::reference(ty);
    let referent = reference.map_or(ty, |reference| &*reference.elem);
    let of = types::arguments(referent).first().copied().filter(|_| types::is_named(referent, &["Reader", "Tx"]))?;
    let name = crate::names::text(&types::last_segment(of)?.ident);
    let technology = ["Log", "Views", "Snapshots"].iter().find_map(|suffix| name.strip_suffix(suffix))?;
    let kind = crate::names::text(&types::last_segment(referent)?.ident);
    let by = if kind == "Tx" { "&mut " } else { "" };
    (!technology.is_empty()).then(|| format!("{by}{kind}<{technology}>"))
}

/// Whether a parameter takes a log or a store for a database, which the compiler would refuse as well.
pub fn names_no_database(handler: &Handler) -> bool {
    handler.parameters.iter().any(|parameter| database_meant(&parameter.ty).is_some())
}

/// Whether the result holds `dyn Event`.
pub fn returns_dyn_event(handler: &Handler) -> bool {
    handler.kind == Kind::Command
        && handler.output().is_some_and(|output| types::leaves(output).into_iter().any(is_dyn_event))
}

/// `dyn Event`: a trait that has no objects, of which the compiler would say so at each use.
fn is_dyn_event(ty: &Type) -> bool {
    let Type::TraitObject(object) = ty else { return false };
    object.bounds.iter().any(|bound| match bound {
        syn::TypeParamBound::Trait(of) => {
            of.path.segments.last().is_some_and(|last| last.ident == "Event" || last.ident == "Events")
        }
        _ => false,
    })
}

/// The aggregate of a slice, array or `Vec` of them.
fn one_of_several(ty: &Type) -> Option<&Type> {
    let referent = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    let one = match types::bare(referent) {
        Type::Slice(slice) => &*slice.elem,
        Type::Array(array) => &*array.elem,
        other if types::is_named(other, &["Vec"]) => *types::arguments(other).first()?,
        _ => return None,
    };
    Some(types::reference(one).map_or(one, |reference| &*reference.elem))
}

/// What is taken by reference and should be by value, or the other way round, as it should be written.
fn handed_over_whole(handler: &Handler, ty: &Type) -> Option<String> {
    if let Some(reference) = types::reference(ty) {
        let whole = types::text(&reference.elem);
        let by_value = types::is_named(&reference.elem, &["Absent", "Many", "Option", "Stale"])
            || (handler.is_async() && types::is_named(&reference.elem, &["State"]));
        let transaction =
            handler.is_async() && reference.mutability.is_none() && types::is_named(&reference.elem, &["Tx"]);
        return by_value.then_some(whole.clone()).or(transaction.then(|| format!("&mut {whole}")));
    }
    let inner = types::arguments(ty).first().copied().filter(|_| types::is_named(ty, &["Option"]))?;
    types::reference(inner).is_none().then(|| format!("Option<&{}>", types::text(inner)))
}

/// 302, 303: nothing that writes, and nothing of the write side. Whether it takes none.
fn a_query_takes(handler: &Handler, parameter: &Parameter, errors: &Errors) -> bool {
    let ty = &parameter.ty;
    let referent = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    let written = types::text(ty);
    let mut asks = true;
    let mut refuse = |rule| {
        errors.refuse(rule, ty, &[&written, &handler.message_name()]);
        asks = false;
    };
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
    asks
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
        // Refused as such.
        (Role::Service, Some(_)) if one_of_several(&parameter.ty).is_some() => {}
        (Role::Meta | Role::Transaction(_) | Role::Service, Some(id)) => {
            errors.refuse(&rules::ID_ON_SERVICE, id, &[&written]);
        }
        _ => {}
    }
}
