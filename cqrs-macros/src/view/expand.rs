//! `impl View`, a constant for each field, and the registration.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};
use syn::Type;
use syn::spanned::Spanned;

use super::parse::{Field, View};
use crate::errors::Errors;
use crate::{names, runtime};

pub fn expand(view: &View<'_>) -> TokenStream {
    let View { rt, ident, .. } = view;
    let implementation = view.key().map(|key| implementation(view, key));
    let constants = constants(view);
    let registration = rt.submit(&quote!(view::<#ident>(::core::module_path!())));
    quote! {
        const _: () = {
            #implementation
            #constants
            #registration
        };
    }
}

fn implementation(view: &View<'_>, key: &Field<'_>) -> TokenStream {
    let View { rt, ident, name, .. } = view;
    let fields = view.hash();
    let (key, key_name, key_type) = (key.ident, names::text(key.ident), key.ty);
    let shape = |field: &Field<'_>, ty: &Type| {
        let (name, of) = (names::text(field.ident), rt.at(ty.span()));
        quote!(#rt::IndexShape { name: #name, kind: <#ty as #of::Column>::KIND })
    };
    let shapes = view.indexed().map(|field| shape(field, field.ty));
    let multi_shapes = view.multi_indexed().map(|(field, ty)| shape(field, ty));
    let compounds = view.compounds.iter().map(|compound| {
        let names = compound.iter().map(names::text);
        quote!(&[#(#names),*])
    });
    let values = view.indexed().map(|field| {
        let (field, ty) = (field.ident, field.ty);
        quote!(#rt::Calls::<#ty>::value(&self.#field))
    });
    let multi_values: Vec<_> = view
        .multi_indexed()
        .map(|(field, ty)| {
            let field = field.ident;
            quote!(#rt::Calls::<#ty>::values(&self.#field))
        })
        .collect();
    let multi_values = (!multi_values.is_empty()).then(|| {
        quote! {
            fn multi_values(&self) -> ::std::vec::Vec<::std::vec::Vec<#rt::Value>> { ::std::vec![#(#multi_values),*] }
        }
    });
    let fallbacks = rt.fallbacks();
    quote! {
        #fallbacks
        #[automatically_derived]
        impl #rt::View for #ident {
            type Key = #key_type;
            const LAYOUT: #rt::ViewLayout = #rt::ViewLayout {
                name: #name,
                key: #key_name,
                indexes: &[#(#shapes),*],
                multi_indexes: &[#(#multi_shapes),*],
                compounds: &[#(#compounds),*],
                fields: #fields,
            };
            const JSON: #rt::Codec<Self> = #rt::Codec::<Self>::SERDE;
            fn key(&self) -> &Self::Key { &self.#key }
            fn index_values(&self) -> ::std::vec::Vec<#rt::Value> { ::std::vec![#(#values),*] }
            #multi_values
        }
    }
}

/// `OrderSummary::CUSTOMER`: what the view is searched by. The key and a field without an index have one too, that
/// says so when used.
fn constants(view: &View<'_>) -> TokenStream {
    let View { rt, ident, .. } = view;
    let constants = view.fields.iter().map(|field| {
        let Field { vis, ty, .. } = field;
        let name = names::text(field.ident);
        let constant = constant(field.ident);
        // A second key is refused, and may be searched by elsewhere.
        let again = field.key.is_some() && view.key().is_some_and(|key| key.ident != field.ident);
        if let (true, Some(ty)) = (field.is_index, field.several()) {
            let doc = format!(" The index `{name}`: finds the rows that have a value.");
            quote!(#[doc = #doc] #vis const #constant: #rt::MultiIndex<Self, #ty> = #rt::MultiIndex::new(#name);)
        } else if field.is_index || again {
            let doc = format!(" The index `{name}`: finds and sorts by it.");
            quote!(#[doc = #doc] #vis const #constant: #rt::Index<Self, #ty> = #rt::Index::new(#name);)
        } else if field.key.is_some() {
            quote!(#[doc(hidden)] #vis const #constant: #rt::KeyField<Self> = #rt::KeyField::new();)
        } else {
            quote!(#[doc(hidden)] #vis const #constant: #rt::Unindexed<Self> = #rt::Unindexed::new();)
        }
    });
    quote! {
        #[automatically_derived]
        #[allow(dead_code)]
        impl #ident {
            #(#constants)*
        }
    }
}

/// The field's name in capitals, at the field, so that an editor finds the one from the other.
pub fn constant(field: &Ident) -> Ident {
    let name = names::screaming_case(&names::text(field));
    format_ident!("{}", name, span = field.span())
}

/// What stands in for the implementation of a faulty view: a view without columns, and the constants all the same.
pub fn stub(view: &View<'_>, errors: &Errors) -> TokenStream {
    let View { rt, ident, .. } = view;
    if !view.generics.params.is_empty() {
        return TokenStream::new();
    }
    if let Some(key) = view.key().filter(|key| !super::check::is_no_key(key.ty)) {
        let (implementation, constants) = (implementation(view, key), constants(view));
        return quote!(const _: () = { #implementation #constants };);
    }
    let (constants, key) = (constants(view), errors.unknown_type());
    let body = quote! {
        type Key = #key;
        const LAYOUT: #rt::ViewLayout = #rt::ViewLayout { name: "", key: "", indexes: &[], multi_indexes: &[], compounds: &[], fields: 0 };
        const JSON: #rt::Codec<Self> = #rt::Codec::NONE;
        fn key(&self) -> &Self::Key { ::core::unreachable!() }
        fn index_values(&self) -> ::std::vec::Vec<#rt::Value> { ::std::vec::Vec::new() }
    };
    let stub = runtime::stub(view.generics, &quote!(#rt::View), ident, &body);
    quote!(const _: () = { #stub #constants };)
}
