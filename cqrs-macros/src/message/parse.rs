//! A command or query, as it is written.

use syn::{Data, DeriveInput, Generics, Ident, Type};

use crate::errors::Errors;
use crate::markers::{Marked, nothing_is_ignored};
use crate::options::{Allowed, Consistency, Options};
use crate::runtime::Runtime;

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
            Self::Command => &Allowed { reader: "#[derive(Command)]", options: &["crate", "error", "name", "returns"] },
            Self::Query => {
                &Allowed { reader: "#[derive(Query)]", options: &["consistency", "crate", "name", "returns"] }
            }
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
        }
    }
}

/// The named fields of a struct.
pub fn named_fields(data: &Data) -> Vec<(&Ident, &Type)> {
    let Data::Struct(data) = data else { return Vec::new() };
    data.fields.iter().filter_map(|field| Some((field.ident.as_ref()?, &field.ty))).collect()
}
