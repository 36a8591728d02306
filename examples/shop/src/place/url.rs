//! How a URL is read, and shown.

use std::fmt;
use std::str::FromStr;

use super::Place;

/// Why a URL names no place.
#[derive(Debug, PartialEq, thiserror::Error)]
#[error(
    "{0}; write `sqlite:PATH` (or a path alone), `postgres://user:password@host:port/database`, for views alone \
     `redis://host:port/number` or `mongodb://host:port/database`, or `memory:`"
)]
pub struct NoPlace(String);

impl FromStr for Place {
    type Err = NoPlace;

    fn from_str(text: &str) -> Result<Self, NoPlace> {
        let Some((scheme, rest)) = text.split_once(':').filter(|(scheme, _)| is_scheme(scheme)) else {
            return file(text);
        };
        match scheme.to_ascii_lowercase().as_str() {
            "memory" if rest.is_empty() => Ok(Self::Memory),
            "memory" => Err(NoPlace("a shop in memory has no name and no path".into())),
            "sqlite" => file(rest.strip_prefix("//").unwrap_or(rest)),
            "postgres" | "postgresql" if rest.starts_with("//") => database(text),
            "redis" | "rediss" if rest.starts_with("//") => Ok(Self::Redis(text.into())),
            "mongodb" | "mongodb+srv" if rest.starts_with("//") => Ok(Self::Mongo(text.into())),
            "postgres" | "postgresql" | "redis" | "rediss" | "mongodb" | "mongodb+srv" => {
                Err(NoPlace(format!("after `{scheme}:` two slashes and a host are missing")))
            }
            _ => Err(NoPlace(format!("the shop knows no database `{scheme}:`"))),
        }
    }
}

/// A single letter is a drive, and what has a slash in it is a path.
fn is_scheme(text: &str) -> bool {
    let goes_on = |c: char| c.is_ascii_alphanumeric() || ['+', '-', '.'].contains(&c);
    text.len() > 1 && text.starts_with(|c: char| c.is_ascii_alphabetic()) && text.chars().all(goes_on)
}

fn file(path: &str) -> Result<Place, NoPlace> {
    match path {
        "" => Err(NoPlace("the path of the file is missing".into())),
        ":memory:" => Err(NoPlace("`:memory:` is no file".into())),
        _ => Ok(Place::Sqlite(path.into())),
    }
}

fn database(text: &str) -> Result<Place, NoPlace> {
    let (before, query) = text.split_once('?').unwrap_or((text, ""));
    let (mut schema, mut others) = ("public", Vec::new());
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        match pair.strip_prefix("schema=") {
            Some(name) => schema = name,
            None => others.push(pair),
        }
    }
    if schema.is_empty() || !schema.chars().all(|c| c.is_ascii_alphanumeric() || c == '_') {
        return Err(NoPlace(format!("`schema={schema}` names no schema: letters, digits and `_` do")));
    }
    let mark = if others.is_empty() { "" } else { "?" };
    Ok(Place::Postgres { url: format!("{before}{mark}{}", others.join("&")), schema: schema.into() })
}

/// As a URL, without the password.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Sqlite(path) => write!(f, "{}", path.display()),
            Self::Postgres { url, schema } if schema == "public" => shown(f, url, None),
            Self::Postgres { url, schema } => shown(f, url, Some(format!("schema={schema}"))),
            Self::Redis(url) | Self::Mongo(url) => shown(f, url, None),
        }
    }
}

/// A URL without its passwords, and one more option.
fn shown(f: &mut fmt::Formatter<'_>, url: &str, option: Option<String>) -> fmt::Result {
    let (before, query) = url.split_once('?').unwrap_or((url, ""));
    match before.rsplit_once('@') {
        Some((user, host)) => {
            // The scheme's own colon comes first.
            let end = user.match_indices(':').nth(1).map_or(user.len(), |(colon, _)| colon);
            let hidden = if end < user.len() { ":***" } else { "" };
            write!(f, "{}{hidden}@{host}", &user[..end])?;
        }
        None => f.write_str(before)?,
    }
    let options = query.split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let name = pair.split_once('=').map_or(pair, |(name, _)| name);
        let is_secret = ["password", "properties"].iter().any(|secret| name.to_ascii_lowercase().ends_with(secret));
        if is_secret { format!("{name}=***") } else { pair.to_owned() }
    });
    for (number, pair) in options.chain(option).enumerate() {
        write!(f, "{}{pair}", if number == 0 { '?' } else { '&' })?;
    }
    Ok(())
}

