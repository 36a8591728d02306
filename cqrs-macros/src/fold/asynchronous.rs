//! `impl Handle`: event name → decode → async method, as one `match`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;

use super::aggregate::{case, decode, listed as in_list};
use super::parse::Model;
use super::projection::{basis, every_event};
use crate::runtime::{local, moved};

pub fn expand(model: &Model) -> TokenStream {
    let (rt, own, name) = (&model.rt, model.own(), model.name());
    let Some(database) = model.methods.iter().find_map(|method| method.database.as_ref()) else {
        return TokenStream::new();
    };
    let folds = model.folds();
    let (event, tx, e) = (local("event"), local("tx"), local("e"));
    let events = folds.iter().map(|(event, method)| in_list(rt, event, method));
    let arms = folds.iter().map(|(listed, method)| {
        let (name, decode, ident) = (case(rt, listed), decode(rt, listed), method.ident());
        // At the method's result: an error about its error type belongs there.
        let span = method.output().map_or_else(|| ident.span(), Spanned::span);
        let at_output = rt.at(span);
        let recorded = moved(span, event.to_token_stream());
        let handled = quote_spanned!(span=> #at_output::handled(#recorded, Self::#ident(#tx, &#e).await));
        let conditions = method.conditions();
        quote! {
            #conditions
            #name => {
                #decode
                #handled
            }
        }
    });
    let basis = basis(model, &folds, &quote!());
    let complete = every_event(model, &folds);
    let registration = rt.submit(&quote!(handle::<#own>(::core::module_path!())));
    let fallbacks = rt.fallbacks();
    quote! {
        #fallbacks
        #[automatically_derived]
        impl #rt::Handle for #own {
            const NAME: &'static str = #name;
            type Database = #database;
            const EVENTS: &'static [&'static str] = &[#(#events),*];
            #basis
            fn handle<'a>(
                #event: &'a #rt::RecordedEvent,
                #tx: &'a mut #rt::Tx<#database>,
            ) -> #rt::BoxFuture<'a, ::core::result::Result<(), #rt::FoldError>> {
                ::std::boxed::Box::pin(async move {
                    match #event.name() {
                        #(#arms)*
                        _ => ::core::result::Result::Ok(()),
                    }
                })
            }
        }
        #complete
        #registration
    }
}
