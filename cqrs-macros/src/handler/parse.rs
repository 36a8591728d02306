//! A handler, as it is written: its message, and what each of its parameters asks for.

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Attribute, Expr, FnArg, ItemFn, Pat, PatType, ReturnType, Type, parse_quote};

use crate::errors::Errors;
use crate::markers::{refuse_options, refuse_options_of_parameters, take_helper};
pub use crate::message::Kind;
use crate::options::{Allowed, Options};
use crate::runtime::Runtime;
use crate::{rules, types};

/// The options of a kind's macro.
fn allowed(kind: Kind) -> &'static Allowed {
    match kind {
        Kind::Command => &Allowed { reader: "#[command]", options: &["crate", "foreign", "retry"] },
        Kind::Query => &Allowed { reader: "#[query]", options: &["crate", "foreign"] },
    }
}

/// The handler.
#[derive(Clone)]
pub struct Handler {
    pub kind: Kind,
    pub rt: Runtime,
    pub foreign: bool,
    pub retry: Option<Span>,
    /// The function without helper attributes, as it is emitted.
    pub function: ItemFn,
    /// The first parameter, if there is one and it is no `self`.
    pub message: Option<Message>,
    pub parameters: Vec<Parameter>,
}

/// The first parameter.
#[derive(Clone)]
pub struct Message {
    pub pattern: Pat,
    pub ty: Type,
}

/// A parameter after the first.
#[derive(Clone)]
pub struct Parameter {
    pub pattern: Pat,
    pub ty: Type,
    /// `#[id(expr)]`
    pub id: Option<Expr>,
    pub role: Role,
}

/// What a parameter asks for, as far as its type is written plainly.
#[derive(Clone)]
pub enum Role {
    /// `&Meta`
    Meta,
    /// `&mut Tx<Db>`, with `Tx<Db>`.
    Transaction(Box<Type>),
    /// `&A`, `Option<&A>`, `Absent<A>`
    Aggregate,
    /// `Many<A>`
    Many,
    /// Anything that the context has.
    Service,
}

