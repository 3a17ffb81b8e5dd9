//! What stands at the end of every report: what was asked, and what it was made from.

use super::super::Report;
use super::say::Speaker;
use crate::foundation::clock::Timestamp;
use crate::foundation::text::plain;
use crate::platform::page::messages::Text;

/// One fact: what, and its value.
pub(super) type Fact = (&'static Text, String);

/// What was asked, and what the report was made from. Moments are as the journal has them, so that they can be asked for again.
pub(super) fn facts(report: &Report, speaker: &Speaker<'_>) -> Vec<Fact> {
    let (asked, made) = (&report.asked, &report.made_of);
    let texts = &speaker.texts().made;
    let moment = |time: Option<Timestamp>| time.map(|time| time.to_string());
    let rules: Vec<&str> = made.rules.iter().map(|version| &**version).collect();
    let all = [
        (&texts.patient, asked.patient.as_ref().map(|patient| patient.now().digest().to_string())),
        (&texts.application, asked.application.as_ref().map(ToString::to_string)),
        (&texts.person, asked.person.as_deref().map(plain)),
        (&texts.all, asked.all.then(|| speaker.texts().yes.to_string())),
        (&texts.asked_since, moment(asked.since)),
        (&texts.asked_until, moment(asked.until)),
        (&texts.zone, Some(speaker.zone.iana_name().unwrap_or("UTC").to_owned())),
        (&texts.first, made.read.first.map(|first| first.to_string())),
        (&texts.last, made.read.last.clone()),
        (&texts.events, Some(made.events.to_string())),
        (&texts.from, moment(made.from)),
        (&texts.to, moment(made.to)),
        (&texts.unknown_ends, Some(made.unknown_ends.to_string())),
        (&texts.rules, (!rules.is_empty()).then(|| plain(&rules.join(", ")))),
        (&texts.archived, made.read.archived.clone()),
        (&texts.destroyed, made.read.destroyed.clone()),
        (&texts.stopped, made.read.stopped.as_deref().map(plain)),
    ];
    all.into_iter().filter_map(|(text, value)| Some((text, value?))).collect()
}
