//! What was kept is sent: to the address that it was meant for, once, and through every step that a request goes.
//!
//! The form of our page posts to that very address, with the name of the entry at the end of its query. So what the
//! application answers is read by the browser as if it had been asked directly: links that are relative hold, and
//! whoever reloads sends nothing a second time, because the name is used up.

use std::net::SocketAddr;

use bytes::Bytes;
use http::header::{CONTENT_TYPE, HeaderName, ORIGIN, REFERER};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, StatusCode};

use super::super::draft::Draft;
use super::super::handle::{self, Answer, From, Moment, note_person, pursue};
use super::super::manner::{Manner, is_same_origin};
use super::super::normalize::Head;
use super::super::own_paths::{Asked, show_to};
use super::super::pages::Page;
use super::super::refusal::Refusal;
use super::super::subject::{self, Person};
use super::graft::{self, Grafted};
use super::{Held, Visitor, note, own};
use crate::domain::event::HoldStep;
use crate::features::hold::{HoldError, Sending, Typed};
use crate::features::session::Found;
use crate::features::upstream::error::UpstreamError;
use crate::foundation::id::HoldId;

/// The parameter that names an entry, the last of its target's query.
pub(super) const PARAMETER: &str = "leastway-held=";

/// What a request names that is to send something that was kept.
#[derive(Debug)]
pub struct Named {
    /// The entry; none if it can be none of ours.
    id: Option<HoldId>,
    /// The target without it.
    target: PathAndQuery,
}

/// The entry that a request names.
pub fn named(method: &Method, target: &PathAndQuery) -> Option<Named> {
    if *method != Method::POST {
        return None;
    }
    let query = target.query()?;
    let at = memchr::memmem::rfind(query.as_bytes(), PARAMETER.as_bytes())?;
    let (before, marked) = query.split_at_checked(at)?;
    if !(before.is_empty() || before.ends_with('&')) {
        return None;
    }
    let path = target.path();
    let target = match before.strip_suffix('&') {
        Some(query) => format!("{path}?{query}"),
        None => path.to_owned(),
    };
    let id = marked.strip_prefix(PARAMETER).and_then(|id| id.parse().ok());
    Some(Named { id, target: target.parse().ok()? })
}

impl Named {
    /// The target alone: what is posted there with a body is typed anew, in a form that came back on the page behind
    /// what was sent.
    pub fn into_target(self) -> PathAndQuery {
        self.target
    }
}

/// A request that is to send something that was kept.
#[derive(Debug)]
pub struct Coming {
    /// Its head, stripped.
    pub parts: Parts,
    /// What was read of it.
    pub head: Head,
    /// The session that its cookie names.
    pub found: Found,
    /// The caller's end of the connection.
    pub line: SocketAddr,
}

/// Sends it, or says that there is nothing to be sent.
pub async fn send(
    moment: &Moment,
    coming: Coming,
    named: Named,
    manner: &Manner,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let Coming { parts, head, found, line } = coming;
    let person = subject::person(moment, &found, None);
    note_person(draft, &person);
    let asked = Asked { parts, head, manner: manner.clone(), person };
    let (typed, sending) = match take_up(moment, &asked, &named, draft).await {
        Ok(Taken::Up(taken_up)) => *taken_up,
        Ok(Taken::Not(answer)) => {
            own::note_kind(draft);
            return Ok(answer);
        }
        Err(refusal) => {
            own::note_kind(draft);
            return Err(refusal);
        }
    };
    let Asked { mut parts, head, person, .. } = asked;
    restore(&mut parts, &typed, &named.target);
    let mut head = head.at(named.target);
    let whose = (sending.id, &person);
    let grafted = graft::graft(moment, (&parts, &head), whose, (line, manner), &typed).await;
    let Grafted { body, cookies } = grafted;
    let Some(body) = body else {
        return cookies.hand_on(not_ready(moment, manner, &person, (&typed, sending), draft).await);
    };
    cookies.write(&mut parts.headers, head.target().path(), moment.now);
    cookies.bind(&mut head.servers, moment.now);
    let from = From { found, line, manner, resumes: None };
    let answered = forward(moment, from, (parts, head, body), &person, (&typed, sending), draft).await;
    cookies.hand_on(answered)
}

