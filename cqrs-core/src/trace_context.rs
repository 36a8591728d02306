//! The trace of a request, as it is stored with events: W3C Trace Context.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A position in a trace: [W3C Trace Context](https://www.w3.org/TR/trace-context/), as `Meta` carries it.
///
/// Input is checked against the specification. A `traceparent` of a later version is read as far as version `00` goes, and
/// written as version `00`. Flags without a meaning are cleared. A malformed `traceparent` is ignored:
/// [`from_headers`](Self::from_headers) returns `None`, and a new trace begins. A malformed `tracestate` is dropped, and the
/// `traceparent` kept. A `tracestate` of more than 512 characters loses its entries of more than 128, then its last ones.
///
/// ```
/// use cqrs_runtime::telemetry::TraceContext;
///
/// let traceparent = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
/// let context = TraceContext::from_headers(traceparent, Some("vendor=a1b2 , other=c3")).unwrap();
/// assert!(context.is_sampled());
/// assert_eq!(context.to_string(), traceparent);
/// assert_eq!(context.tracestate(), Some("vendor=a1b2,other=c3"));
///
/// assert!("00-00000000000000000000000000000000-00f067aa0ba902b7-01".parse::<TraceContext>().is_err());
/// ```
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct TraceContext {
    trace_id: [u8; 16],
    span_id: [u8; 8],
    flags: u8,
    state: Option<Arc<str>>,
}

/// The flags with a meaning: sampled, and random trace id.
const FLAGS: u8 = 0b11;
const SAMPLED: u8 = 0b01;

/// The longest `tracestate` that is kept.
const MOST_STATE: usize = 512;
/// Entries longer than this are dropped first.
const LONG_ENTRY: usize = 128;
/// How many entries a `tracestate` may have.
const MOST_ENTRIES: usize = 32;

impl TraceContext {
    /// A span of a trace. Bit 0 of the flags means sampled, bit 1 that the trace's id is random; others are cleared. `None` if an
    /// id is zero, which is invalid.
    #[must_use]
    pub fn new(trace_id: [u8; 16], span_id: [u8; 8], flags: u8) -> Option<Self> {
        let valid = trace_id != [0; 16] && span_id != [0; 8];
        valid.then_some(Self { trace_id, span_id, flags: flags & FLAGS, state: None })
    }

    /// Parses the two headers of a request. `None` if the `traceparent` is malformed.
    #[must_use]
    pub fn from_headers(traceparent: &str, tracestate: Option<&str>) -> Option<Self> {
        let context: Self = traceparent.parse().ok()?;
        Some(match tracestate {
            Some(state) => context.with_state(state),
            None => context,
        })
    }

    /// Sets the `tracestate`. Removes it if the text is malformed or empty. Join several headers with commas.
    #[must_use]
    pub fn with_state(mut self, tracestate: &str) -> Self {
        self.state = entries(tracestate).map(shortened).filter(|state| !state.is_empty()).map(Into::into);
        self
    }

    /// The trace's id.
    #[must_use]
    pub fn trace_id(&self) -> [u8; 16] {
        self.trace_id
    }

    /// The span's id.
    #[must_use]
    pub fn span_id(&self) -> [u8; 8] {
        self.span_id
    }

    /// The flags.
    #[must_use]
    pub fn flags(&self) -> u8 {
        self.flags
    }

    /// Whether the trace is recorded.
    #[must_use]
    pub fn is_sampled(&self) -> bool {
        self.flags & SAMPLED != 0
    }

    /// The `tracestate`, if any.
    #[must_use]
    pub fn tracestate(&self) -> Option<&str> {
        self.state.as_deref()
    }
}

/// The `traceparent`, in version `00`.
impl fmt::Display for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (trace_id, span_id) = (u128::from_be_bytes(self.trace_id), u64::from_be_bytes(self.span_id));
        write!(f, "00-{trace_id:032x}-{span_id:016x}-{:02x}", self.flags)
    }
}

impl fmt::Debug for TraceContext {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "TraceContext({self}")?;
        if let Some(state) = &self.state {
            write!(f, "; {state}")?;
        }
        f.write_str(")")
    }
}

/// An invalid `traceparent`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not a traceparent: {reason}")]
pub struct ParseTraceError {
    text: String,
    reason: &'static str,
}

/// Parses a `traceparent`.
impl FromStr for TraceContext {
    type Err = ParseTraceError;
    fn from_str(text: &str) -> Result<Self, ParseTraceError> {
        // Input may be of any length.
        traceparent(text).map_err(|reason| ParseTraceError { text: text.chars().take(80).collect(), reason })
    }
}

/// The length of a `traceparent` of version `00`, and the least length of a later version.
const LENGTH: usize = 55;

