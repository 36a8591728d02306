//! `#[derive(DomainError)]`: a stable code, a status and the fields of each variant.

use proc_macro2::{TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Attribute, Data, DeriveInput, Fields, Ident, parse2};

use crate::errors::Errors;
use crate::options::{Allowed, Options};
use crate::runtime::{Runtime, local};
use crate::{names, rules};

const ON_ENUM: Allowed = Allowed { reader: "#[derive(DomainError)]", options: &["crate"] };
const ON_STRUCT: Allowed = Allowed { reader: "#[derive(DomainError)]", options: &["code", "crate", "status"] };
const ON_VARIANT: Allowed = Allowed { reader: "#[derive(DomainError)]", options: &["code", "status"] };

/// The members that every problem has, and a field cannot be.
const TAKEN: &[&str] = &["code", "detail", "instance", "kind", "status", "title", "type"];

/// A variant, or the one form of a struct.
struct Case<'a> {
    /// `None` for a struct.
    variant: Option<&'a Ident>,
    code: String,
    /// Where its code is written.
    written: TokenStream,
    status: Option<u16>,
    /// Its doc comment.
    docs: String,
    fields: &'a Fields,
    /// `#[error(transparent)]`: what it wraps says what it is.
    is_transparent: bool,
}

/// `#[derive(DomainError)]`
pub fn derive(input: TokenStream) -> TokenStream {
    let input: DeriveInput = match parse2(input) {
        Ok(input) => input,
        Err(error) => return error.into_compile_error(),
    };
    let errors = Errors::new();
    let name = names::text(&input.ident);
    if !input.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &input.generics.params, &[&name, "domain error"]);
    }
    let is_enum = matches!(input.data, Data::Enum(_));
    let options = Options::of_type(&input.attrs, if is_enum { &ON_ENUM } else { &ON_STRUCT }, &errors);
    let rt = Runtime::new(options.krate.as_ref());
    let cases = match &input.data {
        Data::Struct(data) => vec![Case::new(None, &input.ident, &input.attrs, options, &data.fields, &errors)],
        Data::Enum(data) => {
            let mut cases = Vec::new();
            for syn::Variant { ident, attrs, fields, .. } in &data.variants {
                let options = Options::of_type(attrs, &ON_VARIANT, &errors);
                cases.push(Case::new(Some(ident), ident, attrs, options, fields, &errors));
            }
            cases
        }
        Data::Union(_) => {
            errors.refuse(&rules::MESSAGE_UNION, &input.ident, &[&name, "domain error"]);
            Vec::new()
        }
    };
    refuse_one_code_twice(&cases, &errors);
    let expansion = if errors.is_empty() { expand(&rt, &input.ident, &cases) } else { TokenStream::new() };
    let faults = errors.into_tokens();
    quote!(#faults #expansion)
}

