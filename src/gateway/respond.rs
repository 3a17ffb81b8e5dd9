//! How a refusal is told, and replies of our own: to a person by a page or a redirect, to a program
//! by a problem (RFC 9457), to FHIR by an `OperationOutcome`. Nothing leaves before its event is durable.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::header::{HeaderName, LOCATION, RETRY_AFTER, SET_COOKIE, WWW_AUTHENTICATE};
use http::{HeaderValue, Response, StatusCode};
use serde_json::json;

use super::challenge::{self, Redirect};
use super::cors;
use super::draft::Draft;
use super::handle::{Moment, OWN};
use super::manner::{Audience, Manner};
use super::pages::{self, BreakGlassView, JustifyView, Page, PageFrame, PurposeView, Written};
use super::refusal::{Challenged, Refusal};
use super::reply::{FHIR, HTML, JSON, PROBLEM, ReplyBody, SCIM, own_head, with_text};
use super::{break_glass, chooser, hold, justify, purpose};
use crate::domain::decision::{Challenge, WayOn};
use crate::domain::degraded::Degraded;
use crate::domain::event::{Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::domain::risk::Sign;
use crate::features::audit::JournalError;
use crate::features::directory::scim;
use crate::features::route::settings::Downtime;
use crate::platform::page::language::Language;

/// Answers with a reply of ours on one of our own paths.
pub async fn own(
    moment: &Moment,
    (reply, outcome): (Response<Bytes>, Outcome),
    manner: &Manner,
    draft: Option<Draft>,
) -> Response<ReplyBody> {
    finish(moment, (reply, outcome), (OWN.0, &[OWN.1]), manner, draft).await
}

/// Tells a refusal.
pub async fn refuse(
    moment: &Moment,
    refusal: Refusal,
    manner: &Manner,
    draft: Option<Draft>,
) -> Response<ReplyBody> {
    // A person who only has to sign in is led there at once; if that cannot be, that is told instead.
    let (refusal, redirect) = match challenge::redirect(moment, &refusal, manner).await {
        Ok(redirect) => (refusal, redirect),
        Err(failed) => (failed, None),
    };
    tell(&refusal, moment);
    let (verdict, reasons, outcome) = (refusal.verdict(), refusal.reasons(), refusal.outcome());
    let mut draft = leaves_event(moment, &refusal, draft);
    if let Some(draft) = &mut draft {
        let reason = refusal.reason();
        if let Some(note) = refusal.note() {
            draft.open(|opening| opening.note = Some(note));
        }
        if let Some(number) = refusal.entry() {
            draft.open(|opening| opening.batch_entry = Some(number));
        }
        draft.end(|closing| {
            closing.reason = Some(reason);
            closing.exceeded = refusal.exceeded();
        });
    }
    let mut reply = if let Some(redirect) = redirect {
        led(moment, &refusal, &redirect)
    } else {
        let noted = Noted {
            by: draft.as_ref().map(Draft::rules).unwrap_or_default(),
            downtime: draft.as_ref().and_then(Draft::downtime),
        };
        told(moment, &refusal, &noted, manner)
    };
    cors::tell(moment, manner, reply.headers_mut());
    finish(moment, (reply, outcome), (verdict, &reasons), manner, draft).await
}

/// The draft, unless the refusal is one of those for number that leave no event: a flood fills no journal,
/// and its replies wait for no disk.
fn leaves_event(moment: &Moment, refusal: &Refusal, draft: Option<Draft>) -> Option<Draft> {
    let draft = draft?;
    let limits = &moment.worker.shared.limits;
    if !refusal.is_for_number()
        || draft.is_journaled()
        || limits.leaves_event(&moment.current.rules.limits, Instant::now())
    {
        return Some(draft);
    }
    draft.forgo(refusal.verdict(), refusal.reason());
    None
}

/// What is down or broken is for the operators too; once, here.
#[expect(clippy::wildcard_enum_match_arm, reason = "only what is down or broken is told apart here")]
fn tell(refusal: &Refusal, moment: &Moment) {
    let (request, reason) = (moment.event, refusal.reason());
    match refusal.alone() {
        Refusal::Journal(error) => tracing::error!(request.id = %request, %reason, error = %error, "refused"),
        Refusal::Upstream(error) => {
            let source = std::error::Error::source(error).map(ToString::to_string);
            tracing::warn!(request.id = %request, %reason, error = %error, source, "refused");
        }
        Refusal::SignInFailed(error, _) => {
            tracing::warn!(request.id = %request, %reason, error = %error, "refused");
        }
        Refusal::EndedUnkept(error) => {
            tracing::error!(request.id = %request, %reason, error = %error, "refused");
        }
        Refusal::LogoutRefused(error) => {
            tracing::warn!(request.id = %request, %reason, error = %error, "refused");
        }
        Refusal::Token(refused) if refused.is_of_provider() => {
            tracing::warn!(request.id = %request, %reason, error = %refused, "refused");
        }
        Refusal::Unredactable(fault, _) => {
            tracing::warn!(request.id = %request, %reason, error = %fault, "refused");
        }
        Refusal::Unheld(unheld, _) => {
            let source = std::error::Error::source(unheld).map(ToString::to_string);
            tracing::warn!(request.id = %request, %reason, error = %unheld, source, "refused");
        }
        Refusal::Internal => tracing::error!(request.id = %request, %reason, "refused"),
        Refusal::NotUnderstood(fault) => {
            tracing::debug!(request.id = %request, %reason, rule = fault.internal, "refused");
        }
        _ => tracing::debug!(request.id = %request, %reason, "refused"),
    }
}

/// Journals the opening entry if that has not been done, waits until it is durable, and gives the
/// reply with a body that will close the event.
async fn finish(
    moment: &Moment,
    (reply, outcome): (Response<Bytes>, Outcome),
    (verdict, reasons): (Verdict, &[Reason]),
    manner: &Manner,
    draft: Option<Draft>,
) -> Response<ReplyBody> {
    let Some(mut draft) = draft else { return reply.map(|bytes| ReplyBody::own(bytes, None, outcome)) };
    if !draft.is_journaled()
        && let Err(error) = journaled(&mut draft, verdict, reasons).await
    {
        tracing::error!(request.id = %moment.event, error = %error, "the journal cannot be written: a reply is withheld");
        drop(draft);
        return without_journal(moment, error, manner);
    }
    let status = reply.status().as_u16();
    draft.end(|closing| closing.status = Some(status));
    let (head, bytes) = reply.into_parts();
    let bytes = if manner.wants_head_only() { Bytes::new() } else { bytes };
    Response::from_parts(head, ReplyBody::own(bytes, Some(draft), outcome))
}

/// Hands the opening entry to the journal, and waits until it is on the disk.
pub async fn journaled(draft: &mut Draft, verdict: Verdict, reasons: &[Reason]) -> Result<(), JournalError> {
    let (_, pending) = draft.journal(verdict, reasons)?;
    pending.durable().await.map(drop)
}

/// All that may be said without a journal: that there is none.
fn without_journal(moment: &Moment, error: JournalError, manner: &Manner) -> Response<ReplyBody> {
    let noted = Noted { by: Arc::default(), downtime: None };
    let mut reply = told(moment, &Refusal::Journal(error), &noted, manner);
    cors::tell(moment, manner, reply.headers_mut());
    if manner.wants_head_only() {
        *reply.body_mut() = Bytes::new();
    }
    reply.map(|bytes| ReplyBody::own(bytes, None, Outcome::Failed))
}

/// A redirect to where the person signs in or gives a reason (303: always fetched by GET, RFC 9700 4.12).
fn led(moment: &Moment, refusal: &Refusal, redirect: &Redirect) -> Response<Bytes> {
    let mut head = own_head(StatusCode::SEE_OTHER, Some(refusal.reason()), moment.event);
    if let Ok(location) = HeaderValue::from_str(&redirect.location) {
        head.headers_mut().insert(LOCATION, location);
    }
    if let Some(cookie) = redirect.set_cookie.as_deref().and_then(|cookie| HeaderValue::from_str(cookie).ok())
    {
        head.headers_mut().append(SET_COOKIE, cookie);
    }
    head.map(|()| Bytes::new())
}

/// What was found before a request was refused.
struct Noted {
    /// The rules that have decided.
    by: Arc<[Arc<str>]>,
    /// What people do while the application is down.
    downtime: Option<Arc<Downtime>>,
}

fn told(moment: &Moment, refusal: &Refusal, noted: &Noted, manner: &Manner) -> Response<Bytes> {
    let mut head = own_head(refusal.status(), Some(refusal.reason()), moment.event);
    if refusal.reason() == Reason::UpstreamOverloaded {
        head.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static(A_MOMENT_SECONDS));
    }
    if let Refusal::Token(refused) = refusal {
        head.headers_mut().insert(WWW_AUTHENTICATE, refused.challenge());
    } else if head.status() == StatusCode::UNAUTHORIZED {
        head.headers_mut().insert(WWW_AUTHENTICATE, challenge::www_authenticate(moment, refusal));
    }
    if let (Some((path, sent)), Audience::Program | Audience::FhirProgram) =
        (way_in(refusal, manner), manner.audience())
    {
        if let Ok(path) = HeaderValue::try_from(path) {
            head.headers_mut().insert(SIGN_IN, path);
        }
        if sent {
            head.headers_mut().insert(SENT, HeaderValue::from_static("yes"));
        }
    }
    if let Some(seconds) = refusal.retry_after() {
        head.headers_mut().insert(RETRY_AFTER, seconds.into());
    }
    if let Some(cookie) = hold::cookie(refusal) {
        head.headers_mut().append(SET_COOKIE, cookie);
    }
    if matches!(refusal, Refusal::ProvisioningRefused) {
        let detail = pages::title(refusal.reason(), Language::English);
        let told = scim::message(refusal.status().as_u16(), None, detail);
        return with_text(head, SCIM, told.to_string());
    }
    if let Refusal::SignalRefused(fault) = refusal {
        let (_, body) = fault.answer();
        return with_text(head, JSON, body.unwrap_or_default());
    }
    match manner.audience() {
        Audience::Person => with_text(head, HTML, page(moment, refusal, noted, manner)),
        Audience::Program => with_text(head, PROBLEM, problem(moment, refusal, &noted.by, manner)),
        Audience::FhirProgram => with_text(head, FHIR, operation_outcome(moment, refusal)),
    }
}

