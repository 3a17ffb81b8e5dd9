//! The sentence that says why: figures first, and what they are measured by.

use std::time::Duration;

use super::settings::{DetectionSettings, When};
use super::track::Tally;

/// Why something was found.
pub(super) fn why(rule: &DetectionSettings, tally: &Tally, usual: Option<u64>, slept: Option<u64>) -> String {
    let Tally { count, since, until, .. } = tally;
    let took = span(until.since(*since));
    let what = match &rule.when {
        When::RecordsTaken => format!("{count} records were taken away in {took}"),
        When::FilesTaken => format!("{count} files were taken away in {took}"),
        When::PanelSweep => format!("{count} patients were opened in {took}"),
        When::ListSweep => format!("{count} patients were listed in {took}"),
        When::SequentialIds => {
            format!("{count} patients were asked for one after the other, by numbers at equal steps")
        }
        When::OffHours(hours) => format!("{count} requests in {took}, outside of {hours}"),
        When::Dormant(_) => {
            format!("{count} requests in {took}, after {} days without any", slept.unwrap_or(0))
        }
        When::Denials => format!("{count} denials in {took}"),
        When::AfterBreakGlass => {
            format!("{count} files were taken away within {} of an emergency", span(rule.within))
        }
        When::Elsewhere => format!("requests came from several networks in the same {count} minutes"),
        When::NothingToDo => {
            format!("{count} charts were asked for that no rule of any of the person's roles opens")
        }
    };
    let usual = usual.map_or_else(String::new, |usual| format!("usual {usual}; "));
    format!("{what}; {usual}flagged above {} in {}", rule.more_than, span(rule.within))
}

/// A time as it is read: in whole seconds, minutes or hours, not less than it was.
fn span(time: Duration) -> String {
    let seconds = time.as_millis().div_ceil(1000);
    let (number, unit) = match seconds {
        0..120 => (seconds.max(1), "second"),
        120..7200 => (seconds.div_ceil(60), "minute"),
        _ => (seconds.div_ceil(3600), "hour"),
    };
    format!("{number} {unit}{}", if number == 1 { "" } else { "s" })
}
