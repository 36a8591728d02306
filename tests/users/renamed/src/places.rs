//! Items inside functions and modules, and behind `#[cfg]`.

use other::prelude::*;
use std::convert::Infallible;

/// Done somewhere.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(crate = ::other)]
pub struct Hidden {}

/// It is compiled always, and one of its handlers is.
#[cfg(not(any()))]
#[command(crate = ::other)]
fn hidden(_cmd: Hidden) -> Result<Option<Boxed>, Infallible> {
    Ok(None)
}

#[cfg(any())]
#[command(crate = ::other)]
fn hidden(_cmd: Hidden, nothing: &There) -> Result<Nowhere, Infallible> {
    nothing.of().this()
}

// The condition may be below the macro as well.
#[command(crate = ::other)]
#[cfg(any())]
fn hidden(_cmd: Hidden) -> Result<Nowhere, Infallible> {
    nothing()
}

/// Names a box.
#[derive(Id)]
#[cqrs(crate = ::other)]
pub struct BoxId(u32);

/// Has a field that is not there.
#[derive(Event, Serialize, Deserialize)]
#[cqrs(crate = ::other)]
pub struct Boxed {
    /// Which.
    #[tag]
    pub r#box: BoxId,
    /// Not there.
    #[cfg(any())]
    #[tag]
    pub nothing: Nothing,
}

/// A box.
pub struct Parcel;

/// Not compiled at all.
#[cfg(any())]
#[aggregate(id = BoxId, on = [Boxed], crate = ::other)]
impl Parcel {
    fn nothing(e: &Boxed) -> Nothing {}
}

#[aggregate(id = BoxId, on = [Boxed], crate = ::other)]
#[cfg(not(any()))]
impl Parcel {
    fn boxed(_: &Boxed) -> Self {
        Self
    }
}

/// Packs a box.
#[derive(Command, Serialize, Deserialize)]
#[cqrs(crate = ::other)]
pub struct Pack {
    /// Which.
    pub r#box: BoxId,
    /// Not there.
    #[cfg(any())]
    pub nothing: Nothing,
}

/// A parameter that is named as a field whose name is a keyword.
#[command(crate = ::other)]
fn pack(cmd: Pack, r#box: Option<&Parcel>) -> Result<Option<Boxed>, Infallible> {
    Ok(r#box.is_none().then_some(Boxed { r#box: cmd.r#box }))
}

/// Rows of boxes.
#[derive(View, Serialize, Deserialize)]
#[cqrs(crate = ::other)]
pub struct BoxRow {
    /// Which.
    #[key]
    pub r#box: BoxId,
    /// Not there.
    #[cfg(any())]
    #[index]
    pub nothing: Nothing,
}

#[projection(on = [Boxed], crate = ::other)]
impl BoxRow {
    fn r#box(event: &Boxed) -> Self {
        Self { r#box: event.r#box }
    }
}

/// A whole domain inside a function, which asks it.
///
/// # Panics
/// If it is not served.
pub async fn in_a_function(app: &App) -> usize {
    #[derive(Id)]
    #[cqrs(crate = ::other)]
    struct LocalId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    #[cqrs(crate = ::other)]
    struct LocalEvent {
        #[tag]
        local: LocalId,
    }

    #[derive(Events)]
    #[cqrs(crate = ::other)]
    enum LocalOutcome {
        Event(LocalEvent),
    }

    #[derive(Command, Serialize, Deserialize)]
    #[cqrs(crate = ::other)]
    struct LocalCommand {
        local: LocalId,
    }

    struct Local;

    #[aggregate(id = LocalId, on = [LocalEvent], crate = ::other)]
    impl Local {
        fn event(_: &LocalEvent) -> Self {
            Self
        }
    }

    #[derive(View, Serialize, Deserialize)]
    #[cqrs(crate = ::other)]
    struct LocalView {
        #[key]
        local: LocalId,
    }

    #[projection(on = [LocalEvent], crate = ::other)]
    impl LocalView {
        fn event(event: &LocalEvent) -> Self {
            Self { local: event.local }
        }
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = usize, crate = ::other)]
    struct LocalQuery {}

    #[command(crate = ::other)]
    fn command(cmd: LocalCommand, _local: Absent<Local>) -> Result<LocalOutcome, Infallible> {
        Ok(LocalOutcome::Event(LocalEvent { local: cmd.local }))
    }

    #[query(crate = ::other)]
    async fn query(_q: LocalQuery, views: Views<LocalView>) -> Result<usize, QueryError> {
        Ok(views.scan().all().await?.len())
    }

    let done = app.commands().execute(LocalCommand { local: LocalId::new() }).await.expect("it is handled");
    app.queries().after(done.position()).ask(LocalQuery {}).await.expect("it is answered")
}