/// Sends the form itself. From here on it counts as perhaps sent.
async fn forward(
    moment: &Moment,
    from: From<'_>,
    (parts, head, body): (Parts, Head, Bytes),
    person: &Person,
    (typed, mut sending): (&Typed, Sending),
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    if let Err(error) = moment.worker.shared.holds.begin(&mut sending).await {
        own::note_kind(draft);
        return Err(own::failed(moment, &error));
    }
    let manner = from.manner;
    note(draft, sending.id, HoldStep::Sent, person.known().map(|known| known.session.subject.id()));
    let resumed = Held { id: sending.id, lifetime: sending.left(moment.now), set_cookie: None };
    let from = From { resumes: Some(&resumed), ..from };
    let result = pursue(moment, from, (parts, head), handle::Coming::Kept(body), None, draft).await;
    let status = match &result {
        Ok(Answer::Released(reply, _)) => Some(reply.status()),
        Ok(Answer::Own(..) | Answer::Switched(_) | Answer::Refused(..)) | Err(_) => None,
    };
    settle(moment, &result, sending, draft.as_ref()).await;
    match status {
        // The person has to learn that it is still there.
        Some(status) if !is_taken(status) => {
            let return_to = own::came_from(typed, manner.authority());
            let page = Page::NotTaken { status, return_to };
            Ok(show_to(moment, manner, person, status, &page))
        }
        Some(_) | None => result,
    }
}

/// It waits on, and its person is told how to go on.
async fn not_ready(
    moment: &Moment,
    manner: &Manner,
    person: &Person,
    (typed, sending): (&Typed, Sending),
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    own::note_kind(draft);
    note(draft, sending.id, HoldStep::Offered, person.known().map(|known| known.session.subject.id()));
    moment.worker.shared.holds.put_back(sending).await.map_err(|error| own::failed(moment, &error))?;
    let page = Page::NotReady { return_to: own::came_from(typed, manner.authority()) };
    Ok(show_to(moment, manner, person, StatusCode::CONFLICT, &page))
}

enum Taken {
    Up(Box<(Typed, Sending)>),
    Not(Answer),
}

async fn take_up(
    moment: &Moment,
    asked: &Asked,
    named: &Named,
    draft: &mut Option<Draft>,
) -> Result<Taken, Refusal> {
    if !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    own::by_hand(&asked.manner)?;
    let Some(known) = asked.person.known() else { return Err(own::sign_in(moment, asked)) };
    let visitor = Visitor::new(moment, asked, known.session.subject.id());
    let (Some(id), Some(visitor)) = (named.id, visitor) else {
        return Ok(Taken::Not(own::nothing(moment, asked, StatusCode::NOT_FOUND)));
    };
    let taken_up = visitor.holds().take_up(id, visitor.visit(), named.target.as_str(), moment.now);
    match taken_up.await {
        Ok(taken_up) => Ok(Taken::Up(Box::new(taken_up))),
        Err(HoldError::None) => Ok(Taken::Not(visitor.hidden(id, draft))),
        // Theirs, and on its way or gone already: the page says which.
        Err(HoldError::BeingSent) => visitor.offer(StatusCode::CONFLICT, draft).await.map(Taken::Not),
        Err(error) => Err(own::failed(moment, &error)),
    }
}

/// The head of the request that could not be sent then: from the browser as it is now, with what belongs to the body.
fn restore(parts: &mut Parts, typed: &Typed, target: &PathAndQuery) {
    let headers = &mut parts.headers;
    put(headers, CONTENT_TYPE, Some(&typed.content_type));
    put(headers, ORIGIN, typed.origin.as_ref());
    put(headers, REFERER, typed.referer.as_ref());
    parts.uri = http::Uri::from(target.clone());
}

fn put(headers: &mut HeaderMap, name: HeaderName, value: Option<&String>) {
    match value.and_then(|value| HeaderValue::from_str(value).ok()) {
        Some(value) => drop(headers.insert(name, value)),
        None => drop(headers.remove(name)),
    }
}

