//! What an app serves, for transports: names, and the fields of each message.

use std::any::TypeId;

use serde_json::value::RawValue;

use super::table::{Placed, Table};
use super::{MessageInfo, Registration};
use crate::model::error::Named;
use crate::model::exposure::{Access, Exposure};
use crate::model::message::Message;
use crate::model::parameter_info::ParameterInfo;
use crate::model::rejection::{DomainErrorInfo, RejectionCode};

/// A command or query that an app serves: [`App::messages`](crate::App::messages).
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub struct ServedMessage {
    /// Whether it is a command or a query.
    pub what: Named,
    /// Its name on the wire.
    pub name: &'static str,
    /// Whether its handler requires that an aggregate does not exist yet: it takes an `Absent<A>`.
    pub creates: bool,
    /// Whether its handler loads an aggregate, so that [`Meta::expected`](crate::Meta::expected) has something to compare.
    pub loads: bool,
    /// Its fields. Empty if it is no struct with named fields, or has none.
    pub fields: Vec<MessageField>,
    /// How it is reached from outside, and by whom.
    pub exposure: Exposure,
    /// Its doc comment.
    pub docs: &'static str,
    /// The JSON schema of the message. `None` if its type derives no `JsonSchema`, or the feature `schema` is off.
    pub schema: Option<serde_json::Value>,
    /// The JSON schema of its answer, or of what a command returns.
    pub answer: Option<serde_json::Value>,
    /// The refusals of its domain: those of a command's error, if its type derives `DomainError`.
    pub refusals: Vec<&'static RejectionCode>,
    /// The file and line of its handler.
    pub place: String,
}

/// The messages that do not say who may send them, where another one requires a permission. Transports refuse such an app: one of
/// them was most likely forgotten.
#[must_use]
pub fn undeclared(messages: &[ServedMessage]) -> Vec<&ServedMessage> {
    let access = |message: &ServedMessage| message.exposure.access;
    let is_used = messages.iter().any(|message| matches!(access(message), Access::Requires(_)));
    messages.iter().filter(|message| is_used && access(message) == Access::Undeclared).collect()
}

/// A field of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MessageField {
    /// Its name in the message's JSON.
    pub name: String,
    /// What it holds.
    pub form: FieldForm,
}

/// What a field holds, as its `Deserialize` implementation shows it. For texts of a URL, which are to become JSON.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum FieldForm {
    /// A text, or what JSON writes as one: an id, a time, a variant without content.
    Text,
    /// A number.
    Number,
    /// `true` or `false`.
    Bool,
    /// A list.
    List(Box<FieldForm>),
    /// Anything else.
    Json,
}

impl FieldForm {
    /// A text of a URL as the JSON of this field. What does not fit is a JSON text, which the message then refuses with its own words.
    #[must_use]
    pub fn json_of(&self, text: &str) -> String {
        let as_it_is = match self {
            Self::Number => serde_json::from_str::<serde_json::Number>(text).is_ok(),
            Self::Bool => matches!(text, "true" | "false"),
            Self::Text => false,
            _ => serde_json::from_str::<&RawValue>(text).is_ok(),
        };
        if as_it_is { text.trim().to_owned() } else { serde_json::Value::from(text).to_string() }
    }

    /// The text of a URL that [`json_of`](Self::json_of) makes this JSON of. `None` if there is none.
    #[must_use]
    pub fn text_of(&self, json: &str) -> Option<String> {
        let text = serde_json::from_str(json).unwrap_or_else(|_| json.to_owned());
        (self.json_of(&text) == json).then_some(text)
    }
}

/// The fields of a message type, for callers that have no app.
#[must_use]
pub fn fields<M: Message>() -> Vec<MessageField> {
    let facts = (M::JSON.facts)();
    let mut names: Vec<String> =
        facts.iter().filter_map(|fact| fact.strip_prefix(".: struct ")).flat_map(quoted).collect();
    names.dedup();
    names.into_iter().map(|name| MessageField { form: form(&facts, &format!(".{name}")), name }).collect()
}

/// The texts in `"` of a struct's fact: `Order ["lines", "status"]`.
fn quoted(fact: &str) -> Vec<String> {
    fact.split_once(' ').and_then(|(_, list)| serde_json::from_str(list).ok()).unwrap_or_default()
}

