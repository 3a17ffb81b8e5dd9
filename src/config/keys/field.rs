//! Fields of replies.

use super::{Absent, Kind, Table, key};

pub(super) static FIELD: Table = Table {
    header: "[[application.NAME.route.field]]",
    doc: "A field of the route's reply that may be withheld: by name in `withhold` of a `may` (`@withhold` in Cedar), or where a \
          `may` lists `categories` and not all of the field's. The rest passes, with `[withheld]` in its place, and says so. Only in \
          JSON, lines of JSON, FHIR, CSV and TSV with a header, and pages, as `reply` declares them: what turns out to be anything else, or not \
          to hold what a field stands in, does not pass at all.",
    keys: &[
        key(
            "name",
            Kind::Text("ssn"),
            Absent::Refused,
            "Its name; unique within the route. Callers and events are told it.",
        ),
        key(
            "at",
            Kind::Texts("/patients/*/ssn"),
            Absent::Refused,
            "Where it stands; several where it stands several times. `json` and `ndjson`: a pointer, in which `*` is every element or \
             member, or `member:NAME` for the members of that name anywhere. `csv` and `tsv`: `column:NAME`, whatever its case. \
             `fhir`: an element such as `Patient.identifier` or `Observation.value[x]`, through any arrays; it is removed, the \
             narrative (`text`) with it, and the resource labelled `SUBSETTED` and `REDACTED`. `html`: of the `rows`, `column:NAME` by \
             what the first row of their table says, or `cell:NUMBER`, from 1; and anywhere `css:SELECTOR`, which like `rows` says what the \
             elements stand in. What an element holds goes, and all its attributes but those of its layout.",
        ),
        key(
            "category",
            Kind::Texts("identity"),
            Absent::Is("[]"),
            "To which kinds of data it belongs beyond those of its route.",
        ),
        key(
            "identifies",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether it tells whom a record is about: what goes from a reply beyond a limit with `on_exceed = \"redact\"`.",
        ),
    ],
};
