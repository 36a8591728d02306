//! `#[derive(Id)]` of a UUID.

#[derive(Id)]
pub struct OrderId(Uuid);

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Id for OrderId {
        const PREFIX: &'static str = "order";
        const COLUMN: rt::ColumnKind = <Uuid as rt::IdValue>::KIND;
        fn to_value(&self) -> rt::Value {
            <Uuid as rt::IdValue>::to_value(&self.0)
        }
    }
    #[automatically_derived]
    impl ::core::marker::Copy for OrderId {}
    #[automatically_derived]
    impl ::core::clone::Clone for OrderId {
        fn clone(&self) -> Self {
            *self
        }
    }
    #[automatically_derived]
    impl ::core::cmp::PartialEq for OrderId {
        fn eq(&self, other: &Self) -> bool {
            ::core::cmp::Ord::cmp(self, other).is_eq()
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for OrderId {}
    #[automatically_derived]
    impl ::core::cmp::PartialOrd for OrderId {
        fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
            ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Ord for OrderId {
        fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
            <Uuid as rt::IdValue>::order(&self.0, &other.0)
        }
    }
    #[automatically_derived]
    impl ::core::hash::Hash for OrderId {
        fn hash<S: ::core::hash::Hasher>(&self, state: &mut S) {
            <Uuid as rt::IdValue>::add_to_hash(&self.0, state);
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<Uuid> for OrderId {
        fn from(value: Uuid) -> Self {
            Self { 0: value }
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for OrderId {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::core::write!(f, "{}({})", "OrderId", self)
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Display for OrderId {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            <Uuid as rt::IdValue>::show(&self.0, f)
        }
    }
    #[automatically_derived]
    impl ::core::str::FromStr for OrderId {
        type Err = rt::ParseIdError;
        fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
            ::core::result::Result::map(<Uuid as rt::IdValue>::parse("order", text), |value| Self { 0: value })
        }
    }
    #[automatically_derived]
    impl rt::serde::Serialize for OrderId {
        fn serialize<S: rt::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
            <Uuid as rt::IdValue>::write(&self.0, serializer)
        }
    }
    #[automatically_derived]
    impl<'de> rt::serde::Deserialize<'de> for OrderId {
        fn deserialize<__D: rt::serde::Deserializer<'de>>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            ::core::result::Result::map(<Uuid as rt::IdValue>::read(deserializer), |value| Self { 0: value })
        }
    }
    #[automatically_derived]
    #[allow(dead_code)]
    impl OrderId {
        /// A new identifier, unlike any other: a UUID of version 7, so that later ones sort after earlier ones.
        #[must_use]
        pub fn new() -> Self {
            Self { 0: rt::uuid::Uuid::now_v7() }
        }
        /// The value that identifies.
        #[must_use]
        pub fn into_inner(self) -> Uuid {
            self.0
        }
    }
    #[automatically_derived]
    impl ::core::default::Default for OrderId {
        fn default() -> Self {
            Self::new()
        }
    }
    rt::id_schema!(OrderId, Uuid);
};
