//! `#[derive(Event)]` of a fact that names no entity.

#[derive(Event, Serialize, Deserialize)]
pub struct DayClosed {
    pub date: Date,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Event for DayClosed {
        const NAME: &'static str = "DayClosed";
        const VERSION: u32 = 1u32;
        const TAGS: &'static [rt::TagInfo] = &[];
        const JSON: rt::Codec<Self> = rt::Codec::<Self>::SERDE;
        fn tags(&self, _tags: &mut ::std::vec::Vec<rt::Tag>) {}
    }
    #[automatically_derived]
    impl rt::HasField<{ rt::field_name("date") }, Date> for DayClosed {
        fn field(&self) -> &Date {
            &self.date
        }
    }
    rt::inventory::submit!(rt::Registration::event::<DayClosed>(
        ::core::module_path!(),
        &[rt::FieldInfo { name: "date", type_written: "Date", optional: false, serde: "" }],
        "",
        rt::Probe::<DayClosed>::SCHEMA
    ));
};
