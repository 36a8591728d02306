//! Options: `#[cqrs(..)]` on a type, the arguments of an attribute macro. One parser; each macro says which it allows.

mod list;

use proc_macro2::{Ident, Span, TokenStream, TokenTree};
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, LitInt, LitStr, Path, Token, Type};

use crate::errors::Errors;
use crate::names::nearest;
use crate::rules;
use list::{events, skip_to_comma};

/// Which macro reads the options, and which it allows.
pub struct Allowed {
    /// The macro, as the user writes it.
    pub reader: &'static str,
    /// Its options.
    pub options: &'static [&'static str],
}

/// Every option of every macro, and one macro that has it.
const ALL: &[(&str, &str)] = &[
    ("code", "#[derive(DomainError)]"),
    ("consistency", "#[derive(Query)]"),
    ("crate", "every macro"),
    ("error", "#[derive(Command)]"),
    ("foreign", "#[command] and #[query]"),
    ("from", "#[derive(Event)]"),
    ("from_start", "#[policy]"),
    ("http", "#[derive(Command)] and #[derive(Query)]"),
    ("id", "#[aggregate]"),
    ("ignore", "#[aggregate] and #[projection]"),
    ("index", "#[derive(View)]"),
    ("interior_mutability", "#[aggregate] and #[cqs]"),
    ("key", "#[projection]"),
    ("name", "types, #[projection] and #[policy]"),
    ("not_found_if_null", "#[derive(Query)]"),
    ("on", "#[aggregate], #[projection] and #[policy]"),
    ("public", "#[derive(Command)] and #[derive(Query)]"),
    ("requires", "#[derive(Command)] and #[derive(Query)]"),
    ("retry", "#[command]"),
    ("returns", "#[derive(Command)] and #[derive(Query)]"),
    ("revision", "#[projection]"),
    ("snapshots", "#[aggregate]"),
    ("status", "#[derive(DomainError)]"),
    ("version", "#[derive(Event)]"),
    ("view", "#[projection]"),
    ("was", "#[policy]"),
];

/// Whether some macro has this option.
pub fn is_option(text: &str) -> bool {
    ALL.iter().any(|(known, _)| *known == text)
}

/// What `on` lists.
pub enum On {
    /// `on = [A, B]`
    Events(Vec<Path>),
    /// `on = Order`: every event of that aggregate.
    Aggregate(Path),
}

/// How far behind a query's answer may be.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Consistency {
    Eventual,
    ReadYourWrites,
}

/// The options that were given.
#[derive(Default)]
pub struct Options {
    /// `code = ".."`
    pub code: Option<LitStr>,
    /// `consistency = read_your_writes`
    pub consistency: Option<Consistency>,
    /// `crate = path`
    pub krate: Option<Path>,
    /// `error = Type`
    pub error: Option<Type>,
    /// `foreign`
    pub foreign: Option<Span>,
    /// `from = Type`
    pub from: Option<Type>,
    /// `from_start`
    pub from_start: Option<Span>,
    /// `http = "POST /orders/{order}/ship"`
    pub http: Option<LitStr>,
    /// `id = Type`
    pub id: Option<Type>,
    /// `ignore = [A, B]`
    pub ignore: Option<Vec<Path>>,
    /// `index(a, b)`, each
    pub indexes: Vec<Vec<Ident>>,
    /// `interior_mutability`
    pub interior_mutability: bool,
    /// `key = field`
    pub key: Option<Ident>,
    /// `name = ".."`
    pub name: Option<LitStr>,
    /// `not_found_if_null`
    pub not_found_if_null: bool,
    /// `on = [A, B]`, `on = Order`
    pub on: Option<On>,
    /// `public`
    pub public: Option<Span>,
    /// `requires = "orders:write"`
    pub requires: Option<LitStr>,
    /// `retry`
    pub retry: Option<Span>,
    /// `returns = Type`
    pub returns: Option<Type>,
    /// `revision = N`
    pub revision: Option<u32>,
    /// `snapshots`, `snapshots = N`
    pub snapshots: Option<u32>,
    /// `status = 409`
    pub status: Option<u16>,
    /// `version = N`
    pub version: Option<(u32, Span)>,
    /// `view = Type`
    pub view: Option<Type>,
    /// `was = ".."`
    pub was: Option<LitStr>,
}

