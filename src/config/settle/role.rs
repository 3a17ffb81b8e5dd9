//! Roles: who may do what, under which conditions, and how much.

use super::RoleDraft;
use super::application::providers;
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::domain::asked::Format;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::limit::{LimitName, Limits, Measure, OnExceed};
use crate::domain::purpose::Purpose;
use crate::domain::told::Place;
use crate::features::policy::settings::{EmergencySettings, MaySettings, RoleSettings, WhenSettings};

/// Reads `[role.NAME]`. A rule that cannot be read is left out, so that the others are still checked. `only_provider` is
/// whose groups are meant where nothing is written.
pub(in crate::config) fn role(
    name: &str,
    reader: &Reader<'_>,
    only_provider: Option<&str>,
) -> Option<RoleDraft> {
    let role = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `registrar`");
    });
    let groups = reader.texts("groups");
    let providers = providers(reader, PROVIDERS, only_provider);
    let purposes: Option<Vec<Purpose>> = reader.list("purposes");
    let not_self = reader.yes_no("not_self");
    let break_glass = reader.yes_no("break_glass");
    let tables = reader.tables("may", 1);
    let rules = tables.iter().filter_map(|table| {
        let credential = table.parsed("credential");
        Some(((table.key().to_owned(), credential), may(table)?))
    });
    let (keys, may): (Vec<_>, Vec<MaySettings>) = rules.unzip();
    let (rule_keys, credentials) = keys.into_iter().unzip();
    let limits =
        reader.table("limit").and_then(|reader| limits(&reader, purposes.as_deref().unwrap_or_default()));
    // Wrong limits are an error already; the rules are checked all the same.
    let limits = limits.unwrap_or(Limits::NONE);
    let purposes = purposes?;
    let settings = RoleSettings {
        name: role.ok()?,
        groups: groups?,
        providers: providers?,
        purposes,
        may,
        limits,
        not_self: not_self?,
        // How, the main file says.
        break_glass: break_glass?.then(EmergencySettings::default),
    };
    Some(RoleDraft { settings, rule_keys, credentials })
}

fn may(reader: &Reader<'_>) -> Option<MaySettings> {
    let application = reader.parsed("application");
    let actions = reader.list("actions");
    let routes = if reader.has("routes") { reader.list_with("routes", route_pattern) } else { Some(vec![]) };
    let categories = if reader.has("categories") { reader.list("categories") } else { Some(vec![]) };
    let (withhold, shadow) = (reader.list("withhold"), reader.yes_no("shadow"));
    let when = reader.table("when").and_then(|reader| when(&reader));
    Some(MaySettings {
        application: application?,
        actions: actions?,
        routes: routes?,
        categories: categories?,
        withhold: withhold?,
        shadow: shadow?,
        when: when?,
    })
}

fn when(reader: &Reader<'_>) -> Option<WhenSettings> {
    let class: Option<AssuranceClass> = reader.parsed("assurance");
    let fresh = reader.duration("fresh");
    let justification = reader.yes_no("justification");
    let hours = reader.parsed("hours");
    let location = reader.texts("location");
    let device = if reader.has("device") { reader.list("device") } else { Some(vec![]) };
    let device_places = Place::ALL.iter().filter_map(|place| {
        let places = reader.texts(place.of_device())?;
        (!places.is_empty()).then_some((*place, places))
    });
    let device_places = device_places.collect();
    let purpose = reader.list("purpose");
    let relationship = reader.texts("relationship");
    let on_shift = reader.yes_no("on_shift");
    let department = reader.texts("department");
    let facility = reader.texts("facility");
    let not_flagged = reader.texts("not_flagged");
    if reader.has("fresh") && !reader.has("assurance") {
        let what = "`fresh` says how recently `assurance` was proven, and none is asked for";
        reader.error("fresh", what, "`assurance` beside it, such as `\"mfa\"`");
    }
    Some(WhenSettings {
        assurance: class.map(|class| AssuranceNeed { class, fresh }),
        justification: justification?,
        hours,
        location: location.unwrap_or_default(),
        device: device?,
        device_places,
        purpose: purpose.unwrap_or_default(),
        relationship: relationship.unwrap_or_default(),
        on_shift: on_shift?,
        department: department.unwrap_or_default(),
        facility: facility.unwrap_or_default(),
        not_flagged: not_flagged.unwrap_or_default(),
    })
}

/// A name of routes, or the beginning of names and a `*`.
pub(super) fn route_pattern(text: &str) -> Result<String, Mistake> {
    let name = text.strip_suffix('*').unwrap_or(text);
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if text.is_empty() || !name.bytes().all(known) {
        let right = "names such as `\"patient.open\"` or `\"patient.*\"`, with a `*` at the end only";
        return Err(Mistake::new(format!("`{text}` is not a name of routes"), right));
    }
    Ok(text.to_owned())
}

