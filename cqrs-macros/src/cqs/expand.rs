//! The block as it is, and what only the compiler knows of its queries:
//!
//! ```text
//! impl ShoppingCart { .. }
//! const _: () = {
//!     #[allow(dead_code)]
//!     trait __Queries { fn change_nothing(); }
//!     impl __Queries for ShoppingCart {
//!         fn change_nothing() {
//!             use ::cqrs_runtime::__private::SeenPlain as _;
//!             ::cqrs_runtime::__private::unchanging::<Self>();
//!             ::cqrs_runtime::__private::Seen::<Item>::taken();
//!             ::cqrs_runtime::__private::Seen::<Money>::returned();
//!         }
//!     }
//! };
//! ```

use std::collections::BTreeSet;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Attribute, Type, parse_quote};

use super::parse::{Block, Kind, Method};
use super::walk::aliases;
use crate::types;

pub fn expand(block: &Block) -> TokenStream {
    let item = &block.item;
    let checks = if item.trait_.is_some() { TokenStream::new() } else { checks(block) };
    quote!(#item #checks)
}

fn checks(block: &Block) -> TokenStream {
    let Block { rt, item, .. } = block;
    let queries = || block.methods.iter().filter(|method| method.kind == Some(Kind::Query));
    let unchanging = (queries().next().is_some() && !block.may_change_inside).then(|| unchanging(block));
    let mut seen = BTreeSet::new();
    let aliases: Vec<_> = queries().flat_map(|query| no_alias_hides_it(block, query, &mut seen)).collect();
    if unchanging.is_none() && aliases.is_empty() {
        return TokenStream::new();
    }
    let fallback = (!aliases.is_empty()).then(|| quote!(use #rt::SeenPlain as _;));
    let own = &item.self_ty;
    let mut generics = item.generics.clone();
    let parameters: Vec<Ident> = generics.type_params().map(|parameter| parameter.ident.clone()).collect();
    for parameter in parameters {
        // What a type parameter brings in is chosen elsewhere: here it is about the type's own fields.
        generics.make_where_clause().predicates.push(parse_quote!(#parameter: ::core::panic::RefUnwindSafe));
    }
    let (impl_generics, _, where_clause) = generics.split_for_impl();
    let conditions = conditions(&item.attrs);
    quote! {
        #(#conditions)*
        const _: () = {
            #[allow(dead_code)]
            trait __Queries {
                fn change_nothing();
            }
            #[allow(deprecated)]
            impl #impl_generics __Queries for #own #where_clause {
                fn change_nothing() {
                    #fallback
                    #unchanging
                    #(#aliases)*
                }
            }
        };
    }
}

/// 706: nothing inside the type changes behind a shared reference.
fn unchanging(block: &Block) -> TokenStream {
    let own = &block.item.self_ty;
    let span = at_its_name(own);
    let rt = block.rt.at(span);
    quote_spanned!(span=> #rt::unchanging::<Self>();)
}

/// 704, 705: no type that a query names is another name for `&mut T`, and none that it returns for `()`.
///
/// A method with type parameters of its own is passed over: here they have no name.
fn no_alias_hides_it(block: &Block, method: &Method, seen: &mut BTreeSet<String>) -> Vec<TokenStream> {
    let generics = &method.function.sig.generics;
    if generics.type_params().next().is_some()
        || generics.const_params().next().is_some()
        || generics.where_clause.is_some()
    {
        return Vec::new();
    }
    let conditions = conditions(&method.function.attrs);
    let condition_text = types::text(&quote!(#(#conditions)*));
    let mut statements = Vec::new();
    let mut check = |ty: &Type, function: &str| {
        for alias in aliases(ty) {
            if !seen.insert(format!("{condition_text} {function} {}", types::text(&alias))) {
                continue;
            }
            let span = syn::parse2(alias.clone()).map_or_else(|_| alias.span(), |ty| at_its_name(&ty));
            let (rt, function) = (block.rt.at(span), Ident::new(function, span));
            let call = quote_spanned!(span=> #rt::Seen::<#alias>::#function(););
            statements.push(quote!(#(#conditions)* { #call }));
        }
    };
    method.parameters().for_each(|parameter| check(parameter, "taken"));
    if let Some(output) = method.output() {
        check(output, "returned");
    }
    statements
}

/// Where an error about a type is seen: at its name, without its arguments.
fn at_its_name(ty: &Type) -> Span {
    types::last_segment(ty).map_or_else(|| ty.span(), |segment| segment.ident.span())
}

/// The `#[cfg]`s of an item, which what is made of it must share.
fn conditions(attributes: &[Attribute]) -> Vec<TokenStream> {
    let conditions = attributes.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    conditions.map(ToTokens::to_token_stream).collect()
}
