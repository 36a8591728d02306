//! `#[derive(Id)]`: all that an identifier needs, in one line.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Data, DeriveInput, Field, Ident, Member, Type, parse2};

use crate::errors::Errors;
use crate::markers::{Marked, nothing_is_ignored};
use crate::options::{Allowed, Options};
use crate::runtime::Runtime;
use crate::{names, rules, types};

const OPTIONS: Allowed = Allowed { reader: "#[derive(Id)]", options: &["crate", "name"] };

const MARKED: Marked = Marked {
    what: "identifier",
    own: &[],
    instead: "take it away: it is the event's or the view's field that is marked",
};

/// The identifier, as it is written.
struct Id<'a> {
    rt: Runtime,
    ident: &'a Ident,
    prefix: String,
    /// Its value's field.
    member: Member,
    inner: &'a Type,
    copy: bool,
}

impl Id<'_> {
    /// What the value can do, asked for at its type: what it cannot do is one error there, however often it is asked.
    fn value(&self) -> TokenStream {
        let (inner, span) = (self.inner, self.inner.span());
        let rt = self.rt.at(span);
        quote_spanned!(span=> <#inner as #rt::IdValue>)
    }
}

/// `#[derive(Id)]`
pub fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let id = parse(&input, &errors);
    let expansion = id.map_or_else(|rt| stub(&rt, &input), |id| expand(&id));
    let faults = errors.into_tokens();
    quote!(#faults #expansion)
}

/// 104, 106: a newtype that owns its value.
fn parse<'a>(input: &'a DeriveInput, errors: &Errors) -> Result<Id<'a>, Runtime> {
    let options = Options::of_type(&input.attrs, &OPTIONS, errors);
    nothing_is_ignored(input, &MARKED, errors);
    let rt = Runtime::new(options.krate.as_ref());
    let name = names::text(&input.ident);
    if !input.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &input.generics.params, &[&name, "identifier"]);
        return Err(rt);
    }
    let prefix = options.name.map_or_else(
        || names::snake_case(name.strip_suffix("Id").filter(|stem| !stem.is_empty()).unwrap_or(&name)),
        |given| given.value(),
    );
    if prefix.contains(':') {
        errors.refuse(&rules::OPTION_VALUE, &input.ident, &["name", "a text without `:`, which ends a tag's prefix"]);
    }
    let newtype = match &input.data {
        Data::Struct(data) if data.fields.len() == 1 => data.fields.iter().zip(data.fields.members()).next(),
        _ => None,
    };
    let Some((field, member)) = newtype else {
        errors.refuse(&rules::ID_SHAPE, &input.ident, &[&name]);
        return Err(rt);
    };
    let copy = !types::is_named(&field.ty, OWNED);
    Ok(Id { rt, ident: &input.ident, prefix, member, inner: &field.ty, copy })
}

fn expand(id: &Id<'_>) -> TokenStream {
    let standard = standard_traits(id);
    let text = text_traits(id);
    let serde = serde_traits(id);
    let inherent = inherent(id);
    let value = id.value();
    let Id { rt, ident, prefix, member, inner, .. } = id;
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #rt::Id for #ident {
                const PREFIX: &'static str = #prefix;
                const COLUMN: #rt::ColumnKind = #value::KIND;
                fn to_value(&self) -> #rt::Value {
                    #value::to_value(&self.#member)
                }
            }
            #standard
            #text
            #serde
            #inherent
            #rt::id_schema!(#ident, #inner);
        };
    }
}

/// What cannot be copied, as far as its name tells.
const OWNED: &[&str] = &["String", "Box", "Arc", "Rc", "Cow", "Vec"];

