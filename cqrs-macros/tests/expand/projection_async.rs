//! An async projection: tables instead of a view.

#[projection(on = [OrderCreated, OrderShipped], name = "order tables")]
impl OrderTables {
    async fn created(tx: &mut Tx<Sqlite>, event: &Recorded<OrderCreated>) -> Result<(), SqliteError> {
        insert(tx, event).await
    }
    async fn shipped(tx: &mut Tx<Sqlite>, event: &OrderShipped) -> Result<(), SqliteError> {
        update(tx, event).await
    }
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self
)]
impl OrderTables {
    async fn created(tx: &mut Tx<Sqlite>, event: &Recorded<OrderCreated>) -> Result<(), SqliteError> {
        insert(tx, event).await
    }
    async fn shipped(tx: &mut Tx<Sqlite>, event: &OrderShipped) -> Result<(), SqliteError> {
        update(tx, event).await
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Handle for OrderTables {
        const NAME: &'static str = "order tables";
        type Database = Sqlite;
        const EVENTS: &'static [&'static str] = &[<OrderCreated as rt::Event>::NAME, <OrderShipped as rt::Event>::NAME];
        const BASIS: rt::Basis = rt::Basis {
            revision: 1u32,
            versions: &[rt::Calls::<OrderCreated>::VERSION, rt::Calls::<OrderShipped>::VERSION],
            routes: &[],
        };
        fn handle<'a>(
            event: &'a rt::RecordedEvent,
            tx: &'a mut rt::Tx<Sqlite>,
        ) -> rt::BoxFuture<'a, ::core::result::Result<(), rt::FoldError>> {
            ::std::boxed::Box::pin(async move {
                match event.name() {
                    rt::Calls::<OrderCreated>::NAME => {
                        let e = rt::Calls::<OrderCreated>::decode(event)?;
                        rt::handled(event, Self::created(tx, &e).await)
                    }
                    rt::Calls::<OrderShipped>::NAME => {
                        let e = rt::Calls::<OrderShipped>::decode(event)?;
                        rt::handled(event, Self::shipped(tx, &e).await)
                    }
                    _ => ::core::result::Result::Ok(()),
                }
            })
        }
    }
    rt::inventory::submit!(rt::Registration::handle::<OrderTables>(::core::module_path!()));
};