/// What becomes of the entry: taken, it is gone; certainly not sent, it may be tried again; else it stays to be read.
async fn settle(moment: &Moment, result: &Result<Answer, Refusal>, sending: Sending, draft: Option<&Draft>) {
    let holds = &moment.worker.shared.holds;
    let settled = match result {
        Ok(Answer::Released(reply, _)) if is_taken(reply.status()) => holds.finish(sending).await,
        Err(refusal) if was_not_sent(refusal, draft) => holds.put_back(sending).await,
        // Dropped, it counts as perhaps sent.
        Ok(Answer::Released(..) | Answer::Own(..) | Answer::Switched(_) | Answer::Refused(..)) | Err(_) => {
            return;
        }
    };
    if let Err(error) = settled {
        tracing::error!(request.id = %moment.event, error = %error, "a held entry could not be settled");
    }
}

fn is_taken(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}

/// Whether nothing has left for the application: of all else it is said that it may have.
fn was_not_sent(refusal: &Refusal, draft: Option<&Draft>) -> bool {
    if !draft.is_some_and(Draft::is_journaled) {
        return true;
    }
    match refusal {
        Refusal::Journal(_) => true,
        // Signed out before it could leave; where a reply is withheld, it has left.
        Refusal::Challenge(challenged) => challenged.withheld.is_none(),
        Refusal::Upstream(error) => {
            matches!(
                error,
                UpstreamError::Connect(_) | UpstreamError::ConnectTimeout | UpstreamError::Overloaded
            )
        }
        Refusal::NotUnderstood(_)
        | Refusal::HostUnknown
        | Refusal::RouteNotFound
        | Refusal::CrossSite
        | Refusal::BodyUnreadable(_)
        | Refusal::BodyTooLarge
        | Refusal::TooSlow
        | Refusal::CallerLeft
        | Refusal::Denied(..)
        | Refusal::TooMuch(..)
        | Refusal::LeadsElsewhere
        | Refusal::CountUnknown(..)
        | Refusal::Unredactable(..)
        | Refusal::Unheld(..)
        | Refusal::Asked(_)
        | Refusal::SignInFailed(..)
        | Refusal::LogoutRefused(_)
        | Refusal::AccountBarred(_)
        | Refusal::ProvisioningRefused
        | Refusal::SignalRefused(_)
        | Refusal::Token(_)
        | Refusal::AssuranceNotProven(..)
        | Refusal::DeviceNotProven
        | Refusal::StoreUnavailable
        | Refusal::EndedUnkept(_)
        | Refusal::TooManyRequests(_)
        | Refusal::Overloaded
        | Refusal::Internal
        | Refusal::SessionsFull(_)
        | Refusal::Entry(..) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "01980000-0000-7000-8000-000000000000";

    #[test]
    fn an_entry_is_named_at_the_end_of_a_posts_query_and_nowhere_else() {
        let named = |method: Method, target: &str| {
            named(&method, &target.parse().unwrap())
                .map(|it| (it.id.is_some(), it.target.as_str().to_owned()))
        };
        let post = |target: String| named(Method::POST, &target);
        let is = |known, target: &str| Some((known, target.to_owned()));
        assert_eq!(post(format!("/a?{PARAMETER}{ID}")), is(true, "/a"));
        assert_eq!(post(format!("/a?b=1&c&{PARAMETER}{ID}")), is(true, "/a?b=1&c"));
        assert_eq!(post(format!("/a?&{PARAMETER}{ID}")), is(true, "/a?"));
        assert_eq!(
            post(format!("/a?{PARAMETER}")),
            is(false, "/a"),
            "what names none of ours is not forwarded"
        );
        assert_eq!(post(format!("/a?{PARAMETER}{ID}&b=1")), is(false, "/a"));
        assert_eq!(
            post(format!("/a?{PARAMETER}{ID}&{PARAMETER}x")),
            is(false, &format!("/a?{PARAMETER}{ID}"))
        );
        assert_eq!(post(format!("/a?b={PARAMETER}{ID}")), None);
        assert_eq!(post(format!("/{PARAMETER}{ID}")), None);
        assert_eq!(named(Method::GET, &format!("/a?{PARAMETER}{ID}")), None);
    }
}
