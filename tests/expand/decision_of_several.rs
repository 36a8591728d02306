//! A decision on several aggregates, found by expressions, and on who asks.

#[command]
fn enrol(
    cmd: Enrol,
    course: &Course,
    #[id(cmd.student)] _enrolled: Absent<Student>,
    #[id(cmd.required.iter().copied())] required: Many<Course>,
    meta: &Meta,
) -> Result<Decision<Enrolled, EnrolmentId>, EnrolError> {
    course.enrol(cmd, required, meta)
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

#[allow(
    clippy::needless_pass_by_value,
    clippy::trivially_copy_pass_by_ref,
    clippy::unnecessary_wraps,
    clippy::unused_async
)]
fn enrol(
    #[allow(unused_variables)] cmd: Enrol,
    course: &Course,
    _enrolled: Absent<Student>,
    required: Many<Course>,
    meta: &Meta,
) -> Result<Decision<Enrolled, EnrolmentId>, EnrolError> {
    course.enrol(cmd, required, meta)
}
#[allow(unused_macros)]
macro_rules! __handler_enrol {
    () => {};
}
#[doc(hidden)]
#[allow(non_upper_case_globals)]
const __handler_enrol: () = {
    #[automatically_derived]
    #[allow(clippy::manual_async_fn)]
    #[allow(non_local_definitions, unused_qualifications)]
    impl rt::CommandHandler for Enrol {
        fn handle(
            self,
            context: rt::CommandContext,
        ) -> impl ::core::future::Future<Output = rt::Handling<Self>> + ::core::marker::Send {
            rt::Of::<Self>::decide(
                context,
                self,
                |cmd, #[allow(unused_variables)] meta, load| {
                    load.one::<&Course>(rt::Fields::<_, 1585764864008969528u64>::of(cmd).named());
                    load.one::<Absent<Student>>(&(cmd.student));
                    load.many::<Many<Course>, _>(cmd.required.iter().copied())
                },
                |command, loaded, meta| {
                    rt::Of::<Self>::emitted::<Decision<Enrolled, EnrolmentId>, EnrolError>()(enrol(
                        command,
                        rt::Of::<&Course>::take(&loaded, 0, meta)?,
                        rt::Of::<Absent<Student>>::take(&loaded, 1, meta)?,
                        rt::Of::<Many<Course>>::take(&loaded, 2, meta)?,
                        meta,
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
            rt::Probe::<&Course>::LOADED,
            rt::Of::<Enrol>::FIELDS,
            "course",
            "[CQRS210] `course` is no field of `Enrol`",
            "\n  why: an aggregate is loaded by the command's field of its parameter's name\n  instead: name the parameter as the field that holds its id, or say which with `#[id(cmd.field)]`\n  see: cqrs_runtime::rules#cqrs210",
        );
    };
    const _: () = rt::require_folded(
        rt::Probe::<&Course>::PARAMETER,
        rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
        "[CQRS407] `enrol` decides on `Course` and may emit what `Course` neither folds nor ignores",
        "\n  why: what was decided would be forgotten: the next decision would be made as if it had not happened\n  instead: list the event in `on` of `Course`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`\n  see: cqrs_runtime::rules#cqrs407",
    );
    const _: () = rt::require_folded(
        rt::Probe::<Absent<Student>>::PARAMETER,
        rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
        "[CQRS407] `enrol` decides on `Student` and may emit what `Student` neither folds nor ignores",
        "\n  why: what was decided would be forgotten: the next decision would be made as if it had not happened\n  instead: list the event in `on` of `Student`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`\n  see: cqrs_runtime::rules#cqrs407",
    );
    rt::inventory::submit!(rt::Registration::command_handler(
        ::core::module_path!(),
        rt::Of::<(Enrol, rt::Here)>::COMMAND,
        "enrol",
        false,
        &[
            rt::Probe::<&Course>::PARAMETER,
            rt::Probe::<Absent<Student>>::PARAMETER,
            rt::Probe::<Many<Course>>::PARAMETER
        ],
        rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
    ));
};
