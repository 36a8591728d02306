//! What a type's text says. Aliases are the type system's affair.

use proc_macro2::{Delimiter, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{GenericArgument, Path, PathArguments, PathSegment, Type, TypePath, TypeReference};

/// The type without the parentheses and invisible groups around it.
pub fn bare(ty: &Type) -> &Type {
    match ty {
        Type::Paren(inner) => bare(&inner.elem),
        Type::Group(inner) => bare(&inner.elem),
        _ => ty,
    }
}

/// The last segment of a path type: `Tx<Sqlite>` of `cqrs::Tx<Sqlite>`.
pub fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match bare(ty) {
        Type::Path(path) => path.path.segments.last(),
        _ => None,
    }
}

/// The type as a reference.
pub fn reference(ty: &Type) -> Option<&TypeReference> {
    match bare(ty) {
        Type::Reference(reference) => Some(reference),
        _ => None,
    }
}

/// Whether the type's last segment is one of `names`.
pub fn is_named(ty: &Type, names: &[&str]) -> bool {
    last_segment(ty).is_some_and(|segment| names.iter().any(|name| segment.ident == name))
}

/// The type arguments of the last segment: `A` and `B` of `Result<A, B>`.
pub fn arguments(ty: &Type) -> Vec<&Type> {
    match last_segment(ty).map(|segment| &segment.arguments) {
        Some(PathArguments::AngleBracketed(list)) => list
            .args
            .iter()
            .filter_map(|argument| match argument {
                GenericArgument::Type(ty) => Some(ty),
                _ => None,
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// A path as the type that it names.
pub fn of_path(path: &Path) -> Type {
    Type::Path(TypePath { attrs: Vec::new(), qself: None, path: path.clone() })
}

/// The path of a type that is written as one.
pub fn path(ty: &Type) -> Option<&Path> {
    match bare(ty) {
        Type::Path(path) => Some(&path.path),
        _ => None,
    }
}

/// Whether the type is `()`.
pub fn is_unit(ty: &Type) -> bool {
    matches!(bare(ty), Type::Tuple(tuple) if tuple.elems.is_empty())
}

/// What is named as no event can be, since an event has no parameters.
const CONTAINERS: &[&str] = &["Arc", "Box", "Cow", "Option", "Rc", "Vec"];

/// The event of `Recorded<E>`, under any name: an event has no type parameters of its own.
pub fn unwrapped(ty: &Type) -> &Type {
    match arguments(ty).as_slice() {
        [event] if !is_named(ty, CONTAINERS) && last_segment(event).is_some() => event,
        _ => ty,
    }
}

/// Whether there is a reference without a lifetime in it.
pub fn is_borrowed(ty: &Type) -> bool {
    match bare(ty) {
        Type::Reference(reference) => reference.lifetime.is_none() || is_borrowed(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(is_borrowed),
        other => arguments(other).into_iter().any(is_borrowed),
    }
}

/// The types at the leaves: `A` and `B` of `Vec<(A, Option<B>)>`.
pub fn leaves(ty: &Type) -> Vec<&Type> {
    match bare(ty) {
        Type::Tuple(tuple) => tuple.elems.iter().flat_map(leaves).collect(),
        Type::Array(array) => leaves(&array.elem),
        Type::Reference(reference) => leaves(&reference.elem),
        other => {
            let arguments = arguments(other);
            if arguments.is_empty() { vec![other] } else { arguments.into_iter().flat_map(leaves).collect() }
        }
    }
}

/// What is looked through for the type that matters.
const WRAPPERS: &[&str] =
    &["Absent", "Decision", "Many", "Option", "Reader", "Recorded", "Stale", "State", "Tx", "Vec", "Views"];

/// Where an error about a type is best seen, when all of it cannot be marked: at the last name of the type inside the wrappers
/// that a handler's signature is made of.
pub fn anchor(ty: &Type) -> Span {
    match bare(ty) {
        Type::Tuple(tuple) if !tuple.elems.is_empty() => anchor(&tuple.elems[tuple.elems.len() - 1]),
        Type::Array(array) => anchor(&array.elem),
        Type::Reference(reference) => anchor(&reference.elem),
        other => match (arguments(other).pop(), last_segment(other)) {
            (Some(inner), Some(_)) if is_named(other, WRAPPERS) => anchor(inner),
            (_, Some(segment)) => segment.ident.span(),
            (_, None) => other.span(),
        },
    }
}

/// Tokens as a person writes them: `Result<Vec<A>, &mut B>`.
pub fn text(tokens: &impl ToTokens) -> String {
    let mut text = String::new();
    write(tokens.to_token_stream(), &mut text);
    text
}

fn write(tokens: TokenStream, text: &mut String) {
    let is_word = |letter: char| letter.is_alphanumeric() || letter == '_';
    for tree in tokens {
        match tree {
            TokenTree::Group(group) => {
                let (open, close) = match group.delimiter() {
                    Delimiter::Parenthesis => ("(", ")"),
                    Delimiter::Brace => ("{", "}"),
                    Delimiter::Bracket => ("[", "]"),
                    Delimiter::None => ("", ""),
                };
                text.push_str(open);
                write(group.stream(), text);
                text.push_str(close);
            }
            TokenTree::Punct(punct) => {
                text.push(punct.as_char());
                if punct.as_char() == ',' {
                    text.push(' ');
                }
            }
            word => {
                let word = word.to_string();
                if text.ends_with(is_word) && word.starts_with(is_word) {
                    text.push(' ');
                }
                text.push_str(&word);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_read_as_they_are_written() {
        for written in ["&mut Order", "Result<Vec<A>, &'a B>", "Arc<dyn a::EventLog>", "(A, [B;3])", "fn(A)->B"] {
            let ty: Type = syn::parse_str(written).expect("a type");
            assert_eq!(text(&ty), written);
        }
    }

    #[test]
    fn leaves_are_the_innermost_types() {
        let ty: Type = syn::parse_str("Vec<(A, Option<&B>)>").expect("a type");
        assert_eq!(leaves(&ty).into_iter().map(text).collect::<Vec<_>>(), ["A", "B"]);
    }
}
