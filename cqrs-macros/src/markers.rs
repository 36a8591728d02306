//! Helper attributes: `#[id(..)]`, `#[tag]`. Those that nothing reads are refused, so that none is ignored.

use proc_macro2::{Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::parse::Parse;
use syn::spanned::Spanned;
use syn::{Attribute, Data, DeriveInput, FnArg, Meta, PatType};

use crate::errors::Errors;
use crate::names::{self, nearest};
use crate::options::is_option;
use crate::rules;

/// The bare markers of fields, whichever derive reads them.
const MARKERS: &[&str] = &["tag", "key", "index"];

/// What may be written for a marker and is no helper attribute of any derive, so that `rustc` refuses it. (Were it one, `rustc` would
/// propose `#[derive(id)]` where `Id` is not imported.)
const REFUSED_BY_RUSTC: &str = "id";

/// Which markers a derive reads on fields.
pub struct Marked {
    /// What is derived, as messages call it.
    pub what: &'static str,
    /// Its markers. The first is what one of another name stands for, so that nothing else seems to be missing.
    pub own: &'static [&'static str],
    /// What to write instead of the marker of another derive.
    pub instead: &'static str,
}

/// 108: all helper attributes of a derived type are where something reads them.
pub fn nothing_is_ignored(input: &DeriveInput, marked: &Marked, errors: &Errors) {
    for attribute in &input.attrs {
        if let Some(name) = marker_name(attribute) {
            let instead = "put it on the field that it is about";
            errors.refuse(&rules::MARKER_ELSEWHERE, attribute.path(), &[&name, &a(marked.what), instead]);
        }
    }
    let field = |field: &syn::Field| on_a_part(&field.attrs, "field", marked, errors);
    match &input.data {
        Data::Struct(data) => data.fields.iter().for_each(field),
        Data::Union(data) => data.fields.named.iter().for_each(field),
        Data::Enum(data) => {
            for variant in &data.variants {
                on_a_part(&variant.attrs, "variant", marked, errors);
                variant.fields.iter().for_each(field);
            }
        }
    }
}

fn on_a_part(attributes: &[Attribute], part: &str, marked: &Marked, errors: &Errors) {
    for attribute in attributes {
        if attribute.path().is_ident("cqrs") {
            let instead = meant_by_option(attribute, marked);
            errors.refuse(&rules::OPTION_ON_PART, attribute.path(), &[&option(attribute), part, &instead]);
        } else if let Some(name) = marker_name(attribute)
            && (part == "variant" || !marked.own.contains(&&*name))
        {
            let of = format!("a {part} of {}", a(marked.what));
            errors.refuse(&rules::MARKER_ELSEWHERE, attribute.path(), &[&name, &of, marked.instead]);
        }
    }
}

/// What to write in place of a `#[cqrs(..)]` on a part of a type.
fn meant_by_option(attribute: &Attribute, marked: &Marked) -> String {
    let word = word(attribute);
    if let Some(near) = near(&word, marked) {
        return format!("write `#[{near}]`");
    }
    if is_option(&word) {
        return format!("write it above the {}, `#[cqrs({word} = ..)]`", marked.what);
    }
    match marked.own {
        [] => format!("take it away: the fields of {} have no options", a(marked.what)),
        own => format!("take it away: a field of {} is marked `#[{}]`", a(marked.what), own.join("]` or `#[")),
    }
}

fn near(word: &str, marked: &Marked) -> Option<&'static str> {
    if !marked.own.is_empty() && (MARKERS.contains(&word) || word == REFUSED_BY_RUSTC) {
        return marked.own.iter().find(|own| **own == word).or(marked.own.first()).copied();
    }
    nearest(word, marked.own)
}

