//! Converts texts for PostgreSQL.

use sha2::{Digest, Sha256};

/// The maximum length of an indexed text, in bytes. PostgreSQL limits an index entry to 2,704
/// bytes, and an entry has up to two texts, unless the index is a compound one.
pub(crate) const LONGEST: usize = 1_000;

/// How many bytes of the maximum length a shortened text leaves for its digest.
const DIGEST: usize = 100;

/// The maximum length of a name, in bytes.
const NAME: usize = 63;

/// Escapes the byte 0, which PostgreSQL cannot hold: 0 becomes 1 1, and 1 becomes 1 2. The order of
/// texts stays the same.
pub(crate) fn escape(text: &str) -> String {
    if !text.bytes().any(|byte| byte <= 1) {
        return text.to_owned();
    }
    let mut escaped = String::with_capacity(text.len() + 8);
    for letter in text.chars() {
        match letter {
            '\0' => escaped.push_str("\u{1}\u{1}"),
            '\u{1}' => escaped.push_str("\u{1}\u{2}"),
            letter => escaped.push(letter),
        }
    }
    escaped
}

/// Undoes [`escape`].
pub(crate) fn unescape(escaped: &str) -> String {
    if !escaped.contains('\u{1}') {
        return escaped.to_owned();
    }
    let mut text = String::with_capacity(escaped.len());
    let mut letters = escaped.chars();
    while let Some(letter) = letters.next() {
        text.push(match letter {
            '\u{1}' if letters.next() == Some('\u{1}') => '\0',
            letter => letter,
        });
    }
    text
}

/// A text for an index: escaped, and if it is too long, replaced by its start and a digest.
/// Different texts have different forms.
pub(crate) fn key(text: &str) -> String {
    shortened(text, LONGEST)
}

/// The same with another maximum length, in bytes.
pub(crate) fn shortened(text: &str, longest: usize) -> String {
    let escaped = escape(text);
    if escaped.len() <= longest {
        return escaped;
    }
    // No escaped text contains 1 3.
    format!("{}\u{1}\u{3}{}", start(&escaped, longest - DIGEST), digest(&escaped))
}

/// Whether this result of [`key`] was shortened.
pub(crate) fn is_shortened(key: &str) -> bool {
    key.contains("\u{1}\u{3}")
}

/// The first characters of a text, at most `bytes` bytes.
fn start(text: &str, bytes: usize) -> &str {
    let end = (0..=bytes.min(text.len())).rev().find(|&end| text.is_char_boundary(end));
    &text[..end.unwrap_or(0)]
}

fn digest(text: &str) -> String {
    use std::fmt::Write;
    Sha256::digest(text).iter().fold(String::with_capacity(64), |mut hex, byte| {
        let _ = write!(hex, "{byte:02x}");
        hex
    })
}

/// A name that PostgreSQL does not truncate: a long one becomes its start and a digest.
pub(crate) fn identifier(name: &str) -> String {
    if name.len() <= NAME && !name.contains('\0') {
        return name.to_owned();
    }
    format!("{}_{}", start(&name.replace('\0', ""), NAME - 17), &digest(name)[..16])
}

/// Quotes a name for SQL.
pub(crate) fn quoted(name: &str) -> String {
    format!("\"{}\"", identifier(name).replace('"', "\"\""))
}

/// Quotes a text for SQL.
pub(crate) fn literal(text: &str) -> String {
    format!("'{}'", text.replace('\'', "''"))
}

/// Writes escaped texts as one array literal, because an array of arrays cannot be sent.
pub(crate) fn array(escaped: impl IntoIterator<Item = String>) -> String {
    let mut array = String::from("{");
    for (place, text) in escaped.into_iter().enumerate() {
        array.push_str(if place == 0 { "\"" } else { ",\"" });
        for letter in text.chars() {
            if matches!(letter, '"' | '\\') {
                array.push('\\');
            }
            array.push(letter);
        }
        array.push('"');
    }
    array.push('}');
    array
}

/// A position as a column stores it, limited to the largest number that it can store.
pub(crate) fn clamped(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn escaping_loses_nothing_and_keeps_the_order() {
        let letters = ["", "\0", "\u{1}", "\u{2}", "a", "é"];
        let mut texts: Vec<String> = Vec::new();
        for a in letters {
            for b in letters {
                texts.extend(letters.map(|c| format!("{a}{b}{c}")));
            }
        }
        texts.sort();
        texts.dedup();
        let escaped: Vec<String> = texts.iter().map(|text| escape(text)).collect();
        assert!(escaped.is_sorted() && escaped.iter().all(|text| !text.contains('\0')));
        assert_eq!(escaped.iter().map(|text| unescape(text)).collect::<Vec<_>>(), texts);
    }

    #[test]
    fn long_keys_differ_where_their_texts_do() {
        let long = "é".repeat(5_000);
        let (a, b) = (key(&format!("{long}a")), key(&format!("{long}b")));
        assert!(a != b && a.len() <= LONGEST && b.len() <= LONGEST);
        assert_eq!(key(&"x".repeat(LONGEST)), "x".repeat(LONGEST));
    }

    #[test]
    fn long_names_differ_where_their_texts_do() {
        let long = "Ö".repeat(40);
        let (a, b) = (identifier(&format!("{long}a")), identifier(&format!("{long}b")));
        assert!(a != b && a.len() <= NAME && b.len() <= NAME);
        assert_eq!(identifier(&"x".repeat(NAME)), "x".repeat(NAME));
    }
}
