//! `#[derive(Event)]` of a second version, which reads the first.

#[derive(Event, Serialize, Deserialize)]
#[cqrs(version = 2, from = OrderShippedV1)]
pub struct OrderShipped {
    #[tag]
    pub order: OrderId,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Event for OrderShipped {
        const NAME: &'static str = "OrderShipped";
        const VERSION: u32 = 2u32;
        const TAGS: &'static [rt::TagInfo] =
            &[rt::TagInfo { field: "order", prefix: <OrderId as rt::TagField>::PREFIX }];
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
        fn tags(&self, tags: &mut ::std::vec::Vec<rt::Tag>) {
            rt::Calls::<OrderId>::add_tags(&self.order, tags);
        }
        fn decode_earlier(version: u32, data: &str) -> ::core::result::Result<Self, rt::DecodeError> {
            ::core::result::Result::Ok(<Self as rt::UpcastFrom<OrderShippedV1>>::upcast(
                <OrderShippedV1 as rt::Event>::decode(version, data)?,
            ))
        }
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("order") }, OrderId> for OrderShipped {
        fn field(&self) -> &OrderId {
            &self.order
        }
    }
    const _: () = rt::require(
        <OrderShippedV1 as rt::Event>::VERSION + 1 == 2u32
            && rt::same_name(<OrderShippedV1 as rt::Event>::NAME, <OrderShipped as rt::Event>::NAME),
        rt::rules::VERSION_GAP,
        &["OrderShipped", "1"],
    );
    rt::inventory::submit!(rt::Registration::event::<OrderShipped>(
        ::core::module_path!(),
        &[rt::FieldInfo { name: "order", type_written: "OrderId", optional: false, serde: "" }],
        "",
        rt::Probe::<OrderShipped>::SCHEMA
    ));
};
