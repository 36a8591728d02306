//! Policies: on one event, and on several.

#[policy(on = [OrderPaid])]
fn pack(e: &OrderPaid) -> PackOrder {
    PackOrder { order: e.order }
}

#[policy(on = [OrderShipped, OrderCancelled])]
impl Letters {
    async fn shipped(e: &Recorded<OrderShipped>, mailer: State<Mailer>) -> Result<(), MailError> {
        mailer.send(e.order, e.id()).await
    }
    fn cancelled(e: &OrderCancelled) -> Option<ReturnMoney> {
        e.paid.then_some(ReturnMoney { order: e.order })
    }
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)]
fn pack(e: &OrderPaid) -> PackOrder {
    PackOrder { order: e.order }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::ReturnedNothing as _;
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[allow(unused_qualifications)]
    const REACTIONS: &[rt::Reaction] = &[rt::Reaction {
        event: <OrderPaid as rt::Event>::NAME,
        effects: false,
        parameters: &[],
        commands: rt::returns::<PackOrder>(),
        react: {
            fn react<'a>(_context: &'a rt::PolicyContext<'a>, event: &'a rt::RecordedEvent) -> rt::Reacting<'a> {
                ::std::boxed::Box::pin(async move {
                    let e = rt::Calls::<OrderPaid>::decode(event)?;
                    rt::Returned::<PackOrder>::sent()(pack(&e))
                })
            }
            react
        },
    }];
    rt::inventory::submit!(rt::Registration::policy(
        ::core::module_path!(),
        "pack",
        "policy:pack",
        false,
        ::core::option::Option::None,
        REACTIONS
    ));
};
#[allow(clippy::needless_pass_by_value, clippy::trivially_copy_pass_by_ref, clippy::unused_async)]
impl Letters {
    async fn shipped(e: &Recorded<OrderShipped>, mailer: State<Mailer>) -> Result<(), MailError> {
        mailer.send(e.order, e.id()).await
    }
    fn cancelled(e: &OrderCancelled) -> Option<ReturnMoney> {
        e.paid.then_some(ReturnMoney { order: e.order })
    }
}
const _: () = {
    #[allow(unused_imports)]
    use rt::ReturnedNothing as _;
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[allow(unused_qualifications)]
    const REACTIONS: &[rt::Reaction] = &[
        rt::Reaction {
            event: <OrderShipped as rt::Event>::NAME,
            effects: true,
            parameters: &[rt::Probe::<State<Mailer>>::PARAMETER],
            commands: rt::may_return::<Result<(), MailError>>(),
            react: {
                fn react<'a>(context: &'a rt::PolicyContext<'a>, event: &'a rt::RecordedEvent) -> rt::Reacting<'a> {
                    ::std::boxed::Box::pin(async move {
                        let e = rt::Calls::<OrderShipped>::decode(event)?;
                        rt::Returned::<Result<(), MailError>>::sent()(
                            <Letters>::shipped(&e, context.get::<State<Mailer>>().await?).await,
                        )
                    })
                }
                react
            },
        },
        rt::Reaction {
            event: <OrderCancelled as rt::Event>::NAME,
            effects: false,
            parameters: &[],
            commands: rt::returns::<Option<ReturnMoney>>(),
            react: {
                fn react<'a>(_context: &'a rt::PolicyContext<'a>, event: &'a rt::RecordedEvent) -> rt::Reacting<'a> {
                    ::std::boxed::Box::pin(async move {
                        let e = rt::Calls::<OrderCancelled>::decode(event)?;
                        rt::Returned::<Option<ReturnMoney>>::sent()(<Letters>::cancelled(&e))
                    })
                }
                react
            },
        },
    ];
    const _: () = rt::require(!rt::Probe::<State<Mailer>>::IS_BUS, rt::rules::POLICY_BUS, &["State<Mailer>"]);
    rt::inventory::submit!(rt::Registration::policy(
        ::core::module_path!(),
        "Letters",
        "policy:Letters",
        false,
        ::core::option::Option::None,
        REACTIONS
    ));
};
