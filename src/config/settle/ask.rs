//! What a route may be asked for; and whether a request to it has the places that are named.

use std::sync::Arc;

use http::Method;

use super::route::pointer;
use crate::config::reader::Reader;
use crate::config::reader::collect_all;
use crate::config::reading::Mistake;
use crate::domain::asked::Format;
use crate::features::route::ask::is_date_format;
use crate::features::route::ask::settings::{
    Asks, Cap, ColumnsAsk, DestinationAsk, FhirAsk, FormatAsk, IdsAsk, Place, SearchAsk, SpanAsk,
};
use crate::features::route::pattern::Segment;
use crate::features::route::settings::{Condition, Match, Test};

/// Reads `cap` and `ask` of a route that looks like this.
pub(super) fn asks(reader: &Reader<'_>, matching: Option<&Match>) -> Result<Option<Arc<Asks>>, Wrong> {
    let caps = collect_all(reader.tables("cap", 1).iter().map(|reader| cap(reader, matching)));
    let asks = match reader.optional_table("ask") {
        Some(reader) => ask(&reader, matching),
        None => (!reader.has("ask")).then(Asks::default),
    };
    let asks = Asks { caps: caps.ok_or(Wrong)?, ..asks.ok_or(Wrong)? };
    if let Some(twice) = twice(&asks.caps) {
        reader.error("cap", format!("`{twice}` is capped twice"), "one cap for each");
        return Err(Wrong);
    }
    Ok((!asks.is_empty()).then(|| Arc::new(asks)))
}

fn twice(caps: &[Cap]) -> Option<&str> {
    let same = |cap: &Cap| caps.iter().filter(|other| other.place == cap.place).count() > 1;
    caps.iter().find(|cap| same(cap)).map(|cap| cap.place.name())
}

fn cap(reader: &Reader<'_>, matching: Option<&Match>) -> Option<Cap> {
    let query = optional(reader, "query", || reader.text("query").map(Place::Query));
    let form = optional(reader, "form", || reader.text("form").map(Place::Form));
    let json = optional(reader, "json", || reader.text_with("json", member).map(Place::Json));
    let (max, missing, zero) = (reader.whole("max"), reader.parsed("missing"), reader.parsed("zero"));
    let also = optional(reader, "also", || numbers(reader));
    let places = [("query", query.ok()?), ("form", form.ok()?), ("json", json.ok()?)];
    let mut places = places.into_iter().filter_map(|(key, place)| Some((key, place?)));
    let (Some((key, place)), None) = (places.next(), places.next()) else {
        let what = "a cap is about one place";
        reader.reading().error(reader.key(), what, "one of `query`, `form` and `json`");
        return None;
    };
    let has_place = has_place(reader, key, &place, matching);
    let is_told_by = matching.is_some_and(|matching| tells_route(&place, matching));
    if is_told_by {
        let what = format!("`match` tells the route by the value of `{}`, which this changes", place.name());
        reader.error(key, what, "a route that is told by something else, or by `true` (present)");
    }
    let cap = Cap { place, max: max?, missing: missing?, zero: zero?, also: also.ok()?.unwrap_or_default() };
    (has_place && !is_told_by).then_some(cap)
}

/// What a key that may be absent becomes.
pub(super) fn optional<T>(
    reader: &Reader<'_>,
    name: &str,
    read: impl FnOnce() -> Option<T>,
) -> Result<Option<T>, Wrong> {
    if reader.has(name) { read().map(Some).ok_or(Wrong) } else { Ok(None) }
}

/// What is wrong was recorded.
pub(super) struct Wrong;

/// A pointer to a member: not to the whole document.
fn member(text: &str) -> Result<String, Mistake> {
    let text = pointer(text)?;
    if text.is_empty() {
        return Err(Mistake::new("the whole document is no number", "a pointer such as `\"/Limit\"`"));
    }
    Ok(text)
}

fn numbers(reader: &Reader<'_>) -> Option<Vec<(String, u64)>> {
    let all = reader.map("also")?.into_iter().map(|(name, text)| {
        let number = text.parse().ok().filter(|number: &u64| number.to_string() == text);
        if number.is_none() {
            reader.error(
                "also",
                format!("`{text}` is not a whole number"),
                "such as `{ iDisplayStart = \"0\" }`",
            );
        }
        Some((name, number?))
    });
    collect_all(all)
}

