//! The rules of events that their tokens can break.

use super::parse::Event;
use crate::errors::Errors;
use crate::{names, rules};

pub fn check(event: &Event<'_>, errors: &Errors) {
    a_plain_struct(event, errors);
    each_version_names_the_one_before(event, errors);
}

/// 104, 105: one fact, one type, that owns its data.
fn a_plain_struct(event: &Event<'_>, errors: &Errors) {
    let name = names::text(event.ident);
    if !event.is_struct {
        errors.refuse(&rules::EVENT_SHAPE, event.ident, &[&name]);
    }
    if !event.generics.params.is_empty() {
        errors.refuse(&rules::MESSAGE_GENERIC, &event.generics.params, &[&name, "event"]);
    }
}

/// 107: from version 2 on, `from` names the type of the version before.
fn each_version_names_the_one_before(event: &Event<'_>, errors: &Errors) {
    match (event.version, &event.from) {
        (Some((version, span)), None) if version > 1 => {
            errors.refuse_at(&rules::VERSION_WITHOUT_FROM, span, &[&version.to_string()]);
        }
        (None | Some((1, _)), Some(from)) => errors.refuse(&rules::FROM_WITHOUT_VERSION, from, &[]),
        _ => {}
    }
}
