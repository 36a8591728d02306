//! What an app serves, for transports: names, and the fields of each message.

use super::table::Table;
use crate::model::error::Named;
use crate::model::message::Message;
use crate::model::parameter_info::ParameterInfo;

/// A command or query that an app serves: [`App::messages`](crate::App::messages).
#[derive(Clone, Debug, PartialEq, Eq)]
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
    /// The file and line of its handler.
    pub place: String,
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

/// The fields of a message type.
pub(super) fn fields<M: Message>() -> Vec<MessageField> {
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

/// Everything that is served, commands first, each by name.
pub(crate) fn served(table: &Table) -> Vec<ServedMessage> {
    let fields_of = |messages: &[super::table::Placed<super::MessageInfo>], name: &str| {
        messages.iter().find(|message| message.name == name).map(|message| (message.fields)()).unwrap_or_default()
    };
    let commands = table.command_handlers.values().map(|handler| ServedMessage {
        what: Named::Command,
        name: handler.command,
        creates: handler
            .parameters
            .iter()
            .any(|parameter| matches!(parameter, ParameterInfo::Aggregate(aggregate) if aggregate.must_be_absent)),
        loads: handler.parameters.iter().any(|parameter| matches!(parameter, ParameterInfo::Aggregate(_))),
        fields: fields_of(&table.commands, handler.command),
        place: handler.registration.place(),
    });
    let queries = table.query_handlers.values().map(|handler| ServedMessage {
        what: Named::Query,
        name: handler.query,
        creates: false,
        loads: false,
        fields: fields_of(&table.queries, handler.query),
        place: handler.registration.place(),
    });
    commands.chain(queries).collect()
}
