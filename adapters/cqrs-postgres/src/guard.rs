//! Refuses statements of handlers that would end the transaction or change the session for good.

/// The start of a statement: its first words, in capitals.
struct Start {
    words: Vec<String>,
}

/// How many words of a statement are checked: as many as `ROLLBACK WORK TO SAVEPOINT name` has.
const WORDS: usize = 5;

/// The prefix of this crate's savepoints.
pub(crate) const PREFIX: &str = "CQRS_";

/// Why a statement is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// It would end or change the transaction that it runs in.
    Ends,
    /// It would change the session that other borrowers use later.
    Stays,
}

/// Finds the first statement in `text` that must be refused, if any.
///
/// Checking the first words is enough: in a transaction block, the server itself refuses to commit
/// inside a function, a procedure or a `DO` block.
///
/// A session may have a setting (`standard_conforming_strings`) with which backslashes escape
/// quotes: the text is checked both ways.
pub(crate) fn refused(text: &str) -> Option<(String, Why)> {
    let found = |backslashes| {
        let reasons =
            starts(text, backslashes).into_iter().filter_map(|start| Some((start.words.join(" "), why(&start)?)));
        reasons.into_iter().next()
    };
    found(false).or_else(|| if text.contains('\\') { found(true) } else { None })
}

fn why(start: &Start) -> Option<Why> {
    match start.words.first().map_or("", String::as_str) {
        _ if ends_or_changes(start) => Some(Why::Ends),
        // `COPY` waits for data that nobody sends, writes a file, or runs a program. A statement
        // that is prepared by name stays prepared.
        "COPY" | "PREPARE" | "DEALLOCATE" => Some(Why::Stays),
        _ => None,
    }
}

fn ends_or_changes(start: &Start) -> bool {
    let word = |place: usize| start.words.get(place).map_or("", String::as_str);
    let ours = |place: usize| word(place).starts_with(PREFIX);
    match word(0) {
        "BEGIN" | "START" | "COMMIT" | "END" | "ABORT" | "DISCARD" => true,
        "PREPARE" => word(1) == "TRANSACTION",
        "SAVEPOINT" => ours(1),
        "RELEASE" => ours(if word(1) == "SAVEPOINT" { 2 } else { 1 }),
        "ROLLBACK" => {
            let to = if matches!(word(1), "WORK" | "TRANSACTION") { 2 } else { 1 };
            word(to) != "TO" || ours(if word(to + 1) == "SAVEPOINT" { to + 2 } else { to + 1 })
        }
        _ => false,
    }
}

/// The starts of the statements in `text`.
fn starts(text: &str, backslashes: bool) -> Vec<Start> {
    let mut starts = Vec::new();
    let mut words: Vec<String> = Vec::new();
    let mut rest = text;
    while let Some(letter) = rest.chars().next() {
        let taken = match letter {
            ';' => {
                starts.push(Start { words: std::mem::take(&mut words) });
                1
            }
            '-' if rest.starts_with("--") => rest.find(['\n', '\r']).unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => comment(rest),
            '\'' => quoted(rest, '\'', backslashes),
            '"' => {
                let taken = quoted(rest, '"', false);
                word(&mut words, rest[1..taken].trim_end_matches('"'));
                taken
            }
            '$' => dollar(rest),
            letter if is_start(letter) => {
                let end = rest.find(|letter| !is_part(letter)).unwrap_or(rest.len());
                word(&mut words, &rest[..end]);
                // Only `E'..'` has backslash escapes.
                if rest[end..].starts_with('\'') && rest[..end].eq_ignore_ascii_case("e") {
                    end + quoted(&rest[end..], '\'', true)
                } else {
                    end
                }
            }
            letter => letter.len_utf8(),
        };
        rest = &rest[taken..];
    }
    starts.push(Start { words });
    starts
}

fn word(words: &mut Vec<String>, word: &str) {
    if words.len() < WORDS {
        words.push(word.to_ascii_uppercase());
    }
}

fn is_start(letter: char) -> bool {
    letter.is_ascii_alphabetic() || letter == '_' || !letter.is_ascii()
}

fn is_part(letter: char) -> bool {
    is_start(letter) || letter.is_ascii_digit() || letter == '$'
}

