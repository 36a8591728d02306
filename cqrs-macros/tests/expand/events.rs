//! `#[derive(Events)]`: one of several.

#[derive(Events)]
pub enum Outcome {
    Shipped(OrderShipped),
    Closed(OrderClosed),
}

// ---- expands to, with `rt` for `::cqrs_runtime::__private` ----

const _: () = {
    #[allow(unused_imports)]
    use rt::{Fallback as _, FallbackCodec as _, Unless as _};
    #[automatically_derived]
    impl rt::Events for Outcome {
        fn emit(self, to: &mut rt::Emitted) {
            match self {
                Self::Shipped(event) => rt::Calls::<OrderShipped>::emit(event, to),
                Self::Closed(event) => rt::Calls::<OrderClosed>::emit(event, to),
            }
        }
        const LIST: rt::EventList =
            rt::EventList::All(&[&<OrderShipped as rt::Events>::LIST, &<OrderClosed as rt::Events>::LIST]);
    }
};
