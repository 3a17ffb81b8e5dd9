//! Who somebody is here, and where else: their own sessions, each of which they may end.

use http::StatusCode;
use hyper::body::Incoming;

use super::challenge::Redirect;
use super::handle::{Answer, Moment};
use super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, show};
use super::pages::{ME_PATH, MeView, Page, PlacesView};
use super::refusal::Refusal;
use super::sought::unread;
use super::subject::{self, Known};
use super::unlock::sign_in_first;
use super::{purpose, risk};
use crate::domain::decision::{Denial, WayOn};
use crate::domain::revocation::{Cause, Others, Target};
use crate::foundation::id::SessionId;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// Their page.
pub fn me(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let known = signed_in(moment, asked)?;
    let sessions = &moment.worker.shared.sessions;
    let view = MeView {
        identity: &known.identity,
        has_breaks: !moment.worker.shared.breaks.theirs(&known.session.subject.id(), moment.now).is_empty(),
        may_choose: purpose::of(moment, known).len() > 1,
        since: known.session.created,
        ends: subject::ends(moment, &known.session),
        sessions: sessions.list_theirs(&known.session.subject.id(), moment.now),
        this: known.session.id,
        places: places(moment, asked, known),
        now: moment.now,
        zone: moment.current.rules.policy.zone(),
    };
    Ok(show(moment, asked, StatusCode::OK, &Page::Me(view)))
}

/// Whoever is signed in; all others sign in first, and come to their page.
fn signed_in<'a>(moment: &Moment, asked: &'a Asked) -> Result<&'a Known, Refusal> {
    asked.person.known().ok_or_else(|| sign_in_first(moment, asked, ME_PATH))
}

/// Where they were proven before. Where nobody asks for that, there is nothing to show; nor to whoever is asked for a proof
/// and has not given it, who may be somebody else.
fn places(moment: &Moment, asked: &Asked, known: &Known) -> PlacesView {
    let is_asked = risk::asking(moment, &asked.person, &asked.manner).next().is_some();
    if moment.current.rules.risks.is_empty() || is_asked {
        return PlacesView::default();
    }
    let (devices, networks) = moment.worker.shared.risk.known(&known.session.subject.id(), moment.now);
    PlacesView { devices, networks, here: risk::browser(moment, &asked.manner) }
}

/// They have forgotten where they were proven before; a POST from a page of this host. It only makes it more that is asked, and
/// yet whoever has a proof to give gives that first.
pub async fn forget(moment: &Moment, asked: &Asked) -> Result<Answer, Refusal> {
    let known = signed_in(moment, asked)?;
    let mut asking = risk::asking(moment, &asked.person, &asked.manner);
    if let Some((risk, need)) = asking.find_map(|risk| Some((risk, risk.need.clone()?))) {
        let (reasons, ways_on) = (vec![risk.when.sign().reason()], vec![WayOn::StepUp(need)]);
        return Err(Refusal::Denied(Denial { reasons, ways_on }, None));
    }
    moment.worker.shared.risk.forget(&known.session.subject.id(), moment.now).await.map_err(|error| {
        tracing::error!(request.id = %moment.event, %error, "what is known of somebody could not be forgotten for good");
        Refusal::StoreUnavailable
    })?;
    Ok(lead(moment, &Redirect { location: ME_PATH.to_owned(), set_cookie: None }))
}

/// They end one of the others, or all of them; a POST from a page of this host. This one ends by signing out.
pub async fn end(moment: &Moment, asked: &Asked, incoming: Paced<Incoming>) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let known = signed_in(moment, asked)?;
    let target = match one(&form, "session").and_then(|id| id.parse().ok()) {
        Some(id) => theirs(moment, known, id).map(Target::Session),
        None => one(&form, "all")
            .map(|_| Target::Others(Others { person: known.session.subject.id(), but: known.session.id })),
    };
    // What is none of theirs, or is over, is the same to them: it is not in the list that they are shown.
    if let Some(target) = target {
        moment.revoke(target, Cause::OwnList, Some(known)).await?;
    }
    Ok(lead(moment, &Redirect { location: ME_PATH.to_owned(), set_cookie: None }))
}

/// A session of the person's, other than the one at which they are.
fn theirs(moment: &Moment, known: &Known, id: SessionId) -> Option<SessionId> {
    let listed = moment.worker.shared.sessions.list_theirs(&known.session.subject.id(), moment.now);
    listed.iter().map(|one| one.id).find(|theirs| *theirs == id && id != known.session.id)
}
