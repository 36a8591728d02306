//! With feature `metrics`: the gauges of an app, which are read from its databases at intervals.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use metrics::{Gauge, gauge};

use super::App;
use crate::projection::ProjectionStatus;
use crate::telemetry::{metrics as names, number};
use cqrs_core::store_error::StoreError;

/// How often the databases are read for gauges.
const EVERY: Duration = Duration::from_secs(5);

/// How long reading the databases for gauges may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// Starts updating the gauges of an app. It ends with the app.
pub(super) fn keep(app: &App, every: Option<Duration>) {
    let (gauges, every) = (Gauges::new(app), every.unwrap_or(EVERY));
    let (services, inner) = (Arc::downgrade(&app.services), Arc::downgrade(&app.inner));
    tokio::spawn(async move {
        while let (Some(services), Some(inner)) = (services.upgrade(), inner.upgrade()) {
            let refreshed = tokio::time::timeout(PATIENCE, gauges.refresh(&App { services, inner })).await;
            if let Ok(Err(error)) = refreshed {
                tracing::debug!(%error, "gauges not updated: database not readable");
            }
            tokio::time::sleep(every).await;
        }
    });
}

/// The metrics that are read at intervals.
struct Gauges {
    log_head: Gauge,
    queue_depth: Gauge,
    projections: HashMap<&'static str, ProjectionGauges>,
    /// Position, and number of parked entries.
    policies: HashMap<&'static str, (Gauge, Gauge)>,
}

struct ProjectionGauges {
    position: Gauge,
    lag_events: Gauge,
    lag: Gauge,
    parked: Gauge,
    rebuild: Gauge,
}

impl Gauges {
    fn new(app: &App) -> Self {
        let projection = |name: &'static str| {
            let gauges = ProjectionGauges {
                position: gauge!(names::PROJECTION_POSITION, "projection" => name),
                lag_events: gauge!(names::PROJECTION_LAG_EVENTS, "projection" => name),
                lag: gauge!(names::PROJECTION_LAG, "projection" => name),
                parked: gauge!(names::PROJECTION_PARKED, "projection" => name),
                rebuild: gauge!(names::PROJECTION_REBUILD_POSITION, "projection" => name),
            };
            (name, gauges)
        };
        let policy = |name: &'static str| {
            let position = gauge!(names::POLICY_POSITION, "policy" => name);
            (name, (position, gauge!(names::POLICY_PARKED, "policy" => name)))
        };
        Self {
            log_head: gauge!(names::LOG_HEAD),
            queue_depth: gauge!(names::QUEUE_DEPTH),
            projections: app.inner.registry.projections().iter().map(|info| projection(info.name)).collect(),
            policies: app.inner.registry.policies().iter().map(|info| policy(info.name)).collect(),
        }
    }

    async fn refresh(&self, app: &App) -> Result<(), StoreError> {
        self.queue_depth.set(number(app.services.sequencer.waiting() as u64));
        for status in app.policies() {
            if let Some((position, _)) = self.policies.get(status.name) {
                position.set(number(status.position.get()));
            }
        }
        self.log_head.set(number(app.services.log.head().await?.get()));
        for status in app.projections().await? {
            let ProjectionStatus { name, position, lag_events, lag_seconds, parked, shadow, .. } = status;
            let Some(gauges) = self.projections.get(name) else { continue };
            gauges.position.set(number(position.get()));
            gauges.lag_events.set(number(lag_events));
            gauges.lag.set(lag_seconds);
            gauges.parked.set(number(parked as u64));
            gauges.rebuild.set(number(shadow.unwrap_or_default().get()));
        }
        if !self.policies.is_empty() {
            let parked = app.parked().await?;
            for info in app.inner.registry.policies() {
                let unfinished = parked.iter().filter(|parked| parked.projection == info.owner).count();
                self.policies[info.name].1.set(number(unfinished as u64));
            }
        }
        Ok(())
    }
}
