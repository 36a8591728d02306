//! Templates of URLs with one place: `/orders/{id}`.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

/// What is written as it is in a segment of a path, and in a value of a query string.
pub(crate) const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// A URL with a place for an id.
#[derive(Debug)]
pub(crate) struct Location {
    before: String,
    after: String,
}

impl Location {
    /// The template must contain `{id}` once, and be what a header can hold.
    pub(crate) fn parse(template: &str) -> Option<Self> {
        let (before, after) = template.split_once("{id}")?;
        let is_plain = |text: &str| text.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'{' && byte != b'}');
        (is_plain(before) && is_plain(after)).then(|| Self { before: before.into(), after: after.into() })
    }

    /// The URL of what a command returned: an id, which JSON writes as a text or a number.
    pub(crate) fn of(&self, id: &Value) -> Option<String> {
        let text = match id {
            Value::String(text) => text.clone(),
            Value::Number(number) => number.to_string(),
            _ => return None,
        };
        Some(format!("{}{}{}", self.before, utf8_percent_encode(&text, IN_A_SEGMENT), self.after))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_escaped_and_a_template_has_one_place() {
        let location = Location::parse("/queries/Order?order={id}").unwrap();
        assert_eq!(location.of(&"a/b c&d".into()).unwrap(), "/queries/Order?order=a%2Fb%20c%26d");
        assert_eq!(location.of(&7.into()).unwrap(), "/queries/Order?order=7");
        assert_eq!(location.of(&Value::Null), None);
        for wrong in ["/orders", "/orders/{order}", "/orders/{id}/{id}", "/orders\n/{id}"] {
            assert!(Location::parse(wrong).is_none(), "{wrong}");
        }
    }
}
