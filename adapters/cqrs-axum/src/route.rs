//! Paths of messages, and what is refused when the router is built.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use cqrs_runtime::error::{Named, UnknownName};
use cqrs_runtime::registry::ServedMessage;

use crate::shared::Shared;

/// Why a router was not built.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum RouteError {
    /// The app serves no message of that name.
    Unknown(UnknownName),
    /// A route or a location cannot be used.
    Invalid {
        /// The route or location, as it is written.
        written: String,
        /// What is wrong, and what to do.
        reason: String,
    },
    /// One message of the app requires a permission, and these say neither that nor that they are public.
    Undeclared {
        /// Their names, each with the place of its handler.
        messages: Vec<String>,
    },
    /// Two types have one schema name in the OpenAPI document.
    SchemaClash {
        /// The name.
        name: String,
        /// The handler of the message that the first one is of.
        first: String,
        /// The handler of the message that the second one is of.
        second: String,
    },
    /// Two routes answer the same requests.
    Clash {
        /// The first, and the place of its handler.
        first: String,
        /// The second, and the place of its handler.
        second: String,
    },
}

impl std::fmt::Display for RouteError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Unknown(unknown) => unknown.fmt(f),
            Self::Invalid { written, reason } => write!(f, "`{written}` cannot be used: {reason}"),
            Self::Undeclared { messages } => write!(
                f,
                "who may send {}: not declared, while another message of the app requires a permission; write \
                 `#[cqrs(requires = \"..\")]` or `#[cqrs(public)]` on each",
                messages.join(", ")
            ),
            Self::SchemaClash { name, first, second } => write!(
                f,
                "two types have the schema name `{name}`, of the messages handled at {first} and at {second}; give one of them another: \
                 `#[schemars(rename = \"..\")]`"
            ),
            Self::Clash { first, second } => {
                write!(f, "two routes clash: {first} and {second}; give one of them another path or method")
            }
        }
    }
}

impl std::error::Error for RouteError {}

impl RouteError {
    fn invalid(written: &str, reason: impl Into<String>) -> Self {
        Self::Invalid { written: written.to_owned(), reason: reason.into() }
    }

    pub(crate) fn location(command: &str, template: &str) -> Self {
        let reason = format!("a location of `{command}` contains `{{id}}` once, and is a URL: `/orders/{{id}}`");
        Self::invalid(template, reason)
    }

    pub(crate) fn method(written: &str) -> Self {
        Self::invalid(written, "write a method and a path, `POST /orders/{order}/ship`")
    }
}

/// A path of a message.
pub(crate) struct Route {
    pub(crate) written: String,
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) message: Arc<ServedMessage>,
    /// The fields in the path.
    pub(crate) fields: Arc<[String]>,
}

impl Route {
    /// The routes, of which no two answer the same requests.
    pub(crate) fn all(
        written: &[(String, String)],
        shared: &Shared,
        health: bool,
        openapi: bool,
    ) -> Result<Vec<Self>, RouteError> {
        let mut taken: BTreeMap<(String, String), (String, String)> = BTreeMap::new();
        let own = "of the router itself".to_owned();
        let mut own_routes = vec![("POST", "/commands/{}"), ("GET", "/queries/{}"), ("POST", "/queries/{}")];
        if health {
            own_routes.extend([("GET", "/health/live"), ("GET", "/health/ready")]);
        }
        if openapi {
            own_routes.extend([("GET", "/openapi"), ("GET", "/openapi.json")]);
        }
        for (method, path) in own_routes {
            let shown = format!("`{method} {}`, {own}", path.replace("{}", "{name}"));
            taken.insert((path.to_owned(), method.to_owned()), (shown, path.replace("{}", "{name}")));
        }
        let mut routes = Vec::new();
        let messages = shared.commands.values().chain(shared.queries.values());
        let of_messages = messages.filter_map(|message| {
            let route = message.exposure.http?;
            Some(Self::of_message(route, Arc::clone(message)))
        });
        let of_the_builder = written.iter().map(|(written, name)| Self::parse(written, name, shared));
        for route in of_messages.chain(of_the_builder) {
            let route = route?;
            let (written, name) = (&route.written, route.message.name);
            let shape = shape(&route.path);
            let shown = format!("`{written}` of `{name}` ({})", route.message.place);
            // Two names of one place in a path are a clash too, for any two methods.
            let clash = taken.iter().find(|((path, method), (_, as_written))| {
                *path == shape && (*method == route.method.as_str() || *as_written != route.path)
            });
            if let Some((_, (first, _))) = clash {
                return Err(RouteError::Clash { first: first.clone(), second: shown });
            }
            taken.insert((shape, route.method.to_string()), (shown, route.path.clone()));
            routes.push(route);
        }
        Ok(routes)
    }

    fn parse(written: &str, name: &str, shared: &Shared) -> Result<Self, RouteError> {
        let command = shared.message(Named::Command, name);
        let message = match (command, shared.message(Named::Query, name)) {
            (Ok(message), _) | (Err(_), Ok(message)) => Arc::clone(message),
            (Err(unknown), Err(other)) => {
                let known = unknown.known.into_iter().chain(other.known).collect();
                return Err(RouteError::Unknown(UnknownName { what: Named::Command, name: name.to_owned(), known }));
            }
        };
        Self::of_message(written, message)
    }

    fn of_message(written: &str, message: Arc<ServedMessage>) -> Result<Self, RouteError> {
        let invalid = |reason: String| RouteError::invalid(written, reason);
        let name = message.name;
        let (method, path) = written.split_once(' ').ok_or_else(|| RouteError::method(written))?;
        let path = path.trim();
        let method: Method = method.parse().map_err(|_| RouteError::method(written))?;
        if !path.starts_with('/') || !path.bytes().all(|byte| byte.is_ascii_graphic() && !b"?#\\".contains(&byte)) {
            return Err(RouteError::method(written));
        }
        let methods: &[Method] = match message.what {
            Named::Command => &[Method::POST, Method::PUT, Method::PATCH, Method::DELETE],
            _ => &[Method::GET, Method::POST],
        };
        if !methods.contains(&method) {
            let methods: Vec<&str> = methods.iter().map(Method::as_str).collect();
            return Err(invalid(format!("`{name}` is a {}, and is reached by {}", message.what, methods.join(", "))));
        }
        let mut fields: Vec<String> = Vec::new();
        for segment in path.split('/').filter(|segment| segment.contains(['{', '}']) || segment.starts_with([':', '*']))
        {
            let field = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}'));
            let field = field.filter(|field| !field.is_empty() && !field.contains(['{', '}', '*']));
            let field =
                field.ok_or_else(|| invalid(format!("`{segment}` is no field; write `{{field}}` between `/`")))?;
            if fields.iter().any(|other| other == field) {
                return Err(invalid(format!("field `{field}` is in the path twice")));
            }
            let known: Vec<&str> = message.fields.iter().map(|field| &*field.name).collect();
            if !known.is_empty() && !known.contains(&field) {
                let known = known.join(", ");
                return Err(invalid(format!("`{name}` has no field `{field}`; it has {known} ({})", message.place)));
            }
            fields.push(field.to_owned());
        }
        Ok(Self { written: written.to_owned(), method, path: path.to_owned(), message, fields: fields.into() })
    }
}

/// A path without the names of its places.
fn shape(path: &str) -> String {
    let segments = path.split('/').map(|segment| if segment.starts_with('{') { "{}" } else { segment });
    segments.collect::<Vec<_>>().join("/")
}
