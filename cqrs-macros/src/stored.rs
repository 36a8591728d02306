//! What serde's own attributes say about how events and views are stored.

use syn::punctuated::Punctuated;
use syn::{Attribute, Expr, ExprLit, Field, Lit, Meta, Token, Type};

use crate::errors::Errors;
use crate::{names, rules, types};

/// What all `#[serde(..)]` together say. What cannot be read is serde's to refuse.
pub fn serde_options(attributes: &[Attribute]) -> impl Iterator<Item = Meta> {
    let own = attributes.iter().filter(|attribute| attribute.path().is_ident("serde"));
    let lists = own.map(|attribute| attribute.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated));
    lists.flat_map(Result::unwrap_or_default)
}

/// 110: no field of a type with these attributes is left out by serde, unless it can be read all the same. `what` is what the
/// fields are of, as messages call it.
pub fn nothing_is_skipped<'a>(
    of: &[Attribute],
    fields: impl IntoIterator<Item = &'a Field>,
    what: &str,
    errors: &Errors,
) {
    let has_default = Serde::of(of).default;
    for (place, field) in fields.into_iter().enumerate() {
        let name = field.ident.as_ref().map_or_else(|| place.to_string(), names::text);
        for option in serde_options(&field.attrs) {
            if ["skip", "skip_serializing", "skip_deserializing"].iter().any(|skip| option.path().is_ident(skip)) {
                errors.refuse(&rules::FIELD_SKIPPED, option.path(), &[&name, what]);
            }
            if option.path().is_ident("skip_serializing_if") {
                let serde = Serde::of(&field.attrs);
                if !has_default && !serde.is_optional(&field.ty) {
                    errors.refuse(&rules::FIELD_LEFT_OUT, option.path(), &[&name, what]);
                }
            }
        }
    }
}

/// The `#[serde(..)]` of a type or a field. What serde itself refuses is passed over here.
#[derive(Default)]
pub struct Serde {
    /// `rename = ".."`: the name in JSON.
    pub rename: Option<String>,
    /// `default`: may be missing.
    pub default: bool,
    /// `with = ".."`, `deserialize_with = ".."`: an `Option` is not missing by itself then.
    pub with: bool,
    /// Everything else that changes what is stored, as it is written.
    pub rest: String,
}

/// What says nothing about how stored JSON is read.
const SILENT: &[&str] = &["alias", "bound", "crate", "expecting", "skip_serializing_if"];

impl Serde {
    /// All `#[serde(..)]` of one place together.
    pub fn of(attributes: &[Attribute]) -> Self {
        let mut serde = Self::default();
        let mut rest = Vec::new();
        for meta in serde_options(attributes) {
            let name = types::text(meta.path());
            match (&*name, text_of(&meta)) {
                ("rename", Some(rename)) => serde.rename = Some(rename),
                ("default", _) => serde.default = true,
                (name, _) if SILENT.contains(&name) => {}
                (name, _) => {
                    serde.with |= ["with", "deserialize_with"].contains(&name);
                    rest.push(types::text(&meta));
                }
            }
        }
        serde.rest = rest.join(", ");
        serde
    }

    /// Whether what was stored without this field, of this type, can be read.
    pub fn is_optional(&self, ty: &Type) -> bool {
        self.default || (types::is_named(ty, &["Option"]) && !self.with)
    }
}

/// `".."` of `name = ".."`.
fn text_of(meta: &Meta) -> Option<String> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value()),
            _ => None,
        },
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;

    #[test]
    fn what_changes_the_stored_json_is_kept() {
        let attributes: Vec<Attribute> = vec![
            parse_quote!(#[serde(rename = "a b", default = "none", alias = "c")]),
            parse_quote!(#[serde(with = "cents", flatten)]),
            parse_quote!(#[other(rename = "x")]),
        ];
        let serde = Serde::of(&attributes);
        assert_eq!(serde.rename.as_deref(), Some("a b"));
        assert!(serde.default && serde.with);
        assert_eq!(serde.rest, "with=\"cents\", flatten");
    }
}
