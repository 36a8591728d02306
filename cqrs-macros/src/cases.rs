//! The cases of `tests/ui` without a compiler: what the macros themselves refuse in each, and in no corrected version.

use std::path::Path;

use proc_macro2::{TokenStream, TokenTree};
use quote::ToTokens;
use syn::{Item, LitStr};

use crate::snapshots::{expand, folder, read};

/// The messages of all `compile_error!`s.
fn refusals(tokens: TokenStream, found: &mut Vec<String>) {
    let mut after_name = false;
    for token in tokens {
        match token {
            TokenTree::Group(group) if after_name => {
                found.push(syn::parse2::<LitStr>(group.stream()).expect("compile_error! takes a text").value());
            }
            TokenTree::Group(group) => refusals(group.stream(), found),
            TokenTree::Ident(ident) => after_name = ident == "compile_error",
            TokenTree::Punct(punct) => after_name = after_name && punct.as_char() == '!',
            TokenTree::Literal(_) => after_name = false,
        }
    }
}

fn refused(path: &Path) -> Vec<String> {
    let mut found = Vec::new();
    let file = syn::parse_file(&read(path)).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    file.items.iter().for_each(|item| refused_in(item, &mut found));
    // What stands in for a type says the same again, which the compiler shows once.
    let mut seen = std::collections::BTreeSet::new();
    found.retain(|fault| seen.insert(fault.clone()));
    found
}

fn refused_in(item: &Item, found: &mut Vec<String>) {
    refusals(expand(item), found);
    match item {
        Item::Mod(module) => {
            module.content.iter().flat_map(|(_, items)| items).for_each(|item| refused_in(item, found));
        }
        // What is marked inside a `#[cqs]` is its own.
        Item::Impl(block) if !block.attrs.iter().any(|attribute| attribute.path().is_ident("cqs")) => {
            let methods = block.items.iter().filter_map(|item| syn::parse2(item.to_token_stream()).ok());
            methods.for_each(|method| refusals(expand(&Item::Fn(method)), found));
        }
        _ => {}
    }
}

/// The message of a case, if a macro writes it: an error without a code of the compiler's, and with one of ours.
fn expected(stderr: &str) -> Vec<String> {
    let mut lines = stderr.lines();
    let head = lines.next().and_then(|line| line.strip_prefix("error: ")).filter(|head| head.starts_with("[CQRS"));
    let Some(head) = head else { return Vec::new() };
    let rest = lines.take_while(|line| !line.trim_start().starts_with("-->")).map(str::trim);
    vec![std::iter::once(head).chain(rest).collect::<Vec<_>>().join("\n")]
}

#[test]
fn the_macros_refuse_what_the_cases_say_and_nothing_else() {
    let mut faults = Vec::new();
    let mut by_macros = 0;
    for file in std::fs::read_dir(folder().join("ui/fail")).expect("tests/ui/fail") {
        let path = file.expect("a file").path();
        if path.extension().is_none_or(|extension| extension != "rs") {
            continue;
        }
        let lines = |text: String| text.lines().map(str::trim).collect::<Vec<_>>().join("\n");
        let (found, wanted) = (refused(&path), expected(&read(&path.with_extension("stderr"))));
        by_macros += wanted.len();
        if found.into_iter().map(lines).ne(wanted.iter().cloned()) {
            faults.push(format!("{}: {:?}, and not {wanted:?}", path.display(), refused(&path)));
        }
        let twin = folder().join("ui/pass").join(path.file_name().expect("a name"));
        if let [fault, ..] = &*refused(&twin) {
            faults.push(format!("{}: {fault}", twin.display()));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
    assert!(by_macros > 60, "{by_macros} cases are refused by a macro: their messages are no longer read rightly");
}

#[test]
fn what_few_people_write_is_told_apart_as_well() {
    for (item, parts) in [
        (
            "#[aggregate(id = I, on = [A, B])] impl X { fn a(_: &A) -> Self { X } fn b(&mut self, _: &B) -> () {} }",
            &[][..],
        ),
        (
            "#[projection(on = [A])] impl X { #[by(x)] #[keys([1])] fn a(&mut self, _: &A) {} }",
            &["`#[by(..)]` and `#[keys(..)]` on one method"][..],
        ),
        (
            "#[projection(on = [A])] impl X { #[key(1)] #[keys([1])] fn a(&mut self, _: &A) {} }",
            &["`#[keys(..)]` and `#[key(..)]` on one method"][..],
        ),
        ("#[projection(on = [A])] impl X { fn a(self, _: &A) -> Vec<Self> {} }", &["has none of the forms"][..]),
        ("#[projection(on = [A])] impl X { fn a(self, _: &A) -> Option<Y> {} }", &["has none of the forms"][..]),
        ("#[projection(on = [A])] impl X { fn a(_: &Recorded<A>) -> Self { X } }", &[][..]),
        (
            "#[projection(on = [A])] impl X { fn a(_: &Box<A>) -> Self { X } }",
            &["event `Box<A>` is not listed in `on`, and `A` is listed and has no method"][..],
        ),
        ("#[aggregate(id = I, on = [A])] impl X { type Y = Z; fn a(_: &A) -> Self { X } }", &["a type inside"][..]),
        ("#[aggregate(id = I, on = [A])] impl X { y!(); fn a(_: &A) -> Self { X } }", &["a macro call inside"][..]),
        (
            "#[aggregate(id = I, on = A)] impl X { fn a(_: &A) -> Self { X } }",
            &["give it a list of events, `[A, B]`"][..],
        ),
        (
            "#[query] async fn x(q: Q, v: &Views<V>) -> Result<u8, E> {}",
            &["a query cannot take `&Views<V>`\n  why: asking a question must not change the answer"][..],
        ),
        ("#[query] async fn x(q: Q, #[id(q.v)] v: Views<V>) -> Result<u8, E> {}", &["`#[id(..)]` on `Views<V>`"][..]),
        ("#[query] async fn x(q: Q, _: &A) -> Result<u8, E> {}", &["a query cannot take `&A`"][..]),
        ("#[policy(on = [A])] impl X { type Y = Z; fn a(_: &A) {} }", &["a type inside"][..]),
        (
            "#[policy(on = [A])] fn x(_: &A, y: impl Send) {}",
            &["cannot take `impl Trait`\n  why: a handler is found by its message alone"][..],
        ),
        (
            "#[derive(Event)] struct X { #[serde(rename = \"y\", skip)] x: u8, #[serde(default = \"skip\")] z: u8 }",
            &["serde leaves field `x` of the event out"][..],
        ),
        (
            "#[derive(Event)] struct X { #[serde(skip_serializing_if = \"f\", with = \"m\")] x: Option<u8>, \
             #[serde(skip_serializing_if = \"f\")] y: Option<u8>, \
             #[serde(skip_serializing_if = \"f\", deserialize_with = \"d\", default)] z: Option<u8> }",
            &["serde may leave field `x` of the event out"][..],
        ),
        ("#[derive(View)] #[serde(default)] struct X { #[key] #[serde(skip_serializing_if = \"f\")] x: u8 }", &[][..]),
    ] {
        let mut found = Vec::new();
        refused_in(&syn::parse_str(item).expect("an item"), &mut found);
        assert_eq!(found.len(), parts.len(), "{item}: {found:?}");
        assert!(found.iter().zip(parts).all(|(found, part)| found.contains(part)), "{item}: {found:?}");
    }
}
