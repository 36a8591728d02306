//! The names under which an app stores views and projections.

/// The plain name of a view or projection and its fingerprint, from the name under which an app stores it: `Orders` and 7 for
/// `Orders@0000000000000007`, and `Orders@next` and 7 for its shadow build.
#[must_use]
pub fn plain_name(stored: &str) -> (String, Option<u64>) {
    let is_digits = |part: &&str| part.len() == 16 && part.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
    let parts: Vec<&str> = stored.split('@').collect();
    let Some(place) = parts.iter().skip(1).position(is_digits) else { return (stored.to_owned(), None) };
    let fingerprint = u64::from_str_radix(parts[place + 1], 16).ok();
    let others = parts.iter().enumerate().filter(|(at, _)| *at != place + 1).map(|(_, part)| *part);
    (others.collect::<Vec<_>>().join("@"), fingerprint)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stored_name_says_what_it_is_of() {
        let plain = |name| plain_name(name);
        assert_eq!(plain("Orders"), ("Orders".to_owned(), None));
        assert_eq!(plain("Orders@0000000000000007"), ("Orders".to_owned(), Some(7)));
        assert_eq!(plain("Orders@00000000000000ff@next@1/3"), ("Orders@next@1/3".to_owned(), Some(255)));
        assert_eq!(plain("Orders@0/4"), ("Orders@0/4".to_owned(), None));
    }
}