impl Options {
    /// The options of a type: all its `#[cqrs(..)]` together.
    pub fn of_type(attributes: &[Attribute], allowed: &Allowed, errors: &Errors) -> Self {
        let mut options = Self::default();
        let mut given = Vec::new();
        for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("cqrs")) {
            let parse = |input: ParseStream<'_>| options.parse(input, allowed, &mut given, errors);
            errors.keep(attribute.parse_args_with(parse));
        }
        options
    }

    /// The options of an attribute macro: its arguments.
    pub fn of_macro(arguments: TokenStream, allowed: &Allowed, errors: &Errors) -> Self {
        let mut options = Self::default();
        let mut given = Vec::new();
        let parse = |input: ParseStream<'_>| options.parse(input, allowed, &mut given, errors);
        errors.keep(parse.parse2(arguments));
        options
    }

    fn parse(
        &mut self,
        input: ParseStream<'_>,
        allowed: &Allowed,
        given: &mut Vec<String>,
        errors: &Errors,
    ) -> syn::Result<()> {
        while !input.is_empty() {
            if is_unnamed(input) {
                // What follows is most likely without a name as well.
                let first = input.parse::<TokenTree>()?;
                errors.refuse(&rules::OPTION_UNNAMED, first, &[allowed.reader, &examples(allowed)]);
                while !input.is_empty() {
                    input.parse::<TokenTree>()?;
                }
                return Ok(());
            }
            let name = input.call(Ident::parse_any)?;
            let text = name.unraw().to_string();
            if !allowed.options.contains(&&*text) {
                match refuse_unknown(&name, &text, allowed, errors) {
                    // Read as what it was meant to be, so that nothing else seems to be missing.
                    Some(near) if !given.iter().any(|given| given == near) => self.value(&name, near, input, errors)?,
                    _ => skip_value(input)?,
                }
                if input.is_empty() || input.peek(Token![,]) {
                    // Read on.
                } else {
                    skip_to_comma(input)?;
                }
            } else if given.contains(&text) && text != "index" {
                errors.refuse(&rules::OPTION_REPEATED, &name, &[&text]);
                skip_value(input)?;
            } else {
                let faults = errors.count();
                self.value(&name, &text, input, errors)?;
                if !input.is_empty() && !input.peek(Token![,]) {
                    // `retry = 3`, `on(A, B)`, `snapshots(2)`: refused once.
                    if errors.count() == faults {
                        errors.refuse(&rules::OPTION_VALUE, &name, &[&text, kind_of_value(&text)]);
                    }
                    skip_to_comma(input)?;
                }
                given.push(text);
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(())
    }

    fn value(&mut self, name: &Ident, text: &str, input: ParseStream<'_>, errors: &Errors) -> syn::Result<()> {
        match text {
            "foreign" => self.foreign = Some(name.span()),
            "from_start" => self.from_start = Some(name.span()),
            "index" if input.peek(syn::token::Paren) => {
                let list;
                syn::parenthesized!(list in input);
                match list.parse_terminated(Ident::parse_any, Token![,]) {
                    Ok(fields) if !fields.is_empty() => self.indexes.push(fields.into_iter().collect()),
                    _ => {
                        errors.refuse(&rules::OPTION_VALUE, name, &[text, kind_of_value(text)]);
                        list.parse::<TokenStream>()?;
                    }
                }
            }
            "interior_mutability" => self.interior_mutability = true,
            "not_found_if_null" => self.not_found_if_null = true,
            "public" => self.public = Some(name.span()),
            "retry" => self.retry = Some(name.span()),
            "snapshots" if !input.peek(Token![=]) => self.snapshots = Some(1),
            _ => {
                let refuse =
                    |fault: TokenStream| errors.refuse(&rules::OPTION_VALUE, fault, &[text, kind_of_value(text)]);
                if input.parse::<Option<Token![=]>>()?.is_none() {
                    refuse(name.to_token_stream());
                    self.unknown(text, errors);
                    return Ok(());
                }
                let first = input.fork().parse::<TokenTree>().ok();
                let faults = errors.count();
                let read = self.typed_value(text, input, errors).is_ok();
                if !read && errors.count() == faults {
                    refuse(first.map_or_else(|| name.to_token_stream(), TokenTree::into_token_stream));
                }
                if !read {
                    self.unknown(text, errors);
                    while !input.is_empty() && !input.peek(Token![,]) {
                        input.parse::<TokenTree>()?;
                    }
                }
            }
        }
        Ok(())
    }

    /// An option that was given a value of another kind, and may be a type.
    fn unknown(&mut self, text: &str, errors: &Errors) {
        let option = match text {
            "error" => &mut self.error,
            "from" => &mut self.from,
            "id" => &mut self.id,
            "returns" => &mut self.returns,
            _ => return,
        };
        *option = Some(errors.unknown_type());
    }

    fn typed_value(&mut self, text: &str, input: ParseStream<'_>, errors: &Errors) -> syn::Result<()> {
        match text {
            "code" => self.code = Some(name_literal(input, text, errors)?),
            "consistency" => self.consistency = Some(consistency(input)?),
            "crate" => self.krate = Some(Path::parse_mod_style(input)?),
            "error" => self.error = Some(type_value(text, input, errors)?),
            "from" => self.from = Some(type_value(text, input, errors)?),
            "http" => self.http = Some(name_literal(input, text, errors)?),
            "id" => self.id = Some(type_value(text, input, errors)?),
            "ignore" => self.ignore = Some(events(input, errors)?),
            "index" => return Err(input.error("a list in parentheses")),
            "key" => self.key = Some(input.parse()?),
            "name" => self.name = Some(name_literal(input, text, errors)?),
            "on" if input.peek(syn::token::Bracket) => self.on = Some(On::Events(events(input, errors)?)),
            "on" => self.on = Some(On::Aggregate(input.parse()?)),
            "requires" => self.requires = Some(name_literal(input, text, errors)?),
            "returns" => self.returns = Some(type_value(text, input, errors)?),
            "revision" => self.revision = Some(counted(input, text, errors)?.0),
            "snapshots" => self.snapshots = Some(counted(input, text, errors)?.0),
            "status" => self.status = Some(status(input)?),
            "version" => self.version = Some(counted(input, text, errors)?),
            "view" => self.view = Some(type_value(text, input, errors)?),
            "was" => self.was = Some(name_literal(input, text, errors)?),
            other => unreachable!("option `{other}` is allowed and not parsed"),
        }
        Ok(())
    }
}

/// The HTTP status of an error.
fn status(input: ParseStream<'_>) -> syn::Result<u16> {
    let literal: LitInt = input.parse()?;
    let status = literal.base10_parse()?;
    if (400..600).contains(&status) { Ok(status) } else { Err(syn::Error::new_spanned(literal, "no error")) }
}

/// A type. One in quotes is refused, and read as what is in them.
fn type_value(option: &str, input: ParseStream<'_>, errors: &Errors) -> syn::Result<Type> {
    if !input.peek(LitStr) {
        return input.parse();
    }
    let literal: LitStr = input.parse()?;
    let ty: Type = literal.parse()?;
    let wanted = format!("a type, without quotes: `{option} = {}`", literal.value());
    errors.refuse(&rules::OPTION_VALUE, &literal, &[option, &wanted]);
    Ok(ty)
}

/// Whether this is a value without its option's name: a list, a text, or a type.
fn is_unnamed(input: ParseStream<'_>) -> bool {
    let ahead = input.fork();
    let Ok(word) = ahead.call(Ident::parse_any) else { return true };
    let is_type = word.unraw().to_string().starts_with(char::is_uppercase);
    is_type && !ahead.peek(Token![=]) && !ahead.peek(syn::token::Paren)
}

/// The options of a macro, each with a value, as messages show them.
fn examples(allowed: &Allowed) -> String {
    let example = |option: &&str| match *option {
        "id" | "returns" | "error" | "view" | "from" => Some(format!("{option} = Type")),
        "on" => Some("on = [Event, ..]".to_owned()),
        "name" => Some("name = \"..\"".to_owned()),
        _ => None,
    };
    allowed.options.iter().filter_map(example).collect::<Vec<_>>().join(", ")
}

/// What an option's value is, in words.
fn kind_of_value(option: &str) -> &'static str {
    match option {
        "code" => "a text, `code = \"order-too-large\"`",
        "consistency" => "`eventual` or `read_your_writes`",
        "crate" => "a path, `crate = my::cqrs_runtime`",
        "ignore" => "a list of events, `ignore = [A, B]`",
        "foreign" | "from_start" | "interior_mutability" | "not_found_if_null" | "public" | "retry" => "no value",
        "http" => "a method and a path, `http = \"POST /orders/{order}/ship\"`",
        "index" => "the names of fields, `index(author, created_at)`",
        "key" => "a field's name, `key = order`",
        "name" => "a text, `name = \"..\"`",
        "was" => "the name that it had before, `was = \"..\"`",
        "on" => "a list of events, `on = [A, B]`",
        "requires" => "the name of a permission, `requires = \"orders:write\"`",
        "revision" => "a whole number from 1 that you raise when a method changes what it makes, `revision = 2`",
        "snapshots" => "no value, or a whole number from 1 that you count up when a fold changes, `snapshots = 2`",
        "status" => "an HTTP status of an error, from 400 to 599: `status = 409`",
        "version" => "a whole number from 1, `version = 2`",
        "error" => "a type, `error = TheError`",
        "id" => "a type, `id = TheId`",
        _ => "a type",
    }
}