/// Whether the route is told by the value of what stands there.
fn tells_route(place: &Place, matching: &Match) -> bool {
    let by = |conditions: &[Condition], name: &str| {
        conditions
            .iter()
            .any(|condition| condition.key.eq_ignore_ascii_case(name) && condition.test != Test::Present)
    };
    match place {
        Place::Query(name) => by(&matching.query, name),
        Place::Form(name) => by(&matching.form, name),
        Place::Json(name) => by(&matching.json, name),
        Place::Path(_) => false,
    }
}

/// Whether a request to the route can have this place.
fn has_place(reader: &Reader<'_>, name: &str, place: &Place, matching: Option<&Match>) -> bool {
    let Some(matching) = matching else { return true };
    let has_body = matching.methods.is_empty()
        || matching
            .methods
            .iter()
            .any(|method| !matches!(*method, Method::GET | Method::HEAD | Method::DELETE));
    let captures = |wanted: &str| {
        matching.path.segments().iter().any(|part| matches!(part, Segment::Capture(name) if name == wanted))
    };
    let (what, right) = match place {
        Place::Form(_) if !has_body || !matching.json.is_empty() => {
            ("the route's requests have no form", "`query`, or a route for POST")
        }
        Place::Json(_) if !has_body || !matching.form.is_empty() => {
            ("the route's requests have no JSON body", "`query`, or a route for POST")
        }
        Place::Query(_) | Place::Form(_) | Place::Json(_) => return true,
        Place::Path(capture) if captures(capture) => return true,
        Place::Path(_) => ("the route's path captures nothing of that name", "a `{name}` of `match.path`"),
    };
    reader.error(name, what, right);
    false
}

fn place(text: &str) -> Result<Place, Mistake> {
    let right = "`\"query:NAME\"`, `\"form:NAME\"`, `\"json:/POINTER\"` or `\"path:CAPTURE\"`";
    match text.split_once(':') {
        Some(("query", name)) if !name.is_empty() => Ok(Place::Query(name.to_owned())),
        Some(("form", name)) if !name.is_empty() => Ok(Place::Form(name.to_owned())),
        Some(("json", name)) => member(name).map(Place::Json),
        Some(("path", name)) if !name.is_empty() => Ok(Place::Path(name.to_owned())),
        _ => Err(Mistake::new(format!("`{text}` is no place in a request"), right)),
    }
}

pub(super) fn place_of(reader: &Reader<'_>, name: &str, matching: Option<&Match>) -> Option<Place> {
    let place = reader.text_with(name, place)?;
    has_place(reader, name, &place, matching).then_some(place)
}

