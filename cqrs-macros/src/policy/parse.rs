//! A policy, as it is written: its functions, and what each of them takes.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Attribute, Expr, FnArg, ImplItem, ItemFn, ItemImpl, LitStr, Path, ReturnType, Signature, Type};

use crate::errors::Errors;
use crate::markers::{refuse_helper, refuse_options, refuse_options_of_parameters, take_helper};
use crate::options::{Allowed, On, Options};
use crate::runtime::{Runtime, without_proposed_parameters};
use crate::{names, rules, types};

const ALLOWED: Allowed = Allowed { reader: "#[policy]", options: &["crate", "from_start", "name", "on", "was"] };

/// What the macro is written on.
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

    /// 108: no helper attribute is on what a policy is made of.
    fn refuse_helpers(&mut self, errors: &Errors) {
        let refuse = |attributes: &mut Vec<Attribute>, signature: &mut Signature| {
            refuse_options(attributes, "function", ALLOWED.reader, errors);
            refuse_options_of_parameters(&mut signature.inputs, ALLOWED.reader, errors);
            for input in &mut signature.inputs {
                if let FnArg::Typed(typed) = input
                    && let Some(id) = take_helper::<Expr>(&mut typed.attrs, "id", errors)
                {
                    let instead = "take it away: the handler of the command that is returned loads what it decides on";
                    refuse_helper(&id, "id", "a policy's parameter", instead, errors);
                }
            }
        };
        match self {
            Self::Function(function) => refuse(&mut function.attrs, &mut function.sig),
            Self::Block(block) => {
                for item in &mut block.items {
                    if let ImplItem::Fn(function) = item {
                        refuse(&mut function.attrs, &mut function.sig);
                    }
                }
            }
        }
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

    /// `on`, with the events that the functions take.
    fn corrected_options(&self) -> String {
        let reactions = self.signatures().into_iter().map(Reaction::new);
        let events: Vec<String> = reactions.filter_map(|reaction| Some(types::text(&reaction.event?))).collect();
        format!("on = [{}]", if events.is_empty() { "..".to_owned() } else { events.join(", ") })
    }

    /// Where the item is named.
    pub fn subject(&self) -> TokenStream {
        match self {
            Self::Function(function) => function.sig.ident.to_token_stream(),
            Self::Block(block) => block.self_ty.to_token_stream(),
        }
    }
}

impl Policy {
    /// Reads the item and the macro's options.
    pub fn parse(arguments: TokenStream, mut source: Source, errors: &Errors) -> Self {
        let options = Options::of_macro(arguments, &ALLOWED, errors);
        source.refuse_helpers(errors);
        if errors.is_empty() && options.on.is_none() {
            errors.refuse(&rules::OPTION_MISSING, source.subject(), &["policy", "on", &source.corrected_options()]);
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

    /// The item. A function that returns `dyn Command` is left out: the compiler would refuse its signature as well.
    pub fn emitted(&self) -> TokenStream {
        match &self.source {
            Source::Function(function) if returns_dyn(&function.sig) => TokenStream::new(),
            Source::Function(function) => without_proposed_parameters(function.to_token_stream(), "fn"),
            Source::Block(block) => {
                let mut block = block.clone();
                block.items.retain(|item| !matches!(item, ImplItem::Fn(function) if returns_dyn(&function.sig)));
                without_proposed_parameters(block.to_token_stream(), "impl")
            }
        }
    }

    /// The events of the list.
    pub fn listed(&self) -> &[Path] {
        match &self.on {
            Some(On::Events(events)) => events,
            _ => &[],
        }
    }

    /// How a function is called from next to the item.
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

fn returns_dyn(signature: &Signature) -> bool {
    let ReturnType::Type(_, output) = &signature.output else { return false };
    types::leaves(output).iter().any(|leaf| matches!(leaf, Type::TraitObject(_)))
}

/// The event of `&E` or `&Recorded<E>`.
fn event_of(ty: &Type) -> Option<Type> {
    let reference = types::reference(ty).filter(|reference| reference.mutability.is_none())?;
    let event = match types::arguments(&reference.elem).as_slice() {
        [event] if types::is_named(&reference.elem, &["Recorded"]) => (*event).clone(),
        _ => Type::clone(&reference.elem),
    };
    types::last_segment(&event)?;
    Some(types::unwrapped(&event).clone())
}
