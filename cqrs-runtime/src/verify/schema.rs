//! A JSON schema as a list of positions, one line each in `events.lock`, so that a change of one is a change of the
//! other.
//!
//! `lines[].price` is the field `price` of each element of the array `lines`, `rates{}` each value of the map `rates`,
//! `pair[0]` the first element of a tuple, `status|Shipped` the alternative `Shipped` of an enum. `.` is the event
//! itself.

use std::collections::BTreeMap;

use serde_json::Value;

use super::field::Field;

/// A name as written in the file: plain, or as a JSON text if it could be misread.
pub(super) fn name(name: &str) -> String {
    let plain = |letter: char| letter.is_alphanumeric() || letter == '_' || letter == '-';
    let is_plain = !name.is_empty() && name.chars().all(plain);
    if is_plain { name.to_owned() } else { Value::from(name).to_string() }
}

/// The name that [`name`] wrote.
pub(super) fn unquoted(written: &str) -> Option<String> {
    if written.starts_with('"') { serde_json::from_str(written).ok() } else { Some(written.to_owned()) }
}

/// The parts before and after the first `: ` outside of quotes.
pub(super) fn split(line: &str) -> Option<(&str, &str)> {
    let (mut quoted, mut escaped) = (false, false);
    for (at, letter) in line.char_indices() {
        match letter {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            ':' if !quoted && line[at..].starts_with(": ") => return Some((&line[..at], &line[at + 2..])),
            _ => {}
        }
    }
    None
}

/// Every position of the schema.
pub(super) fn fields(schema: &Value) -> BTreeMap<String, Field> {
    let mut walk = Walk { root: schema, fields: BTreeMap::new(), inside: Vec::new() };
    walk.at("", schema, Place::default());
    walk.fields
}

/// The properties of a position that its context determines.
#[derive(Clone, Copy, Default)]
struct Place {
    optional: bool,
    nullable: bool,
}

struct Walk<'a> {
    root: &'a Value,
    fields: BTreeMap<String, Field>,
    /// The definitions that are being written: a recursive one would never end.
    inside: Vec<&'a str>,
}

impl<'a> Walk<'a> {
    fn at(&mut self, path: &str, schema: &'a Value, place: Place) {
        let definition = schema.get("$ref").and_then(Value::as_str);
        if let Some(definition) = definition {
            let short = definition.rsplit('/').next().unwrap_or(definition);
            if self.inside.contains(&definition) {
                self.put(path, &format!("{short} again"), place);
                return;
            }
            let target = definition.strip_prefix('#').and_then(|pointer| self.root.pointer(pointer));
            self.inside.push(definition);
            match target {
                Some(target) => self.at(path, target, place),
                None => self.put(path, definition, place),
            }
            self.inside.pop();
        } else if let Some(parts) = schema.get("allOf").and_then(Value::as_array) {
            for part in parts {
                self.at(path, part, place);
            }
            if schema.get("type").is_some() || schema.get("properties").is_some() {
                self.plain(path, schema, place);
            }
        } else if let Some(alternatives) = alternatives(schema) {
            // Fields that all alternatives have are next to them.
            if schema.get("properties").is_some() {
                self.plain(path, schema, place);
            }
            self.one_of(path, &alternatives, place);
        } else {
            self.plain(path, schema, place);
        }
    }

