//! Names as they are written elsewhere: in tags, in constants, in hashes.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::Type;
use syn::ext::IdentExt;

use crate::runtime::Runtime;

/// The name without `r#`.
pub fn text(ident: &Ident) -> String {
    ident.unraw().to_string()
}

/// The field that a parameter is named after: its name without the underscores that mark it as unused, at its place.
pub fn field(parameter: &Ident) -> Option<Ident> {
    let name = text(parameter);
    let name = name.trim_start_matches('_');
    let mut field = syn::parse_str::<Ident>(name).or_else(|_| syn::parse_str(&format!("r#{name}"))).ok()?;
    field.set_span(parameter.span());
    Some(field)
}

/// `OrderId` → `order_id`, `HTTPRoute` → `http_route`.
pub fn snake_case(name: &str) -> String {
    let letters: Vec<char> = name.chars().collect();
    let mut snake = String::new();
    for (at, &letter) in letters.iter().enumerate() {
        let after_lower = at > 0 && (letters[at - 1].is_lowercase() || letters[at - 1].is_ascii_digit());
        let ends_capitals =
            at > 0 && letters[at - 1].is_uppercase() && letters.get(at + 1).is_some_and(|next| next.is_lowercase());
        if letter.is_uppercase() && (after_lower || ends_capitals) {
            snake.push('_');
        }
        snake.extend(letter.to_lowercase());
    }
    snake
}

/// A field's constant: `created_at` → `CREATED_AT`.
pub fn screaming_case(name: &str) -> String {
    name.to_uppercase()
}

/// FNV-1a of 64 bits.
pub fn hash(text: &str) -> u64 {
    text.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

/// The same tokens, with `name` (if there is one) called `other`.
pub fn renamed(tokens: TokenStream, name: Option<&Ident>, other: &str) -> TokenStream {
    let Some(name) = name else { return tokens };
    let rename = |tree| match tree {
        TokenTree::Group(group) => Group::new(group.delimiter(), renamed(group.stream(), Some(name), other)).into(),
        TokenTree::Ident(ident) if ident == *name => Ident::new(other, ident.span()).into(),
        tree => tree,
    };
    tokens.into_iter().map(rename).collect()
}

/// Where an expression names the variable `name`, unless a pattern before that may have given the name to another.
pub fn mention(expr: TokenStream, name: &Ident) -> Option<Ident> {
    let mut after_dot = false;
    for token in leaves(expr) {
        let is_member = std::mem::take(&mut after_dot);
        match token {
            TokenTree::Ident(ident) if ident == *name && !is_member => return Some(ident),
            TokenTree::Ident(ident) if ["for", "let", "match"].iter().any(|word| ident == word) => return None,
            TokenTree::Punct(punct) if punct.as_char() == '|' => return None,
            TokenTree::Punct(punct) => after_dot = punct.as_char() == '.',
            _ => {}
        }
    }
    None
}

/// The tokens, those inside of groups too.
fn leaves(tokens: TokenStream) -> Vec<TokenTree> {
    let leaves = |tree| match tree {
        TokenTree::Group(group) => leaves(group.stream()),
        leaf => vec![leaf],
    };
    tokens.into_iter().flat_map(leaves).collect()
}

/// `impl HasField` for each of a type's named fields.
pub fn has_fields(rt: &Runtime, ident: &Ident, fields: &[(&Ident, &Type)]) -> TokenStream {
    let implementation = |(name, ty): &(&Ident, &Type)| {
        let text = text(name);
        quote! {
            #[automatically_derived]
            impl #rt::HasField<{ #rt::field_name(#text) }, #ty> for #ident {
                fn field(&self) -> &#ty { &self.#name }
            }
        }
    };
    fields.iter().map(implementation).collect()
}

/// The nearest of `names` to a misspelt one, if it is near at all.
pub fn nearest<'a>(name: &str, names: &[&'a str]) -> Option<&'a str> {
    let near = names.iter().map(|&known| (strsim::levenshtein(name, known), known)).min()?;
    (near.0 <= 1 + name.len() / 3).then_some(near.1)
}

/// The doc comment of an item: its lines without the space that they begin with.
pub fn docs(attributes: &[syn::Attribute]) -> String {
    let lines = attributes.iter().filter(|attribute| attribute.path().is_ident("doc")).filter_map(|attribute| {
        let syn::Meta::NameValue(pair) = &attribute.meta else { return None };
        let syn::Expr::Lit(syn::ExprLit { lit: syn::Lit::Str(text), .. }) = &pair.value else { return None };
        let text = text.value();
        Some(text.strip_prefix(' ').unwrap_or(&text).trim_end().to_owned())
    });
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn snake_case_follows_the_words() {
        for (name, snake) in [
            ("Order", "order"),
            ("OrderLine", "order_line"),
            ("HTTPRoute", "http_route"),
            ("B2BCustomer", "b2_b_customer"),
            ("Été", "été"),
        ] {
            assert_eq!(snake_case(name), snake);
        }
    }

    #[test]
    fn a_mention_is_of_the_variable_itself() {
        let name: Ident = syn::parse_quote!(article);
        let mentions = |expr: &str| mention(expr.parse().expect("tokens"), &name).is_some();
        for expr in
            ["article.author", "article.map(|article| article.author)", "key(&event.id, article)", "(1, [article])"]
        {
            assert!(mentions(expr), "{expr}");
        }
        for expr in [
            "event.article",
            "event.article()",
            "event.articles.iter().map(|article| article.id)",
            "{ let article = 1; article }",
        ] {
            assert!(!mentions(expr), "{expr}");
        }
    }

    #[test]
    fn the_hash_is_fnv_1a() {
        assert_eq!(hash(""), 0xcbf2_9ce4_8422_2325);
        assert_eq!(hash("a"), 0xaf63_dc4c_8601_ec8c);
        assert_eq!(hash("foobar"), 0x8594_4171_f739_67e8);
    }

    #[test]
    fn only_near_names_are_proposed() {
        let names = ["name", "version", "from", "returns"];
        assert_eq!(nearest("retruns", &names), Some("returns"));
        assert_eq!(nearest("vers", &names), None);
        assert_eq!(nearest("nmae", &names), Some("name"));
        assert_eq!(nearest("table", &names), None);
    }
}