/// The page of a refusal. One arm for each, so that a new refusal asks for its page.
fn page(moment: &Moment, refusal: &Refusal, noted: &Noted, manner: &Manner) -> String {
    let reason = refusal.reason();
    let return_to = refusal.return_to().unwrap_or_else(|| manner.came_from());
    let mut frame = PageFrame {
        language: manner.language(),
        application: None,
        reference: moment.event,
        person: None,
        is_choice: chooser::is_choice(moment, manner, return_to),
        written: written(moment, refusal, &noted.by),
    };
    let page = match refusal.alone() {
        Refusal::NotUnderstood(_)
        | Refusal::HostUnknown
        | Refusal::RouteNotFound
        | Refusal::CrossSite
        | Refusal::BodyUnreadable(_)
        | Refusal::BodyTooLarge
        | Refusal::TooSlow
        | Refusal::CallerLeft
        | Refusal::LogoutRefused(_)
        | Refusal::ProvisioningRefused
        | Refusal::SignalRefused(_)
        | Refusal::DeviceNotProven
        | Refusal::Token(_)
        // Alone, it is none.
        | Refusal::Entry(..) => Page::NotUnderstood { reason },
        Refusal::Challenge(challenged) => {
            frame.application = Some(challenged.application.name.as_str());
            frame.person = challenged.known.as_ref().map(|known| &*known.session.subject.name);
            step(moment, challenged, return_to, !manner.is_repeatable())
        }
        Refusal::Denied(denial, action) => {
            Page::Denied { reason, action: *action, ways_on: &denial.ways_on, return_to }
        }
        Refusal::TooMuch(exceeded, action) => {
            Page::TooMuch { exceeded: *exceeded, action: *action, ways_on: &[], return_to }
        }
        Refusal::Asked(overreach) => Page::Asked { overreach },
        Refusal::LeadsElsewhere => Page::Denied { reason, action: None, ways_on: &[], return_to },
        Refusal::CountUnknown(why, action) => Page::CountUnknown { action: *action, why: *why },
        Refusal::Unredactable(_, action) => Page::Unredactable { action: *action },
        Refusal::Unheld(_, action) => Page::TooLong { action: *action },
        Refusal::Journal(_)
        | Refusal::Upstream(_)
        | Refusal::StoreUnavailable
        | Refusal::TooManyRequests(_)
        | Refusal::Overloaded
        | Refusal::Internal => {
            let again = manner.is_repeatable().then_some(manner.target());
            let downtime = noted.downtime.as_deref().filter(|_| matches!(refusal.alone(), Refusal::Upstream(_)));
            Page::Unavailable { reason, retry: hold::retry(manner).or(again), downtime }
        }
        Refusal::EndedUnkept(_) => Page::EndedUnkept { reason },
        Refusal::AccountBarred(reason) => Page::Barred { reason: *reason },
        Refusal::SignInFailed(_, return_to) | Refusal::SessionsFull(return_to) => Page::SignInProblem { reason, return_to },
        Refusal::AssuranceNotProven(unproven, return_to) => Page::AssuranceNotProven { unproven, return_to },
    };
    pages::render(&frame, &page)
}

