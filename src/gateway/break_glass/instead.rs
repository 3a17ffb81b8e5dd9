//! What becomes of a request that the rules refuse to somebody who may break the glass.

use super::super::draft::Draft;
use super::super::handle::note_person;
use super::super::passage::Passage;
use super::super::refusal::{Challenged, Refusal};
use super::super::sought::Part;
use super::super::subject::{Known, Person};
use super::{Asking, Beginning, begun, not_begun, not_kept, settings, telling, told_begun, unstored};
use crate::domain::break_glass::{BreakRelation, BreakStep, EventBreak};
use crate::domain::decision::{Challenge, Grounds};
use crate::domain::patient::{PatientDigests, PatientRef};
use crate::domain::proof::Permit;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::subject::Identity;
use crate::features::break_glass::{Break, Prompt, Whose, ending};
use crate::features::route::settings::Access;
use crate::foundation::id::RequestId;

/// Somebody who may have broken the glass, and of whom.
struct Theirs {
    known: Known,
    patient: PatientRef,
    named: PatientDigests,
}

/// Decides anew where the glass of the patient is broken; else the refusal, with what a page needs that asks for a reason.
pub async fn instead(
    passage: &mut Passage<'_>,
    refusal: Refusal,
    draft: &mut Option<Draft>,
) -> Result<(Permit, Grounds, Reason), Refusal> {
    let asks = |challenged: &Challenged| challenged.step == Challenge::BreakGlass;
    let is_asked = matches!(refusal.alone(), Refusal::Challenge(challenged) if asks(challenged));
    if !is_asked && !matches!(refusal.alone(), Refusal::Denied(..)) {
        return Err(refusal);
    }
    let Some(theirs) = theirs(passage) else { return Err(refusal) };
    match found(passage, &theirs, is_asked).await? {
        Some(it) => anew(passage, refusal, (theirs, it), draft).await,
        None if is_asked => Err(asking(passage, refusal, &theirs, draft)),
        None => Err(refusal),
    }
}

/// A person, no program, whose roles break the glass, and who asks for one patient's chart.
fn theirs(passage: &Passage<'_>) -> Option<Theirs> {
    let known = passage.person.known().filter(|known| known.session.program.is_none())?;
    if !passage.moment.current.rules.policy.breaks_glass(&known.identity.roles) {
        return None;
    }
    let is_ruled = |part: &&Part| part.route.as_ref().is_some_and(|route| route.access != Access::Public);
    let mut patients = passage.parts().filter(is_ruled).filter_map(|part| part.patient.as_ref());
    let patient = patients.next()?.clone();
    if patients.any(|another| *another != patient) {
        return None;
    }
    let named = passage.moment.worker.shared.journal.names_of(&patient);
    Some(Theirs { known: known.clone(), patient, named })
}

/// The break by which the chart is open: one that goes on, or one that begins now because its person was asked a few days ago.
async fn found(passage: &Passage<'_>, theirs: &Theirs, is_asked: bool) -> Result<Option<Break>, Refusal> {
    let moment = passage.moment;
    let (shared, now) = (&moment.worker.shared, moment.now);
    let (person, session) = (theirs.known.session.subject.id(), theirs.known.session.id);
    let active = || shared.breaks.active(&person, session, &theirs.named, now);
    if let Some(it) = active() {
        return Ok(Some(it));
    }
    if !is_asked {
        return Ok(None);
    }
    shared.breaks.look_up().await.map_err(|error| unstored(moment, &error))?;
    if let Some(it) = active() {
        return Ok(Some(it));
    }
    let Some(before) = shared.breaks.remembered(&person, &theirs.named, settings(moment).memory, now) else {
        return Ok(None);
    };
    let (relation, relationships) = relation(passage, theirs);
    let beginning = Beginning {
        id: RequestId::new(now, &moment.worker.chance),
        application: &passage.application.name,
        patient: theirs.named.now(),
        reason: before.reason,
        relation,
        relationships,
        joins: Some(before.id),
        has_text: true,
    };
    let it = begun(moment, &theirs.known, &beginning);
    let known = theirs.known.in_emergency();
    let recorded = telling::begins(shared, &it, &known, told_begun(&it));
    let open = shared.breaks.begin(it.clone(), recorded).await;
    open.map(Some).map_err(|error| not_begun(moment, error, Refusal::Journal))
}

