//! The macros of `cqrs-runtime`. Use them through that crate, which re-exports them all.
//!
//! Each macro is a module of three phases, and each phase a file: `parse` reads what the user wrote, keeping his tokens,
//! `check` holds it against the rules, `expand` writes the code. `rules` is the list of all rules, with their messages;
//! `errors` collects every breach, so that all show at once. Where an item breaks a rule it is still emitted, with a
//! stand-in for what the macro would have made, so that one fault gives one error.
//!
//! The code they write is thin: a trait's implementation and one registration. What it does is the runtime's.

#[cfg(test)]
mod cases;
mod cqs;
mod domain_error;
mod errors;
mod event;
mod events;
mod fold;
mod handler;
mod id;
mod markers;
mod message;
mod names;
mod options;
mod policy;
mod rules;
#[cfg(test)]
mod rules_page;
mod runtime;
#[cfg(test)]
mod snapshots;
mod stored;
mod types;
mod view;

use proc_macro::TokenStream;

/// A domain's error that says what it is: a stable code for each variant, an HTTP status, and its fields. Derive
/// `thiserror::Error` as well.
///
/// The code is the variant's name, or `#[cqrs(code = "..")]`. `#[cqrs(status = 409)]` sets the HTTP status. Default: 422.
/// Fields must implement `Serialize`, and become members of the HTTP problem. Those that `thiserror` takes for the cause
/// (`#[source]`, `#[from]`, a field `source`) are left out. A variant with `#[error(transparent)]` says what the error inside
/// says, if that derives `DomainError` too: its codes are the variant's.
///
/// A [client](../cqrs_runtime/client/trait.Client.html) in another process reads the error back, as the same value, if serde can read
/// its fields, and it has no cause. Otherwise the client has its code and text, in a `CommandError::Remote`.
///
/// An error with a status from 500 is an internal one: HTTP shows its code, but neither its text nor its fields.
///
/// Without this derive an error has one code, the name of its type.
///
/// ```
/// use cqrs_runtime::DomainError;
/// use cqrs_runtime::error::Rejection;
///
/// #[derive(Debug, DomainError)]
/// pub enum ShippingError {
///     #[cqrs(status = 409)]
///     AlreadyShipped { tracking_number: String },
///     #[cqrs(code = "no-tracking-number")]
///     NoTrackingNumber,
/// }
/// # impl std::fmt::Display for ShippingError {
/// #     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("not shipped") }
/// # }
/// # impl std::error::Error for ShippingError {}
///
/// let rejection = Rejection::of(&ShippingError::AlreadyShipped { tracking_number: "TN-1".into() }).unwrap();
/// assert_eq!((&*rejection.code, rejection.status), ("AlreadyShipped", Some(409)));
/// assert_eq!(rejection.members["tracking_number"], "TN-1");
/// ```
///
/// # Rules
///
/// 104 it has no parameters · 108 its options exist · 112 its codes and members are its own
#[proc_macro_derive(DomainError, attributes(cqrs))]
pub fn derive_domain_error(input: TokenStream) -> TokenStream {
    domain_error::derive(input.into()).into()
}

/// An identifier: all that a newtype needs to name one kind of entity.
///
/// ```
/// use cqrs_runtime::prelude::*;
///
/// #[derive(Id)]
/// pub struct OrderId(Uuid);
///
/// let order = OrderId::new();
/// assert_eq!(order.tag().prefix(), "order");
/// assert_eq!(order.to_string().parse(), Ok(order));
/// ```
///
/// # What it generates
///
/// `Clone`, `Copy` (unless the value is a `String`, `Box`, `Arc`, `Rc`, `Cow` or `Vec`), `Eq`, `Ord`, `Hash`, `Debug`, `Display`,
/// `FromStr`, `Serialize` and `Deserialize` as the bare value (and `JsonSchema`, with the runtime's feature `schema`), `From` the
/// value, `new` and `into_inner`. Of a `Uuid`, `new()`
/// makes a new one of version 7, and `Default` does too; of anything else, `new(value)` takes it. And the trait `Id`: its tags
/// begin with the type's name in snake case without a final `Id`.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/id.rs")]
/// ```
///
/// # Options, in `#[cqrs(..)]`
///
/// - `name = ".."`: the prefix of its tags
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 104 it has no parameters · 106 it is a newtype · 108 its options exist
#[proc_macro_derive(Id, attributes(cqrs, tag, key, index))]
pub fn derive_id(input: TokenStream) -> TokenStream {
    id::derive(input.into()).into()
}

