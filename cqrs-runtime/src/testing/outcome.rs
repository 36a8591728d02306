//! The "then" of a scenario.

use std::fmt::{Debug, Write};

use super::events::{described, record};
use crate::model::error::{CommandError, DomainError};
use crate::model::message::{Command, Handling};
use cqrs_core::debug::opaque_debug;
use cqrs_core::event::{Events, RecordedEvent};
use cqrs_core::meta::Meta;
use cqrs_core::position::Position;

/// The result of a command in a scenario.
#[must_use = "check it: `.then(..)`, `.rejected(..)`"]
pub struct Outcome<C: Command> {
    pub(super) given: String,
    pub(super) when: String,
    pub(super) result: Handling<C>,
    pub(super) stated: Vec<RecordedEvent>,
}

opaque_debug!([C: Command] Outcome<C> { given, when });

impl<C: Command> Outcome<C> {
    /// Asserts that the command was accepted and emitted exactly these events, in this order.
    ///
    /// Events are compared by their names and their JSON, so they need not be `PartialEq`.
    ///
    /// # Panics
    /// If it was refused, or emitted other events.
    #[track_caller]
    pub fn then(&self, expected: impl Events) -> &Self {
        self.stated(&record(expected, Position::START, &Meta::new()))
    }

    /// Asserts that the command was accepted and emitted nothing.
    ///
    /// # Panics
    /// If it was refused, or emitted events.
    #[track_caller]
    pub fn then_nothing(&self) -> &Self {
        self.stated(&[])
    }

    /// Asserts that the command was accepted and returned this.
    ///
    /// # Panics
    /// If it was refused, or returned something else.
    #[track_caller]
    pub fn returned(&self, expected: impl Into<C::Returns>) -> &Self
    where
        C::Returns: PartialEq + Debug,
    {
        let expected = expected.into();
        match &self.result {
            Ok(receipt) if *receipt.returned() == expected => self,
            Ok(receipt) => {
                let returned = format!("\n  it returned {:?}", receipt.returned());
                self.fail("the command returned another value", &format!("\n    {expected:?}"), &returned)
            }
            Err(_) => self.fail("the command was refused", &format!("\n    {expected:?}"), ""),
        }
    }

    /// Asserts that the domain refused the command with this error.
    ///
    /// # Panics
    /// If it was accepted, or refused for another reason.
    #[track_caller]
    pub fn rejected(&self, expected: impl Into<C::Error>) -> &Self
    where
        C::Error: PartialEq,
    {
        let expected = expected.into();
        self.refused(&format!("{:?}", expected.as_error()), |error| error.rejection() == Some(&expected))
    }

    /// Asserts that the domain refused the command with an error that `expected` accepts.
    ///
    /// # Panics
    /// If it was accepted, or refused for another reason.
    #[track_caller]
    pub fn rejected_with(&self, expected: impl FnOnce(&C::Error) -> bool) -> &Self {
        self.refused("an error that the test's closure accepts", |error| error.rejection().is_some_and(expected))
    }

    /// Asserts that the command names an aggregate without events.
    ///
    /// # Panics
    /// If it was accepted, or refused for another reason.
    #[track_caller]
    pub fn not_found(&self) -> &Self {
        self.refused("NotFound", |error| matches!(error, CommandError::NotFound(_)))
    }

    /// Asserts that the command names an aggregate that should not exist, but does.
    ///
    /// # Panics
    /// If it was accepted, or refused for another reason.
    #[track_caller]
    pub fn already_exists(&self) -> &Self {
        self.refused("AlreadyExists", |error| matches!(error, CommandError::AlreadyExists(_)))
    }

    /// The command bus's answer, for other assertions.
    ///
    /// # Errors
    /// Those of the command.
    pub fn into_result(self) -> Handling<C> {
        self.result
    }

    #[track_caller]
    fn stated(&self, expected: &[RecordedEvent]) -> &Self {
        if self.result.is_err() || !same(&self.stated, expected) {
            let fields = differences(&self.stated, expected);
            self.fail("the command emitted other events", &described(expected), &fields);
        }
        self
    }

    #[track_caller]
    fn refused(&self, expected: &str, is_it: impl FnOnce(&CommandError<C::Error>) -> bool) -> &Self {
        match &self.result {
            Err(error) if is_it(error) => self,
            Err(_) => self.fail("the command was refused for another reason", &format!("\n    {expected}"), ""),
            Ok(_) => self.fail("the command was accepted", &format!("\n    {expected}"), ""),
        }
    }

    #[track_caller]
    fn fail(&self, what: &str, expected: &str, more: &str) -> ! {
        let got = match &self.result {
            Ok(_) => described(&self.stated),
            Err(error) => format!("\n    {}: {error}\n    {error:?}", error.kind()),
        };
        let Self { given, when, .. } = self;
        panic!("{what}\n  given:{given}\n  when:\n    {when}\n  expected:{expected}\n  got:{got}{more}");
    }
}

fn value(event: &RecordedEvent) -> serde_json::Value {
    serde_json::from_str(event.data()).expect("a written event can be read")
}

fn same(stated: &[RecordedEvent], expected: &[RecordedEvent]) -> bool {
    let one = |(a, b): (&RecordedEvent, &RecordedEvent)| a.name() == b.name() && value(a) == value(b);
    stated.len() == expected.len() && stated.iter().zip(expected).all(one)
}

/// The fields in which events with the same name and index differ.
fn differences(stated: &[RecordedEvent], expected: &[RecordedEvent]) -> String {
    let mut text = String::new();
    for (stated, expected) in stated.iter().zip(expected).filter(|(a, b)| a.name() == b.name()) {
        let (got, wanted) = (value(stated), value(expected));
        let (Some(got), Some(wanted)) = (got.as_object(), wanted.as_object()) else { continue };
        for field in wanted.keys().chain(got.keys().filter(|field| !wanted.contains_key(*field))) {
            let show = |value: Option<&serde_json::Value>| value.map_or("nothing".to_owned(), ToString::to_string);
            if got.get(field) != wanted.get(field) {
                let (got, wanted) = (show(got.get(field)), show(wanted.get(field)));
                let _ = write!(text, "\n  `{}.{field}`: expected {wanted}, got {got}", stated.name());
            }
        }
    }
    text
}
