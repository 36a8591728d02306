//! The OpenAPI 3.1 document of an app.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::http::Method;
use cqrs_runtime::access::Access;
use cqrs_runtime::error::{Named, RejectionCode};
use cqrs_runtime::registry::ServedMessage;
use serde_json::{Map, Value, json};

use crate::route::{Route, RouteError};
use crate::shared::Shared;

/// Where the components of a document are.
const COMPONENTS: &str = "#/components/schemas/";

/// The title and version of an OpenAPI document: [`RouterBuilder::openapi`](crate::RouterBuilder::openapi).
#[derive(Clone, Debug)]
#[must_use = "give it to `RouterBuilder::openapi`"]
pub struct OpenApi {
    title: String,
    version: String,
    description: String,
}

impl OpenApi {
    /// The document of an API with this title and version.
    pub fn new(title: impl Into<String>, version: impl Into<String>) -> Self {
        Self { title: title.into(), version: version.into(), description: String::new() }
    }

    /// What the API is for, as Markdown.
    pub fn description(mut self, text: impl Into<String>) -> Self {
        self.description = text.into();
        self
    }

    /// The document of what a router serves.
    pub(crate) fn document(&self, shared: &Shared, routes: &[Route]) -> Result<Value, RouteError> {
        let mut document = Document::default();
        for message in shared.commands.values().chain(shared.queries.values()) {
            let own: Vec<&Route> = routes.iter().filter(|route| Arc::ptr_eq(&route.message, message)).collect();
            for (at, route) in own.iter().enumerate() {
                document.operation(shared, message, &route.method, &route.path, &route.fields, at)?;
            }
            if own.is_empty() {
                let folder = if message.what == Named::Command { "commands" } else { "queries" };
                document.operation(shared, message, &Method::POST, &format!("/{folder}/{}", message.name), &[], 0)?;
            }
        }
        document.schemas.entry("Problem".into()).or_insert_with(|| (problem(), "the router itself".into()));
        let schemas: Map<String, Value> =
            document.schemas.into_iter().map(|(name, (schema, _))| (name, schema)).collect();
        let mut whole = json!({
            "openapi": "3.1.0",
            "info": { "title": self.title, "version": self.version, "description": self.description },
            "servers": [{ "url": "." }],
            "paths": document.paths,
            "components": { "schemas": schemas },
        });
        if document.is_guarded {
            let caller = json!({
                "type": "http",
                "scheme": "bearer",
                "description": "Who the caller is, as the service's own authentication says. The names at an operation are the permissions \
                                that it requires.",
            });
            whole["components"]["securitySchemes"] = json!({ "caller": caller });
        }
        if !document.without_schema.is_empty() {
            whole["x-without-schema"] = document.without_schema.into();
        }
        Ok(whole)
    }
}

/// A document that is being made.
#[derive(Default)]
struct Document {
    paths: BTreeMap<String, Map<String, Value>>,
    /// Each with what it is of.
    schemas: BTreeMap<String, (Value, String)>,
    /// Types that have no schema.
    without_schema: Vec<String>,
    is_guarded: bool,
}

