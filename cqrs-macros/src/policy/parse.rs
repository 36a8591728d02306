//! A policy, as it is written: its functions, and what each of them takes.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, FnArg, ImplItem, ItemFn, ItemImpl, LitStr, Path, ReturnType, Signature, Type};

use crate::errors::Errors;
use crate::options::{Allowed, On, Options};
use crate::runtime::Runtime;
use crate::{names, rules, types};

const ALLOWED: Allowed = Allowed { reader: "#[policy]", options: &["crate", "from_start", "name", "on", "was"] };

/// What the macro stands on.
pub enum Source {
    /// One function.
    Function(ItemFn),
    /// A block of functions, of a marker struct.
    Block(ItemImpl),
}

/// The policy.
pub struct Policy {
    pub rt: Runtime,
    pub source: Source,
    pub on: Option<On>,
    pub from_start: bool,
    pub reactions: Vec<Reaction>,
    name: Option<LitStr>,
    /// The name that it had before.
    pub was: Option<LitStr>,
}

/// One function.
pub struct Reaction {
    pub signature: Signature,
    /// What its event is, without reference and `Recorded`, if it begins with one.
    pub event: Option<Type>,
    /// The types of the parameters after the first.
    pub rest: Vec<Type>,
}

impl Source {
    /// A function or a block; nothing else.
    pub fn parse(item: &TokenStream) -> Option<Self> {
        let function = syn::parse2(item.clone()).map(Self::Function);
        function.or_else(|_| syn::parse2(item.clone()).map(Self::Block)).ok()
    }

    /// The item's attributes.
    pub fn attributes(&self) -> &[Attribute] {
        match self {
            Self::Function(function) => &function.attrs,
            Self::Block(block) => &block.attrs,
        }
    }

    /// The signatures of its functions.
    fn signatures(&self) -> Vec<Signature> {
        match self {
            Self::Function(function) => vec![function.sig.clone()],
            Self::Block(block) => block
                .items
                .iter()
                .filter_map(|item| match item {
                    ImplItem::Fn(function) => Some(function.sig.clone()),
                    _ => None,
                })
                .collect(),
        }
    }

    /// Where the item is named.
    pub fn subject(&self) -> TokenStream {
        match self {
            Self::Function(function) => function.sig.ident.to_token_stream(),
            Self::Block(block) => block.self_ty.to_token_stream(),
        }
    }
}

impl ToTokens for Source {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        match self {
            Self::Function(function) => function.to_tokens(tokens),
            Self::Block(block) => block.to_tokens(tokens),
        }
    }
}

impl Policy {
    /// Reads the item and the macro's options.
    pub fn parse(arguments: TokenStream, source: Source, errors: &Errors) -> Self {
        let options = Options::of_macro(arguments, &ALLOWED, errors);
        if errors.is_empty() && options.on.is_none() {
            errors.refuse(&rules::OPTION_MISSING, source.subject(), &["policy", "on", "[..]"]);
        }
        Self {
            rt: Runtime::new(options.krate.as_ref()),
            reactions: source.signatures().into_iter().map(Reaction::new).collect(),
            source,
            on: options.on,
            from_start: options.from_start.is_some(),
            name: options.name,
            was: options.was,
        }
    }

    /// The name of the function or the type, or the one that was given.
    pub fn name(&self) -> String {
        let own = || match &self.source {
            Source::Function(function) => names::text(&function.sig.ident),
            Source::Block(block) => {
                types::last_segment(&block.self_ty).map_or_else(String::new, |segment| names::text(&segment.ident))
            }
        };
        self.name.as_ref().map_or_else(own, LitStr::value)
    }

    /// The events of the list.
    pub fn listed(&self) -> &[Path] {
        match &self.on {
            Some(On::Events(events)) => events,
            _ => &[],
        }
    }

    /// How a function is called from beside the item.
    pub fn path(&self, function: &Ident) -> TokenStream {
        match &self.source {
            Source::Function(_) => function.to_token_stream(),
            Source::Block(block) => {
                let own = &block.self_ty;
                quote!(<#own>::#function)
            }
        }
    }
}

impl Reaction {
    fn new(signature: Signature) -> Self {
        let mut types = signature.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(Type::clone(&typed.ty)),
            FnArg::Receiver(_) => None,
        });
        let event = types.next().as_ref().and_then(event_of);
        let rest = types.collect();
        Self { signature, event, rest }
    }

    /// The function's name.
    pub fn ident(&self) -> &Ident {
        &self.signature.ident
    }

    /// Whether it may act outside.
    pub fn is_async(&self) -> bool {
        self.signature.asyncness.is_some()
    }

    /// The return type, if it is written.
    pub fn output(&self) -> Option<&Type> {
        match &self.signature.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }
}

/// The event of `&E` or `&Recorded<E>`.
fn event_of(ty: &Type) -> Option<Type> {
    let reference = types::reference(ty).filter(|reference| reference.mutability.is_none())?;
    let event = match types::arguments(&reference.elem).as_slice() {
        [event] if types::is_named(&reference.elem, &["Recorded"]) => (*event).clone(),
        _ => Type::clone(&reference.elem),
    };
    types::last_segment(&event)?;
    Some(event)
}
