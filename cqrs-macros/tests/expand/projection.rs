//! `#[projection]` of a view: all forms of a method, each found by the event's field of the key's name.

#[projection(on = [OrderCreated, OrderShipped, OrderCounted, OrderClosed])]
impl OrderSummary {
    fn created(event: &Recorded<OrderCreated>) -> Self {
        Self::new(event)
    }
    fn shipped(&mut self, _: &OrderShipped, id: &OrderId) {
        self.shipped(id)
    }
    fn counted(this: Option<Self>, event: &OrderCounted) -> Self {
        this.unwrap_or_default().plus(event)
    }
    fn closed(self, _: &OrderClosed) -> Option<Self> {
        self.is_open.then_some(self)
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
    fn created(event: &Recorded<OrderCreated>) -> Self {
        Self::new(event)
    }
    fn shipped(&mut self, _: &OrderShipped, id: &OrderId) {
        self.shipped(id)
    }
    fn counted(this: Option<Self>, event: &OrderCounted) -> Self {
        this.unwrap_or_default().plus(event)
    }
    fn closed(self, _: &OrderClosed) -> Option<Self> {
        self.is_open.then_some(self)
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
        const EVENTS: &'static [&'static str] = &[
            <OrderCreated as rt::Event>::NAME,
            <OrderShipped as rt::Event>::NAME,
            <OrderCounted as rt::Event>::NAME,
            <OrderClosed as rt::Event>::NAME,
        ];
        const BASIS: rt::Basis = rt::Basis {
            revision: 1u32,
            versions: &[
                rt::Calls::<OrderCreated>::VERSION,
                rt::Calls::<OrderShipped>::VERSION,
                rt::Calls::<OrderCounted>::VERSION,
                rt::Calls::<OrderClosed>::VERSION,
            ],
            routes: &[17820286237914133501u64, 5359691489552867965u64, 459622002764615476u64, 221191178867770151u64],
        };
        fn fold(
            event: &rt::RecordedEvent,
            _look_ups: &rt::LookUps<'_>,
            rows: &mut rt::Rows<'_, Self::View>,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<OrderCreated>::NAME => {
                    let e = rt::Calls::<OrderCreated>::decode(event)?;
                    rt::Calls::<Self>::create(
                        rows,
                        event,
                        rt::RowKey::<OrderCreated, OrderSummary, { rt::Calls::<OrderSummary>::KEY }>::of(&e).found(),
                        || Self::created(&e),
                    );
                }
                rt::Calls::<OrderShipped>::NAME => {
                    let e = rt::Calls::<OrderShipped>::decode(event)?;
                    let key =
                        rt::RowKey::<OrderShipped, OrderSummary, { rt::Calls::<OrderSummary>::KEY }>::of(&e).found();
                    rt::Calls::<Self>::change(rows, event, key, |this| {
                        Self::shipped(this, &e, rt::key_of::<OrderId, _>(key))
                    });
                }
                rt::Calls::<OrderCounted>::NAME => {
                    let e = rt::Calls::<OrderCounted>::decode(event)?;
                    rt::Calls::<Self>::make_or_change(
                        rows,
                        event,
                        rt::RowKey::<OrderCounted, OrderSummary, { rt::Calls::<OrderSummary>::KEY }>::of(&e).found(),
                        |this| Self::counted(this, &e),
                    );
                }
                rt::Calls::<OrderClosed>::NAME => {
                    let e = rt::Calls::<OrderClosed>::decode(event)?;
                    rt::Calls::<Self>::change_or_end(
                        rows,
                        event,
                        rt::RowKey::<OrderClosed, OrderSummary, { rt::Calls::<OrderSummary>::KEY }>::of(&e).found(),
                        |this| Self::closed(this, &e),
                    );
                }
                _ => {}
            }
            ::core::result::Result::Ok(())
        }
    }
    rt::inventory::submit!(rt::Registration::fold::<OrderSummary>(::core::module_path!(), &[]));
};
