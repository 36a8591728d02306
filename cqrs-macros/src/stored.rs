//! What is stored is stored whole.

use proc_macro2::TokenTree;
use syn::{Field, Token};

use crate::errors::Errors;
use crate::{names, rules};

/// 110: no field is left out by serde. `what` is what the fields are of, as messages call it.
pub fn nothing_is_skipped<'a>(fields: impl IntoIterator<Item = &'a Field>, what: &str, errors: &Errors) {
    for (place, field) in fields.into_iter().enumerate() {
        let name = field.ident.as_ref().map_or_else(|| place.to_string(), names::text);
        for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("serde")) {
            // What it makes of the rest is serde's affair, its faults included.
            let _ = attribute.parse_nested_meta(|meta| {
                if ["skip", "skip_serializing", "skip_deserializing"].iter().any(|skip| meta.path.is_ident(skip)) {
                    errors.refuse(&rules::FIELD_SKIPPED, &meta.path, &[&name, what]);
                }
                while !meta.input.is_empty() && !meta.input.peek(Token![,]) {
                    meta.input.parse::<TokenTree>()?;
                }
                Ok(())
            });
        }
    }
}
