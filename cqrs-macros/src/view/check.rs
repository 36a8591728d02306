//! The rules of views that their tokens can break.

use super::parse::View;
use crate::errors::Errors;
use crate::{names, rules};

pub fn check(view: &View<'_>, errors: &Errors) {
    let name = names::text(view.ident);
    if !view.has_named_fields {
        errors.refuse(&rules::VIEW_SHAPE, view.ident, &[&name]);
    } else if !view.generics.params.is_empty() {
        errors.refuse(&rules::VIEW_SHAPE, &view.generics.params, &[&name]);
    } else {
        exactly_one_key(view, &name, errors);
    }
}

/// 505: one field finds the row.
fn exactly_one_key(view: &View<'_>, name: &str, errors: &Errors) {
    let mut keys = view.fields.iter().filter_map(|field| field.key);
    if keys.next().is_none() {
        errors.refuse(&rules::VIEW_WITHOUT_KEY, view.ident, &[name]);
    }
    for again in keys {
        errors.refuse_at(&rules::KEY_AGAIN, again, &[]);
    }
}