/// An event: a fact of the domain, one type each. Derive `Serialize` and `Deserialize` too.
///
/// ```
/// use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[cqrs(name = "OrderShipped")]
/// pub struct OrderShippedV1 {
///     #[tag]
///     order: OrderId,
/// }
///
/// #[derive(Event, Serialize, Deserialize)]
/// #[cqrs(version = 2, from = OrderShippedV1)]
/// pub struct OrderShipped {
///     #[tag]
///     order: OrderId,
///     carrier: String,
/// }
///
/// impl From<OrderShippedV1> for OrderShipped {
///     fn from(old: OrderShippedV1) -> Self {
///         Self { order: old.order, carrier: "unknown".into() }
///     }
/// }
/// ```
///
/// `#[tag]` marks the fields that it is found by: an `Id`, or an `Option` or `Vec` of one.
///
/// # What it generates
///
/// The trait `Event`: name, version, tags, and the way back to the version before; a `HasField` for each named field, by which
/// projections find the one that holds their key; its registration, with the fields as they are written, for `events.lock`:
/// the runtime's `verify` module tells how events may change.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/event_tags.rs")]
/// ```
///
/// # Options, in `#[cqrs(..)]`
///
/// - `name = ".."`: the name in the log, instead of the type's
/// - `version = N`: the version of its fields, 1 without it
/// - `from = Type`: the type of version N-1, of the same name
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 101 it is no command or query as well · 104 it has no parameters · 105 it is a struct · 106 a tag is an id · 107 each version
/// names the one before · 108 its options exist · 110 no field is left out of what is stored
#[proc_macro_derive(Event, attributes(cqrs, tag, key, index))]
pub fn derive_event(input: TokenStream) -> TokenStream {
    event::derive(input.into()).into()
}

/// One of several events, as a handler's result: an enum with one event in each variant.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId, total: u32 }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId }
///
/// #[derive(Events)]
/// pub enum Outcome {
///     Created(OrderCreated),
///     Shipped(OrderShipped),
/// }
/// ```
///
/// It generates the trait `Events`. Its one option, in `#[cqrs(..)]`, is `crate = path`.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/events.rs")]
/// ```
///
/// # Rules
///
/// 104 it has no parameters · 105 it is an enum with one event in each variant · 108 its options exist
#[proc_macro_derive(Events, attributes(cqrs, tag))]
pub fn derive_events(input: TokenStream) -> TokenStream {
    events::derive(input.into()).into()
}

/// A command: an intention to change something. Derive `Serialize` and `Deserialize` too; `#[command]` handles it.
///
/// ```
/// use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
///
/// #[derive(Command, Serialize, Deserialize)]
/// #[cqrs(returns = OrderId, error = std::num::ParseIntError)]
/// pub struct CreateOrder {
///     lines: Vec<u32>,
/// }
/// ```
///
/// # What it generates
///
/// The trait `Command`, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/message_command.rs")]
/// ```
///
/// # Options, in `#[cqrs(..)]`
///
/// - `returns = Type`: what its handler returns in addition to its events: `()` (without the option), an id, or a tuple of ids
/// - `error = Type`: why the domain may refuse it; `Infallible` without the option
/// - `http = "POST /orders/{order}/ship"`: its own method and path over HTTP. Its fields come from the path, the query string and the
///   JSON body. Default: the path of its name alone
/// - `requires = "orders:write"` or `public`: who may send it from outside. As soon as one message of an app requires a permission, each
///   says one or the other. Default: everybody
/// - `name = ".."`: the name on the wire, instead of the type's
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 101 it is no query or event as well · 102 it returns no data · 104 it has no parameters · 108 its options exist · 109 its error is an
/// `Error` · 114 its path can be followed · 115 it says once who may send it
#[proc_macro_derive(Command, attributes(cqrs, tag, key, index))]
pub fn derive_command(input: TokenStream) -> TokenStream {
    message::command(input.into()).into()
}

