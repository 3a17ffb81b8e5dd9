//! Routes: what they look like and how their replies are counted.

use http::Method;
use http::header::HeaderName;

use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::action::Action;
use crate::domain::reply_shape::{PatientLocator, RecordsPointer, ReplyKind, ReplyShape};
use crate::domain::websocket::WebSocketBounds;
use crate::features::route::settings::{Access, Match, RouteSettings};

pub(super) fn route(reader: &Reader<'_>) -> Option<RouteSettings> {
    let name = reader.parsed("name");
    let matching = reader.table("match").and_then(|reader| matching(&reader));
    let access = reader.text_with("access", access);
    let action = action(reader, access);
    let categories = reader.list("category");
    let websocket = reader.table("websocket").and_then(|reader| websocket(&reader));
    let shape = reader.optional_table("reply").map(|reader| reply(&reader));
    Some(RouteSettings {
        name: name?,
        matching: matching?,
        action: action?,
        categories: categories?,
        reply: match shape {
            Some(shape) => Some(shape?),
            None => None,
        },
        access: access?,
        websocket: websocket?,
    })
}

fn websocket(reader: &Reader<'_>) -> Option<WebSocketBounds> {
    let (idle, lifetime) = (reader.duration("idle"), reader.duration("lifetime"));
    let (frame_bytes, keeps_session) = (reader.size("frame"), reader.yes_no("keeps_session"));
    Some(WebSocketBounds {
        idle: idle?,
        lifetime: lifetime?,
        frame_bytes: frame_bytes?,
        keeps_session: keeps_session?,
    })
}

fn action(reader: &Reader<'_>, access: Option<Access>) -> Option<Action> {
    match (reader.has("action"), access?) {
        (true, _) => reader.parsed("action"),
        (false, Access::Public) => Some(Action::View),
        (false, Access::Policy) => {
            let all: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
            reader.error("action", "`action` is missing", format!("one of {}", all.join(", ")));
            None
        }
    }
}

fn access(text: &str) -> Result<Access, Mistake> {
    match text {
        "policy" => Ok(Access::Policy),
        "public" => Ok(Access::Public),
        _ => Err(Mistake::new(format!("`{text}` is not one of policy, public"), "one of policy, public")),
    }
}

fn matching(reader: &Reader<'_>) -> Option<Match> {
    let methods = if reader.has("method") { reader.list_with("method", method) } else { Some(vec![]) };
    let path = reader.parsed("path");
    let conditions = |name: &str, key_of: fn(&str) -> Result<String, Mistake>| {
        if reader.has(name) { reader.conditions(name, key_of) } else { Some(vec![]) }
    };
    let query = conditions("query", parameter);
    let form = conditions("form", parameter);
    let json = conditions("json", pointer);
    let header = conditions("header", header);
    let matching =
        Match { methods: methods?, path: path?, query: query?, form: form?, json: json?, header: header? };
    if !matching.form.is_empty() && !matching.json.is_empty() {
        let what = "a body is a form or JSON, never both: this route never matches";
        reader.reading().error(reader.key(), what, "`form` or `json`, or two routes");
        return None;
    }
    Some(matching)
}

fn method(text: &str) -> Result<Method, Mistake> {
    let right = "methods in upper case, such as `[\"GET\", \"POST\"]`";
    let wrong = || Mistake::new(format!("`{text}` is not a method"), right);
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Mistake::new(
            format!("`{text}` is not in upper case, and methods are told apart by case"),
            right,
        ));
    }
    if matches!(text, "CONNECT" | "TRACE") {
        return Err(Mistake::new(format!("`{text}` is never forwarded"), right));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| wrong())
}

fn parameter(name: &str) -> Result<String, Mistake> {
    if name.is_empty() {
        return Err(Mistake::new("a parameter without a name", "the name of a parameter or field"));
    }
    Ok(name.to_owned())
}

fn pointer(text: &str) -> Result<String, Mistake> {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !escapes || !(text.is_empty() || text.starts_with('/')) {
        let right = "a pointer (RFC 6901) such as `\"/data/rows\"`; `~1` stands for `/`, `~0` for `~`";
        return Err(Mistake::new(format!("`{text}` is not a JSON pointer"), right));
    }
    Ok(text.to_owned())
}

