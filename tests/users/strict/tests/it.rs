//! What a strict user wrote is served.

use cqrs_runtime::App;
use cqrs_sqlite::SqliteLog;

use strict_user::facts::{OrderId, ProductId};
use strict_user::read::{Added, CountOffered, Shippings};
use strict_user::write::{Count, Note, Offer, Open, Pen, Ship};

#[tokio::test]
async fn a_strict_user_is_served() {
    let folder = tempfile::tempdir().unwrap();
    let log = SqliteLog::open(folder.path().join("strict.db")).await.unwrap();
    let app = App::builder()
        .log(log)
        .only_modules(["strict_user::facts", "strict_user::write", "strict_user::read"])
        .state(Pen("pen"))
        .state(Added(10))
        .build()
        .await
        .unwrap();
    let commands = app.commands();
    let (order, product) = (OrderId::new(), ProductId::new("p"));
    commands.execute(Offer { product: product.clone() }).await.unwrap();
    let opened = commands.execute(Open { order, products: vec![product] }).await.unwrap();
    assert_eq!(*opened.returned(), order);
    commands.execute(Note { order, note: "n".into() }).await.unwrap();
    commands.execute(Count { order }).await.unwrap();
    let shipped = commands.execute(Ship { order, context: "van".into() }).await.unwrap();
    let summaries = app.queries().after(shipped.position()).ask(Shippings { shipped: true }).await.unwrap();
    assert_eq!((summaries.len(), &*summaries[0].r#type), (1, "van"));
    assert_eq!(app.queries().ask(CountOffered {}).await.unwrap(), 11);
}