/// A query: a question that changes nothing. Derive `Serialize` and `Deserialize` too; `#[query]` answers it.
///
/// ```
/// use cqrs_runtime::prelude::*;
///
/// #[derive(Query, Serialize, Deserialize)]
/// #[cqrs(returns = Vec<String>)]
/// pub struct OrderHistory {
///     limit: u32,
/// }
/// ```
///
/// # What it generates
///
/// The trait `Query`, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/message_query.rs")]
/// ```
///
/// # Options, in `#[cqrs(..)]`
///
/// - `returns = Type`: the answer
/// - `consistency = read_your_writes`: it is asked after a position only, `app.queries().after(receipt.position()).ask(..)`;
///   otherwise `eventual`, answered from what its views show
/// - `http = "GET /orders/{order}"`: its own method and path over HTTP. Its fields come from the path, the query string and the
///   JSON body. Default: the path of its name alone
/// - `requires = "orders:write"` or `public`: who may send it from outside. As soon as one message of an app requires a permission, each
///   says one or the other. Default: everybody
/// - `not_found_if_null`: over HTTP an answer `None` is 404. Default: 200 and `null`
/// - `name = ".."`: the name on the wire, instead of the type's
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 101 it is no event as well · 103 it returns something · 104 it has no parameters · 108 its options exist · 114 its path can be followed ·
/// 115 it says once who may ask it · 305 it returns no event · 309 where it reads its caller's own writes, it is asked after a position
#[proc_macro_derive(Query, attributes(cqrs, tag, key, index))]
pub fn derive_query(input: TokenStream) -> TokenStream {
    message::query(input.into()).into()
}

/// A view: a read model, one row a key. Derive `Serialize` and `Deserialize` too; `#[projection]` fills it.
///
/// ```
/// use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Id)] pub struct CustomerId(Uuid);
///
/// #[derive(View, Serialize, Deserialize)]
/// pub struct OrderSummary {
///     #[key]
///     order: OrderId,
///     #[index]
///     customer: CustomerId,
///     status: String,
/// }
///
/// # fn find(orders: Views<OrderSummary>, customer: CustomerId) {
/// let found = orders.find(OrderSummary::CUSTOMER.eq(customer));
/// # }
/// ```
///
/// `#[key]` marks the field that finds the row. `#[index]` marks the fields that it is searched and sorted by; each is a column. An
/// `#[index]` on a `Vec`, a `BTreeSet` or a `HashSet` finds the rows that have a value, `OrderSummary::LABELS.has("urgent")`.
///
/// # What it generates
///
/// The trait `View`, a constant for each index (`OrderSummary::CUSTOMER`), and its registration. A field without an index has a
/// constant too, which says so when it is used.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/view.rs")]
/// ```
///
/// # Options, in `#[cqrs(..)]`
///
/// - `index(customer, created_at)`: a compound index, for rows that are found by the first fields and sorted by the others. May be given
///   several times
/// - `name = ".."`: the name in the store, instead of the type's
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 108 its options exist · 110 no field is left out of what is stored · 308 it is searched by indexes alone · 505 it has one key · 506 an index is a column
#[proc_macro_derive(View, attributes(cqrs, key, index, tag))]
pub fn derive_view(input: TokenStream) -> TokenStream {
    view::derive(input.into()).into()
}

/// Refuses `#[derive(Aggregate)]`: an aggregate is made by [`#[aggregate]`](macro@aggregate) on the `impl` of its fold methods, and this says
/// so with the line to write.
#[proc_macro_derive(Aggregate)]
pub fn derive_aggregate(input: TokenStream) -> TokenStream {
    fold::derive_aggregate(input.into()).into()
}