    fn one_of(&mut self, path: &str, alternatives: &[Alternative<'a>], place: Place) {
        let is_null = |alternative: &&Alternative<'_>| alternative.key() == "null";
        let nullable = place.nullable || alternatives.iter().any(|one| is_null(&one));
        let rest: Vec<_> = alternatives.iter().filter(|one| !is_null(one)).collect();
        if let [Alternative::Schema(only)] = rest[..] {
            self.at(path, only, Place { nullable, ..place });
            return;
        }
        self.put(path, "one of", Place { nullable, ..place });
        // A new alternative harms no stored event.
        let place = Place { optional: true, nullable: false };
        let mut keys: Vec<String> = Vec::new();
        for alternative in rest {
            let key = alternative.key();
            let alike = keys.iter().filter(|known| **known == key).count();
            let path = if alike == 0 { format!("{path}|{key}") } else { format!("{path}|{key} {}", alike + 1) };
            keys.push(key);
            match alternative {
                Alternative::Value(_) => self.put(&path, "constant", place),
                Alternative::Schema(schema) => self.at(&path, schema, place),
            }
        }
    }

    fn plain(&mut self, path: &str, schema: &'a Value, place: Place) {
        let (kind, nullable) = kind(schema);
        let place = Place { nullable: place.nullable || nullable, ..place };
        if kind != "object" || !path.is_empty() {
            self.put(path, &kind, place);
        }
        let required = |name: &str| {
            let list = schema.get("required").and_then(Value::as_array);
            list.is_some_and(|list| list.iter().any(|required| required == name))
        };
        for (field, inner) in entries(schema, "properties") {
            let dot = if path.is_empty() { "" } else { "." };
            let place = Place { optional: !required(field), nullable: false };
            self.at(&format!("{path}{dot}{}", name(field)), inner, place);
        }
        let own = Place::default();
        for (pattern, inner) in entries(schema, "patternProperties") {
            self.at(&format!("{path}{{{}}}", name(pattern)), inner, own);
        }
        if let Some(values) = schema.get("additionalProperties").filter(|values| !values.is_boolean()) {
            self.at(&format!("{path}{{}}"), values, own);
        }
        if let Some(items) = schema.get("items").filter(|items| **items != Value::Bool(false)) {
            self.at(&format!("{path}[]"), items, own);
        }
        for (item, at) in schema.get("prefixItems").and_then(Value::as_array).into_iter().flatten().zip(0..) {
            self.at(&format!("{path}[{at}]"), item, own);
        }
    }

    fn put(&mut self, path: &str, kind: &str, Place { optional, nullable }: Place) {
        let path = if path.is_empty() { "." } else { path };
        let kind = format!("{kind}{}", if nullable { " or null" } else { "" });
        self.fields.insert(path.to_owned(), Field { kind, optional });
    }
}

fn entries<'a>(schema: &'a Value, key: &str) -> impl Iterator<Item = (&'a String, &'a Value)> {
    schema.get(key).and_then(Value::as_object).into_iter().flatten()
}

/// One of several alternatives.
enum Alternative<'a> {
    Value(&'a Value),
    Schema(&'a Value),
}

/// The alternatives of a schema, if it has any. A list of values and a choice of constants are the same.
fn alternatives(schema: &Value) -> Option<Vec<Alternative<'_>>> {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        return Some(values.iter().map(Alternative::Value).collect());
    }
    let list = schema.get("oneOf").or_else(|| schema.get("anyOf"))?.as_array()?;
    let spread = |one| match (alternatives(one), one.get("const")) {
        (Some(inner), _) => inner,
        (None, Some(value)) => vec![Alternative::Value(value)],
        (None, None) => vec![Alternative::Schema(one)],
    };
    Some(list.iter().flat_map(spread).collect())
}

impl Alternative<'_> {
    /// The key that distinguishes it: its value, its variant's name, its tag, or else its type.
    fn key(&self) -> String {
        let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), name);
        let schema = match self {
            Self::Value(value) => return text(value),
            Self::Schema(schema) => *schema,
        };
        let constant =
            |(field, inner): (&String, &Value)| Some(format!("{}={}", name(field), text(inner.get("const")?)));
        if let Some(tag) = entries(schema, "properties").find_map(constant) {
            return tag;
        }
        match schema.get("required").and_then(Value::as_array).map(Vec::as_slice) {
            Some([Value::String(variant)]) => name(variant),
            _ => match schema.get("$ref").and_then(Value::as_str).and_then(|path| path.rsplit('/').next()) {
                Some(definition) => name(definition),
                None => kind(schema).0,
            },
        }
    }
}

