//! Which events are asked for.

use std::path::Path;

use anyhow::Context as _;

use super::{Moment, Place};
use crate::domain::application::ApplicationName;
use crate::domain::event::Verdict;
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::features::audit::patients::PatientKeys;
use crate::features::audit::query::{BreakAsked, Ended, Filter};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// Events that fit all of these.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// The event: the reference that a page shows.
    #[arg(long, value_name = "REFERENCE")]
    event: Option<RequestId>,
    /// The person: the provider's identifier, or a part of the name.
    #[arg(long, value_name = "TEXT")]
    person: Option<String>,
    /// The patient, as the application names them: whose record was asked for, or who was listed.
    #[arg(long, value_name = "ID", requires = "application")]
    patient: Option<String>,
    /// The application.
    #[arg(long, value_name = "NAME")]
    application: Option<ApplicationName>,
    /// The route; with `*` at the end, every route that begins so.
    #[arg(long, value_name = "NAME")]
    route: Option<String>,
    /// What was decided: permit, challenge or deny.
    #[arg(long, value_name = "WORD")]
    decision: Option<Verdict>,
    /// Why, such as `export-over-request-limit`.
    #[arg(long, value_name = "WORD")]
    reason: Option<Reason>,
    /// The number of the request, protocol, document or authorization by which it was done.
    #[arg(long, value_name = "NUMBER")]
    number: Option<String>,
    /// Only what belongs to an emergency access: to any, or to the one that is called so.
    #[arg(long, value_name = "ID", num_args = 0..=1, default_missing_value = "any")]
    break_glass: Option<BreakAsked>,
    /// Only what an accounting of disclosures lists (45 CFR 164.528).
    #[arg(long)]
    disclosures: bool,
    /// Only where rules in the shadow decided otherwise.
    #[arg(long)]
    shadow_differs: bool,
    /// How it ended: completed, refused, withheld, aborted, failed or unknown.
    #[arg(long, value_name = "WORD")]
    outcome: Option<Ended>,
    /// At this moment or later: `2026-03-01T08:00:00Z`, or how long ago: `30m`, `12h`, `7d`.
    #[arg(long, value_name = "TIME")]
    since: Option<Moment>,
    /// Before this moment.
    #[arg(long, value_name = "TIME")]
    until: Option<Moment>,
}

impl Selection {
    /// The same as a question to the journal in `directory`, whose keys tell how it names a patient.
    pub(super) fn filter(
        &self,
        (place, directory): (&Place, &Path),
        now: Timestamp,
    ) -> anyhow::Result<Filter> {
        let patient = match (&self.patient, &self.application) {
            (Some(id), Some(application)) => {
                let keys = patient_keys(place, directory)?;
                Some(keys.digests(&PatientRef::new(application.clone(), id.clone())))
            }
            _ => None,
        };
        Ok(Filter {
            event: self.event,
            person: self.person.clone(),
            patient,
            application: self.application.clone(),
            route: self.route.clone(),
            decision: self.decision,
            reason: self.reason,
            number: self.number.clone(),
            break_glass: self.break_glass,
            accounted: self.disclosures,
            shadow_differs: self.shadow_differs,
            ended: self.outcome,
            since: self.since.map(|since| since.at(now)),
            until: self.until.map(|until| until.at(now)),
        })
    }
}

/// The keys that find a patient's events: those that the place names, else in the journal's folder, into which somebody may have
/// copied them, or in `seals` beside it.
pub(in crate::cli) fn patient_keys(place: &Place, directory: &Path) -> anyhow::Result<PatientKeys> {
    let beside = directory.parent().unwrap_or(Path::new(".")).join("seals");
    let folders = match (&place.keys, place.keys_by_configuration()) {
        (Some(keys), _) => vec![keys.clone()],
        (None, configured) => configured.into_iter().chain([directory.to_owned(), beside]).collect(),
    };
    PatientKeys::find(&folders).context(
        "a patient is found by the journal's keys, `patients.key` and those before it, which are kept apart from it: name their \
         folder with --keys",
    )
}