/// Handles a command. The parameters say what it is decided on and what it can do.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId, total: u32 }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct ShipOrder { order: OrderId }
/// # pub struct Order { open: bool }
/// # #[aggregate(id = OrderId, on = [OrderCreated, OrderShipped])]
/// # impl Order {
/// #     fn created(_: &OrderCreated) -> Self { Order { open: true } }
/// #     fn shipped(&mut self, _: &OrderShipped) { self.open = false }
/// # }
/// #[command]
/// fn ship_order(cmd: ShipOrder, order: &Order) -> Result<Option<OrderShipped>, std::convert::Infallible> {
///     Ok(order.open.then_some(OrderShipped { order: cmd.order }))
/// }
/// ```
///
/// A **decision**, `fn`, is pure. It takes the command by value, then any of
///
/// - `order: &Order`, `order: Option<&Order>`, `order: Absent<Order>`: the aggregate of the id `cmd.order`, or of another by
///   `#[id(expr)]` before the parameter, where the command's own parameter is a reference
///   (of `Option<&Order>` the id may be an `Option`)
/// - `orders: Many<Order>`, with `#[id(expr)]` that iterates over ids
/// - `meta: &Meta`, which an `#[id(expr)]` may name too
///
/// A **workflow**, `async fn`, may also take `State<T>`, `&mut Tx<Db>` of the log's database, and `Stale<Views<V>>`. Where it meets errors
/// of databases and services, it returns `Result<events, WorkflowError>`: the command's error inside it is a refusal, any other
/// [a failure](https://docs.rs/cqrs-runtime/latest/cqrs_runtime/struct.WorkflowError.html), and `?` converts both.
///
/// It returns `Result<events, the command's error>`; where the command declares `returns`, `Result<Decision<events, returns>, ..>`.
///
/// # What it generates
///
/// The function as it is, the handler of the command, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/decision.rs")]
/// ```
///
/// # Options
///
/// - `foreign`: the command is defined in another crate (a contracts crate), so that this handler gets a marker of its own: the orphan rule
///   forbids the plain form (E0117: "`WriteCommandForeignOrQueryForeignForAMessageOfAnotherCrate` is not defined in the current crate")
/// - `retry`: a workflow that meets a conflict is run again, up to three times; its command is `Clone`. It pauses before, for about
///   5 milliseconds the first time and 10 the second. The third time it runs under the log's lock, where nobody can conflict with it;
///   other commands wait until it has ended, and it cannot send commands to its own app then. Workflows that meet at one aggregate take turns
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 201 the command comes first · 202 it returns events · 203 a decision is pure · 204 nothing that lags · 205 no `&mut` on an aggregate ·
/// 206 one handler a command · 208 a plain function · 209, 210 an aggregate is loaded by its own id · 211 what is declared is returned
#[proc_macro_attribute]
pub fn command(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::command(arguments.into(), &item.into()).into()
}

/// Answers a query. The parameters say what it may read.
///
/// ```
/// use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(View, Serialize, Deserialize)] pub struct OrderSummary { #[key] order: OrderId }
/// # #[derive(Query, Serialize, Deserialize)] #[cqrs(returns = Option<OrderSummary>)] pub struct OneOrder { order: OrderId }
///
/// #[query]
/// async fn one_order(q: OneOrder, orders: Views<OrderSummary>) -> Result<Option<OrderSummary>, QueryError> {
///     orders.get(&q.order).await
/// }
/// ```
///
/// An `async fn` that takes the query by value, then any of `Views<V>`, `Reader<Db>`, `State<T>` of a `ReadOnly` service, and
/// `&Meta`. It returns `Result<the query's returns, an error>`.
///
/// # What it generates
///
/// The function as it is, the handler of the query, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/query.rs")]
/// ```
///
/// # Options
///
/// - `foreign`: the query is defined in another crate (a contracts crate); without it, `rustc` says E0117
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 208 a plain `async fn` · 301 the query comes first · 302 no `&mut` · 303 nothing that writes · 304 what is declared is returned · 306 one
/// handler a query
#[proc_macro_attribute]
pub fn query(arguments: TokenStream, item: TokenStream) -> TokenStream {
    handler::query(arguments.into(), &item.into()).into()
}

