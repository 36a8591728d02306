//! What is anywhere inside a type.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::punctuated::Punctuated;
use syn::{
    AngleBracketedGenericArguments, GenericArgument, Generics, Path, PathArguments, PointerMutability, ReturnType,
    Token, Type, TypeParamBound, TypePath, WherePredicate,
};

use crate::types;

/// Traits of functions that change what they have captured.
const CHANGING: &[&str] = &["FnMut", "AsyncFnMut"];

/// Something inside a type that the rules are about.
pub enum Found<'a> {
    /// `&mut T`, `*mut T`
    Exclusive(&'a Type),
    /// `FnMut(A) -> B`, as a bound.
    Changing(&'a Path),
    /// A type that is named by a path, of any meaning.
    Named(&'a TypePath),
}

/// Calls `see` for all that is found in a type.
///
/// What a function is called with is not looked at: its caller lends that, not the one who passes the function.
pub fn walk<'a>(ty: &'a Type, see: &mut dyn FnMut(Found<'a>)) {
    match ty {
        Type::Reference(reference) => {
            if reference.mutability.is_some() {
                see(Found::Exclusive(ty));
            } else {
                walk(&reference.elem, see);
            }
        }
        Type::Ptr(pointer) => match pointer.mutability {
            PointerMutability::Mut(_) => see(Found::Exclusive(ty)),
            PointerMutability::Const(_) => walk(&pointer.elem, see),
        },
        Type::Tuple(tuple) => tuple.elems.iter().for_each(|elem| walk(elem, see)),
        Type::Array(array) => walk(&array.elem, see),
        Type::Slice(slice) => walk(&slice.elem, see),
        Type::Paren(inner) => walk(&inner.elem, see),
        Type::Group(inner) => walk(&inner.elem, see),
        Type::FnPtr(function) => output(&function.output, see),
        Type::ImplTrait(of) => bounds(&of.bounds, see),
        Type::TraitObject(of) => bounds(&of.bounds, see),
        Type::Path(of) => {
            see(Found::Named(of));
            if let Some(own) = &of.qself {
                walk(&own.ty, see);
            }
            path(&of.path, see);
        }
        _ => {}
    }
}

/// The same for the bounds of a method's own type parameters.
pub fn walk_bounds<'a>(generics: &'a Generics, see: &mut dyn FnMut(Found<'a>)) {
    generics.type_params().for_each(|parameter| bounds(&parameter.bounds, see));
    for predicate in generics.where_clause.iter().flat_map(|clause| &clause.predicates) {
        if let WherePredicate::Type(predicate) = predicate {
            bounds(&predicate.bounds, see);
        }
    }
}

fn bounds<'a>(list: &'a Punctuated<TypeParamBound, Token![+]>, see: &mut dyn FnMut(Found<'a>)) {
    for bound in list {
        if let TypeParamBound::Trait(of) = bound {
            if of.path.segments.last().is_some_and(|last| CHANGING.iter().any(|name| last.ident == name)) {
                see(Found::Changing(&of.path));
            }
            path(&of.path, see);
        }
    }
}

fn path<'a>(of: &'a Path, see: &mut dyn FnMut(Found<'a>)) {
    for segment in &of.segments {
        match &segment.arguments {
            PathArguments::None => {}
            PathArguments::Parenthesized(function) => output(&function.output, see),
            PathArguments::AngleBracketed(list) => arguments(list, see),
        }
    }
}

fn arguments<'a>(list: &'a AngleBracketedGenericArguments, see: &mut dyn FnMut(Found<'a>)) {
    for argument in &list.args {
        match argument {
            GenericArgument::Type(ty) => walk(ty, see),
            GenericArgument::AssocType(binding) => walk(&binding.ty, see),
            GenericArgument::Constraint(constraint) => bounds(&constraint.bounds, see),
            _ => {}
        }
    }
}

fn output<'a>(output: &'a ReturnType, see: &mut dyn FnMut(Found<'a>)) {
    if let ReturnType::Type(_, ty) = output {
        walk(ty, see);
    }
}

/// The named types inside a type that may be another name for something else, each as tokens for the inside of a function:
/// lifetimes are left to be inferred. Left out is what the standard library's commonest names and `Self` stand for.
///
/// None where the type changes something as it is written: that is refused already.
pub fn aliases(ty: &Type) -> Vec<TokenStream> {
    let (mut found, mut refused) = (Vec::new(), false);
    walk(ty, &mut |what| match what {
        Found::Named(named) if !is_known(named) => found.extend(without_lifetimes(named.to_token_stream())),
        Found::Named(_) => {}
        Found::Exclusive(_) | Found::Changing(_) => refused = true,
    });
    if refused { Vec::new() } else { found }
}

fn is_known(named: &TypePath) -> bool {
    const KNOWN: &[&str] = &[
        "Self", "Option", "Result", "Box", "Vec", "String", "str", "bool", "char", "u8", "u16", "u32", "u64", "u128",
        "usize", "i8", "i16", "i32", "i64", "i128", "isize", "f32", "f64",
    ];
    named.path.get_ident().is_some_and(|ident| KNOWN.iter().any(|known| ident == known))
        || (named.path.segments.len() == 1 && types::is_named(&Type::Path(named.clone()), &KNOWN[1..5]))
}

/// `None` where lifetimes are bound inside, or a type cannot be named.
fn without_lifetimes(tokens: TokenStream) -> Option<TokenStream> {
    use proc_macro2::{Group, Ident, TokenTree};
    let mut inferred = TokenStream::new();
    let mut after_quote = false;
    for tree in tokens {
        let tree = match tree {
            TokenTree::Ident(word) if after_quote && word != "static" => Ident::new("_", word.span()).into(),
            TokenTree::Ident(word) if word == "for" || word == "impl" => return None,
            TokenTree::Group(group) => {
                let mut inside = Group::new(group.delimiter(), without_lifetimes(group.stream())?);
                inside.set_span(group.span());
                inside.into()
            }
            other => other,
        };
        after_quote = matches!(&tree, TokenTree::Punct(punct) if punct.as_char() == '\'');
        inferred.extend([tree]);
    }
    Some(inferred)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(written: &str) -> Vec<String> {
        let ty: Type = syn::parse_str(written).expect("a type");
        let mut found = Vec::new();
        walk(&ty, &mut |what| match what {
            Found::Exclusive(ty) => found.push(types::text(ty)),
            Found::Changing(path) => found.push(types::text(path)),
            Found::Named(_) => {}
        });
        found
    }

    #[test]
    fn what_changes_is_found_wherever_it_stands() {
        for written in [
            "&mut Log",
            "&'a mut Log",
            "&&mut Log",
            "Option<&mut Log>",
            "(u8, [&mut Log; 2])",
            "&[&mut Log]",
            "Pin<&mut Log>",
            "*mut Log",
            "impl Iterator<Item = &mut Log>",
            "Box<dyn Iterator<Item = &mut Log> + '_>",
            "fn() -> &mut Log",
            "impl Fn(u8) -> &mut Log",
            "impl FnMut(&Log)",
            "<&mut Log as Of>::Kind",
        ] {
            assert_eq!(found(written).len(), 1, "{written}");
        }
    }

    #[test]
    fn what_a_function_is_called_with_is_not_taken() {
        for written in ["fn(&mut Log)", "impl Fn(&mut Log) -> u8", "&dyn Fn(&mut Log)", "FnMut", "&Log", "*const Log"] {
            assert_eq!(found(written), [""; 0], "{written}");
        }
    }

    #[test]
    fn aliases_are_named_without_their_lifetimes() {
        let texts = |written: &str| {
            let ty: Type = syn::parse_str(written).expect("a type");
            aliases(&ty).into_iter().map(|alias| types::text(&alias)).collect::<Vec<_>>()
        };
        assert_eq!(texts("Option<shop::Log<'a, 'static, u8>>"), ["shop::Log<'_, 'static, u8>"]);
        assert_eq!(texts("Map<Key, Vec<&str>>"), ["Map<Key, Vec<&str>>", "Key"]);
        assert_eq!(texts("(Key, Pin<&mut Item>)"), [""; 0]);
        assert_eq!(texts("(u8, Self, Option<String>)"), [""; 0]);
        assert_eq!(texts("Keep<dyn for<'a> Fn(&'a Item)>"), [""; 0]);
    }
}
