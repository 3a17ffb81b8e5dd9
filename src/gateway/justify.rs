//! A reason that somebody gives, with what their purpose needs: the number by which it is done, and to whom it goes.

use http::StatusCode;
use hyper::body::Incoming;

use super::challenge::Redirect;
use super::handle::{Answer, Moment};
use super::own_paths::{Asked, FORM_BYTES_MAX, application, lead, one, parameter, return_to, show};
use super::pages::{self, Entered, JustifyView, Page};
use super::refusal::Refusal;
use super::sought::unread;
use super::subject::Known;
use super::{hold, unlock};
use crate::domain::application::ApplicationName;
use crate::domain::subject::Justification;
use crate::features::authn::ReturnTo;
use crate::platform::http::body::read_bounded;
use crate::platform::http::pace::Paced;

/// The form.
pub fn form(moment: &Moment, asked: &Asked) -> Answer {
    let return_to = return_to(asked);
    let page = Page::Justify(JustifyView {
        action: parameter(asked, "action").and_then(|action| action.parse().ok()),
        purpose: asked.person.identity().map(|identity| identity.purpose),
        return_to: &return_to,
        ..JustifyView::default()
    });
    show(moment, asked, StatusCode::OK, &page)
}

/// What they gave before, so that it is not typed again where it counts no more. The reason itself is given anew.
pub fn entered_before(known: &Known) -> Entered<'_> {
    let Some(given) = &known.identity.justification else { return Entered::default() };
    Entered {
        number: given.number.as_deref().unwrap_or_default(),
        recipient: given.recipient.as_deref().unwrap_or_default(),
        ..Entered::default()
    }
}

/// A reason was given: it counts for the application that the person goes back to.
pub async fn given(moment: &Moment, asked: &Asked, incoming: Paced<Incoming>) -> Result<Answer, Refusal> {
    let form = read_bounded(incoming, FORM_BYTES_MAX).await.map_err(|error| unread(&error))?;
    let field = |name: &str| one(&form, name).unwrap_or_default();
    let target = ReturnTo::new(&field("return_to")).as_str().to_owned();
    let application = application(moment, asked, &target).ok_or(Refusal::HostUnknown)?;
    let Some(known) = asked.person.known() else {
        return Err(unlock::sign_in_first(moment, asked, &target));
    };
    let (code, text, number, recipient) = (field("code"), field("text"), field("number"), field("recipient"));
    let entered = Entered { code: code.parse().ok(), text: &text, number: &number, recipient: &recipient };
    let view = JustifyView {
        // Whoever says another action than theirs is asked again where they go on.
        action: field("action").parse().ok(),
        // It is shown once more where the form is, as it was.
        has_notice: !field("notice").is_empty(),
        purpose: Some(known.identity.purpose),
        return_to: &target,
        entered,
        ..JustifyView::default()
    };
    let given = match pages::read_justification(&code, &entered, view.needs()) {
        Ok(given) => given,
        Err(problem) => {
            let page = Page::Justify(JustifyView { problem: Some(problem), ..view });
            return Ok(show(moment, asked, StatusCode::UNPROCESSABLE_ENTITY, &page));
        }
    };
    let given = Justification {
        code: given.code.as_str().to_owned(),
        text: given.text,
        application: ApplicationName::clone(&application.name),
        given: moment.now,
        number: given.number,
        recipient: given.recipient,
    };
    let kept = moment.worker.shared.sessions.justify(known.session.id, given, moment.now).await;
    kept.map_err(|error| {
        tracing::error!(request.id = %moment.event, error = %error, "a reason could not be kept");
        Refusal::StoreUnavailable
    })?;
    let location = hold::after_reason(moment, asked, known.session.subject.id(), &target);
    Ok(lead(moment, &Redirect { location, set_cookie: None }))
}
