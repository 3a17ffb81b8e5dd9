//! Our own pages for what is kept: what it is, what is in it, and throwing it away.

use http::{Method, StatusCode};
use hyper::body::Incoming;

use super::super::draft::Draft;
use super::super::handle::{Answer, Moment};
use super::super::manner::{Audience, Manner};
use super::super::own_paths::{Asked, FORM_BYTES_MAX, lead, one, return_to, show};
use super::super::pages::{HELD_PATH, HELD_SHOW_PATH, HeldEntry, HeldView, Page, same_origin_path};
use super::super::refusal::Refusal;
use super::super::sought::unread;
use super::super::unlock::sign_in_first;
use super::send::PARAMETER;
use super::{Visitor, note};
use crate::domain::event::{EventKind, HoldStep};
use crate::features::hold::{HoldError, Preview, Standing, Summary, Typed};
use crate::foundation::id::HoldId;
use crate::gateway::challenge::Redirect;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

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
    let Some(known) = asked.person.known() else { return Err(sign_in(moment, asked)) };
    let Some(visitor) = Visitor::new(moment, asked, known.session.subject.id()) else {
        return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
    };
    if get {
        return visitor.offer(StatusCode::OK, draft).await;
    }
    by_hand(&asked.manner)?;
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let Some(id) = one(&form, "id").and_then(|id| id.parse().ok()) else {
        return Ok(nothing(moment, asked, StatusCode::NOT_FOUND));
    };
    match path {
        HELD_SHOW_PATH => visitor.reveal(id, draft).await,
        _ => visitor.discard(id, draft).await,
    }
}

/// What is done with an entry is done by its person, on a page of ours, and by no script.
pub(super) fn by_hand(manner: &Manner) -> Result<(), Refusal> {
    if manner.audience() == Audience::Person { Ok(()) } else { Err(Refusal::CrossSite) }
}

impl Visitor<'_> {
    /// What is kept, by the names of its fields.
    pub(super) async fn offer(
        &self,
        status: StatusCode,
        draft: &mut Option<Draft>,
    ) -> Result<Answer, Refusal> {
        let mut entries = Vec::new();
        for summary in self.holds().of(self.visit(), self.moment.now) {
            match self.entry(summary.id, false).await {
                Ok(entry) => entries.push(entry),
                // Gone meanwhile.
                Err(error) if error.is_gone() => {}
                Err(error) => return Err(failed(self.moment, &error)),
            }
        }
        let Some(first) = entries.first() else {
            return Ok(nothing(self.moment, self.asked, StatusCode::NOT_FOUND));
        };
        note(draft, first.summary.id, HoldStep::Offered, Some(self.person.clone()));
        Ok(self.list(status, &entries, &return_to(self.asked)))
    }

    /// What is in one of them.
    async fn reveal(&self, id: HoldId, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
        match self.entry(id, true).await {
            Ok(entry) => {
                note(draft, id, HoldStep::Shown, Some(self.person.clone()));
                Ok(self.list(StatusCode::OK, &[entry], "/"))
            }
            Err(error) if error.is_gone() => Ok(self.hidden(id, draft)),
            Err(error) => Err(failed(self.moment, &error)),
        }
    }

    async fn discard(&self, id: HoldId, draft: &mut Option<Draft>) -> Result<Answer, Refusal> {
        match self.holds().discard(id, self.visit(), self.moment.now).await {
            Ok(()) => {
                note(draft, id, HoldStep::Discarded, Some(self.person.clone()));
                let more = self.holds().has_any(self.visit(), self.moment.now);
                let location = if more { HELD_PATH } else { "/" }.to_owned();
                Ok(lead(self.moment, &Redirect { location, set_cookie: None }))
            }
            Err(HoldError::BeingSent) => self.offer(StatusCode::CONFLICT, draft).await,
            Err(HoldError::None) => Ok(self.hidden(id, draft)),
            Err(error) => Err(failed(self.moment, &error)),
        }
    }

    /// An entry for a page, with what is in its fields if that is shown.
    async fn entry(&self, id: HoldId, shown: bool) -> Result<HeldEntry, HoldError> {
        let look = |typed: Typed| (Preview::of(&typed), typed.target);
        let (summary, (preview, target)) = self.holds().open(id, self.visit(), self.moment.now, look).await?;
        let action = action(&summary, &target);
        Ok(HeldEntry { summary, preview, action, shown })
    }

    /// For whoever asks, the same as if it had never been. Auditors learn of it where it is another's.
    pub(super) fn hidden(&self, id: HoldId, draft: &mut Option<Draft>) -> Answer {
        if self.holds().is_others(id, self.visit()) {
            note(draft, id, HoldStep::Hidden, None);
        }
        nothing(self.moment, self.asked, StatusCode::NOT_FOUND)
    }

    fn list(&self, status: StatusCode, entries: &[HeldEntry], return_to: &str) -> Answer {
        list(self.moment, self.asked, status, entries, return_to)
    }
}

/// Where an entry is sent, if it can be.
fn action(summary: &Summary, target: &str) -> Option<String> {
    // What a browser would read as another host's address is not made a form's.
    let target = same_origin_path(target).filter(|_| summary.standing == Standing::Waiting)?;
    let joint = if target.contains('?') { '&' } else { '?' };
    Some(format!("{target}{joint}{PARAMETER}{}", summary.id))
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
    show(moment, asked, status, &Page::Held(view))
}

/// There is nothing for whoever asks: the same for what never was, for what is gone, and for what is another's.
pub(super) fn nothing(moment: &Moment, asked: &Asked, status: StatusCode) -> Answer {
    list(moment, asked, status, &[], "/")
}

/// Nobody is signed in: they are led here again if there is something for them.
pub(super) fn sign_in(moment: &Moment, asked: &Asked) -> Refusal {
    sign_in_first(moment, asked, "/")
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
