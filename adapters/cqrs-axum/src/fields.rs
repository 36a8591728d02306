//! A message's JSON from a path, a query string and a body.

use std::collections::BTreeMap;

use cqrs_runtime::registry::{FieldForm, MessageField, ServedMessage};
use serde_json::value::RawValue;

use crate::problem::Problem;

/// A field with the text that a URL gives it.
pub(crate) type Pair = (String, String);

/// The fields of a query string.
pub(crate) fn of_query_string(query: Option<&str>) -> Vec<Pair> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The message's JSON: the body, with the fields of the path and the query string in it.
pub(crate) fn merged(
    message: &ServedMessage,
    path: &[Pair],
    query: &[Pair],
    body: Option<&str>,
) -> Result<String, Problem> {
    if path.is_empty() && query.is_empty() {
        return Ok(body.unwrap_or("{}").to_owned());
    }
    let mut fields: BTreeMap<String, Box<RawValue>> = match body {
        None => BTreeMap::new(),
        Some(body) => {
            serde_json::from_str(body).map_err(|error| Problem::malformed(message.name, "", &error.to_string()))?
        }
    };
    let mut texts: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, text) in path.iter().chain(query) {
        texts.entry(name.clone()).or_default().push(text.clone());
    }
    for (name, texts) in texts {
        let form = form(message, &name)?;
        let is_in_path = path.iter().any(|(other, _)| *other == name);
        if fields.contains_key(&name) || is_in_path && query.iter().any(|(other, _)| *other == name) {
            let reason = format!("{name}: given in two places of the request; give it once");
            return Err(Problem::malformed(message.name, &name, &reason));
        }
        let value = match (form, &*texts) {
            (FieldForm::List(form), [text]) if is_list(text) && **form != FieldForm::Text => text.clone(),
            (FieldForm::List(form), texts) => {
                let values: Vec<String> = texts.iter().map(|text| form.json_of(text)).collect();
                format!("[{}]", values.join(","))
            }
            (form, [text]) => form.json_of(text),
            _ => {
                let reason = format!("{name}: given {} times, and is no list; give it once", texts.len());
                return Err(Problem::malformed(message.name, &name, &reason));
            }
        };
        let value = RawValue::from_string(value)
            .map_err(|error| Problem::malformed(message.name, &name, &error.to_string()))?;
        fields.insert(name, value);
    }
    serde_json::to_string(&fields).map_err(|error| Problem::malformed(message.name, "", &error.to_string()))
}

/// What a field of a URL holds. Names of fields that the message does not have are refused, where its fields are known.
fn form<'a>(message: &'a ServedMessage, name: &str) -> Result<&'a FieldForm, Problem> {
    let known: &[MessageField] = &message.fields;
    if let Some(field) = known.iter().find(|field| field.name == name) {
        return Ok(&field.form);
    }
    if known.is_empty() {
        return Ok(&FieldForm::Json);
    }
    let names: Vec<&str> = known.iter().map(|field| &*field.name).collect();
    let reason = format!("{name}: there is no such field; the message has {}", names.join(", "));
    Err(Problem::malformed(message.name, name, &reason))
}

fn is_list(text: &str) -> bool {
    text.starts_with('[') && serde_json::from_str::<&RawValue>(text).is_ok()
}