/// The marker that a field's misplaced attributes stand for: it is refused, and read as that.
pub fn meant(attributes: &[Attribute], marked: &Marked) -> Option<&'static str> {
    attributes.iter().find_map(|attribute| {
        if attribute.path().is_ident("cqrs") {
            return near(&word(attribute), marked);
        }
        let name = marker_name(attribute).or_else(|| {
            let stands_for_one = attribute.path().is_ident(REFUSED_BY_RUSTC);
            stands_for_one.then(|| REFUSED_BY_RUSTC.to_owned())
        })?;
        if marked.own.contains(&&*name) { None } else { marked.own.first().copied() }
    })
}

/// The marker's name.
fn marker_name(attribute: &Attribute) -> Option<String> {
    let name = names::text(attribute.path().get_ident()?);
    MARKERS.contains(&&*name).then_some(name)
}

/// The first word inside `#[cqrs(..)]`.
fn word(attribute: &Attribute) -> String {
    match &attribute.meta {
        Meta::List(list) => first_word(list.tokens.clone()),
        _ => String::new(),
    }
}

fn first_word(tokens: TokenStream) -> String {
    match tokens.into_iter().next() {
        Some(TokenTree::Ident(word)) => names::text(&word),
        _ => String::new(),
    }
}

/// What is inside `#[cqrs(..)]`.
fn option(attribute: &Attribute) -> String {
    match &attribute.meta {
        Meta::List(list) => crate::types::text(&list.tokens),
        _ => String::new(),
    }
}

/// The noun with its article.
fn a(noun: &str) -> String {
    let article = if noun.starts_with(['a', 'e', 'i', 'o', 'u']) { "an" } else { "a" };
    format!("{article} {noun}")
}

/// 108: takes `#[cqrs(..)]` off the item of an attribute macro, or a part of that. `reader` is the macro.
pub fn refuse_options(attributes: &mut Vec<Attribute>, part: &str, reader: &str, errors: &Errors) {
    attributes.retain(|attribute| {
        if !attribute.path().is_ident("cqrs") {
            return true;
        }
        let instead = format!("write the options of `{reader}` inside it; those of a message, above its type");
        errors.refuse(&rules::OPTION_ON_PART, attribute.path(), &[&option(attribute), part, &instead]);
        false
    });
}

/// 108: the same for the parameters of a function.
pub fn refuse_options_of_parameters<'a>(
    inputs: impl IntoIterator<Item = &'a mut FnArg>,
    reader: &str,
    errors: &Errors,
) {
    for input in inputs {
        let (FnArg::Typed(PatType { attrs, .. }) | FnArg::Receiver(syn::Receiver { attrs, .. })) = input;
        refuse_options(attrs, "parameter", reader, errors);
    }
}

/// 108: a helper attribute of methods where it means nothing, `#[key(..)]` on the method of an aggregate.
pub fn refuse_helper(expr: &impl ToTokens, name: &str, place: &str, instead: &str, errors: &Errors) {
    errors.refuse(&rules::MARKER_ELSEWHERE, expr, &[&format!("{name}(..)"), place, instead]);
}

/// The arguments of a helper attribute, `#[id(expr)]`, as a `T`. Two of one name on one place, or none, are faults.
pub fn take_helper<T: Parse>(attributes: &mut Vec<Attribute>, name: &str, errors: &Errors) -> Option<T> {
    let mut found = None;
    attributes.retain(|attribute| {
        if !attribute.path().is_ident(name) {
            return true;
        }
        let value = errors.keep(attribute.parse_args::<T>());
        if found.is_some() {
            errors.refuse_at(&rules::OPTION_REPEATED, attribute.path().span(), &[name]);
        }
        found = found.take().or(value);
        false
    });
    found
}

/// Where a field has the bare helper attribute `#[name]`, if it has; `twice` is refused where there are several.
pub fn marker(attributes: &[Attribute], name: &str, twice: &rules::Rule, errors: &Errors) -> Option<Span> {
    let mut found = None;
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident(name)) {
        if attribute.meta.require_path_only().is_err() {
            errors.refuse(&rules::MARKER_WITH_ARGUMENTS, &attribute.meta, &[name]);
        }
        if found.is_some() {
            errors.refuse(twice, attribute.path(), &[name]);
        }
        found = Some(attribute.path().span());
    }
    found
}
