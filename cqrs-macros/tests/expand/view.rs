//! `#[derive(View)]`: a key, an index, an index of several values, a compound index, and a field that has none of them.

#[derive(View, Serialize, Deserialize)]
#[cqrs(index(customer, created_at))]
pub struct OrderSummary {
    #[key]
    pub order: OrderId,
    #[index]
    pub customer: CustomerId,
    #[index]
    pub created_at: Timestamp,
    #[index]
    pub labels: BTreeSet<String>,
    pub status: String,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::View for OrderSummary {
        type Key = OrderId;
        const LAYOUT: rt::ViewLayout = rt::ViewLayout {
            name: "OrderSummary",
            key: "order",
            indexes: &[
                rt::IndexShape { name: "customer", kind: <CustomerId as rt::Column>::KIND },
                rt::IndexShape { name: "created_at", kind: <Timestamp as rt::Column>::KIND },
            ],
            multi_indexes: &[rt::IndexShape { name: "labels", kind: <String as rt::Column>::KIND }],
            compounds: &[&["customer", "created_at"]],
            fields: 16414745083866330193u64,
        };
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
        fn key(&self) -> &Self::Key {
            &self.order
        }
        fn index_values(&self) -> ::std::vec::Vec<rt::Value> {
            ::std::vec![rt::Calls::<CustomerId>::value(&self.customer), rt::Calls::<Timestamp>::value(&self.created_at)]
        }
        fn multi_values(&self) -> ::std::vec::Vec<::std::vec::Vec<rt::Value>> {
            ::std::vec![rt::Calls::<String>::values(&self.labels)]
        }
    }
    #[automatically_derived]
    #[allow(dead_code)]
    impl OrderSummary {
        #[doc(hidden)]
        pub const ORDER: rt::KeyField<Self> = rt::KeyField::new();
        /// The index `customer`: finds and sorts by it.
        pub const CUSTOMER: rt::Index<Self, CustomerId> = rt::Index::new("customer");
        /// The index `created_at`: finds and sorts by it.
        pub const CREATED_AT: rt::Index<Self, Timestamp> = rt::Index::new("created_at");
        /// The index `labels`: finds the rows that have a value.
        pub const LABELS: rt::MultiIndex<Self, String> = rt::MultiIndex::new("labels");
        #[doc(hidden)]
        pub const STATUS: rt::Unindexed<Self> = rt::Unindexed::new();
    }
    rt::inventory::submit!(rt::Registration::view::<OrderSummary>(::core::module_path!()));
};
