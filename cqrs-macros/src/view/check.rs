//! The rules of views that their tokens can break.

use proc_macro2::Ident;

use super::parse::View;
use crate::errors::Errors;
use crate::{names, rules, types};

pub fn check(view: &View<'_>, errors: &Errors) {
    let name = names::text(view.ident);
    if !view.has_named_fields {
        errors.refuse(&rules::VIEW_SHAPE, view.ident, &[&name]);
    } else if !view.generics.params.is_empty() {
        errors.refuse(&rules::VIEW_SHAPE, &view.generics.params, &[&name]);
    } else {
        exactly_one_key(view, &name, errors);
        every_value_is_there(view, errors);
        view.compounds.iter().for_each(|compound| compound_of_indexes(view, compound, &name, errors));
    }
}

/// 506: a compound index is searched by conditions on its fields.
fn compound_of_indexes(view: &View<'_>, compound: &[Ident], name: &str, errors: &Errors) {
    for (place, field) in compound.iter().enumerate() {
        let text = names::text(field);
        if compound[..place].contains(field) {
            errors.refuse(&rules::COMPOUND_TWICE, field, &[&text]);
        } else if view.multi_indexed().any(|(multi, _)| multi.ident == field) {
            errors.refuse(&rules::COMPOUND_OF_SEVERAL, field, &[&text]);
        } else if !view.indexed().any(|indexed| indexed.ident == field) {
            errors.refuse(&rules::COMPOUND_FIELD, field, &[&text, name]);
        }
    }
    if let [only] = compound {
        errors.refuse(&rules::COMPOUND_OF_ONE, only, &[&names::text(only)]);
    }
}

/// 506: what is missing cannot be looked for among several values.
fn every_value_is_there(view: &View<'_>, errors: &Errors) {
    for (_, ty) in view.multi_indexed().filter(|(_, ty)| types::is_named(ty, &["Option"])) {
        let value = types::arguments(ty).first().map(types::text).unwrap_or_default();
        errors.refuse(&rules::INDEX_OF_OPTIONS, ty, &[&types::text(ty), &value]);
    }
}

/// 505: one field finds the row.
fn exactly_one_key(view: &View<'_>, name: &str, errors: &Errors) {
    let mut keys = view.fields.iter().filter_map(|field| field.key);
    if keys.next().is_none() {
        errors.refuse(&rules::VIEW_WITHOUT_KEY, view.ident, &[name]);
    }
    if let Some(key) = view.key().filter(|key| is_no_key(key.ty)) {
        errors.refuse(&rules::KEY_TYPE, key.ty, &[&types::text(key.ty)]);
    }
    for again in keys {
        errors.refuse_at(&rules::KEY_AGAIN, again, &[]);
    }
}

/// Whether a type is no key by its name. Of other types the compiler knows.
pub fn is_no_key(ty: &syn::Type) -> bool {
    const NO_KEYS: &[&str] =
        &["Box", "BTreeMap", "BTreeSet", "Cow", "HashMap", "HashSet", "Option", "Vec", "f32", "f64"];
    types::is_named(ty, NO_KEYS)
}
