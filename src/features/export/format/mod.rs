//! An event in the words of others.
//!
//! What an event tells is settled once, whatever the format: what was done (`deed`), how it ended (`ending`), whom it is about
//! (`about`), and all the rest by name (`facts`). Each format gives these the places that it has. None tells more than the
//! journal does: patients are keyed digests there, and so they are here.

mod about;
mod atna;
mod cef;
mod deed;
mod ending;
mod facts;
mod fhir;
mod json;
mod message;
mod ocsf;
pub mod otel;
mod text;

#[cfg(test)]
mod tests;

use crate::domain::closed_list;
use crate::domain::event::Event;

closed_list! {
    /// In which words an event is written.
    Format {
        /// Our own: one object of JSON, as `audit query --json` prints it.
        Json = "json",
        /// Common Event Format, version 0: a line.
        Cef = "cef",
        /// An audit message of DICOM PS3.15 A.5, as IHE ATNA sends it: XML in one line, one for each patient.
        Atna = "atna",
        /// `AuditEvent` of FHIR R4 along IHE BALP: JSON, one for each patient.
        Fhir = "fhir",
        /// An event of the Open Cybersecurity Schema Framework 1.8: JSON.
        Ocsf = "ocsf",
        /// A `LogRecord` of OpenTelemetry in OTLP's JSON; [`otel::envelope`] puts records into what a receiver takes.
        Otel = "otel",
    }
}

impl Format {
    /// The format of this name.
    pub fn parse(name: &str) -> Option<Self> {
        name.parse().ok()
    }
}

/// Who tells of it, and what else stands in no event.
#[derive(Clone, Copy, Debug)]
pub struct Teller<'a> {
    /// The node whose journal it is in.
    pub node: &'a str,
}

/// One event of ours as one or more documents, none of which holds a line break: a format may want one for each patient.
///
/// Whatever cannot be written is an error of ours, never of the event's: all that an event may hold has its place.
pub fn documents(format: Format, event: &Event, teller: &Teller<'_>) -> Vec<Vec<u8>> {
    match format {
        Format::Json => vec![json::document(event, teller)],
        Format::Cef => vec![cef::document(event, teller)],
        Format::Atna => message::of(event, teller).iter().map(atna::document).collect(),
        Format::Fhir => message::of(event, teller).iter().map(fhir::document).collect(),
        Format::Ocsf => vec![ocsf::document(event, teller)],
        Format::Otel => vec![otel::document(event, teller)],
    }
}

/// Who makes the gateway, and what it is called where a format asks for a vendor and a product.
const PRODUCT: &str = "Leastway";
/// Its version.
const VERSION: &str = env!("CARGO_PKG_VERSION");
