//! One method of the block: which form it has, which event it folds, how it finds its rows.

use proc_macro2::{Ident, TokenStream};
use quote::ToTokens;
use syn::parse::{Parse, ParseBuffer, ParseStream};
use syn::{Expr, FnArg, ImplItemFn, Pat, PatType, ReceiverKind, ReturnType, Token, Type, parse_quote};

use crate::errors::Errors;
use crate::markers::{refuse_helper, refuse_options, refuse_options_of_parameters, take_helper};
use crate::{names, rules, types};

/// How a method treats the state.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// `fn created(e: &E) -> Self`
    Create,
    /// `fn shipped(&mut self, e: &E)`
    Change,
    /// `fn sold(this: Option<Self>, e: &E) -> Self`
    MakeOrChange,
    /// `fn closed(self, e: &E) -> Option<Self>`
    ChangeOrEnd,
    /// `async fn created(tx: &mut Tx<Db>, e: &E) -> Result<(), Error>`
    Async,
    /// `&self`, or a receiver of another type: none.
    Other,
}

/// A method, as it is written.
pub struct Method {
    /// The whole of it, without helper attributes.
    pub function: ImplItemFn,
    pub form: Form,
    /// The transaction's database, of the async form.
    pub database: Option<Type>,
    /// The parameter after the state: the event, if it is a reference.
    pub event: Option<EventParameter>,
    /// What follows.
    pub rest: Vec<Rest>,
    /// `#[key(expr)]`
    pub key: Option<Expr>,
    /// `#[keys(expr)]`
    pub keys: Option<Expr>,
    /// `#[by(index)]`, `#[by(index = expr)]`
    pub by: Option<By>,
}

/// The event that a method folds.
pub struct EventParameter {
    /// Its name, if it has one: what the expressions of helper attributes know it by.
    pub name: Option<Ident>,
    /// The event's type, without reference and `Recorded`.
    pub ty: Type,
}

/// A parameter after the event.
pub struct Rest {
    pub pattern: Pat,
    pub ty: Type,
    /// `#[id(expr)]`
    pub id: Option<Expr>,
}

/// `#[by(index)]`, `#[by(index = expr)]`
pub struct By {
    pub index: Ident,
    pub value: Option<Expr>,
}

/// `guest` of `RoomBoard::GUEST` and of `"guest"`: the field that is meant.
fn named_by(input: &ParseBuffer<'_>) -> String {
    if let Ok(text) = input.parse::<syn::LitStr>() {
        return text.value();
    }
    let path = input.call(syn::Path::parse_mod_style).ok();
    path.and_then(|path| Some(path.segments.last()?.ident.to_string().to_lowercase()))
        .unwrap_or_else(|| "field".to_owned())
}

impl Parse for By {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek2(Token![::]) || input.peek(syn::LitStr) {
            let name = named_by(&input.fork());
            return Err(syn::Error::new(input.span(), rules::BY_IS_A_FIELD.message(&[&name])));
        }
        let index = input.parse()?;
        let value = input.parse::<Option<Token![=]>>()?.map(|_| input.parse()).transpose()?;
        Ok(Self { index, value })
    }
}

