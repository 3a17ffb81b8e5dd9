//! Exports: to whom events are handed on.

use super::{Absent, Kind, Table, key, words};
use crate::domain::event::EventKind;
use crate::features::export::format::Format;
use crate::features::export::settings::{Beginning, OnRefused, Pick, Protocol};

pub(super) static EXPORT: Table = Table {
    header: "[export.NAME]",
    doc: "To whom events are handed on: each at least once, in the order in which they ended, and on from where it stopped, also after \
          a restart or a crash. What comes twice has the same identifier of the event and the same number. Nobody on a request's way \
          waits for a receiver: events wait in the journal (`leastway export status`, `export_lag_seconds`). Of several nodes each \
          hands on its own journal. The place is kept by the name, also while the export is taken out.",
    keys: &[
        key(
            "to",
            Kind::Text("syslog+tls://siem.clinic.example:6514"),
            Absent::Refused,
            "`file:PATH`: lines of a file. `syslog+tls://HOST:PORT`: messages of RFC 5424 in frames of RFC 5425; the port is 6514 where \
             none is written; let the receiver take messages of 64 KiB. `syslog+tcp://HOST:PORT`: the same without TLS. `https://…`: see \
             `as`; no redirect is followed.",
        ),
        key(
            "format",
            Kind::Word(words!(Format)),
            Absent::Is("\"json\""),
            "In which words events are written.",
        ),
        key(
            "as",
            Kind::Word(words!(Protocol)),
            Absent::Means("has to be there with `https`"),
            "How they are brought to `https`. `webhook`: an array of JSON, signed with `secret` as Standard Webhooks says. `json`: lines \
             of JSON. `fhir`: a batch that creates an `AuditEvent` each, posted to the server's base. `otlp`: OpenTelemetry's logs, \
             posted to its `/v1/logs`.",
        ),
        key("kinds", Kind::Words(words!(EventKind)), Absent::Means("all"), "Only events of these kinds."),
        key(
            "applications",
            Kind::Texts("ehr"),
            Absent::Means("all, and what is at none"),
            "Only events at these applications.",
        ),
        key(
            "only",
            Kind::Words(words!(Pick)),
            Absent::Means("all"),
            "Only events that are any of these. `export`: what takes records away, whatever was decided.",
        ),
        key(
            "from",
            Kind::Word(words!(Beginning)),
            Absent::Is("\"now\""),
            "Where a name begins that was never there: with all that the journal holds, or with what ends from now on.",
        ),
        key("batch", Kind::Whole(1, 1000), Absent::Is("100"), "The most that is handed over at once."),
        key(
            "every",
            Kind::Duration("100ms", "10m"),
            Absent::Is("\"1s\""),
            "How often what is new is handed over.",
        ),
        key(
            "timeout",
            Kind::Duration("1s", "5m"),
            Absent::Is("\"30s\""),
            "How long a receiver has for what is handed over at once.",
        ),
        key(
            "on_refused",
            Kind::Word(words!(OnRefused)),
            Absent::Is("\"keep\""),
            "What becomes of what a receiver will never take (400, 413 or 422). `keep`: it is kept in the file `refused` with the reason, \
             and the next one goes. `stop`: nothing goes until it is taken. Whatever else is answered is tried again until it works.",
        ),
        key(
            "refused",
            Kind::Path("data/refused.ndjson"),
            Absent::Means("`NAME.refused.ndjson` in `store.directory`"),
            "The file of what was refused; at most 1 GiB, then nothing goes.",
        ),
        key(
            "rotate",
            Kind::Size("1MiB", "10GiB"),
            Absent::Is("\"100MiB\""),
            "With `file:`: it is put aside under its name and the moment before it gets larger. What was put aside is yours to remove.",
        ),
        key(
            "headers",
            Kind::Map("x-tenant"),
            Absent::Means("none"),
            "With `https`: what every request carries besides; no secrets.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "With `https`: the bearer token that is brought."),
        key(
            "secret",
            Kind::Secret,
            Absent::Means("has to be there with `webhook`"),
            "What a webhook is signed with: `whsec_` and the base64 of 24 to 64 bytes.",
        ),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for the receiver.",
        ),
        key(
            "client_certificate",
            Kind::Table(&CLIENT_CERTIFICATE),
            Absent::Means("none"),
            "Our own certificate, for receivers that ask for one.",
        ),
        key(
            "insecure_plain",
            Kind::YesNo,
            Absent::Is("false"),
            "With `syslog+tcp`, where it has to be `true`: whoever is on the way reads and changes what passes.",
        ),
    ],
};

static CLIENT_CERTIFICATE: Table = Table {
    header: "[export.NAME.client_certificate]",
    doc: "A certificate of ours and its key; both files are reloaded when they change.",
    keys: &[
        key("chain", Kind::Path("certs/leastway.pem"), Absent::Refused, "The chain in PEM, leaf first."),
        key(
            "key",
            Kind::File("file:certs/leastway.key"),
            Absent::Refused,
            "The private key in PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.",
        ),
    ],
};
