//! Messages, models and handlers out of a macro of the user's own: types, names and expressions arrive in invisible groups.

use other::prelude::*;
use std::convert::Infallible;

macro_rules! counter {
    (
        $(#[$meta:meta])* $vis:vis $model:ident of $id:ident($inner:ty),
        $command:ident => $event:ident { $field:ident: $of:ty, $amount:ident: $number:ty = $by:expr },
        $view:ident, $query:ident -> $returns:ty, $made:path, $error:path, $rt:path
    ) => {
        $(#[$meta])*
        #[derive(Id)]
        #[cqrs(crate = $rt)]
        $vis struct $id($inner);

        /// The fact.
        #[derive(Event, Serialize, Deserialize)]
        #[cqrs(crate = $rt)]
        $vis struct $event {
            /// Which.
            #[tag]
            $vis $field: $of,
            /// How much.
            $vis $amount: $number,
        }

        /// The intention.
        #[derive(Command, Serialize, Deserialize)]
        #[cqrs(returns = $of, error = $error, crate = $rt)]
        $vis struct $command {
            /// Which.
            $vis $field: $of,
        }

        /// The state.
        $vis struct $model($number);

        #[aggregate(id = $of, on = [$made], crate = $rt)]
        impl $model {
            fn counted(this: Option<Self>, event: &$made) -> Self {
                Self(this.map_or(0, |this| this.0) + event.$amount)
            }
        }

        #[command(crate = $rt)]
        fn count(
            cmd: $command,
            $field: Option<&$model>,
            #[id(cmd.$field)] again: Option<&$model>,
        ) -> Result<Decision<$made, $of>, $error> {
            let same = $field.map(|one| one.0) == again.map(|one| one.0);
            let $amount = if same { $by } else { 0 };
            Ok(emit($event { $field: cmd.$field, $amount }).returning(cmd.$field))
        }

        /// The row.
        #[derive(View, Serialize, Deserialize)]
        #[cqrs(crate = $rt)]
        $vis struct $view {
            /// Which.
            #[key]
            $vis $field: $of,
            /// How much.
            #[index]
            $vis $amount: $number,
        }

        #[projection(on = [$made], crate = $rt)]
        impl $view {
            #[key(e.$field)]
            fn counted(this: Option<Self>, e: &Recorded<$made>) -> Self {
                Self { $field: e.$field, $amount: this.map_or(0, |this| this.$amount) + e.$amount }
            }
        }

        /// The question.
        #[derive(Query, Serialize, Deserialize)]
        #[cqrs(returns = $returns, crate = $rt)]
        $vis struct $query {
            /// Of which.
            $vis $field: $of,
        }

        #[query(crate = $rt)]
        async fn sum(q: $query, views: Views<$view>) -> Result<$returns, QueryError> {
            Ok(views.find($view::AMOUNT.eq($by)).all().await?.into_iter().find(|row| row.$field == q.$field).map(|row| row.$amount))
        }
    };
}

counter! {
    /// Names a counter.
    pub Counter of CounterId(u32),
    Added => Counted { counter: CounterId, amount: i64 = 1 },
    Row, Sum -> Option<i64>, Counted, Infallible, ::other
}