fn step<'a>(moment: &'a Moment, challenged: &'a Challenged, return_to: &'a str, sent: bool) -> Page<'a> {
    let exceeded = challenged.withheld.flatten();
    let held = challenged.held.as_ref();
    match &challenged.step {
        Challenge::SignIn if challenged.reason == Reason::SessionLocked => {
            Page::Locked { return_to, sent, held: held.map(|held| (held.id, held.lifetime)) }
        }
        Challenge::SignIn => {
            let expired = challenged.reason != Reason::SignInRequired;
            Page::SignIn { return_to, expired, held: held.map(|held| (held.id, held.lifetime)) }
        }
        Challenge::StepUp(need, _) => {
            let risk = Sign::of(challenged.reason);
            Page::StepUp { need, risk, sent, exceeded, return_to, held: held.map(|held| held.lifetime) }
        }
        Challenge::Justify => Page::Justify(JustifyView {
            exceeded,
            action: challenged.action,
            purpose: challenged.known.as_ref().map(|known| known.identity.purpose),
            return_to,
            entered: challenged.known.as_ref().map(justify::entered_before).unwrap_or_default(),
            problem: None,
            held: held.map(|held| held.lifetime),
            has_notice: challenged.has_notice,
        }),
        Challenge::BreakGlass => match &challenged.asking {
            Some(asking) => Page::BreakGlass(BreakGlassView {
                held: held.map(|held| held.lifetime),
                ..break_glass::question(moment, &challenged.application.name, asking, return_to)
            }),
            None => {
                Page::Denied { reason: challenged.reason, action: challenged.action, ways_on: &[], return_to }
            }
        },
        Challenge::Purpose(purposes) => Page::Purpose(PurposeView {
            choices: purpose::choices(moment, purposes),
            usual: challenged.known.as_ref().map(|known| known.identity.purpose),
            is_change: false,
            return_to,
            held: held.map(|held| held.lifetime),
            problem: false,
        }),
    }
}