/// What a table of a route's `ask` becomes, if it is written.
fn read<T>(
    reader: &Reader<'_>,
    name: &str,
    matching: Option<&Match>,
    settle: fn(&Reader<'_>, Option<&Match>) -> Option<T>,
) -> Result<Option<T>, Wrong> {
    optional(reader, name, || reader.optional_table(name).and_then(|reader| settle(&reader, matching)))
}

fn ask(reader: &Reader<'_>, matching: Option<&Match>) -> Option<Asks> {
    let format = read(reader, "format", matching, format);
    let columns = read(reader, "columns", matching, columns);
    let span = read(reader, "span", matching, span);
    let search = read(reader, "search", matching, search);
    let destination = read(reader, "destination", matching, destination);
    let ids = read(reader, "ids", matching, ids);
    let fhir = read(reader, "fhir", matching, |reader, _| fhir(reader));
    Some(Asks {
        caps: Vec::new(),
        format: format.ok()?,
        columns: columns.ok()?,
        span: span.ok()?,
        search: search.ok()?,
        destination: destination.ok()?,
        ids: ids.ok()?,
        fhir: fhir.ok()?,
    })
}

fn format(reader: &Reader<'_>, matching: Option<&Match>) -> Option<FormatAsk> {
    let place = place_of(reader, "in", matching);
    let names = reader.map("names").and_then(|names| {
        collect_all(names.into_iter().map(|(word, name)| Some((format_named(reader, &word)?, name))))
    });
    let missing = optional(reader, "missing", || reader.parsed("missing"));
    let allow = optional(reader, "allow", || reader.list::<Format>("allow"));
    let (names, missing) = (names?, missing.ok()?);
    let words = || names.iter().map(|(format, _)| *format);
    let allow = allow.ok()?.unwrap_or_else(|| words().collect());
    let can_be = |format: &Format| missing == Some(*format) || words().any(|word| word == *format);
    if let Some(never) = allow.iter().find(|format| !can_be(format)) {
        reader.error(
            "allow",
            format!("`{never}` has no name, so nobody can ask for it"),
            "a word of `names`",
        );
        return None;
    }
    Some(FormatAsk { place: place?, names, allow: allow.into_iter().collect(), missing })
}

fn format_named(reader: &Reader<'_>, word: &str) -> Option<Format> {
    let all = || Format::ALL.iter().map(|format| format.as_str()).collect::<Vec<_>>().join(", ");
    let format = word.parse::<Format>();
    format.map_err(|error| reader.error("names", error.to_string(), format!("our words: {}", all()))).ok()
}

fn columns(reader: &Reader<'_>, matching: Option<&Match>) -> Option<ColumnsAsk> {
    let place = place_of(reader, "in", matching);
    let (separator, allow) = (reader.text_with("separator", separator), reader.texts("allow"));
    let may_miss = reader.yes_no("may_miss");
    Some(ColumnsAsk { place: place?, separator: separator?, allow: allow?, may_miss: may_miss? })
}

fn span(reader: &Reader<'_>, matching: Option<&Match>) -> Option<SpanAsk> {
    let (from, to) = (place_of(reader, "from", matching), place_of(reader, "to", matching));
    let max = reader.duration("max");
    let ends_today = reader.text_with("missing_end", |text| match text {
        "refuse" => Ok(false),
        "today" => Ok(true),
        _ => Err(Mistake::new(format!("`{text}` is not one of refuse, today"), "one of refuse, today")),
    });
    let dates = reader.list_with("dates", |text| {
        let right = "such as `\"%m/%d/%Y\"`: each of `%Y`, `%m` and `%d` once";
        let wrong = || Mistake::new(format!("`{text}` does not say how a day is written"), right);
        if is_date_format(text) { Ok(text.to_owned()) } else { Err(wrong()) }
    });
    Some(SpanAsk { from: from?, to: to?, max: max?, ends_today: ends_today?, dates: dates? })
}

fn search(reader: &Reader<'_>, matching: Option<&Match>) -> Option<SearchAsk> {
    let (places, characters) = (reader.list_with("in", place), reader.whole("characters"));
    let places = places?;
    let all_there = places.iter().all(|place| has_place(reader, "in", place, matching));
    let characters = characters?;
    all_there.then_some(SearchAsk { places, characters })
}

fn destination(reader: &Reader<'_>, matching: Option<&Match>) -> Option<DestinationAsk> {
    let (place, allow) = (place_of(reader, "in", matching), reader.texts("allow"));
    Some(DestinationAsk { place: place?, allow: allow? })
}

fn ids(reader: &Reader<'_>, matching: Option<&Match>) -> Option<IdsAsk> {
    let place = place_of(reader, "in", matching);
    let (separator, max) = (reader.text_with("separator", separator), reader.whole("max"));
    Some(IdsAsk { place: place?, separator: separator?, max: max? })
}

fn separator(text: &str) -> Result<char, Mistake> {
    let mut characters = text.chars();
    match (characters.next(), characters.next()) {
        (Some(one), None) => Ok(one),
        _ => Err(Mistake::new(format!("{text:?} is not a separator"), "one character such as `\",\"`")),
    }
}

fn fhir(reader: &Reader<'_>) -> Option<FhirAsk> {
    let texts = |name: &str| optional(reader, name, || reader.texts(name));
    let count = optional(reader, "count", || reader.whole("count"));
    let (elements, include, revinclude) = (texts("elements"), texts("include"), texts("revinclude"));
    let (has, chain, total) = (texts("has"), texts("chain"), texts("total"));
    Some(FhirAsk {
        count: count.ok()?,
        elements: elements.ok()?.unwrap_or_default(),
        include: include.ok()?.unwrap_or_default(),
        revinclude: revinclude.ok()?.unwrap_or_default(),
        has: has.ok()?.unwrap_or_default(),
        chain: chain.ok()?.unwrap_or_default(),
        total: total.ok()?.unwrap_or_default(),
    })
}
