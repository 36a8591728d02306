//! What is registered under another name of the runtime is served.

use edition2018_user::contracts::{Offer, ProductId, ShelvesOf};
use other::log::MemoryLog;
use other::App;
use renamed_user::documented::Put;
use renamed_user::generated::{Added, Sum};
use renamed_user::places::{self, Hidden};

#[tokio::test]
async fn a_renamed_runtime_serves() {
    let app = App::builder().log(MemoryLog::new()).only_modules(["renamed_user", "edition2018_user::contracts"]);
    let app = app.build().await.unwrap();
    let product = ProductId::new("p");
    app.commands().execute(Offer { product: product.clone() }).await.unwrap();
    let put = app.commands().execute(Put { product: product.clone() }).await.unwrap();
    assert_eq!(app.queries().after(put.position()).ask(ShelvesOf { product: product.clone() }).await.unwrap(), 1);
    assert!(renamed_user::documented::called(product));

    app.commands().execute(Hidden {}).await.unwrap();
    assert_eq!(places::in_a_function(&app).await, 1);

    let added = app.commands().execute(Added { counter: 7.into() }).await.unwrap();
    assert_eq!(app.queries().after(added.position()).ask(Sum { counter: 7.into() }).await.unwrap(), Some(1));
}