fn traceparent(text: &str) -> Result<TraceContext, &'static str> {
    let bytes = text.as_bytes();
    if bytes.len() < LENGTH {
        return Err("it is shorter than 55 characters");
    }
    if [2, 35, 52].iter().any(|&dash| bytes[dash] != b'-') {
        return Err("it is not of the form `version-trace_id-span_id-flags` with 2, 32, 16 and 2 digits");
    }
    let [version] = hex(&bytes[..2])?;
    match version {
        0xff => return Err("version ff is invalid"),
        0 if bytes.len() > LENGTH => return Err("it is too long for version 00"),
        _ if bytes.len() > LENGTH && bytes[LENGTH] != b'-' => return Err("its flags have more than 2 digits"),
        _ => {}
    }
    let [flags] = hex(&bytes[53..LENGTH])?;
    TraceContext::new(hex(&bytes[3..35])?, hex(&bytes[36..52])?, flags).ok_or("an id is zero")
}

/// Parses pairs of digits as bytes. Upper-case letters are refused, as the specification requires.
fn hex<const N: usize>(digits: &[u8]) -> Result<[u8; N], &'static str> {
    let digit = |digit: u8| match digit {
        b'0'..=b'9' => Ok(digit - b'0'),
        b'a'..=b'f' => Ok(digit - b'a' + 10),
        _ => Err("a digit is not 0-9 or a-f"),
    };
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = digit(pair[0])? << 4 | digit(pair[1])?;
    }
    Ok(bytes)
}

/// The entries of a `tracestate`. `None` if it is malformed.
fn entries(tracestate: &str) -> Option<Vec<&str>> {
    let mut entries: Vec<&str> = Vec::new();
    let mut keys: Vec<&str> = Vec::new();
    for entry in tracestate.split(',').map(|entry| entry.trim_matches([' ', '\t'])) {
        if entry.is_empty() {
            continue;
        }
        let (key, value) = entry.split_once('=')?;
        if !is_key(key) || !is_value(value) || keys.contains(&key) || keys.len() == MOST_ENTRIES {
            return None;
        }
        keys.push(key);
        entries.push(entry);
    }
    Some(entries)
}

fn is_key(key: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    key.len() <= 256 && key.starts_with(first) && key.chars().all(|c| first(c) || "_-*/@".contains(c))
}

/// Printable ASCII without `,` and `=`. Surrounding whitespace was trimmed before.
fn is_value(value: &str) -> bool {
    let printable = |c: char| matches!(c, ' '..='~') && c != ',' && c != '=';
    (1..=256).contains(&value.len()) && value.chars().all(printable)
}

/// As many entries as are kept.
fn shortened(mut entries: Vec<&str>) -> String {
    let length = |entries: &[&str]| (entries.iter().map(|entry| entry.len() + 1).sum::<usize>()).saturating_sub(1);
    while length(&entries) > MOST_STATE {
        match entries.iter().rposition(|entry| entry.len() > LONG_ENTRY) {
            Some(long) => drop(entries.remove(long)),
            None => drop(entries.pop()),
        }
    }
    entries.join(",")
}

#[derive(Serialize, Deserialize)]
struct Headers {
    traceparent: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    tracestate: Option<String>,
}

/// `{"traceparent": "..", "tracestate": ".."}`, the latter if there is one.
impl Serialize for TraceContext {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let tracestate = self.state.as_deref().map(str::to_owned);
        Headers { traceparent: self.to_string(), tracestate }.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for TraceContext {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let Headers { traceparent, tracestate } = Headers::deserialize(deserializer)?;
        let context: Self = traceparent.parse().map_err(serde::de::Error::custom)?;
        Ok(tracestate.map_or_else(|| context.clone(), |state| context.clone().with_state(&state)))
    }
}

