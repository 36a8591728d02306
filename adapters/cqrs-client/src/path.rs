//! A message's own path, with its fields in it.

use std::any::TypeId;
use std::collections::{BTreeMap, HashMap};
use std::sync::{Arc, Mutex, PoisonError};

use cqrs_runtime::message::Message;
use cqrs_runtime::registry::{MessageField, fields};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use reqwest::Method;
use serde_json::value::RawValue;

/// What is written as it is in a segment of a path.
const IN_A_SEGMENT: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// The fields of each type that was sent, which are worked out once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Fields(Arc<Mutex<HashMap<TypeId, Arc<[MessageField]>>>>);

impl Fields {
    fn of<M: Message>(&self) -> Arc<[MessageField]> {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::clone(known.entry(TypeId::of::<M>()).or_insert_with(|| fields::<M>().into()))
    }

    /// The method, path and body of a message that has a path of its own. `None` if it has none, or a field cannot be written in it;
    /// then it is sent by its name, as every query that is reached by `GET`.
    pub(crate) fn request<M: Message>(&self, json: &str) -> Option<(Method, String, String)> {
        let (method, template) = M::EXPOSURE.http?.split_once(' ')?;
        let method = Method::from_bytes(method.as_bytes()).ok().filter(|method| *method != Method::GET)?;
        let fields = self.of::<M>();
        let mut values: BTreeMap<String, Box<RawValue>> = serde_json::from_str(json).ok()?;
        let segments = template.split('/').map(|segment| {
            let Some(name) = segment.strip_prefix('{').and_then(|segment| segment.strip_suffix('}')) else {
                return Some(segment.to_owned());
            };
            let form = &fields.iter().find(|field| field.name == name)?.form;
            let text = form.text_of(values.remove(name)?.get())?;
            // Dots alone lead elsewhere, however they are escaped.
            let is_a_segment = !["", ".", ".."].contains(&&*text);
            is_a_segment.then(|| utf8_percent_encode(&text, IN_A_SEGMENT).to_string())
        });
        let path = segments.collect::<Option<Vec<_>>>()?.join("/");
        let body = if values.is_empty() { String::new() } else { serde_json::to_string(&values).ok()? };
        Some((method, path, body))
    }
}
