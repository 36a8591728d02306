//! Every rule in one sentence each: what is refused, why, what to write instead. The page of rules is made of it.

use crate::rules::Stage::{self, Compiler, Macro, Program, Types};

/// One rule.
pub struct Entry {
    /// Its number.
    pub code: u16,
    /// Who finds a breach.
    pub stages: &'static [Stage],
    /// What is refused.
    pub refused: &'static str,
    /// Why.
    pub why: &'static str,
    /// What to write.
    pub instead: &'static str,
    /// The case of `tests/ui` that shows it best, if it is not the first.
    pub example: Option<&'static str>,
}

macro_rules! index {
    ($($heading:literal { $($code:literal $($stage:ident)+ $($example:literal)?, $refused:literal, $why:literal, $instead:literal;)+ })+) => {
        /// The rules by chapter.
        pub const INDEX: &[(&str, &[Entry])] = &[$(($heading, &[$(Entry {
            code: $code,
            stages: &[$($stage),+],
            refused: $refused,
            why: $why,
            instead: $instead,
            example: { #[allow(unused_mut, unused_assignments)] let mut example = None; $(example = Some($example);)? example },
        }),+])),+];
    };
}

index! {
"Messages and events" {
    101 Types "r101_command_and_event", "a type that is more than one of command, query and event",
        "A message has one intention.",
        "Keep one derive, and give the other intention a type of its own.";
    102 Types "r102_returns_data", "a command whose `returns` is not `()`, an id, or a tuple of ids",
        "A command changes state; data is asked for by a query.",
        "Return the id of what was made, and ask a query for the rest: `app.queries().after(receipt.position())`.";
    103 Macro Types "r103_returns_nothing", "a query whose `returns` is `()`, or is not declared",
        "A query that returns nothing can only be a command.",
        "Declare the answer, `#[cqrs(returns = ..)]`, or derive `Command`.";
    104 Macro "r104_lifetime", "a message with a lifetime or a type parameter",
        "Messages cross threads, processes and time.",
        "Own the data, and write one type for each case.";
    105 Macro Types "r105_event_enum", "an event that is no struct, a set of events that is no enum of them, a fold over what is no event",
        "One fact, one type: that is how it is found, and how its fields evolve.",
        "Write one struct an event; a handler that states one of several returns a `#[derive(Events)]` enum.";
    106 Macro Types "r106_tag_is_no_id", "a `#[tag]` on a field that is no `Id`, nor an `Option` or `Vec` of one; an `Id` that is no newtype, or of a value that cannot name anything",
        "Tags name entities.",
        "Give the entity an identifier: `#[derive(Id)] pub struct OrderId(Uuid);`.";
    107 Macro Types "r107_gap", "a version of an event that does not name the version before it",
        "Every stored event must be readable for ever; a gap in the chain would end that.",
        "Keep the old type, and name it: `#[cqrs(version = 2, from = OrderShippedV1)]`, with an `impl From` of it.";
    108 Macro "r108_misspelt", "an option that is unknown, misspelt, misplaced, repeated, missing or without its value",
        "An option that is not understood would do nothing.",
        "Write one of the options that the message lists.";
    109 Macro Types "r109_no_error", "a command's error type that is not `Error + Send + Sync + 'static`",
        "Callers, logs and transports need it.",
        "Implement `std::error::Error` for it (with `thiserror`, say), and let it own its data.";
    110 Macro "r110_event_field", "a field of an event or of a view that serde leaves out",
        "What is not stored is gone, in silence; a view's fold would come out otherwise in another batch.",
        "Store it, or take it out of the type; a field that is left out at times has a `default`: `#[serde(default, skip_serializing_if = ..)]`.";
    111 Types "r111_event", "a command, query, event or view that serde cannot write and read",
        "Events and views are stored as JSON, commands and queries travel as JSON.",
        "Derive `Serialize` and `Deserialize` with the other derive; serde's own errors name a field that cannot.";
    112 Macro Types "r112_member", "a domain error with two variants of one code (those of an error that a variant wraps are its codes), or with a field that has the name of a member of every problem",
        "Callers distinguish refusals by their codes and members.",
        "Give the variant another code, `#[cqrs(code = \"..\")]`, or the field another name.";
    113 Types "r113_not_derived", "a command that a `Client` sends and whose domain error does not derive `DomainError`; a query that it asks and whose answer serde cannot read",
        "A domain error travels by its code and its fields, which the derive declares, and an answer as JSON. The client reads both back.",
        "Derive `DomainError` for the error, `Deserialize` for the answer; in this process alone, use `app.commands()` and `app.queries()`.";
    114 Macro "r114_method", "an `http = \"..\"` that is no method and path of the message: a command by `GET`, a field that the message does not have, or twice",
        "The router could not follow it, or would break what HTTP promises of a method.",
        "Write `#[cqrs(http = \"POST /orders/{order}/ship\")]`, with the message's own fields; two messages on one path are refused when the router is built.";
    115 Macro "r115_both", "a message that is `public` and `requires` a permission",
        "Who may send a message is one thing or the other.",
        "Keep one of the two.";
}

"Command handlers" {
    201 Macro Types "r201_query", "a `#[command]` whose first parameter is no command by value",
        "`#[command]` handles one command.",
        "Begin with the command: `fn ship(cmd: Ship, ..)`. A query is answered by `#[query]`.";
    202 Macro Types "r202_view", "a return that is not `Result<events, the command's error>`",
        "A command does not return data; its handler's signature states every event that it can emit.",
        "Return an event, a tuple, array, `Vec` or `Option` of them, or a `#[derive(Events)]` enum; a query reads what they made.";
    203 Macro Types "r203_state", "a decision (`fn`) that takes `State`, `Tx`, a bus, or any service",
        "A decision is pure: it is batched, replayed and tested without the world.",
        "Make it a workflow, `async fn`; no handler takes a bus: what follows from an event is a `#[policy]`'s.";
    204 Macro Types "r204_views", "`Views` or `Reader` in a command handler",
        "The read model lags behind the log, and a decision on old state is a wrong decision.",
        "Decide on an aggregate, `&A`; a workflow that needs no exact answer takes `Stale<Views<V>>`.";
    205 Macro Types "r205_mutable_aggregate", "`&mut` on an aggregate, or on anything but a transaction",
        "State changes by events only.",
        "Take `&A`, and return the event that changes it.";
    206 Compiler Program "r206_two_handlers", "a second handler for the same command; a plain handler for a command of another crate",
        "One command, one meaning.",
        "Write `#[command(foreign)]` for another crate's command: without it, `rustc` says E0117. Of two handlers keep one; where both crates are linked on purpose, narrow what is served by `.only_modules(..)`.";
    207 Types "r207_no_handler", "`execute` of a command that has no handler",
        "It could only fail in production.",
        "Write its `#[command]`, or link the crate that has it.";
    208 Macro "r208_generic", "a handler that is no plain function: `self`, generics, `unsafe`, `extern`, `const`, `impl Trait`, a parameter without a name",
        "A handler is found by its message alone.",
        "Write a plain function of the message and what its handler needs.";
    209 Types "r209_other_id", "an id whose type is not the aggregate's id",
        "It would load another entity.",
        "Name the command's field that holds the aggregate's own id.";
    210 Macro Types "r210_no_such_field", "an aggregate parameter that is named as no field of the command, without `#[id(..)]`",
        "An aggregate is loaded by the command's field of its parameter's name.",
        "Name the parameter as that field, or say which: `#[id(cmd.field)] order: &Order`.";
    211 Types "r211_events_alone", "events alone while the command declares `returns`, or the other way round",
        "The declared contract is what callers compile against.",
        "`Ok(emit(events).returning(id))` for a command that declares `returns = Id`; events alone for one that does not.";
}

"Query handlers" {
    301 Macro Types "r301_command", "a `#[query]` whose first parameter is no query by value",
        "`#[query]` answers one query.",
        "Begin with the query: `async fn history(q: History, ..)`. A command is handled by `#[command]`.";
    302 Macro "r302_transaction", "a `&mut` parameter of a query handler",
        "Asking a question must not change the answer.",
        "Take what only reads: `Views<V>`, `Reader<Db>`, `&Meta`.";
    303 Macro Types "r303_service", "`Tx`, a bus, the log, an aggregate, or `State<T>` whose `T` is not `ReadOnly` in a query handler",
        "Asking a question must not change the answer.",
        "Read views; a service that changes nothing says so: `impl ReadOnly for Prices {}`.";
    304 Macro Types "r304_other_answer", "a return that is not `Result<the query's returns, an error>`",
        "The declared contract is what callers compile against.",
        "Return what `#[cqrs(returns = ..)]` says.";
    305 Types "r305_event", "an event in a query's `returns`",
        "Queries state no facts, and events are the log's.",
        "Answer with a view or a type of its own.";
    306 Compiler Types "r306_no_handler", "a second handler for the same query; `ask` of a query that has none",
        "One query, one meaning; and it could only fail in production.",
        "Write one `#[query]`.";
    307 Types "r307_query_on_the_command_bus", "a query on the command bus, a command on the query bus",
        "The two are kept separate.",
        "`app.commands().execute(command)`, `app.queries().ask(query)`.";
    308 Types "r308_find", "`find`, `order_by` or `#[by(..)]` by a field that has no `#[index]`",
        "It would read every row.",
        "Mark the field `#[index]`, or read all aloud: `views.scan()`.";
    309 Types "r309_no_position", "a query that reads its caller's own writes (`consistency = read_your_writes`), asked without a position",
        "An answer from a view that lags would be wrong, and the query has declared so.",
        "Say what it has to see: `app.queries().after(receipt.position()).ask(..)`.";
}

"Aggregates" {
    401 Macro "r401_no_method", "an event in `on` without a method, a method whose event is not in `on`, two methods for one event",
        "Silence is how events get lost.",
        "One method for each listed event.";
    402 Macro Types "r402_fallible", "a fold method that is async, fallible, generic, or has none of the forms",
        "History has happened: applying it can neither fail nor answer.",
        "`fn created(e: &E) -> Self`, `fn shipped(&mut self, e: &E)`, `fn counted(this: Option<Self>, e: &E) -> Self`.";
    403 Types "r403_never_created", "an aggregate that no method creates",
        "An aggregate must begin.",
        "Write `fn created(e: &E) -> Self` for its first event.";
    404 Types "r404_no_tag", "an event in `on` that has no `#[tag]` of the aggregate's id type, or two where the method does not take `id`",
        "The event could never be found; with two it is unclear whose it is.",
        "Mark the event's field `#[tag]`; where there are two, let the method take its own identity last: `id: &OrderId`.";
    405 Macro "r405_other_method", "anything but fold methods inside the annotated `impl`",
        "Every method there is the fold of one event.",
        "Behaviour belongs in a plain `impl` block.";
    406 Types "r406_not_serde", "snapshots of a state that serde cannot write and read back",
        "A snapshot is the state as serde writes it, and it is read back as that.",
        "Derive `Serialize` and `Deserialize` for it, or take `snapshots` away: every history is folded without them too.";
    407 Macro Types "r407_forgotten", "a handler that decides on an aggregate and may emit an event with a tag of its id that the aggregate neither folds nor ignores; an `ignore` that ignores nothing",
        "What was decided would be forgotten: the next decision would be made as if it had not happened.",
        "List the event in the aggregate's `on`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`.";
    408 Compiler "r408_mutex", "an aggregate that holds a `Mutex`, an `RwLock`, a `OnceLock`, an atomic or another `UnsafeCell` (not one behind a `Box`, an `Arc` or a `Vec`, which the compiler does not tell)",
        "A decision takes `&Order`, and could change the state that is kept in memory without an event: another process, and this one after a restart, would decide on another state.",
        "Keep the state in plain fields, which events change; where no decision depends on it (a cache), say so aloud: `#[aggregate(interior_mutability, ..)]`.";
}

"Views and projections" {
    501 Macro Types "r501_not_every_event", "401 for projections; for `on = Order`, an event of it that is neither folded nor ignored",
        "Silence is how events get lost.",
        "One method for each event, or `ignore = [..]` with `on = Order`.";
    502 Macro "r502_fallible", "402 for projections",
        "A view is rebuilt by replay, of what has happened.",
        "One of the forms of `#[projection]`'s methods.";
    503 Macro Types "r503_service", "`State`, a bus, the log or a clock in a projection",
        "A projection is replayed, and its side effects would happen again.",
        "What the view needs belongs in the event; effects outside belong in a `#[policy]`.";
    504 Macro Types "r504_no_field", "an event that does not say which rows it is about",
        "It could reach no row.",
        "Give the event a field of the key's name, or the method `#[key(expr)]`, `#[keys(expr)]` or `#[by(index)]`.";
    505 Macro Types "r505_no_key", "a view that is no struct with exactly one `#[key]`",
        "The key finds the one row that an event is about.",
        "Mark one field `#[key]`; a key of two parts is one field, a tuple.";
    506 Macro Types "r506_index_type", "an `#[index]` on a field that cannot be a column",
        "It could not be searched.",
        "Index a number, a text, a boolean, a date or time, an id, or an `Option` of one.";
    507 Macro "r507_mixed", "fold methods and async methods in one projection, or two databases",
        "One unit of replay, one mechanism.",
        "Make two projections.";
}

"Policies" {
    601 Macro Types "r601_string", "a policy that returns neither nothing nor commands",
        "Its signature states every command that it can send.",
        "Return nothing, a command, or a tuple, array, `Vec` or `Option` of them.";
    602 Macro Types "r602_bus", "a bus, the log, or a transaction as a policy's parameter",
        "A policy returns its commands, so that they get ids and each takes effect once.",
        "Return the commands; after its event a policy takes `State<T>`, `Stale<Views<V>>` and, as an `async fn`, `Views<V>`.";
    603 Macro "r603_not_taken", "an event in `on` that the policy does not take, one that it takes and that is not listed, or an event twice",
        "Silence is how events get lost.",
        "List what it takes; a policy on several events is an `impl` of a marker struct.";
}

"Plain objects" {
    701 Macro "r701_neither", "a public method with a receiver that is neither `#[command]` nor `#[query]`",
        "Every method is one or the other.",
        "Mark it, or make it private.";
    702 Macro "r702_bad_shopping_cart_add_item", "a `#[command]` that returns anything but `()` or `Result<(), E>`",
        "Mutate or answer, not both.",
        "Answer from a `#[query]`.";
    703 Macro "r703_shared", "a `#[command]` that takes `&self`",
        "It could only change state behind a shared reference.",
        "Take `&mut self`.";
    704 Macro Types "r704_bad_shopping_cart_total", "a `#[query]` that takes `&mut self`, a `&mut` or an `FnMut`, or returns a `&mut`, at any depth",
        "Asking a question must not change the answer.",
        "Take `&self`, and change in a `#[command]`.";
    705 Macro Types "r705_nothing", "a `#[query]` that returns `()`",
        "It answers nothing.",
        "Return the answer, or mark it `#[command]`.";
    706 Types "r706_cell", "a `#[query]` on a type with `Cell`, `RefCell` or `OnceCell` inside",
        "The query could change state in secret.",
        "Keep plain fields, or say so aloud: `#[cqs(interior_mutability)]`.";
    707 Macro "r707_both", "a method that is both `#[command]` and `#[query]`",
        "Every method is one or the other.",
        "Keep one.";
}

"The linked program" {
    801 Program, "two messages, events, views or projections of one name, two ids of one prefix",
        "The wire and the log know names only.",
        "Rename one, by its type or by `#[cqrs(name = \"..\")]`.";
    802 Program, "a command or query that no handler in this program serves",
        "Who sends it would only then hear of it.",
        "Write its handler, or link the crate that has it: `use that_crate as _;`.";
    803 Program, "a handler whose `State<T>` or database the app was not given; a read database without a view; a view in two, or in another one than the view that looks it up",
        "It is found at start-up, not at the first request.",
        "`App::builder().state(..)`, `.views(..)` or `.views_of::<..>(..)`.";
    804 Program, "an event that no handler emits and no one listens to; a projection on an event that is not linked; a view that none makes; and, by `verify!()` alone unless accepted by name: an event that is emitted and not listened to, or the other way round, and a view that no query reads",
        "It is dead, or lost.",
        "Delete it, write what it is meant for, link the crate that has it, or accept it: `verify!(accept = [..])`.";
    805 Program, "an event whose schema differs from `events.lock` without a new version",
        "Stored events could no longer be read.",
        "Keep the old type as the version before: `#[cqrs(version = 2, from = ..)]`.";
    806 Program, "a `&mut Tx<Db>` of a database that is not the log's",
        "What it writes would not commit with the events.",
        "Take the transaction of the log's own database.";
    807 Program, "policies that feed each other in a circle without an aggregate that stops it",
        "It would be an endless loop.",
        "Let a command of the circle be decided on an aggregate that refuses the second round.";
    808 Program, "an event, a tag prefix or a policy that the log holds and this program does not know",
        "It was renamed, or is gone: its history, or its unfinished work, would be lost in silence.",
        "Give it its old name: `#[cqrs(name = \"..\")]`, `#[policy(was = \"..\")]`; or say that it is meant: `App::builder().retired([..])`, or `.served_elsewhere([..])`.";
}
}
