//! `#[derive(Command)]` with all that it declares.

#[derive(Command, Serialize, Deserialize)]
#[cqrs(returns = OrderId, error = OrderError)]
pub struct CreateOrder {
    pub order: OrderId,
    pub lines: Vec<Line>,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Message for CreateOrder {
        type Reply = rt::Handling<Self>;
        type Consistency = rt::Eventual;
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
    }
    #[automatically_derived]
    impl rt::Command for CreateOrder {
        const NAME: &'static str = "CreateOrder";
        const FIELDS: &'static [&'static str] = &["order", "lines"];
        type Returns = OrderId;
        type Error = OrderError;
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("order") }, OrderId> for CreateOrder {
        fn field(&self) -> &OrderId {
            &self.order
        }
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("lines") }, Vec<Line>> for CreateOrder {
        fn field(&self) -> &Vec<Line> {
            &self.lines
        }
    }
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    const _: () = rt::require(
        !rt::Probe::<CreateOrder>::IS_QUERY && !rt::Probe::<CreateOrder>::IS_EVENT,
        rt::rules::TWO_INTENTIONS,
        &["CreateOrder"],
    );
    rt::inventory::submit!(rt::Registration::command::<CreateOrder>(::core::module_path!()).documented(
        rt::MessageDocs { text: "", schema: rt::Probe::<CreateOrder>::SCHEMA, answer: rt::Probe::<OrderId>::SCHEMA }
    ));
};
