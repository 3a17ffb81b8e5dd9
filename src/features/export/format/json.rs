//! Our own words.

use serde::Serialize;

use super::Teller;
use crate::domain::event::Event;

/// One object, without line breaks: `node`, `sequence`, `opening`, `closing`.
pub(super) fn document(event: &Event, teller: &Teller<'_>) -> Vec<u8> {
    // Nothing in an event is a map with keys that are no text: it cannot fail.
    serde_json::to_vec(&Line { node: teller.node, event }).unwrap_or_default()
}

#[derive(Serialize)]
struct Line<'a> {
    node: &'a str,
    #[serde(flatten)]
    event: &'a Event,
}
