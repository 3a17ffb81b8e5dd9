//! What the script beside an application's pages asks of us: itself, how the session stands, and where a sign-in in a
//! window of its own ends. Only at a host where an application has it; nothing of it decides about anything.

use std::time::Duration;

use http::header::{CACHE_CONTROL, CONTENT_SECURITY_POLICY, HeaderName};
use http::{HeaderValue, Method, StatusCode};
use serde_json::{Value, json};

use super::degraded;
use super::handle::{Answer, Moment};
use super::manner::is_same_origin;
use super::own_paths::{Asked, asset, parameter, show};
use super::pages::{Page, degraded_beside, words_beside};
use super::refusal::Refusal;
use super::reply::{own_head, with_text};
use super::subject::{self, Person};
use crate::domain::event::Outcome;
use crate::features::browser::script::{
    LANDING, SCRIPT, SCRIPT_PATH, SESSION_PATH, SIGNED_IN_PATH, VERSION, landing_source,
};
use crate::features::browser::settings::ScriptUse;
use crate::features::session::Session;

/// Answers a request to one of them.
pub fn answer(moment: &Moment, path: &str, asked: &Asked) -> Result<Answer, Refusal> {
    let get = matches!(asked.parts.method, Method::GET | Method::HEAD);
    let post = asked.parts.method == Method::POST;
    if !stands_here(moment, &asked.head.authority.host) {
        return Err(Refusal::RouteNotFound);
    }
    match path {
        SCRIPT_PATH if get => Ok(script(moment, asked)),
        SIGNED_IN_PATH if get => Ok(signed_in(moment, asked)),
        SESSION_PATH if get || post => session(moment, asked, post),
        _ => Err(Refusal::RouteNotFound),
    }
}

/// Whether one of the host's applications has the script.
fn stands_here(moment: &Moment, host: &str) -> bool {
    let rules = &moment.current.rules;
    let uses = |index: usize| rules.browsers.get(index).map(|browser| browser.script);
    rules.routes.at(host).any(|application| match uses(application.index) {
        Some(ScriptUse::Serve | ScriptUse::Inject) => true,
        Some(ScriptUse::None) | None => false,
    })
}

fn script(moment: &Moment, asked: &Asked) -> Answer {
    let mut answer = asset(moment, "text/javascript; charset=utf-8", SCRIPT.clone());
    // By the address that names this very script it may be kept for ever; by another, until the next page.
    let is_this = parameter(asked, "v").is_some_and(|version| version == *VERSION);
    let kept = if is_this { "public, max-age=31536000, immutable" } else { "no-cache" };
    insert(&mut answer, CACHE_CONTROL, kept);
    answer
}

/// Says how the session stands. Asking does not extend it; by POST its person wishes to stay.
fn session(moment: &Moment, asked: &Asked, stays: bool) -> Result<Answer, Refusal> {
    if !is_same_origin(&asked.parts.headers, asked.manner.authority()) {
        return Err(Refusal::CrossSite);
    }
    let mut told = match &asked.person {
        Person::Known(known) => {
            if stays {
                moment.worker.shared.sessions.touch(&known.session, moment.now);
            }
            standing(moment, &known.session)
        }
        // Nothing of whose it is: anybody may stand before it.
        Person::Locked(_) => json!({ "state": "locked", "person": null }),
        Person::Nobody(_) => json!({ "state": "none", "person": null }),
    };
    if let Some(members) = told.as_object_mut() {
        let language = asked.manner.language();
        members.insert("words".to_owned(), words_beside(language));
        let states = degraded::states(moment, &asked.head.authority.host, &asked.person);
        members.extend(degraded_beside(&states, language).map(|sign| ("degraded".to_owned(), sign)));
    }
    let head = own_head(StatusCode::OK, None, moment.event);
    let mut answer = Answer::Own(with_text(head, "application/json", told.to_string()), Outcome::Completed);
    insert(&mut answer, RESOURCE_POLICY, "same-origin");
    Ok(answer)
}

fn standing(moment: &Moment, session: &Session) -> Value {
    let ends = subject::ends(moment, session);
    let absolute = ends.absolute.plus(moment.worker.shared.sessions.extension(session));
    json!({
        "state": "live",
        "person": tag(moment, session),
        "lock_seconds": ends.lock.map(|lock| lock.since(moment.now).as_secs()),
        "idle_seconds": ends.idle.since(moment.now).as_secs(),
        "absolute_seconds": absolute.since(moment.now).as_secs(),
        "warn_seconds": warning(ends.lock.unwrap_or(ends.idle).since(session.last_seen())).as_secs(),
    })
}

/// How long before its lock or end a session that lasts this long without its person is warned of.
fn warning(whole: Duration) -> Duration {
    WARNING_MAX.min(whole / 3)
}

/// Tells one person from another at this host, and nobody who either is.
fn tag(moment: &Moment, session: &Session) -> String {
    let key = &moment.worker.shared.words;
    let (host, subject) = (session.host.as_bytes(), &session.subject);
    key.digest(&[b"whose page", host, subject.issuer.as_bytes(), subject.sub.as_bytes()]).short()
}

fn signed_in(moment: &Moment, asked: &Asked) -> Answer {
    let mut answer = show(moment, asked, StatusCode::OK, &Page::SignedIn { script: LANDING });
    let policy = format!(
        "default-src 'none'; style-src 'self'; img-src 'self'; script-src {}; base-uri 'none'; frame-ancestors 'none'",
        landing_source()
    );
    insert(&mut answer, CONTENT_SECURITY_POLICY, &policy);
    answer
}

fn insert(answer: &mut Answer, name: HeaderName, value: &str) {
    if let (Answer::Own(reply, _), Ok(value)) = (answer, HeaderValue::from_str(value)) {
        reply.headers_mut().insert(name, value);
    }
}

/// A shorter time than three of these is not all warning.
const WARNING_MAX: Duration = Duration::from_secs(120);
const RESOURCE_POLICY: HeaderName = HeaderName::from_static("cross-origin-resource-policy");

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::authn::ReturnTo;

    #[test]
    fn a_warning_is_two_minutes_or_a_third_of_a_shorter_time() {
        let seconds = |whole| warning(Duration::from_secs(whole)).as_secs();
        assert_eq!([900, 360, 180, 60].map(seconds), [120, 120, 60, 20]);
    }

    #[test]
    fn a_sign_in_may_end_where_a_window_of_its_own_does() {
        assert_eq!(ReturnTo::new(SIGNED_IN_PATH).as_str(), SIGNED_IN_PATH);
        let beside = format!("{SIGNED_IN_PATH}?at=/ehr/patients");
        assert_eq!(ReturnTo::new(&beside).as_str(), beside);
        assert!(SCRIPT.contains(&format!("'{SIGNED_IN_PATH}?at=' + location.pathname")));
        assert_eq!(ReturnTo::new(SESSION_PATH).as_str(), "/");
    }
}
