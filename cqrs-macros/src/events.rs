//! `#[derive(Events)]`: one of several events.

use proc_macro2::TokenStream;
use quote::quote;
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Fields, Ident, Type, parse2};

use crate::errors::Errors;
use crate::markers::{Marked, nothing_is_ignored};
use crate::options::{Allowed, Options};
use crate::runtime::{Runtime, local};
use crate::{names, rules};

const OPTIONS: Allowed = Allowed { reader: "#[derive(Events)]", options: &["crate"] };

const MARKED: Marked =
    Marked { what: "set of events", own: &[], instead: "mark the field inside the event: `#[tag]` in its struct" };

/// `#[derive(Events)]`
pub fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let options = Options::of_type(&input.attrs, &OPTIONS, &errors);
    let rt = Runtime::new(options.krate.as_ref());
    nothing_is_ignored(&input, &MARKED, &errors);
    let variants = parse(&input, &errors);
    let expansion = if errors.is_empty() { expand(&rt, &input.ident, &variants) } else { stub(&rt, &input) };
    let faults = errors.into_tokens();
    quote!(#faults #expansion)
}

/// Each variant and its event. 104, 105 where they are not that.
fn parse<'a>(input: &'a DeriveInput, errors: &Errors) -> Vec<(&'a Ident, &'a Type)> {
    let name = names::text(&input.ident);
    if !input.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &input.generics.params, &[&name, "set of events"]);
    }
    let Data::Enum(data) = &input.data else {
        errors.refuse(&rules::EVENTS_SHAPE, &input.ident, &[&name]);
        return Vec::new();
    };
    if data.variants.is_empty() {
        errors.refuse(&rules::EVENTS_SHAPE, &input.ident, &[&name]);
    }
    let mut variants = Vec::new();
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                variants.push((&variant.ident, &fields.unnamed[0].ty));
            }
            _ => errors.refuse(&rules::EVENTS_SHAPE, variant, &[&name]),
        }
    }
    variants
}

fn expand(rt: &Runtime, ident: &Ident, variants: &[(&Ident, &Type)]) -> TokenStream {
    let (event, to) = (local("event"), local("to"));
    let emits =
        variants.iter().map(|(variant, ty)| quote!(Self::#variant(#event) => #rt::Calls::<#ty>::emit(#event, #to)));
    let lists = variants.iter().map(|(_, ty)| {
        let of = rt.at(ty.span());
        quote!(&<#ty as #of::Events>::LIST)
    });
    let fallbacks = rt.fallbacks();
    quote! {
        const _: () = {
            #fallbacks
            #[automatically_derived]
            impl #rt::Events for #ident {
                fn emit(self, #to: &mut #rt::Emitted) {
                    match self { #(#emits,)* }
                }
                const LIST: #rt::EventList = #rt::EventList::All(&[#(#lists),*]);
            }
        };
    }
}

fn stub(rt: &Runtime, input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (impl_generics, type_generics, _) = input.generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #rt::Events for #ident #type_generics where Self: ::core::marker::Send + 'static {
            fn emit(self, _: &mut #rt::Emitted) {}
            const LIST: #rt::EventList = *#rt::EventList::NONE;
        }
    }
}
