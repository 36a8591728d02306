//! `#[projection]` that says which rows an event is about: one key, several, all of an index.

#[projection(on = [Sold, Moved, CustomerRenamed, CustomerLeft])]
impl DailySales {
    #[key(e.recorded_at().date())]
    fn sold(this: Option<Self>, e: &Recorded<Sold>) -> Self {
        this.unwrap_or_default().plus(e)
    }
    #[keys([moved.from, moved.to])]
    fn moved(&mut self, moved: &Moved, id: &Date) {
        self.moved(moved, id)
    }
    #[by(customer)]
    fn renamed(&mut self, e: &CustomerRenamed) {
        self.name = e.name.clone();
    }
    #[by(customer = e.who)]
    fn left(self, e: &CustomerLeft) -> Option<Self> {
        None
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
impl DailySales {
    fn sold(this: Option<Self>, #[allow(unused_variables)] e: &Recorded<Sold>) -> Self {
        this.unwrap_or_default().plus(e)
    }
    fn moved(&mut self, #[allow(unused_variables)] moved: &Moved, id: &Date) {
        self.moved(moved, id)
    }
    fn renamed(&mut self, #[allow(unused_variables)] e: &CustomerRenamed) {
        self.name = e.name.clone();
    }
    fn left(self, #[allow(unused_variables)] e: &CustomerLeft) -> Option<Self> {
        None
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Fold for DailySales {
        const NAME: &'static str = "DailySales";
        type View = Self;
        const EVENTS: &'static [&'static str] = &[
            <Sold as rt::Event>::NAME,
            <Moved as rt::Event>::NAME,
            <CustomerRenamed as rt::Event>::NAME,
            <CustomerLeft as rt::Event>::NAME,
        ];
        const BASIS: rt::Basis = rt::Basis {
            revision: 1u32,
            versions: &[
                rt::Calls::<Sold>::VERSION,
                rt::Calls::<Moved>::VERSION,
                rt::Calls::<CustomerRenamed>::VERSION,
                rt::Calls::<CustomerLeft>::VERSION,
            ],
            routes: &[5814712360763015712u64, 2693838268046837436u64, 5825306724841078180u64, 6442191957682988731u64],
        };
        fn fold(
            event: &rt::RecordedEvent,
            _look_ups: &rt::LookUps<'_>,
            rows: &mut rt::Rows<'_, Self::View>,
        ) -> ::core::result::Result<(), rt::FoldError> {
            match event.name() {
                rt::Calls::<Sold>::NAME => {
                    let e = rt::Calls::<Sold>::decode(event)?;
                    let e = &*e;
                    rt::Calls::<Self>::make_or_change(rows, event, &(e.recorded_at().date()), |this| {
                        Self::sold(this, &e)
                    });
                }
                rt::Calls::<Moved>::NAME => {
                    let e = rt::Calls::<Moved>::decode(event)?;
                    let moved = &*e;
                    #[allow(clippy::unnecessary_to_owned)]
                    for key in [moved.from, moved.to] {
                        let key = &key;
                        rt::Calls::<Self>::change(rows, event, key, |this| {
                            Self::moved(this, &e, rt::key_of::<Date, _>(key))
                        });
                    }
                }
                rt::Calls::<CustomerRenamed>::NAME => {
                    let e = rt::Calls::<CustomerRenamed>::decode(event)?;
                    rt::Calls::<Self>::change_by(rows, event, <Self>::CUSTOMER, &e.customer, |this| {
                        Self::renamed(this, &e)
                    });
                }
                rt::Calls::<CustomerLeft>::NAME => {
                    let e = rt::Calls::<CustomerLeft>::decode(event)?;
                    let e = &*e;
                    rt::Calls::<Self>::change_or_end_by(rows, event, <Self>::CUSTOMER, &(e.who), |this| {
                        Self::left(this, &e)
                    });
                }
                _ => {}
            }
            ::core::result::Result::Ok(())
        }
    }
    rt::inventory::submit!(rt::Registration::fold::<DailySales>(::core::module_path!(), &[]));
};
