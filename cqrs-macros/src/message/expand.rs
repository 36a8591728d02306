//! `impl Command`, `impl Query`, and their registration.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::spanned::Spanned;

use super::parse::{Kind, Message};
use crate::runtime::{self, Runtime};
use crate::{names, rules, types};

pub fn expand(message: &Message<'_>) -> TokenStream {
    let Message { rt, ident, .. } = message;
    let (of, body) = implementation(message);
    let constructor = match message.kind {
        Kind::Command => quote!(command),
        Kind::Query => quote!(query),
    };
    let docs = &message.docs;
    let returns = message.returns.as_ref().map_or_else(|| quote!(()), |returns| quote!(#returns));
    let registration = rt.submit(&quote! {
        #constructor::<#ident>(::core::module_path!()).documented(#rt::MessageDocs {
            text: #docs,
            schema: #rt::Probe::<#ident>::SCHEMA,
            answer: #rt::Probe::<#returns>::SCHEMA,
        })
    });
    let rules = std::iter::once(only_one_intention(message)).chain(says_something(message));
    let rules = rules.chain(no_events(message)).chain(is_written(message));
    let fallbacks = rt.fallbacks();
    let (reply, fields, exposure) = (reply(message), has_fields(message), exposure(message));
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #rt::Message for #ident {
                #reply
                const JSON: #rt::Codec<Self> = #rt::Codec::<Self>::SERDE;
                #exposure
            }
            #[automatically_derived]
            impl #of for #ident { #body }
            #fields
            #fallbacks
            #(#rules)*
            #registration
        };
    }
}

