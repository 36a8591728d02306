//! For adapters: errors about a URL, without the URL's secrets.

/// The replacement of a secret.
const HIDDEN: &str = "***";

/// Shorter words are not hidden: they occur everywhere.
const SHORTEST: usize = 3;

/// Shorter words are hidden only as whole words.
const LONG: usize = 8;

/// Replaces everything in a text that may be secret in a URL: users, passwords, and the values of options. The text may be an
/// error of a client library about this URL.
///
/// It hides too much rather than too little, since in an invalid URL the password cannot be located.
///
/// ```
/// use cqrs_runtime::secrets::hide;
///
/// let url = "postgres://ann:hunter2@db.example.org/shop?sslpassword=open%20sesame";
/// let text = "no route to db.example.org: `hunter2` and `open sesame`";
/// assert_eq!(hide(text, url), "no route to db.example.org: `***` and `***`");
/// ```
#[must_use]
pub fn hide(text: &str, url: &str) -> String {
    let mut words = secrets(url);
    // Longer words first: they may contain others.
    words.sort_by_key(|word| std::cmp::Reverse(word.len()));
    words.iter().fold(text.to_owned(), |text, word| without(&text, word))
}

/// Replaces a word in a text.
fn without(text: &str, word: &str) -> String {
    let goes_on = |letter: Option<char>| word.len() < LONG && letter.is_some_and(char::is_alphanumeric);
    let (mut left, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(word) {
        let end = start + word.len();
        let is_inside =
            goes_on(rest[..start].chars().next_back().or_else(|| left.chars().next_back().filter(|_| start == 0)))
                || goes_on(rest[end..].chars().next());
        left.push_str(&rest[..start]);
        left.push_str(if is_inside { word } else { HIDDEN });
        rest = &rest[end..];
    }
    left + rest
}

/// Everything that may be secret in a URL or in `key=value` pairs, encoded and decoded.
fn secrets(url: &str) -> Vec<String> {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    let (address, options) = rest.split_once('?').map_or((rest, ""), |(address, options)| (address, options));
    let mut found = Vec::new();
    match address.rsplit_once('@') {
        Some((user, _)) => add(user, &mut found),
        // Not a URL: pairs, or an invalid text.
        None if scheme.is_empty() => address.split_whitespace().for_each(|pair| add_value(pair, &mut found)),
        None => {}
    }
    // A password may contain what looks like the start of the options.
    let options = match options.rsplit_once('@') {
        Some((user, options)) => {
            add(address, &mut found);
            add(user, &mut found);
            options
        }
        None => options,
    };
    options.split(['&', ';']).for_each(|pair| add_value(pair, &mut found));
    found.retain(|word| word.chars().count() >= SHORTEST);
    found
}

/// Adds the value of an option. A word without a name may be the rest of a value.
fn add_value(pair: &str, found: &mut Vec<String>) {
    let value = pair.split_once('=').map_or(pair, |(_, value)| value);
    add(value.trim_matches('\''), found);
}

/// Adds a secret and its parts: the error of a parser may show a part.
fn add(secret: &str, found: &mut Vec<String>) {
    let decoded = percent_decoded(secret);
    for text in [secret, &*decoded] {
        found.push(text.to_owned());
        found.extend(text.split([':', '@']).map(str::to_owned));
        found.extend(text.split(|letter: char| ":/@?&=;,#%'\" ".contains(letter)).map(str::to_owned));
    }
}

fn percent_decoded(text: &str) -> String {
    let (mut bytes, mut rest) = (Vec::with_capacity(text.len()), text.as_bytes());
    while let Some((&first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.and_then(|pair| u8::from_str_radix(pair, 16).ok()).filter(|_| first == b'%');
        bytes.push(byte.unwrap_or(first));
        rest = if byte.is_some() { &after[2..] } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_part_of_a_password_is_left() {
        for (url, parts) in [
            ("postgres://ann:hunter2@host/shop", &["hunter2"][..]),
            ("postgres://ann:hun%2Fter2@host/shop", &["hun%2Fter2", "hun/ter2", "ter2"]),
            ("redis://:hunter2@host", &["hunter2"]),
            ("redis://ann:hun/ter2@host/1", &["hun/ter2", "ter2"]),
            ("redis:/ann:hunter2@host", &["hunter2"]),
            ("mongodb://ann:hunt@er2@host/shop", &["hunt@er2", "hunt", "er2"]),
            ("mongodb://ann:hun?ter2@host/shop", &["hun?ter2", "ter2"]),
            ("mongodb://host/shop?tlsCertificateKeyFilePassword=hunter2&tls=true", &["hunter2"]),
            ("mongodb://host/shop?authMechanismProperties=AWS_SESSION_TOKEN:hunter2", &["hunter2"]),
            ("host=db user=ann password=hunter2", &["hunter2"]),
            ("host=db password='hunter2 of old' user=ann", &["hunter2", "old"]),
            ("hunter2", &["hunter2"]),
        ] {
            for part in parts {
                let text = hide(&format!("cannot read `{part}`, at `{part}`"), url);
                assert!(!text.contains(part), "{url}: {part} is in {text}");
                assert!(text.starts_with("cannot read `") && text.contains("***"), "{url}: {text}");
            }
        }
    }

    #[test]
    fn what_is_no_secret_stays() {
        let text = "cannot find a route to host db:5432, database shop";
        assert_eq!(hide(text, "postgres://ann:hunter2@db:5432/shop"), text);
        assert_eq!(hide(text, "postgres://db:5432/shop"), text);
        assert_eq!(hide(text, ""), text);
    }
}
