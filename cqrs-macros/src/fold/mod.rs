//! `#[aggregate]` and `#[projection]`: an `impl` block whose methods fold events.

mod aggregate;
mod asynchronous;
mod check;
mod method;
mod parse;
mod projection;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::rules;
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

/// `#[aggregate]` above a type: refused at the macro, with a stand-in for the type.
fn of_a_type(kind: Kind, arguments: TokenStream, item: &TokenStream, ty: &syn::DeriveInput) -> TokenStream {
    let errors = Errors::new();
    let name = &ty.ident;
    let (generics, parameters, bounds) = ty.generics.split_for_impl();
    let parts = [kind.text(), &crate::names::text(name)];
    errors.refuse_at(&rules::FOLDS_OF_A_TYPE, proc_macro2::Span::call_site(), &parts);
    let faults = errors.into_tokens();
    // The options are read for the stand-in; what is wrong in them is reported once they are where they belong.
    let unread = Errors::new();
    let block = syn::parse_quote!(impl #generics #name #parameters #bounds {});
    let model = Model::parse(kind, arguments, block, &unread);
    let stub = if kind == Kind::Aggregate { aggregate::stub(&model) } else { TokenStream::new() };
    unread.into_tokens();
    quote!(#item #faults const _: () = { #stub };)
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
        (Kind::Aggregate, false) => aggregate::stub(&model),
        (Kind::Projection, true) if model.is_async() => asynchronous::expand(&model),
        (Kind::Projection, true) => projection::expand(&model),
        // Nothing else refers to a projection.
        (Kind::Projection, false) => TokenStream::new(),
    };
    let block = &model.block;
    let conditions = block.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let faults = errors.into_tokens();
    // What the forms of a fold method ask for is not the user's choice.
    quote! {
        #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unnecessary_wraps, clippy::unused_async, clippy::unused_self)]
        #block
        #(#conditions)*
        const _: () = { #expansion };
        #faults
    }
}
