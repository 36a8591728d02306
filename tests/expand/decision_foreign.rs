//! A decision on a command that lives in another crate.

#[command(foreign)]
fn close(cmd: contracts::Close) -> contracts::Handled {
    Ok(Closed { order: cmd.order })
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
fn close(cmd: contracts::Close) -> contracts::Handled {
    Ok(Closed { order: cmd.order })
}
#[allow(unused_macros)]
macro_rules! __handler_close {
    () => {};
}
#[doc(hidden)]
#[allow(non_upper_case_globals)]
const __handler_close: () = {
    #[doc(hidden)]
    #[allow(unreachable_pub)]
    pub struct Foreign;
    #[automatically_derived]
    #[allow(clippy::manual_async_fn)]
    #[allow(non_local_definitions, unused_qualifications)]
    impl rt::CommandHandler<Foreign> for contracts::Close {
        fn handle(
            self,
            context: rt::CommandContext,
        ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
            rt::Of::<Self>::decide(
                context,
                self,
                |_, _, _| {},
                |command, _loaded, _meta| rt::Of::<Self>::emitted_as::<contracts::Handled>()(close(command)),
            )
        }
    }
    #[allow(unused_imports)]
    use rt::{NoJson as _, OfNothing as _, Unless as _};
    rt::inventory::submit!(rt::Registration::command_handler(
        ::core::module_path!(),
        rt::Of::<(contracts::Close, Foreign)>::COMMAND,
        "close",
        false,
        &[],
        rt::Probe::<contracts::Handled>::EMITS,
    ));
};
