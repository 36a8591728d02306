//! `#[projection]` of a view that is defined in another crate, over every event of an aggregate.

#[projection(view = contracts::OrderSummary, on = Order, ignore = [OrderPriced], key = order)]
impl OrderSummaries {
    fn created(e: &OrderCreated) -> contracts::OrderSummary {
        contracts::OrderSummary::new(e)
    }
    fn shipped(view: &mut contracts::OrderSummary, _: &OrderShipped) {
        view.shipped = true;
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
impl OrderSummaries {
    fn created(e: &OrderCreated) -> contracts::OrderSummary {
        contracts::OrderSummary::new(e)
    }
    fn shipped(view: &mut contracts::OrderSummary, _: &OrderShipped) {
        view.shipped = true;
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Fold for OrderSummaries {
        const NAME: &'static str = "OrderSummaries";
        type View = contracts::OrderSummary;
        const EVENTS: &'static [&'static str] = &[<OrderCreated as rt::Event>::NAME, <OrderShipped as rt::Event>::NAME];
        const BASIS: rt::Basis = rt::Basis {
            revision: 1u32,
            versions: &[rt::Calls::<OrderCreated>::VERSION, rt::Calls::<OrderShipped>::VERSION],
            routes: &[4411669500849417059u64, 825613313241231843u64],
        };
        fn fold(
            event: &rt::RecordedEvent,
            _look_ups: &rt::LookUps<'_>,
            rows: &mut rt::Rows<'_, Self::View>,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<OrderCreated>::NAME => {
                    let e = rt::Calls::<OrderCreated>::decode(event)?;
                    rt::Calls::<contracts::OrderSummary>::create(rows, event, &e.order, || Self::created(&e));
                }
                rt::Calls::<OrderShipped>::NAME => {
                    let e = rt::Calls::<OrderShipped>::decode(event)?;
                    rt::Calls::<contracts::OrderSummary>::change(rows, event, &e.order, |this| Self::shipped(this, &e));
                }
                _ => {}
            }
            ::core::result::Result::Ok(())
        }
    }
    const _: () = rt::require(
        rt::same_events(
            &[<OrderCreated as rt::Event>::NAME, <OrderShipped as rt::Event>::NAME, <OrderPriced as rt::Event>::NAME],
            <Order as rt::HasEvents>::EVENTS,
        ),
        rt::rules::EVENT_OF_AGGREGATE,
        &["Order"],
    );
    rt::inventory::submit!(rt::Registration::fold::<OrderSummaries>(::core::module_path!(), &[]));
};
