//! `#[policy]`: a function that answers an event, or an `impl` block of such functions.

mod check;
mod expand;
mod parse;

use proc_macro2::TokenStream;
use quote::quote;

use crate::errors::Errors;
use crate::rules;
use parse::{Policy, Source};

/// `#[policy]`
pub fn policy(arguments: TokenStream, item: &TokenStream) -> TokenStream {
    let errors = Errors::new();
    let Some(source) = Source::parse(item) else {
        errors.refuse(&rules::POLICY_SHAPE, item.clone().into_iter().next(), &["what is neither `fn` nor `impl`"]);
        let faults = errors.into_tokens();
        return quote!(#item #faults);
    };
    let policy = Policy::parse(arguments, source, &errors);
    check::check(&policy, &errors);
    // Nothing else refers to a policy, so that a faulty one needs no stand-in.
    let expansion = if errors.is_empty() { expand::expand(&policy) } else { TokenStream::new() };
    let conditions = policy.source.attributes().iter().filter(|attribute| attribute.path().is_ident("cfg"));
    let (source, faults) = (policy.emitted(), errors.into_tokens());
    // What the framework asks of a policy's signature is not the user's choice.
    quote! {
        #[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)]
        #source
        #(#conditions)*
        const _: () = { #expansion };
        #faults
    }
}
