//! The rules of aggregates and projections that their tokens can break.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{ImplItem, Safety, Type};

use super::method::{Form, Method};
use super::parse::{Kind, Model, is_same};
use crate::errors::Errors;
use crate::options::On;
use crate::{names, rules, types};

/// What a projection is replayed without.
const SERVICES: &[&str] =
    &["State", "CommandBus", "QueryBus", "EventLog", "App", "Views", "Reader", "Stale", "Clock", "Meta"];

pub fn check(model: &Model, errors: &Errors) {
    a_plain_impl(model, errors);
    if model.on.is_none() {
        return;
    }
    if let (Kind::Aggregate, Some(On::Aggregate(path))) = (model.kind, &model.on) {
        errors.refuse(&rules::OPTION_VALUE, path, &["on", "a list of events, `[A, B]`"]);
        return;
    }
    for method in &model.methods {
        a_fold_method(model, method, errors);
    }
    each_event_has_one_method(model, errors);
    the_list_is_a_set(model, errors);
    if model.kind == Kind::Projection {
        one_mechanism(model, errors);
    }
}

/// 405: a plain `impl` of one plain type, with methods alone.
fn a_plain_impl(model: &Model, errors: &Errors) {
    let block = &model.block;
    let macro_name = model.kind.text();
    if let Some((of, _)) = &block.trait_ {
        errors.refuse(&rules::IMPL_SHAPE, of, &["an `impl` of a trait", macro_name]);
    }
    if !block.generics.params.is_empty() {
        errors.refuse(&rules::IMPL_SHAPE, &block.generics.params, &["a generic `impl`", macro_name]);
    }
    for item in &block.items {
        let what = match item {
            ImplItem::Fn(_) => continue,
            ImplItem::Const(_) => "a constant",
            ImplItem::Type(_) => "a type",
            _ => "a macro call",
        };
        errors.refuse(&rules::OTHER_ITEM, item, &[what, macro_name]);
    }
}

/// 402, 405, 501, 502, 503: each method folds one listed event, in one of the forms.
fn a_fold_method(model: &Model, method: &Method, errors: &Errors) {
    let signature = &method.function.sig;
    let name = names::text(method.ident());
    let aggregate = model.kind == Kind::Aggregate;
    let event = method.event.as_ref();
    // Neither a form nor a listed event: something else altogether.
    if event.is_none() || (method.form == Form::Other && !takes_listed(model, method)) {
        return not_a_fold(model, method, &name, errors);
    }
    if let (Some(token), true) = (signature.asyncness, aggregate) {
        errors.refuse(&rules::FOLD_ASYNC, token, &["`async`"]);
        return;
    }
    if let (Some(token), false) = (signature.asyncness, method.form == Form::Async) {
        errors.refuse(&rules::VIEW_ASYNC, token, &[&name]);
        return;
    }
    if let Some(other) = another_view(model, method) {
        let parts = [&*name, &types::text(other), &types::text(model.own())];
        errors.refuse(&rules::VIEW_OF_ANOTHER, method.ident(), &parts);
        return;
    }
    let qualified = if aggregate { &rules::FOLD_ASYNC } else { &rules::VIEW_QUALIFIED };
    if let Safety::Unsafe(token) = signature.safety {
        errors.refuse(qualified, token, &["`unsafe`"]);
    }
    if !signature.generics.params.is_empty() {
        errors.refuse(qualified, &signature.generics.params, &["generic"]);
    }
    let (form, fallible) = match (aggregate, method.form) {
        (true, _) => (&rules::FOLD_FORM, &rules::FOLD_FALLIBLE),
        (false, Form::Async) => (&rules::ASYNC_FORM, &rules::ASYNC_FORM),
        (false, _) => (&rules::VIEW_FORM, &rules::VIEW_FALLIBLE),
    };
    if let Some(output) =
        method.output().filter(|output| types::is_named(output, &["Result"]) && method.form != Form::Async)
    {
        errors.refuse(fallible, output, &[&types::text(output)]);
    } else if method.form == Form::ChangeOrEnd && aggregate && method.returns_its_form(model.subject()) {
        errors.refuse(&rules::FOLD_ENDS, method.ident(), &[&name]);
    } else if !method.returns_its_form(model.subject()) || (method.form == Form::Async && method.database.is_none()) {
        errors.refuse(form, method.ident(), &[&name]);
        // Without its transaction in front, the parameters are in another order, and each would be refused once more.
        if method.form == Form::Async && method.database.is_none() {
            return;
        }
    }
    nothing_else_is_taken(model, method, errors);
    if aggregate {
        method.refuse_routes(errors);
    } else {
        method.check_routes(errors);
        its_look_ups_are_found(method, errors);
    }
}

