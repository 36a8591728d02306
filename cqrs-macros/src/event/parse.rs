//! An event, as it is written.

use proc_macro2::Span;
use syn::{Data, DeriveInput, Generics, Ident, Member, Type};

use crate::errors::Errors;
use crate::markers::{Marked, marker, meant, nothing_is_ignored};
use crate::options::{Allowed, Options};
use crate::rules;
use crate::runtime::Runtime;
use crate::stored::{Serde, nothing_is_skipped};

const OPTIONS: Allowed = Allowed { reader: "#[derive(Event)]", options: &["crate", "from", "name", "version"] };

const MARKED: Marked =
    Marked { what: "event", own: &["tag"], instead: "mark the field of an event that names an entity `#[tag]`" };

/// The event.
pub struct Event<'a> {
    pub rt: Runtime,
    pub ident: &'a Ident,
    pub generics: &'a Generics,
    pub is_struct: bool,
    pub name: String,
    pub version: Option<(u32, Span)>,
    pub from: Option<Type>,
    pub fields: Vec<Field<'a>>,
    pub serde: Serde,
}

/// One of its fields.
pub struct Field<'a> {
    pub member: Member,
    pub ty: &'a Type,
    pub is_tag: bool,
    pub serde: Serde,
}

impl Field<'_> {
    /// Its name in the stored JSON: `0` for the first field of a tuple struct.
    pub fn stored_name(&self) -> String {
        if let Some(rename) = &self.serde.rename {
            return rename.clone();
        }
        match &self.member {
            Member::Named(ident) => crate::names::text(ident),
            Member::Unnamed(index) => index.index.to_string(),
        }
    }
}

impl<'a> Event<'a> {
    /// Reads the type, its options and its `#[tag]`s.
    pub fn parse(input: &'a DeriveInput, errors: &Errors) -> Self {
        let options = Options::of_type(&input.attrs, &OPTIONS, errors);
        nothing_is_ignored(input, &MARKED, errors);
        if let Data::Struct(data) = &input.data {
            nothing_is_skipped(&input.attrs, &data.fields, "event", errors);
        }
        let fields = match &input.data {
            Data::Struct(data) => data
                .fields
                .iter()
                .zip(data.fields.members())
                .map(|(field, member)| Field {
                    member,
                    ty: &field.ty,
                    is_tag: marker(&field.attrs, "tag", &rules::TAG_TWICE, errors).is_some()
                        || meant(&field.attrs, &MARKED).is_some(),
                    serde: Serde::of(&field.attrs),
                })
                .collect(),
            _ => Vec::new(),
        };
        Self {
            rt: Runtime::new(options.krate.as_ref()),
            ident: &input.ident,
            generics: &input.generics,
            is_struct: matches!(input.data, Data::Struct(_)),
            name: options.name.map_or_else(|| crate::names::text(&input.ident), |name| name.value()),
            version: options.version,
            from: options.from,
            fields,
            serde: Serde::of(&input.attrs),
        }
    }
}
