//! Faults of the linked program, and why an app could not be built.

use std::fmt;

use crate::registry::Registration;
use cqrs_core::store_error::StoreError;

/// Why an app could not be built.
#[derive(thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// The linked program does not fit together, or the app lacks something that it needs. Lists every fault.
    #[error("{}", list(.0))]
    Faults(Vec<Fault>),
    /// A store could not be prepared, or holds the views of another log.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The same text as [`Display`](fmt::Display), since this is what `main` prints of an error that it returns.
impl fmt::Debug for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl From<Fault> for BuildError {
    fn from(fault: Fault) -> Self {
        Self::Faults(vec![fault])
    }
}

fn list(faults: &[Fault]) -> String {
    let heading = match faults.len() {
        1 => "the app cannot be built:".to_owned(),
        n => format!("the app cannot be built, for {n} reasons:"),
    };
    let faults = faults.iter().map(Fault::to_string);
    std::iter::once(heading).chain(faults).collect::<Vec<_>>().join("\n")
}

/// One fault of the linked program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// What is wrong, with the rule's code.
    pub what: String,
    /// The file, line and module of everything involved.
    pub places: Vec<String>,
    /// What to do.
    pub instead: String,
}

impl Fault {
    pub(crate) fn new(what: impl Into<String>, parties: &[&Registration], instead: impl Into<String>) -> Self {
        let places = parties.iter().map(|party| party.place()).collect();
        Self { what: what.into(), places, instead: instead.into() }
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "- {}", self.what.replace('\n', "\n    "))?;
        for place in &self.places {
            write!(f, "\n    at {place}")?;
        }
        self.instead.lines().try_for_each(|line| write!(f, "\n    {line}"))?;
        match self.what.strip_prefix("[CQRS").and_then(|rest| rest.split_once(']')) {
            Some((code, _)) => write!(f, "\n    see: cqrs_runtime::rules#cqrs{code}"),
            None => Ok(()),
        }
    }
}
