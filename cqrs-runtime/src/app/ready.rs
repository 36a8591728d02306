//! Whether an app may be given traffic.

use std::time::{Duration, Instant};

use super::App;
use super::reads::KeptBy;
use crate::error::{NotBuilt, QueryError};
use crate::projection::Wanted;

/// The pauses of one who waits.
const FIRST_PAUSE: Duration = Duration::from_millis(5);
const LONGEST_PAUSE: Duration = Duration::from_millis(200);

impl App {
    /// Whether this app may be given traffic: it executes commands, the log and the read side answer, and every view that its
    /// program serves is built. For a readiness probe; [`health`](Self::health) says what is being built, and how far.
    ///
    /// A new version of a program builds its views beside those of the old one: until that is done its queries fail with
    /// [`QueryError::NotBuilt`], and the old version answers. Tables that async projections fill count as views do. It takes less than a second, whatever hangs.
    pub async fn is_ready(&self) -> bool {
        let health = async { self.health().await.is_ready() && matches!(self.first_not_built().await, Ok(None)) };
        tokio::time::timeout(Duration::from_secs(1), health).await.unwrap_or(false)
    }

    /// Waits until [`is_ready`](Self::is_ready): a deployment holds traffic back until then.
    ///
    /// # Errors
    /// [`QueryError::NotBuilt`] with what was not built when the time was up, or [`QueryError::Unavailable`].
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
                        Err(crate::log::StoreError::Unavailable { store: "the app".into(), reason }.into())
                    }
                };
            }
            tokio::time::sleep(pause.min(left)).await;
            pause = (pause * 2).min(LONGEST_PAUSE);
        }
    }

    /// A view that is not built, if there is one.
    async fn first_not_built(&self) -> Result<Option<NotBuilt>, QueryError> {
        for home in &self.inner.reads.homes {
            let not_built = match &home.by {
                KeptBy::Runner(runner) => runner.standings().first_not_built(&*home.store, Wanted::All).await?,
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