fn standard_traits(id: &Id<'_>) -> TokenStream {
    let Id { ident, member, inner, .. } = id;
    let value = id.value();
    let (copy, clone) = if id.copy {
        (Some(quote!(#[automatically_derived] impl ::core::marker::Copy for #ident {})), quote!(*self))
    } else {
        (None, quote!(Self { #member: #value::cloned(&self.#member) }))
    };
    quote! {
        #copy
        #[automatically_derived]
        impl ::core::clone::Clone for #ident {
            fn clone(&self) -> Self { #clone }
        }
        #[automatically_derived]
        impl ::core::cmp::PartialEq for #ident {
            fn eq(&self, other: &Self) -> bool { ::core::cmp::Ord::cmp(self, other).is_eq() }
        }
        #[automatically_derived]
        impl ::core::cmp::Eq for #ident {}
        #[automatically_derived]
        impl ::core::cmp::PartialOrd for #ident {
            fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
                ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
            }
        }
        #[automatically_derived]
        impl ::core::cmp::Ord for #ident {
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering { #value::order(&self.#member, &other.#member) }
        }
        #[automatically_derived]
        impl ::core::hash::Hash for #ident {
            fn hash<S: ::core::hash::Hasher>(&self, state: &mut S) { #value::add_to_hash(&self.#member, state); }
        }
        #[automatically_derived]
        impl ::core::convert::From<#inner> for #ident {
            fn from(value: #inner) -> Self { Self { #member: value } }
        }
    }
}

fn text_traits(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, prefix, member, .. } = id;
    let (name, value) = (names::text(ident), id.value());
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(f, "{}({})", #name, self)
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                #value::show(&self.#member, f)
            }
        }
        #[automatically_derived]
        impl ::core::str::FromStr for #ident {
            type Err = #rt::ParseIdError;
            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                ::core::result::Result::map(#value::parse(#prefix, text), |value| Self { #member: value })
            }
        }
    }
}

/// As its value alone is written.
fn serde_traits(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, member, .. } = id;
    let value = id.value();
    quote! {
        #[automatically_derived]
        impl #rt::serde::Serialize for #ident {
            fn serialize<S: #rt::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                #value::write(&self.#member, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> #rt::serde::Deserialize<'de> for #ident {
            fn deserialize<__D: #rt::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                ::core::result::Result::map(#value::read(deserializer), |value| Self { #member: value })
            }
        }
    }
}