impl<'a> Case<'a> {
    fn new(
        variant: Option<&'a Ident>,
        ident: &Ident,
        attributes: &[Attribute],
        options: Options,
        fields: &'a Fields,
        errors: &Errors,
    ) -> Self {
        for field in fields {
            for attribute in field.attrs.iter().filter(|attribute| attribute.path().is_ident("cqrs")) {
                let instead = "write the code and the status above the variant, or above a struct";
                errors.refuse(&rules::OPTION_ON_PART, attribute.path(), &["..", "field", instead]);
            }
            let taken = field.ident.as_ref().filter(|ident| TAKEN.contains(&&*names::text(ident)));
            if let Some(ident) = taken.filter(|_| !is_cause(field)) {
                errors.refuse(&rules::REJECTION_MEMBER, ident, &[&names::text(ident)]);
            }
        }
        Self {
            variant,
            written: options.code.as_ref().map_or_else(|| quote!(#ident), |code| quote!(#code)),
            code: options.code.map_or_else(|| names::text(ident), |code| code.value()),
            status: options.status,
            docs: names::docs(attributes),
            fields,
            is_transparent: fields.len() == 1 && attributes.iter().any(is_transparent),
        }
    }

    /// `Self::TooLarge { limit: f0 } => Rejection::with_code(..).member("limit", f0)`
    fn arm(&self, rt: &Runtime) -> TokenStream {
        let Self { code, .. } = self;
        let path = self.path();
        let status = option(self.status);
        let mut made = quote!(#rt::Rejection::with_code(#code, #status));
        let mut bound = Vec::new();
        for (at, field) in self.fields.iter().enumerate() {
            let (value, member) = (local(&format!("field_{at}")), member(at, field));
            if self.is_transparent {
                made = quote!(#made.or_inner(#value));
            } else if is_cause(field) {
                continue;
            } else {
                let name = member_name(at, field);
                made = quote!(#made.member(#name, #value));
            }
            bound.push(quote!(#member: #value));
        }
        quote!(#path { #(#bound,)* .. } => #made)
    }

    /// The type of the error that it only wraps.
    fn wrapped(&self) -> Option<&'a syn::Type> {
        self.fields.iter().next().filter(|_| self.is_transparent).map(|field| &field.ty)
    }

    /// `"too-large" => Some(Self::TooLarge { limit: RejectionField::<u32>::read(rejection, "limit")? })`, if all of it travels.
    fn reading(&self, rt: &Runtime, rejection: &Ident) -> Option<TokenStream> {
        let is_whole = !self.is_transparent && self.fields.iter().all(|field| !is_cause(field) && is_owned(&field.ty));
        let read = self.fields.iter().enumerate().map(|(at, field)| {
            let (ty, member, name) = (&field.ty, member(at, field), member_name(at, field));
            quote!(#member: #rt::RejectionField::<#ty>::read(#rejection, #name)?)
        });
        let (code, path) = (&self.code, self.path());
        is_whole.then(|| quote!(#code => ::core::option::Option::Some(#path { #(#read),* })))
    }

    /// `Some(Self::Card { 0: RejectionField::<CardError>::wrapped(rejection)? })`
    fn reading_wrapped(&self, rt: &Runtime, rejection: &Ident) -> Option<TokenStream> {
        let (ty, path, wrapped) = (self.wrapped()?, self.path(), local("wrapped"));
        let member = member(0, self.fields.iter().next()?);
        Some(quote!(#rt::RejectionField::<#ty>::wrapped(#rejection).map(|#wrapped| #path { #member: #wrapped })))
    }

    /// The fields that travel, with their schemas.
    fn members(&self, rt: &Runtime) -> Vec<TokenStream> {
        let fields = self.fields.iter().enumerate().filter(|(_, field)| !self.is_transparent && !is_cause(field));
        let member = fields.map(|(at, field)| {
            let (ty, name) = (&field.ty, member_name(at, field));
            quote!(#rt::RejectionMember { name: #name, schema: #rt::Probe::<#ty>::SCHEMA })
        });
        member.collect()
    }

    fn path(&self) -> TokenStream {
        self.variant.map_or_else(|| quote!(Self), |variant| quote!(Self::#variant))
    }
}

/// How Rust names a field: `limit`, or `0`.
fn member(at: usize, field: &syn::Field) -> TokenStream {
    let place = syn::Index::from(at);
    field.ident.as_ref().map_or_else(|| quote!(#place), |ident| quote!(#ident))
}

/// The name of a field's member in the answer.
fn member_name(at: usize, field: &syn::Field) -> String {
    field.ident.as_ref().map_or_else(|| at.to_string(), names::text)
}

/// Whether a variant only wraps another error.
fn has_wrapped(cases: &[Case<'_>]) -> bool {
    cases.iter().any(|case| case.wrapped().is_some())
}

/// Whether a field is the error's cause, in the way that `thiserror` finds it. It is for the log.
fn is_cause(field: &syn::Field) -> bool {
    let by_name = field.ident.as_ref().is_some_and(|ident| ident == "source" || ident == "backtrace");
    by_name
        || field
            .attrs
            .iter()
            .any(|attribute| ["source", "from", "backtrace"].iter().any(|name| attribute.path().is_ident(name)))
}

/// Whether a type has no reference in it, which nothing could be read into.
fn is_owned(ty: &syn::Type) -> bool {
    fn has_reference(tokens: TokenStream) -> bool {
        tokens.into_iter().any(|token| match token {
            TokenTree::Group(group) => has_reference(group.stream()),
            TokenTree::Punct(punct) => punct.as_char() == '&',
            _ => false,
        })
    }
    !has_reference(ty.to_token_stream())
}

/// `#[error(transparent)]`
fn is_transparent(attribute: &Attribute) -> bool {
    attribute.path().is_ident("error") && attribute.parse_args::<Ident>().is_ok_and(|word| word == "transparent")
}

/// 112: callers distinguish refusals by their codes.
fn refuse_one_code_twice(cases: &[Case<'_>], errors: &Errors) {
    for (at, case) in cases.iter().enumerate() {
        if cases[..at].iter().any(|earlier| earlier.code == case.code) {
            errors.refuse(&rules::REJECTION_TWICE, &case.written, &[&case.code]);
        }
    }
}

fn option(status: Option<u16>) -> TokenStream {
    status.map_or_else(|| quote!(::core::option::Option::None), |status| quote!(::core::option::Option::Some(#status)))
}

fn expand(rt: &Runtime, ident: &Ident, cases: &[Case<'_>]) -> TokenStream {
    let codes = cases.iter().map(|case| {
        let (code, status) = (&case.code, option(case.status));
        let wraps = case.wrapped().map_or_else(|| quote!(&[]), |ty| quote!(#rt::RejectionField::<#ty>::CODES));
        let (docs, members) = (&case.docs, case.members(rt));
        quote! {
            #rt::RejectionCode { code: #code, status: #status, wraps: #wraps, docs: #docs, members: &[#(#members),*] }
        }
    });
    let rejection = local("rejection");
    let read = cases.iter().filter_map(|case| case.reading(rt, &rejection));
    let wrapped = cases.iter().filter_map(|case| case.reading_wrapped(rt, &rejection));
    let distinct = has_wrapped(cases).then(|| {
        let condition = |rt: &Runtime| quote_spanned!(ident.span()=> #rt::distinct(<#ident as #rt::Rejecting>::CODES));
        rt.require(ident.span(), condition, &rules::REJECTION_WRAPPED, &[&names::text(ident)])
    });
    let arms = cases.iter().map(|case| case.arm(rt));
    // An enum without variants has no reference that could be matched.
    let matched = if cases.is_empty() { quote!(*self) } else { quote!(self) };
    quote! {
        const _: () = {
            #[automatically_derived]
            impl #rt::Rejecting for #ident {
                const CODES: &'static [#rt::RejectionCode] = &[#(#codes),*];
                fn rejection(&self) -> #rt::Rejection {
                    match #matched { #(#arms,)* }
                }
                fn read(#rejection: &#rt::Rejection) -> ::core::option::Option<Self> {
                    match &*#rejection.code {
                        #(#read,)*
                        _ => ::core::option::Option::None #(.or_else(|| #wrapped))*,
                    }
                }
            }
            #[allow(unused_imports)]
            use #rt::{NoRejectionField as _, Unless as _};
            #distinct
            #rt::inventory::submit!(#rt::DomainErrorInfo::of::<#ident>());
        };
    }
}
