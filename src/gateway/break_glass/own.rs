//! What somebody has open in an emergency, and what they owe: a page of their own, with its clock and its end.

use http::StatusCode;
use hyper::body::Incoming;

use super::super::challenge::Redirect;
use super::super::draft::Draft;
use super::super::handle::{Answer, Moment, OWN};
use super::super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, show};
use super::super::pages::{BREAK_GLASS_PATH, BreakProblem, BreaksView, Page, read_words};
use super::super::refusal::Refusal;
use super::super::sought::unread;
use super::super::subject::Known;
use super::super::{respond, unlock};
use super::answer::{form, note_words, prompt_of};
use super::{not_kept, recipient, settings, telling};
use crate::domain::break_glass::{BreakEnd, BreakStep, EventBreak};
use crate::features::break_glass::{Attested, Break, Sheet};
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// Their page; or the question, where one is brought.
pub fn page(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    match prompt_of(asked) {
        Some(prompt) => form(moment, asked, &prompt),
        None => listed(moment, asked, StatusCode::OK, None),
    }
}

fn listed(
    moment: &Moment,
    asked: &Asked,
    status: StatusCode,
    problem: Option<BreakProblem>,
) -> Result<Answer, Refusal> {
    let known = signed_in(moment, asked)?;
    let breaks = moment.worker.shared.breaks.theirs(&known.session.subject.id(), moment.now);
    let view = BreaksView {
        breaks: &breaks,
        discloser: settings(moment).discloser.as_deref(),
        now: moment.now,
        zone: moment.current.rules.policy.zone(),
        problem,
    };
    Ok(show(moment, asked, status, &Page::Breaks(view)))
}

/// Whoever is signed in; all others sign in first.
fn signed_in<'a>(moment: &Moment, asked: &'a Asked) -> Result<&'a Known, Refusal> {
    asked.person.known().ok_or_else(|| unlock::sign_in_first(moment, asked, "/"))
}

/// They end one of theirs; a POST from a page of this host.
pub async fn ended(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let known = signed_in(moment, asked)?;
    // What is none of theirs, or is over, is the same to them.
    let Some(it) = theirs(moment, known, &form) else { return Ok(back(moment)) };
    let (shared, now) = (&moment.worker.shared, moment.now);
    let Ok(it) = it.ended(now, BreakEnd::Person) else { return Ok(back(moment)) };
    let told = EventBreak { end: Some(BreakEnd::Person), ..EventBreak::of(Some(it.id), BreakStep::Ended) };
    note(draft, &it, told);
    journaled(draft).await?;
    let beside = shared.breaks.beside(&it, now);
    let changed = shared.breaks.change(it.id, |it| it.ended(now, BreakEnd::Person)).await;
    if let Some(refusal) = changed.err().and_then(|error| not_kept(moment, &error)) {
        return Err(refusal);
    }
    for other in beside {
        let ended =
            |other: Break| other.clone().ended(now, BreakEnd::Person).map(|ended| ended.to_tell(&other, now));
        match shared.breaks.change(other.id, ended).await {
            Ok(other) => telling::became(shared, &other, now).await,
            Err(error) => {
                if let Some(refusal) = not_kept(moment, &error) {
                    return Err(refusal);
                }
            }
        }
    }
    Ok(back(moment))
}

/// The event is on the disk, before what it tells is done.
async fn journaled(draft: &mut Option<Draft>) -> Result<(), Refusal> {
    match draft {
        Some(draft) => respond::journaled(draft, OWN.0, &[OWN.1]).await.map_err(Refusal::Journal),
        None => Ok(()),
    }
}

/// They write down afterwards why, and what 42 CFR 2.51(c) asks for; a POST from a page of this host.
pub async fn attested(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let known = signed_in(moment, asked)?;
    let Some(it) = theirs(moment, known, &form).filter(Break::is_owed) else { return Ok(back(moment)) };
    let field = |name: &str| one(&form, name).unwrap_or_default();
    let wants_sheet = matches!(it.sheet, Sheet::Owed(_));
    let discloser = settings(moment).discloser.as_deref().map_or_else(|| field("discloser"), str::to_owned);
    let said = read_words(&field("text"), true).and_then(|text| {
        // To whom, when and why is known by now; by whom is asked for where nobody has said it.
        let discloser = if wants_sheet { read_words(&discloser, true)? } else { String::new() };
        Ok((text, discloser))
    });
    let (text, discloser) = match said {
        Ok(said) => said,
        Err(problem) => return listed(moment, asked, StatusCode::UNPROCESSABLE_ENTITY, Some(problem)),
    };
    let told = EventBreak {
        discloser: wants_sheet.then_some(discloser),
        ..EventBreak::of(Some(it.id), BreakStep::Attested)
    };
    note(draft, &it, told);
    note_words(draft, it.reason.as_str(), text, wants_sheet.then(|| recipient(known)));
    journaled(draft).await?;
    let (attested, now) = (Attested { text: true, sheet: wants_sheet }, moment.now);
    let changed = moment.worker.shared.breaks.change(it.id, |it| it.attested(attested, now)).await;
    if let Some(refusal) = changed.err().and_then(|error| not_kept(moment, &error)) {
        return Err(refusal);
    }
    moment.worker.shared.breaks.count(BreakStep::Attested);
    Ok(back(moment))
}

fn theirs(moment: &Moment, known: &Known, form: &[u8]) -> Option<Break> {
    let id = one(form, "break").and_then(|id| id.parse().ok())?;
    moment.worker.shared.breaks.one(id).filter(|it| it.person == known.session.subject.id())
}

fn back(moment: &Moment) -> Answer {
    lead(moment, &Redirect { location: BREAK_GLASS_PATH.to_owned(), set_cookie: None })
}

fn note(draft: &mut Option<Draft>, it: &Break, told: EventBreak) {
    let Some(draft) = draft else { return };
    draft.open(|opening| {
        opening.application = Some(it.application.clone());
        opening.patient = Some(it.patient);
        opening.break_glass = Some(Box::new(told));
    });
}
