//! `#[derive(Event)]` with tags: one, perhaps one, any number.

#[derive(Event, Serialize, Deserialize)]
pub struct OrderCreated {
    #[tag]
    pub order: OrderId,
    #[tag]
    pub referrer: Option<CustomerId>,
    #[tag]
    pub products: Vec<ProductId>,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Event for OrderCreated {
        const NAME: &'static str = "OrderCreated";
        const VERSION: u32 = 1u32;
        const TAGS: &'static [rt::TagInfo] = &[
            rt::TagInfo { field: "order", prefix: <OrderId as rt::TagField>::PREFIX },
            rt::TagInfo { field: "referrer", prefix: <Option<CustomerId> as rt::TagField>::PREFIX },
            rt::TagInfo { field: "products", prefix: <Vec<ProductId> as rt::TagField>::PREFIX },
        ];
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
        fn tags(&self, tags: &mut ::std::vec::Vec<rt::Tag>) {
            rt::Calls::<OrderId>::add_tags(&self.order, tags);
            rt::Calls::<Option<CustomerId>>::add_tags(&self.referrer, tags);
            rt::Calls::<Vec<ProductId>>::add_tags(&self.products, tags);
        }
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("order") }, OrderId> for OrderCreated {
        fn field(&self) -> &OrderId {
            &self.order
        }
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("referrer") }, Option<CustomerId>> for OrderCreated {
        fn field(&self) -> &Option<CustomerId> {
            &self.referrer
        }
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("products") }, Vec<ProductId>> for OrderCreated {
        fn field(&self) -> &Vec<ProductId> {
            &self.products
        }
    }
    rt::inventory::submit!(rt::Registration::event::<OrderCreated>(
        ::core::module_path!(),
        &[
            rt::FieldInfo { name: "order", type_written: "OrderId", optional: false, serde: "" },
            rt::FieldInfo { name: "referrer", type_written: "Option<CustomerId>", optional: true, serde: "" },
            rt::FieldInfo { name: "products", type_written: "Vec<ProductId>", optional: false, serde: "" }
        ],
        "",
        rt::Probe::<OrderCreated>::SCHEMA
    ));
};
