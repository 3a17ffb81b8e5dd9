//! A recorded request as a question again, or why that cannot be.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::domain::application::ProviderName;
use crate::domain::assurance::Assurance;
use crate::domain::closed_list;
use crate::domain::decision::Decision;
use crate::domain::event::{EventKind, EventStanding, EventSubject, Opening, Verdict};
use crate::domain::patient::PatientRef;
use crate::domain::reason::Reason;
use crate::domain::risk::{RiskStep, Standing};
use crate::domain::subject::{Identity, Justification, Subject};
use crate::domain::told::Told;
use crate::features::policy::bundle::Rules;
use crate::features::policy::decide::Question;
use crate::features::policy::memory::Memory;
use crate::features::policy::reads::Fact;

closed_list! {
    /// Why a recorded request cannot be decided again.
    Undecidable {
        /// No route matched it: its path leads somewhere, which is not recorded with all that tells routes apart.
        NoRoute = "no-route-was-matched",
        /// The rules that are tried know no route of that name.
        RouteUnknown = "route-is-not-there",
        /// It held several requests, of which one is recorded.
        Batch = "batch",
        /// A rule reads an attribute that is not recorded.
        Attribute = "attribute-not-recorded",
        /// A rule asks how somebody has authenticated, which older events do not tell.
        Assurance = "assurance-not-recorded",
        /// A rule asks for a relationship to the patient, which is not recorded.
        Relationship = "relationship-not-recorded",
        /// Who vouched for the person is not recorded, and it may have been several.
        Provider = "provider-not-recorded",
        /// The caller's address is not recorded.
        Address = "address-not-recorded",
    }
}

/// What came of asking again.
#[derive(Debug)]
#[expect(clippy::large_enum_variant, reason = "there is one at a time, and nearly all are decided")]
pub(in crate::features::policy) enum Asked {
    /// No rules were asked about it.
    NotByRules,
    /// It cannot be asked again.
    Undecidable(Undecidable),
    /// What the rules say.
    Decided {
        /// What was decided then.
        was: Verdict,
        /// What they decide.
        decision: Decision,
        /// The roles that the person holds under these rules.
        roles: Vec<String>,
        /// The roles are those of then: the groups are not recorded.
        by_roles_of_then: bool,
    },
}

/// Asks `rules` what they would have said.
pub(in crate::features::policy) fn ask(rules: &Rules, memory: &Memory, opening: &Opening) -> Asked {
    let Some(was) = decided_by_rules(opening) else { return Asked::NotByRules };
    match ask_about(rules, memory, opening, was) {
        Ok(asked) => asked,
        Err(why) => Asked::Undecidable(why),
    }
}

fn ask_about(rules: &Rules, memory: &Memory, opening: &Opening, was: Verdict) -> Result<Asked, Undecidable> {
    let (Some(application), Some(route)) = (&opening.application, &opening.route) else {
        return Err(Undecidable::NoRoute);
    };
    let position = rules.catalog.position(application, route).ok_or(Undecidable::RouteUnknown)?;
    let subject = opening.subject.as_deref().map(|kept| &**kept);
    let identity = subject.map(|subject| identity(rules, opening, subject)).transpose()?;
    let patient = opening.patient.map(|_| PatientRef::new(application.clone(), String::new()));
    let question = Question {
        identity: identity.as_ref(),
        application,
        route: position,
        patient: patient.as_ref(),
        client_ip: opening.client_ip.ok_or(Undecidable::Address)?,
        device: opening.device.as_ref(),
        risks: risks(rules, opening),
        told: &Told::default(),
        now: opening.time,
    };
    let is_public = rules.catalog.routes.get(position).is_some_and(|route| route.public);
    let decision = if is_public { rules.public() } else { rules.decide(memory, &question) };
    certain(rules, &question, subject, &decision)?;
    if opening.batch_entry.is_some() && matches!(decision, Decision::Permit(..)) {
        return Err(Undecidable::Batch);
    }
    let roles = identity.iter().flat_map(|identity| &identity.roles).map(ToString::to_string).collect();
    let by_roles_of_then = subject.is_some_and(|subject| groups(subject).is_none());
    Ok(Asked::Decided { was, decision, roles, by_roles_of_then })
}

/// What the rules decided about a request to an application, if it was they who did. What was withheld or turned away for its
/// number, or because it brought what was not given to whoever asked, was permitted by them.
fn decided_by_rules(opening: &Opening) -> Option<Verdict> {
    if opening.kind != EventKind::Request {
        return None;
    }
    let reason = opening.reasons.first()?;
    let was_permitted = matches!(
        reason,
        Reason::RecordsOverResponseLimit
            | Reason::ExportOverRequestLimit
            | Reason::ExportOverWindowBudget
            | Reason::CountUnknown
            | Reason::NotYours
            | Reason::PatientUnknown
            | Reason::LeadsElsewhere
    );
    if was_permitted {
        return Some(Verdict::Permit);
    }
    let by_rules = matches!(
        reason,
        Reason::RuleMatched
            | Reason::PublicRoute
            | Reason::UnmatchedObserved
            | Reason::SignInRequired
            | Reason::AcrInsufficient
            | Reason::AuthTooOld
            | Reason::JustificationRequired
            | Reason::BreakGlassRequired
            | Reason::DeviceNew
            | Reason::NetworkNew
            | Reason::HourUnusual
            | Reason::AfterDenials
            | Reason::RiskTold
            | Reason::AfterDetection
            | Reason::NoRuleMatched
            | Reason::DeniedByRule
            | Reason::AttributeUnavailable
            | Reason::AttributeStale
            | Reason::OutsideShift
            | Reason::LocationMismatch
            | Reason::DeviceMismatch
            | Reason::NotOnPanel
            | Reason::OwnChart
            | Reason::PsychotherapyNotes
            | Reason::SudCounselingNotes
            | Reason::SudRecords
            | Reason::PatientRestriction
            | Reason::StateLaw
            | Reason::ElevationRequired
            | Reason::PolicyError
            | Reason::PurposeMismatch
    );
    by_rules.then_some(opening.verdict)
}

