//! The registration: for each event, a function that decodes it, calls the user's, and takes what that returns.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::parse::{Policy, Reaction};
use crate::fold::is_same;
use crate::runtime::{Runtime, local, moved};
use crate::{rules, types};

pub fn expand(policy: &Policy) -> TokenStream {
    let (rt, name, from_start) = (&policy.rt, policy.name(), policy.from_start);
    let own_key = owner(&name);
    let was = policy.was.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |was| {
            let (name, owner) = (was.value(), owner(&was.value()));
            quote!(::core::option::Option::Some(#rt::FormerName { name: #name, owner: #owner }))
        },
    );
    let reactions = policy.listed().iter().filter_map(|event| {
        let takes = |reaction: &&Reaction| reaction.event.as_ref().is_some_and(|own| is_same(event, own));
        Some(reaction(policy, &types::of_path(event), policy.reactions.iter().find(takes)?))
    });
    let buses = policy.reactions.iter().flat_map(|reaction| &reaction.rest).map(|ty| no_bus_as_a_service(policy, ty));
    let registration = rt.submit(&quote! {
        policy(::core::module_path!(), #name, #own_key, #from_start, #was, REACTIONS)
    });
    let fallbacks = rt.fallbacks();
    quote! {
        #fallbacks
        #[allow(unused_imports)]
        use #rt::ReturnedNothing as _;
        #[allow(unused_qualifications)]
        const REACTIONS: &[#rt::Reaction] = &[#(#reactions),*];
        #(#buses)*
        #registration
    }
}

/// What its checkpoint goes by.
fn owner(name: &str) -> String {
    format!("policy:{name}")
}

fn reaction(policy: &Policy, event: &Type, reaction: &Reaction) -> TokenStream {
    let (rt, effects, parameters) = (&policy.rt, reaction.is_async(), &reaction.rest);
    let name = {
        let rt = rt.at(event.span());
        quote_spanned!(event.span()=> <#event as #rt::Event>::NAME)
    };
    let nothing = syn::parse_quote!(());
    let output = reaction.output().unwrap_or(&nothing);
    // At what is returned: an error about it belongs there.
    let span = reaction.output().map_or_else(|| reaction.ident().span(), types::anchor);
    let at_output = rt.at(span);
    let returns = Ident::new(if effects { "may_return" } else { "returns" }, span);
    let commands = quote_spanned!(span=> #at_output::#returns::<#output>());
    let sent = quote_spanned!(span=> #at_output::Returned::<#output>::sent());
    let context = local(if parameters.is_empty() { "_context" } else { "context" });
    let (recorded, e) = (local("event"), local("e"));
    let arguments = parameters.iter().map(|ty| {
        let span = types::anchor(ty);
        let context = moved(span, context.to_token_stream());
        if effects {
            quote_spanned!(span=> #context.get::<#ty>().await?)
        } else {
            quote_spanned!(span=> #context.service::<#ty>()?)
        }
    });
    let function = policy.path(reaction.ident());
    let wait = effects.then(|| quote!(.await));
    quote! {
        #rt::Reaction {
            event: #name,
            effects: #effects,
            parameters: &[#(#rt::Probe::<#parameters>::PARAMETER),*],
            commands: #commands,
            react: {
                fn react<'a>(#context: &'a #rt::PolicyContext<'a>, #recorded: &'a #rt::RecordedEvent) -> #rt::Reacting<'a> {
                    ::std::boxed::Box::pin(async move {
                        let #e = #rt::Calls::<#event>::decode(#recorded)?;
                        #sent(#function(&#e, #(#arguments),*)#wait)
                    })
                }
                react
            },
        }
    }
}

/// 602: no service is a bus in disguise.
fn no_bus_as_a_service(policy: &Policy, ty: &Type) -> TokenStream {
    let span = types::anchor(ty);
    let condition = |rt: &Runtime| quote_spanned!(span=> !#rt::Probe::<#ty>::IS_BUS);
    policy.rt.require(span, condition, &rules::POLICY_BUS, &[&types::text(ty)])
}