/// The same request, of the same person in an emergency.
async fn anew(
    passage: &mut Passage<'_>,
    refusal: Refusal,
    (theirs, it): (Theirs, Break),
    draft: &mut Option<Draft>,
) -> Result<(Permit, Grounds, Reason), Refusal> {
    let rules = draft.as_ref().map(Draft::rules).unwrap_or_default();
    let before = std::mem::replace(&mut passage.person, Person::Known(theirs.known.in_emergency()));
    match passage.decide(draft) {
        Ok(decided) => {
            note_person(draft, &passage.person);
            note(draft, EventBreak::of(Some(it.id), BreakStep::Used));
            let shared = &passage.moment.worker.shared;
            shared.breaks.watch(
                it.id,
                Whose { identity: theirs.known.identity.as_ref().clone(), patient: theirs.patient },
            );
            if passage.protection().has_notice() {
                let now = passage.moment.now;
                let changed = shared.breaks.change(it.id, |it| it.opened_programme(now)).await;
                if let Some(refusal) = changed.err().and_then(|error| not_kept(passage.moment, &error)) {
                    return Err(refusal);
                }
            }
            Ok(decided)
        }
        // In an emergency it takes a step, too.
        Err(step) if matches!(step.alone(), Refusal::Challenge(_)) => {
            passage.person = before;
            Err(step)
        }
        Err(_) => {
            passage.person = before;
            // What is told is the first answer, and by which rules.
            if let Some(draft) = draft {
                draft.open(|opening| opening.rules.clone_from(&rules));
            }
            Err(refusal)
        }
    }
}

/// The refusal, with what the page carries to the answer.
fn asking(passage: &Passage<'_>, refusal: Refusal, theirs: &Theirs, draft: &mut Option<Draft>) -> Refusal {
    let shared = &passage.moment.worker.shared;
    shared.breaks.count(BreakStep::Prompted);
    note(draft, EventBreak::of(None, BreakStep::Prompted));
    let ending = ending(&theirs.patient);
    let (relation, relationships) = relation(passage, theirs);
    let prompt = Prompt {
        session: theirs.known.session.id,
        application: passage.application.name.clone(),
        patient: theirs.named.now(),
        ending: ending.clone(),
        relation,
        relationships,
        asked: passage.moment.now,
    };
    let asking = prompt.seal(&shared.words).map(|prompt| Asking { prompt, ending });
    refusal.asking(asking)
}

/// What feeds know of the two, and by which relationships the rules would have let the person do what is asked for.
fn relation(passage: &Passage<'_>, theirs: &Theirs) -> (BreakRelation, Vec<String>) {
    let (rules, identity) = (&passage.moment.current.rules, &theirs.known.identity);
    let device = passage.moment.device_facts.as_deref();
    let told = rules.feeds.about(identity, Some(&theirs.patient), device, passage.moment.now);
    let routes = passage.parts().filter_map(|part| part.route.as_deref());
    let asked: Vec<_> = routes.map(|route| (&route.name, route.action)).collect();
    let words = rules.policy.overridden(&identity.roles, &passage.application.name, &asked);
    (rules.policy.relation(&words, &told), words)
}

fn note(draft: &mut Option<Draft>, told: EventBreak) {
    if let Some(draft) = draft {
        draft.open(|opening| opening.break_glass = Some(Box::new(told)));
    }
}

impl Passage<'_> {
    /// The patient whose chart is open in an emergency, where what is asked for rests on that.
    pub fn emergency(&self) -> Option<PatientDigests> {
        // Where no role breaks the glass, people may have the purpose by themselves.
        let breaks = |identity: &Identity| {
            identity.purpose == Purpose::BreakGlass
                && self.moment.current.rules.policy.breaks_glass(&identity.roles)
        };
        let patient = self.parts().find_map(|part| part.patient.as_ref());
        let patient = patient.filter(|_| self.person.identity().is_some_and(breaks))?;
        Some(self.moment.worker.shared.journal.names_of(patient))
    }
}