impl Document {
    fn operation(
        &mut self,
        shared: &Shared,
        message: &ServedMessage,
        method: &Method,
        path: &str,
        in_path: &[String],
        at: usize,
    ) -> Result<(), RouteError> {
        let name = message.name;
        let schema = self.message_schema(message)?;
        let required = |field: &str| {
            schema["required"].as_array().is_some_and(|list| list.iter().any(|required| required == field))
        };
        let described = |field: &str| {
            let mut schema = schema["properties"].get(field).cloned().unwrap_or_else(|| json!({}));
            let text = schema.as_object_mut().and_then(|schema| schema.remove("description")).unwrap_or_default();
            (schema, text.as_str().unwrap_or_default().to_owned())
        };
        let mut parameters = Vec::new();
        let mut parameter = |place: &str, field: &str, is_required: bool| {
            let (schema, text) = described(field);
            parameters.push(json!({
                "name": field, "in": place, "required": is_required, "description": text, "schema": schema,
            }));
        };
        for field in in_path {
            parameter("path", field, true);
        }
        let rest = message.fields.iter().filter(|field| !in_path.contains(&field.name));
        if *method == Method::GET {
            for field in rest {
                parameter("query", &field.name, required(&field.name));
            }
        }
        parameters.extend(headers(message));
        let mut operation = json!({
            "operationId": if at == 0 { name.to_owned() } else { format!("{name}{}", at + 1) },
            "tags": [if message.what == Named::Command { "Commands" } else { "Queries" }],
            "summary": message.docs.lines().next().unwrap_or_default(),
            "description": message.docs,
            "parameters": parameters,
            "responses": self.responses(shared, message)?,
        });
        if *method != Method::GET {
            operation["requestBody"] = Self::body(message, &schema, in_path);
        }
        match message.exposure.access {
            Access::Requires(permission) => {
                self.is_guarded = true;
                operation["security"] = json!([{ "caller": [permission] }]);
                let text = format!("{}\n\nRequires the permission `{permission}`.", message.docs);
                operation["description"] = text.trim().into();
            }
            Access::Public => operation["security"] = json!([]),
            Access::Undeclared => {}
        }
        self.paths.entry(path.to_owned()).or_default().insert(method.as_str().to_lowercase(), operation);
        Ok(())
    }

    /// The schema of a message, in which its own types are components.
    fn message_schema(&mut self, message: &ServedMessage) -> Result<Value, RouteError> {
        let Some(schema) = message.schema.clone() else {
            self.has_none(message.name);
            let properties: Map<String, Value> =
                message.fields.iter().map(|field| (field.name.clone(), json!({}))).collect();
            return Ok(json!({ "type": "object", "properties": properties }));
        };
        self.components_of(schema, message.name, &message.place)
    }

    fn body(message: &ServedMessage, schema: &Value, in_path: &[String]) -> Value {
        let mut schema = schema.clone();
        let mut is_required = true;
        if let Some(properties) = schema.get_mut("properties").and_then(Value::as_object_mut) {
            properties.retain(|name, _| !in_path.contains(name));
        }
        if let Some(required) = schema.get_mut("required").and_then(Value::as_array_mut) {
            required.retain(|name| !in_path.iter().any(|field| name == field));
            is_required = !required.is_empty();
            if required.is_empty() {
                schema.as_object_mut().and_then(|schema| schema.remove("required"));
            }
        } else if schema.get("properties").is_some() {
            is_required = false;
        }
        if let Some(schema) = schema.as_object_mut() {
            schema.remove("description");
        }
        let text = if message.schema.is_some() { "" } else { "Its type has no schema: derive `schemars::JsonSchema`." };
        json!({ "required": is_required, "description": text, "content": { "application/json": { "schema": schema } } })
    }

    fn responses(&mut self, shared: &Shared, message: &ServedMessage) -> Result<Value, RouteError> {
        let mut responses = Map::new();
        let answer = if let Some(schema) = message.answer.clone() {
            self.components_of(schema, &format!("{}Answer", message.name), &message.place)?
        } else {
            self.has_none(&format!("the answer of {}", message.name));
            json!({})
        };
        let answered = json!({ "application/json": { "schema": answer } });
        if message.what == Named::Command {
            let headers = json!({
                "Cqrs-Position": header("The position from which the effects can be seen", "integer"),
                "Cqrs-Events": header("How many events were emitted", "integer"),
                "Idempotency-Replayed": header("`true` if the command was executed before with this key", "string"),
            });
            let returns = answer.get("type").is_none_or(|kind| kind != "null");
            let (status, text) = match (returns, message.creates) {
                (true, true) => ("201", "Created."),
                (true, false) => ("200", "Done."),
                (false, _) => ("204", "Done."),
            };
            let mut done = json!({ "description": text, "headers": headers });
            if returns {
                done["content"] = answered;
            }
            responses.insert(status.into(), done);
        } else {
            let headers = json!({ "ETag": header("A hash of the answer", "string") });
            responses
                .insert("200".into(), json!({ "description": "The answer.", "headers": headers, "content": answered }));
            responses.insert("304".into(), json!({ "description": "The answer is the one of `If-None-Match`." }));
        }
        // By status: a line for each problem, and the schemas of those that have one of their own.
        let mut problems: BTreeMap<u16, (Vec<String>, Vec<Value>)> = BTreeMap::new();
        let line = |kind: &str, text: &str| format!("- `{kind}`: {}", text.replace('\n', " "));
        for (status, kind, text) in kinds(shared, message) {
            problems.entry(status).or_default().0.push(line(kind, text));
        }
        for code in &message.refusals {
            let schema = self.refusal(code, message)?;
            let (lines, schemas) = problems.entry(code.status.unwrap_or(422)).or_default();
            lines.push(line(code.code, code.docs));
            schemas.push(schema);
        }
        for (status, (lines, mut schemas)) in problems {
            if schemas.len() < lines.len() {
                schemas.push(reference("Problem"));
            }
            let schema = if schemas.len() == 1 { schemas.remove(0) } else { json!({ "anyOf": schemas }) };
            let text = lines.join("\n");
            responses.insert(
                status.to_string(),
                json!({ "description": text, "content": { "application/problem+json": { "schema": schema } } }),
            );
        }
        Ok(responses.into())
    }

