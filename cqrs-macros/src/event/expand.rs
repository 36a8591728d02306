//! `impl Event`, a `HasField` for each field, and the registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Member;
use syn::spanned::Spanned;

use super::parse::Event;
use crate::errors::Errors;
use crate::runtime::{self, Runtime, local};
use crate::{names, rules, types};

pub fn expand(event: &Event<'_>) -> TokenStream {
    let Event { rt, ident, .. } = event;
    let version = event.version.map_or(1, |(version, _)| version);
    let implementation = implementation(event, version, earlier(event).as_ref());
    let fields = has_fields(event);
    let chain = follows_the_version_before(event, version);
    let as_written = fields_as_written(event);
    let serde = &event.serde.rest;
    let registration = rt.submit(&quote! {
        event::<#ident>(::core::module_path!(), &[#(#as_written),*], #serde, #rt::Probe::<#ident>::SCHEMA)
    });
    quote! {
        const _: () = {
            #implementation
            #fields
            #chain
            #registration
        };
    }
}

fn implementation(event: &Event<'_>, version: u32, earlier: Option<&TokenStream>) -> TokenStream {
    let Event { rt, ident, name, .. } = event;
    let tags = event.fields.iter().filter(|field| field.is_tag).map(|field| {
        let (name, ty) = (field.stored_name(), field.ty);
        let of = rt.at(ty.span());
        quote!(#rt::TagInfo { field: #name, prefix: <#ty as #of::TagField>::PREFIX })
    });
    let adds = event.fields.iter().filter(|field| field.is_tag).map(|field| {
        let (member, ty, to) = (&field.member, field.ty, local("tags"));
        quote!(#rt::Calls::<#ty>::add_tags(&self.#member, #to);)
    });
    let to = local(if event.fields.iter().any(|field| field.is_tag) { "tags" } else { "_tags" });
    let fallbacks = rt.fallbacks();
    quote! {
        #fallbacks
        #[automatically_derived]
        impl #rt::Event for #ident {
            const NAME: &'static str = #name;
            const VERSION: u32 = #version;
            const TAGS: &'static [#rt::TagInfo] = &[#(#tags),*];
            const JSON: #rt::Codec<Self> = #rt::Codec::<Self>::SERDE;
            fn tags(&self, #to: &mut ::std::vec::Vec<#rt::Tag>) {
                #(#adds)*
            }
            #earlier
        }
    }
}

/// How the version before is read.
fn earlier(event: &Event<'_>) -> Option<TokenStream> {
    let from = event.from.as_ref()?;
    let (rt, version, data) = (&event.rt, local("version"), local("data"));
    let span = from.span();
    let of = rt.at(span);
    let old = quote_spanned!(span=> <#from as #of::Event>::decode(#version, #data)?);
    let earlier = quote_spanned!(span=> <Self as #of::UpcastFrom<#from>>::upcast(#old));
    Some(quote! {
        fn decode_earlier(#version: u32, #data: &str) -> ::core::result::Result<Self, #rt::DecodeError> {
            ::core::result::Result::Ok(#earlier)
        }
    })
}

/// What stands in for the implementation of a faulty event. Its fields and tags are there, so that projections and
/// aggregates find theirs.
pub fn stub(event: &Event<'_>, errors: &Errors) -> TokenStream {
    let Event { rt, ident, name, .. } = event;
    if event.is_struct && event.generics.params.is_empty() {
        let (implementation, fields) = (implementation(event, 1, None), has_fields(event));
        return quote!(const _: () = { #implementation #fields };);
    }
    // A tag without a prefix is every id's.
    let body = quote! {
        const NAME: &'static str = #name;
        const VERSION: u32 = 1;
        const TAGS: &'static [#rt::TagInfo] = &[#rt::TagInfo { field: "", prefix: "" }];
        const JSON: #rt::Codec<Self> = #rt::Codec::NONE;
        fn tags(&self, _: &mut ::std::vec::Vec<#rt::Tag>) {}
    };
    let stub = runtime::stub(event.generics, &quote!(#rt::Event), ident, &body);
    // A field of any name, and of a type that nobody knows.
    let (_, parameters, _) = event.generics.split_for_impl();
    let mut named = event.generics.clone();
    named.params.push(syn::parse_quote!(const __NAME: u64));
    let ((generics, _, bounds), ty) = (named.split_for_impl(), errors.unknown_type());
    quote! {
        #stub
        #[automatically_derived]
        impl #generics #rt::HasField<__NAME, #ty> for #ident #parameters #bounds {
            fn field(&self) -> &#ty { ::core::unreachable!() }
        }
    }
}

/// What `events.lock` says about a type that has no schema.
fn fields_as_written(event: &Event<'_>) -> impl Iterator<Item = TokenStream> {
    let Event { rt, serde: container, .. } = event;
    event.fields.iter().map(move |field| {
        let name = field.stored_name();
        let (written, serde) = (types::text(field.ty), &field.serde.rest);
        let optional = field.serde.is_optional(field.ty) || container.default;
        quote!(#rt::FieldInfo { name: #name, type_written: #written, optional: #optional, serde: #serde })
    })
}

/// How a projection, which cannot see the event's fields, reaches the one that has the name of its view's key.
fn has_fields(event: &Event<'_>) -> TokenStream {
    let named = event.fields.iter().filter_map(|field| match &field.member {
        Member::Named(name) => Some((name, field.ty)),
        Member::Unnamed(_) => None,
    });
    names::has_fields(&event.rt, event.ident, &named.collect::<Vec<_>>())
}

/// 107: `from` is the version before, of the same name.
fn follows_the_version_before(event: &Event<'_>, version: u32) -> Option<TokenStream> {
    let Event { rt, ident, .. } = event;
    let from = event.from.as_ref()?;
    let span = from.span();
    let condition = |rt: &Runtime| {
        quote_spanned! {span=>
            <#from as #rt::Event>::VERSION + 1 == #version
                && #rt::same_name(<#from as #rt::Event>::NAME, <#ident as #rt::Event>::NAME)
        }
    };
    let names = [&*names::text(ident), &(version - 1).to_string()];
    Some(rt.require(span, condition, &rules::VERSION_GAP, &names))
}
