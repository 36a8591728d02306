//! `#[derive(Query)]`.

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Vec<OrderSummary>)]
pub struct OrderHistory {
    pub customer: CustomerId,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Message for OrderHistory {
        type Reply = rt::Answering<Self>;
        type Consistency = rt::Eventual;
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
    }
    #[automatically_derived]
    impl rt::Query for OrderHistory {
        const NAME: &'static str = "OrderHistory";
        type Returns = Vec<OrderSummary>;
    }
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    const _: () = rt::require(!rt::Probe::<OrderHistory>::IS_EVENT, rt::rules::TWO_INTENTIONS, &["OrderHistory"]);
    const _: () =
        rt::require(!rt::Probe::<OrderSummary>::IS_EVENT, rt::rules::QUERY_EVENT, &["OrderHistory", "OrderSummary"]);
    const _: () = rt::require(
        rt::Probe::<Vec<OrderSummary>>::IS_WRITTEN
            || rt::Probe::<OrderSummary>::IS_VIEW && !rt::Probe::<OrderSummary>::IS_WRITTEN,
        rt::rules::QUERY_ANSWER,
        &["OrderHistory", "Vec<OrderSummary>"],
    );
    rt::inventory::submit!(rt::Registration::query::<OrderHistory>(::core::module_path!()).documented(
        rt::MessageDocs {
            text: "",
            schema: rt::Probe::<OrderHistory>::SCHEMA,
            answer: rt::Probe::<Vec<OrderSummary>>::SCHEMA,
        }
    ));
};