impl Method {
    /// Reads a method whose state is of type `subject` (or `Self`).
    pub fn parse(mut function: ImplItemFn, subject: &Type, reader: &str, errors: &Errors) -> Self {
        refuse_options(&mut function.attrs, "method", reader, errors);
        refuse_options_of_parameters(&mut function.sig.inputs, reader, errors);
        let key = take_helper(&mut function.attrs, "key", errors);
        let keys = take_helper(&mut function.attrs, "keys", errors);
        let by = take_helper(&mut function.attrs, "by", errors);
        let mut parameters: Vec<Rest> = Vec::new();
        let mut receiver = None;
        for input in &mut function.sig.inputs {
            match input {
                FnArg::Receiver(own) => receiver = Some(receiver_form(own)),
                FnArg::Typed(PatType { attrs, pat, ty, .. }) => {
                    let id = take_helper(attrs, "id", errors);
                    parameters.push(Rest { pattern: Pat::clone(pat), ty: Type::clone(ty), id });
                }
            }
        }
        let mut database = None;
        let first = parameters.first().map(|first| &first.ty);
        let (form, states) = if let Some(form) = receiver {
            (form, 0)
        } else if function.sig.asyncness.is_some() {
            database = first.and_then(database_of);
            (Form::Async, usize::from(database.is_some()))
        } else {
            match first.and_then(|first| state_form(first, subject)) {
                Some(form) => (form, 1),
                None => (Form::Create, 0),
            }
        };
        let names_the_event =
            key.is_some() || keys.is_some() || by.is_some() || parameters.iter().any(|rest| rest.id.is_some());
        if let (true, Some(FnArg::Typed(event))) =
            (names_the_event, function.sig.inputs.iter_mut().nth(usize::from(receiver.is_some()) + states))
        {
            // An expression of a helper attribute may be all that uses it.
            event.attrs.push(parse_quote!(#[allow(unused_variables)]));
        }
        let mut rest = parameters.split_off(states.min(parameters.len()));
        let event = rest.first().and_then(event_parameter);
        if event.is_some() {
            parameters.push(rest.remove(0));
        }
        for id in parameters.iter().filter_map(|parameter| parameter.id.as_ref()) {
            let place = "what is no look-up";
            refuse_helper(id, "id", place, "put it on the look-up, `#[id(expr)] name: Option<&V>`", errors);
        }
        Self { function, form, database, event, rest, key, keys, by }
    }

    /// The method's name.
    pub fn ident(&self) -> &Ident {
        &self.function.sig.ident
    }

    /// The `#[cfg]`s of the method, which what is made of it must share.
    pub fn conditions(&self) -> TokenStream {
        let conditions = self.function.attrs.iter().filter(|attribute| attribute.path().is_ident("cfg"));
        conditions.map(ToTokens::to_token_stream).collect()
    }

    /// The return type, if it is written and is not `()`.
    pub fn output(&self) -> Option<&Type> {
        match &self.function.sig.output {
            ReturnType::Type(_, ty) if !types::is_unit(ty) => Some(ty),
            _ => None,
        }
    }

    /// The last parameter, if it is the method's own identity: `id: &OrderId`.
    pub fn id(&self) -> Option<&Rest> {
        self.rest
            .last()
            .filter(|last| types::reference(&last.ty).is_some_and(|reference| reference.mutability.is_none()))
    }

    /// Whether it returns what its form says.
    pub fn returns_its_form(&self, subject: &Type) -> bool {
        match self.form {
            Form::Create | Form::MakeOrChange => self.output().is_some_and(|output| is_subject(output, subject)),
            Form::Change => self.output().is_none(),
            Form::ChangeOrEnd => self.output().is_some_and(|output| is_option_of(output, subject)),
            Form::Async => self.output().is_some_and(|output| types::last_segment(output).is_some()),
            Form::Other => false,
        }
    }

    /// The expressions that find rows: its own, and those that it looks up.
    pub fn expressions(&self) -> impl Iterator<Item = &Expr> {
        let own = self.key.iter().chain(&self.keys).chain(self.by.iter().filter_map(|by| by.value.as_ref()));
        own.chain(self.rest.iter().filter_map(|rest| rest.id.as_ref()))
    }

    /// What rows depend on other than the method's body: its form, which rows it is about, what it looks up. `key` is the
    /// projection's own. The names of the method and of its parameters are nothing to them.
    pub fn route(&self, key: Option<&Ident>) -> String {
        let form = match self.form {
            Form::Create => "create",
            Form::Change => "change",
            Form::MakeOrChange => "make or change",
            Form::ChangeOrEnd => "change or end",
            Form::Async | Form::Other => "",
        };
        let mut route = vec![form.to_owned()];
        // An expression knows the event by the name that the method gives it: any other would do.
        let event = self.event.as_ref().and_then(|event| event.name.as_ref());
        let text = |expr: &Expr| types::text(&names::renamed(expr.to_token_stream(), event, "e"));
        route.extend(key.map(|key| format!("key of the projection {}", names::text(key))));
        route.extend(self.key.as_ref().map(|key| format!("key {}", text(key))));
        route.extend(self.keys.as_ref().map(|keys| format!("keys {}", text(keys))));
        if let Some(By { index, value }) = &self.by {
            let value = value.as_ref().map_or_else(|| names::text(index), text);
            route.push(format!("by {} {value}", names::text(index)));
        }
        for rest in &self.rest {
            let view = super::check::look_up(&rest.ty).map(types::text);
            let id = rest.id.as_ref().map(text).or_else(|| rest.field().as_ref().map(names::text));
            route.extend(view.map(|view| format!("looks up {view} {}", id.unwrap_or_default())));
        }
        route.join("\n")
    }

    /// 108: the helper attributes that only projections read, on the method of an aggregate.
    pub fn refuse_routes(&self, errors: &Errors) {
        let routes = [("key", self.key.as_ref()), ("keys", self.keys.as_ref())];
        let routes = routes.into_iter().filter_map(|(name, expr)| Some((name, expr?.to_token_stream())));
        let by = self.by.as_ref().map(|by| ("by", by.index.to_token_stream()));
        for (name, tokens) in routes.chain(by) {
            let instead = "take it away: an aggregate's events find it by their `#[tag]`";
            refuse_helper(&tokens, name, "a method of an aggregate", instead, errors);
        }
        self.refuse_ids(errors);
    }

    /// 108: `#[id(..)]` on what is no look-up.
    fn refuse_ids(&self, errors: &Errors) {
        let is_look_up = |rest: &Rest| super::check::look_up(&rest.ty).is_some();
        for id in self.rest.iter().filter(|rest| !is_look_up(rest)).filter_map(|rest| rest.id.as_ref()) {
            let instead = "take it away: only another view is looked up by it, `Option<&V>`";
            refuse_helper(id, "id", "what is no look-up", instead, errors);
        }
    }

    /// Faults of the helper attributes that exclude each other.
    pub fn check_routes(&self, errors: &Errors) {
        self.refuse_ids(errors);
        let refuse = |expr: &dyn ToTokens, one: &str, other: &str| {
            errors.refuse(&rules::ROUTED_TWICE, expr.to_token_stream(), &[one, other]);
        };
        if let (Some(_), Some(keys)) = (&self.key, &self.keys) {
            refuse(keys, "keys", "key");
        }
        if let Some(By { index, .. }) = &self.by {
            match (&self.key, &self.keys) {
                (Some(_), _) => refuse(index, "by", "key"),
                (_, Some(_)) => refuse(index, "by", "keys"),
                _ => {}
            }
            if matches!(self.form, Form::Create | Form::MakeOrChange) {
                errors.refuse(&rules::BY_CREATES, index, &[]);
            }
        }
    }
}

fn receiver_form(receiver: &syn::Receiver) -> Form {
    match &receiver.kind {
        ReceiverKind::Value => Form::ChangeOrEnd,
        ReceiverKind::Reference(_, _, Some(_)) => Form::Change,
        _ => Form::Other,
    }
}

/// The form that the first parameter's type tells of, where it is the state.
fn state_form(first: &Type, subject: &Type) -> Option<Form> {
    if is_option_of(first, subject) {
        return Some(Form::MakeOrChange);
    }
    match types::reference(first) {
        Some(reference) if is_subject(&reference.elem, subject) => {
            Some(if reference.mutability.is_some() { Form::Change } else { Form::Other })
        }
        Some(_) => None,
        None => is_subject(first, subject).then_some(Form::ChangeOrEnd),
    }
}

fn is_option_of(ty: &Type, subject: &Type) -> bool {
    types::is_named(ty, &["Option"]) && types::arguments(ty).first().is_some_and(|inner| is_subject(inner, subject))
}

/// Whether a type is the state's: `Self`, or as the subject is written, with or without its path.
fn is_subject(ty: &Type, subject: &Type) -> bool {
    types::is_named(ty, &["Self"])
        || types::last_segment(ty)
            .zip(types::last_segment(subject))
            .is_some_and(|(one, other)| one.ident == other.ident && matches!(one.arguments, syn::PathArguments::None))
}

/// `Db` of `&mut Tx<Db>`.
fn database_of(ty: &Type) -> Option<Type> {
    let reference = types::reference(ty).filter(|reference| reference.mutability.is_some())?;
    let named = types::is_named(&reference.elem, &["Tx"]);
    types::arguments(&reference.elem).last().filter(|_| named).map(|&database| database.clone())
}

/// The event of `e: &E` or `e: &Recorded<E>`.
fn event_parameter(parameter: &Rest) -> Option<EventParameter> {
    let reference = types::reference(&parameter.ty).filter(|reference| reference.mutability.is_none())?;
    let inner = types::arguments(&reference.elem);
    let ty = match inner.as_slice() {
        [event] if types::is_named(&reference.elem, &["Recorded"]) => (*event).clone(),
        _ => Type::clone(&reference.elem),
    };
    types::last_segment(&ty)?;
    let ty = types::unwrapped(&ty).clone();
    let name = match &parameter.pattern {
        Pat::Ident(pattern) => Some(pattern.ident.clone()),
        _ => None,
    };
    Some(EventParameter { name, ty })
}

impl Rest {
    /// Its name, if it has one.
    pub fn name(&self) -> Option<&Ident> {
        match &self.pattern {
            Pat::Ident(pattern) => Some(&pattern.ident),
            _ => None,
        }
    }

    /// The event's field that it is named after.
    pub fn field(&self) -> Option<Ident> {
        self.name().and_then(names::field)
    }
}
