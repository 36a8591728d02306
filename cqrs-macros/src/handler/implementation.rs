//! `impl CommandHandler`, `impl QueryHandler`: what both kinds of handlers have in common.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};

use super::parse::{Handler, Kind, Message};
use crate::runtime::{local, moved};

/// What stands in for the implementation of a faulty handler, so that its callers hear no more of the fault.
///
/// It is of both kinds, since the fault may be that it should have been the other, and has a marker of its own, since it may be
/// that the message is another crate's. With a lifetime before it, a bound that does not hold is no error.
pub fn stub(handler: &Handler) -> TokenStream {
    let Some(ty) = handler.likely_message() else { return TokenStream::new() };
    let rt = &handler.rt;
    let conditions = handler.conditions();
    let nothing = quote!(async { ::core::unreachable!() });
    quote! {
        #(#conditions)*
        const _: () = {
            #[doc(hidden)]
            #[allow(unreachable_pub)]
            pub struct Foreign;
            #[automatically_derived]
            #[allow(clippy::manual_async_fn, trivial_bounds, unused_qualifications, non_local_definitions)]
            impl #rt::CommandHandler<Foreign> for #ty {
                fn handle(
                    self,
                    _: #rt::CommandContext,
                ) -> impl ::core::future::Future<Output = #rt::Handling<Self>> + ::core::marker::Send
                where
                    for<'__any> Self: #rt::Command,
                {
                    #nothing
                }
            }
            #[automatically_derived]
            #[allow(clippy::manual_async_fn, trivial_bounds, unused_qualifications, non_local_definitions)]
            impl #rt::QueryHandler<Foreign> for #ty {
                fn answer(
                    self,
                    _: #rt::QueryContext,
                ) -> impl ::core::future::Future<Output = #rt::Answering<Self>> + ::core::marker::Send
                where
                    for<'__any> Self: #rt::Query,
                {
                    #nothing
                }
            }
        };
    }
}

/// The marker of a foreign message's handler. It has a name of its own, since it is next to the function.
fn foreign(handler: &Handler) -> Ident {
    format_ident!("__foreign_{}", handler.name())
}

/// Which handlers it is one of: those of the message's own crate, or of this crate for a foreign message.
pub fn marker(handler: &Handler) -> TokenStream {
    let rt = &handler.rt;
    if handler.foreign { foreign(handler).to_token_stream() } else { quote!(#rt::Here) }
}

/// `impl CommandHandler for Ship { .. }`, the checks and the registration inside of its method.
///
/// It is one item that may not be inside an `impl`, which the macro cannot see: there the compiler says that an implementation is not
/// supported, and to move it out. A `const` around it may, and would not find the function.
pub fn implementation(
    handler: &Handler,
    message: &Message,
    context: &str,
    inside: &TokenStream,
    body: &TokenStream,
) -> TokenStream {
    let span = message.span();
    // All at the message's type: a second handler, or a first parameter that is no message, is marked there, once.
    let (rt, ty) = (handler.rt.at(span), &message.ty);
    let context = moved(span, local(context).to_token_stream());
    let at = |name: &str| Ident::new(name, span);
    let (of_trait, method, surroundings, reply) = match handler.kind {
        Kind::Command => (at("CommandHandler"), at("handle"), at("CommandContext"), at("Handling")),
        Kind::Query => (at("QueryHandler"), at("answer"), at("QueryContext"), at("Answering")),
    };
    let conditions: Vec<_> = handler.conditions().collect();
    let marker = handler.foreign.then(|| foreign(handler));
    // `pub`, since the expression that sends the message has this marker in its type, without naming it.
    let declaration = marker.iter().map(|marker| {
        quote! {
            #(#conditions)*
            #[doc(hidden)]
            #[allow(non_camel_case_types, unreachable_pub)]
            pub struct #marker;
        }
    });
    let of = marker.as_ref().map(|marker| quote_spanned!(span=> <#marker>));
    // The macro's, so that `rustc` proposes no type parameter there.
    let generics = quote_spanned!(Span::mixed_site()=> <>);
    let (declaration, attributes) = (
        quote!(#(#declaration)*),
        quote! {
            #(#conditions)*
            #[automatically_derived]
            #[allow(clippy::manual_async_fn)]
            #[allow(non_local_definitions, unused_qualifications)]
        },
    );
    quote_spanned! {span=>
        #declaration
        #attributes
        impl #generics #rt::#of_trait #of for #ty {
            fn #method(
                self,
                #context: #rt::#surroundings,
            ) -> impl ::core::future::Future<Output = #rt::#reply<Self>> + ::core::marker::Send {
                #inside
                #body
            }
        }
    }
}
