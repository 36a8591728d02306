//! `impl Aggregate`: event name → decode → method, as one `match`.

use proc_macro2::TokenStream;
use quote::{quote, quote_spanned};
use syn::Type;
use syn::spanned::Spanned;

use super::method::{Form, Method};
use super::parse::Model;
use crate::errors::Errors;
use crate::runtime::{Runtime, local};
use crate::{rules, types};

pub fn expand(model: &Model) -> TokenStream {
    let (rt, own) = (&model.rt, model.own());
    let Some(id) = &model.id else { return TokenStream::new() };
    let folds = model.folds();
    let tagged = folds.iter().map(|(event, method)| carries_the_tag(rt, id, event, method));
    let ignored: Vec<Type> = model.ignore.iter().flatten().map(types::of_path).collect();
    let ignorable = ignored.iter().map(|event| may_be_ignored(model, id, event));
    let events = folds.iter().map(|(event, method)| listed(rt, event, method));
    let arms = folds.iter().map(|(event, method)| arm(rt, event, method));
    let takes_id = folds.iter().any(|(_, method)| method.id().is_some());
    let (state, event, identity) = (local("state"), local("event"), local(if takes_id { "id" } else { "_id" }));
    let body = quote! {
        match #event.name() {
            #(#arms)*
            _ => ::core::result::Result::Ok(()),
        }
    };
    let snapshots = snapshots(model, &folds);
    let list = (!ignored.is_empty()).then(|| {
        let names = ignored.iter().map(|event| name_of(rt, event));
        quote!(const IGNORED: &'static [&'static str] = &[#(#names),*];)
    });
    let (creates, begins) = begins(model, &folds);
    let constants = quote! {
        const EVENTS: &'static [&'static str] = &[#(#events),*];
        #list
        #creates
        #snapshots
    };
    let implementation = implementation(model, id, &constants, &[&state, &event, &identity], &body);
    let registration = rt.submit(&quote!(aggregate::<#own>(::core::module_path!())));
    let fallbacks = rt.fallbacks();
    let unchanging = (!model.interior_mutability).then(|| changes_by_events_only(rt, own));
    quote! {
        #fallbacks
        #implementation
        #(#tagged)*
        #(#ignorable)*
        #unchanging
        #begins
        #registration
    }
}

/// 403: some event is the first. Asked of the implementation, so that of two blocks of one aggregate, where the second need not
/// create, only the compiler's own error is left.
fn begins(model: &Model, folds: &[(Type, &Method)]) -> (TokenStream, TokenStream) {
    let creates = |(_, method): &(Type, &Method)| matches!(method.form, Form::Create | Form::MakeOrChange);
    if folds.iter().any(creates) {
        return (TokenStream::new(), TokenStream::new());
    }
    let (own, span) = (model.own(), model.own().span());
    let condition = |rt: &Runtime| quote_spanned!(span=> <#own as #rt::Aggregate>::CREATES);
    (
        quote!(
            const CREATES: bool = false;
        ),
        model.rt.require(span, condition, &rules::NOTHING_CREATES, &[&types::text(own)]),
    )
}

/// What stands in for the implementation of a faulty block, so that decisions may take the aggregate.
pub fn stub(model: &Model, errors: &Errors) -> TokenStream {
    let id = &model.id.clone().unwrap_or_else(|| errors.unknown_type());
    if model.block.trait_.is_some() {
        return TokenStream::new();
    }
    let unused = local("_unused");
    let names = [&local("_state"), &local("_event"), &unused];
    let none = quote!(
        const EVENTS: &'static [&'static str] = &[];
    );
    implementation(model, id, &none, &names, &quote!(::core::result::Result::Ok(())))
}

fn implementation(
    model: &Model,
    id: &Type,
    constants: &TokenStream,
    [state, event, identity]: &[&syn::Ident; 3],
    body: &TokenStream,
) -> TokenStream {
    let (rt, own, name) = (&model.rt, model.own(), model.name());
    // Generic in a stand-in alone.
    let (generics, _, _) = model.block.generics.split_for_impl();
    let bounds = (!model.block.generics.params.is_empty())
        .then(|| quote!(where Self: ::core::marker::Send + ::core::marker::Sync + 'static));
    quote! {
        #[allow(unused_imports)]
        use #rt::NoSlot as _;
        #[automatically_derived]
        impl #generics #rt::Aggregate for #own #bounds {
            const NAME: &'static str = #name;
            const SLOT: #rt::Slot<Self> = #rt::Slot::<Self>::OF;
            type Id = #id;
            #constants
            fn fold(
                #state: &mut ::core::option::Option<Self>,
                #event: &#rt::RecordedEvent,
                #identity: &Self::Id,
            ) -> ::core::result::Result<(), #rt::FoldError> {
                #body
            }
        }
    }
}

/// `const SNAPSHOTS: .. = Some(snapshots::<Order>(1, &[Calls::<OrderCreated>::VERSION]));`, at the type, which 406 is about.
fn snapshots(model: &Model, folds: &[(Type, &Method)]) -> Option<TokenStream> {
    let number = model.snapshots?;
    let (rt, own) = (&model.rt, model.own());
    let versions = folds.iter().map(|(event, method)| {
        let conditions = method.conditions();
        quote!(#conditions #rt::Calls::<#event>::VERSION)
    });
    let here = rt.at(own.span());
    let of_own = quote_spanned!(own.span()=> #here::snapshots::<#own>);
    Some(quote! {
        const SNAPSHOTS: ::core::option::Option<#rt::Snapshots<Self>> =
            ::core::option::Option::Some(#of_own(#number, &[#(#versions),*]));
    })
}

/// `<OrderCreated as Event>::NAME`, at the event, where it is listed.
pub fn name_of(rt: &Runtime, event: &Type) -> TokenStream {
    let rt = rt.at(event.span());
    quote_spanned!(event.span()=> <#event as #rt::Event>::NAME)
}

/// The same as an element of a list, where its method is compiled.
pub fn listed(rt: &Runtime, event: &Type, method: &Method) -> TokenStream {
    let (conditions, name) = (method.conditions(), name_of(rt, event));
    quote!(#conditions #name)
}

/// `Calls::<OrderCreated>::NAME`, the pattern of its case. What is no event was refused in the list.
pub fn case(rt: &Runtime, event: &Type) -> TokenStream {
    quote!(#rt::Calls::<#event>::NAME)
}

/// `let e = Calls::<OrderCreated>::decode(event)?;`
pub fn decode(rt: &Runtime, event: &Type) -> TokenStream {
    let (decoded, recorded) = (local("e"), local("event"));
    quote!(let #decoded = #rt::Calls::<#event>::decode(#recorded)?;)
}

fn arm(rt: &Runtime, event: &Type, method: &Method) -> TokenStream {
    let (name, decode) = (case(rt, event), decode(rt, event));
    let (state, recorded, e, this) = (local("state"), local("event"), local("e"), local("this"));
    let ident = method.ident();
    let id = method.id().map(|id| {
        let (ty, id) = (&types::reference(&id.ty).expect("an identity is a reference").elem, local("id"));
        let rt = rt.at(types::anchor(ty));
        quote_spanned!(types::anchor(ty)=> , <#ty as #rt::IdentityOf<Self::Id>>::of(#id))
    });
    let fold = match method.form {
        Form::Change => quote!(change(#state, #recorded, |#this| Self::#ident(#this, &#e #id))),
        Form::MakeOrChange => quote!(make_or_change(#state, |#this| Self::#ident(#this, &#e #id))),
        _ => quote!(create(#state, #recorded, || Self::#ident(&#e #id))),
    };
    let conditions = method.conditions();
    quote! {
        #conditions
        #name => {
            #decode
            #rt::fold::#fold
        }
    }
}

/// 404: the event can be found by the aggregate's id.
fn carries_the_tag(rt: &Runtime, id: &Type, event: &Type, method: &Method) -> TokenStream {
    let span = types::anchor(event);
    let takes_id = method.id().is_some();
    let condition = |rt: &Runtime| {
        let tags = quote_spanned!(span=> #rt::Calls::<(#event, #id)>::TAGS);
        if takes_id { quote_spanned!(span=> #tags >= 1) } else { quote_spanned!(span=> #tags == 1) }
    };
    let names = [&*types::text(event), &types::text(id)];
    let (conditions, check) = (method.conditions(), rt.require(span, condition, &rules::EVENT_WITHOUT_TAG, &names));
    quote!(#conditions #check)
}

/// 407: what is ignored carries the aggregate's tag, and is not folded under another name.
fn may_be_ignored(model: &Model, id: &Type, event: &Type) -> TokenStream {
    let (rt, own, span) = (&model.rt, model.own(), types::anchor(event));
    let tagged = |rt: &Runtime| quote_spanned!(span=> #rt::Calls::<(#event, #id)>::TAGS >= 1);
    let names = [&*types::text(event), &types::text(id)];
    let tagged = rt.require(span, tagged, &rules::IGNORED_WITHOUT_TAG, &names);
    let alone = |rt: &Runtime| quote_spanned!(span=> !#rt::is_among(#rt::Calls::<#event>::NAME, <#own as #rt::Aggregate>::EVENTS));
    let alone = rt.require(span, alone, &rules::IGNORED_BY_ITS_FOLD, &names[..1]);
    quote!(#tagged #alone)
}

/// 408: nothing in the state changes behind a shared reference, as a `Mutex` or an atomic does.
///
/// The compiler alone knows what a type holds, and has no trait for it that stable Rust may name. It does refuse a constant that
/// reads a `static` which may change, and `UnsafeCell` anywhere in its type makes it one that may. What is behind a pointer,
/// `Box<Mutex<..>>`, is not seen. The error names the constant.
///
/// What threads may not share, as a `RefCell`, is refused as such.
fn changes_by_events_only(rt: &Runtime, own: &Type) -> TokenStream {
    let span = types::anchor(own);
    let state = quote!(<#own as #rt::Where<{ #rt::Probe::<#own>::IS_SHARED }>>::Type);
    quote_spanned! {span=>
        #[allow(dead_code, non_upper_case_globals)]
        const _: () = {
            static STATE: (u8, ::core::mem::MaybeUninit<#state>) = (0, ::core::mem::MaybeUninit::uninit());
            const CQRS408_a_decision_could_change_this_aggregate_without_an_event__use_plain_fields__or_say_interior_mutability: u8 = STATE.0;
        };
    }
}