fn header(name: &str) -> Result<String, Mistake> {
    HeaderName::from_bytes(name.as_bytes()).map(|name| name.as_str().to_owned()).map_err(|_| {
        Mistake::new(format!("`{name}` is not the name of a header"), "such as `x-requested-with`")
    })
}

fn reply(reader: &Reader<'_>) -> Option<ReplyShape> {
    let kind = reader.text("kind");
    let records = reader.text_with("records", |text| pointer(text).map(|text| RecordsPointer::read(&text)));
    let delimiter = reader.text_with("delimiter", delimiter);
    let named = reader.yes_no("header");
    let patient = reader.text_with("patient", patient);
    let kind_word = kind?;
    let kind = match kind_word.as_str() {
        "csv" => ReplyKind::Csv { delimiter, header: named.unwrap_or(true) },
        "json" => ReplyKind::Json { records: records.unwrap_or_default() },
        "fhir" => ReplyKind::FhirBundle,
        "ndjson" => ReplyKind::Ndjson,
        "opaque" => ReplyKind::Opaque,
        other => {
            let what = format!("`{other}` is not one of csv, json, fhir, ndjson, opaque");
            reader.error("kind", what, "one of csv, json, fhir, ndjson, opaque");
            return None;
        }
    };
    refuse_of_other_kinds(reader, &kind, &kind_word);
    refuse_patient_elsewhere(reader, &kind, patient.as_ref());
    Some(ReplyShape { kind, patient })
}

fn refuse_of_other_kinds(reader: &Reader<'_>, kind: &ReplyKind, word: &str) {
    let fitting: &[&str] = match kind {
        ReplyKind::Csv { .. } => &["delimiter", "header"],
        ReplyKind::Json { .. } => &["records"],
        ReplyKind::FhirBundle | ReplyKind::Ndjson | ReplyKind::Opaque => &[],
    };
    for name in ["records", "delimiter", "header"] {
        if reader.has(name) && !fitting.contains(&name) {
            let right =
                if name == "records" { "only for `kind = \"json\"`" } else { "only for `kind = \"csv\"`" };
            reader.error(name, format!("`{name}` means nothing for `{word}`"), right);
        }
    }
}

fn refuse_patient_elsewhere(reader: &Reader<'_>, kind: &ReplyKind, patient: Option<&PatientLocator>) {
    let right = match (kind, patient) {
        (_, None)
        | (ReplyKind::Csv { header: true, .. }, Some(PatientLocator::Column(_)))
        | (
            ReplyKind::Json { .. } | ReplyKind::FhirBundle | ReplyKind::Ndjson,
            Some(PatientLocator::Member(_)),
        ) => return,
        (ReplyKind::Csv { header: false, .. }, Some(PatientLocator::Column(_))) => {
            "`header = true`: without names of columns none can be found"
        }
        (ReplyKind::Csv { .. }, Some(PatientLocator::Member(_))) => "`\"column:NAME\"` for `csv`",
        (
            ReplyKind::Json { .. } | ReplyKind::FhirBundle | ReplyKind::Ndjson,
            Some(PatientLocator::Column(_)),
        ) => "`\"member:NAME\"` for JSON",
        (ReplyKind::Opaque, Some(_)) => "no `patient`: an opaque reply is not read",
    };
    reader.error("patient", "no record of this kind of reply could be found to name its patient so", right);
}

fn delimiter(text: &str) -> Result<u8, Mistake> {
    match text.as_bytes() {
        [byte] if byte.is_ascii() && !matches!(byte, b'"' | b'\r' | b'\n' | b'\0') => Ok(*byte),
        _ => Err(Mistake::new(
            format!("{text:?} is not a delimiter"),
            "one ASCII character such as `\",\"`, `\";\"` or `\"\\t\"`",
        )),
    }
}

fn patient(text: &str) -> Result<PatientLocator, Mistake> {
    match text.split_once(':') {
        Some(("column", name)) if !name.is_empty() => Ok(PatientLocator::Column(name.to_owned())),
        Some(("member", name)) if !name.is_empty() => Ok(PatientLocator::Member(name.to_owned())),
        _ => Err(Mistake::new(
            format!("`{text}` does not say where a record names its patient"),
            "`\"column:NAME\"` or `\"member:NAME\"`",
        )),
    }
}
