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
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::CommandHandler for Place {
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
                rt::Probe::<Option<&Order>>::LOADED,
                rt::Calls::<Place>::FIELDS,
                rt::rules::NO_SUCH_FIELD,
                &["order", "Place"],
            );
        };
        const _: () = rt::require(!rt::Probe::<State<Prices>>::IS_BUS, rt::rules::DECISION_BUS, &["State<Prices>"]);
        const _: () = rt::require_folded(
            rt::Probe::<Option<&Order>>::PARAMETER,
            rt::Probe::<Result<Vec<Placed>, OrderError>>::EMITS,
            rt::rules::FORGOTTEN,
            &["place", "Order"],
        );
        rt::inventory::submit!(rt::Registration::command_handler(
            ::core::module_path!(),
            rt::Calls::<(Place, rt::Here)>::COMMAND,
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
        async move {
            let mut work = match rt::Calls::<Self>::begin(&context, &self, true, |cmd, _, load| {
                load.optional::<Option<&Order>>(rt::Fields::<_, { rt::field_name("order") }>::of(cmd).named())
            })
            .await
            {
                ::core::result::Result::Ok(work) => work,
                ::core::result::Result::Err(answer) => return answer,
            };
            let result = {
                let (loaded, mut transaction) = work.parts();
                let running = rt::Calls::<(Option<&Order>,)>::running(
                    &context,
                    place(
                        self,
                        rt::Calls::<Option<&Order>>::take(&loaded, 0, context.meta())?,
                        context.service::<State<Prices>>()?,
                        context.service::<Stale<Views<Stock>>>()?,
                        transaction.get::<&mut Tx<Sqlite>>(),
                    ),
                );
                running.await
            };
            rt::Calls::<Self>::finish(work, &context, rt::Calls::<Self>::emitted::<Vec<Placed>, OrderError>()(result))
                .await
        }
    }
}
