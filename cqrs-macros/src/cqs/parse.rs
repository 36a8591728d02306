//! The block, as it is written: what each method is marked as, and how it takes the object.

use proc_macro2::{Ident, TokenStream};
use syn::{Attribute, FnArg, ImplItem, ImplItemFn, ItemImpl, Receiver, ReceiverKind, ReturnType, Type, Visibility};

use crate::errors::Errors;
use crate::options::{Allowed, Options};
use crate::runtime::Runtime;
use crate::{names, rules, types};

const ALLOWED: Allowed = Allowed { reader: "#[cqs]", options: &["crate", "interior_mutability"] };

/// The block.
pub struct Block {
    pub rt: Runtime,
    /// `interior_mutability`
    pub may_change_inside: bool,
    /// The block without markers, as it is emitted.
    pub item: ItemImpl,
    pub methods: Vec<Method>,
}

/// What a method is marked as.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Command,
    Query,
    /// Both, which is refused.
    Both,
}

/// How a method takes the object.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Access {
    /// `self`, `self: Box<Self>`
    Owned,
    /// `&mut self`, `self: Pin<&mut Self>`
    Exclusive,
    /// `&self`, `self: Rc<Self>`, `self: Arc<Self>`
    Shared,
    /// By a type of another name.
    Unknown,
}

/// A method, as it is written.
pub struct Method {
    pub function: ImplItemFn,
    pub kind: Option<Kind>,
    /// How it takes the object, if it does.
    pub access: Option<Access>,
}

impl Block {
    /// Reads the block and the options, and takes the markers off.
    pub fn parse(arguments: TokenStream, mut item: ItemImpl, errors: &Errors) -> Self {
        let options = Options::of_macro(arguments, &ALLOWED, errors);
        let mut methods = Vec::new();
        for part in &mut item.items {
            if let ImplItem::Fn(function) = part {
                let kind = take_markers(function, errors);
                let access = receiver(function).map(|receiver| access(receiver, &item.self_ty));
                methods.push(Method { function: function.clone(), kind, access });
            }
        }
        Self { rt: Runtime::new(options.krate.as_ref()), may_change_inside: options.interior_mutability, item, methods }
    }
}

impl Method {
    /// The method's name.
    pub fn ident(&self) -> &Ident {
        &self.function.sig.ident
    }

    /// Whether it can be called from outside its module, or is said to.
    pub fn is_public(&self) -> bool {
        !matches!(self.function.vis, Visibility::Inherited)
    }

    /// `self` as it is written.
    pub fn receiver(&self) -> Option<&Receiver> {
        receiver(&self.function)
    }

    /// The types of the parameters, that of `self: Type` among them.
    pub fn parameters(&self) -> impl Iterator<Item = &Type> {
        self.function.sig.inputs.iter().filter_map(|input| match input {
            FnArg::Typed(typed) => Some(&*typed.ty),
            FnArg::Receiver(Receiver { kind: ReceiverKind::Typed(_, ty), .. }) => Some(&**ty),
            FnArg::Receiver(_) => None,
        })
    }

    /// The return type, if it is written.
    pub fn output(&self) -> Option<&Type> {
        match &self.function.sig.output {
            ReturnType::Default => None,
            ReturnType::Type(_, ty) => Some(ty),
        }
    }
}

/// Whether an attribute is `#[command]` or `#[query]`, with a path or without.
pub fn marker_of(attribute: &Attribute) -> Option<Kind> {
    let name = &attribute.path().segments.last()?.ident;
    match &*names::text(name) {
        "command" => Some(Kind::Command),
        "query" => Some(Kind::Query),
        _ => None,
    }
}

fn take_markers(function: &mut ImplItemFn, errors: &Errors) -> Option<Kind> {
    let name = names::text(&function.sig.ident);
    let mut found = None;
    function.attrs.retain(|attribute| {
        let Some(kind) = marker_of(attribute) else { return true };
        let text = if kind == Kind::Command { "command" } else { "query" };
        if attribute.meta.require_path_only().is_err() {
            errors.refuse(&rules::MARKER_WITH_ARGUMENTS, &attribute.meta, &[text]);
        }
        match found {
            None => found = Some(kind),
            Some(Kind::Both) => {}
            Some(earlier) if earlier == kind => errors.refuse(&rules::OPTION_REPEATED, attribute.path(), &[text]),
            Some(_) => {
                errors.refuse(&rules::CQS_BOTH, attribute.path(), &[&name]);
                found = Some(Kind::Both);
            }
        }
        false
    });
    found
}

fn receiver(function: &ImplItemFn) -> Option<&Receiver> {
    match function.sig.inputs.first() {
        Some(FnArg::Receiver(receiver)) => Some(receiver),
        _ => None,
    }
}

fn access(receiver: &Receiver, own: &Type) -> Access {
    match &receiver.kind {
        ReceiverKind::Value => Access::Owned,
        ReceiverKind::Reference(_, _, Some(_)) => Access::Exclusive,
        ReceiverKind::Typed(_, ty) => access_by(ty, own),
        // `&self`, and what is not yet known of.
        _ => Access::Shared,
    }
}

/// What is shared anywhere on the way to the object is shared: `&mut Rc<Self>` has no access of its own to it.
fn access_by(ty: &Type, own: &Type) -> Access {
    if let Some(reference) = types::reference(ty) {
        return match (reference.mutability, access_by(&reference.elem, own)) {
            (Some(_), Access::Owned) => Access::Exclusive,
            (Some(_), inner) => inner,
            (None, _) => Access::Shared,
        };
    }
    if types::is_named(ty, &["Rc", "Arc"]) {
        return Access::Shared;
    }
    if types::is_named(ty, &["Box", "Pin"]) {
        return types::arguments(ty).first().map_or(Access::Unknown, |inner| access_by(inner, own));
    }
    let is_own = types::last_segment(ty).zip(types::last_segment(own)).is_some_and(|(ty, own)| ty.ident == own.ident);
    if is_own || types::is_named(ty, &["Self"]) { Access::Owned } else { Access::Unknown }
}

#[cfg(test)]
mod tests {
    use syn::parse_str;

    use super::*;

    #[test]
    fn the_receiver_tells_how_the_object_is_taken() {
        use Access::{Exclusive, Owned, Shared, Unknown};
        for (written, expected) in [
            ("self", Owned),
            ("mut self", Owned),
            ("self: Cart", Owned),
            ("self: Box<Self>", Owned),
            ("self: Pin<Box<Self>>", Owned),
            ("&mut self", Exclusive),
            ("self: &mut Self", Exclusive),
            ("self: Pin<&mut Self>", Exclusive),
            ("&self", Shared),
            ("self: &Self", Shared),
            ("self: Rc<Self>", Shared),
            ("self: std::sync::Arc<Self>", Shared),
            ("self: Pin<&Self>", Shared),
            ("self: &Box<Self>", Shared),
            ("self: &mut Rc<Self>", Shared),
            ("self: Handle", Unknown),
        ] {
            let function: ImplItemFn = parse_str(&format!("fn total({written}) {{}}")).expect("a method");
            let own = parse_str("shop::Cart").expect("a type");
            assert!(receiver(&function).is_some_and(|receiver| access(receiver, &own) == expected), "{written}");
        }
    }
}