/// What the value at a path is.
fn form(facts: &[String], path: &str) -> FieldForm {
    const NUMBERS: &[&str] = &["i8", "i16", "i32", "i64", "i128", "u8", "u16", "u32", "u64", "u128", "f32", "f64"];
    let kinds = || facts.iter().filter_map(|fact| fact.strip_prefix(path)?.strip_prefix(": "));
    let any = |test: fn(&str) -> bool| kinds().any(test);
    if any(|kind| kind == "option") {
        return form(facts, &format!("{path}?"));
    }
    if any(|kind| kind == "seq") {
        return FieldForm::List(Box::new(form(facts, &format!("{path}[]"))));
    }
    if any(|kind| kind == "bool") {
        return FieldForm::Bool;
    }
    let has_content = any(|kind| kind.starts_with("newtype variant") || kind.starts_with("variant"));
    if any(|kind| kind == "text" || kind == "char") || any(|kind| kind.starts_with("enum ")) && !has_content {
        return FieldForm::Text;
    }
    if any(|kind| NUMBERS.contains(&kind)) { FieldForm::Number } else { FieldForm::Json }
}

/// A message whose handler loads nothing.
fn message(what: Named, name: &'static str, info: Option<&MessageInfo>, handler: &Registration) -> ServedMessage {
    ServedMessage {
        what,
        name,
        creates: false,
        loads: false,
        fields: info.map(|info| (info.fields)()).unwrap_or_default(),
        exposure: info.map_or(Exposure::NONE, |info| info.exposure),
        docs: info.map_or("", |info| info.docs.text),
        schema: info.and_then(|info| info.docs.schema).map(|schema| schema()),
        answer: info.and_then(|info| info.docs.answer).map(|schema| schema()),
        refusals: info.and_then(|info| info.error).map(|error| refusals(error())).unwrap_or_default(),
        place: handler.place(),
    }
}

/// The codes of a domain error, those of the errors that it wraps included.
fn refusals(error: TypeId) -> Vec<&'static RejectionCode> {
    fn add(codes: &'static [RejectionCode], to: &mut Vec<&'static RejectionCode>) {
        for code in codes {
            if code.wraps.is_empty() { to.push(code) } else { add(code.wraps, to) }
        }
    }
    let mut codes = Vec::new();
    for info in inventory::iter::<DomainErrorInfo>().filter(|info| (info.type_id)() == error) {
        add(info.codes, &mut codes);
    }
    codes
}

/// Everything that is served, commands first, each by name.
pub(crate) fn served(table: &Table) -> Vec<ServedMessage> {
    let info = |messages: &[Placed<MessageInfo>], name: &str| {
        let info = messages.iter().find(|message| message.name == name);
        info.map(|placed| placed.info)
    };
    let commands = table.command_handlers.values().map(|handler| {
        let creates =
            |one: &ParameterInfo| matches!(one, ParameterInfo::Aggregate(aggregate) if aggregate.must_be_absent);
        let loads = |one: &ParameterInfo| matches!(one, ParameterInfo::Aggregate(_));
        ServedMessage {
            creates: handler.parameters.iter().any(creates),
            loads: handler.parameters.iter().any(loads),
            ..message(Named::Command, handler.command, info(&table.commands, handler.command), handler.registration)
        }
    });
    let queries = table
        .query_handlers
        .values()
        .map(|handler| message(Named::Query, handler.query, info(&table.queries, handler.query), handler.registration));
    commands.chain(queries).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_stands_for_the_json_that_it_is_made_of() {
        use FieldForm::{Bool, Json, Number, Text};
        for (form, json, text) in [
            (Text, r#""a b""#, Some("a b")),
            (Text, r#""17""#, Some("17")),
            (Text, r#""ü\"""#, Some("ü\"")),
            (Text, "17", None),
            (Text, "null", None),
            (Number, "17", Some("17")),
            (Number, "340282366920938463463374607431768211455", Some("340282366920938463463374607431768211455")),
            (Number, r#""17""#, None),
            (Number, r#""much""#, Some("much")),
            (Bool, "true", Some("true")),
            (Bool, r#""true""#, None),
            (Json, r#"{"a":1}"#, Some(r#"{"a":1}"#)),
            (Json, r#""17""#, None),
            (Json, r#""Large""#, Some("Large")),
        ] {
            assert_eq!(form.text_of(json).as_deref(), text, "{form:?} {json}");
        }
    }
}