/// The write model: a fold over events. Written on an `impl` with one method for each event.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId, total: u32 }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId }
/// pub struct Order {
///     shipped: bool,
/// }
///
/// #[aggregate(id = OrderId, on = [OrderCreated, OrderShipped])]
/// impl Order {
///     fn created(_: &OrderCreated) -> Self {
///         Order { shipped: false }
///     }
///     fn shipped(&mut self, _: &OrderShipped) {
///         self.shipped = true;
///     }
/// }
/// ```
///
/// # Forms of a method
///
/// The event is taken as `&E` or `&Recorded<E>`. A last parameter `id: &OrderId` is the aggregate's own identity.
///
/// - `fn created(e: &E) -> Self` makes it
/// - `fn shipped(&mut self, e: &E)` changes it
/// - `fn counted(this: Option<Self>, e: &E) -> Self` makes or changes it
///
/// # What it generates
///
/// The block as it is, the trait `Aggregate` with the fold as one `match`, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/aggregate.rs")]
/// ```
///
/// # Options
///
/// - `id = Type`: what it is loaded by
/// - `on = [..]`: its events, each with a tag of that type
/// - `ignore = [..]`: events with a tag of that type which change nothing that a decision needs. A handler that decides on the aggregate
///   may emit no event of its tag that is in neither list
/// - `interior_mutability`: the type may hold a `Mutex`, an atomic or the like. No decision may depend on what is in it: it changes
///   without an event. Without the option that does not compile, but where it is behind a `Box`, an `Arc` or a `Vec`, which the compiler
///   does not tell
/// - `snapshots`, `snapshots = 2`: its state is stored next to the log from time to time, so that a long history is loaded quickly; the
///   type is `Serialize + DeserializeOwned`. See below
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Snapshots, and the one thing to remember
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct AccountId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct Opened { #[tag] account: AccountId }
/// # #[derive(Event, Serialize, Deserialize)] pub struct PaidIn { #[tag] account: AccountId, cents: i64 }
/// #[derive(Serialize, Deserialize)]
/// pub struct Account {
///     balance: i64,
/// }
///
/// #[aggregate(id = AccountId, on = [Opened, PaidIn], snapshots = 2)] // 1 forgot to round
/// impl Account {
///     fn opened(_: &Opened) -> Self {
///         Account { balance: 0 }
///     }
///     fn paid_in(&mut self, event: &PaidIn) {
///         self.balance += event.cents / 5 * 5;
///     }
/// }
/// ```
///
/// A snapshot is ignored by itself when the state's fields, their types, or the events and their versions are others than those that
/// it was taken with. **It is not ignored when only the code of a fold method has changed**: then the state that the old code made
/// would be taken for what the new code makes. So when you change what a fold method does, count up: `snapshots`, `snapshots = 2`,
/// `snapshots = 3`. And what serde skips (`#[serde(skip)]`) is not in a snapshot: it comes back as its default. Tests by `given(..)` decide
/// on states that have been written and read back, and show that.
///
/// The module `snapshot` of the runtime says when one is taken, and what else it promises.
///
/// # Rules
///
/// 401 each event has one method · 402 a method has one of the forms · 403 one of them creates · 404 each event has one tag of the id's type ·
/// 405 the `impl` has nothing else · 406 serde writes and reads what snapshots are taken of · 407 what is emitted is folded or ignored aloud ·
/// 408 it changes by events only
#[proc_macro_attribute]
pub fn aggregate(arguments: TokenStream, item: TokenStream) -> TokenStream {
    fold::aggregate(arguments.into(), &item.into()).into()
}

/// How events become a read model. Written on an `impl` of a view, with one method for each event.
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId, total: u32 }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId }
/// #[derive(View, Serialize, Deserialize)]
/// pub struct OrderSummary {
///     #[key]
///     order: OrderId,
///     total: u32,
///     status: String,
/// }
///
/// #[projection(on = [OrderCreated, OrderShipped])]
/// impl OrderSummary {
///     fn created(e: &OrderCreated) -> Self {
///         Self { order: e.order, total: e.total, status: "Confirmed".into() }
///     }
///     fn shipped(&mut self, _: &OrderShipped) {
///         self.status = "Shipped".into();
///     }
/// }
/// ```
///
/// # Forms of a method
///
/// Those of `#[aggregate]`, and `fn closed(self, e: &E) -> Option<Self>`, which changes or ends the row. After the event it may take
/// another view of the same store, `customer: Option<&CustomerCard>`, found by `e.customer` or by `#[id(expr)]`, and last its row's key,
/// `id: &OrderId`.
///
/// A method's row is found by the event's field that has the name of the view's key. Otherwise an attribute says how; its expressions
/// know the event by the method's own name for it, as a `&Recorded<E>`. They do not know what is looked up: rows are read before
/// the first event of a batch is folded, and only the event tells which.
///
/// - `#[key(expr)]`: by this key
/// - `#[keys(expr)]`: by each of these keys
/// - `#[by(customer)]`, `#[by(customer = expr)]`: every row whose index `customer` equals the event's field, or the expression
///
/// A view that is defined in another crate is projected by a marker struct: `#[projection(view = OrderSummary, on = [..])] impl
/// OrderSummaries { fn shipped(view: &mut OrderSummary, e: &OrderShipped) { .. } }`.
///
/// An **async projection** writes tables instead of a view. All its methods are
/// `async fn created(tx: &mut Tx<Db>, e: &E) -> Result<(), Error>`, on a marker struct.
///
/// # What it generates
///
/// The block as it is, the trait `Fold` (or `Handle`) with one `match`, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/projection.rs")]
/// ```
///
/// # Options
///
/// - `on = [..]`: its events; or `on = Order`: every event of that aggregate, except those that `ignore = [..]` names
/// - `view = Type`: the view, where the block is a marker's
/// - `key = field`: the event's field that holds the key, for all methods
/// - `revision = N`: a number that you raise when the body of a method changes. Default: 1. See below
/// - `name = ".."`: its name, instead of the type's
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # When a view is rebuilt
///
/// A view is rebuilt by itself when something changes that its rows depend on: its name, its fields and the types in them, what serde's
/// attributes say, its key and indexes, the events in `on` and their versions, `#[key]`, `#[keys]`, `#[by]`, the look-ups, the form of a
/// method; and when any of this changes in a projection that it is connected with by look-ups. Other names of methods and parameters,
/// another order, comments and formatting change nothing.
///
/// The tables of an async projection are yours: when its events, their versions or its `revision` change it is parked as a whole until
/// `App::rebuild` applies every event again, or `App::skip` goes on from where the tables are.
///
/// **What no compiler sees is the body of a method**, and the code that it calls: raise `revision` when that changes what a row holds.
/// The same goes for an event's `From` of an earlier version, and for what `Deserialize` does not ask for (the inside of an `untagged`
/// enum).
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCreated { #[tag] order: OrderId, cents: i64 }
/// # #[derive(View, Serialize, Deserialize)] pub struct OrderTotal { #[key] order: OrderId, total: i64 }
/// #[projection(on = [OrderCreated], revision = 2)] // 1 forgot to round
/// impl OrderTotal {
///     fn created(e: &OrderCreated) -> Self {
///         Self { order: e.order, total: e.cents / 5 * 5 }
///     }
/// }
/// ```
///
/// # Rules
///
/// 405 the `impl` has nothing else · 501 each event has one method · 502 a method has one of the forms · 503 it takes nothing with side effects ·
/// 504 its row can be found · 505 it makes a view · 507 fold methods or async methods
#[proc_macro_attribute]
pub fn projection(arguments: TokenStream, item: TokenStream) -> TokenStream {
    fold::projection(arguments.into(), &item.into()).into()
}

/// Answers an event with commands, or acts outside. Never replayed: a rebuild does not run it again.
///
/// ```
/// use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderPaid { #[tag] order: OrderId }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderShipped { #[tag] order: OrderId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct PackOrder { order: OrderId }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderPacked { #[tag] order: OrderId }
/// # #[command]
/// # fn pack(cmd: PackOrder) -> Result<OrderPacked, std::convert::Infallible> { Ok(OrderPacked { order: cmd.order }) }
/// # pub struct Mailer;
/// # impl Mailer { async fn send(&self, _order: OrderId, _once: Uuid) -> Result<(), std::io::Error> { Ok(()) } }
///
/// #[policy(on = [OrderPaid])]
/// fn pack_what_is_paid(e: &OrderPaid) -> PackOrder {
///     PackOrder { order: e.order }
/// }
///
/// #[policy(on = [OrderShipped])]
/// async fn tell_the_customer(e: &Recorded<OrderShipped>, mailer: State<Mailer>) -> Result<(), std::io::Error> {
///     mailer.send(e.order, e.id()).await
/// }
///
/// # let order = OrderId::new();
/// assert_eq!(pack_what_is_paid(&OrderPaid { order }).order, order); // a policy is tested by calling it
/// ```
///
/// It takes its event first, as `&E` or `&Recorded<E>`, then any of
///
/// - `State<T>`: a service that the app was given
/// - `orders: Stale<Views<V>>`: the read side, behind by as much as its projections lag
///
/// A **`fn`** is pure, and returns commands: one, a tuple, array, `Vec` or `Option` of them, or nothing. An **`async fn`** may act
/// outside, and may also return `Result<commands, error>`, where the error is `Display`: it is tried again, and parked in the end.
///
/// Each command takes effect once, however often its event is handled. What is done outside is done at least once; the event's
/// id (`Recorded::id`) tells the outside that it is the same again. What becomes of refused commands and of failures, and when
/// a policy runs, is described in the runtime's module `policy`; `App::settled` waits until nothing more follows.
///
/// A policy on **several events** is written on an `impl` of a marker struct, with one function an event:
///
/// ```
/// # use cqrs_runtime::prelude::*;
/// # #[derive(Id)] pub struct OrderId(Uuid);
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderPaid { #[tag] order: OrderId }
/// # #[derive(Event, Serialize, Deserialize)] pub struct OrderCancelled { #[tag] order: OrderId, paid: bool }
/// # #[derive(Command, Serialize, Deserialize)] pub struct PackOrder { order: OrderId }
/// # #[derive(Command, Serialize, Deserialize)] pub struct ReturnMoney { order: OrderId }
/// # #[derive(Event, Serialize, Deserialize)] pub struct Done { #[tag] order: OrderId }
/// # #[command]
/// # fn pack(cmd: PackOrder) -> Result<Done, std::convert::Infallible> { Ok(Done { order: cmd.order }) }
/// # #[command]
/// # fn return_money(cmd: ReturnMoney) -> Result<Done, std::convert::Infallible> { Ok(Done { order: cmd.order }) }
/// pub struct Fulfilment;
///
/// #[policy(on = [OrderPaid, OrderCancelled])]
/// impl Fulfilment {
///     fn paid(e: &OrderPaid) -> PackOrder {
///         PackOrder { order: e.order }
///     }
///     fn cancelled(e: &OrderCancelled) -> Option<ReturnMoney> {
///         e.paid.then_some(ReturnMoney { order: e.order })
///     }
/// }
/// ```
///
/// # What it generates
///
/// The item as it is, and its registration.
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/policy.rs")]
/// ```
///
/// # Options
///
/// - `on = [..]`: its events
/// - `from_start`: it starts at the log's first event; without it, where the log ends when it is first part of an app
/// - `name = ".."`: its name, instead of the function's or the type's. How far it has come is kept under its name: one that is
///   renamed without this option or the next is refused when the app is built (rule 808)
/// - `was = ".."`: the name that it had before. It goes on where that one was, with what that one could not finish
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 207 its commands have handlers · 208 plain functions · 601 it returns commands · 602 it takes no bus, log or transaction · 603 each event
/// of the list is taken
#[proc_macro_attribute]
pub fn policy(arguments: TokenStream, item: TokenStream) -> TokenStream {
    policy::policy(arguments.into(), &item.into()).into()
}

/// Command-query separation on a plain object: each of its methods changes the object or answers, never both.
///
/// ```
/// use cqrs_runtime::cqs;
///
/// pub struct Account {
///     cents: u64,
/// }
///
/// #[derive(Debug, PartialEq)]
/// pub struct Overdrawn;
///
/// #[cqs]
/// impl Account {
///     pub fn new() -> Self {
///         Self { cents: 0 }
///     }
///
///     #[command]
///     pub fn deposit(&mut self, cents: u64) {
///         self.cents += cents;
///     }
///
///     #[command]
///     pub fn withdraw(&mut self, cents: u64) -> Result<(), Overdrawn> {
///         self.cents = self.cents.checked_sub(cents).ok_or(Overdrawn)?;
///         Ok(())
///     }
///
///     #[query]
///     pub fn balance(&self) -> u64 {
///         self.cents
///     }
/// }
///
/// let mut account = Account::new();
/// account.deposit(100);
/// assert_eq!(account.withdraw(200), Err(Overdrawn));
/// assert_eq!(account.balance(), 100);
/// ```
///
/// It is written on the own `impl` of any type, generic or not, as often as there are such blocks; not on a trait, and not on an `impl` of
/// one. Each public method with a `self` carries `#[command]` or `#[query]`. Private methods and those without a `self`, constructors
/// among them, need neither; a private method that carries one is held to it. Inside, the two are `#[cqs]`'s own: only `cqs` is imported.
/// Methods may be `async`.
///
/// # What a command is
///
/// It takes `&mut self`, or `self` (also in a `Box` or `Pin`), which ends the object: a `close`. It returns nothing, or `Result<(), E>`: done,
/// or why not. Not `&self`, even where the type could change behind it: an object that is shared has its lock around it,
/// `Mutex<ShoppingCart>`, not inside.
///
/// # What a query is
///
/// It takes `&self`, or `self` (a small value, `into_items(self)`): what it is handed over for good, it changes for nobody. Its other
/// parameters are anything but `&mut T`, at any depth, and `FnMut`; it returns anything but `&mut T` and `()`. `Result<(), E>` is an
/// answer, yes or why not, and so is `Option<()>`. What a function is called with is free: `impl Fn(&mut String)` is the query's to call.
///
/// # What it generates
///
/// The block as it is, without the two markers. Where the block has queries, one constant next to it, in which the compiler is asked what a
/// macro cannot see (704, 705, 706).
///
/// For example:
///
/// ```text
#[doc = include_str!("../tests/expand/cqs.rs")]
/// ```
///
/// # What is not seen
///
/// - `Mutex`, `RwLock`, atomics, files and sockets inside the type. Rule 706 asks the compiler for `RefUnwindSafe`, which `Cell`,
///   `RefCell`, `OnceCell` and `UnsafeCell` have not, at any depth; these have it.
/// - What a type parameter of the block is, and what one of the method is: with `W: Write` a caller may hand over a `&mut String`.
/// - A struct that holds a `&mut T`, as `std::slice::IterMut` does, and an alias of one; an alias of `&mut T` is seen, except in a method
///   with type parameters of its own.
/// - What the body does: a `static`, a parameter with a `Cell` inside, an answer written into a command's `&mut` argument.
///
/// # Options
///
/// - `interior_mutability`: the type may change behind a shared reference, and no answer depends on it (a cache)
/// - `crate = path`: the runtime's path, where it is not `::cqrs_runtime`
///
/// # Rules
///
/// 701 each public method is one of the two · 702 a command returns no data · 703 a command has the object to itself · 704 a query changes
/// nothing · 705 a query answers · 706 nothing inside changes in secret · 707 no method is both
#[proc_macro_attribute]
pub fn cqs(arguments: TokenStream, item: TokenStream) -> TokenStream {
    cqs::attribute(arguments.into(), &item.into()).into()
}

/// The rules that the compiler decides, for the runtime: not for users.
#[doc(hidden)]
#[proc_macro]
pub fn rules_of_the_compiler(_: TokenStream) -> TokenStream {
    rules::of_the_compiler().into()
}
