//! The handler of a query that is defined in another crate.

#[query(foreign)]
async fn count(_q: contracts::Count) -> Result<u64, QueryError> {
    Ok(0)
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
async fn count(_q: contracts::Count) -> Result<u64, QueryError> {
    Ok(0)
}
#[doc(hidden)]
#[allow(non_camel_case_types, unreachable_pub)]
pub struct __foreign_count;
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::QueryHandler<__foreign_count> for contracts::Count {
    fn answer(
        self,
        _context: rt::QueryContext,
    ) -> impl ::core::future::Future<Output = rt::Answering<Self>> + ::core::marker::Send {
        #[allow(unused_imports)]
        use rt::{Fallback as _, FallbackCodec as _, Unless as _};
        rt::inventory::submit!(rt::Registration::query_handler(
            ::core::module_path!(),
            rt::Calls::<(contracts::Count, __foreign_count)>::QUERY,
            "count",
            &[],
        ));
        async move { rt::Calls::<Self>::answered::<u64, QueryError>()(count(self).await) }
    }
}
