//! Views as BSON that people can look at, and as the JSON that they were, to the byte.

use std::fmt;

use mongodb::bson::{Bson, Document};
use serde::de::{Deserialize, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde::ser::{Error as _, Serialize, Serializer};

/// The server refuses what is nested deeper than a hundred levels, the row's own among them.
const DEEPEST: usize = 90;

/// A view as it is stored: as a document where exactly the same JSON comes out of it again, otherwise as the text of the JSON.
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

/// The JSON that is stored so.
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

/// A value of JSON, read as BSON. Numbers are of the narrowest kind that holds them, as the server's shell writes them.
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
            // These mean something to the server, or cannot be written at all.
            if name.is_empty() || name.starts_with('$') || name.contains(['.', '\0']) {
                return Err(A::Error::custom("no name of a field in a database"));
            }
            document.insert(name, value);
        }
        Ok(Bson::Document(document))
    }
}

/// A value of BSON, written as JSON.
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
            other => Err(S::Error::custom(format_args!("{other:?} is nothing that JSON has"))),
        }
    }
}

#[cfg(test)]
mod tests {
    use mongodb::bson::doc;

    use super::*;

    #[test]
    fn what_serde_writes_is_stored_as_a_document() {
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
    fn what_would_come_back_otherwise_is_stored_as_its_text() {
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
            "no JSON",
            &deep,
        ] {
            assert_eq!(stored(text), Bson::String(text.to_owned()), "{text}");
            assert_eq!(json(&stored(text)).as_deref(), Some(text));
        }
        let deep = format!("{{\"a\":{}1{}}}", "[".repeat(DEEPEST - 1), "]".repeat(DEEPEST - 1));
        assert!(matches!(stored(&deep), Bson::Document(_)));
    }

    #[test]
    fn what_nobody_wrote_so_is_damaged() {
        assert_eq!(json(&Bson::Int32(1)), None);
        assert_eq!(json(&Bson::Document(doc! { "a": mongodb::bson::oid::ObjectId::new() })), None);
    }
}
