//! A scenario decides on states that have been written and read back.

use std::collections::BTreeMap;

use cqrs_runtime::prelude::*;
use cqrs_runtime::testing::given;

#[derive(Id)]
pub struct CaseId(Uuid);

#[derive(Event, Serialize, Deserialize)]
pub struct CaseOpened {
    #[tag]
    case: CaseId,
    fee: u32,
}

/// It forgets the fee on its way through serde.
#[derive(Serialize, Deserialize)]
pub struct Forgetful {
    #[serde(skip)]
    fee: u32,
    kept: u32,
}

#[aggregate(id = CaseId, on = [CaseOpened], snapshots)]
impl Forgetful {
    fn opened(event: &CaseOpened) -> Self {
        Self { fee: event.fee, kept: event.fee }
    }
}

/// JSON has no such keys.
#[derive(Serialize, Deserialize)]
pub struct Unwritable {
    fees: BTreeMap<(u32, u32), u32>,
}

#[aggregate(id = CaseId, on = [CaseOpened], snapshots)]
impl Unwritable {
    fn opened(event: &CaseOpened) -> Self {
        Self { fees: BTreeMap::from([((1, 2), event.fee)]) }
    }
}

#[derive(Debug, PartialEq, thiserror::Error)]
#[error("the fees are {0} and {1}")]
pub struct Fees(u32, u32);

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Fees)]
pub struct AskForgetful {
    case: CaseId,
}

#[command]
fn ask_forgetful(cmd: AskForgetful, case: &Forgetful) -> Result<Option<CaseOpened>, Fees> {
    let _ = cmd;
    Err(Fees(case.fee, case.kept))
}

#[derive(Command, Serialize, Deserialize)]
#[cqrs(error = Fees)]
pub struct AskUnwritable {
    case: CaseId,
}

#[command]
fn ask_unwritable(cmd: AskUnwritable, case: &Unwritable) -> Result<Option<CaseOpened>, Fees> {
    let _ = cmd;
    Err(Fees(case.fees.values().sum(), 0))
}

#[test]
fn what_serde_skips_is_missed_in_a_scenario() {
    let case = CaseId::new();
    given(CaseOpened { case, fee: 7 }).when(AskForgetful { case }).rejected(Fees(0, 7));
}

#[test]
fn a_state_that_cannot_be_written_is_said_to_be_none() {
    let case = CaseId::new();
    let refused = given(CaseOpened { case, fee: 7 }).when(AskUnwritable { case }).into_result().unwrap_err();
    let CommandError::Corrupt(corrupt) = &refused else { panic!("{refused}") };
    assert!(
        corrupt
            .error
            .to_string()
            .contains("the state cannot be written and read as a snapshot: serde says `key must be a string`"),
        "{refused}"
    );
}
