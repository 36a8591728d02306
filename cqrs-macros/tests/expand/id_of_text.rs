//! `#[derive(Id)]` of what cannot be copied, with a prefix of its own.

#[derive(Id)]
#[cqrs(name = "sku")]
pub struct ProductNumber(String);

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Id for ProductNumber {
        const PREFIX: &'static str = "sku";
        const COLUMN: rt::ColumnKind = <String as rt::IdValue>::KIND;
        fn to_value(&self) -> rt::Value {
            <String as rt::IdValue>::to_value(&self.0)
        }
    }
    #[automatically_derived]
    impl ::core::clone::Clone for ProductNumber {
        fn clone(&self) -> Self {
            Self { 0: <String as rt::IdValue>::cloned(&self.0) }
        }
    }
    #[automatically_derived]
    impl ::core::cmp::PartialEq for ProductNumber {
        fn eq(&self, other: &Self) -> bool {
            ::core::cmp::Ord::cmp(self, other).is_eq()
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Eq for ProductNumber {}
    #[automatically_derived]
    impl ::core::cmp::PartialOrd for ProductNumber {
        fn partial_cmp(&self, other: &Self) -> ::core::option::Option<::core::cmp::Ordering> {
            ::core::option::Option::Some(::core::cmp::Ord::cmp(self, other))
        }
    }
    #[automatically_derived]
    impl ::core::cmp::Ord for ProductNumber {
        fn cmp(&self, other: &Self) -> ::core::cmp::Ordering {
            <String as rt::IdValue>::order(&self.0, &other.0)
        }
    }
    #[automatically_derived]
    impl ::core::hash::Hash for ProductNumber {
        fn hash<S: ::core::hash::Hasher>(&self, state: &mut S) {
            <String as rt::IdValue>::add_to_hash(&self.0, state);
        }
    }
    #[automatically_derived]
    impl ::core::convert::From<String> for ProductNumber {
        fn from(value: String) -> Self {
            Self { 0: value }
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Debug for ProductNumber {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            ::core::write!(f, "{}({})", "ProductNumber", self)
        }
    }
    #[automatically_derived]
    impl ::core::fmt::Display for ProductNumber {
        fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
            <String as rt::IdValue>::show(&self.0, f)
        }
    }
    #[automatically_derived]
    impl ::core::str::FromStr for ProductNumber {
        type Err = rt::ParseIdError;
        fn from_str(text: &str) -> ::core::result::Result<Self, Self::Err> {
            ::core::result::Result::map(<String as rt::IdValue>::parse("sku", text), |value| Self { 0: value })
        }
    }
    #[automatically_derived]
    impl rt::serde::Serialize for ProductNumber {
        fn serialize<S: rt::serde::Serializer>(&self, serializer: S) -> ::core::result::Result<S::Ok, S::Error> {
            <String as rt::IdValue>::write(&self.0, serializer)
        }
    }
    #[automatically_derived]
    impl<'de> rt::serde::Deserialize<'de> for ProductNumber {
        fn deserialize<__D: rt::serde::Deserializer<'de>>(
            deserializer: __D,
        ) -> ::core::result::Result<Self, __D::Error> {
            ::core::result::Result::map(<String as rt::IdValue>::read(deserializer), |value| Self { 0: value })
        }
    }
    #[automatically_derived]
    #[allow(dead_code)]
    impl ProductNumber {
        /// The identifier of this value.
        #[must_use]
        pub fn new(value: impl ::core::convert::Into<String>) -> Self {
            Self { 0: ::core::convert::Into::<String>::into(value) }
        }
        /// The value that identifies.
        #[must_use]
        pub fn into_inner(self) -> String {
            self.0
        }
    }
    rt::id_schema!(ProductNumber, String);
};
