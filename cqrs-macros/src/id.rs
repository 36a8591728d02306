//! `#[derive(Id)]`: all that an identifier needs, in one line.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Ident, Member, Type, parse2};

use crate::errors::Errors;
use crate::options::{Allowed, Options};
use crate::runtime::Runtime;
use crate::{names, rules, types};

const OPTIONS: Allowed = Allowed { reader: "#[derive(Id)]", options: &["crate", "name"] };

/// The identifier, as it is written.
struct Id<'a> {
    rt: Runtime,
    ident: &'a Ident,
    prefix: String,
    /// Its value's field.
    member: Member,
    inner: &'a Type,
    copy: bool,
    /// It is no newtype: nothing can be made of it, and whoever names it needs to hear no more of that.
    faulty: bool,
}

impl Id<'_> {
    /// The identifier of a value.
    fn of(&self, value: &TokenStream) -> TokenStream {
        let member = &self.member;
        if self.faulty {
            quote!({
                let _ = #value;
                ::core::option::Option::None::<Self>.expect("an identifier that compiles")
            })
        } else {
            quote!(Self { #member: #value })
        }
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
    let expansion = id.map(|id| expand(&id));
    let faults = errors.into_tokens();
    quote!(#faults #expansion)
}

/// 104, 106: a newtype that owns its value.
fn parse<'a>(input: &'a DeriveInput, errors: &Errors) -> Option<Id<'a>> {
    let options = Options::of_type(&input.attrs, &OPTIONS, errors);
    let name = names::text(&input.ident);
    if !input.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &input.generics.params, &[&name, "identifier"]);
        return None;
    }
    let prefix = options.name.map_or_else(
        || names::snake_case(name.strip_suffix("Id").filter(|stem| !stem.is_empty()).unwrap_or(&name)),
        |given| given.value(),
    );
    if prefix.contains(':') {
        errors.refuse(&rules::OPTION_VALUE, &input.ident, &["name", "a text without `:`, which ends a tag's prefix"]);
    }
    let Data::Struct(data) = &input.data else {
        errors.refuse(&rules::ID_SHAPE, &input.ident, &[&name]);
        return None;
    };
    let faulty = data.fields.len() != 1;
    if faulty {
        errors.refuse(&rules::ID_SHAPE, &input.ident, &[&name]);
    }
    let (field, member) = data.fields.iter().zip(data.fields.members()).next()?;
    let copy = data.fields.iter().all(|field| !types::is_named(&field.ty, OWNED));
    let rt = Runtime::new(options.krate.as_ref());
    Some(Id { rt, ident: &input.ident, prefix, member, inner: &field.ty, copy, faulty })
}

fn expand(id: &Id<'_>) -> TokenStream {
    let standard = standard_traits(id);
    let text = text_traits(id);
    let serde = serde_traits(id);
    let inherent = inherent(id);
    let Id { rt, ident, prefix, member, inner, .. } = id;
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #rt::Id for #ident {
                const PREFIX: &'static str = #prefix;
                const COLUMN: #rt::ColumnKind = <#inner as #rt::Column>::KIND;
                fn to_value(&self) -> #rt::Value {
                    <#inner as #rt::Column>::to_value(&self.#member)
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
    let (copy, clone) = if id.copy {
        (Some(quote!(#[automatically_derived] impl ::core::marker::Copy for #ident {})), quote!(*self))
    } else {
        (None, id.of(&quote!(::core::clone::Clone::clone(&self.#member))))
    };
    let from = id.of(&quote!(value));
    quote! {
        #copy
        #[automatically_derived]
        impl ::core::clone::Clone for #ident {
            fn clone(&self) -> Self { #clone }
        }
        #[automatically_derived]
        impl ::core::cmp::PartialEq for #ident {
            fn eq(&self, other: &Self) -> bool { ::core::cmp::PartialEq::eq(&self.#member, &other.#member) }
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
            fn cmp(&self, other: &Self) -> ::core::cmp::Ordering { ::core::cmp::Ord::cmp(&self.#member, &other.#member) }
        }
        #[automatically_derived]
        impl ::core::hash::Hash for #ident {
            fn hash<S: ::core::hash::Hasher>(&self, state: &mut S) { ::core::hash::Hash::hash(&self.#member, state); }
        }
        #[automatically_derived]
        impl ::core::convert::From<#inner> for #ident {
            fn from(value: #inner) -> Self { #from }
        }
    }
}

fn text_traits(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, prefix, member, inner, .. } = id;
    let name = names::text(ident);
    let read = id.of(&quote!(value));
    quote! {
        #[automatically_derived]
        impl ::core::fmt::Debug for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::write!(f, "{}({})", #name, self.#member)
            }
        }
        #[automatically_derived]
        impl ::core::fmt::Display for #ident {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                ::core::fmt::Display::fmt(&self.#member, f)
            }
        }
        #[automatically_derived]
        impl ::core::str::FromStr for #ident {
            type Err = #rt::ParseIdError;
            fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
                match <#inner as ::core::str::FromStr>::from_str(text) {
                    ::core::result::Result::Ok(value) => ::core::result::Result::Ok(#read),
                    ::core::result::Result::Err(error) => {
                        ::core::result::Result::Err(#rt::ParseIdError::new(#prefix, text, error))
                    }
                }
            }
        }
    }
}

/// As its value alone is written.
fn serde_traits(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, member, inner, .. } = id;
    let read = id.of(&quote!(value));
    quote! {
        #[automatically_derived]
        impl #rt::serde::Serialize for #ident {
            fn serialize<S: #rt::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
                #rt::serde::Serialize::serialize(&self.#member, serializer)
            }
        }
        #[automatically_derived]
        impl<'de> #rt::serde::Deserialize<'de> for #ident {
            fn deserialize<__D: #rt::serde::Deserializer<'de>>(
                deserializer: __D,
            ) -> ::core::result::Result<Self, __D::Error> {
                ::core::result::Result::map(
                    <#inner as #rt::serde::Deserialize>::deserialize(deserializer),
                    |value| #read,
                )
            }
        }
    }
}

fn inherent(id: &Id<'_>) -> TokenStream {
    let Id { rt, ident, member, inner, .. } = id;
    let is_uuid = types::is_named(inner, &["Uuid"]);
    let new_uuid = id.of(&quote!(#rt::uuid::Uuid::now_v7()));
    let of_value = id.of(&quote!(::core::convert::Into::<#inner>::into(value)));
    let new = if is_uuid {
        quote! {
            /// A new identifier, unlike any other: a UUID of version 7, so that later ones sort after earlier ones.
            #[must_use]
            pub fn new() -> Self { #new_uuid }
        }
    } else {
        quote! {
            /// The identifier of this value.
            #[must_use]
            pub fn new(value: impl ::core::convert::Into<#inner>) -> Self {
                #of_value
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