/// What is written down of a refusal by a rule: whoever is kept from something may look at it, and ask (45 CFR 171.203).
fn written<'a>(moment: &'a Moment, refusal: &Refusal, by: &'a [Arc<str>]) -> Option<Written<'a>> {
    let rules = &moment.current.rules;
    Some(Written {
        rules: by,
        version: &rules.version,
        reference: refusal.reference()?,
        contact: rules.help.contact.as_deref(),
        answer_within: rules.help.answer_within,
        risk: rules.help.risk.as_deref(),
    })
}

/// What of ours is down, where a request is refused for that: for the script that asks beside a page.
fn degraded(moment: &Moment, reason: Reason) -> Option<Degraded> {
    if reason == Reason::AuditUnavailable {
        return Some(Degraded::NoEvent);
    }
    (reason == Reason::StoreUnavailable && !moment.is_in_touch).then_some(Degraded::OutOfTouch)
}

/// A problem (RFC 9457), with what would unlock it.
fn problem(moment: &Moment, refusal: &Refusal, by: &[Arc<str>], manner: &Manner) -> String {
    let reason = refusal.reason();
    let mut problem = json!({
        "type": format!("urn:leastway:problem:{reason}"),
        "title": pages::title(reason, Language::English),
        "status": refusal.status().as_u16(),
        "reason": reason,
        "request_id": moment.event,
        "way_on": ways_on(refusal),
    });
    if let (Some(written), Some(members)) = (written(moment, refusal, by), problem.as_object_mut()) {
        members.insert("rules".to_owned(), json!(written.rules));
        members.insert("rules_version".to_owned(), json!(written.version));
        members.insert("reference".to_owned(), json!(written.reference));
        members.extend(written.contact.map(|contact| ("contact".to_owned(), json!(contact))));
        let within = written.answer_within.map(|within| within.as_secs());
        members.extend(within.map(|seconds| ("answer_within_seconds".to_owned(), json!(seconds))));
        members.extend(written.risk.map(|risk| ("risk".to_owned(), json!(risk))));
    }
    if let (Some(exceeded), Some(members)) = (refusal.exceeded(), problem.as_object_mut()) {
        members.insert("limit".to_owned(), json!(exceeded));
    }
    if let (Some(overreach), Some(members)) = (refusal.overreach(), problem.as_object_mut()) {
        members.insert("parameter".to_owned(), json!(overreach.parameter));
        members.insert("allowed".to_owned(), json!(overreach.allowed));
    }
    if let (Some((path, sent)), Some(members)) = (way_in(refusal, manner), problem.as_object_mut()) {
        members.insert("sign_in".to_owned(), json!(format!("https://{}{path}", manner.authority())));
        members.insert("sent".to_owned(), json!(sent));
    }
    if let (Reason::PurposeRequired, Some(members)) = (reason, problem.as_object_mut()) {
        let path = pages::purpose_address(manner.page());
        members.insert("purpose_page".to_owned(), json!(format!("https://{}{path}", manner.authority())));
    }
    if let (Some(asking), Some(members)) = (refusal.asks(), problem.as_object_mut()) {
        let path = pages::break_glass_address(&asking.prompt, manner.page());
        members.insert("break_glass_page".to_owned(), json!(format!("https://{}{path}", manner.authority())));
    }
    if let (Some(state), Some(members)) = (degraded(moment, reason), problem.as_object_mut()) {
        members.insert("degraded".to_owned(), json!(pages::degraded_beside(&[state], manner.language())));
    }
    if let (Some(number), Some(members)) = (refusal.entry(), problem.as_object_mut()) {
        members.insert("entry".to_owned(), json!(number));
    }
    problem.to_string()
}

