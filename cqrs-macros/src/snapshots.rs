//! What each macro writes, kept in `tests/expand`: an input and its expansion in one file, for a person to read.
//!
//! `CQRS_BLESS=1 cargo test -p cqrs-macros` writes the expansions again. Read the difference.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use proc_macro2::{Group, TokenStream, TokenTree};
use quote::{ToTokens, TokenStreamExt, quote};
use syn::punctuated::Punctuated;
use syn::{Attribute, Item, Meta, Token};

use crate::{cqs, domain_error, event, events, fold, handler, id, message, policy, view};

type Derive = fn(TokenStream) -> TokenStream;
type Attributed = fn(TokenStream, &TokenStream) -> TokenStream;

const DERIVES: &[(&str, Derive)] = &[
    ("DomainError", domain_error::derive),
    ("Id", id::derive),
    ("Event", event::derive),
    ("Events", events::derive),
    ("Aggregate", fold::derive_aggregate),
    ("Command", message::command),
    ("Query", message::query),
    ("View", view::derive),
];

const ATTRIBUTES: &[(&str, Attributed)] = &[
    ("command", handler::command),
    ("query", handler::query),
    ("aggregate", fold::aggregate),
    ("projection", fold::projection),
    ("policy", policy::policy),
    ("cqs", cqs::attribute),
];

/// Ends the input of a file.
const LINE: &str = "\n// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----\n\n";

/// The folder of the workspace's tests.
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tests")
}

