//! The reason that somebody gives for breaking the glass, and what begins with it.

use http::StatusCode;
use hyper::body::Incoming;

use super::super::challenge::Redirect;
use super::super::draft::Draft;
use super::super::handle::{Answer, Moment, OWN, note_person};
use super::super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, parameter, return_to, show};
use super::super::pages::{self, BreakGlassView, BreakProblem, Page, read_words};
use super::super::refusal::Refusal;
use super::super::sought::unread;
use super::super::subject::{Known, Person};
use super::super::{hold, respond, unlock};
use super::{Asking, Beginning, begun, not_begun, settings, told_begun};
use crate::domain::application::ApplicationName;
use crate::domain::assurance::AssuranceNeed;
use crate::domain::break_glass::{BreakReason, BreakStep, BreakText, EventBreak};
use crate::domain::event::EventJustification;
use crate::domain::phi::Phi;
use crate::features::audit::settings::KeepJustification;
use crate::features::authn::ReturnTo;
use crate::features::break_glass::Prompt;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// What a page shows that asks somebody for a reason.
pub fn question<'a>(
    moment: &'a Moment,
    application: &ApplicationName,
    asking: &'a Asking,
    return_to: &'a str,
) -> BreakGlassView<'a> {
    let settings = settings(moment);
    let closed = moment.current.rules.policy.closed_in_emergency(application);
    BreakGlassView {
        prompt: &asking.prompt,
        ending: asking.ending.as_deref(),
        reasons: &settings.reasons,
        closed: closed.iter().map(ToString::to_string).collect(),
        lasts: settings.lasts,
        text_now: settings.text == BreakText::Now,
        text_within: settings.text_within,
        return_to,
        text: "",
        held: None,
        problem: None,
    }
}

/// The same question on a page of its own, for whoever was told of it elsewhere.
pub(super) fn form(moment: &Moment, asked: &Asked, text: &str) -> Result<Answer, Refusal> {
    let target = return_to(asked);
    let Some(known) = asked.person.known() else {
        return Err(unlock::sign_in_first(moment, asked, &target));
    };
    let asking = brought(moment, known, text)
        .map(|prompt| (prompt.application, Asking { prompt: text.to_owned(), ending: prompt.ending }));
    match asking {
        Some((application, asking)) => {
            let view = question(moment, &application, &asking, &target);
            Ok(show(moment, asked, StatusCode::OK, &Page::BreakGlass(view)))
        }
        // It is asked anew, if it still has to be.
        None => Ok(lead(moment, &Redirect { location: target, set_cookie: None })),
    }
}

fn brought(moment: &Moment, known: &Known, text: &str) -> Option<Prompt> {
    Prompt::open(text, &moment.worker.shared.words, known.session.id, moment.now)
}

/// A reason was given, or somebody went back; a POST from a page of this host.
pub async fn answered(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let field = |name: &str| one(&form, name).unwrap_or_default();
    let target = ReturnTo::new(&field("return_to")).as_str().to_owned();
    let go = |location: String| Ok(lead(moment, &Redirect { location, set_cookie: None }));
    let Some(known) = asked.person.known().filter(|known| known.session.program.is_none()) else {
        return Err(unlock::sign_in_first(moment, asked, &target));
    };
    let sealed = field("prompt");
    let Some(prompt) = brought(moment, known, &sealed) else { return go(target) };
    let breaks = &moment.worker.shared.breaks;
    if one(&form, "cancel").is_some() {
        breaks.count(BreakStep::Cancelled);
        note(draft, &prompt, EventBreak::of(None, BreakStep::Cancelled));
        return go("/".to_owned());
    }
    let policy = &moment.current.rules.policy;
    if !policy.breaks_glass(&known.identity.roles) {
        return go(target);
    }
    if let Some(need) = unproven(moment, known) {
        return go(pages::step_up_link(&need, &target));
    }
    let text = field("text");
    let read = read(moment, &field("reason"), &text);
    let (reason, text) = match read {
        Ok(read) => read,
        Err(problem) => {
            let asking = Asking { prompt: sealed, ending: prompt.ending.clone() };
            let view = question(moment, &prompt.application, &asking, &target);
            let view = BreakGlassView { text: &text, problem: Some(problem), ..view };
            return Ok(show(moment, asked, StatusCode::UNPROCESSABLE_ENTITY, &Page::BreakGlass(view)));
        }
    };
    let person = known.session.subject.id();
    if breaks.active(&person, known.session.id, &prompt.patient.into(), moment.now).is_none() {
        begin(moment, known, &prompt, (reason, text), draft).await?;
    }
    go(hold::after_reason(moment, asked, person, &target))
}

/// Writes down that it begins, and then lets it begin.
async fn begin(
    moment: &Moment,
    known: &Known,
    prompt: &Prompt,
    (reason, text): (BreakReason, String),
    draft: &mut Option<Draft>,
) -> Result<(), Refusal> {
    let beginning = Beginning {
        id: moment.event,
        application: &prompt.application,
        patient: prompt.patient,
        reason,
        relation: prompt.relation,
        relationships: prompt.relationships.clone(),
        joins: None,
        has_text: !text.is_empty(),
    };
    let it = begun(moment, known, &beginning);
    let told = told_begun(&it);
    let recorded = async {
        note(draft, prompt, told);
        note_person(draft, &Person::Known(known.in_emergency()));
        note_words(draft, reason.as_str(), text, None);
        match draft {
            Some(draft) => respond::journaled(draft, OWN.0, &[OWN.1]).await.map_err(Refusal::Journal),
            None => Ok(()),
        }
    };
    let open = moment.worker.shared.breaks.begin(it, recorded).await;
    open.map(drop).map_err(|error| not_begun(moment, error, |refusal| refusal))
}

/// What has to be proven first and was not, or not lately.
fn unproven(moment: &Moment, known: &Known) -> Option<AssuranceNeed> {
    moment.current.rules.policy.unproven_before_emergency(&known.identity, moment.now)
}

fn read(moment: &Moment, reason: &str, text: &str) -> Result<(BreakReason, String), BreakProblem> {
    let settings = settings(moment);
    let reason: BreakReason = reason.parse().map_err(|_| BreakProblem::ReasonMissing)?;
    if !settings.reasons.contains(&reason) {
        return Err(BreakProblem::ReasonMissing);
    }
    let is_needed = settings.text == BreakText::Now || reason == BreakReason::Other;
    read_words(text, is_needed).map(|text| (reason, text))
}

/// A person's own words, in the event as it keeps such: under seal, where that is so.
pub(super) fn note_words(draft: &mut Option<Draft>, code: &str, text: String, recipient: Option<String>) {
    let Some(draft) = draft else { return };
    let is_sealed = match draft.keeps().justification {
        KeepJustification::Sealed => true,
        KeepJustification::Clear => false,
    };
    draft.open(|opening| {
        opening.justification = Some(EventJustification {
            code: code.to_owned(),
            text: if is_sealed { String::new() } else { text.clone() },
            number: None,
            recipient,
        });
    });
    if is_sealed && !text.is_empty() {
        draft.seal(|confidential| confidential.justification = Some(Phi::new(text)));
    }
}

fn note(draft: &mut Option<Draft>, prompt: &Prompt, told: EventBreak) {
    let Some(draft) = draft else { return };
    draft.open(|opening| {
        opening.application = Some(prompt.application.clone());
        opening.patient = Some(prompt.patient);
        opening.break_glass = Some(Box::new(told));
    });
}

/// The parameter by which a page is asked for that was told of elsewhere.
pub(super) fn prompt_of(asked: &Asked) -> Option<String> {
    parameter(asked, "prompt")
}
