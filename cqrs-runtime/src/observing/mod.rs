#![doc = include_str!("page.md")]

pub mod figures;
mod health;
pub(crate) mod spans;
mod trace;

#[cfg_attr(feature = "metrics", path = "recording/on.rs")]
#[cfg_attr(not(feature = "metrics"), path = "recording/off.rs")]
mod recording;

pub use health::{Health, HealthStatus, Problem};
pub(crate) use recording::{Figures, PolicyFigures, ProjectionFigures};
pub(crate) use spans::Tie;
pub(crate) use trace::lenient;
pub use trace::{ParseTraceError, TraceContext, Traces};

use crate::AppBuilder;

/// How an app is watched.
#[derive(Clone, Default)]
pub(crate) struct Observed {
    /// What ties its spans to traces.
    pub(crate) tie: Tie,
    /// How often the databases are asked for gauges.
    #[cfg(feature = "metrics")]
    pub(crate) figures_every: Option<std::time::Duration>,
}

impl AppBuilder {
    /// Ties the app's spans to traces: a command continues the trace that its caller is in, its events carry it, and what policies
    /// do about them continues it in turn. Crate `cqrs-opentelemetry` has what it takes.
    #[must_use]
    pub fn traces(mut self, traces: impl Traces) -> Self {
        self.observed.tie = Tie::new(traces);
        self
    }

    /// How often the log and the read side are asked for the figures that are gauges (every five seconds unless told otherwise).
    /// How often a recorder is asked for them costs neither anything.
    #[cfg(feature = "metrics")]
    #[must_use]
    pub fn figures_every(mut self, interval: std::time::Duration) -> Self {
        self.observed.figures_every = Some(interval);
        self
    }
}

#[cfg(test)]
mod tests {
    use super::figures::{ALL, Kind};

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
            assert!(PAGE.contains(&line), "no line that begins so: {line}");
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
