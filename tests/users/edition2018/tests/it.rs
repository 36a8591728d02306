//! What a user of edition 2018 wrote is served.

use cqrs_runtime::log::MemoryLog;
use cqrs_runtime::App;
use edition2018_user::own::{Count, CountSlowly, CounterId, Totals};

#[tokio::test]
async fn an_old_edition_is_served() {
    let app = App::builder().log(MemoryLog::new()).only_modules(["edition2018_user::own"]).build().await.unwrap();
    let counter = CounterId::new();
    app.commands().execute(Count { counter }).await.unwrap();
    let done = app.commands().execute(CountSlowly { counter }).await.unwrap();
    assert_eq!(app.queries().after(done.position()).ask(Totals {}).await.unwrap()[0].gen, 3);
}
