//! The entries of a FHIR `batch` or `transaction` (FHIR R4, 3.1.0.11), each a request of its own.

use http::Method;
use http::uri::PathAndQuery;
use serde_json::{Map, Value};

use super::body::{Body, BodyFault, Content};
use super::call::member;

/// How many entries one bundle may have.
pub const ENTRIES_MAX: usize = 1000;

/// What one entry asks for.
#[derive(Clone, Debug)]
pub struct Entry {
    /// Its method.
    pub method: Method,
    /// Its path and query, as they would be if it were sent by itself.
    pub target: PathAndQuery,
    /// What it sends.
    pub body: Body,
}

/// The entries of a bundle that was posted to the path `base`, in their order. A bundle that servers
/// could take for another is refused whole.
pub fn entries(body: &Body, base: &str) -> Result<Vec<Entry>, BodyFault> {
    read(body, base.trim_end_matches('/')).ok_or(BodyFault::Bundle)
}

fn read(body: &Body, base: &str) -> Option<Vec<Entry>> {
    let Content::Json(Value::Object(bundle)) = body.content() else { return None };
    let kind = text(bundle, "type")?;
    if text(bundle, "resourceType")? != "Bundle" || !matches!(kind, "batch" | "transaction") {
        return None;
    }
    let entries = match member(bundle, "entry") {
        None => return Some(Vec::new()),
        Some(entries) => entries.as_array().filter(|entries| entries.len() <= ENTRIES_MAX)?,
    };
    entries.iter().map(|entry| entry.as_object().and_then(|entry| one(entry, base))).collect()
}

fn one(entry: &Map<String, Value>, base: &str) -> Option<Entry> {
    let request = member(entry, "request")?.as_object()?;
    let method = Method::from_bytes(text(request, "method")?.as_bytes()).ok()?;
    let target = format!("{base}{}", relative(text(request, "url")?)?).parse().ok()?;
    let resource = match member(entry, "resource") {
        None => None,
        Some(resource) => Some(resource.as_object().cloned().map(Value::Object)?),
    };
    Some(Entry { method, target, body: Body::of_entry(resource) })
}

/// What follows the base. Relative to it, in one way: an absolute address or one from the root of the
/// host is another path to some servers. Empty is the base itself: a bundle in a bundle.
fn relative(url: &str) -> Option<String> {
    // `http` cuts a fragment off without a word.
    if url.is_empty() || url.starts_with('/') || url.contains(['#', '\\']) {
        return None;
    }
    let path = url.split('?').next().unwrap_or_default();
    if path.contains(':') {
        return None;
    }
    Some(if path.is_empty() { url.to_owned() } else { format!("/{url}") })
}

fn text<'v>(object: &'v Map<String, Value>, name: &str) -> Option<&'v str> {
    member(object, name)?.as_str()
}
