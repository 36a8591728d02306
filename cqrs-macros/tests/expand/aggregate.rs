//! `#[aggregate]`: all forms of a method, with its own identity and without.

#[aggregate(id = OrderId, on = [OrderCreated, OrderShipped, OrderCounted])]
impl Order {
    fn created(_: &OrderCreated) -> Self {
        Order::new()
    }
    fn shipped(&mut self, event: &Recorded<OrderShipped>, id: &OrderId) {
        self.shipped(event, id)
    }
    fn counted(this: Option<Self>, event: &OrderCounted) -> Self {
        this.unwrap_or_default().plus(event)
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
        Order::new()
    }
    fn shipped(&mut self, event: &Recorded<OrderShipped>, id: &OrderId) {
        self.shipped(event, id)
    }
    fn counted(this: Option<Self>, event: &OrderCounted) -> Self {
        this.unwrap_or_default().plus(event)
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
        const EVENTS: &'static [&'static str] =
            &[<OrderCreated as rt::Event>::NAME, <OrderShipped as rt::Event>::NAME, <OrderCounted as rt::Event>::NAME];
        fn fold(
            state: &mut ::core::option::Option<Self>,
            event: &rt::RecordedEvent,
            id: &Self::Id,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<OrderCreated>::NAME => {
                    let e = rt::Calls::<OrderCreated>::decode(event)?;
                    rt::fold::create(state, event, || Self::created(&e))
                }
                rt::Calls::<OrderShipped>::NAME => {
                    let e = rt::Calls::<OrderShipped>::decode(event)?;
                    rt::fold::change(state, event, |this| {
                        Self::shipped(this, &e, <OrderId as rt::IdentityOf<Self::Id>>::of(id))
                    })
                }
                rt::Calls::<OrderCounted>::NAME => {
                    let e = rt::Calls::<OrderCounted>::decode(event)?;
                    rt::fold::make_or_change(state, |this| Self::counted(this, &e))
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
    const _: () = rt::require(
        rt::Calls::<(OrderShipped, OrderId)>::TAGS >= 1,
        rt::rules::EVENT_WITHOUT_TAG,
        &["OrderShipped", "OrderId"],
    );
    const _: () = rt::require(
        rt::Calls::<(OrderCounted, OrderId)>::TAGS == 1,
        rt::rules::EVENT_WITHOUT_TAG,
        &["OrderCounted", "OrderId"],
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
