//! Every rule, in one place.
//!
//! The first table holds those whose message the macros write: what is wrong (with places for the user's own names), why
//! the rule is there, and what to write instead. The second names the rest, whose messages are in the runtime or come
//! from `rustc`, so that the page of rules is whole.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};

/// Who finds a breach.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The macro.
    Macro,
    /// The type system, with a message of ours.
    Types,
    /// `rustc` by itself.
    #[cfg_attr(not(test), expect(dead_code, reason = "the macros write no message of it"))]
    Compiler,
    /// `App::build` and `verify!()`.
    #[cfg_attr(not(test), expect(dead_code, reason = "the macros write no message of it"))]
    Program,
}

/// One rule, as one of its breaches reads.
#[cfg_attr(not(test), expect(dead_code, reason = "the page of rules names the stage"))]
#[derive(Debug)]
pub struct Rule {
    /// Its name in this table.
    pub name: &'static str,
    /// Its number.
    pub code: u16,
    /// Who finds a breach.
    pub stage: Stage,
    /// What is wrong. `{0}`, `{1}` … stand for the user's names, here and in `instead`.
    pub what: &'static str,
    /// Why that is refused.
    pub why: &'static str,
    /// What to write.
    pub instead: &'static str,
}

impl Rule {
    /// The message of one breach.
    ///
    /// With `CQRS_MESSAGES=short` it does not say why, nor what to write, but only where to read on, for outputs that are compared.
    pub fn message(&self, parts: &[&str]) -> String {
        let fill = |text: &str| {
            parts.iter().enumerate().fold(text.to_owned(), |text, (at, part)| text.replace(&format!("{{{at}}}"), part))
        };
        let what = format!("[CQRS{}] {}", self.code, fill(self.what));
        let see = format!("cqrs_runtime::rules#cqrs{}", self.code);
        if is_short() {
            return format!("{what}\n  see: {see}");
        }
        format!("{what}\n  why: {}\n  instead: {}\n  see: {see}", self.why, fill(self.instead))
    }