/// What stands in for the implementation of a faulty message.
pub fn stub(message: &Message<'_>) -> TokenStream {
    let Message { rt, ident, generics, .. } = message;
    let (of, body) = implementation(message);
    let reply = reply(message);
    let message_body = quote!(#reply const JSON: #rt::Codec<Self> = #rt::Codec::NONE;);
    let sent = runtime::stub(generics, &quote!(#rt::Message), ident, &message_body);
    let stub = runtime::stub(generics, &of, ident, &body);
    let fields = generics.params.is_empty().then(|| has_fields(message));
    quote!(#sent #stub #fields)
}

/// `type Reply = ..; type Consistency = ..;`
fn reply(message: &Message<'_>) -> TokenStream {
    let rt = &message.rt;
    let consistency = if message.reads_own_writes { quote!(ReadYourWrites) } else { quote!(Eventual) };
    let reply = match message.kind {
        Kind::Command => quote!(Handling),
        Kind::Query => quote!(Answering),
    };
    quote! {
        type Reply = #rt::#reply<Self>;
        type Consistency = #rt::#consistency;
    }
}

/// `const EXPOSURE: .. = ..;`, where anything is declared.
fn exposure(message: &Message<'_>) -> Option<TokenStream> {
    let rt = &message.rt;
    let http = message.http.as_ref().map(|route| quote!(.http(#route)));
    let not_found = message.not_found_if_null.then(|| quote!(.not_found_if_null()));
    let public = message.public.map(|_| quote!(.public()));
    let requires = message.requires.as_ref().map(|permission| quote!(.requires(#permission)));
    let parts: Vec<TokenStream> = [http, not_found, public, requires].into_iter().flatten().collect();
    (!parts.is_empty()).then(|| quote!(const EXPOSURE: #rt::Exposure = #rt::Exposure::NONE #(#parts)*;))
}

/// How a command's handler, which cannot see its fields, reaches those that its parameters are named after.
fn has_fields(message: &Message<'_>) -> TokenStream {
    match message.kind {
        Kind::Command => names::has_fields(&message.rt, message.ident, &message.fields),
        Kind::Query => TokenStream::new(),
    }
}

fn implementation(message: &Message<'_>) -> (TokenStream, TokenStream) {
    let Message { rt, name, .. } = message;
    let returns = message.returns.as_ref().map_or_else(|| quote!(()), |returns| quote!(#returns));
    let error = message.error.as_ref().map_or_else(|| quote!(::core::convert::Infallible), |error| quote!(#error));
    // At the type: where it is less visible than the command, the error belongs there.
    let error = quote_spanned!(error.span()=> type Error = #error;);
    let fields = message.fields.iter().map(|(name, _)| names::text(name));
    match message.kind {
        Kind::Command => (
            quote!(#rt::Command),
            quote! {
                const NAME: &'static str = #name;
                const FIELDS: &'static [&'static str] = &[#(#fields),*];
                type Returns = #returns;
                #error
            },
        ),
        Kind::Query => (
            quote!(#rt::Query),
            quote! {
                const NAME: &'static str = #name;
                type Returns = #returns;
            },
        ),
    }
}

/// 101. A command asks about the other two, a query about events, so that each pair is one error.
fn only_one_intention(message: &Message<'_>) -> TokenStream {
    let Message { rt, ident, .. } = message;
    let span = ident.span();
    let condition = |rt: &Runtime| match message.kind {
        Kind::Command => quote_spanned!(span=> !#rt::Probe::<#ident>::IS_QUERY && !#rt::Probe::<#ident>::IS_EVENT),
        Kind::Query => quote_spanned!(span=> !#rt::Probe::<#ident>::IS_EVENT),
    };
    rt.require(span, condition, &rules::TWO_INTENTIONS, &[&names::text(ident)])
}

/// 103: an answer that goes by another name is not `()` either.
fn says_something(message: &Message<'_>) -> Option<TokenStream> {
    let Message { rt, ident, .. } = message;
    let returns = message.returns.as_ref().filter(|returns| message.kind == Kind::Query && may_be_an_alias(returns))?;
    let span = returns.span();
    let condition = |rt: &Runtime| quote_spanned!(span=> !#rt::Probe::<#returns>::IS_NOTHING);
    Some(rt.require(span, condition, &rules::QUERY_RETURNS_NOTHING, &[&names::text(ident)]))
}

/// 305: each type in a query's answer is no event.
fn no_events<'a>(message: &'a Message<'_>) -> impl Iterator<Item = TokenStream> + 'a {
    let Message { rt, ident, .. } = message;
    let returns = message.returns.as_ref().filter(|_| message.kind == Kind::Query);
    returns.map(types::leaves).into_iter().flatten().filter(|leaf| may_be_an_event(leaf)).map(move |leaf| {
        let (span, names) = (leaf.span(), [&*names::text(ident), &types::text(leaf)]);
        rt.require(span, |rt| quote_spanned!(span=> !#rt::Probe::<#leaf>::IS_EVENT), &rules::QUERY_EVENT, &names)
    })
}

/// 304: serde can write a query's answer. A view inside that it cannot write has said so itself.
fn is_written(message: &Message<'_>) -> Option<TokenStream> {
    let Message { rt, ident, .. } = message;
    let returns = message.returns.as_ref().filter(|_| message.kind == Kind::Query)?;
    let span = types::anchor(returns);
    let views = types::leaves(returns).into_iter().filter(|leaf| may_be_an_event(leaf));
    let condition = |rt: &Runtime| {
        let of_a_view = views
            .map(|leaf| quote_spanned!(span=> || #rt::Probe::<#leaf>::IS_VIEW && !#rt::Probe::<#leaf>::IS_WRITTEN));
        quote_spanned!(span=> #rt::Probe::<#returns>::IS_WRITTEN #(#of_a_view)*)
    };
    Some(rt.require(span, condition, &rules::QUERY_ANSWER, &[&names::text(ident), &types::text(returns)]))
}

/// Not for a type with arguments, `Vec<..>`, nor for one of the language's own.
fn may_be_an_alias(ty: &syn::Type) -> bool {
    types::arguments(ty).is_empty() && may_be_an_event(ty)
}

/// Not for a type that is the language's own.
fn may_be_an_event(leaf: &syn::Type) -> bool {
    const NONE: &[&str] = &[
        "bool",
        "char",
        "f32",
        "f64",
        "i8",
        "i16",
        "i32",
        "i64",
        "i128",
        "isize",
        "u8",
        "u16",
        "u32",
        "u64",
        "u128",
        "usize",
        "str",
        "String",
        "Uuid",
        "Timestamp",
        "Date",
    ];
    types::last_segment(leaf).is_some() && !types::is_named(leaf, NONE)
}
