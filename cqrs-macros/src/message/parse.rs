//! A command or query, as it is written.

use proc_macro2::Span;
use syn::{Data, DeriveInput, Generics, Ident, LitStr, Type};

use crate::errors::Errors;
use crate::markers::{Marked, nothing_is_ignored};
use crate::options::{Allowed, Consistency, Options};
use crate::runtime::Runtime;
use crate::stored::{Serde, serde_options};

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Command,
    Query,
}

impl Kind {
    /// As messages call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Command => "command",
            Self::Query => "query",
        }
    }

    fn marked(self) -> &'static Marked {
        match self {
            Self::Command => &Marked {
                what: "command",
                own: &[],
                instead: "take it away: events have tags; a handler finds an aggregate by the command's field of its parameter's name, or by `#[id(cmd.field)]` on that parameter",
            },
            Self::Query => {
                &Marked { what: "query", own: &[], instead: "take it away: it is the view's field that is marked" }
            }
        }
    }

    fn allowed(self) -> &'static Allowed {
        match self {
            Self::Command => &Allowed {
                reader: "#[derive(Command)]",
                options: &["crate", "error", "http", "name", "public", "requires", "returns"],
            },
            Self::Query => &Allowed {
                reader: "#[derive(Query)]",
                options: &[
                    "consistency",
                    "crate",
                    "http",
                    "name",
                    "not_found_if_null",
                    "public",
                    "requires",
                    "returns",
                ],
            },
        }
    }
}

/// The message.
pub struct Message<'a> {
    pub kind: Kind,
    pub rt: Runtime,
    pub ident: &'a Ident,
    pub generics: &'a Generics,
    pub is_union: bool,
    pub name: String,
    pub returns: Option<Type>,
    pub error: Option<Type>,
    /// `consistency = read_your_writes`
    pub reads_own_writes: bool,
    /// Its named fields, if it is a struct.
    pub fields: Vec<(&'a Ident, &'a Type)>,
    /// The names of its fields in JSON. `None` if serde's attributes of the type make others, or it has no named fields.
    pub json_fields: Option<Vec<String>>,
    /// Its doc comment.
    pub docs: String,
    /// `http = ".."`
    pub http: Option<LitStr>,
    /// `not_found_if_null`
    pub not_found_if_null: bool,
    /// `public`
    pub public: Option<Span>,
    /// `requires = ".."`
    pub requires: Option<LitStr>,
}

impl<'a> Message<'a> {
    /// Reads the type and its options.
    pub fn parse(kind: Kind, input: &'a DeriveInput, errors: &Errors) -> Self {
        let options = Options::of_type(&input.attrs, kind.allowed(), errors);
        nothing_is_ignored(input, kind.marked(), errors);
        Self {
            kind,
            rt: Runtime::new(options.krate.as_ref()),
            ident: &input.ident,
            generics: &input.generics,
            is_union: matches!(input.data, Data::Union(_)),
            name: options.name.map_or_else(|| crate::names::text(&input.ident), |name| name.value()),
            returns: options.returns,
            error: options.error,
            reads_own_writes: options.consistency == Some(Consistency::ReadYourWrites),
            fields: named_fields(&input.data),
            json_fields: json_fields(input),
            docs: crate::names::docs(&input.attrs),
            http: options.http,
            not_found_if_null: options.not_found_if_null,
            public: options.public,
            requires: options.requires,
        }
    }
}

/// The names of a struct's fields in JSON, where no attribute of serde's makes others.
fn json_fields(input: &DeriveInput) -> Option<Vec<String>> {
    const SILENT: &[&str] = &["bound", "crate", "default", "deny_unknown_fields", "expecting", "rename"];
    let is_silent = |option: &syn::Meta| SILENT.iter().any(|silent| option.path().is_ident(silent));
    let Data::Struct(syn::DataStruct { fields: syn::Fields::Named(fields), .. }) = &input.data else { return None };
    if !serde_options(&input.attrs).all(|option| is_silent(&option)) {
        return None;
    }
    let name = |field: &syn::Field| {
        if serde_options(&field.attrs).any(|option| option.path().is_ident("flatten")) {
            return None;
        }
        Serde::of(&field.attrs).rename.or_else(|| field.ident.as_ref().map(crate::names::text))
    };
    fields.named.iter().map(name).collect()
}

/// The named fields of a struct.
pub fn named_fields(data: &Data) -> Vec<(&Ident, &Type)> {
    let Data::Struct(data) = data else { return Vec::new() };
    data.fields.iter().filter_map(|field| Some((field.ident.as_ref()?, &field.ty))).collect()
}