/// Refuses an option that the macro does not have. The one that it may be a misspelling of, if there is one.
fn refuse_unknown(name: &Ident, text: &str, allowed: &Allowed, errors: &Errors) -> Option<&'static str> {
    let list = match allowed.options {
        [] => "no options".to_owned(),
        options => format!("`{}`", options.join("`, `")),
    };
    if let Some((_, home)) = ALL.iter().find(|(known, _)| *known == text) {
        errors.refuse(&rules::OPTION_MISPLACED, name, &[text, home, allowed.reader, &list]);
        return None;
    }
    let near = nearest(text, allowed.options);
    match near {
        Some(near) => errors.refuse(&rules::OPTION_MISSPELT, name, &[text, allowed.reader, near]),
        None => errors.refuse(&rules::OPTION_UNKNOWN, name, &[text, allowed.reader, &list]),
    }
    near
}

/// Passes over the value of an option that is refused already, so that the next one is still read.
fn skip_value(input: ParseStream<'_>) -> syn::Result<()> {
    if input.peek(syn::token::Paren) {
        input.parse::<TokenTree>()?;
    } else if input.peek(Token![=]) {
        input.parse::<Token![=]>()?;
        // A type first: the commas of its arguments are not the option list's.
        let ahead = input.fork();
        if ahead.parse::<Type>().is_ok() && (ahead.is_empty() || ahead.peek(Token![,])) {
            input.parse::<Type>()?;
        } else {
            while !input.is_empty() && !input.peek(Token![,]) {
                input.parse::<TokenTree>()?;
            }
        }
    }
    Ok(())
}

