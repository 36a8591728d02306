#![doc = include_str!("page.md")]

pub mod metrics;
pub(crate) mod spans;
mod traces;

#[cfg_attr(feature = "metrics", path = "recorder/enabled.rs")]
#[cfg_attr(not(feature = "metrics"), path = "recorder/disabled.rs")]
mod recorder;

pub(crate) use recorder::{Figures, PolicyFigures, ProjectionFigures};
pub(crate) use spans::Tie;
pub(crate) use traces::lenient;
pub use traces::{ParseTraceError, TraceContext, Traces};

use crate::app::AppBuilder;

/// The observability settings of an app.
#[derive(Clone, Default)]
pub(crate) struct Observed {
    /// The link between its spans and traces.
    pub(crate) tie: Tie,
    /// How often the databases are read for gauges.
    #[cfg(feature = "metrics")]
    pub(crate) metrics_interval: Option<std::time::Duration>,
}

impl AppBuilder {
    /// Links the app's spans to traces: a command continues its caller's trace, its events carry the trace, and policies that
    /// answer them continue it. Crate `cqrs-opentelemetry` implements this for OpenTelemetry.
    #[must_use]
    pub fn traces(mut self, traces: impl Traces) -> Self {
        self.observed.tie = Tie::new(traces);
        self
    }

    /// How often the log and the read side are read for gauges. Default: every five seconds. It does not matter how often a
    /// recorder reads the gauges.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn metrics_interval(mut self, interval: std::time::Duration) -> Self {
        self.observed.metrics_interval = Some(interval);
        self
    }
}

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
        let figures = ALL.iter().map(|figure| figure.name);
        assert_eq!(listed(), figures.chain(spans).collect::<Vec<_>>());
    }
}