/// 504: a look-up is found by the event's field of its name, or by `#[id(..)]`; `#[by(..)]` leaves no one identity.
fn its_look_ups_are_found(method: &Method, errors: &Errors) {
    for rest in method.rest.iter().filter(|rest| look_up(&rest.ty).is_some()) {
        if rest.id.is_none() && rest.field().is_none() {
            errors.refuse(&rules::LOOK_UP_PATTERN, &rest.pattern, &[&types::text(&rest.pattern)]);
        }
        if let Some(name) = rest.name() {
            for place in method.expressions().filter_map(|expr| names::mention(expr.to_token_stream(), name)) {
                errors.refuse(&rules::FOUND_BY_A_LOOK_UP, place, &[&names::text(name)]);
            }
        }
    }
    if let (Some(_), Some(id)) = (&method.by, method.id()) {
        errors.refuse(&rules::ONE_OF_MANY, &id.ty, &[&types::text(&id.ty)]);
    }
}

/// The other type that a method without `view = ..` makes or changes.
fn another_view<'a>(model: &'a Model, method: &'a Method) -> Option<&'a Type> {
    if model.kind == Kind::Aggregate || model.view.is_some() || method.form == Form::Async {
        return None;
    }
    let makes = method.output().filter(|_| method.form == Form::Create && !method.returns_its_form(model.subject()));
    let makes = makes.filter(|made| types::path(made).is_some() && types::arguments(made).is_empty());
    makes.filter(|made| !types::is_named(made, &["Self", "bool", "String"]))
}

/// `fn apply(&mut self, event: OrderEvent)`, as other frameworks have it.
fn is_one_for_all(model: &Model, method: &Method) -> bool {
    let name = names::text(method.ident());
    ["apply", "evolve", "handle", "on", "when"].contains(&&*name)
        && method.form == Form::Change
        && !takes_listed(model, method)
}

/// A method without an event: its fault depends on what it seems to be.
fn not_a_fold(model: &Model, method: &Method, name: &str, errors: &Errors) {
    let aggregate = model.kind == Kind::Aggregate;
    let listed =
        method.rest.iter().find(|rest| model.listed().iter().any(|event| is_same(event, bare_event(&rest.ty))));
    let in_place =
        listed.filter(|rest| types::reference(&rest.ty).is_some_and(|reference| reference.mutability.is_none()));
    let changed = method.rest.first().and_then(|first| types::reference(&first.ty));
    let changed = changed.filter(|first| first.mutability.is_some() && types::path(&first.elem).is_some());
    if let (Some(_), Some(changed), false, true) =
        (in_place, changed, aggregate, model.view.is_none() && method.form == Form::Create)
    {
        let parts = [name, &types::text(&changed.elem), &types::text(model.own())];
        errors.refuse(&rules::VIEW_OF_ANOTHER, method.ident(), &parts);
    } else if let Some(rest) = in_place {
        let rule = if aggregate { &rules::EVENT_NOT_FIRST_OF_AN_AGGREGATE } else { &rules::EVENT_NOT_FIRST };
        errors.refuse(rule, &rest.ty, &[&types::text(&rest.ty), name, &types::text(&rest.pattern)]);
    } else if let Some(rest) = listed {
        let rule = if aggregate { &rules::FOLD_EVENT } else { &rules::VIEW_EVENT };
        errors.refuse(rule, &rest.ty, &[&types::text(&rest.ty)]);
    } else {
        let macro_name = model.kind.text();
        if is_one_for_all(model, method) {
            errors.refuse(&rules::ONE_FOR_ALL, method.ident(), &[name]);
            return;
        }
        errors.refuse(&rules::OTHER_ITEM, method.ident(), &[&format!("method `{name}`"), macro_name]);
    }
}

