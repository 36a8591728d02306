//! A decision on a command that is defined in another crate.

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
#[doc(hidden)]
#[allow(non_camel_case_types, unreachable_pub)]
pub struct __foreign_close;
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::CommandHandler<__foreign_close> for contracts::Close {
    fn handle(
        self,
        context: rt::CommandContext,
    ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
        #[allow(unused_imports)]
        use rt::{Fallback as _, FallbackCodec as _, Unless as _};
        rt::inventory::submit!(rt::Registration::command_handler(
            ::core::module_path!(),
            rt::Calls::<(contracts::Close, __foreign_close)>::COMMAND,
            "close",
            false,
            &[],
            rt::Probe::<contracts::Handled>::EMITS,
        ));
        rt::Calls::<Self>::decide(
            context,
            self,
            |_, _, _| {},
            |command, _loaded, _meta| rt::Calls::<Self>::emitted_as::<contracts::Handled>()(close(command)),
        )
    }
}
