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

fn attribute(kind: Kind, arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let errors = Errors::new();
    // It is an item of some kind, or the compiler would have refused it before.
    let Ok(block) = syn::parse2(item.clone()) else {
        errors.refuse(&rules::IMPL_SHAPE, item.clone().into_iter().next(), &["what is no `impl`", kind.text()]);
        let faults = errors.into_tokens();
        return quote!(#item #faults);
    };
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
