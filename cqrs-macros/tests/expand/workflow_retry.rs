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
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::CommandHandler for Reserve {
    fn handle(
        self,
        context: rt::CommandContext,
    ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
        #[allow(unused_imports)]
        use rt::{Fallback as _, FallbackCodec as _, Unless as _};
        #[allow(unused_imports)]
        use rt::{FallbackField as _, FieldAccess as _};
        const _: () = {
            rt::require_field(
                rt::Probe::<&Stock>::LOADED,
                rt::Calls::<Reserve>::FIELDS,
                rt::rules::NO_SUCH_FIELD,
                &["stock", "Reserve"],
            );
        };
        const _: () =
            rt::require(!rt::Probe::<State<Warehouse>>::IS_BUS, rt::rules::DECISION_BUS, &["State<Warehouse>"]);
        const _: () = rt::require_folded(
            rt::Probe::<&Stock>::PARAMETER,
            rt::Probe::<Result<Reserved, StockError>>::EMITS,
            rt::rules::FORGOTTEN,
            &["reserve", "Stock"],
        );
        rt::inventory::submit!(rt::Registration::command_handler(
            ::core::module_path!(),
            rt::Calls::<(Reserve, rt::Here)>::COMMAND,
            "reserve",
            true,
            &[rt::Probe::<&Stock>::PARAMETER, rt::Probe::<State<Warehouse>>::PARAMETER],
            rt::Probe::<Result<Reserved, StockError>>::EMITS,
        ));
        async move {
            loop {
                let mut work = match rt::Calls::<Self>::begin(&context, &self, false, |cmd, _, load| {
                    load.one::<&Stock>(rt::Fields::<_, { rt::field_name("stock") }>::of(cmd).named())
                })
                .await
                {
                    ::core::result::Result::Ok(work) => work,
                    ::core::result::Result::Err(answer) => return answer,
                };
                let result = {
                    let (loaded, _) = work.parts();
                    let running = rt::Calls::<(&Stock,)>::running(
                        &context,
                        reserve(
                            ::core::clone::Clone::clone(&self),
                            rt::Calls::<&Stock>::take(&loaded, 0, context.meta())?,
                            context.service::<State<Warehouse>>()?,
                        ),
                    );
                    running.await
                };
                match rt::Calls::<Self>::finish(
                    work,
                    &context,
                    rt::Calls::<Self>::emitted::<Reserved, StockError>()(result),
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