fn inherent(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, member, inner, .. } = id;
    let is_uuid = types::is_named(inner, &["Uuid"]);
    let new = if is_uuid {
        quote! {
            /// A new identifier, unlike any other: a UUID of version 7, so that later ones sort after earlier ones.
            #[must_use]
            pub fn new() -> Self { Self { #member: #rt::uuid::Uuid::now_v7() } }
        }
    } else {
        quote! {
            /// The identifier of this value.
            #[must_use]
            pub fn new(value: impl ::core::convert::Into<#inner>) -> Self {
                Self { #member: ::core::convert::Into::<#inner>::into(value) }
            }
        }
    };
    let default = is_uuid.then(|| {
        quote! {
            #[automatically_derived]
            impl ::core::default::Default for #ident {
                fn default() -> Self { Self::new() }
            }
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #ident {
            #new
            /// The value that identifies.
            #[must_use]
            pub fn into_inner(self) -> #inner { self.#member }
        }
        #default
    }
}

/// What stands in for a faulty identifier: an identifier as any other, with the first value that its fields can hold, that nothing
/// can be made of. Code that names it gets no second error.
fn stub(rt: &Runtime, input: &DeriveInput) -> TokenStream {
    let ident = &input.ident;
    let (generics, parameters, _) = input.generics.split_for_impl();
    let mut reading = input.generics.clone();
    reading.params.insert(0, syn::parse_quote!('__de));
    let (reading, ..) = reading.split_for_impl();
    let first = match &input.data {
        Data::Struct(data) => data.fields.iter().next(),
        _ => None,
    };
    let inner = first.map_or_else(|| quote!(#rt::uuid::Uuid), |field| field.ty.to_token_stream());
    let is_uuid = first.is_none_or(|field| types::is_named(&field.ty, &["Uuid"]));
    let value = match (is_uuid, input.generics.params.is_empty()) {
        (true, _) => TokenStream::new(),
        (false, true) => quote!(_: impl ::core::convert::Into<#inner>),
        // The value says what the parameters are.
        (false, false) => quote!(_: #inner),
    };
    // With a lifetime before it, a bound that does not hold is no error: then it cannot be copied, and that is all.
    let copied = fields(&input.data).into_iter().map(|field| {
        let ty = &field.ty;
        quote!(for<'__any> #ty: ::core::marker::Copy)
    });
    let nothing = quote!(::core::unreachable!("an identifier that does not compile"));
    let formats = [quote!(Debug), quote!(Display)].map(|format| {
        quote! {
            #[automatically_derived]
            impl #generics ::core::fmt::#format for #ident #parameters {
                fn fmt(&self, _: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result { #nothing }
            }
        }
    });
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #generics #rt::Id for #ident #parameters
            where
                Self: ::core::marker::Send + ::core::marker::Sync + 'static,
            {
                const PREFIX: &'static str = "";
                const COLUMN: #rt::ColumnKind = #rt::ColumnKind::Text;
                fn to_value(&self) -> #rt::Value { #nothing }
            }
            #[automatically_derived]
            #[allow(trivial_bounds)]
            impl #generics ::core::marker::Copy for #ident #parameters where #(#copied),* {}
            #[automatically_derived]
            impl #generics ::core::clone::Clone for #ident #parameters {
                fn clone(&self) -> Self { #nothing }
            }
            #[automatically_derived]
            impl #generics ::core::cmp::PartialEq for #ident #parameters {
                fn eq(&self, _: &Self) -> bool { #nothing }
            }
            #[automatically_derived]
            impl #generics ::core::cmp::Eq for #ident #parameters {}
            #[automatically_derived]
            impl #generics ::core::cmp::PartialOrd for #ident #parameters {
                fn partial_cmp(&self, _: &Self) -> ::core::option::Option<::core::cmp::Ordering> { #nothing }
            }
            #[automatically_derived]
            impl #generics ::core::cmp::Ord for #ident #parameters {
                fn cmp(&self, _: &Self) -> ::core::cmp::Ordering { #nothing }
            }
            #[automatically_derived]
            impl #generics ::core::hash::Hash for #ident #parameters {
                fn hash<__S: ::core::hash::Hasher>(&self, _: &mut __S) { #nothing }
            }
            #(#formats)*
            #[automatically_derived]
            impl #generics ::core::str::FromStr for #ident #parameters {
                type Err = #rt::ParseIdError;
                fn from_str(_: &str) -> ::core::result::Result<Self, Self::Err> { #nothing }
            }
            #[automatically_derived]
            impl #generics #rt::serde::Serialize for #ident #parameters {
                fn serialize<__S: #rt::serde::Serializer>(&self, _: __S) -> ::core::result::Result<__S::Ok, __S::Error> {
                    #nothing
                }
            }
            #[automatically_derived]
            impl #reading #rt::serde::Deserialize<'__de> for #ident #parameters {
                fn deserialize<__D: #rt::serde::Deserializer<'__de>>(_: __D) -> ::core::result::Result<Self, __D::Error> {
                    #nothing
                }
            }
            #[automatically_derived]
            #[allow(dead_code, clippy::new_without_default)]
            impl #generics #ident #parameters {
                pub fn new(#value) -> Self { #nothing }
                pub fn into_inner(self) -> #inner { #nothing }
            }
        };
    }
}

/// All fields of a type, of any variant.
fn fields(data: &Data) -> Vec<&Field> {
    match data {
        Data::Struct(data) => data.fields.iter().collect(),
        Data::Enum(data) => data.variants.iter().flat_map(|variant| &variant.fields).collect(),
        Data::Union(data) => data.fields.named.iter().collect(),
    }
}
