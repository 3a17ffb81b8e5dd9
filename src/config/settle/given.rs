//! What routes hand out and need, and the patient of a session; and whether that can be.

use std::sync::Arc;

use http::header::{CONTENT_LOCATION, HeaderName, LINK, LOCATION};

use super::ask::{Wrong, optional, place_of};
use super::route::pointer;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::config::spelling::nearest;
use crate::domain::reply_shape::RecordsPointer;
use crate::features::route::given::settings::{
    Give, GivenSettings, Need, PatientSource, ReplyPlace, RouteGiven,
};
use crate::features::route::pattern::Segment;
use crate::features::route::settings::{Access, Match, RouteSettings};
use crate::features::route::table::PATIENT_CAPTURE;

/// Reads `[application.NAME.given.NAME]`.
pub(super) fn kinds(reader: &Reader<'_>) -> Option<Vec<GivenSettings>> {
    collect_all(reader.named("given").into_iter().map(|(name, table)| {
        let name = name
            .parse()
            .map_err(|error| {
                let what = format!("{error}");
                table.reading().error(table.key(), what, "a name such as `page`");
            })
            .ok();
        let (to, lifetime, unknown) =
            (table.parsed("to"), table.duration("lifetime"), table.parsed("unknown"));
        Some(GivenSettings { name: name?, to: to?, lifetime: lifetime?, unknown: unknown? })
    }))
}

/// Reads `patient`, `sets_patient`, `gives` and `needs` of a route that looks like this.
pub(super) fn route_given(
    reader: &Reader<'_>,
    matching: Option<&Match>,
    access: Option<Access>,
) -> Result<Option<Arc<RouteGiven>>, Wrong> {
    let patient = optional(reader, "patient", || patient(reader, matching));
    let sets_patient = reader.yes_no("sets_patient");
    let gives = collect_all(reader.tables("gives", 1).iter().map(give));
    let needs = collect_all(reader.tables("needs", 1).iter().map(|reader| need(reader, matching)));
    let settled = RouteGiven {
        patient: patient?.unwrap_or_default(),
        sets_patient: sets_patient.ok_or(Wrong)?,
        gives: gives.ok_or(Wrong)?,
        needs: needs.ok_or(Wrong)?,
    };
    refuse_unnamed(reader, &settled, matching);
    if access == Some(Access::Public) {
        refuse_public(reader);
    }
    Ok((!settled.is_empty()).then(|| Arc::new(settled)))
}

fn patient(reader: &Reader<'_>, matching: Option<&Match>) -> Option<PatientSource> {
    if reader.text("patient")? != "session" {
        return place_of(reader, "patient", matching).map(PatientSource::At);
    }
    if matching.is_some_and(captures_patient) {
        let what = "the path names a patient already";
        reader.error("patient", what, "no `patient`, or a path without `{patient}`");
        return None;
    }
    Some(PatientSource::Session)
}

fn captures_patient(matching: &Match) -> bool {
    let is_patient = |segment: &Segment| matches!(segment, Segment::Capture(name) if name == PATIENT_CAPTURE);
    matching.path.segments().iter().any(is_patient)
}

/// Whoever opens a patient's record says whose it is.
fn refuse_unnamed(reader: &Reader<'_>, given: &RouteGiven, matching: Option<&Match>) {
    let is_named = match given.patient {
        PatientSource::At(_) => true,
        PatientSource::Path => matching.is_none_or(captures_patient),
        PatientSource::Session => false,
    };
    if given.sets_patient && !is_named {
        let what = "a request to this route does not say whose record it opens";
        reader.error("sets_patient", what, "`{patient}` in the path, or `patient = \"query:NAME\"`");
    }
}

/// On a public route nobody is known to whom anything could be given.
fn refuse_public(reader: &Reader<'_>) {
    let given = ["gives", "needs", "sets_patient"].into_iter().filter(|key| reader.has(key));
    let session = (reader.peek("patient") == Some("session")).then_some("patient");
    for key in given.chain(session) {
        let what = format!("on a public route nobody is known, so `{key}` means nothing");
        reader.error(key, what, "`access = \"policy\"`");
    }
}

