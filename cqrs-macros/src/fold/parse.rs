//! The block and the macro's options, as they are written.

use proc_macro2::{Ident, TokenStream};
use syn::{FnArg, ImplItem, ItemImpl, LitStr, Path, Type};

use super::method::{Form, Method};
use crate::errors::Errors;
use crate::markers::refuse_options;
use crate::options::{Allowed, On, Options};
use crate::runtime::Runtime;
use crate::{names, rules, types};

/// Which of the two.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Aggregate,
    Projection,
}

impl Kind {
    /// As messages call it.
    pub fn text(self) -> &'static str {
        match self {
            Self::Aggregate => "#[aggregate]",
            Self::Projection => "#[projection]",
        }
    }

    fn allowed(self) -> &'static Allowed {
        match self {
            Self::Aggregate => &Allowed {
                reader: "#[aggregate]",
                options: &["crate", "id", "ignore", "interior_mutability", "on", "snapshots"],
            },
            Self::Projection => &Allowed {
                reader: "#[projection]",
                options: &["crate", "ignore", "key", "name", "on", "revision", "view"],
            },
        }
    }
}

/// The block.
pub struct Model {
    pub kind: Kind,
    pub rt: Runtime,
    /// The block without helper attributes, as it is emitted.
    pub block: ItemImpl,
    pub methods: Vec<Method>,
    pub id: Option<Type>,
    /// The number of what its methods make.
    pub revision: Option<u32>,
    /// The fold's number, where snapshots are asked for.
    pub snapshots: Option<u32>,
    pub on: Option<On>,
    pub ignore: Option<Vec<Path>>,
    /// Whether the state may change without an event.
    pub interior_mutability: bool,
    pub key: Option<Ident>,
    pub view: Option<Type>,
    pub name: Option<LitStr>,
}

impl Model {
    /// Reads the block and the options.
    pub fn parse(kind: Kind, arguments: TokenStream, mut block: ItemImpl, errors: &Errors) -> Self {
        let options = Options::of_macro(arguments, kind.allowed(), errors);
        if errors.is_empty() {
            let missing = |option| {
                let macro_name = if kind == Kind::Aggregate { "aggregate" } else { "projection" };
                let line = corrected_options(kind, &options, &block);
                errors.refuse(&rules::OPTION_MISSING, &block.self_ty, &[macro_name, option, &line]);
            };
            match (options.id.is_none() && kind == Kind::Aggregate, options.on.is_none()) {
                (true, true) => missing("id` and `on"),
                (true, false) => missing("id"),
                (false, true) => missing("on"),
                (false, false) => {}
            }
        }
        refuse_options(&mut block.attrs, "block", kind.text(), errors);
        let subject = options.view.clone().unwrap_or_else(|| Type::clone(&block.self_ty));
        let mut methods = Vec::new();
        for item in &mut block.items {
            if let ImplItem::Fn(function) = item {
                let method = Method::parse(function.clone(), &subject, kind.text(), errors);
                *function = method.function.clone();
                methods.push(method);
            }
        }
        Self {
            kind,
            rt: Runtime::new(options.krate.as_ref()),
            block,
            methods,
            id: options.id,
            revision: options.revision,
            snapshots: options.snapshots,
            on: options.on,
            ignore: options.ignore,
            interior_mutability: options.interior_mutability,
            key: options.key,
            view: options.view,
            name: options.name,
        }
    }

    /// The type that the block is of.
    pub fn own(&self) -> &Type {
        &self.block.self_ty
    }

    /// The type of the state: the aggregate, or the view.
    pub fn subject(&self) -> &Type {
        self.view.as_ref().unwrap_or_else(|| self.own())
    }

    /// Whether it is an async projection.
    pub fn is_async(&self) -> bool {
        self.methods.first().is_some_and(|method| method.form == Form::Async)
    }

    /// The name of the block's type, or the one that was given.
    pub fn name(&self) -> String {
        self.name.as_ref().map_or_else(
            || types::last_segment(self.own()).map_or_else(String::new, |segment| names::text(&segment.ident)),
            LitStr::value,
        )
    }

    /// The events of the list; none, where a whole aggregate's are asked for.
    pub fn listed(&self) -> &[Path] {
        match &self.on {
            Some(On::Events(events)) => events,
            _ => &[],
        }
    }

    /// The method of a listed event.
    pub fn method_of(&self, event: &Path) -> Option<&Method> {
        self.methods.iter().find(|method| method.event.as_ref().is_some_and(|own| is_same(event, &own.ty)))
    }

    /// What is folded, in order: each event as the user first named it, and its method.
    pub fn folds(&self) -> Vec<(Type, &Method)> {
        if let Some(On::Events(events)) = &self.on {
            return events.iter().filter_map(|event| Some((types::of_path(event), self.method_of(event)?))).collect();
        }
        self.methods.iter().filter_map(|method| Some((method.event.as_ref()?.ty.clone(), method))).collect()
    }
}

/// The options as they should be, with the user's own names: the id as it is called after its aggregate, the events that the
/// methods take.
fn corrected_options(kind: Kind, options: &Options, block: &ItemImpl) -> String {
    let mut parts = Vec::new();
    if kind == Kind::Aggregate {
        let guessed = || guessed_id(block).map_or_else(|| "..".to_owned(), |id| types::text(&id));
        parts.push(format!("id = {}", options.id.as_ref().map_or_else(guessed, types::text)));
    }
    let listed: Vec<String> = match &options.on {
        Some(On::Events(events)) => events.iter().map(types::text).collect(),
        Some(On::Aggregate(_)) => Vec::new(),
        None => block.items.iter().filter_map(taken_event).collect(),
    };
    let events = if listed.is_empty() { "..".to_owned() } else { listed.join(", ") };
    parts.push(format!("on = [{events}]"));
    parts.join(", ")
}

/// The event that a method of the block seems to take.
fn taken_event(item: &ImplItem) -> Option<String> {
    let ImplItem::Fn(function) = item else { return None };
    function.sig.inputs.iter().find_map(|input| match input {
        FnArg::Typed(typed) => {
            let event = &*types::reference(&typed.ty)?.elem;
            let inner = types::arguments(event).first().copied().filter(|_| types::is_named(event, &["Recorded"]));
            Some(types::text(inner.unwrap_or(event)))
        }
        FnArg::Receiver(_) => None,
    })
}

/// `OrderId` of `impl Order`.
fn guessed_id(block: &ItemImpl) -> Option<Type> {
    let segment = types::last_segment(&block.self_ty)?;
    let id = Ident::new(&format!("{}Id", names::text(&segment.ident)), segment.ident.span());
    Some(syn::parse_quote!(#id))
}

/// Whether a listed event and a method's are one, as far as they are written: one path may be the end of the other.
pub fn is_same(listed: &Path, taken: &Type) -> bool {
    let Type::Path(taken) = types::bare(taken) else { return false };
    let names = |path: &Path| path.segments.iter().map(types::text).rev().collect::<Vec<_>>();
    names(listed).iter().zip(&names(&taken.path)).all(|(one, other)| one == other)
}
