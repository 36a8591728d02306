//! A view, as it is written.

use std::fmt::Write;

use proc_macro2::Span;
use syn::{Data, DeriveInput, Fields, Generics, Ident, Type, Visibility};

use crate::errors::Errors;
use crate::markers::{Marked, marker, meant, nothing_is_ignored};
use crate::options::{Allowed, Options};
use crate::runtime::Runtime;
use crate::stored::{Serde, nothing_is_skipped};
use crate::{names, rules, types};

const OPTIONS: Allowed = Allowed { reader: "#[derive(View)]", options: &["crate", "index", "name"] };

const MARKED: Marked = Marked {
    what: "view",
    own: &["key", "index"],
    instead: "mark the field that finds the row `#[key]`, and a field to search by `#[index]`",
};

/// The view.
pub struct View<'a> {
    pub rt: Runtime,
    pub ident: &'a Ident,
    pub generics: &'a Generics,
    pub has_named_fields: bool,
    pub name: String,
    pub fields: Vec<Field<'a>>,
    /// The fields of each compound index.
    pub compounds: Vec<Vec<Ident>>,
    serde: Serde,
}

/// One of its fields.
pub struct Field<'a> {
    pub ident: &'a Ident,
    pub vis: &'a Visibility,
    pub ty: &'a Type,
    /// Where `#[key]` is.
    pub key: Option<Span>,
    pub is_index: bool,
    serde: Serde,
}

/// Types that hold several values of their first parameter's type.
const COLLECTIONS: &[&str] = &["BTreeSet", "HashSet", "Vec"];

impl<'a> Field<'a> {
    /// The type of one value, if the field holds several.
    pub fn several(&self) -> Option<&'a Type> {
        if types::is_named(self.ty, COLLECTIONS) { types::arguments(self.ty).first().copied() } else { None }
    }
}

impl<'a> View<'a> {
    /// Reads the type, its options and its marked fields.
    pub fn parse(input: &'a DeriveInput, errors: &Errors) -> Self {
        let options = Options::of_type(&input.attrs, &OPTIONS, errors);
        nothing_is_ignored(input, &MARKED, errors);
        let named = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => Some(&fields.named),
                _ => None,
            },
            _ => None,
        };
        nothing_is_skipped(&input.attrs, named.into_iter().flatten(), "view", errors);
        let fields = named.into_iter().flatten().filter_map(|field| {
            let meant = meant(&field.attrs, &MARKED);
            let meant = |name| field.ident.as_ref().filter(|_| meant == Some(name)).map(Ident::span);
            Some(Field {
                ident: field.ident.as_ref()?,
                vis: &field.vis,
                ty: &field.ty,
                key: marker(&field.attrs, "key", &rules::KEY_TWICE, errors).or(meant("key")),
                is_index: marker(&field.attrs, "index", &rules::INDEX_TWICE, errors).or(meant("index")).is_some(),
                serde: Serde::of(&field.attrs),
            })
        });
        Self {
            rt: Runtime::new(options.krate.as_ref()),
            ident: &input.ident,
            generics: &input.generics,
            has_named_fields: named.is_some(),
            name: options.name.map_or_else(|| names::text(&input.ident), |name| name.value()),
            fields: fields.collect(),
            compounds: options.indexes,
            serde: Serde::of(&input.attrs),
        }
    }

    /// The indexed fields of one value.
    pub fn indexed(&self) -> impl Iterator<Item = &Field<'a>> {
        self.fields.iter().filter(|field| field.is_index && field.several().is_none())
    }

    /// The indexed fields of several values, with the type of one.
    pub fn multi_indexed(&self) -> impl Iterator<Item = (&Field<'a>, &'a Type)> {
        self.fields.iter().filter(|field| field.is_index).filter_map(|field| Some((field, field.several()?)))
    }

    /// The field marked `#[key]`.
    pub fn key(&self) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.key.is_some())
    }

    /// Changes with every field's name, type and role, and with what serde does with it.
    pub fn hash(&self) -> u64 {
        let mut shape = self.serde.rest.clone();
        for field in &self.fields {
            let role = match (field.key.is_some(), field.is_index) {
                (true, true) => "key index",
                (true, false) => "key",
                (false, true) => "index",
                (false, false) => "",
            };
            let rename = field.serde.rename.as_deref().unwrap_or_default();
            let (name, ty) = (names::text(field.ident), types::text(field.ty));
            let _ = write!(shape, "\n{name}: {ty} {role} {rename} {}", field.serde.rest);
        }
        for compound in &self.compounds {
            let names: Vec<String> = compound.iter().map(names::text).collect();
            let _ = write!(shape, "\nindex {}", names.join(" "));
        }
        names::hash(&shape)
    }
}