fn name_literal(input: ParseStream<'_>, option: &str, errors: &Errors) -> syn::Result<LitStr> {
    let name: LitStr = input.parse()?;
    if name.value().trim().is_empty() {
        errors.refuse(&rules::OPTION_VALUE, &name, &[option, "a text that is not empty"]);
    }
    Ok(name)
}

fn consistency(input: ParseStream<'_>) -> syn::Result<Consistency> {
    let word: Ident = input.parse()?;
    match &*word.to_string() {
        "eventual" => Ok(Consistency::Eventual),
        "read_your_writes" => Ok(Consistency::ReadYourWrites),
        _ => Err(syn::Error::new(word.span(), "no such consistency")),
    }
}

fn counted(input: ParseStream<'_>, option: &str, errors: &Errors) -> syn::Result<(u32, Span)> {
    let literal: LitInt = input.parse()?;
    let number = literal.base10_parse().unwrap_or(0);
    if number == 0 {
        errors.refuse(&rules::OPTION_VALUE, &literal, &[option, "a whole number from 1"]);
    }
    Ok((number, literal.span()))
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::*;

    const EVENT: Allowed = Allowed { reader: "#[derive(Event)]", options: &["crate", "from", "name", "version"] };

    fn faults(arguments: TokenStream) -> String {
        let errors = Errors::new();
        Options::of_macro(arguments, &EVENT, &errors);
        errors.into_tokens().to_string()
    }

    #[test]
    fn every_fault_of_a_list_shows() {
        let faults =
            faults(quote!(vresion = 2, name = "a", returns = Result<A, B>, name = "b", colour = [1, 2], shade = a b));
        for part in
            ["did you mean `version`?", "#[derive(Command)] and #[derive(Query)]", "given twice", "`colour`", "`shade`"]
        {
            assert!(faults.contains(part), "{part} is not in {faults}");
        }
        assert_eq!((faults.matches("[CQRS108]").count(), faults.matches("compile_error").count()), (5, 5));
    }

    #[test]
    fn a_misspelt_option_is_one_fault_and_is_read() {
        let errors = Errors::new();
        let options = Options::of_macro(quote!(vresion = 3, nmae = "a", name = "b"), &EVENT, &errors);
        assert_eq!(errors.into_tokens().to_string().matches("[CQRS108]").count(), 2);
        assert_eq!(options.version.map(|(version, _)| version), Some(3));
        assert_eq!(options.name.map(|name| name.value()).as_deref(), Some("b"));
    }

    #[test]
    fn a_misspelt_option_does_not_stand_in_for_one_that_is_given() {
        let errors = Errors::new();
        let options = Options::of_macro(quote!(name = "b", nmae = "a"), &EVENT, &errors);
        assert_eq!(errors.into_tokens().to_string().matches("[CQRS108]").count(), 1);
        assert_eq!(options.name.map(|name| name.value()).as_deref(), Some("b"));
    }

    #[test]
    fn a_value_of_another_kind_is_told_what_it_should_be() {
        let options = &["crate", "error", "ignore", "key", "name", "on", "version"];
        let any = Allowed { reader: "#[any]", options };
        for (given, kind) in [
            (quote!(crate = 1), "give it a path, `crate = my::cqrs_runtime`"),
            (quote!(error = 1), "give it a type"),
            (quote!(ignore = A), "give it a list of events, `ignore = [A, B]`"),
            (quote!(key = 1), "give it a field's name, `key = order`"),
            (quote!(name = shipped), "give it a text, `name = \\\".."),
            (quote!(on = 1), "give it a list of events, `on = [A, B]`"),
            (quote!(version = two), "give it a whole number from 1, `version = 2`"),
            (quote!(version), "give it a whole number from 1, `version = 2`"),
            (quote!(version = 0), "give it a whole number from 1"),
            (quote!(name = " "), "give it a text that is not empty"),
        ] {
            let errors = Errors::new();
            Options::of_macro(given.clone(), &any, &errors);
            let text = errors.into_tokens().to_string();
            assert!(text.contains(kind) && text.matches("[CQRS108]").count() == 1, "{given}: {kind} is not in {text}");
        }
    }

    #[test]
    fn snapshots_are_counted_from_one() {
        const AGGREGATE: Allowed = Allowed { reader: "#[aggregate]", options: &["crate", "id", "on", "snapshots"] };
        let read = |arguments| {
            let errors = Errors::new();
            let options = Options::of_macro(arguments, &AGGREGATE, &errors);
            (options.snapshots, errors.into_tokens().to_string().matches("[CQRS108]").count())
        };
        assert_eq!(read(quote!(id = OrderId)), (None, 0));
        assert_eq!(read(quote!(snapshots, id = OrderId)), (Some(1), 0));
        assert_eq!(read(quote!(id = OrderId, snapshots = 3)), (Some(3), 0));
        assert_eq!(read(quote!(snapshots = 0)).1, 1);
        assert_eq!(read(quote!(snapshots = true, id = OrderId)), (None, 1));
        assert_eq!(read(quote!(snapshot)).1, 1, "a misspelt option");
    }

    #[test]
    fn a_good_list_is_read() {
        let errors = Errors::new();
        let options = Options::of_macro(quote!(version = 2, from = old::Shipped, crate = my::cqrs,), &EVENT, &errors);
        assert_eq!(errors.into_tokens().to_string(), "");
        assert_eq!(options.version.map(|(version, _)| version), Some(2));
        assert!(options.from.is_some() && options.krate.is_some());
    }
}
