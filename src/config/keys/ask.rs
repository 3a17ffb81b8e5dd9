//! What a route may be asked for.

use super::{Absent, Kind, Table, key, words};
use crate::domain::asked::Format;
use crate::features::route::ask::settings::{Missing, Zero};

pub(super) static CAP: Table = Table {
    header: "[[application.NAME.route.cap]]",
    doc: "The largest number that may be asked for, in one of `query`, `form` and `json`. A larger one, a negative one and \
          what is no number are set to it before anything is sent. A parameter that is there twice, in two places or under \
          another spelling is refused.",
    keys: &[
        key("query", Kind::Text("iDisplayLength"), Absent::Means("elsewhere"), "The parameter of the query."),
        key("form", Kind::Text("limit_to"), Absent::Means("elsewhere"), "The field of the form."),
        key(
            "json",
            Kind::Text("/Limit"),
            Absent::Means("elsewhere"),
            "The member of the JSON body, by pointer.",
        ),
        key("max", Kind::Whole(1, 1_000_000_000), Absent::Refused, "The largest number."),
        key(
            "missing",
            Kind::Word(words!(Missing)),
            Absent::Is("\"add\""),
            "Where there is none: it is added, the request is refused, or it passes as it is.",
        ),
        key(
            "zero",
            Kind::Word(words!(Zero)),
            Absent::Is("\"all\""),
            "What the application takes 0 for: everything, so that it is set to `max`, or nothing.",
        ),
        key(
            "also",
            Kind::Map("iDisplayStart"),
            Absent::Means("none"),
            "Numbers without which the application minds no limit; added where they are missing or no numbers.",
        ),
    ],
};

const PLACE: &str = "`query:NAME`, `form:NAME`, `json:/POINTER` or `path:CAPTURE`.";

pub(super) static ASK: Table = Table {
    header: "application.NAME.route.ask",
    doc: "What may be asked for. What is beyond is refused; where the purpose does not let a volume deny, spans, searches \
          and numbers pass and are noted.",
    keys: &[
        key("format", Kind::Table(&FORMAT), Absent::Means("any"), "The format."),
        key("columns", Kind::Table(&COLUMNS), Absent::Means("any"), "The columns or fields."),
        key("span", Kind::Table(&SPAN), Absent::Means("any"), "The days."),
        key("search", Kind::Table(&SEARCH), Absent::Means("any"), "What narrows a search."),
        key("destination", Kind::Table(&DESTINATION), Absent::Means("any"), "Where it is sent."),
        key("ids", Kind::Table(&IDS), Absent::Means("any"), "How many are named at once."),
        key("fhir", Kind::Table(&FHIR), Absent::Means("any"), "A search of FHIR."),
    ],
};

static FORMAT: Table = Table {
    header: "application.NAME.route.ask.format",
    doc: "The format that is asked for.",
    keys: &[
        key("in", Kind::Text("query:responseType"), Absent::Refused, PLACE),
        key(
            "names",
            Kind::Map("csv"),
            Absent::Refused,
            "What the application calls each: our word = its word, without letter case.",
        ),
        key(
            "allow",
            Kind::Words(words!(Format)),
            Absent::Means("those with a name"),
            "Those that are allowed.",
        ),
        key(
            "missing",
            Kind::Word(words!(Format)),
            Absent::Means("it has to be told"),
            "What the application gives where it is told none.",
        ),
    ],
};

static COLUMNS: Table = Table {
    header: "application.NAME.route.ask.columns",
    doc: "The columns or fields that are asked for: a text with separators, several parameters, or a JSON array.",
    keys: &[
        key("in", Kind::Text("query:fields"), Absent::Refused, PLACE),
        key("separator", Kind::Text(","), Absent::Is("\",\""), "The character between two."),
        key("allow", Kind::Texts("ID"), Absent::Refused, "Those that are allowed."),
        key(
            "may_miss",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether none need be named. Most applications give all then.",
        ),
    ],
};

static SPAN: Table = Table {
    header: "application.NAME.route.ask.span",
    doc: "The days that are asked for, first and last.",
    keys: &[
        key("from", Kind::Text("query:startDate"), Absent::Refused, PLACE),
        key("to", Kind::Text("query:endDate"), Absent::Refused, PLACE),
        key("max", Kind::Duration("1d", "36600d"), Absent::Refused, "How long it may be from first to last."),
        key(
            "missing_end",
            Kind::Word(|| vec!["refuse", "today"]),
            Absent::Is("\"refuse\""),
            "No last day: it is refused, or the application takes today.",
        ),
        key(
            "dates",
            Kind::Texts("%m/%d/%Y"),
            Absent::Is("[]"),
            "How the application writes days, beside ISO 8601: of `%Y`, `%m` and `%d`.",
        ),
    ],
};

static SEARCH: Table = Table {
    header: "application.NAME.route.ask.search",
    doc: "What narrows a search: at least one of these places holds more than wildcards.",
    keys: &[
        key("in", Kind::Texts("query:q"), Absent::Refused, PLACE),
        key(
            "characters",
            Kind::Whole(1, 100),
            Absent::Is("2"),
            "How many letters or digits it has at least.",
        ),
    ],
};

static DESTINATION: Table = Table {
    header: "application.NAME.route.ask.destination",
    doc: "Where something is sent: a text with commas or semicolons, several parameters, or a JSON array. All have to be allowed.",
    keys: &[
        key("in", Kind::Text("json:/to"), Absent::Refused, PLACE),
        key(
            "allow",
            Kind::Texts("@clinic.example"),
            Absent::Refused,
            "Whole, or `@domain` for plain addresses there.",
        ),
    ],
};

static IDS: Table = Table {
    header: "application.NAME.route.ask.ids",
    doc: "How many are named at once: in a text with separators, several parameters, or a JSON array.",
    keys: &[
        key("in", Kind::Text("json:/Resources"), Absent::Refused, PLACE),
        key("separator", Kind::Text(","), Absent::Is("\",\""), "The character between two."),
        key("max", Kind::Whole(1, 1_000_000), Absent::Refused, "How many."),
    ],
};

static FHIR: Table = Table {
    header: "application.NAME.route.ask.fhir",
    doc: "A search of FHIR, by GET, by POST to `_search` (with the quirk) or in a batch. `_include`, `_revinclude`, `_has`, chained \
          parameters, `_filter`, `_query` and `_contained` are refused unless they are listed.",
    keys: &[
        key(
            "count",
            Kind::Whole(1, 1_000_000_000),
            Absent::Means("any"),
            "The largest `_count`; lowered, and added where there is none.",
        ),
        key(
            "elements",
            Kind::Texts("name"),
            Absent::Means("any"),
            "What `_elements` may hold; added where there is none. Of `_summary` then only `count` passes.",
        ),
        key("include", Kind::Texts("Observation:subject"), Absent::Means("none"), "Values of `_include`."),
        key(
            "revinclude",
            Kind::Texts("Provenance:target"),
            Absent::Means("none"),
            "Values of `_revinclude`.",
        ),
        key(
            "has",
            Kind::Texts("Observation:patient:code"),
            Absent::Means("none"),
            "What may follow `_has:`.",
        ),
        key("chain", Kind::Texts("subject:Patient.name"), Absent::Means("none"), "Chained parameters."),
        key("total", Kind::Texts("none"), Absent::Means("any"), "Words of `_total`."),
    ],
};
