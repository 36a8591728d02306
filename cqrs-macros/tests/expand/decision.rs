//! A decision on one aggregate, which is loaded by the command's field of its parameter's name.

#[command]
fn ship(cmd: Ship, order: &Order) -> Result<Shipped, OrderError> {
    order.ship(cmd)
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
fn ship(cmd: Ship, order: &Order) -> Result<Shipped, OrderError> {
    order.ship(cmd)
}
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::CommandHandler for Ship {
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
                rt::Probe::<&Order>::LOADED,
                rt::Calls::<Ship>::FIELDS,
                rt::rules::NO_SUCH_FIELD,
                &["order", "Ship"],
            );
        };
        const _: () = rt::require_folded(
            rt::Probe::<&Order>::PARAMETER,
            rt::Probe::<Result<Shipped, OrderError>>::EMITS,
            rt::rules::FORGOTTEN,
            &["ship", "Order"],
        );
        rt::inventory::submit!(rt::Registration::command_handler(
            ::core::module_path!(),
            rt::Calls::<(Ship, rt::Here)>::COMMAND,
            "ship",
            false,
            &[rt::Probe::<&Order>::PARAMETER],
            rt::Probe::<Result<Shipped, OrderError>>::EMITS,
        ));
        rt::Calls::<Self>::decide(
            context,
            self,
            |cmd, _, load| load.one::<&Order>(rt::Fields::<_, { rt::field_name("order") }>::of(cmd).named()),
            |command, loaded, meta| {
                rt::Calls::<Self>::emitted::<Shipped, OrderError>()(ship(
                    command,
                    rt::Calls::<&Order>::take(&loaded, 0, meta)?,
                ))
            },
        )
    }
}
