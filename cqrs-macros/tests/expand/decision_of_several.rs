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
#[automatically_derived]
#[allow(clippy::manual_async_fn)]
#[allow(non_local_definitions, unused_qualifications)]
impl rt::CommandHandler for Enrol {
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
                rt::Probe::<&Course>::LOADED,
                rt::Calls::<Enrol>::FIELDS,
                rt::rules::NO_SUCH_FIELD,
                &["course", "Enrol"],
            );
        };
        const _: () = rt::require_folded(
            rt::Probe::<&Course>::PARAMETER,
            rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
            rt::rules::FORGOTTEN,
            &["enrol", "Course"],
        );
        const _: () = rt::require_folded(
            rt::Probe::<Absent<Student>>::PARAMETER,
            rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
            rt::rules::FORGOTTEN,
            &["enrol", "Student"],
        );
        rt::inventory::submit!(rt::Registration::command_handler(
            ::core::module_path!(),
            rt::Calls::<(Enrol, rt::Here)>::COMMAND,
            "enrol",
            false,
            &[
                rt::Probe::<&Course>::PARAMETER,
                rt::Probe::<Absent<Student>>::PARAMETER,
                rt::Probe::<Many<Course>>::PARAMETER
            ],
            rt::Probe::<Result<Decision<Enrolled, EnrolmentId>, EnrolError>>::EMITS,
        ));
        rt::Calls::<Self>::decide(
            context,
            self,
            |cmd, #[allow(unused_variables)] meta, load| {
                load.one::<&Course>(rt::Fields::<_, { rt::field_name("course") }>::of(cmd).named());
                load.one::<Absent<Student>>(&(cmd.student));
                load.many::<Many<Course>, _>(cmd.required.iter().copied())
            },
            |command, loaded, meta| {
                rt::Calls::<Self>::emitted::<Decision<Enrolled, EnrolmentId>, EnrolError>()(enrol(
                    command,
                    rt::Calls::<&Course>::take(&loaded, 0, meta)?,
                    rt::Calls::<Absent<Student>>::take(&loaded, 1, meta)?,
                    rt::Calls::<Many<Course>>::take(&loaded, 2, meta)?,
                    meta,
                ))
            },
        )
    }
}
