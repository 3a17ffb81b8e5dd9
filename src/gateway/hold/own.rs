//! Our own pages for what is kept: what it is, what is in it, and throwing it away.

use http::{Method, StatusCode};
use hyper::body::Incoming;

use super::super::draft::Draft;
use super::super::handle::{Answer, Moment};
use super::super::manner::Manner;
use super::super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, return_to};
use super::super::pages::{
    self, HELD_DISCARD_PATH, HELD_PATH, HELD_SHOW_PATH, HeldEntry, HeldView, Page, PageFrame,
    same_origin_path,
};
use super::super::refusal::Refusal;
use super::super::reply::{HTML, own_head, with_text};
use super::super::sought::unread;
use super::super::subject::{Known, Person};
use super::send::PARAMETER;
use super::{browser, note};
use crate::domain::event::{EventKind, HoldStep, Outcome};
use crate::features::hold::{Browser, HoldError, Preview, Standing, Summary, Typed, Visit};
use crate::foundation::id::HoldId;
use crate::gateway::challenge::Redirect;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// Whether this is one of them.
pub fn is_own(path: &str) -> bool {
    matches!(path, HELD_PATH | HELD_SHOW_PATH | HELD_DISCARD_PATH)
}

/// Answers a request to one of them; a POST comes from a page of this host.
pub async fn answer(
    moment: &Moment,
    path: &str,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let get = matches!(asked.parts.method, Method::GET | Method::HEAD);
    let post = asked.parts.method == Method::POST;
    if !(path == HELD_PATH && get || path != HELD_PATH && post) {
        return Err(Refusal::RouteNotFound);
    }
    let Some(known) = asked.person.known() else { return Ok(sign_in(moment, asked)) };
    let Some(browser) = browser(&asked.manner) else {
        return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
    };
    if get {
        return offer(moment, asked, known, &browser, StatusCode::OK, draft).await;
    }
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let Some(id) = one(&form, "id").and_then(|id| id.parse().ok()) else {
        return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
    };
    match path {
        HELD_SHOW_PATH => reveal(moment, asked, known, &browser, id, draft).await,
        _ => discard(moment, asked, known, &browser, id, draft).await,
    }
}

/// What is kept, by the names of its fields.
pub(super) async fn offer(
    moment: &Moment,
    asked: &Asked,
    known: &Known,
    browser: &Browser,
    status: StatusCode,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let person = known.session.subject.id();
    let visit = Visit { browser, person: &person, host: &asked.head.authority.host };
    let holds = &moment.worker.shared.holds;
    let mut entries = Vec::new();
    for summary in holds.of(visit, moment.now) {
        match holds.open(summary.id, visit, moment.now).await {
            Ok(typed) => entries.push(entry(summary, &typed, false)),
            // Gone meanwhile.
            Err(HoldError::None | HoldError::BeingSent) => {}
            Err(error @ (HoldError::Store(_) | HoldError::Sealed)) => return Err(failed(moment, &error)),
        }
    }
    let Some(first) = entries.first() else { return Ok(nothing(moment, asked, StatusCode::NOT_FOUND)) };
    note(draft, first.summary.id, HoldStep::Offered, Some(person));
    Ok(list(moment, asked, status, &entries, &return_to(asked)))
}

/// What is in one of them.
async fn reveal(
    moment: &Moment,
    asked: &Asked,
    known: &Known,
    browser: &Browser,
    id: HoldId,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let person = known.session.subject.id();
    let visit = Visit { browser, person: &person, host: &asked.head.authority.host };
    let holds = &moment.worker.shared.holds;
    let summary = holds.of(visit, moment.now).into_iter().find(|summary| summary.id == id);
    let typed = match (summary, holds.open(id, visit, moment.now).await) {
        (Some(summary), Ok(typed)) => entry(summary, &typed, true),
        (None, _) | (_, Err(HoldError::None | HoldError::BeingSent)) => {
            note_hidden(moment, draft, id);
            return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
        }
        (Some(_), Err(error @ (HoldError::Store(_) | HoldError::Sealed))) => {
            return Err(failed(moment, &error));
        }
    };
    note(draft, id, HoldStep::Shown, Some(person));
    Ok(list(moment, asked, StatusCode::OK, &[typed], "/"))
}

