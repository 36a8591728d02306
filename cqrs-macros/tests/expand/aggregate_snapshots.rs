//! An aggregate that opts in to snapshots.

#[aggregate(id = OrderId, on = [OrderCreated], snapshots = 2)]
impl Order {
    fn created(_: &OrderCreated) -> Self {
        Order
    }
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async,
    clippy::unused_self
)]
impl Order {
    fn created(_: &OrderCreated) -> Self {
        Order
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::NoSlot as _;
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Aggregate for Order {
        const NAME: &'static str = "Order";
        const SLOT: rt::Slot<Self> = rt::Slot::<Self>::OF;
        type Id = OrderId;
        const EVENTS: &'static [&'static str] = &[<OrderCreated as rt::Event>::NAME];
        const SNAPSHOTS: ::core::option::Option<rt::Snapshots<Self>> =
            ::core::option::Option::Some(rt::snapshots::<Order>(2u32, &[rt::Calls::<OrderCreated>::VERSION]));
        fn fold(
            state: &mut ::core::option::Option<Self>,
            event: &rt::RecordedEvent,
            _id: &Self::Id,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<OrderCreated>::NAME => {
                    let e = rt::Calls::<OrderCreated>::decode(event)?;
                    rt::fold::create(state, event, || Self::created(&e))
                }
                _ => ::core::result::Result::Ok(()),
            }
        }
    }
    const _: () = rt::require(
        rt::Calls::<(OrderCreated, OrderId)>::TAGS == 1,
        rt::rules::EVENT_WITHOUT_TAG,
        &["OrderCreated", "OrderId"],
    );
    #[allow(dead_code, non_upper_case_globals)]
    const _: () = {
        static STATE: (u8, ::core::mem::MaybeUninit<<Order as rt::Where<{ rt::Probe::<Order>::IS_SHARED }>>::Type>) =
            (0, ::core::mem::MaybeUninit::uninit());
        const CQRS408_a_decision_could_change_this_aggregate_without_an_event__use_plain_fields__or_say_interior_mutability: u8 = STATE
            .0;
    };
    rt::inventory::submit!(rt::Registration::aggregate::<Order>(::core::module_path!()));
};
