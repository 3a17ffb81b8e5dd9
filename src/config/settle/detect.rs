//! Detections: what each looks for, and by which numbers.

use std::time::Duration;

use crate::config::reader::Reader;
use crate::domain::application::NameError;
use crate::domain::detection::{DetectionKind, DetectionThen, Severity, TakenAway};
use crate::features::detect::settings::{DetectionSettings, When};

/// Reads `[detect.NAME]`.
pub(in crate::config) fn detection(name: &str, reader: &Reader<'_>) -> Option<DetectionSettings> {
    let name = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `mass-export`");
    });
    let when = when(reader);
    let (more_than, within) = (number(reader, when.as_ref()), within(reader, when.as_ref()));
    let usual_times = reader.whole("usual_times");
    let (roles, applications) = (list(reader, "roles"), list(reader, "applications"));
    let severity = severity(reader, when.as_ref());
    let then = reader.parsed("then");
    let (in_treatment, quiet) = (reader.yes_no("in_treatment"), reader.duration("quiet"));
    if then == Some(DetectionThen::Flag) && reader.has("in_treatment") {
        reader.error(
            "in_treatment",
            "nothing is asked where it is only told",
            "`then = \"step_up\"`, or no such key",
        );
    }
    let when = when?;
    let usual_times = usual_times.map(|times| if when.kind().knows_usual() { times } else { 0 });
    Some(DetectionSettings {
        name: name.ok()?,
        when,
        more_than: more_than?,
        within: within?,
        usual_times: usual_times?,
        roles: roles?,
        applications: applications?,
        severity: severity?,
        then: then?,
        in_treatment: in_treatment?,
        quiet: quiet?,
    })
}

fn when(reader: &Reader<'_>) -> Option<When> {
    let kind: Option<DetectionKind> = reader.parsed("when");
    let (of, silence) = (reader.parsed::<TakenAway>("of"), reader.duration("silence"));
    let hours = if reader.has("hours") { Some(reader.parsed("hours")) } else { None };
    let kind = kind?;
    if reader.has("usual_times") && !kind.knows_usual() {
        let what = format!("nothing is usual for a person where `{kind}` is looked for");
        reader.error(
            "usual_times",
            what,
            "`when` as `mass_export`, `panel_sweep` or `list_sweep`, or no `usual_times`",
        );
    }
    for (key, its) in OF_KIND {
        if its != kind && reader.has(key) {
            let what = format!("`{key}` is a matter of `{its}`, and this looks for `{kind}`");
            reader.error(key, what, format!("`when = \"{its}\"`, or no `{key}`"));
        }
    }
    Some(match kind {
        DetectionKind::MassExport => match of? {
            TakenAway::Records => When::RecordsTaken,
            TakenAway::Files => When::FilesTaken,
        },
        DetectionKind::PanelSweep => When::PanelSweep,
        DetectionKind::ListSweep => When::ListSweep,
        DetectionKind::SequentialIds => When::SequentialIds,
        DetectionKind::OffHours => {
            let Some(hours) = hours else {
                reader.error("when", "nothing is said of the hours of the house", "`hours` beside it");
                return None;
            };
            When::OffHours(hours?)
        }
        DetectionKind::Dormant => When::Dormant(silence?),
        DetectionKind::Denials => When::Denials,
        DetectionKind::AfterBreakGlass => When::AfterBreakGlass,
        DetectionKind::Elsewhere => When::Elsewhere,
        DetectionKind::NothingToDo => When::NothingToDo,
    })
}

fn number(reader: &Reader<'_>, when: Option<&When>) -> Option<u64> {
    let written = if reader.has("more_than") { Some(reader.whole("more_than")?) } else { None };
    let (usual, most) = match when? {
        When::RecordsTaken => (500, AMOUNTS_MAX),
        When::FilesTaken | When::Dormant(_) => (20, AMOUNTS_MAX),
        When::PanelSweep => (60, EVENTS_MAX),
        When::ListSweep => (300, EVENTS_MAX),
        When::SequentialIds => (9, AMOUNTS_MAX),
        When::OffHours(_) => (100, AMOUNTS_MAX),
        When::Denials => (20, EVENTS_MAX),
        When::AfterBreakGlass | When::NothingToDo => (0, AMOUNTS_MAX),
        When::Elsewhere => (3, EVENTS_MAX),
    };
    let number = written.unwrap_or(usual);
    if number > most {
        reader.error(
            "more_than",
            format!("{number} different ones are not told apart"),
            format!("at most {most}"),
        );
        return None;
    }
    Some(number)
}

fn within(reader: &Reader<'_>, when: Option<&When>) -> Option<Duration> {
    if reader.has("within") {
        return reader.duration("within");
    }
    let minutes = match when? {
        When::SequentialIds | When::Denials => 10,
        When::Elsewhere => 15,
        When::AfterBreakGlass => 30,
        When::RecordsTaken
        | When::FilesTaken
        | When::PanelSweep
        | When::ListSweep
        | When::OffHours(_)
        | When::Dormant(_)
        | When::NothingToDo => 60,
    };
    Some(Duration::from_secs(60 * minutes))
}

fn severity(reader: &Reader<'_>, when: Option<&When>) -> Option<Severity> {
    if reader.has("severity") {
        return reader.parsed("severity");
    }
    Some(match when?.kind() {
        DetectionKind::MassExport | DetectionKind::SequentialIds | DetectionKind::AfterBreakGlass => {
            Severity::High
        }
        DetectionKind::PanelSweep
        | DetectionKind::ListSweep
        | DetectionKind::OffHours
        | DetectionKind::Dormant
        | DetectionKind::Denials
        | DetectionKind::Elsewhere
        | DetectionKind::NothingToDo => Severity::Medium,
    })
}

fn list<T>(reader: &Reader<'_>, name: &str) -> Option<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if reader.has(name) { reader.list(name) } else { Some(Vec::new()) }
}

/// Keys that only one kind has.
const OF_KIND: [(&str, DetectionKind); 3] = [
    ("of", DetectionKind::MassExport),
    ("hours", DetectionKind::OffHours),
    ("silence", DetectionKind::Dormant),
];
const AMOUNTS_MAX: u64 = 1_000_000;
/// Less than a window holds.
const EVENTS_MAX: u64 = 500;