    /// The component of a refusal of the domain.
    fn refusal(&mut self, code: &RejectionCode, message: &ServedMessage) -> Result<Value, RouteError> {
        let name = format!("Rejected.{}", component_name(code.code));
        // What only an operator can fix shows its code alone.
        let is_internal = code.status.is_some_and(|status| status >= 500);
        let mut properties = json!({ "kind": { "const": "Rejected" }, "code": { "const": code.code } });
        for member in code.members.iter().filter(|_| !is_internal) {
            properties[member.name] = match member.schema {
                Some(schema) => {
                    self.components_of(schema(), &format!("{name}.{}", component_name(member.name)), &message.place)?
                }
                None => json!({}),
            };
        }
        let schema = json!({
            "description": code.docs,
            "allOf": [reference("Problem"), { "type": "object", "properties": properties }],
        });
        // Another error type may have the code too, with other fields.
        if self.schemas.get(&name).is_some_and(|(known, _)| *known != schema) {
            return Ok(schema);
        }
        self.component(&name, schema, &message.place)?;
        Ok(reference(&name))
    }

    /// A schema whose definitions become components. One that refers to itself becomes one too.
    fn components_of(&mut self, mut root: Value, name: &str, of: &str) -> Result<Value, RouteError> {
        if let Some(root) = root.as_object_mut() {
            root.remove("$schema");
        }
        let definitions = root.as_object_mut().and_then(|root| root.remove("$defs"));
        let refers_to_itself = root.to_string().contains(r##""$ref":"#""##);
        let own = if refers_to_itself { reference(&component_name(name)) } else { Value::Null };
        referring(&mut root, &own);
        for (name, mut schema) in definitions.as_ref().and_then(Value::as_object).cloned().unwrap_or_default() {
            referring(&mut schema, &own);
            self.component(&component_name(&name), schema, of)?;
        }
        if refers_to_itself {
            self.component(&component_name(name), root.clone(), of)?;
        }
        Ok(root)
    }

    fn component(&mut self, name: &str, schema: Value, of: &str) -> Result<(), RouteError> {
        match self.schemas.get(name) {
            Some((known, first)) if *known != schema => {
                Err(RouteError::SchemaClash { name: name.to_owned(), first: first.clone(), second: of.to_owned() })
            }
            Some(_) => Ok(()),
            None => {
                self.schemas.insert(name.to_owned(), (schema, of.to_owned()));
                Ok(())
            }
        }
    }

    fn has_none(&mut self, what: &str) {
        if !self.without_schema.iter().any(|known| known == what) {
            self.without_schema.push(what.to_owned());
        }
    }
}

fn reference(name: &str) -> Value {
    json!({ "$ref": format!("{COMPONENTS}{name}") })
}

/// A name that a component may have.
fn component_name(name: &str) -> String {
    let letter = |letter: char| if letter.is_ascii_alphanumeric() || "._-".contains(letter) { letter } else { '_' };
    name.chars().map(letter).collect()
}

/// Makes references to definitions those to components. `own` is the root's.
fn referring(schema: &mut Value, own: &Value) {
    match schema {
        Value::Object(object) => {
            if let Some(Value::String(target)) = object.get_mut("$ref") {
                if let Some(name) = target.strip_prefix("#/$defs/") {
                    *target = format!("{COMPONENTS}{}", component_name(name));
                } else if target == "#"
                    && let Some(own) = own["$ref"].as_str()
                {
                    own.clone_into(target);
                }
            }
            object.values_mut().for_each(|value| referring(value, own));
        }
        Value::Array(list) => list.iter_mut().for_each(|value| referring(value, own)),
        _ => {}
    }
}

fn header(text: &str, kind: &str) -> Value {
    json!({ "description": text, "schema": { "type": kind } })
}

/// The headers that a message may be sent with.
fn headers(message: &ServedMessage) -> Vec<Value> {
    let header = |name: &str, kind: &str, text: &str| json!({ "name": name, "in": "header", "required": false, "description": text, "schema": { "type": kind } });
    if message.what == Named::Command {
        let key = "The command's id, new for each command: one that is sent again with its key takes effect once.";
        let mut headers = vec![header("Idempotency-Key", "string", key)];
        if message.loads {
            let text =
                "A position in quotes. The command takes effect only if none of its aggregates has a later event.";
            headers.push(header("If-Match", "string", text));
        }
        headers
    } else {
        let after = "The answer contains everything up to this position, that of a `Cqrs-Position`.";
        vec![
            header("Cqrs-After", "integer", after),
            header(
                "If-None-Match",
                "string",
                "The `ETag` of a known answer: if it is still the same, 304 is answered.",
            ),
        ]
    }
}

/// What the router and the buses may answer to a message, apart from the domain's refusals.
fn kinds(shared: &Shared, message: &ServedMessage) -> Vec<(u16, &'static str, &'static str)> {
    let mut kinds = vec![
        (400, "Malformed", "The message cannot be read; `path` is the place in the JSON."),
        (400, "InvalidHeader", "A header has no value that can be followed."),
        (413, "TooLarge", "The body is too long."),
        (415, "UnsupportedMediaType", "The body is not declared as JSON."),
        (500, "Panicked", "What only an operator can fix."),
        (
            503,
            "Unavailable",
            "A database is away, or the server is busy or shuts down; `Retry-After` says when to retry.",
        ),
        (504, "TimedOut", "Not done in time."),
    ];
    if matches!(message.exposure.access, Access::Requires(_)) {
        kinds.push((401, "Unauthenticated", "Nobody is logged in."));
        kinds.push((403, "Forbidden", "The caller does not have the permission."));
    }
    if message.what == Named::Command {
        kinds.push((409, "IdempotencyKeyInUse", "The command of this key is being executed."));
        kinds.push((422, "IdReused", "The key was used for another command, or for other content."));
        if message.creates {
            kinds.push((409, "AlreadyExists", "What the command creates exists already."));
        }
        if message.loads {
            kinds.push((404, "NotFound", "What the command is about does not exist."));
            kinds.push((
                409,
                "Conflict",
                "An aggregate has a later event than `If-Match` says, or one was added while the command ran.",
            ));
        }
    } else {
        kinds.push((422, "Rejected", "The query's handler refuses to answer."));
        if shared.not_found_if_null.contains(message.name) {
            kinds.push((404, "NotFound", "The query found nothing."));
        }
    }
    kinds
}

/// What every problem has.
fn problem() -> Value {
    json!({
        "type": "object",
        "description": "An error, as RFC 9457 defines it.",
        "required": ["type", "title", "status", "detail", "kind", "code"],
        "properties": {
            "type": { "type": "string", "format": "uri", "description": "The kind and the code as a name: `urn:cqrs:NotFound`." },
            "title": { "type": "string", "description": "What this kind of error is." },
            "status": { "type": "integer", "description": "The HTTP status." },
            "detail": { "type": "string", "description": "What went wrong, and what to do." },
            "instance": { "type": "string", "description": "This occurrence: the correlation of the request." },
            "kind": { "type": "string", "description": "The kind of error, one word that never changes." },
            "code": { "type": "string", "description": "The domain's code of a refusal. Otherwise the kind." },
        },
    })
}