fn give(reader: &Reader<'_>) -> Option<Give> {
    let name = reader.parsed("name");
    let at = reader.text_with("at", reply_place);
    let elsewhere = reader.parsed("elsewhere");
    let address = optional(reader, "address", || reader.yes_no("address"));
    let at = at?;
    let is_usual = match &at {
        ReplyPlace::Header(name) => [LOCATION, CONTENT_LOCATION].contains(name),
        ReplyPlace::Link(_) => true,
        ReplyPlace::Json(_) | ReplyPlace::Text(_) => false,
    };
    let is_address = address.ok()?.unwrap_or(is_usual);
    if is_address && matches!(at, ReplyPlace::Text(_)) {
        let what = "behind a text there is no whole address";
        reader.error("address", what, "`header:`, `link:` or `json:`, or what the address brings");
        return None;
    }
    Some(Give { name: name?, at, is_address, elsewhere: elsewhere? })
}

fn need(reader: &Reader<'_>, matching: Option<&Match>) -> Option<Need> {
    let (name, at) = (reader.parsed("name"), place_of(reader, "at", matching));
    Some(Need { name: name?, at: at? })
}

fn reply_place(text: &str) -> Result<ReplyPlace, Mistake> {
    let right = "`\"header:NAME\"`, `\"link:RELATION\"`, `\"json:/POINTER\"` or `\"text:MARK\"`";
    let wrong = || Mistake::new(format!("`{text}` is no place in a reply"), right);
    match text.split_once(':') {
        Some(("header", name)) => {
            let name = HeaderName::from_bytes(name.as_bytes()).map_err(|_| wrong())?;
            if name == LINK {
                let what = "a `Link` header holds several links";
                return Err(Mistake::new(what, "`\"link:next\"`"));
            }
            Ok(ReplyPlace::Header(name))
        }
        Some(("link", relation)) if !relation.is_empty() => Ok(ReplyPlace::Link(relation.to_owned())),
        Some(("json", at)) if !at.is_empty() => {
            pointer(at).map(|at| ReplyPlace::Json(RecordsPointer::read(&at)))
        }
        Some(("text", mark)) if (MARK_MIN..=MARK_MAX).contains(&mark.len()) => {
            Ok(ReplyPlace::Text(mark.into()))
        }
        Some(("text", _)) => {
            let what = format!("a mark is {MARK_MIN} to {MARK_MAX} bytes long");
            Err(Mistake::new(
                what,
                "a text that stands before nothing else, such as `\"text:ReportSession=\"`",
            ))
        }
        _ => Err(wrong()),
    }
}

/// Whether what routes need is handed out by others, and whose record is open is ever said.
pub(super) fn check(reader: &Reader<'_>, kinds: &[GivenSettings], routes: &[(&Reader<'_>, &RouteSettings)]) {
    let all = || routes.iter().filter_map(|(_, route)| route.given.as_deref());
    let given = || all().flat_map(|given| &given.gives).map(|give| give.name.as_str());
    let needed = || all().flat_map(|given| &given.needs).map(|need| need.name.as_str());
    let is_set = all().any(|given| given.sets_patient);
    for (table, route) in routes {
        let Some(of_route) = route.given.as_deref() else { continue };
        for (number, need) in (1..).zip(&of_route.needs) {
            if !given().any(|name| name == need.name.as_str()) {
                let what = format!("no route gives `{}`, so nobody could bring one", need.name);
                let key = format!("{}[{number}].name", table.key_of("needs"));
                table.reading().error(&key, what, instead(need.name.as_str(), given()));
            }
        }
        for (number, give) in (1..).zip(&of_route.gives) {
            if !needed().any(|name| name == give.name.as_str()) {
                let what = format!("no route needs `{}`: whoever has one may use it", give.name);
                let key = format!("{}[{number}].name", table.key_of("gives"));
                table.reading().warning(&key, what, "a route with `needs` of that name");
            }
        }
        if of_route.patient == PatientSource::Session && !is_set {
            let what = "no route sets the patient, so that never is anybody's record open";
            table.error("patient", what, "`sets_patient = true` on the route that opens a record");
        }
    }
    for kind in kinds.iter().filter(|kind| !given().any(|name| name == kind.name.as_str())) {
        let key = format!("{}.given.{}", reader.key(), kind.name);
        reader.reading().error(
            &key,
            "no route gives anything of this name",
            instead(kind.name.as_str(), given()),
        );
    }
}

fn instead<'n>(name: &str, known: impl Iterator<Item = &'n str> + Clone) -> String {
    nearest(name, known).map_or_else(
        || "a route with `gives` of that name".to_owned(),
        |near| format!("did you mean `{near}`?"),
    )
}

const MARK_MIN: usize = 4;
const MARK_MAX: usize = 256;
