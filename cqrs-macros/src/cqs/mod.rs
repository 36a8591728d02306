//! `#[cqs]`: command-query separation on the methods of a plain type.

mod check;
mod expand;
mod parse;
mod walk;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Item, TraitItem};

use crate::errors::Errors;
use crate::rules;
use parse::Block;

/// `#[cqs]`
pub fn attribute(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let errors = Errors::new();
    // It is an item of some kind, or the compiler would have refused it before.
    let expansion = match syn::parse2(item.clone()) {
        Ok(Item::Impl(block)) => {
            let block = Block::parse(arguments, block, &errors);
            check::check(&block, &errors);
            expand::expand(&block)
        }
        Ok(Item::Trait(mut of)) => {
            errors.refuse(&rules::CQS_SHAPE, of.trait_token, &["a trait"]);
            for item in &mut of.items {
                if let TraitItem::Fn(method) = item {
                    method.attrs.retain(|attribute| parse::marker_of(attribute).is_none());
                }
            }
            of.into_token_stream()
        }
        _ => {
            errors.refuse(&rules::CQS_SHAPE, item.clone().into_iter().next(), &["what is no `impl`"]);
            item.clone()
        }
    };
    let faults = errors.into_tokens();
    quote!(#expansion #faults)
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::File;

    use super::*;

    fn items(expansion: TokenStream) -> Vec<Item> {
        syn::parse2::<File>(expansion).expect("items").items
    }

    #[test]
    fn the_expansion_is_the_block_and_at_most_one_check() {
        let block = |command: &TokenStream, query: &TokenStream| {
            quote! {
                impl<T> Cart<T> {
                    #command pub fn add(&mut self, item: Item) {}
                    #query pub fn items(&self) -> &[Item] { &self.items }
                    pub fn new() -> Self { Self { items: Vec::new() } }
                }
            }
        };
        let plain = block(&quote!(), &quote!()).to_string();
        let marked = block(&quote!(#[command]), &quote!(#[query]));
        let expanded = items(attribute(TokenStream::new(), &marked));
        assert_eq!(expanded.len(), 2);
        assert_eq!(expanded[0].to_token_stream().to_string(), plain);
        assert!(matches!(&expanded[1], Item::Const(check) if check.ident == "_"));
        // What a command takes and returns is written out, and leaves nothing for the compiler to find.
        let commands =
            quote!(impl Cart { #[command] pub fn add(&mut self, item: Item) -> Result<(), Full> { Ok(()) } });
        assert_eq!(items(attribute(TokenStream::new(), &commands)).len(), 1);
    }

    #[test]
    fn no_marker_is_left_where_a_rule_is_broken() {
        for broken in [
            quote!(impl Cart { #[command] #[query] pub fn both(&mut self) {} }),
            quote!(impl Cart { #[command] #[command] pub fn twice(&mut self) {} }),
            quote!(impl Priced for Cart { #[query] fn total(&self) -> u32 { 0 } }),
            quote!(
                trait Priced {
                    #[cqrs_runtime::query]
                    fn total(&self) -> u32;
                }
            ),
        ] {
            let expansion = attribute(TokenStream::new(), &broken).to_string();
            assert_eq!(expansion.matches("compile_error").count(), 1, "{expansion}");
            assert!(!expansion.contains("# ["), "{expansion}");
        }
    }
}
