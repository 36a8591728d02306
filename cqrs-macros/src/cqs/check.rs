//! The rules of plain objects that their tokens can break.

use quote::ToTokens;
use syn::{ImplItem, ReceiverKind, Type};

use super::parse::{Access, Block, Kind, Method};
use super::walk::{Found, walk, walk_bounds};
use crate::errors::Errors;
use crate::{names, rules, types};

pub fn check(block: &Block, errors: &Errors) {
    if let Some((of, _)) = &block.item.trait_ {
        errors.refuse(&rules::CQS_SHAPE, of, &["an `impl` of a trait"]);
        return;
    }
    for item in &block.item.items {
        if let ImplItem::Macro(call) = item {
            errors.refuse(&rules::CQS_UNSEEN, &call.mac.path, &[&types::text(&call.mac.path)]);
        }
    }
    for method in &block.methods {
        match method.kind {
            None => says_what_it_is(method, errors),
            Some(Kind::Command) => {
                a_command_answers_nothing(method, errors);
                a_command_can_change(method, errors);
            }
            Some(Kind::Query) => {
                a_query_changes_nothing(method, errors);
                a_query_answers(method, errors);
            }
            // Refused where the markers were read; which rules it should keep, nobody knows.
            Some(Kind::Both) => {}
        }
    }
}

/// 701: every public method is a command or a query.
fn says_what_it_is(method: &Method, errors: &Errors) {
    let Some(access) = method.access.filter(|_| method.is_public()) else { return };
    let answers = method.output().is_some_and(|output| !is_done(output));
    let remedy = match (access, answers) {
        (Access::Exclusive, true) => {
            "make it two methods: a `#[command]` that changes the object, and a `#[query]` that answers"
        }
        (Access::Exclusive, false) => "mark it `#[command]`",
        (Access::Shared, _) | (_, true) => "mark it `#[query]`",
        (Access::Owned | Access::Unknown, false) => "mark it `#[command]`, or `#[query]` if it answers",
    };
    errors.refuse(&rules::CQS_NEITHER, method.ident(), &[&names::text(method.ident()), remedy]);
}

/// 702: it changes the object or refuses to, and says no more.
fn a_command_answers_nothing(method: &Method, errors: &Errors) {
    if let Some(output) = method.output().filter(|output| !is_done(output)) {
        errors.refuse(&rules::CQS_COMMAND_ANSWERS, output, &[&types::text(output)]);
    }
}

/// `()`, or `Result<(), E>` by any path: `io::Result<()>` is one.
fn is_done(output: &Type) -> bool {
    let success = || types::arguments(output).first().is_some_and(|success| types::is_unit(success));
    types::is_unit(output) || (types::is_named(output, &["Result"]) && success())
}

/// 703: it has the object to itself, or owns it and ends it.
fn a_command_can_change(method: &Method, errors: &Errors) {
    match (method.receiver(), method.access) {
        (Some(_), Some(Access::Owned | Access::Exclusive)) => {}
        (Some(receiver), _) => {
            let text = match &receiver.kind {
                ReceiverKind::Typed(_, ty) => format!("self: {}", types::text(ty)),
                _ => types::text(receiver),
            };
            errors.refuse(&rules::CQS_COMMAND_SHARES, receiver, &[&text]);
        }
        (None, _) => errors.refuse(&rules::CQS_COMMAND_OF_NOTHING, method.ident(), &[&names::text(method.ident())]),
    }
}

/// 704: it is handed nothing that changes, and hands out nothing to change with.
fn a_query_changes_nothing(method: &Method, errors: &Errors) {
    let refuse = |tokens: &dyn ToTokens, verb: &str| {
        let text = types::text(&tokens.to_token_stream());
        errors.refuse(&rules::CQS_QUERY_CHANGES, tokens, &[&format!("{verb} `{text}`")]);
    };
    if let (Some(receiver), Some(Access::Exclusive)) = (method.receiver(), method.access)
        && !matches!(receiver.kind, ReceiverKind::Typed(..))
    {
        refuse(receiver, "take");
    }
    let mut taken = |found: Found<'_>| match found {
        Found::Exclusive(ty) => refuse(ty, "take"),
        Found::Changing(path) => refuse(path, "call"),
        Found::Named(_) => {}
    };
    method.parameters().for_each(|parameter| walk(parameter, &mut taken));
    walk_bounds(&method.function.sig.generics, &mut taken);
    if let Some(output) = method.output() {
        walk(output, &mut |found| {
            if let Found::Exclusive(ty) = found {
                refuse(ty, "return");
            }
        });
    }
}

/// 705: it answers something. `Result<(), E>` is an answer (yes, or why not), and so is `Option<()>` (yes or no).
fn a_query_answers(method: &Method, errors: &Errors) {
    match method.output() {
        None => errors.refuse(&rules::CQS_QUERY_ANSWERS_NOTHING, method.ident(), &[&names::text(method.ident())]),
        Some(output) if types::is_unit(output) || matches!(types::bare(output), Type::Never(_)) => {
            errors.refuse(&rules::CQS_QUERY_ANSWERS_NOTHING, output, &[&names::text(method.ident())]);
        }
        Some(_) => {}
    }
}
