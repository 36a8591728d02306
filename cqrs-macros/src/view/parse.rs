//! A view, as it is written.

use proc_macro2::Span;
use syn::{Data, DeriveInput, Fields, Generics, Ident, Type, Visibility};

use crate::errors::Errors;
use crate::options::{Allowed, Options, marker};
use crate::runtime::Runtime;
use crate::stored::nothing_is_skipped;
use crate::{names, rules};

const OPTIONS: Allowed = Allowed { reader: "#[derive(View)]", options: &["crate", "name"] };

/// The view.
pub struct View<'a> {
    pub rt: Runtime,
    pub ident: &'a Ident,
    pub generics: &'a Generics,
    pub has_named_fields: bool,
    pub name: String,
    pub fields: Vec<Field<'a>>,
}

/// One of its fields.
pub struct Field<'a> {
    pub ident: &'a Ident,
    pub vis: &'a Visibility,
    pub ty: &'a Type,
    /// Where `#[key]` stands.
    pub key: Option<Span>,
    pub is_index: bool,
}

impl<'a> View<'a> {
    /// Reads the type, its options and its marked fields.
    pub fn parse(input: &'a DeriveInput, errors: &Errors) -> Self {
        let options = Options::of_type(&input.attrs, &OPTIONS, errors);
        let named = match &input.data {
            Data::Struct(data) => match &data.fields {
                Fields::Named(fields) => Some(&fields.named),
                _ => None,
            },
            _ => None,
        };
        nothing_is_skipped(named.into_iter().flatten(), "view", errors);
        let fields = named.into_iter().flatten().filter_map(|field| {
            Some(Field {
                ident: field.ident.as_ref()?,
                vis: &field.vis,
                ty: &field.ty,
                key: marker(&field.attrs, "key", &rules::KEY_TWICE, errors),
                is_index: marker(&field.attrs, "index", &rules::INDEX_TWICE, errors).is_some(),
            })
        });
        Self {
            rt: Runtime::new(options.krate.as_ref()),
            ident: &input.ident,
            generics: &input.generics,
            has_named_fields: named.is_some(),
            name: options.name.map_or_else(|| names::text(&input.ident), |name| name.value()),
            fields: fields.collect(),
        }
    }

    /// The field marked `#[key]`.
    pub fn key(&self) -> Option<&Field<'a>> {
        self.fields.iter().find(|field| field.key.is_some())
    }

    /// Changes with the name, and with every field's name, type and role.
    pub fn fingerprint(&self) -> u64 {
        let mut shape = self.name.clone();
        for field in &self.fields {
            let role = match (field.key.is_some(), field.is_index) {
                (true, true) => "key index",
                (true, false) => "key",
                (false, true) => "index",
                (false, false) => "",
            };
            for part in ["\n", &names::text(field.ident), ": ", &crate::types::text(field.ty), " ", role] {
                shape.push_str(part);
            }
        }
        names::hash(&shape)
    }
}
