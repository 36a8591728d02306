//! `#[aggregate]` and `#[projection]`: an `impl` block whose methods fold events.

mod aggregate;
mod asynchronous;
mod check;
mod method;
mod parse;
mod projection;

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::errors::Errors;
use crate::rules;
use crate::runtime::without_proposed_parameters;
pub use parse::is_same;
use parse::{Kind, Model};

/// `#[aggregate]`
pub fn aggregate(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Aggregate, arguments, item)
}

/// `#[projection]`
pub fn projection(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    attribute(Kind::Projection, arguments, item)
}

/// `#[derive(Aggregate)]`: refused, with a stand-in for the type.
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    match syn::parse2::<syn::DeriveInput>(input) {
        Ok(ty) => {
            let name = crate::names::text(&ty.ident);
            let options = format!("id = {name}Id, on = [..]");
            let errors = Errors::new();
            errors.refuse_at(&rules::AGGREGATE_DERIVED, proc_macro2::Span::call_site(), &[&options, &name]);
            with_stand_in(Kind::Aggregate, TokenStream::new(), &ty, errors)
        }
        Err(error) => error.into_compile_error(),
    }
}

/// `#[aggregate]` above a type: refused at the macro, with a stand-in for the type.
fn of_a_type(kind: Kind, arguments: TokenStream, item: &TokenStream, ty: &syn::DeriveInput) -> TokenStream {
    let errors = Errors::new();
    let parts = [kind.text(), &crate::names::text(&ty.ident)];
    errors.refuse_at(&rules::FOLDS_OF_A_TYPE, proc_macro2::Span::call_site(), &parts);
    let refused = with_stand_in(kind, arguments, ty, errors);
    quote!(#item #refused)
}

/// The faults of a type that is marked in place of its `impl`, and what stands in for the implementation.
fn with_stand_in(kind: Kind, arguments: TokenStream, ty: &syn::DeriveInput, errors: Errors) -> TokenStream {
    let name = &ty.ident;
    let (generics, parameters, bounds) = ty.generics.split_for_impl();
    // The options are read for the stand-in; what is wrong in them is reported once they are where they belong.
    let unread = Errors::new();
    let block = syn::parse_quote!(impl #generics #name #parameters #bounds {});
    let model = Model::parse(kind, arguments, block, &unread);
    let stub = if kind == Kind::Aggregate { aggregate::stub(&model, &errors) } else { TokenStream::new() };
    unread.into_tokens();
    let faults = errors.into_tokens();
    quote!(#faults const _: () = { #stub };)
}

fn attribute(kind: Kind, arguments: TokenStream, item: &TokenStream) -> TokenStream {
    // It is an item of some kind, or the compiler would have refused it before.
    let Ok(block) = syn::parse2(item.clone()) else {
        if let Ok(ty) = syn::parse2::<syn::DeriveInput>(item.clone()) {
            return of_a_type(kind, arguments, item, &ty);
        }
        let errors = Errors::new();
        errors.refuse(&rules::IMPL_SHAPE, item.clone().into_iter().next(), &["what is no `impl`", kind.text()]);
        let faults = errors.into_tokens();
        return quote!(#item #faults);
    };
    let errors = Errors::new();
    let model = Model::parse(kind, arguments, block, &errors);
    check::check(&model, &errors);
    let expansion = match (kind, errors.is_empty()) {
        (Kind::Aggregate, true) => aggregate::expand(&model),
        (Kind::Aggregate, false) => aggregate::stub(&model, &errors),
        (Kind::Projection, true) if model.is_async() => asynchronous::expand(&model),
        (Kind::Projection, true) => projection::expand(&model),
        // Nothing else refers to a projection.
        (Kind::Projection, false) => TokenStream::new(),
    };
    let block = &model.block;
    let conditions = block.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let faults = errors.into_tokens();
    let block = without_proposed_parameters(block.to_token_stream(), "impl");
    // What the forms of a fold method ask for is not the user's choice.
    quote! {
        #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps, clippy::unused_async, clippy::unused_self)]
        #block
        #(#conditions)*
        const _: () = { #expansion };
        #faults
    }
}