impl Handler {
    /// Reads the function and the macro's options.
    pub fn parse(kind: Kind, arguments: TokenStream, mut function: ItemFn, errors: &Errors) -> Self {
        let options = Options::of_macro(arguments, allowed(kind), errors);
        let reader = allowed(kind).reader;
        refuse_options(&mut function.attrs, "handler", reader, errors);
        refuse_options_of_parameters(&mut function.sig.inputs, reader, errors);
        let mut message = None;
        let mut parameters = Vec::new();
        for (at, input) in function.sig.inputs.iter_mut().enumerate() {
            let FnArg::Typed(PatType { attrs, pat, ty, .. }) = input else { continue };
            let id = take_helper::<Expr>(attrs, "id", errors);
            let (pattern, ty) = (Pat::clone(pat), Type::clone(ty));
            if at == 0 {
                if let Some(id) = &id {
                    errors.refuse(&rules::ID_ON_MESSAGE, id, &[kind.text()]);
                }
                message = Some(Message { pattern, ty });
            } else {
                let role = Role::of(&ty);
                parameters.push(Parameter { pattern, ty, id, role });
            }
        }
        let names_the_message = parameters.iter().any(|parameter: &Parameter| parameter.id.is_some());
        if let (true, Some(FnArg::Typed(message))) = (names_the_message, function.sig.inputs.first_mut()) {
            // An `#[id(..)]` may be all that uses it.
            message.attrs.push(parse_quote!(#[allow(unused_variables)]));
        }
        Self {
            kind,
            rt: Runtime::new(options.krate.as_ref()),
            foreign: options.foreign.is_some(),
            retry: options.retry,
            function,
            message,
            parameters,
        }
    }

    /// What is most likely the message, where the handler has a fault: the first parameter that is a plain type by value.
    pub fn likely_message(&self) -> Option<&Type> {
        let first = self.message.iter().map(|message| &message.ty);
        let generic = |ty: &Type| {
            self.function
                .sig
                .generics
                .type_params()
                .any(|parameter| types::is_named(ty, &[&parameter.ident.to_string()]))
        };
        let plain =
            |ty: &&Type| types::path(ty).is_some() && types::arguments(ty).is_empty() && !is_ours(ty) && !generic(ty);
        first.chain(self.parameters.iter().map(|parameter| &parameter.ty)).find(plain)
    }

    /// Whether it is `async`: of commands, a workflow.
    pub fn is_async(&self) -> bool {
        self.function.sig.asyncness.is_some()
    }

    /// An alias of each parameter's type that is one of this crate's without its arguments, `&mut Tx`: `rustc` refuses it in the function,
    /// and in the alias with the same words, which it shows once. In an expression it would propose `Tx<_>`.
    pub fn with_names(&self) -> (Self, TokenStream) {
        let (mut named, mut aliases) = (self.clone(), TokenStream::new());
        for (at, parameter) in named.parameters.iter_mut().enumerate() {
            let written = types::reference(&parameter.ty).map_or(&parameter.ty, |reference| &*reference.elem).clone();
            if !types::arguments(&written).is_empty() || !is_generic(&written) {
                continue;
            }
            let name = Ident::new(&format!("__Parameter{at}"), written.span());
            aliases.extend(quote!(type #name = #written;));
            match &mut parameter.ty {
                Type::Reference(reference) => *reference.elem = parse_quote!(#name),
                whole => *whole = parse_quote!(#name),
            }
            if let Role::Transaction(inner) = &mut parameter.role {
                **inner = parse_quote!(#name);
            }
        }
        (named, aliases)
    }

    /// The message's type, as it is written.
    pub fn message_name(&self) -> String {
        self.message.as_ref().map_or_else(String::new, |message| types::text(&message.ty))
    }

    /// The function's name without `r#`.
    pub fn name(&self) -> String {
        crate::names::text(&self.function.sig.ident)
    }

    /// The return type, if it is written.
    pub fn output(&self) -> Option<&Type> {
        match &self.function.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }

    /// The `#[cfg]`s of the function, which what is made of it must share.
    pub fn conditions(&self) -> impl Iterator<Item = &Attribute> {
        self.function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"))
    }
}

/// What of this crate's has a type parameter.
fn is_generic(ty: &Type) -> bool {
    types::is_named(ty, &["Absent", "Many", "Reader", "Stale", "State", "Tx", "Views"])
}

/// What this crate hands to handlers, by its name: no message.
pub fn is_ours(ty: &Type) -> bool {
    const OURS: &[&str] = &[
        "Absent", "Many", "Meta", "Option", "Reader", "Recorded", "Self", "Stale", "State", "String", "Tx", "Vec",
        "Views",
    ];
    types::is_named(ty, OURS)
}

impl Role {
    fn of(ty: &Type) -> Self {
        if let Some(reference) = types::reference(ty) {
            return match reference.mutability {
                Some(_) => Self::Transaction(reference.elem.clone()),
                None if types::is_named(&reference.elem, &["Meta"]) => Self::Meta,
                None => Self::Aggregate,
            };
        }
        if types::is_named(ty, &["Many"]) {
            Self::Many
        } else if types::is_named(ty, &["Option", "Absent"]) {
            Self::Aggregate
        } else {
            Self::Service
        }
    }
}

impl Parameter {
    /// Its name, without the underscores that mark it as unused.
    pub fn field(&self) -> Option<Ident> {
        match &self.pattern {
            Pat::Ident(pattern) => crate::names::field(&pattern.ident),
            _ => None,
        }
    }
}

impl Message {
    /// Where its type is written.
    pub fn span(&self) -> Span {
        self.ty.span()
    }

    /// The name that `#[id(..)]` expressions know it by, if it has one.
    pub fn name(&self) -> Option<&Ident> {
        match &self.pattern {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        }
    }
}
