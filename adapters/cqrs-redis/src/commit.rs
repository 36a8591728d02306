//! The steps of a commit.

use std::collections::{BTreeMap, HashMap};

use cqrs_core::log::StoreError;
use cqrs_core::view::buffer::{Change, Cleared, Collected, Parking};
use cqrs_core::view::{Generation, Lease, ViewShape};

use crate::error::{commit_error, failed};
use crate::store::Store;
use crate::{encode, parked};

/// The maximum number of rows in one call of the script that writes them, and the size in bytes
/// after which a call ends.
const ROWS_A_CALL: usize = 500;
const BYTES_A_CALL: usize = 1 << 20;

/// New places of cleared views.
type Places = HashMap<&'static str, Vec<u8>>;

/// Pairs of projection and token.
pub(crate) fn tokens(leases: &[Lease]) -> Vec<Vec<u8>> {
    leases.iter().flat_map(|lease| [lease.projection.into(), lease.token.to_string().into()]).collect()
}

/// The first arguments of a script that checks leases.
pub(crate) fn under(leases: &[Lease]) -> Vec<Vec<u8>> {
    let mut under = vec![leases.len().to_string().into()];
    under.extend(tokens(leases));
    under
}

/// How many sorted sets the indexes of a view are.
pub(crate) fn number_of_indexes(shape: &ViewShape) -> usize {
    shape.indexes.len() + shape.multi_indexes.len() + shape.compounds.len()
}

/// Writes the rows, then everything else in one step.
pub(crate) async fn write_all(store: &Store, collected: Collected, leases: Vec<Lease>) -> Result<(), StoreError> {
    let under = under(&leases);
    let mut places = Places::new();
    for Cleared { shape, .. } in &collected.cleared {
        if let Some(shape) = shape
            && !places.contains_key(shape.name)
        {
            let mut arguments = under.clone();
            arguments.extend([shape.name.into(), number_of_indexes(shape).to_string().into()]);
            let place = store.run(&store.scripts.place, &arguments).await;
            places.insert(shape.name, place.map_err(|error| store.error(&error))?);
        }
    }
    for (shape, rows) in &collected.rows {
        write_rows(store, &under, shape, places.get(shape.name), rows).await?;
    }
    let finished = store.run(&store.scripts.finish, &last_step(under, &collected, places)).await;
    let garbage = finished.map_err(|error| commit_error(&store.name, &error))?;
    store.sweep(garbage).await;
    Ok(())
}

async fn write_rows(
    store: &Store,
    under: &[Vec<u8>],
    shape: &ViewShape,
    place: Option<&Vec<u8>>,
    rows: &BTreeMap<String, Change>,
) -> Result<(), StoreError> {
    let mut start = under.to_vec();
    start.extend([
        shape.name.into(),
        encode::fingerprint(shape.fingerprint).into(),
        place.cloned().unwrap_or_default(),
        shape.indexes.len().to_string().into(),
        shape.multi_indexes.len().to_string().into(),
        shape.compounds.len().to_string().into(),
    ]);
    let (mut arguments, mut number, mut bytes) = (start.clone(), 0, 0);
    for (key, change) in rows {
        let position = encode::position(change.position()).into_bytes();
        let before = arguments.len();
        match change {
            Change::Put(row) => {
                shape.check(row).map_err(|error| failed(&store.name, error.to_string()))?;
                arguments.extend(["put".into(), key.clone().into(), position, row.document.as_bytes().to_vec()]);
                arguments.extend(row.indexes.iter().map(encode::value));
                arguments.extend(row.multi_values.iter().map(|values| encode::values(values)));
                arguments.extend(shape.compounds.iter().map(|compound| encode::compound(shape, row, compound)));
            }
            Change::Remove(_) => arguments.extend(["remove".into(), key.clone().into(), position]),
        }
        number += 1;
        bytes += arguments[before..].iter().map(Vec::len).sum::<usize>();
        if number == ROWS_A_CALL || bytes >= BYTES_A_CALL {
            let full = std::mem::replace(&mut arguments, start.clone());
            (number, bytes) = (0, 0);
            store.run::<()>(&store.scripts.write, &full).await.map_err(|error| store.error(&error))?;
        }
    }
    if number > 0 {
        store.run::<()>(&store.scripts.write, &arguments).await.map_err(|error| store.error(&error))?;
    }
    Ok(())
}

/// The arguments of the script that finishes a commit.
fn last_step(under: Vec<Vec<u8>>, collected: &Collected, mut places: Places) -> Vec<Vec<u8>> {
    let mut arguments = under;
    let number = |arguments: &mut Vec<Vec<u8>>, number: usize| arguments.push(number.to_string().into());
    number(&mut arguments, collected.cleared.len());
    for Cleared { shape, projection } in &collected.cleared {
        arguments.push(projection.clone().into());
        // A view that is cleared twice gets one new place.
        match shape.and_then(|shape| Some((shape, places.remove(shape.name)?))) {
            Some((shape, place)) => {
                arguments.extend([shape.name.into(), encode::fingerprint(shape.fingerprint).into(), place]);
            }
            None => arguments.extend([Vec::new(), Vec::new(), Vec::new()]),
        }
    }
    number(&mut arguments, collected.parking.len());
    for parking in &collected.parking {
        let (field, entry) = match parking {
            Parking::Park(entry) => (parked::field(&entry.projection, &entry.key), parked::entry(entry)),
            Parking::Unpark { projection, key } => (parked::field(projection, key), String::new()),
        };
        arguments.extend([field.into(), entry.into()]);
    }
    number(&mut arguments, collected.checkpoints.len());
    for (&projection, checkpoint) in &collected.checkpoints {
        arguments.extend([projection.into(), encode::checkpoint(checkpoint).into()]);
    }
    number(&mut arguments, collected.replaced.len());
    for (live, next) in &collected.replaced {
        let Generation { shape, projection } = live;
        let fingerprint = encode::fingerprint(shape.fingerprint).into();
        arguments.extend([shape.name.into(), (*projection).into(), fingerprint]);
        arguments.extend([next.shape.name.into(), next.projection.into()]);
    }
    let written: BTreeMap<&str, u64> =
        collected.rows.iter().map(|(shape, _)| (shape.name, shape.fingerprint)).collect();
    number(&mut arguments, written.len());
    for (view, fingerprint) in written {
        arguments.extend([view.into(), encode::fingerprint(fingerprint).into()]);
    }
    arguments
}
