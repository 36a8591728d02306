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
#[allow(unused_macros)]
macro_rules! __handler_ship {
    () => {};
}
#[doc(hidden)]
#[allow(non_upper_case_globals)]
const __handler_ship: () = {
    #[automatically_derived]
    #[allow(clippy::manual_async_fn)]
    #[allow(non_local_definitions, unused_qualifications)]
    impl rt::CommandHandler for Ship {
        fn handle(
            self,
            context: rt::CommandContext,
        ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
            rt::Of::<Self>::decide(
                context,
                self,
                |cmd, _, load| load.one::<&Order>(rt::Fields::<_, 7774916592154454519u64>::of(cmd).named()),
                |command, loaded, meta| {
                    rt::Of::<Self>::emitted::<Shipped, OrderError>()(ship(
                        command,
                        rt::Of::<&Order>::take(&loaded, 0, meta)?,
                    ))
                },
            )
        }
    }
    #[allow(unused_imports)]
    use rt::{Names as _, NamesNothing as _};
    #[allow(unused_imports)]
    use rt::{NoJson as _, OfNothing as _, Unless as _};
    const _: () = {
        rt::require_field(
            rt::Probe::<&Order>::LOADED,
            rt::Of::<Ship>::FIELDS,
            "order",
            "[CQRS210] `order` is no field of `Ship`",
            "\n  why: an aggregate is loaded by the command's field of its parameter's name\n  instead: name the parameter as the field that holds its id, or say which with `#[id(cmd.field)]`\n  see: cqrs_runtime::rules#cqrs210",
        );
    };
    const _: () = rt::require_folded(
        rt::Probe::<&Order>::PARAMETER,
        rt::Probe::<Result<Shipped, OrderError>>::EMITS,
        "[CQRS407] `ship` decides on `Order` and may emit what `Order` neither folds nor ignores",
        "\n  why: what was decided would be forgotten: the next decision would be made as if it had not happened\n  instead: list the event in `on` of `Order`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`\n  see: cqrs_runtime::rules#cqrs407",
    );
    rt::inventory::submit!(rt::Registration::command_handler(
        ::core::module_path!(),
        rt::Of::<(Ship, rt::Here)>::COMMAND,
        "ship",
        false,
        &[rt::Probe::<&Order>::PARAMETER],
        rt::Probe::<Result<Shipped, OrderError>>::EMITS,
    ));
};
