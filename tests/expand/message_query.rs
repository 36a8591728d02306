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
        const JSON: rt::Json<Self> = rt::Json::<Self>::OF;
    }
    #[automatically_derived]
    impl rt::Query for OrderHistory {
        const NAME: &'static str = "OrderHistory";
        type Returns = Vec<OrderSummary>;
    }
    #[allow(unused_imports)]
    use rt::{NoJson as _, OfNothing as _, Unless as _};
    const _: () = rt::require(
        !rt::Probe::<OrderHistory>::IS_EVENT,
        "[CQRS101] `OrderHistory` is more than one of command, query and event\n  why: a message has one intention\n  instead: keep one derive, and give the other intention a type of its own\n  see: cqrs_runtime::rules#cqrs101",
    );
    const _: () = rt::require(
        !rt::Probe::<OrderSummary>::IS_EVENT,
        "[CQRS305] query `OrderHistory` returns the event `OrderSummary`\n  why: queries state no facts, and events are the log's\n  instead: answer with a view or a type of its own\n  see: cqrs_runtime::rules#cqrs305",
    );
    rt::inventory::submit!(rt::Registration::query::<OrderHistory>(::core::module_path!()));
};
