//! The OpenAPI document: what it says, and what it refuses.

use std::collections::BTreeSet;

use cqrs_axum::{OpenApi, RouteError};
use cqrs_runtime::{App, log::MemoryLog};
use serde_json::{Value, json};

use crate::client::Server;

/// Messages with and without schemas.
mod described {
    use cqrs_runtime::prelude::*;
    use schemars::JsonSchema;

    #[derive(Id)]
    pub struct BoxId(Uuid);

    #[derive(Event, Serialize, Deserialize)]
    pub struct BoxPacked {
        #[tag]
        pub r#box: BoxId,
    }

    /// Packs a box.
    ///
    /// A second line.
    #[derive(Command, Serialize, Deserialize, JsonSchema)]
    #[cqrs(returns = BoxId, error = PackingError, http = "PUT /boxes/{box}", requires = "boxes:write")]
    pub struct PackBox {
        /// Which one.
        pub r#box: BoxId,
        pub things: Vec<Thing>,
        #[serde(default)]
        pub note: Option<String>,
    }

    /// What is packed. It may contain others.
    #[derive(Serialize, Deserialize, JsonSchema, Clone, Debug, PartialEq)]
    pub struct Thing {
        pub name: String,
        #[serde(default)]
        pub inside: Vec<Thing>,
    }

    #[derive(Debug, thiserror::Error, DomainError)]
    pub enum PackingError {
        /// The things do not fit.
        #[error("too many")]
        #[cqrs(status = 409)]
        TooMany { most: u32, first: Thing },
        #[error("nothing to pack")]
        Nothing,
        #[error("secret")]
        #[cqrs(status = 500)]
        Inside { secret: String },
        #[error(transparent)]
        Carrier(#[from] CarrierAway),
    }

    #[derive(Debug, thiserror::Error, DomainError)]
    #[error("away")]
    pub struct CarrierAway;

    pub struct Parcel;

    #[aggregate(id = BoxId, on = [BoxPacked])]
    impl Parcel {
        fn packed(_: &BoxPacked) -> Self {
            Self
        }
    }

