//! `impl Handled`, and the registration.

use std::collections::BTreeSet;

use proc_macro2::{Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Pat, Type};

use super::implementation::{implementation, marker};
use super::parse::{Handler, Message, Parameter, Role};
use crate::runtime::{Runtime, local, moved};
use crate::{rules, types};

pub fn expand(handler: &Handler) -> TokenStream {
    let (handler, names) = &handler.with_names();
    let Handler { rt, parameters, .. } = handler;
    let (Some(message), Some(output)) = (&handler.message, handler.output()) else { return TokenStream::new() };
    let command = &message.ty;
    let body = if handler.is_async() { workflow(handler, message, output) } else { decision(handler, message, output) };
    let name = handler.name();
    let is_workflow = handler.is_async();
    let needs = parameters.iter().filter_map(|parameter| match &parameter.role {
        Role::Meta => None,
        Role::Transaction(inner) => Some(&**inner),
        _ => Some(&parameter.ty),
    });
    let marker = marker(handler);
    let registration = rt.submit(&quote! {
        command_handler(
            ::core::module_path!(),
            #rt::Calls::<(#command, #marker)>::COMMAND,
            #name,
            #is_workflow,
            &[#(#rt::Probe::<#needs>::PARAMETER),*],
            #rt::Probe::<#output>::EMITS,
        )
    });
    let fallbacks = rt.fallbacks();
    let (fields, buses) = (names_fields(handler, message), no_bus_as_a_service(handler));
    let folded = what_is_emitted_is_folded(handler, output);
    let inside = quote! {
        #names
        #fallbacks
        #fields
        #buses
        #folded
        #registration
    };
    implementation(handler, message, "context", &inside, &body)
}

/// 203: no service is a bus in disguise.
fn no_bus_as_a_service(handler: &Handler) -> TokenStream {
    const HARMLESS: &[&str] = &["Views", "Reader", "Stale"];
    let may_be = |parameter: &&Parameter| {
        matches!(parameter.role, Role::Service) && handler.is_async() && !types::is_named(&parameter.ty, HARMLESS)
    };
    let check = |parameter: &Parameter| {
        let ty = &parameter.ty;
        let span = types::anchor(ty);
        let condition = |rt: &Runtime| quote_spanned!(span=> !#rt::Probe::<#ty>::IS_BUS);
        handler.rt.require(span, condition, &rules::DECISION_BUS, &[&types::text(ty)])
    };
    handler.parameters.iter().filter(may_be).map(check).collect()
}

/// 407: each aggregate that is decided on folds or ignores what the handler may emit about it.
fn what_is_emitted_is_folded(handler: &Handler, output: &Type) -> TokenStream {
    let mut seen = BTreeSet::new();
    let loaded = handler.parameters.iter().filter(|parameter| loads(handler, parameter));
    // One fault is one error, of however many of a kind the handler takes.
    let checks = loaded.filter(|parameter| seen.insert(types::text(aggregate_of(&parameter.ty)))).map(|parameter| {
        let (ty, aggregate) = (&parameter.ty, types::text(aggregate_of(&parameter.ty)));
        let span = types::anchor(ty);
        let rt = handler.rt.at(span);
        let (rule, function) = (rules::FORGOTTEN.in_the_runtime(&rt), handler.name());
        let (parameter, emits) =
            (quote_spanned!(span=> #rt::Probe::<#ty>::PARAMETER), quote_spanned!(span=> #rt::Probe::<#output>::EMITS));
        // As in `Runtime::require`.
        let name = quote_spanned!(proc_macro2::Span::mixed_site()=> _);
        quote_spanned!(span=> const #name: () = #rt::require_folded(#parameter, #emits, #rule, &[#function, #aggregate]);)
    });
    checks.collect()
}

/// `A` of `&A`, `Option<&A>`, `Absent<A>`, `Many<A>`.
fn aggregate_of(ty: &Type) -> &Type {
    let inner =
        if types::is_named(ty, &["Option", "Absent", "Many"]) { types::arguments(ty).first().copied() } else { None };
    let inner = inner.unwrap_or(ty);
    types::reference(inner).map_or(inner, |reference| &*reference.elem)
}

/// 210: each aggregate that is loaded by its parameter's name is named as a field of the command.
fn names_fields(handler: &Handler, message: &Message) -> TokenStream {
    let (rt, command) = (&handler.rt, &message.ty);
    let named = handler
        .parameters
        .iter()
        .filter(|parameter| matches!(parameter.role, Role::Aggregate) && parameter.id.is_none());
    let checks: Vec<_> = named
        .filter_map(|parameter| {
            let field = parameter.field()?;
            let (name, span) = (crate::names::text(&field), parameter.pattern.span());
            let (rt, ty, of) = (rt.at(span), &parameter.ty, types::text(command));
            let rule = rules::NO_SUCH_FIELD.in_the_runtime(&rt);
            Some(quote_spanned! {span=>
                #rt::require_field(#rt::Probe::<#ty>::LOADED, #rt::Calls::<#command>::FIELDS, #rule, &[#name, #of]);
            })
        })
        .collect();
    let used = handler.parameters.iter().any(|parameter| loads(handler, parameter) && parameter.id.is_none());
    let traits = used.then(|| {
        quote! {
            #[allow(unused_imports)]
            use #rt::{FieldAccess as _, FallbackField as _};
        }
    });
    let checks = (!checks.is_empty()).then(|| quote!(const _: () = { #(#checks)* };));
    quote!(#traits #checks)
}

/// A decision: its boundary, and the function.
fn decision(handler: &Handler, message: &Message, output: &Type) -> TokenStream {
    let span = message.span();
    let rt = handler.rt.at(span);
    let command = local("command");
    let boundary = boundary(handler, message);
    let takes = |wanted: fn(&Role) -> bool| handler.parameters.iter().any(|parameter| wanted(&parameter.role));
    let loads = local(if takes(|role| !matches!(role, Role::Meta)) { "loaded" } else { "_loaded" });
    let meta = local(if handler.parameters.is_empty() { "_meta" } else { "meta" });
    let mut slot = 0_usize..;
    let arguments = handler.parameters.iter().map(|parameter| match &parameter.role {
        Role::Meta => meta.to_token_stream(),
        _ => take(handler, parameter, slot.next().unwrap_or_default(), &meta.to_token_stream()),
    });
    let function = &handler.function.sig.ident;
    let result = emitted(handler, message, output, &quote!(#function(#command, #(#arguments),*)));
    let context = moved(span, local("context").to_token_stream());
    quote_spanned!(span=> #rt::Calls::<Self>::decide(#context, self, #boundary, |#command, #loads, #meta| #result))
}

/// A workflow: begin, run, finish; again, if it may be retried.
fn workflow(handler: &Handler, message: &Message, output: &Type) -> TokenStream {
    let span = message.span();
    let rt = handler.rt.at(span);
    let at_command = |name: &str| moved(span, local(name).to_token_stream());
    let (context, work) = (at_command("context"), at_command("work"));
    let (loaded, transaction, result) = (local("loaded"), local("transaction"), local("result"));
    let running = at_command("running");
    let aggregates =
        handler.parameters.iter().filter(|parameter| loads(handler, parameter)).map(|parameter| &parameter.ty);
    let boundary = boundary(handler, message);
    let takes = |wanted: fn(&Role) -> bool| handler.parameters.iter().any(|parameter| wanted(&parameter.role));
    let with_transaction = takes(|role| matches!(role, Role::Transaction(_)));
    let loads = if takes(|role| matches!(role, Role::Aggregate | Role::Many)) { quote!(#loaded) } else { quote!(_) };
    let writes = if with_transaction { quote!(mut #transaction) } else { quote!(_) };
    let mut slot = 0_usize..;
    let arguments = handler.parameters.iter().map(|parameter| {
        let ty = &parameter.ty;
        match &parameter.role {
            Role::Meta => quote!(#context.meta()),
            Role::Transaction(_) => {
                // At the whole reference, which 205 is about.
                let transaction = moved(ty.span(), transaction.to_token_stream());
                quote_spanned!(ty.span()=> #transaction.get::<#ty>())
            }
            Role::Service => {
                let service = method(&context, "service", ty, &TokenStream::new());
                quote_spanned!(types::anchor(ty)=> #service?)
            }
            Role::Aggregate | Role::Many => {
                take(handler, parameter, slot.next().unwrap_or_default(), &quote!(#context.meta()))
            }
        }
    });
    let function = &handler.function.sig.ident;
    let retry = handler.retry.is_some();
    // `self` is declared at the message's type, which a `macro_rules!` may have been given.
    let command =
        if retry { quote_spanned!(span=> ::core::clone::Clone::clone(&self)) } else { quote_spanned!(span=> self) };
    let emission = emitted(handler, message, output, &result.to_token_stream());
    let run = quote_spanned! {span=>
        let mut #work = match #rt::Calls::<Self>::begin(&#context, &self, #with_transaction, #boundary).await {
            ::core::result::Result::Ok(work) => work,
            ::core::result::Result::Err(answer) => return answer,
        };
        let #result = {
            let (#loads, #writes) = #work.parts();
            let #running = #rt::Calls::<(#(#aggregates,)*)>::running(&#context, #function(#command, #(#arguments),*));
            #running.await
        };
    };
    if !retry {
        return quote_spanned! {span=>
            async move {
                #run
                #rt::Calls::<Self>::finish(#work, &#context, #emission).await
            }
        };
    }
    quote_spanned! {span=>
        async move {
            loop {
                #run
                match #rt::Calls::<Self>::finish(#work, &#context, #emission).await {
                    ::core::result::Result::Err(error) if #context.may_retry(&error) => {}
                    answer => return answer,
                }
            }
        }
    }
}

/// `emitted::<Self, ..>(result)`. An error about one of the result's types is shown at it.
fn emitted(handler: &Handler, message: &Message, output: &Type, result: &TokenStream) -> TokenStream {
    let taken = super::taken_apart(handler, message, output, "emitted");
    quote_spanned!(message.span()=> #taken(#result))
}

/// Whether the parameter is a part of the boundary.
fn loads(handler: &Handler, parameter: &Parameter) -> bool {
    match parameter.role {
        Role::Aggregate | Role::Many => true,
        // A decision takes nothing else: the compiler says so, where it is loaded.
        Role::Service | Role::Transaction(_) => !handler.is_async(),
        Role::Meta => false,
    }
}

/// What the command is decided on: one line an aggregate.
fn boundary(handler: &Handler, message: &Message) -> TokenStream {
    let loads: Vec<_> = handler.parameters.iter().filter(|parameter| loads(handler, parameter)).collect();
    if loads.is_empty() {
        return quote!(|_, _, _| {});
    }
    let rt = &handler.rt;
    let by_name = local("command");
    let name = message.name().unwrap_or(&by_name);
    // A destructured command: its parts are what `#[id(..)]` may name.
    let parts = match &message.pattern {
        Pat::Ident(_) | Pat::Wild(_) => None,
        pattern => Some(quote!(#[allow(unused_variables)] let #pattern = #name;)),
    };
    let load = local("load");
    // The name that `#[id(..)]` expressions know the request's `Meta` by.
    let named = |parameter: &Parameter| match (&parameter.role, &parameter.pattern) {
        (Role::Meta, Pat::Ident(pattern)) => Some(pattern.ident.clone()),
        _ => None,
    };
    let uses_ids = loads.iter().any(|parameter| parameter.id.is_some());
    let meta = handler.parameters.iter().find_map(named).filter(|_| uses_ids);
    let meta = meta.map_or_else(|| quote!(_), |meta| quote!(#[allow(unused_variables)] #meta));
    let lines = loads.into_iter().map(|parameter| {
        let ty = &parameter.ty;
        match (&parameter.role, &parameter.id, parameter.field()) {
            (Role::Many, Some(ids), _) => {
                let load = moved(ids.span(), quote!(#load));
                quote_spanned!(ids.span()=> #load.many::<#ty, _>(#ids))
            }
            (_, Some(id), _) => method(&quote!(#load), one_or_none(ty), ty, &quote_spanned!(id.span()=> &(#id))),
            (_, None, Some(field)) => {
                let field = crate::names::text(&field);
                // At the parameter's name: an error about the field's type belongs there.
                let span = parameter.pattern.span();
                let (rt, name) = (rt.at(span), moved(span, name.to_token_stream()));
                let named = quote_spanned!(span=> #rt::Fields::<_, { #rt::field_name(#field) }>::of(#name).named());
                method(&quote!(#load), one_or_none(ty), ty, &named)
            }
            (_, None, None) => TokenStream::new(),
        }
    });
    let mut lines: Vec<TokenStream> = lines.collect();
    match lines.pop() {
        Some(only) if lines.is_empty() && parts.is_none() => quote!(|#name, #meta, #load| #only),
        last => quote!(|#name, #meta, #load| { #parts #(#lines;)* #last }),
    }
}

/// An `Option` of an aggregate may have an `Option` of an id.
fn one_or_none(ty: &Type) -> &'static str {
    if types::is_named(ty, &["Option"]) { "optional" } else { "one" }
}

/// `Calls::<T>::take(loaded, 0, meta)?`
fn take(handler: &Handler, parameter: &Parameter, slot: usize, meta: &TokenStream) -> TokenStream {
    let (rt, ty, loaded) = (&handler.rt, &parameter.ty, local("loaded"));
    let slot = Literal::usize_unsuffixed(slot);
    quote!(#rt::Calls::<#ty>::take(&#loaded, #slot, #meta)?)
}

/// `receiver.name::<T>(arguments)`, at the type, where an error about it belongs.
fn method(receiver: &TokenStream, name: &str, ty: &Type, arguments: &TokenStream) -> TokenStream {
    let span = types::anchor(ty);
    // Keeps its hygiene: it is a local name.
    let receiver = moved(span, receiver.clone());
    let name = proc_macro2::Ident::new(name, span);
    quote_spanned!(span=> #receiver.#name::<#ty>(#arguments))
}
