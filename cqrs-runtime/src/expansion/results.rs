//! Splits the results of handlers into events and returned values.

use crate::model::error::CommandError;
use crate::model::message::{Answering, Command, Query};
use crate::model::outcome::{AnswerDeclared, AnswerError, Emission, ErrorDeclared, ReturnsDeclared};
use cqrs_core::event::Emitted;

/// Splits a command handler's result, and checks it against the declarations of command `C`.
pub fn emitted<C, T, E>(result: Result<T, E>) -> Result<Emission<C::Returns>, CommandError<C::Error>>
where
    C: Command,
    T: ReturnsDeclared<C::Returns>,
    E: ErrorDeclared<C::Error>,
{
    match result {
        Ok(outcome) => {
            let mut events = Emitted::default();
            let returned = outcome.into_declared(&mut events);
            Ok(Emission { events, returned })
        }
        Err(error) => Err(error.into_command_error(C::NAME)),
    }
}

/// Takes a query handler's result, and checks it against what query `Q` declares.
pub fn answered<Q, T, E>(result: Result<T, E>) -> Answering<Q>
where
    Q: Query,
    T: AnswerDeclared<Q::Returns>,
    E: AnswerError,
{
    match result {
        Ok(answer) => Ok(AnswerDeclared::same(answer)),
        Err(error) => Err(error.into_query_error()),
    }
}
