//! What is stored is stored whole.

use syn::punctuated::Punctuated;
use syn::{Attribute, Field, Meta, Token};

use crate::errors::Errors;
use crate::{names, rules};

/// What all `#[serde(..)]` together say. What cannot be read is serde's to refuse.
pub fn serde_options(attributes: &[Attribute]) -> impl Iterator<Item = Meta> {
    let own = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let lists = own.map(|attribute| attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated));
    lists.flat_map(Result::unwrap_or_default)
}

/// 110: no field is left out by serde. `what` is what the fields are of, as messages call it.
pub fn nothing_is_skipped<'a>(fields: impl IntoIterator<Item = &'a Field>, what: &str, errors: &Errors) {
    for (place, field) in fields.into_iter().enumerate() {
        let name = field.ident.as_ref().map_or_else(|| place.to_string(), names::text);
        for option in serde_options(&field.attrs) {
            if ["skip", "skip_serializing", "skip_deserializing"].iter().any(|skip| option.path().is_ident(skip)) {
                errors.refuse(&rules::FIELD_SKIPPED, option.path(), &[&name, what]);
            }
        }
    }
}
