//! `impl Fold`: event name → decode → key → method, as one `match`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::aggregate::{case, decode, listed};
use super::check::look_up;
use super::method::{By, Form, Method};
use super::parse::Model;
use crate::options::On;
use crate::runtime::{Runtime, at, local, moved};
use crate::{names, rules, types};

pub fn expand(model: &Model) -> TokenStream {
    let (rt, own, name) = (&model.rt, model.own(), model.name());
    let view = model.view.as_ref().map_or_else(|| at(own.span(), quote!(Self)), ToTokens::to_token_stream);
    let folds = model.folds();
    let events = folds.iter().map(|(event, method)| listed(rt, event, method));
    let arms = folds.iter().map(|(event, method)| arm(model, event, method));
    let looked_up = looked_up(model);
    let (event, look_ups, rows) =
        (local("event"), local(if looked_up.is_empty() { "_look_ups" } else { "look_ups" }), local("rows"));
    let complete = every_event(model, &folds);
    let looked_up = looked_up.iter().map(|view| {
        // Named by a function of views: a look-up of anything else is refused at its type.
        let at_view = rt.at(types::anchor(view));
        quote!(#at_view::looked_up::<#view>())
    });
    let routes = folds.iter().map(|(_, method)| {
        let (conditions, route) = (method.conditions(), names::hash(&method.route(model.key.as_ref())));
        quote!(#conditions #route)
    });
    let basis = basis(model, &folds, &quote!(#(#routes),*));
    let registration = rt.submit(&quote! {
        fold::<#own>(::core::module_path!(), &[#(#looked_up),*])
    });
    let fallbacks = rt.fallbacks();
    let by_field = folds.iter().any(|(_, method)| finds_by_field(model, method));
    let no_key = by_field.then(|| quote!(#[allow(unused_imports)] use #rt::NoRowKey as _;));
    quote! {
        #fallbacks
        #no_key
        #[automatically_derived]
        impl #rt::Fold for #own {
            const NAME: &'static str = #name;
            type View = #view;
            const EVENTS: &'static [&'static str] = &[#(#events),*];
            #basis
            fn fold(
                #event: &#rt::RecordedEvent,
                #look_ups: &#rt::LookUps<'_>,
                #rows: &mut #rt::Rows<'_, Self::View>,
            ) -> ::core::result::Result<(), #rt::FoldError> {
                match #event.name() {
                    #(#arms)*
                    _ => {}
                }
                ::core::result::Result::Ok(())
            }
        }
        #complete
        #registration
    }
}

/// `const BASIS: .. = Basis { .. };`, what the rows depend on other than the view.
pub fn basis(model: &Model, folds: &[(Type, &Method)], routes: &TokenStream) -> TokenStream {
    let (rt, revision) = (&model.rt, model.revision.unwrap_or(1));
    let versions = folds.iter().map(|(event, method)| {
        let conditions = method.conditions();
        quote!(#conditions #rt::Calls::<#event>::VERSION)
    });
    quote!(const BASIS: #rt::Basis = #rt::Basis { revision: #revision, versions: &[#(#versions),*], routes: &[#routes] };)
}

fn arm(model: &Model, event: &Type, method: &Method) -> TokenStream {
    let rt = &model.rt;
    let (name, decode) = (case(rt, event), decode(rt, event));
    let e = local("e");
    let views = method.rest.iter().filter_map(|rest| Some((rest, look_up(&rest.ty)?)));
    let look_ups: Vec<_> = views
        .enumerate()
        .map(|(at, (rest, view))| (format_ident!("look_up_{at}", span = Span::mixed_site()), rest, view))
        .collect();
    let lines = look_ups.iter().map(|(local_name, rest, view)| {
        // At the expression, or at the parameter's name: an error about the key belongs there.
        let key = if let Some(id) = &rest.id {
            quote_spanned!(id.span()=> &(#id))
        } else {
            let (span, field) = (rest.pattern.span(), rest.field());
            let e = moved(span, e.to_token_stream());
            quote_spanned!(span=> &#e.#field)
        };
        let look_ups = local("look_ups");
        quote!(let #local_name = #rt::Calls::<#view>::look_up(#look_ups, #key);)
    });
    // The expressions of helper attributes know the event by the name that the method gives it.
    let named = method.expressions().next().is_some().then(|| {
        let name = method.event.as_ref().and_then(|event| event.name.clone());
        let name = name.unwrap_or_else(|| Ident::new("e", Span::call_site()));
        quote!(let #name = &*#e;)
    });
    let key = local("key");
    let id = method.id().map(|id| {
        let (ty, key) = (&types::reference(&id.ty).expect("an identity is a reference").elem, key);
        let rt = rt.at(types::anchor(ty));
        quote_spanned!(types::anchor(ty)=> , #rt::key_of::<#ty, _>(#key))
    });
    let taken = look_ups.iter().map(|(name, ..)| name);
    let rest = quote!(#(, #taken)* #id);
    let call = route(model, event, method, &rest);
    let conditions = method.conditions();
    quote! {
        #conditions
        #name => {
            #decode
            #named
            #(#lines)*
            #call
        }
    }
}

/// Finds the rows, and hands each to the method.
fn route(model: &Model, event: &Type, method: &Method, rest: &TokenStream) -> TokenStream {
    let (rows, recorded, e, this, key) = (local("rows"), local("event"), local("e"), local("this"), local("key"));
    let ident = method.ident();
    let (form, method_call) = match method.form {
        Form::Create => ("create", quote!(|| Self::#ident(&#e #rest))),
        Form::MakeOrChange => ("make_or_change", quote!(|#this| Self::#ident(#this, &#e #rest))),
        Form::ChangeOrEnd => ("change_or_end", quote!(|#this| Self::#ident(#this, &#e #rest))),
        _ => ("change", quote!(|#this| Self::#ident(#this, &#e #rest))),
    };
    let subject = model.view.as_ref().map_or_else(|| quote!(Self), ToTokens::to_token_stream);
    if let Some(By { index, value }) = &method.by {
        let form = format_ident!("{form}_by", span = index.span());
        let (rt, constant) = (model.rt.at(index.span()), crate::view::constant(index));
        let value = value.as_ref().map_or_else(|| quote!(#e.#index), |value| quote!((#value)));
        let found_by = quote_spanned!(index.span()=> <#subject>::#constant);
        return quote!(#rt::Calls::<#subject>::#form(#rows, #recorded, #found_by, &#value, #method_call););
    }
    // At the event: an error about its key belongs there.
    let (rt, form) = (model.rt.at(types::anchor(event)), Ident::new(form, types::anchor(event)));
    let call = |key: TokenStream| quote!(#rt::Calls::<#subject>::#form(#rows, #recorded, #key, #method_call););
    if let Some(keys) = &method.keys {
        let call = call(key.to_token_stream());
        return quote!(#[allow(clippy::unnecessary_to_owned)] for #key in #keys { let #key = &#key; #call });
    }
    let found = match (&method.key, &model.key) {
        (Some(expr), _) => quote!(&(#expr)),
        (None, Some(field)) => quote!(&#e.#field),
        (None, None) => field_of_the_key(&model.rt, model.subject(), event),
    };
    if method.id().is_some() {
        let call = call(key.to_token_stream());
        return quote!(let #key = #found; #call);
    }
    call(found)
}

/// Whether the row is found by the event's field that is named as the view's key.
fn finds_by_field(model: &Model, method: &Method) -> bool {
    model.key.is_none() && method.key.is_none() && method.keys.is_none() && method.by.is_none()
}

/// The event's field that is named as the view's key, which neither macro can see: by the hash of its name.
fn field_of_the_key(rt: &Runtime, view: &Type, event: &Type) -> TokenStream {
    let span = types::anchor(event);
    let e = moved(span, local("e").to_token_stream());
    let (at_event, at_view) = (rt.at(span), rt.at(types::anchor(view)));
    let name = quote_spanned!(span=> { #at_view::Calls::<#view>::KEY });
    quote_spanned!(span=> #at_event::RowKey::<#event, #view, #name>::of(&#e).found())
}

/// Each view that some method looks up, once.
fn looked_up(model: &Model) -> Vec<&Type> {
    let mut views: Vec<&Type> = Vec::new();
    for view in model.methods.iter().flat_map(|method| &method.rest).filter_map(|rest| look_up(&rest.ty)) {
        if views.iter().all(|known| types::text(known) != types::text(view)) {
            views.push(view);
        }
    }
    views
}

/// 501 for `on = Order`: its events are the ones that have a method, and those that are ignored aloud.
pub fn every_event(model: &Model, folds: &[(Type, &Method)]) -> Option<TokenStream> {
    let Some(On::Aggregate(aggregate)) = &model.on else { return None };
    let rt = &model.rt;
    let ignored = model.ignore.iter().flatten().map(types::of_path);
    let events = folds.iter().map(|(event, _)| event.clone()).chain(ignored);
    let span = aggregate.span();
    let condition = |rt: &Runtime| {
        quote_spanned! {span=>
            #rt::same_events(&[#(<#events as #rt::Event>::NAME),*], <#aggregate as #rt::HasEvents>::EVENTS)
        }
    };
    Some(rt.require(span, condition, &rules::EVENT_OF_AGGREGATE, &[&types::text(aggregate)]))
}
