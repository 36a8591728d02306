//! Large answers, in portions.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::Stream;

use super::{Find, decode};
use crate::model::error::QueryError;
use cqrs_core::debug::opaque_debug;
use cqrs_core::store_error::BoxFuture;
use cqrs_core::view::{RowQuery, View};

/// How many rows are read from the store at once.
const PORTION: u32 = 500;

/// The rows of a search, one after the other: [`Find::stream`]. A [`Stream`], and [`next`](Self::next) for those who have no
/// `StreamExt`.
///
/// It ends after an error.
#[must_use = "a stream does nothing until it is read"]
pub struct RowStream<V> {
    rows: VecDeque<V>,
    reading: Reading<V>,
}

opaque_debug!([V] RowStream<V>);

enum Reading<V> {
    /// The search of the next portion.
    Next(Box<Find<V>>),
    Now(BoxFuture<'static, Result<Portion<V>, QueryError>>),
    Over,
}

/// Rows, and the search of those that follow, if there are any.
type Portion<V> = (Vec<V>, Option<Find<V>>);

impl<V: View> RowStream<V> {
    pub(super) fn new(find: Find<V>) -> Self {
        Self { rows: VecDeque::new(), reading: Reading::Next(Box::new(find)) }
    }

    /// The next row. `None` after the last one.
    pub async fn next(&mut self) -> Option<Result<V, QueryError>> {
        poll_fn(|context| self.poll_row(context)).await
    }

    fn poll_row(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<V, QueryError>>> {
        loop {
            if let Some(row) = self.rows.pop_front() {
                return Poll::Ready(Some(Ok(row)));
            }
            match std::mem::replace(&mut self.reading, Reading::Over) {
                Reading::Over => return Poll::Ready(None),
                Reading::Next(find) => self.reading = Reading::Now(Box::pin(portion(*find))),
                Reading::Now(mut reading) => {
                    let Poll::Ready(read) = reading.as_mut().poll(context) else {
                        self.reading = Reading::Now(reading);
                        return Poll::Pending;
                    };
                    match read {
                        Ok((rows, next)) => {
                            self.rows.extend(rows);
                            self.reading = next.map_or(Reading::Over, |next| Reading::Next(Box::new(next)));
                        }
                        Err(error) => return Poll::Ready(Some(Err(error))),
                    }
                }
            }
        }
    }
}

async fn portion<V: View>(mut find: Find<V>) -> Result<Portion<V>, QueryError> {
    let wanted = find.query.limit.map_or(PORTION, |left| left.min(PORTION));
    let query = RowQuery { limit: Some(wanted), ..find.query.clone() };
    find.views.require_built().await?;
    let found = find.views.store.find(&find.views.shape, &query).await?;
    let rows = found.iter().map(decode).collect::<Result<Vec<V>, _>>()?;
    let left = find.query.limit.map(|left| left - wanted);
    let is_full = rows.len() == wanted as usize && left != Some(0);
    let start = rows.last().filter(|_| is_full).map(|last| find.place(last));
    let next = start.map(|start| {
        find.query = RowQuery { start: Some(start), limit: left, offset: 0, ..query };
        find
    });
    Ok((rows, next))
}

impl<V: View> Stream for RowStream<V> {
    type Item = Result<V, QueryError>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let row = ready!(self.get_mut().poll_row(context));
        Poll::Ready(row)
    }
}

/// Nothing in it is ever pinned.
impl<V> Unpin for RowStream<V> {}
