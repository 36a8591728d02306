//! `#[derive(Query)]` with a path of its own, and who may ask it.

#[derive(Query, Serialize, Deserialize)]
#[cqrs(returns = Option<u64>, http = "GET /orders/{order}/weight", not_found_if_null, requires = "orders:read")]
pub struct Weight {
    pub order: OrderId,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Message for Weight {
        type Reply = rt::Answering<Self>;
        type Consistency = rt::Eventual;
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
        const EXPOSURE: rt::Exposure =
            rt::Exposure::NONE.http("GET /orders/{order}/weight").not_found_if_null().requires("orders:read");
    }
    #[automatically_derived]
    impl rt::Query for Weight {
        const NAME: &'static str = "Weight";
        type Returns = Option<u64>;
    }
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    const _: () = rt::require(!rt::Probe::<Weight>::IS_EVENT, rt::rules::TWO_INTENTIONS, &["Weight"]);
    const _: () =
        rt::require(rt::Probe::<Option<u64>>::IS_WRITTEN, rt::rules::QUERY_ANSWER, &["Weight", "Option<u64>"]);
    rt::inventory::submit!(rt::Registration::query::<Weight>(::core::module_path!()).documented(rt::MessageDocs {
        text: "",
        schema: rt::Probe::<Weight>::SCHEMA,
        answer: rt::Probe::<Option<u64>>::SCHEMA,
    }));
};