async fn discard(
    moment: &Moment,
    asked: &Asked,
    known: &Known,
    browser: &Browser,
    id: HoldId,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let person = known.session.subject.id();
    let visit = Visit { browser, person: &person, host: &asked.head.authority.host };
    let holds = &moment.worker.shared.holds;
    match holds.discard(id, visit, moment.now).await {
        Ok(()) => {}
        Err(HoldError::None) => {
            note_hidden(moment, draft, id);
            return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
        }
        Err(HoldError::BeingSent) => {
            return offer(moment, asked, known, browser, StatusCode::CONFLICT, draft).await;
        }
        Err(error @ (HoldError::Store(_) | HoldError::Sealed)) => return Err(failed(moment, &error)),
    }
    let more = holds.has_any(visit, moment.now);
    note(draft, id, HoldStep::Discarded, Some(person));
    let location = if more { HELD_PATH } else { "/" }.to_owned();
    Ok(lead(moment, &Redirect { location, set_cookie: None }))
}

fn entry(summary: Summary, typed: &Typed, shown: bool) -> HeldEntry {
    // What a browser would read as another host's address is not made a form's.
    let action = same_origin_path(&typed.target).filter(|_| summary.standing == Standing::Waiting);
    let action = action.map(|target| {
        let joint = if target.contains('?') { '&' } else { '?' };
        format!("{target}{joint}{PARAMETER}{}", summary.id)
    });
    HeldEntry { preview: Preview::of(typed), summary, action, shown }
}

fn list(
    moment: &Moment,
    asked: &Asked,
    status: StatusCode,
    entries: &[HeldEntry],
    return_to: &str,
) -> Answer {
    let zone = moment.current.rules.policy.zone();
    let view = HeldView { entries, return_to, now: moment.now, zone };
    show_to(moment, &asked.manner, &asked.person, status, &Page::Held(view))
}

/// There is nothing for whoever asks: the same for what never was, for what is gone, and for what is another's.
pub(super) fn nothing(moment: &Moment, asked: &Asked, status: StatusCode) -> Answer {
    let zone = moment.current.rules.policy.zone();
    let view = HeldView { entries: &[], return_to: "/", now: moment.now, zone };
    show_to(moment, &asked.manner, &asked.person, status, &Page::Held(view))
}

/// Nobody is signed in: they are led here again if there is something for them.
pub(super) fn sign_in(moment: &Moment, asked: &Asked) -> Answer {
    let page = Page::SignIn { return_to: "/", expired: true, held: None };
    show_to(moment, &asked.manner, &asked.person, StatusCode::UNAUTHORIZED, &page)
}

pub(super) fn show_to(
    moment: &Moment,
    manner: &Manner,
    person: &Person,
    status: StatusCode,
    page: &Page<'_>,
) -> Answer {
    let frame = PageFrame {
        language: manner.language(),
        application: None,
        reference: moment.event,
        person: person.known().map(|known| &*known.session.subject.name),
    };
    let text = pages::render(&frame, page);
    Answer::Own(with_text(own_head(status, None, moment.event), HTML, text), Outcome::Completed)
}

/// Auditors learn that somebody asked for what is another's; whoever asked does not.
pub(super) fn note_hidden(moment: &Moment, draft: &mut Option<Draft>, id: HoldId) {
    if moment.worker.shared.holds.exists(id) {
        note(draft, id, HoldStep::Hidden, None);
    }
}

/// The event is not of a request to an application: nothing is sent.
pub(super) fn note_kind(draft: &mut Option<Draft>) {
    if let Some(draft) = draft {
        draft.open(|opening| {
            opening.kind = EventKind::OwnPath;
            opening.path = Some(HELD_PATH.into());
        });
    }
}

pub(super) fn failed(moment: &Moment, error: &HoldError) -> Refusal {
    tracing::error!(request.id = %moment.event, error = %error, "a held entry could not be read");
    Refusal::StoreUnavailable
}

/// The page that the form was on, if that is one of this host.
pub(super) fn came_from<'t>(typed: &'t Typed, authority: &str) -> &'t str {
    let referer = typed.referer.as_deref().unwrap_or_default();
    let path = referer.strip_prefix("https://").and_then(|rest| rest.strip_prefix(authority));
    path.and_then(same_origin_path).unwrap_or("/")
}