/// The text of a file.
pub fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// What the macros on one item write.
pub fn expand(item: &Item) -> TokenStream {
    let mut rest = item.clone();
    let attributes = match &mut rest {
        Item::Struct(item) => &mut item.attrs,
        Item::Enum(item) => &mut item.attrs,
        Item::Union(item) => &mut item.attrs,
        Item::Fn(item) => &mut item.attrs,
        Item::Impl(item) => &mut item.attrs,
        Item::Trait(item) => &mut item.attrs,
        _ => return TokenStream::new(),
    };
    let attribute = attribute(attributes);
    let derived = derives(attributes, item);
    let expanded = attribute.map(|(run, given)| run(given, &rest.to_token_stream()));
    quote!(#derived #expanded)
}

fn derives(attributes: &[Attribute], item: &impl ToTokens) -> TokenStream {
    let lists = attributes.iter().filter(|attribute| attribute.path().is_ident("derive"));
    let paths = lists.flat_map(|list| {
        list.parse_args_with(Punctuated::<syn::Path, Token![,]>::parse_terminated).expect("a list of derives")
    });
    let macros = paths.filter_map(|path| DERIVES.iter().find(|(name, _)| path.is_ident(name)));
    macros.map(|(_, derive)| derive(item.to_token_stream())).collect()
}

/// Takes the macro of an item off it, and its arguments.
fn attribute(attributes: &mut Vec<Attribute>) -> Option<(Attributed, TokenStream)> {
    let found = |attribute: &Attribute| ATTRIBUTES.iter().find(|(name, _)| attribute.path().is_ident(name));
    let at = attributes.iter().position(|attribute| found(attribute).is_some())?;
    let taken = attributes.remove(at);
    let arguments = match &taken.meta {
        Meta::List(list) => list.tokens.clone(),
        _ => TokenStream::new(),
    };
    Some((found(&taken)?.1, arguments))
}

/// As a person reads it: formatted, and the runtime's path shortened to `rt`.
fn formatted(tokens: TokenStream) -> String {
    let file = syn::parse2(shortened(tokens)).expect("an expansion is a list of items");
    // What `rustfmt` cannot fit into its lines it leaves as it finds it.
    rustfmt(&prettyplease::unparse(&file))
}

fn rustfmt(source: &str) -> String {
    let mut rustfmt = Command::new("rustfmt")
        .args(["--edition=2024", "--config=max_width=120,use_small_heuristics=Max"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("`rustfmt` runs: `rustup component add rustfmt`");
    rustfmt.stdin.take().expect("a pipe").write_all(source.as_bytes()).expect("rustfmt reads");
    let output = rustfmt.wait_with_output().expect("rustfmt ends");
    assert!(output.status.success(), "rustfmt refuses:\n{source}");
    String::from_utf8(output.stdout).expect("UTF-8")
}

fn shortened(tokens: TokenStream) -> TokenStream {
    let path = ["::cqrs_runtime", "::__private"].map(|part| part.parse::<TokenStream>().expect("a path")).into_iter();
    let path: Vec<_> = path.flatten().map(|token| token.to_string()).collect();
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let mut short = TokenStream::new();
    let mut at = 0;
    while at < tokens.len() {
        if tokens[at..].iter().zip(&path).filter(|(token, part)| token.to_string() == **part).count() == path.len() {
            short.extend(quote!(rt));
            at += path.len();
            continue;
        }
        short.append(match &tokens[at] {
            TokenTree::Group(group) => Group::new(group.delimiter(), shortened(group.stream())).into(),
            token => token.clone(),
        });
        at += 1;
    }
    short
}

#[test]
fn each_expansion_is_the_one_that_was_read() {
    let bless = std::env::var_os("CQRS_BLESS").is_some();
    let mut covered = Vec::new();
    let mut changed = Vec::new();
    for file in std::fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expand")).expect("tests/expand") {
        let path = file.expect("a file").path();
        let text = read(&path);
        let (input, _) = text.split_once(LINE).unwrap_or((&text, ""));
        let input = input.trim_end();
        let items = syn::parse_file(input).unwrap_or_else(|error| panic!("{}: {error}", path.display())).items;
        covered.extend(items.iter().flat_map(names));
        let expansion = formatted(items.iter().map(expand).collect());
        assert!(!expansion.contains("compile_error"), "{} breaks a rule:\n{expansion}", path.display());
        let now = format!("{input}\n{LINE}{expansion}");
        if now == text {
            continue;
        }
        if bless {
            std::fs::write(&path, now).expect("tests/expand can be written");
        } else {
            changed.push(format!("---- {} ----\n{expansion}", path.display()));
        }
    }
    assert!(
        changed.is_empty(),
        "the macros write something else; CQRS_BLESS=1 keeps it, once you have read it:\n{}",
        changed.join("\n")
    );
    // `Aggregate` is always refused.
    let derives = DERIVES.iter().map(|(name, _)| name).filter(|name| **name != "Aggregate");
    for name in derives.chain(ATTRIBUTES.iter().map(|(name, _)| name)) {
        assert!(covered.iter().any(|covered| covered == name), "no file of tests/expand shows `{name}`");
    }
}

#[test]
fn a_decision_is_no_longer_than_one_by_hand() {
    let file = syn::parse_file(&read(&folder().join("it/by_hand.rs"))).expect("by_hand.rs is Rust");
    let by_hand = file.items.iter().find(|item| matches!(item, Item::Impl(item) if of_trait(item, "Handled")));
    let function = file.items.iter().find(|item| matches!(item, Item::Fn(item) if item.sig.ident == "ship"));
    let (by_hand, function) = (by_hand.expect("impl Handled"), function.expect("fn ship"));
    let expansion = shortened(handler::command(TokenStream::new(), &function.to_token_stream()));
    let mut items = syn::parse2::<syn::File>(expansion).expect("items").items;
    assert_eq!(items.len(), 2, "the function and one implementation");
    let Some(Item::Impl(mut implementation)) = items.pop() else { panic!("it ends with an implementation") };
    let [syn::ImplItem::Fn(method)] = &mut *implementation.items else { panic!("it has one method") };
    // One registration inside of it; besides that nothing but checks and what is in scope.
    let mut registrations = 0;
    method.block.stmts.retain(|statement| match statement {
        syn::Stmt::Item(Item::Macro(_)) | syn::Stmt::Macro(_) => {
            registrations += 1;
            false
        }
        syn::Stmt::Item(Item::Use(_) | Item::Const(_)) => false,
        syn::Stmt::Expr(..) => true,
        other => panic!("the expansion holds more: {}", other.to_token_stream()),
    });
    assert_eq!(registrations, 1);
    // A person imports what he names, and needs no attributes.
    implementation.attrs.clear();
    let qualified = prettyplease::unparse(&syn::parse_quote!(#implementation));
    let prefixes = ["rt::", "::core::future::", "::core::marker::"];
    let generated = rustfmt(&prefixes.iter().fold(qualified, |text, prefix| text.replace(prefix, "")));
    let by_hand = rustfmt(&prettyplease::unparse(&syn::parse_quote!(#by_hand)));
    // Without white space, so that the width of a line does not matter.
    let length = |code: &str| code.split_whitespace().map(str::len).sum::<usize>();
    assert!(length(&generated) <= length(&by_hand), "{generated}\nis longer than\n{by_hand}");
}

fn of_trait(item: &syn::ItemImpl, name: &str) -> bool {
    item.trait_.as_ref().is_some_and(|(of, _)| of.to_token_stream().to_string() == name)
}

/// The names of the macros on an item.
fn names(item: &Item) -> Vec<String> {
    let attributes = match item {
        Item::Struct(item) => &item.attrs,
        Item::Enum(item) => &item.attrs,
        Item::Union(item) => &item.attrs,
        Item::Fn(item) => &item.attrs,
        Item::Impl(item) => &item.attrs,
        _ => return Vec::new(),
    };
    let words = attributes.iter().flat_map(|attribute| {
        let list = attribute.meta.require_list().map_or_else(|_| quote!(), |list| list.tokens.clone());
        attribute.path().to_token_stream().into_iter().chain(list)
    });
    words.map(|word| word.to_string()).collect()
}
