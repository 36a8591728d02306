//! Starts the policies' runners.

use std::sync::{Arc, Mutex};

use tokio::sync::watch;

use super::checkpoint::{NO_ROWS, checkpoints};
use super::reaction::PolicyInfo;
use super::runner::Runner;
use super::settings::Settings;
use super::status::{Policies, Running};
use crate::bus::services::Services;
use crate::telemetry::PolicyRecorder;
use cqrs_core::log::EventLog;
use cqrs_core::position::Bookmark;
use cqrs_core::store_error::StoreError;
use cqrs_core::view::{Checkpoint, Parked, ViewTransaction};

/// The position where each policy goes on, in their order. A policy without a checkpoint gets one: the log's
/// head, or its start.
pub(crate) async fn start(log: &dyn EventLog, policies: &[&'static PolicyInfo]) -> Result<Vec<Bookmark>, StoreError> {
    if policies.is_empty() {
        return Ok(Vec::new());
    }
    let owners: Vec<&'static str> = policies.iter().map(|info| info.owner).collect();
    let mut tx = log.begin().await?;
    let head = tx.last().await?;
    let checkpoints = checkpoints(&mut *tx, &log.describe())?;
    let mut changed = false;
    for info in policies.iter().filter(|info| info.was.is_some()) {
        changed |= take_over(checkpoints, info).await?;
    }
    let known = checkpoints.checkpoints(&owners).await?;
    let mut new = Vec::new();
    let mut positions = Vec::with_capacity(policies.len());
    for (info, known) in policies.iter().zip(known) {
        let first = if info.from_start { Bookmark::START } else { head };
        if known.is_none() {
            new.push((info.owner, Checkpoint::at(first, NO_ROWS)));
        }
        positions.push(known.map_or(first, |known| known.bookmark()));
    }
    if !new.is_empty() {
        checkpoints.set_checkpoints(&new).await?;
    }
    if changed || !new.is_empty() {
        tx.commit().await?;
    }
    Ok(positions)
}

/// Moves what is stored under a policy's former name to its new name: its checkpoint, its claim and its parked entries.
/// Returns `false` if nothing was stored.
async fn take_over(views: &mut dyn ViewTransaction, info: &PolicyInfo) -> Result<bool, StoreError> {
    let Some(was) = info.was else { return Ok(false) };
    let mut known = views.checkpoints(&[was.owner, info.owner]).await?.into_iter();
    let (former, own) = (known.next().flatten(), known.next().flatten());
    let mut parked: Vec<Parked> =
        views.parked().await?.into_iter().filter(|entry| entry.projection == was.owner).collect();
    if former.is_none() && parked.is_empty() {
        return Ok(false);
    }
    // A process that still runs the former policy may have moved its checkpoint since the last time.
    if let Some(former) = former.filter(|former| own.is_none_or(|own| own.position < former.position)) {
        views.set_checkpoints(&[(info.owner, former)]).await?;
    }
    for entry in &mut parked {
        info.owner.clone_into(&mut entry.projection);
    }
    if !parked.is_empty() {
        views.park(&parked).await?;
    }
    views.clear(None, was.owner).await?;
    tracing::info!(
        policy = info.name,
        was = was.name,
        parked = parked.len(),
        "policy has taken over from its former name"
    );
    Ok(true)
}

impl Policies {
    /// Starts one runner per policy. They end with the app.
    pub(crate) fn run(
        &self,
        services: &Arc<Services>,
        policies: &[&'static PolicyInfo],
        from: &[Bookmark],
        settings: Settings,
    ) {
        let running = policies.iter().zip(from).map(|(&info, &position)| {
            let (sender, state) = watch::channel(super::status::State { position, error: None, stopped: false });
            let appended = services.head.subscribe();
            let recorder = PolicyRecorder::new(info.name);
            let closing = self.closing();
            let runner = Runner::new(info, Arc::downgrade(services), appended, sender, settings, recorder, closing);
            let task = Mutex::new(Some(tokio::spawn(runner.run())));
            Running { info, state, task }
        });
        self.set(running.collect());
    }
}
