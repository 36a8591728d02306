//! `impl Answered`, and the registration.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;

use super::implementation::{implementation, marker};
use super::parse::{Handler, Message, Role};
use crate::runtime::{local, moved};
use crate::types;

pub fn expand(handler: &Handler) -> TokenStream {
    let (handler, names) = &handler.with_names();
    let Handler { rt, parameters, .. } = handler;
    let (Some(message), Some(output)) = (&handler.message, handler.output()) else { return TokenStream::new() };
    let query = &message.ty;
    let name = handler.name();
    let needs =
        parameters.iter().filter(|parameter| !matches!(parameter.role, Role::Meta)).map(|parameter| &parameter.ty);
    let marker = marker(handler);
    let registration = rt.submit(&quote! {
        query_handler(
            ::core::module_path!(),
            #rt::Calls::<(#query, #marker)>::QUERY,
            #name,
            &[#(#rt::Probe::<#needs>::PARAMETER),*],
        )
    });
    let fallbacks = rt.fallbacks();
    let context = if parameters.is_empty() { "_context" } else { "context" };
    let inside = quote! {
        #names
        #fallbacks
        #registration
    };
    implementation(handler, message, context, &inside, &body(handler, message, output))
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
