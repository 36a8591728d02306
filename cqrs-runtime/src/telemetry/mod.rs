#![doc = include_str!("page.md")]

pub mod metrics;
pub(crate) mod spans;
mod traces;

#[cfg_attr(feature = "metrics", path = "recorder/enabled.rs")]
#[cfg_attr(not(feature = "metrics"), path = "recorder/disabled.rs")]
mod recorder;

pub use cqrs_core::trace_context::{ParseTraceError, TraceContext};
#[cfg(feature = "metrics")]
pub(crate) use recorder::number;
pub(crate) use recorder::{PolicyRecorder, ProjectionRecorder, Recorder};
pub(crate) use spans::TraceLink;
pub use traces::Traces;

/// A projection that is folded with each command, by its name, and the events that it listens to.
pub(crate) type Inlined = (&'static str, &'static [&'static str]);

#[cfg(test)]
mod tests {
    use super::metrics::{ALL, Kind};

    const PAGE: &str = include_str!("page.md");

    /// The first column of the page's tables.
    fn listed() -> Vec<&'static str> {
        PAGE.lines().filter_map(|line| line.strip_prefix("| `")?.split_once('`')).map(|(name, _)| name).collect()
    }

    #[test]
    fn the_page_lists_every_figure_with_its_kind_and_labels() {
        for figure in ALL {
            let kind = match figure.kind {
                Kind::Counter => "counter",
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
            };
            let labels: Vec<_> = figure.labels.iter().map(|label| format!("`{label}`")).collect();
            let labels = if labels.is_empty() { String::new() } else { format!(" {}", labels.join(", ")) };
            let line = format!("| `{}` | {kind} |{labels} |", figure.name);
            assert!(PAGE.contains(&line), "no line begins with: {line}");
        }
    }

    #[test]
    fn the_page_lists_every_span_and_nothing_else() {
        let source = include_str!("spans.rs");
        let spans: Vec<_> =
            ["command", "queue", "decide", "load", "append", "batch", "query", "policy", "projections", "rebuild"]
                .into();
        let made = source.matches("_span!(").count();
        assert_eq!(made, spans.len(), "a span that is not listed here");
        for span in &spans {
            assert!(source.contains(&format!("\"{span}\"")), "{span}");
        }
        let metrics = ALL.iter().map(|metric| metric.name);
        assert_eq!(listed(), metrics.chain(spans).collect::<Vec<_>>());
    }
}