    /// The same rule for a check that the compiler runs, by its name in the runtime: one of [`OF_THE_COMPILER`].
    pub fn in_the_runtime(&self, rt: &impl ToTokens) -> TokenStream {
        let name = Ident::new(self.name, Span::mixed_site());
        let short = is_short().then(|| quote!(.short()));
        quote!(#rt::rules::#name #short)
    }
}

fn is_short() -> bool {
    std::env::var_os("CQRS_MESSAGES").is_some_and(|wanted| wanted == "short")
}

/// The rules that an expansion asks the compiler about. It names them, so that their texts are in the runtime once.
const OF_THE_COMPILER: &[&Rule] = &[
    &DECISION_BUS,
    &EVENT_OF_AGGREGATE,
    &EVENT_WITHOUT_TAG,
    &FORGOTTEN,
    &IGNORED_BY_ITS_FOLD,
    &IGNORED_WITHOUT_TAG,
    &NOTHING_CREATES,
    &NO_SUCH_FIELD,
    &POLICY_BUS,
    &QUERY_ANSWER,
    &QUERY_EVENT,
    &QUERY_RETURNS_NOTHING,
    &REJECTION_WRAPPED,
    &TWO_INTENTIONS,
    &VERSION_GAP,
];

/// `rules_of_the_compiler!()`: those rules as constants of the runtime.
pub fn of_the_compiler() -> TokenStream {
    let constants = OF_THE_COMPILER.iter().map(|Rule { name, code, what, why, instead, .. }| {
        let (name, doc) = (Ident::new(name, Span::call_site()), format!("CQRS{code}: {what}"));
        quote! {
            #[doc = #doc]
            pub const #name: Rule =
                Rule { code: #code, what: #what, why: #why, instead: #instead, is_short: false };
        }
    });
    quote!(#(#constants)*)
}

macro_rules! rules {
    ($($name:ident = $code:literal $stage:ident, $what:literal, $why:expr, $instead:literal;)+) => {
        $(pub const $name: Rule = Rule { name: stringify!($name), code: $code, stage: Stage::$stage, what: $what, why: $why, instead: $instead };)+
        /// The rules whose messages the macros write.
        #[cfg(test)]
        pub const OURS: &[&Rule] = &[$(&$name),+];
    };
}

const PURE: &str = "a decision is pure: it is batched, replayed and tested without the world";
const LAGS: &str = "the read model lags behind the log, and a decision on old state is a wrong decision";
const BY_EVENTS: &str = "state changes by events only";
const ASKS: &str = "asking a question must not change the answer";
const FOUND: &str = "a handler is found by its message alone";
const SILENCE: &str = "silence is how events get lost";
const HAPPENED: &str = "history has happened: applying it can neither fail nor answer";
const REPLAY: &str = "a projection is replayed, and its side effects would happen again";
const TRAVELS: &str = "messages cross threads, processes and time";
const ONE_FACT: &str = "one fact, one type: that is how it is found, and how its fields evolve";
const CALLERS_TELL: &str = "callers distinguish refusals by their codes and members";
const ROUTED: &str = "what the path does not say right, no request could reach";
const LISTED: &str = "an option that is not understood would do nothing";
const REACTS: &str = "a policy returns its commands, so that they get ids and each takes effect once";
const SEPARATE: &str =
    "a method changes the object or answers, never both: only then can a question be asked at any time";
const CONTRACT: &str = "what a handler declares is what its callers compile against";

rules! {
    // ---- 1xx messages ----
    TWO_INTENTIONS = 101 Types, "`{0}` is more than one of command, query and event",
        "a message has one intention", "keep one derive, and give the other intention a type of its own";
    QUERY_RETURNS_NOTHING = 103 Macro, "query `{0}` returns nothing",
        "a query that returns nothing can only be a command",
        "declare the answer, `#[cqrs(returns = ..)]`, or derive `Command`";
    MESSAGE_GENERIC = 104 Macro, "{1} `{0}` has a lifetime or a type parameter", TRAVELS,
        "own the data, and write one type for each case";
    MESSAGE_UNION = 104 Macro, "{1} `{0}` is a union", TRAVELS, "make it a struct or an enum";
    EVENT_SHAPE = 105 Macro, "event `{0}` is not a struct", ONE_FACT,
        "write one struct an event; a handler that states one of several returns a `#[derive(Events)]` enum of them";
    TAG_TWICE = 105 Macro, "the field is marked `#[{0}]` twice", ONE_FACT, "mark it once";
    EVENTS_SHAPE = 105 Macro, "`{0}` is not an enum with one event in each variant",
        "`Events` is one of several events, as a handler's result",
        "write `enum {0} { Shipped(OrderShipped), Closed(OrderClosed) }`";
    ID_SHAPE = 106 Macro, "identifier `{0}` is not a newtype", "a tag names one entity by one value",
        "write `pub struct {0}(Uuid);`";
    VERSION_WITHOUT_FROM = 107 Macro, "version {0} does not say what it came from",
        "every stored event must be readable for ever",
        "keep the type of the version before, and name it: `#[cqrs(version = {0}, from = ..)]`, with an `impl From` of it";
    FROM_WITHOUT_VERSION = 107 Macro, "`from` on the first version of an event",
        "every stored event must be readable for ever", "count up: `#[cqrs(version = 2, from = ..)]`";
    VERSION_GAP = 107 Types, "`from` is not version {1} of an event of the name of `{0}`",
        "every stored event must be readable for ever: a gap in the chain would end it",
        "name the type of version {1}, with the same `#[cqrs(name = ..)]`";
    OPTION_UNKNOWN = 108 Macro, "`{0}` is not an option of `{1}`", LISTED, "use one of {2}";
    OPTION_MISSPELT = 108 Macro, "`{0}` is not an option of `{1}`: did you mean `{2}`?", LISTED, "write `{2}`";
    OPTION_MISPLACED = 108 Macro, "`{0}` is an option of {1}, not of `{2}`", LISTED, "use one of {3}";
    OPTION_REPEATED = 108 Macro, "`{0}` is given twice", "one of the two would be ignored", "keep one";
    OPTION_VALUE = 108 Macro, "option `{0}` has a value of another kind", "an option that cannot be followed would do nothing",
        "give it {1}";
    OPTION_UNNAMED = 108 Macro, "a value of `{0}` has no name", "an option that is not understood would do nothing", "name each: `{1}`";
    LIST_QUOTED = 108 Macro, "event `{0}` is in quotes", "events are types, which the compiler looks up", "write `{0}`, without quotes";
    LIST_COMMA = 108 Macro, "a comma is missing before `{0}`", "a list holds one event after the other", "write `, {0}`";
    LIST_STRANGE = 108 Macro, "`{0}` is not an event", "a list holds the types of events", "write `[A, B]`";
    LIST_CONDITION = 108 Macro, "`#[cfg(..)]` inside a list", "the event's method needs the same condition",
        "put `#[cfg(..)]` on the method: its event is then listed under the same condition";
    OPTION_MISSING = 108 Macro, "`{0}` needs `{1}`", "`on` names the events that the methods fold, and an aggregate is found by its `id`", "write `#[{0}({2})]`";
    MARKER_WITH_ARGUMENTS = 108 Macro, "`#[{0}]` takes no arguments", LISTED, "write `#[{0}]`";
    OPTION_ON_PART = 108 Macro, "`#[cqrs({0})]` on a {1}", "options are read above a type; here it would do nothing", "{2}";
    MARKER_ELSEWHERE = 108 Macro, "`#[{0}]` on {1}", "nothing reads it there, and it would do nothing", "{2}";
    REJECTION_MEMBER = 112 Macro, "a domain error has a field `{0}`, and so has each answer about it", CALLERS_TELL,
        "give the field another name";
    REJECTION_TWICE = 112 Macro, "two variants of a domain error have the code `{0}`", CALLERS_TELL,
        "give one of them another, `#[cqrs(code = \"..\")]`";
    REJECTION_WRAPPED = 112 Types, "two variants of domain error `{0}` have one code: a variant wraps an error that has the code of another one",
        CALLERS_TELL, "give one of them another, `#[cqrs(code = \"..\")]` on the variant that has it";
    HTTP_SHAPE = 114 Macro, "`{0}` is not a method and a path", ROUTED, "write `http = \"POST /orders/{order}/ship\"`";
    HTTP_METHOD = 114 Macro, "{0} `{1}` is not reached by `{2}`",
        "caches, crawlers and retries follow the method: `GET` promises to change nothing", "use one of {3}";
    HTTP_SEGMENT = 114 Macro, "`{0}` is no part of a path", ROUTED, "write a field as `{field}`, alone between `/`";
    HTTP_TWICE = 114 Macro, "field `{0}` is in the path twice", ROUTED, "name it once";
    HTTP_FIELD = 114 Macro, "`{0}` has no field `{1}`, which its path names", ROUTED, "name one of its fields: {2}";
    ACCESS_TWICE = 115 Macro, "`{0}` is public, and requires `{1}`", "who may send a message is one thing or the other",
        "keep `public` or `requires = \"{1}\"`";
    ERROR_IS_DATA = 109 Macro, "`{0}` cannot be a command's error", "callers, logs and HTTP answers carry the error, and callers match on it",
        "give it a type of its own: `#[derive(Debug, thiserror::Error)] pub enum {1}Error`, and `#[cqrs(error = {1}Error)]`";
    FIELD_SKIPPED = 110 Macro, "serde leaves field `{0}` of the {1} out", "what is not stored is gone, in silence",
        "store it, or take it out of the {1}";
    FIELD_LEFT_OUT = 110 Macro, "serde may leave field `{0}` of the {1} out, and cannot read the {1} without it",
        "what is stored without it could never be read again",
        "say what a missing field is: `#[serde(default, skip_serializing_if = ..)]`";

    // ---- 2xx command handlers ----
    COMMAND_FIRST = 201 Macro, "{0}", "`#[command]` handles one command, taken by value",
        "begin with the command itself: `fn {1}(cmd: TheCommand, ..)`; aggregates follow it";
    COMMAND_DYN = 202 Macro, "a command handler cannot return `{0}`",
        "its signature states every event that it can emit, and the error that its callers match on",
        "return a tuple of the events, each in an `Option` or a `Vec`, or a `#[derive(Events)]` enum of them";
    COMMAND_RETURN = 202 Macro, "a command handler cannot return {0}",
        "its signature states every event that it can emit, and the error that its callers match on",
        "return `Result<events, error>`, where events is an event, a tuple, array, `Vec` or `Option` of them, or a `#[derive(Events)]` enum";
    DECISION_SERVICE = 203 Macro, "a decision cannot take `{0}`", PURE,
        "make it a workflow, `async fn {1}`, which may take services and a transaction; a decision takes aggregates and `&Meta`";
    DECISION_BUS = 203 Macro, "a command handler cannot take `{0}`",
        "a handler that sends commands or reads the log hides what it does from its signature",
        "return the events; what follows from them is the work of a `#[policy]`";
    DECISION_STALE = 203 Macro, "a decision cannot take `{0}`", PURE,
        "decide on an aggregate, `&A`; only a workflow, `async fn {1}`, may look at what is stale";
    COMMAND_READS = 204 Macro, "a command handler cannot take `{0}`", LAGS,
        "decide on an aggregate, `&A`; a workflow that needs no exact answer takes `Stale<{0}>`; if `{1}` only asks, it is a query: `#[query]`";
    COMMAND_MUTATES = 205 Macro, "a command handler cannot take `{0}`", BY_EVENTS,
        "take `&{1}`, and return the event that changes it; a workflow, `async fn`, writes to the log's own database by `&mut Tx<Db>`";
    COMMAND_CLIENT = 205 Macro, "a command handler cannot take `{0}`", "what is written through it would not commit with the events",
        "take `&mut Tx<Db>` of the log's database, `Tx<Sqlite>` say, in an `async fn`";
    DATABASE_NAME = 208 Macro, "`{0}` does not name a database", "it names the technology, and neither a log, a store nor a connection",
        "write `{1}`";
    COMMAND_SEVERAL = 203 Macro, "a command handler cannot take `{0}`", "aggregates are loaded by their ids, one by one",
        "several aggregates are `Many<{1}>`, with their ids: `#[id(cmd.ids.iter())] {2}: Many<{1}>`";
    COMMAND_WHOLE = 203 Macro, "a command handler cannot take `{0}`", "the framework makes it for the handler, and hands it over", "take `{1}`";
    HANDLER_SHAPE = 208 Macro, "a handler cannot {0}", FOUND,
        "write a plain function of the message and what its handler needs";
    HANDLER_OF_A_TYPE = 208 Macro, "`#[{0}]` on a type", "it marks the function that handles a message; the message's type has a derive",
        "write `#[derive({1}, Serialize, Deserialize)]{2}` above the type, and `#[{0}]` above the function that takes it";
    HANDLER_PATTERN = 208 Macro, "parameter `{0}` has no name to load it by", FOUND,
        "name it as the command's field that holds its id, or say which with `#[id(cmd.field)]`";
    HANDLER_METHOD = 208 Macro, "a handler cannot take `self`", FOUND,
        "write a plain function of the message and what its handler needs; a method of a plain object is a `#[{0}]` where its `impl` is `#[cqs]`";
    RETRY_DECISION = 208 Macro, "`retry` on a decision", "a decision never conflicts, so there is nothing to retry",
        "take `retry` away, or make the handler a workflow: `async fn`";
    TWO_TRANSACTIONS = 208 Macro, "a second `{0}`", "a command's events are committed in one transaction",
        "take one transaction";
    NO_SUCH_FIELD = 210 Types, "`{0}` is no field of `{1}`", "an aggregate is loaded by the command's field of its parameter's name",
        "name the parameter as the field that holds its id, or say which with `#[id(cmd.field)]`";
    ID_ON_MESSAGE = 210 Macro, "`#[id(..)]` on the {0} itself", "it says which aggregate a parameter is, and here it would do nothing",
        "put it on the parameter of the aggregate: `#[id(cmd.field)] order: &Order`";
    ID_ON_SERVICE = 210 Macro, "`#[id(..)]` on `{0}`, which is no aggregate", "it would do nothing", "take it away";
    MANY_WITHOUT_ID = 210 Macro, "`{0}` does not say which ones", "the name of a parameter finds one aggregate",
        "say which: `#[id(cmd.lines.iter().map(|line| line.product))] {1}: {0}`";

    // ---- 3xx query handlers ----
    QUERY_FIRST = 301 Macro, "{0}", "`#[query]` answers one query, taken by value",
        "begin with the query itself: `async fn {1}(q: TheQuery, ..)`";
    QUERY_MUTATES = 302 Macro, "a query cannot take `{0}`", ASKS,
        "take what only reads: `Views<V>`, `Reader<Db>`, `&Meta`; if `{1}` changes something, it is a command: `#[command]`";
    QUERY_WRITES = 303 Macro, "a query cannot take `{0}`", ASKS,
        "take what only reads: `Views<V>`, `Reader<Db>`, `State<T>` of a `ReadOnly` service, `&Meta`; if `{1}` changes something, it is a command: `#[command]`";
    QUERY_AGGREGATE = 303 Macro, "a query cannot take `{0}`",
        "aggregates are the write side's, and rows are asked for: a query is handed neither",
        "take `Views<V>`, and ask it for rows: `views.get(key)`, `views.find(..)`; if `{1}` changes something, it is a command: `#[command]`";
    QUERY_ANSWER = 304 Types, "query `{0}` cannot return `{1}`", "answers travel as JSON",
        "derive `Serialize` for it, and for what is inside";
    QUERY_RETURN = 304 Macro, "a query handler cannot return {0}", CONTRACT,
        "return `Result<answer, error>`, where answer is the query's `returns`";
    QUERY_EVENT = 305 Types, "query `{0}` returns the event `{1}`", "queries state no facts, and events are the log's",
        "answer with a view or a type of its own";
    QUERY_ASYNC = 208 Macro, "`#[query]` on a function that is not `async`", "a query reads a database, and waits for it",
        "write `async fn {0}`";

    // ---- 4xx aggregates, and 5xx for projections ----
    LISTED_WITHOUT_METHOD = 401 Macro, "event `{0}` is listed and has no method", SILENCE,
        "write its method, or take it off the list";
    METHOD_NOT_LISTED = 401 Macro, "event `{0}` is not listed in `on`", "the method would never be called",
        "add it: `on = [.., {0}]`";
    METHOD_OF_ANOTHER = 401 Macro, "event `{0}` is not listed in `on`, and `{1}` is listed and has no method", SILENCE,
        "let the method take `{1}`, or list `{0}` in its place";
    LIST_OF_OTHERS = 401 Macro, "no event of `on` has a method", "`on` lists the types of events that the methods take",
        "list those: `on = [{0}]`";
    METHOD_TWICE = 401 Macro, "a second method for event `{0}`", "only one of the two would be called",
        "keep one method an event";
    LISTED_TWICE = 401 Macro, "event `{0}` is listed twice", SILENCE, "list it once";
    FOLD_ASYNC = 402 Macro, "a fold method cannot be {0}", HAPPENED,
        "write a plain `fn`; what was decided and looked up belongs in the event";
    FOLD_FALLIBLE = 402 Macro, "a fold method cannot return `{0}`", HAPPENED,
        "return nothing from `&mut self`, or `Self`; refuse in the decision, before the event is stated";
    VIEW_ASYNC = 502 Macro, "a fold method cannot be `async`", "a view is rebuilt by replay, of what has happened",
        "write a plain `fn`; a method that writes tables of its own is `async fn {0}(tx: &mut Tx<Db>, e: &E) -> Result<(), Error>`";
    VIEW_OF_ANOTHER = 502 Macro, "`{0}` makes `{1}`, and the view here is `{2}`", "a projection folds into one view",
        "where `{2}` is only a marker, name the view: `#[projection(view = {1}, ..)]`; otherwise let `{0}` make `Self`";
    EVENT_NOT_FIRST = 502 Macro, "event `{0}` is not the first parameter", "the event comes first, and what is looked up by it follows",
        "write `fn {1}(.., {2}: {0}, ..)`, and the look-ups after it";
    EVENT_NOT_FIRST_OF_AN_AGGREGATE = 402 Macro, "event `{0}` is not the first parameter", HAPPENED,
        "write `fn {1}(&mut self, {2}: {0})`; its own identity may follow it, `id: &Id`";
    ONE_FOR_ALL = 405 Macro, "`{0}` folds several events", "each event has a method of its own, so that none is forgotten",
        "write a method for each event of `on`: `fn opened(&mut self, e: &Opened)`";
    FOLD_FORM = 402 Macro, "`{0}` has none of the forms of a fold method", HAPPENED,
        "write `fn {0}(e: &E) -> Self`, `fn {0}(&mut self, e: &E)` or `fn {0}(this: Option<Self>, e: &E) -> Self`; each may end with `id: &Id`";
    FOLD_ENDS = 402 Macro, "`{0}` ends an aggregate", "an aggregate's history does not end it: its last events say that it is over",
        "keep the end as a state: `fn {0}(&mut self, e: &E)`";
    FOLD_PARAMETER = 402 Macro, "a fold method cannot take `{0}`", HAPPENED,
        "besides the event it may take its own identity, last: `id: &Id`; what else it needs belongs in the event";
    FOLD_EVENT = 402 Macro, "parameter `{0}` is not an event by reference", HAPPENED,
        "take the event as `&E` or `&Recorded<E>`";
    NOTHING_CREATES = 403 Types, "no method creates `{0}`", "an aggregate must begin",
        "write `fn created(e: &E) -> Self` for its first event; all fold methods of an aggregate are in one block";
    EVENT_WITHOUT_TAG = 404 Types, "event `{0}` has not exactly one `#[tag]` of type `{1}`",
        "an aggregate is the events of one tag: without it the event could never be found, with two it is unclear whose it is",
        "mark the event's field `#[tag]`; where it has two, let the method take its own identity last: `id: &{1}`";
    OTHER_ITEM = 405 Macro, "{0} inside `{1}`", "every method here is the fold of one event",
        "move it to a plain `impl` block";
    AGGREGATE_DERIVED = 405 Macro, "an aggregate is not derived", "it is made of the methods that fold its events",
        "take `Aggregate` out of the `derive`, and write `#[aggregate({0})]` above `impl {1}`";
    FOLDS_OF_A_TYPE = 405 Macro, "`{0}` above the type `{1}`", "it folds events by the methods of an `impl`",
        "put it above the block of fold methods: `{0} impl {1} {..}`, with its options";
    FORGOTTEN = 407 Types, "`{0}` decides on `{1}` and may emit what `{1}` neither folds nor ignores",
        "what was decided would be forgotten: the next decision would be made as if it had not happened",
        "list the event in `on` of `{1}`'s `#[aggregate]`, with its method; if it changes nothing that a decision needs, say so: `ignore = [..]`";
    IGNORED_BY_ITS_FOLD = 407 Macro, "event `{0}` is ignored and has a method", SILENCE, "keep one of the two";
    IGNORED_WITHOUT_TAG = 407 Types, "event `{0}` is ignored and has no `#[tag]` of type `{1}`",
        "the aggregate could never meet it, so there is nothing to ignore", "take it off the list";
    IMPL_SHAPE = 405 Macro, "`{1}` cannot be written on {0}", "it folds events into one plain type",
        "write `impl Type { .. }`";
    PROJECTED_WITHOUT_METHOD = 501 Macro, "event `{0}` is listed and has no method", SILENCE,
        "write its method, or take it off the list";
    PROJECTED_NOT_LISTED = 501 Macro, "event `{0}` is not listed in `on`", "the method would never be called",
        "add it: `on = [.., {0}]`";
    PROJECTED_ANOTHER = 501 Macro, "event `{0}` is not listed in `on`, and `{1}` is listed and has no method", SILENCE,
        "let the method take `{1}`, or list `{0}` in its place";
    PROJECTED_TWICE = 501 Macro, "a second method for event `{0}`", "only one of the two would be called",
        "keep one method an event";
    PROJECTED_LISTED_TWICE = 501 Macro, "event `{0}` is listed twice", SILENCE, "list it once";
    EVENT_OF_AGGREGATE = 501 Types, "the methods and `ignore` are not exactly the events of `{0}`", SILENCE,
        "write a method for each of its events, or name it: `ignore = [..]`";
    IGNORE_WITH_LIST = 501 Macro, "`ignore` with a list of events", "the list says already what is not listened to",
        "take it away, or listen to a whole aggregate: `on = Order, ignore = [..]`";
    IGNORED_AND_FOLDED = 501 Macro, "event `{0}` is ignored and has a method", SILENCE, "keep one of the two";
    VIEW_FALLIBLE = 502 Macro, "a fold method cannot return `{0}`", "a view is rebuilt by replay, of what has happened",
        "return nothing from `&mut self`, `Self`, or `Option<Self>` from `self`";
    VIEW_FORM = 502 Macro, "`{0}` has none of the forms of a fold method", "a view is rebuilt by replay, of what has happened",
        "write `fn {0}(e: &E) -> Self`, `fn {0}(&mut self, e: &E)`, `fn {0}(this: Option<Self>, e: &E) -> Self` or `fn {0}(self, e: &E) -> Option<Self>`";
    VIEW_EVENT = 502 Macro, "parameter `{0}` is not an event by reference", "a view is rebuilt by replay, of what has happened",
        "take the event as `&E` or `&Recorded<E>`";
    ASYNC_FORM = 502 Macro, "`{0}` has not the form of an async projection's method",
        "an async projection writes through its read database's transaction, and nothing else",
        "write `async fn {0}(tx: &mut Tx<Db>, e: &E) -> Result<(), Error>`";
    VIEW_QUALIFIED = 502 Macro, "`{0}` is not a fold method's business", "a view is rebuilt by replay, of what has happened",
        "write a plain `fn`";
    PROJECTION_SERVICE = 503 Macro, "a projection cannot take `{0}`", REPLAY,
        "what the view needs belongs in the event; effects outside belong in a `#[policy]`";
    PROJECTION_PARAMETER = 503 Macro, "a fold method cannot take `{0}`", REPLAY,
        "after the event it may look up another view, `Option<&V>`";
    PROJECTION_LOOKS_UP = 503 Macro, "a projection cannot take `{0}`", REPLAY,
        "look the one row up, by the event's field of the parameter's name or by `#[id(expr)]`: `{2}: Option<&{1}>`";
    PROJECTION_META = 503 Macro, "a projection cannot take `{0}`", "who did it and when is recorded with the event",
        "take the event as `&Recorded<E>`: `event.meta()`";
    BY_IS_A_FIELD = 108 Macro, "`#[by(..)]` does not name a field", "rows are found by an index of the view, which has the name of its field",
        "name the field: `#[by({0})]`, or `#[by({0} = value)]`";
    BY_CREATES = 504 Macro, "`#[by(..)]` on a method that creates", "it changes the rows that are there",
        "take `&mut self`, or `self` to end them";
    ROUTED_TWICE = 504 Macro, "`#[{0}(..)]` and `#[{1}(..)]` on one method", "an event finds its rows in one way", "keep one of them";
    LOOK_UP_PATTERN = 504 Macro, "look-up `{0}` has no name to find its row by", "another view is looked up by the event's field of the parameter's name",
        "name it as the event's field that holds the key, or say which with `#[id(expr)]`";
    FOUND_BY_A_LOOK_UP = 504 Macro, "`{0}` is looked up, and cannot tell which rows to read",
        "the rows that events are about are read before the first of them is folded, and what is looked up is known when its own event is folded",
        "take the key from the event: give it a field for the key; or find the rows by an index and a value of the event, `#[by(index = event.field)]`";
    ONE_OF_MANY = 504 Macro, "a method of `#[by(..)]` cannot take `{0}`", "it changes every row of an index, and they have no one identity",
        "read the key from the row itself";
    VIEW_SHAPE = 505 Macro, "view `{0}` is not a struct with named fields and without parameters",
        "a view is stored as a row: its fields' names are its columns", "write `struct {0} { #[key] id: .., .. }`";
    VIEW_WITHOUT_KEY = 505 Macro, "view `{0}` has no `#[key]`", "the key finds the one row that an event is about",
        "mark one field `#[key]`";
    KEY_AGAIN = 505 Macro, "a second `#[key]`", "the key finds the one row that an event is about",
        "keep one `#[key]`; a key of two parts is one field, a tuple";
    KEY_TYPE = 505 Macro, "a field of type `{0}` cannot be a view's key", "the key finds the one row that an event is about",
        "use an id, a text, a whole number, a bool, a `Uuid`, a `Timestamp` or a `Date`, or a tuple of these";
    INDEX_TWICE = 506 Macro, "the field is marked `#[{0}]` twice", "one index is enough", "mark it once";
    COMPOUND_FIELD = 506 Macro, "field `{0}` of a compound index is no `#[index]` of `{1}`",
        "a compound index serves searches by its fields, which are conditions and orders of their own", "mark the field `#[index]`, or take it out of the list";
    COMPOUND_OF_SEVERAL = 506 Macro, "field `{0}` of a compound index holds several values", "a row has one place in a compound index",
        "list indexes of one value; `has` is combined with them by `and`";
    COMPOUND_OF_ONE = 506 Macro, "a compound index of `{0}` alone", "`#[index]` on the field is that index already",
        "list the fields that are compared by `eq`, and then those that sort: `index({0}, created_at)`; or take it away";
    COMPOUND_TWICE = 506 Macro, "field `{0}` is in the compound index twice", "the second place would do nothing", "list it once";
    INDEX_OF_OPTIONS = 506 Macro, "an index of several `{0}`", "a row is found by the values that it has, not by those that are missing",
        "hold the values that are there, of type `{1}`";
    KEY_TWICE = 505 Macro, "the field is marked `#[{0}]` twice", "one key is enough", "mark it once";
    MIXED = 507 Macro, "an async method among fold methods", "one unit of replay, one mechanism",
        "make two projections: one of fold methods, one of async methods";
    TWO_DATABASES = 507 Macro, "a second database, `{0}`", "one unit of replay, one transaction",
        "make two projections, one a database";
    ASYNC_VIEW = 507 Macro, "`{0}` on an async projection", "it writes through a transaction, and makes no view",
        "take `{0}` away";

    // ---- 6xx policies ----
    POLICY_RETURN = 601 Macro, "a policy cannot return `{0}`", "its signature states every command that it can send",
        "return nothing, a command, or a tuple, array, `Vec` or `Option` of them";
    POLICY_DYN = 601 Macro, "a policy cannot return `{0}`", "its signature states every command that it can send",
        "return a tuple of the commands, each in an `Option` or a `Vec`: `(Option<A>, Vec<B>)`";
    POLICY_BUS = 602 Macro, "a policy cannot take `{0}`", REACTS,
        "return the commands; what the store must write with an event is a workflow's or a projection's";
    POLICY_PARAMETER = 602 Macro, "a policy cannot take `{0}`",
        "what a command is decided on is loaded by its handler, under the log's lock",
        "after the event take `State<T>`, `Stale<Views<V>>` or, in an `async fn`, `Views<V>`; who and when are in the event, taken as `&Recorded<E>`";
    POLICY_VIEWS = 602 Macro, "a policy that is not `async` cannot take `{0}`",
        "a view may have to be waited for until it has the policy's event",
        "write `async fn`, or take `Stale<{0}>`, which may lack what happened a moment before the event";
    POLICY_EVENT = 603 Macro, "`{0}` does not begin with an event by reference", SILENCE,
        "write `fn {0}(e: &E, ..)` or `fn {0}(e: &Recorded<E>, ..)`";
    POLICY_NOT_TAKEN = 603 Macro, "event `{0}` is listed, and `{1}` does not take it", SILENCE,
        "list the event that it takes; a policy on several events is an `impl` of a marker struct, with one function an event";
    POLICY_WITHOUT_FUNCTION = 603 Macro, "event `{0}` is listed and has no function", SILENCE,
        "write its function, or take it off the list";
    POLICY_NOT_LISTED = 603 Macro, "event `{0}` is not listed in `on`", "the function would never be called",
        "add it: `on = [.., {0}]`";
    POLICY_OF_ANOTHER = 603 Macro, "event `{0}` is not listed in `on`, and `{1}` is listed and has no function", SILENCE,
        "let the function take `{1}`, or list `{0}` in its place";
    POLICY_TWICE = 603 Macro, "a second function for event `{0}`", "only one of the two would be called",
        "keep one function an event, and return all commands from it";
    POLICY_LISTED_TWICE = 603 Macro, "event `{0}` is listed twice", SILENCE, "list it once";
    POLICY_LISTENS_TO_NOTHING = 603 Macro, "`on` lists no event", "the policy would never be called",
        "list what it answers: `on = [..]`";
    POLICY_SHAPE = 603 Macro, "`#[policy]` cannot be written on {0}", "it answers events",
        "write a `fn`, an `async fn`, or an `impl` of a marker struct with one function an event";
    POLICY_ITEM = 603 Macro, "{0} inside `#[policy]`", "every function here answers one event",
        "move it to a plain `impl` block";
    // ---- 7xx plain objects ----
    CQS_NEITHER = 701 Macro, "public method `{0}` is neither a command nor a query", SEPARATE, "{1}";
    CQS_SHAPE = 701 Macro, "`#[cqs]` on {0}", "it holds the methods of one type to what they are marked as",
        "put it on the type's own `impl Type { .. }`";
    CQS_UNSEEN = 701 Macro, "the call of `{0}!` inside a `#[cqs] impl`", "the methods that it makes are not seen, and not held to the rules",
        "write the methods out, or move the call to an `impl` of its own";
    CQS_COMMAND_ANSWERS = 702 Macro, "a command cannot return `{0}`", SEPARATE,
        "return nothing, or `Result<(), E>`, written out; give the answer in a `#[query]` of its own";
    CQS_COMMAND_SHARES = 703 Macro, "a command cannot take `{0}`", "it could only change the object behind a shared reference, in secret",
        "take `&mut self`; if it changes nothing, it is a `#[query]`; an object that is shared has its lock around it, not inside";
    CQS_COMMAND_OF_NOTHING = 703 Macro, "command `{0}` takes no `self`", "a command changes the object that it is called on",
        "take `&mut self`, or take `#[command]` away";
    CQS_QUERY_CHANGES = 704 Macro, "a query cannot {0}", ASKS,
        "take `&self` and what only reads (`&T`, a value, `impl Fn`), and return no more; what changes something is a `#[command]`";
    CQS_QUERY_ANSWERS_NOTHING = 705 Macro, "query `{0}` returns nothing", "it answers nothing, and can only be a command",
        "return the answer, or mark it `#[command]`";
    CQS_BOTH = 707 Macro, "`{0}` is both a command and a query", SEPARATE,
        "keep one of the two; if it does both, make it two methods";
}

/// The rest: code, stage, what is refused. Their messages are in the runtime's traits, in `App::build`, or in `rustc`.
#[cfg(test)]
pub const ELSEWHERE: &[(u16, Stage, &str)] = &[
    (102, Stage::Types, "a command whose `returns` is not `()`, an id, or a tuple of ids"),
    (109, Stage::Types, "an error type that is not `Error + Send + Sync + 'static`"),
    (111, Stage::Types, "a message, an event or a view that serde cannot write and read"),
    (113, Stage::Types, "a domain error or an answer that a client cannot read back"),
    (206, Stage::Compiler, "a second handler for the same command"),
    (207, Stage::Types, "`execute` of a command that has no handler"),
    (209, Stage::Types, "an id expression whose type is not the aggregate's id"),
    (211, Stage::Types, "returning events while the command declares `returns`, or the other way round"),
    (306, Stage::Types, "a second handler; `ask` without a handler"),
    (307, Stage::Types, "a query on the command bus, a command on the query bus"),
    (308, Stage::Types, "`find` by a field that has no `#[index]`"),
    (309, Stage::Types, "a query that reads its caller's own writes, asked without a position"),
    (406, Stage::Types, "snapshots of a state that serde cannot write and read back"),
    (408, Stage::Compiler, "an aggregate with interior mutability, without `#[aggregate(interior_mutability)]`"),
    (
        706,
        Stage::Types,
        "a `#[query]` on a type with interior mutability inside, without `#[cqs(interior_mutability)]`",
    ),
    (801, Stage::Program, "two messages, events, projections or policies of one name"),
    (802, Stage::Program, "a command or query that no handler in this program serves"),
    (803, Stage::Program, "a handler whose `State<T>` or database the app was not given"),
    (804, Stage::Program, "an event that no handler emits and no one listens to"),
    (805, Stage::Program, "an event whose schema differs from `events.lock` without a new version"),
    (806, Stage::Program, "a `Tx<Db>` of a database that is not the log's"),
    (807, Stage::Program, "policies that feed each other in a circle"),
    (808, Stage::Program, "an event, a tag prefix or a policy that the log knows and the program does not"),
];

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn the_tables_hold_every_rule_that_is_enforced() {
        let ours = OURS.iter().map(|rule| rule.code);
        let codes: BTreeSet<u16> = ours.chain(ELSEWHERE.iter().map(|(code, ..)| *code)).collect();
        let expected = (101..=115)
            .chain(201..=211)
            .chain(301..=309)
            .chain(401..=408)
            .chain(501..=507)
            .chain(601..=603)
            .chain(701..=707)
            .chain(801..=808);
        assert_eq!(codes, expected.collect());
    }

    #[test]
    fn every_place_of_a_message_is_filled_by_its_breach() {
        let message = DECISION_SERVICE.message(&["State<Clock>", "ship"]);
        assert!(message.starts_with("[CQRS203] a decision cannot take `State<Clock>`\n  why: "), "{message}");
        assert!(message.contains("`async fn ship`"), "{message}");
        assert!(message.ends_with("\n  see: cqrs_runtime::rules#cqrs203"), "{message}");
    }
}