/// Reads a trace that is stored with an event. An invalid one is ignored, so that the event stays readable.
pub(crate) fn lenient<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<TraceContext>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Stored {
        Context(TraceContext),
        Other(serde::de::IgnoredAny),
    }
    Ok(match Option::<Stored>::deserialize(deserializer)? {
        Some(Stored::Context(context)) => Some(context),
        Some(Stored::Other(_)) | None => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

    fn parsed(text: &str) -> Option<String> {
        text.parse::<TraceContext>().ok().map(|context| context.to_string())
    }

    #[test]
    fn a_traceparent_is_read_and_written() {
        let context: TraceContext = GOOD.parse().unwrap();
        assert_eq!(context.trace_id()[..2], [0x4b, 0xf9]);
        assert_eq!(context.span_id()[6..], [0x02, 0xb7]);
        assert_eq!(parsed(GOOD).as_deref(), Some(GOOD));
        let unsampled: TraceContext = GOOD.replace("-01", "-00").parse().unwrap();
        assert!(context.is_sampled() && !unsampled.is_sampled());
    }

    #[test]
    fn flags_without_a_meaning_are_cleared_and_a_later_version_is_read_as_far_as_this_one_goes() {
        assert_eq!(parsed(&GOOD.replace("-01", "-ff")), Some(GOOD.replace("-01", "-03")));
        assert_eq!(parsed(&GOOD.replacen("00", "cc", 1)).as_deref(), Some(GOOD));
        assert_eq!(parsed(&format!("{}-what-the-future-holds", GOOD.replacen("00", "cc", 1))).as_deref(), Some(GOOD));
        assert_eq!(parsed(&format!("{}-", GOOD.replacen("00", "cc", 1))).as_deref(), Some(GOOD));
    }

    #[test]
    fn what_is_malformed_is_refused_with_its_reason() {
        let refused = |text: &str| text.parse::<TraceContext>().expect_err(text).reason;
        let zero_trace = GOOD.replace("4bf92f3577b34da6a3ce929d0e0e4736", &"0".repeat(32));
        assert_eq!(refused(&zero_trace), "an id is zero");
        assert_eq!(refused(&GOOD.replace("00f067aa0ba902b7", &"0".repeat(16))), "an id is zero");
        assert_eq!(refused(&GOOD.replace("4bf", "4BF")), "a digit is not 0-9 or a-f");
        assert_eq!(refused(&GOOD.replace("-01", "-0+")), "a digit is not 0-9 or a-f");
        assert_eq!(refused(&GOOD.replacen("00", "ff", 1)), "version ff is invalid");
        assert_eq!(refused(&format!("{GOOD}-00")), "it is too long for version 00");
        assert_eq!(refused(&format!("{}0", GOOD.replacen("00", "cc", 1))), "its flags have more than 2 digits");
        assert_eq!(refused(&GOOD[1..]), "it is shorter than 55 characters");
        assert!(refused(&GOOD.replace('-', "_")).starts_with("it is not of the form"));
        assert_eq!(refused(""), "it is shorter than 55 characters");
        // Characters of several bytes, cut anywhere.
        assert!(refused(&"ä".repeat(40)).starts_with("it is not of the form"));
        let long = "x".repeat(1_000_000).parse::<TraceContext>().unwrap_err();
        assert!(long.to_string().len() < 200, "{long}");
    }

    fn state(text: &str) -> Option<String> {
        TraceContext::from_headers(GOOD, Some(text)).expect("the traceparent stays").tracestate().map(str::to_owned)
    }

    #[test]
    fn a_tracestate_is_kept_in_order_without_the_space_between() {
        assert_eq!(state("a=1").as_deref(), Some("a=1"));
        assert_eq!(state(" b=x y ,\t,0t@ab=2,").as_deref(), Some("b=x y,0t@ab=2"));
        assert_eq!(state(" , "), None);
        let most: Vec<String> = (0..32).map(|n| format!("k{n}=v")).collect();
        assert_eq!(state(&most.join(",")), Some(most.join(",")));
    }

    #[test]
    fn a_malformed_tracestate_is_dropped_as_a_whole() {
        let many: Vec<String> = (0..33).map(|n| format!("k{n}=v")).collect();
        let long = format!("{}=1", "k".repeat(257));
        for bad in ["a", "a=", "=1", "A=1", "_a=1", "a=1,a=2", "a=b=c", "ok=1,ä=1", "a=\u{7f}", &many.join(","), &long]
        {
            assert_eq!(state(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_long_tracestate_loses_its_long_entries_first_and_then_the_last() {
        let (long, short) = ("x".repeat(200), "y".repeat(100));
        let text = format!("a={short},b={long},c={short},d={short},e={short}");
        let kept = state(&text).unwrap();
        assert_eq!(kept, format!("a={short},c={short},d={short},e={short}"));
        let text = format!("{text},f={short},g={short}");
        assert_eq!(state(&text), Some(format!("a={short},c={short},d={short},e={short}")), "512 characters at most");
    }

    #[test]
    fn json_has_both_headers() {
        let context = TraceContext::from_headers(GOOD, Some("a=1")).unwrap();
        let json = serde_json::to_string(&context).unwrap();
        assert_eq!(json, format!(r#"{{"traceparent":"{GOOD}","tracestate":"a=1"}}"#));
        assert_eq!(serde_json::from_str::<TraceContext>(&json).unwrap(), context);
        let alone = serde_json::to_string(&GOOD.parse::<TraceContext>().unwrap()).unwrap();
        assert_eq!(alone, format!(r#"{{"traceparent":"{GOOD}"}}"#));
        let error = serde_json::from_str::<TraceContext>(r#"{"traceparent":"00"}"#).unwrap_err().to_string();
        assert!(error.contains("`00` is not a traceparent"), "{error}");
    }
}
