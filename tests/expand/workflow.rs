//! A workflow: a service, a stale reading of a view, and the database's transaction.

#[command]
async fn place(
    cmd: Place,
    order: Option<&Order>,
    prices: State<Prices>,
    stock: Stale<Views<Stock>>,
    tx: &mut Tx<Sqlite>,
) -> Result<Vec<Placed>, OrderError> {
    prices.place(cmd, order, stock, tx).await
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
async fn place(
    cmd: Place,
    order: Option<&Order>,
    prices: State<Prices>,
    stock: Stale<Views<Stock>>,
    tx: &mut Tx<Sqlite>,
) -> Result<Vec<Placed>, OrderError> {
    prices.place(cmd, order, stock, tx).await
}
#[allow(unused_macros)]
macro_rules! __handler_place {
    () => {};
}
#[doc(hidden)]
#[allow(non_upper_case_globals)]
const __handler_place: () = {
    #[automatically_derived]
    #[allow(clippy::manual_async_fn)]
    #[allow(non_local_definitions, unused_qualifications)]
    impl rt::CommandHandler for Place {
        fn handle(
            self,
            context: rt::CommandContext,
        ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
            async move {
                let mut work = match rt::Of::<Self>::begin(&context, &self, true, |cmd, _, load| {
                    load.optional::<Option<&Order>>(rt::Fields::<_, 7774916592154454519u64>::of(cmd).named())
                })
                .await
                {
                    ::core::result::Result::Ok(work) => work,
                    ::core::result::Result::Err(answer) => return answer,
                };
                let result = {
                    let (loaded, mut transaction) = work.parts();
                    context
                        .running(place(
                            self,
                            rt::Of::<Option<&Order>>::take(&loaded, 0, context.meta())?,
                            context.service::<State<Prices>>()?,
                            context.service::<Stale<Views<Stock>>>()?,
                            transaction.get::<&mut Tx<Sqlite>>(),
                        ))
                        .await
                };
                rt::Of::<Self>::finish(work, &context, rt::Of::<Self>::emitted::<Vec<Placed>, OrderError>()(result))
                    .await
            }
        }
    }
    #[allow(unused_imports)]
    use rt::{Names as _, NamesNothing as _};
    #[allow(unused_imports)]
    use rt::{NoJson as _, OfNothing as _, Unless as _};
    const _: () = {
        rt::require_field(
            rt::Probe::<Option<&Order>>::LOADED,
            rt::Of::<Place>::FIELDS,
            "order",
            "[CQRS210] `order` is no field of `Place`",
            "\n  why: an aggregate is loaded by the command's field of its parameter's name\n  instead: name the parameter as the field that holds its id, or say which with `#[id(cmd.field)]`\n  see: cqrs_runtime::rules#cqrs210",
        );
    };
    const _: () = rt::require(
        !rt::Probe::<State<Prices>>::IS_BUS,
        "[CQRS203] a command handler cannot take `State<Prices>`\n  why: a handler that sends commands or reads the log hides what it does from its signature\n  instead: return the events; what follows from them is the work of a `#[policy]`\n  see: cqrs_runtime::rules#cqrs203",
    );
    const _: () = rt::require_folded(
        rt::Probe::<Option<&Order>>::PARAMETER,
        rt::Probe::<Result<Vec<Placed>, OrderError>>::EMITS,
        "[CQRS407] `place` decides on `Order` and may emit what `Order` neither folds nor ignores",
        "\n  why: what was decided would be forgotten: the next decision would be made as if it had not happened\n  instead: list the event in `on` of `Order`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`\n  see: cqrs_runtime::rules#cqrs407",
    );
    rt::inventory::submit!(rt::Registration::command_handler(
        ::core::module_path!(),
        rt::Of::<(Place, rt::Here)>::COMMAND,
        "place",
        true,
        &[
            rt::Probe::<Option<&Order>>::PARAMETER,
            rt::Probe::<State<Prices>>::PARAMETER,
            rt::Probe::<Stale<Views<Stock>>>::PARAMETER,
            rt::Probe::<Tx<Sqlite>>::PARAMETER
        ],
        rt::Probe::<Result<Vec<Placed>, OrderError>>::EMITS,
    ));
};
