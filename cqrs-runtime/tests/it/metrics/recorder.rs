//! A recorder that keeps every metric, for one test: its apps are built on the test's own thread.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use metrics::{Counter, CounterFn, Gauge, GaugeFn, Histogram, HistogramFn, Key, KeyName, Metadata, SharedString, Unit};

#[derive(Clone, Default)]
pub struct Recorder(Arc<Mutex<Recorded>>);

#[derive(Default)]
struct Recorded {
    /// By name and labels, as Prometheus writes them.
    values: BTreeMap<String, Arc<Value>>,
    described: BTreeMap<String, Option<Unit>>,
}

/// What was recorded of one metric: all values of a histogram, and the sum or the last one of others.
#[derive(Default)]
struct Value(Mutex<Vec<f64>>);

impl Value {
    fn change(&self, change: impl Fn(f64) -> f64) {
        let mut told = self.0.lock().unwrap();
        let next = change(told.first().copied().unwrap_or(0.0));
        *told = vec![next];
    }
}

impl CounterFn for Value {
    #[allow(clippy::cast_precision_loss, reason = "small numbers")]
    fn increment(&self, value: u64) {
        self.change(|count| count + value as f64);
    }
    fn absolute(&self, _: u64) {
        unreachable!("nothing here counts so");
    }
}

impl GaugeFn for Value {
    fn increment(&self, value: f64) {
        self.change(|gauge| gauge + value);
    }
    fn decrement(&self, value: f64) {
        self.change(|gauge| gauge - value);
    }
    fn set(&self, value: f64) {
        self.change(|_| value);
    }
}

impl HistogramFn for Value {
    fn record(&self, value: f64) {
        self.0.lock().unwrap().push(value);
    }
}

impl Recorder {
    fn value(&self, key: &Key) -> Arc<Value> {
        let labels: Vec<_> = key.labels().map(|label| format!("{}={}", label.key(), label.value())).collect();
        let name = format!("{}{{{}}}", key.name(), labels.join(","));
        Arc::clone(self.0.lock().unwrap().values.entry(name).or_default())
    }

    /// All that was recorded of a metric. Fails where there is none of that name and labels.
    pub fn recorded(&self, metric: &str) -> Vec<f64> {
        let recorded = self.0.lock().unwrap();
        let value = recorded.values.get(metric);
        let value = value.unwrap_or_else(|| panic!("no {metric} among {:#?}", recorded.values.keys()));
        value.0.lock().unwrap().clone()
    }

    /// A counter's or a gauge's value.
    pub fn get(&self, metric: &str) -> f64 {
        self.recorded(metric).first().copied().unwrap_or(0.0)
    }

    /// Waits until a gauge has a value.
    pub async fn comes_to(&self, metric: &str, wanted: f64) {
        let comes = async {
            while (self.get(metric) - wanted).abs() > f64::EPSILON {
                tokio::task::yield_now().await;
            }
        };
        let came = tokio::time::timeout(std::time::Duration::from_secs(20), comes).await;
        assert!(came.is_ok(), "{metric} is {}, and should be {wanted}", self.get(metric));
    }

    /// The names and labels of all metrics.
    pub fn names(&self) -> Vec<String> {
        self.0.lock().unwrap().values.keys().cloned().collect()
    }

    /// The unit that a metric was described with.
    pub fn unit(&self, name: &str) -> Option<Unit> {
        self.0.lock().unwrap().described.get(name).copied().flatten()
    }

    fn describe(&self, key: &KeyName, unit: Option<Unit>, text: &SharedString) {
        assert!(!text.is_empty());
        self.0.lock().unwrap().described.insert(key.as_str().to_owned(), unit);
    }
}

impl metrics::Recorder for Recorder {
    fn describe_counter(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&key, unit, &text);
    }
    fn describe_gauge(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&key, unit, &text);
    }
    fn describe_histogram(&self, key: KeyName, unit: Option<Unit>, text: SharedString) {
        self.describe(&key, unit, &text);
    }
    fn register_counter(&self, key: &Key, _: &Metadata<'_>) -> Counter {
        Counter::from_arc(self.value(key))
    }
    fn register_gauge(&self, key: &Key, _: &Metadata<'_>) -> Gauge {
        Gauge::from_arc(self.value(key))
    }
    fn register_histogram(&self, key: &Key, _: &Metadata<'_>) -> Histogram {
        Histogram::from_arc(self.value(key))
    }
}
