//! `impl Answered`, and the registration.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::parse::{Handler, Message, Role};
use crate::runtime::{local, moved};
use crate::types;

pub fn expand(handler: &Handler) -> TokenStream {
    let Handler { rt, parameters, .. } = handler;
    let (Some(message), Some(output)) = (&handler.message, handler.output()) else { return TokenStream::new() };
    let query = &message.ty;
    let implementation = implementation(
        handler,
        message,
        if parameters.is_empty() { "_context" } else { "context" },
        &body(handler, message, output),
    );
    let name = handler.name();
    let needs =
        parameters.iter().filter(|parameter| !matches!(parameter.role, Role::Meta)).map(|parameter| &parameter.ty);
    let marker = if handler.foreign { quote!(Foreign) } else { quote!(#rt::Here) };
    let registration = rt.submit(&quote! {
        query_handler(
            ::core::module_path!(),
            #rt::Of::<(#query, #marker)>::QUERY,
            #name,
            &[#(#rt::Probe::<#needs>::PARAMETER),*],
        )
    });
    let (conditions, fallbacks) = (handler.conditions(), rt.fallbacks());
    quote! {
        #(#conditions)*
        const _: () = {
            #implementation
            #fallbacks
            #registration
        };
    }
}

/// The function's call, its parameters each from the context.
fn body(handler: &Handler, message: &Message, output: &Type) -> TokenStream {
    let span = message.span();
    let context = local("context");
    let arguments = handler.parameters.iter().map(|parameter| {
        if matches!(parameter.role, Role::Meta) {
            return quote!(#context.meta());
        }
        let ty = &parameter.ty;
        let span = types::anchor(ty);
        let context = moved(span, context.to_token_stream());
        quote_spanned!(span=> #context.get::<#ty>().await?)
    });
    let function = &handler.function.sig.ident;
    let answered = super::taken_apart(handler, message, output, "answered");
    quote_spanned! {span=>
        async move { #answered(#function(self, #(#arguments),*).await) }
    }
}

/// What stands in for the implementation of a faulty handler, so that the query has one.
pub fn stub(handler: &Handler) -> TokenStream {
    let Some(message) = &handler.message else { return TokenStream::new() };
    if !matches!(types::bare(&message.ty), Type::Path(_)) || !handler.function.sig.generics.params.is_empty() {
        return TokenStream::new();
    }
    let implementation = implementation(handler, message, "_context", &quote!(async { ::core::unreachable!() }));
    let conditions = handler.conditions();
    quote!(#(#conditions)* const _: () = { #implementation };)
}

fn implementation(handler: &Handler, message: &Message, context: &str, body: &TokenStream) -> TokenStream {
    let span = message.span();
    // All at the query's type: a second handler, or a first parameter that is no query, is marked there, once.
    let (rt, query) = (handler.rt.at(span), &message.ty);
    let context = moved(span, local(context).to_token_stream());
    // `pub`, since whoever sends the message has this marker in his expression's type, without ever naming it.
    let (declaration, of) = if handler.foreign {
        (
            // Callers infer it, wherever they are.
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
        impl #rt::QueryHandler #of for #query {
            fn answer(
                self,
                #context: #rt::QueryContext,
            ) -> impl ::core::future::Future<Output = #rt::Answering<Self>> + ::core::marker::Send {
                #body
            }
        }
    }
}