/// As [`Display`](fmt::Display): a password is in no log.
impl fmt::Debug for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(text: &str) -> Place {
        text.parse().unwrap_or_else(|error| panic!("`{text}`: {error}"))
    }

    #[test]
    fn a_url_names_a_place() {
        for (text, path) in [
            ("shop.db", "shop.db"),
            ("./a:b", "./a:b"),
            ("sqlite:shop.db", "shop.db"),
            ("sqlite://shop.db", "shop.db"),
            ("sqlite:///var/shop.db", "/var/shop.db"),
            ("SQLite:/var/shop.db", "/var/shop.db"),
            (r"C:\shop.db", r"C:\shop.db"),
        ] {
            assert_eq!(place(text), Place::Sqlite(path.into()), "{text}");
        }
        assert_eq!(place("memory:"), Place::Memory);
        let postgres = |url: &str, schema: &str| Place::Postgres { url: url.into(), schema: schema.into() };
        assert_eq!(place("postgres://host/shop"), postgres("postgres://host/shop", "public"));
        assert_eq!(
            place("postgresql://host/shop?sslmode=disable&schema=a_1&connect_timeout=3"),
            postgres("postgresql://host/shop?sslmode=disable&connect_timeout=3", "a_1")
        );
        assert_eq!(place("postgres://host/shop?schema=a"), postgres("postgres://host/shop", "a"));
        for url in ["redis://host", "rediss://ada:secret@host:1/2"] {
            assert_eq!(place(url), Place::Redis(url.into()));
        }
        for url in ["mongodb://one,two/shop?tls=true", "mongodb+srv://host/shop"] {
            assert_eq!(place(url), Place::Mongo(url.into()));
        }
    }

    #[test]
    fn what_names_none_is_told_what_to_write() {
        for (text, wrong) in [
            ("", "the path of the file is missing"),
            ("sqlite:", "the path of the file is missing"),
            ("sqlite::memory:", "`:memory:` is no file"),
            (":memory:", "`:memory:` is no file"),
            ("memory:shop", "a shop in memory has no name"),
            ("mysql://root:secret@host/shop", "the shop knows no database `mysql:`"),
            ("postgres:shop", "two slashes and a host are missing"),
            ("redis:shop", "after `redis:` two slashes and a host are missing"),
            ("mongodb:shop", "after `mongodb:` two slashes and a host are missing"),
            ("postgres://host/shop?schema=", "`schema=` names no schema"),
            ("postgres://host/shop?schema=a%20b", "`schema=a%20b` names no schema"),
        ] {
            let said = text.parse::<Place>().unwrap_err().to_string();
            assert!(
                said.contains(wrong) && said.ends_with("or `memory:`") && !said.contains("secret"),
                "{text}: {said}"
            );
        }
    }

    #[test]
    fn the_views_live_beside_unless_told_otherwise() {
        for (log, views) in [
            ("shop.db", "shop-views.db"),
            ("/var/shop", "/var/shop-views"),
            ("memory:", "memory:"),
            ("postgres://host/shop", "postgres://host/shop?schema=public_views"),
            ("postgres://host/shop?sslmode=disable&schema=a", "postgres://host/shop?sslmode=disable&schema=a_views"),
        ] {
            assert_eq!(place(log).beside(), place(views), "{log}");
        }
    }

    #[test]
    fn a_password_is_never_shown() {
        for (url, shown) in [
            ("postgres://ada@host/shop", "postgres://ada@host/shop"),
            ("postgres://ada:secret@host:5432/shop", "postgres://ada:***@host:5432/shop"),
            ("postgres://ada:secret/secret@host/shop?schema=a", "postgres://ada:***@host/shop?schema=a"),
            ("postgres://host/shop?user=ada&password=secret", "postgres://host/shop?user=ada&password=***"),
            ("postgres://host:5432/shop", "postgres://host:5432/shop"),
            ("redis://ada:secret@host/1", "redis://ada:***@host/1"),
            ("redis://:secret@host", "redis://:***@host"),
            ("mongodb://ada:secret@one,two/shop?tls=true", "mongodb://ada:***@one,two/shop?tls=true"),
            (
                "mongodb://h/shop?tlsCertificateKeyFilePassword=secret&authMechanismProperties=TOKEN:secret",
                "mongodb://h/shop?tlsCertificateKeyFilePassword=***&authMechanismProperties=***",
            ),
        ] {
            assert_eq!(format!("{:?}", place(url)), shown);
        }
    }
}