    #[command]
    fn pack(
        cmd: PackBox,
        #[id(cmd.r#box)] _packed: Absent<Parcel>,
    ) -> Result<Decision<BoxPacked, BoxId>, PackingError> {
        Ok(emit(BoxPacked { r#box: cmd.r#box }).returning(cmd.r#box))
    }

    /// How many boxes?
    #[derive(Query, Serialize, Deserialize, JsonSchema)]
    #[cqrs(returns = Vec<Thing>, public, http = "GET /boxes")]
    pub struct Things {
        pub name: String,
        pub limit: Option<u32>,
    }

    #[query]
    async fn things(q: Things) -> Result<Vec<Thing>, QueryError> {
        Ok(vec![Thing { name: q.name, inside: Vec::new() }])
    }

    #[derive(Query, Serialize, Deserialize)]
    #[cqrs(returns = u64, public)]
    pub struct Unknown {
        pub text: String,
    }

    #[query]
    async fn unknown(_q: Unknown) -> Result<u64, QueryError> {
        Ok(1)
    }
}

/// Two types of one schema name.
mod clashing {
    use cqrs_runtime::prelude::*;
    use schemars::JsonSchema;

    pub mod one {
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub struct Line {
            pub text: String,
        }
    }

    pub mod other {
        #[derive(serde::Serialize, serde::Deserialize, schemars::JsonSchema)]
        pub struct Line {
            pub number: u32,
        }
    }

    #[derive(Query, Serialize, Deserialize, JsonSchema)]
    #[cqrs(returns = u64)]
    pub struct OfTexts {
        pub lines: Vec<one::Line>,
    }

    #[query]
    async fn of_texts(q: OfTexts) -> Result<u64, QueryError> {
        Ok(q.lines.len() as u64)
    }

    #[derive(Query, Serialize, Deserialize, JsonSchema)]
    #[cqrs(returns = u64)]
    pub struct OfNumbers {
        pub lines: Vec<other::Line>,
    }

    #[query]
    async fn of_numbers(q: OfNumbers) -> Result<u64, QueryError> {
        Ok(q.lines.len() as u64)
    }
}

async fn app(module: &str) -> App {
    App::builder().log(MemoryLog::new()).only_modules([format!("it::openapi::{module}")]).build().await.unwrap()
}

async fn document(module: &str) -> Result<Value, RouteError> {
    cqrs_axum::builder(&app(module).await)
        .openapi(OpenApi::new("Boxes", "1.2").description("Packs."))
        .openapi_document()
}

/// Every reference of a document.
fn references<'a>(value: &'a Value, found: &mut BTreeSet<&'a str>) {
    match value {
        Value::Object(object) => {
            found.extend(object.get("$ref").and_then(Value::as_str));
            object.values().for_each(|value| references(value, found));
        }
        Value::Array(list) => list.iter().for_each(|value| references(value, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_says_what_is_sent_and_answered_and_by_whom() {
    let document = document("described").await.unwrap();
    assert_eq!((&document["openapi"], &document["info"]["version"]), (&json!("3.1.0"), &json!("1.2")));
    let pack = &document["paths"]["/boxes/{box}"]["put"];
    assert_eq!((&pack["operationId"], &pack["summary"]), (&json!("PackBox"), &json!("Packs a box.")));
    assert!(pack["description"].as_str().unwrap().contains("A second line.\n\nRequires the permission `boxes:write`."));
    assert_eq!(pack["security"], json!([{ "caller": ["boxes:write"] }]));
    assert_eq!(document["components"]["securitySchemes"]["caller"]["type"], "http");
    let in_path = &pack["parameters"][0];
    assert_eq!(
        (&in_path["name"], &in_path["in"], &in_path["description"]),
        (&json!("box"), &json!("path"), &json!("Which one."))
    );
    assert_eq!(in_path["schema"]["format"], "uuid");
    let body = &pack["requestBody"]["content"]["application/json"]["schema"];
    assert_eq!(body["required"], json!(["things"]), "what is in the path is not in the body: {body}");
    assert!(body["properties"].get("box").is_none() && body["properties"].get("note").is_some(), "{body}");
    assert_eq!(body["properties"]["things"]["items"]["$ref"], "#/components/schemas/Thing");
    assert_eq!(pack["responses"]["201"]["content"]["application/json"]["schema"]["format"], "uuid");
    for header in ["Cqrs-Position", "Cqrs-Events", "Idempotency-Replayed"] {
        assert!(pack["responses"]["201"]["headers"].get(header).is_some(), "{header}");
    }
    let statuses: Vec<&String> = pack["responses"].as_object().unwrap().keys().collect();
    for status in ["201", "400", "401", "403", "404", "409", "413", "415", "422", "500", "503", "504"] {
        assert!(statuses.iter().any(|known| *known == status), "{status} is not in {statuses:?}");
    }
    // Refusals of the domain, each with its fields; those of a wrapped error too.
    let conflict = pack["responses"]["409"].to_string();
    assert!(conflict.contains("Rejected.TooMany") && conflict.contains("The things do not fit."), "{conflict}");
    let refused = pack["responses"]["422"].to_string();
    assert!(refused.contains("Rejected.Nothing") && refused.contains("Rejected.CarrierAway"), "{refused}");
    let too_many = &document["components"]["schemas"]["Rejected.TooMany"]["allOf"][1]["properties"];
    assert_eq!((&too_many["code"]["const"], &too_many["most"]["type"]), (&json!("TooMany"), &json!("integer")));
    let inside = &document["components"]["schemas"]["Rejected.Inside"]["allOf"][1]["properties"];
    assert!(inside.get("secret").is_none(), "{inside}");
    // A query by `GET`, and one without a schema.
    let things = &document["paths"]["/boxes"]["get"];
    let names: Vec<_> =
        things["parameters"].as_array().unwrap().iter().map(|one| (&one["name"], &one["required"])).collect();
    assert_eq!(names[..2], [(&json!("limit"), &json!(false)), (&json!("name"), &json!(true))]);
    assert_eq!((&things["security"], things.get("requestBody")), (&json!([]), None));
    assert!(document["paths"]["/queries/Unknown"].get("post").is_some());
    assert_eq!(document["x-without-schema"], json!(["Unknown"]));
}

#[tokio::test]
async fn every_reference_of_the_document_has_its_component() {
    let document = document("described").await.unwrap();
    let mut found = BTreeSet::new();
    references(&document, &mut found);
    assert!(found.len() > 3, "{found:?}");
    for reference in found {
        let place = reference.strip_prefix('#').unwrap();
        assert!(document.pointer(place).is_some(), "{reference}");
    }
}

#[tokio::test]
async fn two_types_of_one_schema_name_are_refused_with_both_places() {
    let error = document("clashing").await.unwrap_err();
    let RouteError::SchemaClash { name, first, second } = &error else { panic!("{error}") };
    assert_eq!(name, "Line");
    assert!(first != second && error.to_string().matches("openapi.rs:").count() == 2, "{error}");
    let builder = cqrs_axum::builder(&app("clashing").await).openapi(OpenApi::new("", ""));
    assert_eq!(builder.build::<()>().map(drop).unwrap_err(), error);
}

#[tokio::test]
async fn the_document_and_its_page_are_served_where_they_are_asked_for() {
    let app = app("described").await;
    let nested: axum::Router =
        cqrs_axum::builder(&app).openapi(OpenApi::new("Boxes", "1.2").description("Packs.")).build().unwrap();
    let server = Server::serve(axum::Router::new().nest("/api", nested)).await;
    let served = server.get("/api/openapi.json").await;
    assert_eq!(
        (served.json(), served.header("content-type")),
        (document("described").await.unwrap(), "application/json")
    );
    let page = server.get("/api/openapi").await;
    assert!(page.header("content-type").starts_with("text/html"), "{page:?}");
    // It loads nothing from elsewhere.
    assert!(
        page.text.contains("fetch(\"openapi.json\")")
            && !page.text.contains("http://")
            && !page.text.contains("https://")
    );
    assert_eq!(Server::of(&app).await.get("/openapi.json").await.status, 404);
}