fn standing(subject: &EventSubject) -> Option<&EventStanding> {
    subject.standing.as_ref()
}

fn groups(subject: &EventSubject) -> Option<&Vec<String>> {
    standing(subject)?.groups.as_ref()
}

/// Who it was, as the rules that are tried see them.
fn identity(rules: &Rules, opening: &Opening, subject: &EventSubject) -> Result<Identity, Undecidable> {
    let provider = provider(rules, opening, subject)?;
    let roles = match groups(subject) {
        Some(groups) => rules.roles_of(&provider, groups),
        None => subject.roles.iter().filter(|role| rules.role(role).is_some()).cloned().collect(),
    };
    let justification = opening.justification.as_ref().zip(opening.application.as_ref());
    Ok(Identity {
        subject: Arc::new(Subject {
            issuer: subject.issuer.clone(),
            sub: subject.sub.clone(),
            name: subject.name.clone(),
            groups: groups(subject).cloned().unwrap_or_default(),
            attributes: standing(subject)
                .and_then(|standing| standing.attributes.clone())
                .unwrap_or_default(),
        }),
        provider,
        roles,
        purpose: subject.purpose,
        assurance: Assurance {
            acr: subject.acr.clone(),
            amr: subject.amr.clone(),
            auth_time: subject.auth_time,
            proven: standing(subject).map_or_else(BTreeMap::new, |standing| standing.proven.clone()),
        },
        justification: justification.map(|(given, application)| Justification {
            code: given.code.clone(),
            text: given.text.clone(),
            application: application.clone(),
            given: opening.time,
            number: given.number.clone(),
            recipient: given.recipient.clone(),
        }),
        version: 0,
    })
}

fn provider(rules: &Rules, opening: &Opening, subject: &EventSubject) -> Result<ProviderName, Undecidable> {
    if let Some(standing) = standing(subject) {
        return Ok(standing.provider.clone());
    }
    let application = opening.application.as_ref().and_then(|name| rules.catalog.application(name));
    match application.map(|application| application.providers.as_slice()) {
        Some([only]) => Ok(only.clone()),
        Some(_) | None => Err(Undecidable::Provider),
    }
}

/// The risks that stood, as far as the rules that are tried know them.
fn risks(rules: &Rules, opening: &Opening) -> Standing {
    let stood = opening.risks.iter().filter(|risk| risk.step != RiskStep::Cleared);
    stood.fold(Standing::NONE, |all, risk| {
        let position = rules.risks().iter().position(|known| known.name == risk.rule);
        position.map_or(all, |position| all.with(position))
    })
}

/// Whether the answer holds whatever it is that the event does not tell. A yes does: what is unknown never permits.
fn certain(
    rules: &Rules,
    question: &Question<'_>,
    subject: Option<&EventSubject>,
    decision: &Decision,
) -> Result<(), Undecidable> {
    let (Some(subject), Some(identity)) = (subject, question.identity) else { return Ok(()) };
    if matches!(decision, Decision::Permit(..)) {
        return Ok(());
    }
    let slice = rules.concerned(question).map(|(_, slice)| slice);
    let concerning = slice.iter().flat_map(|slice| &slice.rules);
    let theirs = concerning
        .filter_map(|position| rules.engine.rule(*position))
        .filter(|rule| rule.role.as_ref().is_none_or(|role| identity.roles.contains(role)));
    let attributes = standing(subject).and_then(|standing| standing.attributes.as_ref());
    let why = theirs.flat_map(|rule| &rule.reads.facts).find_map(|fact| match fact {
        Fact::Attribute(name) if fact.can_be_unknown() => {
            let is_there = attributes.is_some_and(|known| known.contains_key(name.as_ref()));
            (!is_there).then_some(Undecidable::Attribute)
        }
        Fact::Relationship(_) | Fact::OnShift | Fact::OwnChart | Fact::PatientFlags => {
            Some(Undecidable::Relationship)
        }
        Fact::DevicePlace(_) => Some(Undecidable::Attribute),
        Fact::Assurance(_) | Fact::Everything => {
            standing(subject).is_none().then_some(Undecidable::Assurance)
        }
        Fact::Attribute(_)
        | Fact::Person
        | Fact::Purpose
        | Fact::Justified
        | Fact::Minute
        | Fact::Weekday
        | Fact::Networks
        | Fact::Device
        | Fact::OnePatient
        | Fact::Action => None,
    });
    why.map_or(Ok(()), Err)
}
