//! Paths into the runtime, and the shapes that every expansion shares.

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote, quote_spanned};
use syn::{Generics, Path};

use crate::rules::Rule;

/// The runtime's `__private` module, under the name that the user's crate knows it by.
#[derive(Clone)]
pub struct Runtime(TokenStream);

impl Runtime {
    /// From the option `crate = path`; `::cqrs_runtime` without one.
    pub fn new(path: Option<&Path>) -> Self {
        Self(path.map_or_else(|| quote!(::cqrs_runtime::__private), |path| quote!(#path::__private)))
    }

    /// Registers an item: `call` is a constructor of `Registration`. Its location is that of the macro.
    pub fn submit(&self, call: &TokenStream) -> TokenStream {
        quote!(#self::inventory::submit!(#self::Registration::#call);)
    }

    /// Lets `Calls` and `Probe` fall back on what asks for nothing, where a type is not what it should be.
    pub fn fallbacks(&self) -> TokenStream {
        quote! {
            #[allow(unused_imports)]
            use #self::{FallbackCodec as _, Fallback as _, Unless as _};
        }
    }

    /// The same, its tokens at `span`.
    pub fn at(&self, span: Span) -> Self {
        Self(at(span, self.0.clone()))
    }

    /// A rule that only the compiler can decide: where `condition` is false, its breach is the error, under `span`; `names` fill the
    /// rule's places.
    ///
    /// All tokens have the user's own span, so that the error names no macro.
    pub fn require(
        &self,
        span: Span,
        condition: impl FnOnce(&Self) -> TokenStream,
        rule: &Rule,
        names: &[&str],
    ) -> TokenStream {
        let here = self.at(span);
        let rule = rule.in_the_runtime(&here);
        let condition = condition(&here);
        // Its name is the macro's, so that `rustc` proposes no type parameter after it.
        let name = quote_spanned!(Span::mixed_site()=> _);
        quote_spanned!(span=> const #name: () = #here::require(#condition, #rule, &[#(#names),*]);)
    }
}

impl ToTokens for Runtime {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        self.0.to_tokens(tokens);
    }
}

/// The same tokens, all at `span`: an error about any of them is shown there.
pub fn at(span: Span, tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            if let TokenTree::Group(group) = &tree {
                let mut moved = proc_macro2::Group::new(group.delimiter(), at(span, group.stream()));
                moved.set_span(span);
                return moved.into();
            }
            tree.set_span(span);
            tree
        })
        .collect()
}

/// The same tokens at another place, each with the hygiene that it has.
pub fn moved(span: Span, tokens: TokenStream) -> TokenStream {
    tokens
        .into_iter()
        .map(|mut tree| {
            tree.set_span(tree.span().located_at(span));
            tree
        })
        .collect()
}

/// The user's item, with empty `<>` of the macro's after `keyword` or the name that follows it, where it has none: of a type that is not
/// found the compiler then says the same here as in the expansion, and so says it once. Otherwise it would propose a type parameter of
/// that name here, which is hardly ever meant.
pub fn without_proposed_parameters(item: TokenStream, keyword: &str) -> TokenStream {
    let mut tokens = item.into_iter().peekable();
    let mut found = TokenStream::new();
    while let Some(token) = tokens.next() {
        let is_keyword = matches!(&token, TokenTree::Ident(ident) if ident == keyword);
        found.extend([token]);
        if !is_keyword {
            continue;
        }
        if keyword == "fn" {
            found.extend(tokens.next());
        }
        if !matches!(tokens.peek(), Some(TokenTree::Punct(punct)) if punct.as_char() == '<') {
            found.extend(quote_spanned!(Span::mixed_site()=> <>));
        }
        break;
    }
    found.extend(tokens);
    found
}

/// A local name of an expansion, which neither sees the user's names nor is seen by his expressions.
pub fn local(name: &str) -> Ident {
    Ident::new(name, Span::mixed_site())
}

/// An implementation that can be wrong in nothing: what stands in for the real one where the item has a fault, so that
/// one fault is one error.
pub fn stub(generics: &Generics, of: &TokenStream, ty: &Ident, body: &TokenStream) -> TokenStream {
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    quote! {
        #[automatically_derived]
        impl #impl_generics #of for #ty #type_generics
        where
            Self: ::core::marker::Send + ::core::marker::Sync + 'static,
        {
            #body
        }
    }
}