fn limits(reader: &Reader<'_>, purposes: &[Purpose]) -> Option<Limits> {
    let records_per_response = reader.whole("records_per_response");
    let records_per_response_at_most =
        at_most(reader, "records_per_response_at_most", records_per_response, purposes);
    let records_per_export = reader.whole("records_per_export");
    let records_per_export_at_most =
        at_most(reader, "records_per_export_at_most", records_per_export, purposes);
    let patients_per_response = reader.whole("patients_per_response");
    let (patients_per_export, bytes_per_export) =
        (reader.whole("patients_per_export"), reader.size("bytes_per_export"));
    let (page_size, days_back) = (reader.whole("page_size"), reader.whole("days_back"));
    let formats = if reader.has("formats") {
        reader.list::<Format>("formats").map(|formats| Some(formats.into_iter().collect()))
    } else {
        Some(None)
    };
    let on_exceed = outcome(reader, "on_exceed", purposes);
    let on_unknown_count = outcome(reader, "on_unknown_count", purposes);
    let mut limits = Limits {
        records_per_response,
        records_per_response_at_most,
        patients_per_response,
        records_per_export,
        records_per_export_at_most,
        patients_per_export,
        bytes_per_export,
        page_size,
        days_back,
        formats: formats?,
        on_exceed: on_exceed?,
        on_unknown_count: on_unknown_count?,
        ..Limits::NONE
    };
    for (name, measure, _) in LimitName::of_windows() {
        let key = name.as_str();
        let number = if measure == Measure::Bytes { reader.size(key) } else { reader.whole(key) };
        *limits.number_mut(name) = number;
    }
    Some(limits)
}

/// The number that nobody passes: at least the `usual` one that some may, and none where a volume may not block.
fn at_most(reader: &Reader<'_>, name: &str, usual: Option<u64>, purposes: &[Purpose]) -> Option<u64> {
    let most = reader.whole(name)?;
    if let Some(usual) = usual.filter(|usual| *usual > most) {
        let what = format!("nobody passes {most}, and without a step {usual} are allowed");
        reader.error(name, what, format!("{usual} or more"));
    } else if let Some(free) = unlimited(purposes) {
        refuse_outcome(reader, name, OnExceed::Block, (free, limited(purposes)));
    }
    Some(most)
}

fn unlimited(purposes: &[Purpose]) -> Option<&Purpose> {
    purposes.iter().find(|purpose| !purpose.basis().volume_may_deny())
}

fn limited(purposes: &[Purpose]) -> Option<&Purpose> {
    purposes.iter().find(|purpose| purpose.basis().volume_may_deny())
}

/// Care goes on: under a purpose for which the law knows no minimum, volume only advises. Where nothing is written the purpose
/// of the session decides; what is written would stop care, or what a document says, whenever the role works for that.
fn outcome(reader: &Reader<'_>, name: &str, purposes: &[Purpose]) -> Option<OnExceed> {
    let written: Option<OnExceed> = reader.parsed(name);
    if written == Some(OnExceed::Truncate) && name == "on_unknown_count" {
        reader.error(
            name,
            "what cannot be counted has no first records",
            "another word, such as `\"block\"`",
        );
        return None;
    }
    let limited = limited(purposes);
    if !reader.has(name) {
        // The guard lets it advise under the others (`features/guard/limit.rs`).
        return Some(if limited.is_some() { OnExceed::Block } else { OnExceed::Advise });
    }
    let (outcome, Some(free)) = (written?, unlimited(purposes)) else { return written };
    if outcome == OnExceed::Advise {
        return written;
    }
    refuse_outcome(reader, name, outcome, (free, limited));
    None
}

fn refuse_outcome(
    reader: &Reader<'_>,
    name: &str,
    outcome: OnExceed,
    (free, limited): (&Purpose, Option<&Purpose>),
) {
    let what = format!("under {free} a limit may only advise, and this would {}", verb(outcome));
    let right = match limited {
        None if name.ends_with("_at_most") => {
            format!("no `{name}`, or a role of its own for work under a purpose that may be limited")
        }
        Some(limited) if name.ends_with("_at_most") => {
            format!("no `{name}`, or a role of its own for {limited}")
        }
        None => "`\"advise\"`, or a role of its own for work under a purpose that may be limited".to_owned(),
        Some(limited) => format!(
            "no `{name}`: it then blocks under {limited} and advises under {free}; or a role of its own for {limited}"
        ),
    };
    reader.error(name, format!("{what} ({})", free.basis().reference()), right);
}

const fn verb(outcome: OnExceed) -> &'static str {
    match outcome {
        OnExceed::Advise => "advise",
        OnExceed::Justify => "ask for a reason",
        OnExceed::StepUp => "ask for a step-up",
        OnExceed::Redact => "take out whom the records are about",
        OnExceed::Truncate => "leave records out",
        OnExceed::Block => "block",
    }
}

/// The key that names whose groups are meant, and what would be right.
const PROVIDERS: (&str, &str) =
    ("providers", "the providers whose groups give this role: a group of that name at another gives nothing");
