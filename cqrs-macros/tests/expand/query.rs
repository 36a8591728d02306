//! A query's handler.

#[query]
async fn history(q: OrderHistory, orders: Views<OrderSummary>, meta: &Meta) -> Result<Vec<OrderSummary>, QueryError> {
    orders.find(OrderSummary::CUSTOMER.eq(q.customer)).all().await
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
async fn history(q: OrderHistory, orders: Views<OrderSummary>, meta: &Meta) -> Result<Vec<OrderSummary>, QueryError> {
    orders.find(OrderSummary::CUSTOMER.eq(q.customer)).all().await
}
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::QueryHandler for OrderHistory {
    fn answer(
        self,
        context: rt::QueryContext,
    ) -> impl ::core::future::Future<Output = rt::Answering<Self>> + ::core::marker::Send {
        #[allow(unused_imports)]
        use rt::{Fallback as _, FallbackCodec as _, Unless as _};
        rt::inventory::submit!(rt::Registration::query_handler(
            ::core::module_path!(),
            rt::Calls::<(OrderHistory, rt::Here)>::QUERY,
            "history",
            &[rt::Probe::<Views<OrderSummary>>::PARAMETER],
        ));
        async move {
            rt::Calls::<Self>::answered::<Vec<OrderSummary>, QueryError>()(
                history(self, context.get::<Views<OrderSummary>>().await?, context.meta()).await,
            )
        }
    }
}
