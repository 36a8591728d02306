//! The rules of policies that their tokens can break.

use syn::{FnArg, ImplItem, Safety, Type};

use super::parse::{Policy, Reaction, Source};
use crate::errors::Errors;
use crate::fold::is_same;
use crate::options::On;
use crate::{names, rules, types};

/// What would let a policy act behind its own back.
const BUSES: &[&str] = &["CommandBus", "QueryBus", "EventLog", "App", "AppBuilder", "Tx"];

pub fn check(policy: &Policy, errors: &Errors) {
    if let Source::Block(block) = &policy.source {
        a_plain_impl(block, errors);
    }
    for reaction in &policy.reactions {
        a_plain_function(reaction, errors);
        its_event_comes_first(reaction, errors);
        its_result_is_declared(reaction, errors);
        for ty in &reaction.rest {
            takes(ty, reaction.is_async(), errors);
        }
    }
    if let Some(was) = policy.was.as_ref().filter(|was| was.value() == policy.name()) {
        errors.refuse(&rules::OPTION_VALUE, was, &["was", "the name that it had before, not the one that it has"]);
    }
    if let Some(On::Aggregate(path)) = &policy.on {
        errors.refuse(&rules::OPTION_VALUE, path, &["on", "a list of events, `[A, B]`"]);
        return;
    }
    if policy.on.is_some() && policy.reactions.iter().all(|reaction| reaction.event.is_some()) {
        what_is_listed_is_taken(policy, errors);
    }
}

/// 603: functions of one plain type, and nothing else.
fn a_plain_impl(block: &syn::ItemImpl, errors: &Errors) {
    if let Some((of, _)) = &block.trait_ {
        errors.refuse(&rules::POLICY_SHAPE, of, &["an `impl` of a trait"]);
    }
    if !block.generics.params.is_empty() {
        errors.refuse(&rules::POLICY_SHAPE, &block.generics.params, &["a generic `impl`"]);
    }
    for item in &block.items {
        let what = match item {
            ImplItem::Fn(_) => continue,
            ImplItem::Const(_) => "a constant",
            ImplItem::Type(_) => "a type",
            _ => "a macro call",
        };
        errors.refuse(&rules::POLICY_ITEM, item, &[what]);
    }
}

/// 208: a policy is found by its event alone.
fn a_plain_function(reaction: &Reaction, errors: &Errors) {
    let signature = &reaction.signature;
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
    for input in &signature.inputs {
        match input {
            FnArg::Receiver(receiver) => errors.refuse(&rules::HANDLER_SHAPE, receiver, &["take `self`"]),
            FnArg::Typed(typed) if matches!(types::bare(&typed.ty), Type::ImplTrait(_)) => {
                errors.refuse(&rules::HANDLER_SHAPE, &typed.ty, &["take `impl Trait`"]);
            }
            FnArg::Typed(_) => {}
        }
    }
}

/// 603: the event, by reference. Whether it is one, the compiler knows.
fn its_event_comes_first(reaction: &Reaction, errors: &Errors) {
    let name = names::text(reaction.ident());
    match reaction.signature.inputs.first() {
        None => errors.refuse(&rules::POLICY_EVENT, reaction.ident(), &[&name]),
        // `self` and `impl Trait` are refused as such.
        Some(FnArg::Typed(first)) if reaction.event.is_none() && !matches!(*first.ty, Type::ImplTrait(_)) => {
            errors.refuse(&rules::POLICY_EVENT, &first.ty, &[&name]);
        }
        Some(_) => {}
    }
}

/// 601: the commands that it may send are in the signature.
fn its_result_is_declared(reaction: &Reaction, errors: &Errors) {
    for opaque in reaction.output().map(types::leaves).unwrap_or_default() {
        if matches!(opaque, Type::TraitObject(_)) {
            errors.refuse(&rules::POLICY_DYN, opaque, &[&types::text(opaque)]);
        }
        if matches!(opaque, Type::ImplTrait(_) | Type::Infer(_)) {
            errors.refuse(&rules::POLICY_RETURN, opaque, &[&types::text(opaque)]);
        }
    }
}

/// 602: after the event, services and readings: of what it may have to wait for, in an `async fn` alone.
fn takes(ty: &Type, is_async: bool, errors: &Errors) {
    let reference = types::reference(ty);
    let referent = reference.map_or(ty, |reference| &*reference.elem);
    let written = types::text(ty);
    if types::is_named(referent, BUSES) {
        errors.refuse(&rules::POLICY_BUS, ty, &[&written]);
    } else if reference.is_none() && types::is_named(ty, &["Views"]) {
        if !is_async {
            errors.refuse(&rules::POLICY_VIEWS, ty, &[&written]);
        }
    } else if reference.is_some() || types::is_named(ty, &["Reader", "Absent", "Many", "Option"]) {
        errors.refuse(&rules::POLICY_PARAMETER, ty, &[&written]);
    }
}

/// 603: no event of the list is without a function, no function without its event, none has two. Where one event has no
/// function, and one function no event, the two are one slip.
fn what_is_listed_is_taken(policy: &Policy, errors: &Errors) {
    let listed = policy.listed();
    if listed.is_empty() {
        errors.refuse(&rules::POLICY_LISTENS_TO_NOTHING, policy.source.subject(), &[]);
        return;
    }
    let mut alone = Vec::new();
    let taken: Vec<&Type> = policy.reactions.iter().filter_map(|reaction| reaction.event.as_ref()).collect();
    for (at, event) in listed.iter().enumerate() {
        let text = types::text(event);
        if listed[..at].iter().any(|earlier| types::text(earlier) == text) {
            errors.refuse(&rules::POLICY_LISTED_TWICE, event, &[&text]);
        } else if !taken.iter().any(|taken| is_same(event, taken)) {
            match &policy.source {
                Source::Function(function) => {
                    let name = names::text(&function.sig.ident);
                    errors.refuse(&rules::POLICY_NOT_TAKEN, event, &[&text, &name]);
                }
                Source::Block(_) => alone.push(event),
            }
        }
    }
    if matches!(policy.source, Source::Function(_)) {
        return;
    }
    let mut strange = Vec::new();
    for (at, event) in taken.iter().enumerate() {
        let text = types::text(event);
        let path = types::path(event);
        if taken[..at].iter().any(|earlier| path.is_some_and(|path| is_same(path, earlier))) {
            errors.refuse(&rules::POLICY_TWICE, event, &[&text]);
        } else if !listed.iter().any(|listed| is_same(listed, event)) {
            strange.push(event);
        }
    }
    if let ([listed], [taken]) = (&*alone, &*strange) {
        return errors.refuse(&rules::POLICY_OF_ANOTHER, taken, &[&types::text(taken), &types::text(listed)]);
    }
    for event in alone {
        errors.refuse(&rules::POLICY_WITHOUT_FUNCTION, event, &[&types::text(event)]);
    }
    for event in strange {
        errors.refuse(&rules::POLICY_NOT_LISTED, event, &[&types::text(event)]);
    }
}