/// Where a person signs in, or steps up, so that a script's request would pass; back to the page that it is on. And
/// whether the application has had the request, so that only a safe one may be sent again.
fn way_in(refusal: &Refusal, manner: &Manner) -> Option<(String, bool)> {
    let Refusal::Challenge(challenged) = refusal.alone() else { return None };
    let path = match &challenged.step {
        Challenge::SignIn => pages::sign_in_link(manner.page(), None),
        Challenge::StepUp(need, _) => pages::step_up_link(need, manner.page()),
        Challenge::Justify | Challenge::Purpose(_) | Challenge::BreakGlass => return None,
    };
    Some((path, challenged.withheld.is_some()))
}

fn ways_on(refusal: &Refusal) -> Vec<WayOn> {
    if let Refusal::Denied(denial, _) = refusal.alone() {
        return denial.ways_on.clone();
    }
    let Refusal::Challenge(challenged) = refusal.alone() else { return Vec::new() };
    vec![match &challenged.step {
        Challenge::SignIn => WayOn::SignIn,
        Challenge::StepUp(need, _) => WayOn::StepUp(need.clone()),
        Challenge::Justify => WayOn::Justify,
        Challenge::BreakGlass => WayOn::BreakGlass,
        Challenge::Purpose(purposes) => WayOn::Purpose(purposes.clone()),
    }]
}

/// What a FHIR client expects in place of a resource (FHIR R4, `OperationOutcome`).
fn operation_outcome(moment: &Moment, refusal: &Refusal) -> String {
    let reason = refusal.reason();
    let code = match refusal.status() {
        StatusCode::UNAUTHORIZED => "login",
        StatusCode::FORBIDDEN if refusal.exceeded().is_some() => "too-costly",
        StatusCode::FORBIDDEN if reason == Reason::JoinNotAllowed => "not-supported",
        StatusCode::FORBIDDEN => "forbidden",
        StatusCode::TOO_MANY_REQUESTS => "throttled",
        StatusCode::NOT_FOUND => "not-found",
        status if status.is_server_error() => "transient",
        _ => "invalid",
    };
    let mut issue = json!({
        "severity": "error",
        "code": code,
        "details": { "coding": [{ "system": "urn:leastway:reason", "code": reason }] },
        "diagnostics": diagnostics(moment, refusal),
    });
    if let (Some(number), Some(members)) = (refusal.entry(), issue.as_object_mut()) {
        // FHIRPath counts from 0.
        let place = format!("Bundle.entry[{}]", number.saturating_sub(1));
        members.insert("expression".to_owned(), json!([place]));
    }
    json!({ "resourceType": "OperationOutcome", "issue": [issue] }).to_string()
}

/// In a line for whoever reads the log of a client: with the parameter that it is about.
fn diagnostics(moment: &Moment, refusal: &Refusal) -> String {
    let title = pages::title(refusal.reason(), Language::English);
    match refusal.overreach() {
        Some(overreach) => format!("{title}: {} ({})", overreach.parameter, moment.event),
        None => format!("{title} ({})", moment.event),
    }
}

/// Where a person signs in so that what a script has asked for would pass.
const SIGN_IN: HeaderName = HeaderName::from_static("x-leastway-sign-in");
/// That the application has had what is refused now.
const SENT: HeaderName = HeaderName::from_static("x-leastway-sent");
/// When a program may ask a busy application again.
const A_MOMENT_SECONDS: &str = "2";