/// The length of the quoted text that `rest` begins with.
fn quoted(rest: &str, quote: char, backslashes: bool) -> usize {
    let mut letters = rest.char_indices().skip(1).peekable();
    while let Some((place, letter)) = letters.next() {
        if backslashes && letter == '\\' {
            letters.next();
        } else if letter == quote {
            if letters.peek().is_some_and(|(_, next)| *next == quote) {
                letters.next();
            } else {
                return place + 1;
            }
        }
    }
    rest.len()
}

/// The length of the comment that `rest` begins with. Comments nest.
fn comment(rest: &str) -> usize {
    let (bytes, mut depth, mut place) = (rest.as_bytes(), 0_usize, 0);
    while place < bytes.len() {
        match &bytes[place..] {
            [b'/', b'*', ..] => (depth, place) = (depth + 1, place + 2),
            [b'*', b'/', ..] => (depth, place) = (depth - 1, place + 2),
            _ => place += 1,
        }
        if depth == 0 {
            return place;
        }
    }
    rest.len()
}

/// The length of the dollar-quoted text that `rest` begins with, or 1 if the dollar begins a
/// parameter.
fn dollar(rest: &str) -> usize {
    let Some(end) = rest[1..].find('$').map(|end| end + 2) else { return 1 };
    let tag = &rest[..end];
    let name = &tag[1..end - 1];
    let is_tag =
        name.chars().next().is_none_or(is_start) && name.chars().all(|letter| is_part(letter) && letter != '$');
    if !is_tag {
        return 1;
    }
    rest[end..].find(tag).map_or(rest.len(), |close| end + close + end)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statements_that_end_a_transaction_are_found_anywhere() {
        for text in [
            "COMMIT",
            "  commit;",
            "COMMIT AND CHAIN",
            "COMMIT PREPARED 'x'",
            "/* a /* b */ c */ End -- x",
            "-- x\nROLLBACK",
            "-- x\rROLLBACK",
            "SELECT 1; ABORT",
            "SELECT ';'; COMMIT",
            "SELECT 'it''s'; COMMIT",
            "SELECT 'a\\'; COMMIT; --'",
            "SELECT E'a\\'; --'; COMMIT",
            "SELECT \"a;\"\"b\"; COMMIT",
            "SELECT $$ ; $$; COMMIT",
            "SELECT $a$ $$ $b$ ; $a$; COMMIT",
            "SELECT $1; COMMIT",
            "SELECT a$b; COMMIT; SELECT c$b",
            "ROLLBACK WORK",
            "ROLLBACK TO cqrs_1",
            "ROLLBACK TO SAVEPOINT \"cqrs_1\"",
            "ROLLBACK TRANSACTION TO SAVEPOINT cqrs_1",
            "RELEASE cqrs_1",
            "SAVEPOINT cqrs_1",
            "PREPARE TRANSACTION 'x'",
            "BEGIN",
            "START TRANSACTION",
            "DISCARD ALL",
            "DEALLOCATE ALL",
            ";;COMMIT",
            "COPY t FROM STDIN",
            "copy (SELECT 1) TO PROGRAM 'sh'",
            "SELECT 1; COPY t TO STDOUT",
            "PREPARE x AS SELECT 1",
            // If backslashes escape quotes, this is a text and a `COMMIT`.
            r"SELECT '\'';COMMIT;--'",
        ] {
            assert!(refused(text).is_some(), "`{text}` is allowed");
        }
    }

    #[test]
    fn statements_that_do_not_end_the_transaction_are_allowed() {
        for text in [
            "",
            "SELECT 'COMMIT'; SELECT $$;COMMIT;$$",
            "SELECT 1 -- ; COMMIT",
            "/* ; COMMIT */ SELECT 1",
            "INSERT INTO commit VALUES (';COMMIT')",
            "SELECT E'\\';COMMIT'",
            "SAVEPOINT mine; ROLLBACK TO mine; ROLLBACK TO SAVEPOINT mine; RELEASE SAVEPOINT mine",
            "DO $do$ BEGIN PERFORM 1; END; $do$",
            "SELECT \"begin\" FROM t",
            r"SELECT 'C:\'; SELECT 1",
            "CREATE FUNCTION f () RETURNS int LANGUAGE sql AS 'SELECT 1'",
            "WITH gone AS (DELETE FROM t RETURNING x) SELECT x FROM gone",
            "LISTEN mine; NOTIFY mine; UNLISTEN mine",
            "SET LOCAL work_mem = '64MB'",
            "EXECUTE x",
        ] {
            assert_eq!(refused(text), None, "`{text}` is refused");
        }
    }
}