fn bare_event(ty: &Type) -> &Type {
    let inner = types::reference(ty).map_or(ty, |reference| &*reference.elem);
    if types::is_named(inner, &["Recorded"]) {
        types::arguments(inner).first().copied().unwrap_or(inner)
    } else {
        inner
    }
}

fn takes_listed(model: &Model, method: &Method) -> bool {
    let Some(event) = &method.event else { return false };
    matches!(model.on, Some(On::Aggregate(_))) || model.listed().iter().any(|listed| is_same(listed, &event.ty))
}

/// What follows the event: of an aggregate its own id, of a view also other views.
fn nothing_else_is_taken(model: &Model, method: &Method, errors: &Errors) {
    let asynchronous = method.form == Form::Async;
    let id = method.id().filter(|_| !asynchronous).map(std::ptr::from_ref);
    for rest in &method.rest {
        let referent = types::reference(&rest.ty).map_or(&rest.ty, |reference| &*reference.elem);
        let service = types::is_named(referent, SERVICES);
        let allowed = id == Some(std::ptr::from_ref(rest))
            || (model.kind == Kind::Projection && !asynchronous && look_up(&rest.ty).is_some());
        let rule = match model.kind {
            _ if allowed && !service => continue,
            Kind::Aggregate => &rules::FOLD_PARAMETER,
            Kind::Projection if types::is_named(referent, &["Views"]) => {
                let view = types::arguments(referent).first().map_or_else(|| "V".to_owned(), types::text);
                let parts = [&*types::text(&rest.ty), &view, &types::text(&rest.pattern)];
                errors.refuse(&rules::PROJECTION_LOOKS_UP, &rest.ty, &parts);
                continue;
            }
            Kind::Projection if types::is_named(referent, &["Meta"]) => &rules::PROJECTION_META,
            Kind::Projection if service => &rules::PROJECTION_SERVICE,
            Kind::Projection => &rules::PROJECTION_PARAMETER,
        };
        errors.refuse(rule, &rest.ty, &[&types::text(&rest.ty)]);
    }
}

/// The view of `Option<&V>`.
pub fn look_up(ty: &Type) -> Option<&Type> {
    let inner = types::arguments(ty).first().copied().filter(|_| types::is_named(ty, &["Option"]))?;
    types::reference(inner).filter(|reference| reference.mutability.is_none()).map(|reference| &*reference.elem)
}

