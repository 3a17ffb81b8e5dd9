//! What a format gives, as far as it matters to whoever carries it.

use super::format::Format;

/// What the documents of a format are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// An object of JSON.
    Object,
    /// A resource of FHIR in JSON.
    Resource,
    /// A log record of OpenTelemetry in JSON (OTLP): it travels in an envelope.
    LogRecord,
    /// A line of text.
    Text,
    /// An audit message of DICOM (ATNA) in XML.
    AuditMessage,
}

impl Shape {
    /// What the documents of `format` are.
    pub const fn of(format: Format) -> Self {
        match format {
            Format::Json | Format::Ocsf => Self::Object,
            Format::Cef => Self::Text,
            Format::Atna => Self::AuditMessage,
            Format::Fhir => Self::Resource,
            Format::Otel => Self::LogRecord,
        }
    }

    /// Whether its documents are JSON, so that several make an array.
    pub const fn is_json(self) -> bool {
        match self {
            Self::Object | Self::Resource | Self::LogRecord => true,
            Self::Text | Self::AuditMessage => false,
        }
    }
}
