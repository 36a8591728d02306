//! Stores views as BSON that people can read, and returns the same JSON, byte for byte.

use std::fmt;

use mongodb::bson::{Bson, Document};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// The server refuses more than a hundred levels of nesting, including the row's own.
const DEEPEST: usize = 90;

/// Encodes a view: as a document if that gives exactly the same JSON again, otherwise as the text
/// of its JSON.
pub(crate) fn stored(json: &str) -> Bson {
    match serde_json::from_str(json) {
        Ok(Json(document @ Bson::Document(_)))
            if depth(&document) <= DEEPEST && text(&document).is_some_and(|text| text == json) =>
        {
            document
        }
        _ => Bson::String(json.to_owned()),
    }
}

/// Decodes a view to its JSON.
pub(crate) fn json(stored: &Bson) -> Option<String> {
    match stored {
        Bson::String(json) => Some(json.clone()),
        Bson::Document(_) => text(stored),
        _ => None,
    }
}

fn text(value: &Bson) -> Option<String> {
    serde_json::to_string(&Written(value)).ok()
}

fn depth(value: &Bson) -> usize {
    let deepest = match value {
        Bson::Document(fields) => fields.values().map(depth).max(),
        Bson::Array(elements) => elements.iter().map(depth).max(),
        _ => return 0,
    };
    1 + deepest.unwrap_or(0)
}

/// A JSON value, read as BSON. Numbers get the narrowest type that holds them, as in the server's
/// shell.
struct Json(Bson);

impl<'de> Deserialize<'de> for Json {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(JsonVisitor).map(Json)
    }
}

struct JsonVisitor;

impl<'de> Visitor<'de> for JsonVisitor {
    type Value = Bson;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON that BSON can hold")
    }

    fn visit_unit<E>(self) -> Result<Bson, E> {
        Ok(Bson::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Bson, E> {
        Ok(Bson::Boolean(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Bson, E> {
        Ok(i32::try_from(value).map_or(Bson::Int64(value), Bson::Int32))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Bson, E> {
        i64::try_from(value).map_err(E::custom).and_then(|value| self.visit_i64(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Bson, E> {
        Ok(Bson::Double(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Bson, E> {
        Ok(Bson::String(value.to_owned()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Bson, A::Error> {
        let mut array = Vec::new();
        while let Some(Json(element)) = elements.next_element()? {
            array.push(element);
        }
        Ok(Bson::Array(array))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut fields: A) -> Result<Bson, A::Error> {
        let mut document = Document::new();
        while let Some((name, Json(value))) = fields.next_entry::<String, Json>()? {
            // These have a meaning for the server, or cannot be stored at all.
            if name.is_empty() || name.starts_with('$') || name.contains(['.', '\0']) {
                return Err(A::Error::custom("this cannot be the name of a field in a database"));
            }
            document.insert(name, value);
        }
        Ok(Bson::Document(document))
    }
}

/// A BSON value, written as JSON.
struct Written<'a>(&'a Bson);

impl Serialize for Written<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Bson::Null => serializer.serialize_unit(),
            Bson::Boolean(value) => serializer.serialize_bool(*value),
            Bson::Int32(value) => serializer.serialize_i32(*value),
            Bson::Int64(value) => serializer.serialize_i64(*value),
            Bson::Double(value) => serializer.serialize_f64(*value),
            Bson::String(value) => serializer.serialize_str(value),
            Bson::Array(elements) => serializer.collect_seq(elements.iter().map(Written)),
            Bson::Document(fields) => serializer.collect_map(fields.iter().map(|(name, value)| (name, Written(value)))),
            other => Err(S::Error::custom(format_args!("JSON has no equivalent of {other:?}"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn output_of_serde_is_stored_as_a_document() {
        let text =
            r#"{"z":1,"a":-2147483649,"list":[1.5,1e+300,null,true,"ü\u0000\n"],"in":{},"max":9223372036854775807}"#;
        let expected = doc! {
            "z": 1,
            "a": -2_147_483_649_i64,
            "list": [1.5, 1e300, Bson::Null, true, "ü\0\n"],
            "in": {},
            "max": i64::MAX,
        };
        assert_eq!(stored(text), Bson::Document(expected));
        assert_eq!(json(&stored(text)).as_deref(), Some(text));
    }

    #[test]
    fn other_json_is_stored_as_its_text() {
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(DEEPEST), "]".repeat(DEEPEST));
        for text in [
            "{ }",
            r#"{"a":1,"a":1}"#,
            r#"{"a":1.0e0}"#,
            r#"{"a":18446744073709551615}"#,
            r#"{"$a":1}"#,
            r#"{"a.b":1}"#,
            r#"{"":1}"#,
            r#"{"a\u0000":1}"#,
            r#"{"a":"\u0061"}"#,
            "\"text\"",
            "[1]",
            "not JSON",
            &deep,
        ] {
            assert_eq!(stored(text), Bson::String(text.to_owned()), "{text}");
            assert_eq!(json(&stored(text)).as_deref(), Some(text));
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(DEEPEST - 1), "]".repeat(DEEPEST - 1));
        assert!(matches!(stored(&deep), Bson::Document(_)));
    }

    #[test]
    fn foreign_data_is_damaged() {
        assert_eq!(json(&Bson::Int32(1)), None);
        assert_eq!(json(&Bson::Document(doc! { "a": mongodb::bson::oid::ObjectId::new() })), None);
    }
}