/// 401, 501: no event of the list is without a method, no method without its event, none has two. Where one event has no
/// method, and one method no event, the two are one slip.
fn each_event_has_one_method(model: &Model, errors: &Errors) {
    let (without, not_listed, another, twice) = match model.kind {
        Kind::Aggregate => {
            (&rules::LISTED_WITHOUT_METHOD, &rules::METHOD_NOT_LISTED, &rules::METHOD_OF_ANOTHER, &rules::METHOD_TWICE)
        }
        Kind::Projection => (
            &rules::PROJECTED_WITHOUT_METHOD,
            &rules::PROJECTED_NOT_LISTED,
            &rules::PROJECTED_ANOTHER,
            &rules::PROJECTED_TWICE,
        ),
    };
    let mut alone = Vec::new();
    for event in model.listed() {
        let mentioned = |method: &Method| {
            let own = method.event.iter().map(|event| &event.ty);
            own.chain(method.rest.iter().map(|rest| bare_event(&rest.ty))).any(|ty| is_same(event, ty))
        };
        if !model.methods.iter().any(mentioned) {
            alone.push(event);
        }
    }
    let mut strange = Vec::new();
    let taken: Vec<_> = model
        .methods
        .iter()
        .filter(|method| method.form != Form::Other || takes_listed(model, method))
        .filter_map(|method| method.event.as_ref())
        .collect();
    for (at, event) in taken.iter().enumerate() {
        let path = types::path(&event.ty);
        let name = types::text(&event.ty);
        if taken[..at].iter().any(|earlier| path.is_some_and(|path| is_same(path, &earlier.ty))) {
            errors.refuse(twice, &event.ty, &[&name]);
        } else if let Some(On::Events(listed)) = &model.on
            && !listed.iter().any(|listed| is_same(listed, &event.ty))
        {
            strange.push(&event.ty);
        }
        let both = if model.kind == Kind::Aggregate { &rules::IGNORED_BY_ITS_FOLD } else { &rules::IGNORED_AND_FOLDED };
        if model.ignore.iter().flatten().any(|ignored| is_same(ignored, &event.ty)) {
            errors.refuse(both, &event.ty, &[&name]);
        }
    }
    if let ([listed], [taken]) = (&*alone, &*strange) {
        return errors.refuse(another, taken, &[&types::text(taken), &types::text(listed)]);
    }
    // One method for all events is refused as such.
    if model.methods.iter().any(|method| is_one_for_all(model, method)) {
        return;
    }
    if alone.len() > 1 && strange.len() > 1 && alone.len() == model.listed().len() {
        let listed: Vec<String> = strange.iter().map(types::text).collect();
        return errors.refuse(&rules::LIST_OF_OTHERS, alone[0], &[&listed.join(", ")]);
    }
    for event in alone {
        errors.refuse(without, event, &[&types::text(event)]);
    }
    for event in strange {
        errors.refuse(not_listed, event, &[&types::text(event)]);
    }
}

/// 401, 501: what is listed twice was perhaps meant to be another.
fn the_list_is_a_set(model: &Model, errors: &Errors) {
    let rule = if model.kind == Kind::Aggregate { &rules::LISTED_TWICE } else { &rules::PROJECTED_LISTED_TWICE };
    for list in [model.listed(), model.ignore.as_deref().unwrap_or_default()] {
        for (at, event) in list.iter().enumerate() {
            let text = types::text(event);
            if list[..at].iter().any(|earlier| types::text(earlier) == text) {
                errors.refuse(rule, event, &[&text]);
            }
        }
    }
    if let (Kind::Projection, Some(On::Events(_)), Some(ignored)) = (model.kind, &model.on, &model.ignore) {
        let span = ignored.first().map_or_else(|| model.own().span(), Spanned::span);
        errors.refuse_at(&rules::IGNORE_WITH_LIST, span, &[]);
    }
}

/// 507: fold methods or async methods, one database.
fn one_mechanism(model: &Model, errors: &Errors) {
    for method in &model.methods {
        if (method.form == Form::Async) != model.is_async() {
            let token = method.function.sig.asyncness.map_or_else(|| method.ident().span(), |token| token.span);
            errors.refuse_at(&rules::MIXED, token, &[]);
        }
    }
    if !model.is_async() {
        return;
    }
    let mut databases = model.methods.iter().filter_map(|method| method.database.as_ref());
    let first = databases.next().map(types::text);
    for other in databases.filter(|other| first.as_ref() != Some(&types::text(other))) {
        errors.refuse(&rules::TWO_DATABASES, other, &[&types::text(other)]);
    }
    if let Some(view) = &model.view {
        errors.refuse(&rules::ASYNC_VIEW, view, &["view"]);
    }
    if let Some(key) = &model.key {
        errors.refuse(&rules::ASYNC_VIEW, key, &["key"]);
    }
    for method in &model.methods {
        for (name, expr) in [("key", &method.key), ("keys", &method.keys)] {
            if let Some(expr) = expr {
                errors.refuse(&rules::ASYNC_VIEW, expr, &[name]);
            }
        }
        if let Some(by) = &method.by {
            errors.refuse(&rules::ASYNC_VIEW, &by.index, &["by"]);
        }
    }
}
