//! Numbers, and how they are printed.

use std::time::Duration;

/// A row for each bank: a number, its ratio to the first row's, and two more columns.
pub(crate) struct Table {
    title: String,
    columns: [&'static str; 4],
    rows: Vec<(&'static str, [String; 4])>,
    first: Option<f64>,
}

impl Table {
    pub(crate) fn new(title: impl Into<String>, columns: [&'static str; 4]) -> Self {
        Self { title: title.into(), columns, rows: Vec::new(), first: None }
    }

    /// Adds a row; the number with so many digits after the point.
    pub(crate) fn row(&mut self, name: &'static str, number: f64, digits: usize, more: [String; 2]) {
        let first = *self.first.get_or_insert(number);
        let [third, fourth] = more;
        self.rows.push((name, [format!("{number:.digits$}"), format!("{:.2}", number / first), third, fourth]));
    }

    /// Adds a row of its own kind.
    pub(crate) fn plain(&mut self, name: &'static str, [first, second]: [String; 2]) {
        self.rows.push((name, [first, second, String::new(), String::new()]));
    }

    pub(crate) fn print(&self) {
        let line = |name: &str, [a, b, c, d]: [&str; 4]| {
            println!("{}", format!("{name:34}{a:>24}{b:>18}{c:>20}{d:>22}").trim_end());
        };
        println!("\n{}", self.title);
        line("", self.columns);
        for (name, cells) in &self.rows {
            line(name, cells.each_ref().map(String::as_str));
        }
    }
}

/// The middle one, by value.
pub(crate) fn median(numbers: &mut [f64]) -> f64 {
    percentile(numbers, 50)
}

/// The one that so many in a hundred do not exceed.
pub(crate) fn percentile(numbers: &mut [f64], of_100: usize) -> f64 {
    numbers.sort_by(f64::total_cmp);
    numbers[(numbers.len() - 1) * of_100 / 100]
}

pub(crate) fn per_second(count: usize, took: Duration) -> f64 {
    #[allow(clippy::cast_precision_loss, reason = "some thousands")]
    let count = count as f64;
    count / took.as_secs_f64()
}
