//! `#[projection]` that reads other views at the same position.

#[projection(on = [OrderCreated])]
impl OrderSummary {
    fn created(e: &OrderCreated, customer: Option<&CustomerCard>, #[id(e.agent)] agent: Option<&Agent>) -> Self {
        Self::new(e, customer, agent)
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
impl OrderSummary {
    fn created(
        #[allow(unused_variables)] e: &OrderCreated,
        customer: Option<&CustomerCard>,
        agent: Option<&Agent>,
    ) -> Self {
        Self::new(e, customer, agent)
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::NoRowKey as _;
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Fold for OrderSummary {
        const NAME: &'static str = "OrderSummary";
        type View = Self;
        const EVENTS: &'static [&'static str] = &[<OrderCreated as rt::Event>::NAME];
        const BASIS: rt::Basis = rt::Basis {
            revision: 1u32,
            versions: &[rt::Calls::<OrderCreated>::VERSION],
            routes: &[622653809969051004u64],
        };
        fn fold(
            event: &rt::RecordedEvent,
            look_ups: &rt::LookUps<'_>,
            rows: &mut rt::Rows<'_, Self::View>,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<OrderCreated>::NAME => {
                    let e = rt::Calls::<OrderCreated>::decode(event)?;
                    let e = &*e;
                    let look_up_0 = rt::Calls::<CustomerCard>::look_up(look_ups, &e.customer);
                    let look_up_1 = rt::Calls::<Agent>::look_up(look_ups, &(e.agent));
                    rt::Calls::<Self>::create(
                        rows,
                        event,
                        rt::RowKey::<OrderCreated, OrderSummary, { rt::Calls::<OrderSummary>::KEY }>::of(&e).found(),
                        || Self::created(&e, look_up_0, look_up_1),
                    );
                }
                _ => {}
            }
            ::core::result::Result::Ok(())
        }
    }
    rt::inventory::submit!(rt::Registration::fold::<OrderSummary>(
        ::core::module_path!(),
        &[rt::looked_up::<CustomerCard>(), rt::looked_up::<Agent>()]
    ));
};
