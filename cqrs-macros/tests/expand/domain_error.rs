#[derive(Debug, thiserror::Error, DomainError)]
pub enum PaymentError {
    #[error("more than {limit}")]
    #[cqrs(code = "too-much", status = 409)]
    TooMuch { limit: u32 },
    #[error("card {0} is expired")]
    Expired(String, #[source] CardError),
    #[error(transparent)]
    Card(#[from] CardError),
    #[error("nothing")]
    Nothing,
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[automatically_derived]
    impl rt::Rejecting for PaymentError {
        const CODES: &'static [rt::RejectionCode] = &[
            rt::RejectionCode {
                code: "too-much",
                status: ::core::option::Option::Some(409u16),
                wraps: &[],
                docs: "",
                members: &[rt::RejectionMember { name: "limit", schema: rt::Probe::<u32>::SCHEMA }],
            },
            rt::RejectionCode {
                code: "Expired",
                status: ::core::option::Option::None,
                wraps: &[],
                docs: "",
                members: &[rt::RejectionMember { name: "0", schema: rt::Probe::<String>::SCHEMA }],
            },
            rt::RejectionCode {
                code: "Card",
                status: ::core::option::Option::None,
                wraps: rt::RejectionField::<CardError>::CODES,
                docs: "",
                members: &[],
            },
            rt::RejectionCode {
                code: "Nothing",
                status: ::core::option::Option::None,
                wraps: &[],
                docs: "",
                members: &[],
            },
        ];
        fn rejection(&self) -> rt::Rejection {
            match self {
                Self::TooMuch { limit: field_0, .. } => {
                    rt::Rejection::with_code("too-much", ::core::option::Option::Some(409u16)).member("limit", field_0)
                }
                Self::Expired { 0: field_0, .. } => {
                    rt::Rejection::with_code("Expired", ::core::option::Option::None).member("0", field_0)
                }
                Self::Card { 0: field_0, .. } => {
                    rt::Rejection::with_code("Card", ::core::option::Option::None).or_inner(field_0)
                }
                Self::Nothing { .. } => rt::Rejection::with_code("Nothing", ::core::option::Option::None),
            }
        }
        fn read(rejection: &rt::Rejection) -> ::core::option::Option<Self> {
            match &*rejection.code {
                "too-much" => ::core::option::Option::Some(Self::TooMuch {
                    limit: rt::RejectionField::<u32>::read(rejection, "limit")?,
                }),
                "Nothing" => ::core::option::Option::Some(Self::Nothing {}),
                _ => ::core::option::Option::None.or_else(|| {
                    rt::RejectionField::<CardError>::wrapped(rejection).map(|wrapped| Self::Card { 0: wrapped })
                }),
            }
        }
    }
    #[allow(unused_imports)]
    use rt::{NoRejectionField as _, Unless as _};
    const _: () = rt::require(
        rt::distinct(<PaymentError as rt::Rejecting>::CODES),
        rt::rules::REJECTION_WRAPPED,
        &["PaymentError"],
    );
    rt::inventory::submit!(rt::DomainErrorInfo::of::<PaymentError>());
};
