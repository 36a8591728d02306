//! The conformance suite of view stores, on a server that speaks MongoDB's protocol.

use cqrs_conformance::views::{self, MANY_ROWS, Transactions};
use cqrs_test_servers::Mongo;

use crate::support::views;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_conform() {
    // SecantusDB needs at least a millisecond for each row. A few calls of a thousand rows test the
    // same as many.
    let rows = if Mongo::shared().is_stand_in() { 2_500 } else { MANY_ROWS };
    views::alone_with_rows(views, Transactions::Buffered, rows).await;
}
