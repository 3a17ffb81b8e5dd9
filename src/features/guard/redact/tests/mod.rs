//! What comes out is what came in, but for what is withheld; or nothing does.

mod cutting;
mod fhir;
mod hostile;
mod json;
mod markup;
mod page;
mod properties;
mod rows;

use std::sync::Arc;

use http::header::{CONTENT_ENCODING, CONTENT_TYPE};
use http::response::Parts;

use super::{Fault, Plan, Redaction};
use crate::domain::field::{EventRedacted, FhirElement, Field, Place};
use crate::domain::reply_shape::{RecordsPointer, ReplyKind};
use crate::domain::row_selector::RowSelector;
use crate::features::guard::settings::GuardSettings;

pub(super) const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1024 * 1024, decompression_ratio: 200, request_body_bytes: 1024 };

pub(super) fn json_kind() -> ReplyKind {
    ReplyKind::Json { records: RecordsPointer::read("/patients") }
}

pub(super) const CSV: ReplyKind = ReplyKind::Csv { delimiter: None, header: true };

/// A place as a route declares it.
pub(super) fn place(text: &str) -> Place {
    match text.split_once(':') {
        Some(("member", name)) => Place::Member(name.into()),
        Some(("column", name)) => Place::Column(name.into()),
        Some(("cell", number)) => Place::Cell(number.parse().unwrap()),
        Some(("css", text)) => Place::Selector(RowSelector::read(text).unwrap()),
        _ if text.starts_with('/') => Place::Pointer(RecordsPointer::read(text)),
        _ => Place::Element(FhirElement::read(text).unwrap()),
    }
}

pub(super) fn plan(kind: &ReplyKind, places: &[&str]) -> Arc<Plan> {
    let places = places.iter().map(|text| place(text)).collect();
    let field = Field { name: "ssn".parse().unwrap(), categories: Vec::new(), identifies: false, places };
    Arc::new(Plan::new(Some(kind), [&field]).unwrap())
}

pub(super) fn head(status: u16, media_type: &str, coding: Option<&str>) -> Parts {
    let mut head = http::Response::builder().status(status).header(CONTENT_TYPE, media_type);
    if let Some(coding) = coding {
        head = head.header(CONTENT_ENCODING, coding);
    }
    head.body(()).unwrap().into_parts().0
}

/// What passes of a body that comes in these pieces.
pub(super) fn passed<'p>(
    plan: &Arc<Plan>,
    head: &Parts,
    pieces: impl IntoIterator<Item = &'p [u8]>,
) -> Result<(Vec<u8>, EventRedacted), Fault> {
    let mut redaction = Redaction::new(plan.clone(), head, &SETTINGS);
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&redaction.push(piece)?);
    }
    out.extend_from_slice(&redaction.finish()?);
    Ok((out, redaction.record()))
}

/// The same however it is cut: whole, byte by byte, and in pieces of seven.
pub(super) fn redacted(kind: &ReplyKind, places: &[&str], body: impl AsRef<[u8]>) -> Result<String, Fault> {
    let media_type = if matches!(kind, ReplyKind::Csv { .. }) {
        "text/csv"
    } else if matches!(kind, ReplyKind::Html { .. }) {
        "text/html; charset=utf-8"
    } else {
        "application/json"
    };
    let (plan, head, body) = (plan(kind, places), head(200, media_type, None), body.as_ref());
    let whole = passed(&plan, &head, [body]);
    for size in [1, 7] {
        let cut = passed(&plan, &head, body.chunks(size));
        assert_eq!(cut.is_ok(), whole.is_ok(), "in pieces of {size}: {cut:?}");
        if let (Ok(cut), Ok(whole)) = (cut, &whole) {
            assert_eq!(cut, *whole, "in pieces of {size}");
        }
    }
    whole.map(|(out, _)| String::from_utf8_lossy(&out).into_owned())
}
