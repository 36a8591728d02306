//! What every view store must do.

use cqrs_runtime::view_conformance::{self, MANY_ROWS, Transactions};
use cqrs_test_servers::Mongo;

use crate::support::views;

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_views_conform() {
    // SecantusDB takes a millisecond and more for each row; a few calls of a thousand rows have what many have.
    let rows = if Mongo::shared().is_stand_in() { 2_500 } else { MANY_ROWS };
    view_conformance::alone_with_rows(views, Transactions::Buffered, rows).await;
}
