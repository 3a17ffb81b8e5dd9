//! Detections of roles and applications that are not there, and such as ask for what no risk asks.

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::Draft;
use crate::domain::detection::DetectionThen;
use crate::domain::risk::Sign;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, rule) in draft.detections.iter().enumerate() {
        if position >= DETECTIONS_MAX {
            let what = format!("there are {DETECTIONS_MAX} detections before it");
            reading.error(&rule.key, what, format!("at most {DETECTIONS_MAX} detections"));
        }
        let applications = || draft.application_names.iter().map(|name| name.it.as_str());
        for name in rule.it.applications.iter().filter(|name| !applications().any(|it| it == name.as_str())) {
            let what = format!("no application is called `{name}`");
            reading.error(
                &format!("{}.applications", rule.key),
                what,
                instead(name.as_str(), applications()),
            );
        }
        let roles = || draft.role_names.iter().map(|name| name.it.as_str());
        for name in rule.it.roles.iter().filter(|name| !roles().any(|it| it == name.as_str())) {
            let what = format!("no role is called `{name}`");
            reading.error(&format!("{}.roles", rule.key), what, instead(name.as_str(), roles()));
        }
        // What could not be settled has problems of its own.
        let all_settled = draft.risks.len() == draft.risk_names.len();
        let asks = draft.risks.iter().any(|risk| risk.it.risk.when.sign() == Sign::Detection);
        if rule.it.then == DetectionThen::StepUp && all_settled && !asks {
            let what = "no risk says what the person is asked for then";
            let right = "a `[risk.NAME]` with `when = \"detection\"`, or `then = \"flag\"`";
            reading.error(&format!("{}.then", rule.key), what, right);
        }
    }
}

/// Each has a window of each person.
const DETECTIONS_MAX: usize = 32;
