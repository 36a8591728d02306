//! Whether an app is ready for traffic.

use std::time::{Duration, Instant};

use super::App;
use crate::bus::read_side::KeptBy;
use crate::model::error::{NotBuilt, QueryError};
use crate::projection::Wanted;

/// The first pause between two checks.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl App {
    /// Whether this app is ready for traffic: it executes commands, the log and the read side answer, and every view of its
    /// program is built. For a readiness probe. [`health`](Self::health) shows which views are being built, and their
    /// progress.
    ///
    /// A new version of a program builds its views next to those of the old version. Until they are built, its queries fail
    /// with [`QueryError::NotBuilt`], and the old version answers. Tables that async projections fill count as views too. The
    /// call takes less than a second, even if a store hangs.
    pub async fn is_ready(&self) -> bool {
        let health = async { self.health().await.is_ready() && matches!(self.first_not_built().await, Ok(None)) };
        tokio::time::timeout(Duration::from_secs(1), health).await.unwrap_or(false)
    }

    /// Waits until [`is_ready`](Self::is_ready). Call it in a deployment before traffic is sent.
    ///
    /// # Errors
    /// [`QueryError::NotBuilt`] with a view that was not built in time, or [`QueryError::Unavailable`].
    pub async fn ready(&self, within: Duration) -> Result<(), QueryError> {
        let deadline = Instant::now() + within;
        let mut pause = FIRST_PAUSE;
        loop {
            if self.is_ready().await {
                return Ok(());
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                let building = tokio::time::timeout(Duration::from_secs(1), self.first_not_built()).await;
                return match building {
                    Ok(Ok(Some(not_built))) => Err(QueryError::NotBuilt(not_built)),
                    Ok(Err(error)) => Err(error),
                    _ => {
                        let reason = self.health().await.to_string();
                        Err(cqrs_core::store_error::StoreError::Unavailable { store: "the app".into(), reason }.into())
                    }
                };
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A view that is not built, if there is one.
    async fn first_not_built(&self) -> Result<Option<NotBuilt>, QueryError> {
        for slot in &self.services.reads.slots {
            let not_built = match &slot.by {
                KeptBy::Runner(runner) => runner.progress_table().first_not_built(&*slot.store, Wanted::All).await?,
                KeptBy::Commands(follower) => follower.first_not_built(),
                KeptBy::Nobody => None,
            };
            if not_built.is_some() {
                return Ok(not_built);
            }
        }
        Ok(None)
    }
}
