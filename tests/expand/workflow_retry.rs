//! A workflow that is run again where it meets a conflict.

#[command(retry)]
async fn reserve(cmd: Reserve, stock: &Stock, warehouse: State<Warehouse>) -> Result<Reserved, StockError> {
    warehouse.reserve(cmd, stock).await
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
async fn reserve(cmd: Reserve, stock: &Stock, warehouse: State<Warehouse>) -> Result<Reserved, StockError> {
    warehouse.reserve(cmd, stock).await
}
#[allow(unused_macros)]
macro_rules! __handler_reserve {
    () => {};
}
#[doc(hidden)]
#[allow(non_upper_case_globals)]
const __handler_reserve: () = {
    #[automatically_derived]
    #[allow(clippy::manual_async_fn)]
    #[allow(non_local_definitions, unused_qualifications)]
    impl rt::CommandHandler for Reserve {
        fn handle(
            self,
            context: rt::CommandContext,
        ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
            async move {
                loop {
                    let mut work = match rt::Of::<Self>::begin(&context, &self, false, |cmd, _, load| {
                        load.one::<&Stock>(rt::Fields::<_, 4981349169778920693u64>::of(cmd).named())
                    })
                    .await
                    {
                        ::core::result::Result::Ok(work) => work,
                        ::core::result::Result::Err(answer) => return answer,
                    };
                    let result = {
                        let (loaded, _) = work.parts();
                        context
                            .running(reserve(
                                ::core::clone::Clone::clone(&self),
                                rt::Of::<&Stock>::take(&loaded, 0, context.meta())?,
                                context.service::<State<Warehouse>>()?,
                            ))
                            .await
                    };
                    match rt::Of::<Self>::finish(
                        work,
                        &context,
                        rt::Of::<Self>::emitted::<Reserved, StockError>()(result),
                    )
                    .await
                    {
                        ::core::result::Result::Err(error) if context.may_retry(&error) => {}
                        answer => return answer,
                    }
                }
            }
        }
    }
    #[allow(unused_imports)]
    use rt::{Names as _, NamesNothing as _};
    #[allow(unused_imports)]
    use rt::{NoJson as _, OfNothing as _, Unless as _};
    const _: () = {
        rt::require_field(
            rt::Probe::<&Stock>::LOADED,
            rt::Of::<Reserve>::FIELDS,
            "stock",
            "[CQRS210] `stock` is no field of `Reserve`",
            "\n  why: an aggregate is loaded by the command's field of its parameter's name\n  instead: name the parameter as the field that holds its id, or say which with `#[id(cmd.field)]`\n  see: cqrs_runtime::rules#cqrs210",
        );
    };
    const _: () = rt::require(
        !rt::Probe::<State<Warehouse>>::IS_BUS,
        "[CQRS203] a command handler cannot take `State<Warehouse>`\n  why: a handler that sends commands or reads the log hides what it does from its signature\n  instead: return the events; what follows from them is the work of a `#[policy]`\n  see: cqrs_runtime::rules#cqrs203",
    );
    const _: () = rt::require_folded(
        rt::Probe::<&Stock>::PARAMETER,
        rt::Probe::<Result<Reserved, StockError>>::EMITS,
        "[CQRS407] `reserve` decides on `Stock` and may emit what `Stock` neither folds nor ignores",
        "\n  why: what was decided would be forgotten: the next decision would be made as if it had not happened\n  instead: list the event in `on` of `Stock`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`\n  see: cqrs_runtime::rules#cqrs407",
    );
    rt::inventory::submit!(rt::Registration::command_handler(
        ::core::module_path!(),
        rt::Of::<(Reserve, rt::Here)>::COMMAND,
        "reserve",
        true,
        &[rt::Probe::<&Stock>::PARAMETER, rt::Probe::<State<Warehouse>>::PARAMETER],
        rt::Probe::<Result<Reserved, StockError>>::EMITS,
    ));
};
