//! The sign-in pages: a password, then a code where one is asked for.

use std::sync::Arc;

use axum::extract::{Form, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use serde::Deserialize;

use super::authorize::Missing;
use super::{
    BROWSER_COOKIE, Provider, SESSION_COOKIE, SESSION_LASTS, Session, Shared, SignIn, cookie, page, refusal,
    set_cookie,
};
use crate::demo::html::Text;
use crate::demo::people::{Person, totp_step};
use crate::foundation::clock::Timestamp;
use crate::foundation::secret::Secret;

/// How often one sign-in may fail before it has to begin again.
const FAILURES: u8 = 5;

#[derive(Debug, Deserialize)]
pub(super) struct PasswordForm {
    ticket: String,
    username: String,
    password: String,
}

/// Takes a user name and a password.
pub(super) async fn password(
    State(provider): Shared,
    headers: HeaderMap,
    Form(form): Form<PasswordForm>,
) -> Response {
    let now = provider.clock.now();
    let Some(sign_in) = provider.sign_in(&form.ticket, &headers, now) else { return gone() };
    let known = Person::named(form.username.trim());
    let Some(person) = known.filter(|person| Secret::new(person.password.to_owned()).is(&form.password))
    else {
        return provider.failed(
            &form.ticket,
            Missing::Password,
            &form.username,
            "That is not the password.",
            now,
        );
    };
    // A password is a new beginning: a second factor from before says nothing about who is here now.
    let session = Session { person, sid: provider.ticket(), password_at: now, second_factor_at: None };
    provider.go_on(&form.ticket, sign_in, session, &headers, now)
}

#[derive(Debug, Deserialize)]
pub(super) struct CodeForm {
    ticket: String,
    code: String,
}

/// Takes a TOTP.
pub(super) async fn second_factor(
    State(provider): Shared,
    headers: HeaderMap,
    Form(form): Form<CodeForm>,
) -> Response {
    let now = provider.clock.now();
    let Some(sign_in) = provider.sign_in(&form.ticket, &headers, now) else { return gone() };
    let Some(mut session) = provider.session(&headers, now) else { return gone() };
    match provider.accept_code(session.person, form.code.trim(), now) {
        Ok(()) => {}
        Err(why) => return provider.failed(&form.ticket, Missing::SecondFactor, "", why, now),
    }
    session.second_factor_at = Some(now);
    provider.go_on(&form.ticket, sign_in, session, &headers, now)
}

#[derive(Debug, Deserialize)]
pub(super) struct CancelForm {
    ticket: String,
}

/// The person does not want to go on.
pub(super) async fn cancel(
    State(provider): Shared,
    headers: HeaderMap,
    Form(form): Form<CancelForm>,
) -> Response {
    let now = provider.clock.now();
    let Some(sign_in) = provider.sign_in(&form.ticket, &headers, now) else { return gone() };
    provider.memory().sign_ins.take(&form.ticket, now);
    provider.send_back(&sign_in.asked.redirect, sign_in.asked.state.as_deref(), ("error", "access_denied"))
}

impl Provider {
    /// The sign-in under `ticket`, if this browser began it.
    fn sign_in(&self, ticket: &str, headers: &HeaderMap, now: Timestamp) -> Option<SignIn> {
        let browser = cookie(headers, BROWSER_COOKIE)?;
        let sign_in = self.memory().sign_ins.look_up(ticket, now).cloned()?;
        Secret::new(sign_in.browser.clone()).is(browser).then_some(sign_in)
    }

    /// Accepts each code once: those of the step before, of this one and of the next.
    fn accept_code(&self, person: &'static Person, code: &str, now: Timestamp) -> Result<(), &'static str> {
        let step = totp_step(now);
        let candidates = [step.saturating_sub(1), step, step + 1];
        let fits = |step: &u64| Secret::new(person.totp(*step)).is(code);
        let matched = candidates.into_iter().find(fits).ok_or("That is not the code of this moment.")?;
        let mut memory = self.memory();
        if memory.last_steps.get(person.username).is_some_and(|last| matched <= *last) {
            return Err("That code was used already; wait for the next one.");
        }
        memory.last_steps.insert(person.username, matched);
        Ok(())
    }

    fn failed(
        &self,
        ticket: &str,
        missing: Missing,
        username: &str,
        why: &'static str,
        now: Timestamp,
    ) -> Response {
        let mut memory = self.memory();
        let Some(sign_in) = memory.sign_ins.look_up_mut(ticket, now) else { return gone() };
        sign_in.failures += 1;
        if sign_in.failures >= FAILURES {
            memory.sign_ins.take(ticket, now);
            return refusal(
                StatusCode::FORBIDDEN,
                "Too many attempts. Go back to the application and begin again.",
            );
        }
        let mut response = next_page(ticket, missing, username, Some(why));
        *response.status_mut() = StatusCode::UNPROCESSABLE_ENTITY;
        response
    }

    /// Keeps the session under a new cookie and asks for what is still missing.
    fn go_on(
        self: &Arc<Self>,
        ticket: &str,
        sign_in: SignIn,
        session: Session,
        headers: &HeaderMap,
        now: Timestamp,
    ) -> Response {
        let missing = sign_in.asked.missing_after(&session, sign_in.begun);
        let session_cookie = self.ticket();
        {
            let mut memory = self.memory();
            if let Some(before) = cookie(headers, SESSION_COOKIE) {
                memory.sessions.take(before, now);
            }
            memory.sessions.keep(session_cookie.clone(), session.clone(), SESSION_LASTS, now);
            if missing == Missing::Nothing {
                memory.sign_ins.take(ticket, now);
            }
        }
        let mut response = match missing {
            Missing::Nothing => self.finish(sign_in.asked, session, now),
            Missing::Password | Missing::SecondFactor => next_page(ticket, missing, "", None),
        };
        set_cookie(&mut response, SESSION_COOKIE, &session_cookie);
        response
    }
}

/// The page that asks for what is missing.
pub(super) fn next_page(ticket: &str, missing: Missing, username: &str, why: Option<&str>) -> Response {
    let why =
        why.map(|why| format!("<p class=\"warning\" role=\"alert\">{}</p>", Text(why))).unwrap_or_default();
    let ticket = Text(ticket);
    let (title, action, fields) = match missing {
        Missing::Nothing | Missing::Password => (
            "Sign in",
            "/sign-in",
            format!(
                "<label for=\"username\">User name</label>\
                 <input id=\"username\" name=\"username\" value=\"{}\" autocomplete=\"username\" autofocus required>\
                 <label for=\"password\">Password</label>\
                 <input id=\"password\" name=\"password\" type=\"password\" autocomplete=\"current-password\" required>",
                Text(username)
            ),
        ),
        Missing::SecondFactor => (
            "Second factor",
            "/second-factor",
            "<label for=\"code\">Code from your authenticator</label>\
             <input id=\"code\" name=\"code\" inputmode=\"numeric\" autocomplete=\"one-time-code\" maxlength=\"6\" autofocus required>"
                .to_owned(),
        ),
    };
    page(
        title,
        &format!(
            "{why}<form class=\"card\" method=\"post\" action=\"{action}\">\
             <input type=\"hidden\" name=\"ticket\" value=\"{ticket}\">{fields}<br><button>Go on</button>\
             <button class=\"quiet\" formaction=\"/cancel\" formnovalidate>Cancel</button></form>\
             <p class=\"quiet-text\">Names, passwords and codes of the demo: <a href=\"/codes\" target=\"_blank\">demo codes</a></p>"
        ),
    )
}

fn gone() -> Response {
    refusal(
        StatusCode::BAD_REQUEST,
        "This sign-in has ended or was begun elsewhere. Go back to the application and begin again.",
    )
}