/// The type of a value, without what is inside it, and whether it may be `null`.
fn kind(schema: &Value) -> (String, bool) {
    if let Some(value) = schema.get("const") {
        return (format!("constant {value}"), false);
    }
    let mut types: Vec<&str> = match schema.get("type") {
        Some(Value::String(one)) => vec![one],
        Some(Value::Array(several)) => several.iter().filter_map(Value::as_str).collect(),
        _ if schema.get("properties").is_some() => vec!["object"],
        _ => return (if *schema == Value::Bool(false) { "nothing" } else { "anything" }.to_owned(), false),
    };
    types.sort_unstable();
    let nullable = types.len() > 1 && types.contains(&"null");
    types.retain(|one| !nullable || *one != "null");
    let mut kind = types.join(" or ");
    if let Some(format) = schema.get("format").and_then(Value::as_str) {
        kind = format!("{kind} ({format})");
    }
    if let (Some(least), Some(most)) = (schema.get("minItems"), schema.get("maxItems"))
        && least == most
    {
        kind = format!("{kind} of {least}");
    }
    if schema.get("additionalProperties") == Some(&Value::Bool(false)) && kind == "object" {
        kind.push_str(" without other fields");
    }
    (kind, nullable)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn lines(schema: &Value) -> Vec<String> {
        let line =
            |(path, field): (String, Field)| format!("{path}: {}{}", field.kind, if field.optional { "?" } else { "" });
        fields(schema).into_iter().map(line).collect()
    }

    #[test]
    fn every_place_is_a_line() {
        let schema = json!({
            "type": "object",
            "required": ["lines", "pair", "rates"],
            "properties": {
                "lines": { "type": "array", "items": { "$ref": "#/$defs/Line" } },
                "pair": { "type": "array", "prefixItems": [{ "type": "string" }, true], "minItems": 2, "maxItems": 2 },
                "rates": { "type": "object", "additionalProperties": { "type": "number", "format": "double" } },
                "note: odd": { "type": ["string", "null"] },
                "to": { "anyOf": [{ "$ref": "#/$defs/Line" }, { "type": "null" }] },
            },
            "$defs": { "Line": { "type": "object", "required": ["n"], "properties": {
                "n": { "type": "integer", "format": "uint32", "minimum": 0, "description": "how many" },
                "of": { "$ref": "#/$defs/Line" },
            } } },
        });
        assert_eq!(
            lines(&schema),
            [
                "\"note: odd\": string or null?",
                "lines: array",
                "lines[]: object",
                "lines[].n: integer (uint32)",
                "lines[].of: Line again?",
                "pair: array of 2",
                "pair[0]: string",
                "pair[1]: anything",
                "rates: object",
                "rates{}: number (double)",
                "to: object or null?",
                "to.n: integer (uint32)",
                "to.of: Line again?",
            ]
        );
    }

    #[test]
    fn enums_are_their_alternatives_however_the_schema_puts_them() {
        let plain = json!({ "type": "string", "enum": ["A", "B"] });
        let described =
            json!({ "oneOf": [{ "type": "string", "const": "A", "description": "first" }, { "const": "B" }] });
        assert_eq!(lines(&plain), [".: one of", "|A: constant?", "|B: constant?"]);
        assert_eq!(lines(&plain), lines(&described));
        let data = json!({ "oneOf": [
            { "type": "string", "enum": ["A", "B"] },
            {
                "type": "object", "required": ["C"], "additionalProperties": false,
                "properties": { "C": { "type": "string" } },
            },
            {
                "type": "object", "required": ["kind", "n"],
                "properties": { "kind": { "const": "D" }, "n": { "type": "string" } },
            },
        ] });
        assert_eq!(
            lines(&data),
            [
                ".: one of",
                "|A: constant?",
                "|B: constant?",
                "|C: object without other fields?",
                "|C.C: string",
                "|kind=D: object?",
                "|kind=D.kind: constant \"D\"",
                "|kind=D.n: string",
            ]
        );
        let part = |field: &str| json!({ "type": "object", "required": [field, "n"], "properties": { field: { "type": "null" } } });
        let alike = json!({ "anyOf": [part("a"), part("b")] });
        assert_eq!(
            lines(&alike),
            [".: one of", "|object: object?", "|object 2: object?", "|object 2.b: null", "|object.a: null"],
            "neither hides the other"
        );
    }
}
