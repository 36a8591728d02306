//! `impl CommandHandler`, `impl QueryHandler`: what both kinds of handlers have in common.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::parse::{Handler, Kind, Message};
use crate::runtime::{local, moved};
use crate::types;

/// What stands in for the implementation of a faulty handler, so that the message has one.
pub fn stub(handler: &Handler) -> TokenStream {
    let Some(message) = &handler.message else { return TokenStream::new() };
    if !matches!(types::bare(&message.ty), Type::Path(_)) || !handler.function.sig.generics.params.is_empty() {
        return TokenStream::new();
    }
    let implementation = implementation(handler, message, "_context", &quote!(async { ::core::unreachable!() }));
    let conditions = handler.conditions();
    quote!(#(#conditions)* const _: () = { #implementation };)
}

/// Which handlers it is one of: those of the message's own crate, or of this crate for a foreign message.
pub fn marker(handler: &Handler) -> TokenStream {
    let rt = &handler.rt;
    if handler.foreign { quote!(Foreign) } else { quote!(#rt::Here) }
}

pub fn implementation(handler: &Handler, message: &Message, context: &str, body: &TokenStream) -> TokenStream {
    let span = message.span();
    // All at the message's type: a second handler, or a first parameter that is no message, is marked there, once.
    let (rt, ty) = (handler.rt.at(span), &message.ty);
    let context = moved(span, local(context).to_token_stream());
    let at = |name: &str| Ident::new(name, span);
    let (of_trait, method, surroundings, reply) = match handler.kind {
        Kind::Command => (at("CommandHandler"), at("handle"), at("CommandContext"), at("Handling")),
        Kind::Query => (at("QueryHandler"), at("answer"), at("QueryContext"), at("Answering")),
    };
    let (declaration, of) = if handler.foreign {
        (
            // `pub`, since whoever sends the message has this marker in his expression's type, without ever naming it.
            quote!(
                #[doc(hidden)]
                #[allow(unreachable_pub)]
                pub struct Foreign;
            ),
            quote_spanned!(span=> <Foreign>),
        )
    } else {
        (TokenStream::new(), TokenStream::new())
    };
    quote_spanned! {span=>
        #declaration
        #[automatically_derived]
        #[allow(clippy::manual_async_fn)]
        #[allow(unused_qualifications)]
        impl #rt::#of_trait #of for #ty {
            fn #method(
                self,
                #context: #rt::#surroundings,
            ) -> impl ::core::future::Future<Output = #rt::#reply<Self>> + ::core::marker::Send {
                #body
            }
        }
    }
}
