//! From the decision to the release: decide → admit → journal → send → release.
//!
//! Nothing is sent without a `Permit` and a `Journaled`, nothing released without a `Durable`.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::Arc;
use std::time::{Duration, Instant};

use http::header::{CONTENT_LENGTH, SET_COOKIE};
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;

use super::draft::Draft;
use super::handle::{Answer, Moment, note_part};
use super::lease::ASKED_EVERY;
use super::normalize::{self, Normalized};
use super::refusal::{Challenged, Refusal, over};
use super::reply::name_request;
use super::sought::Part;
use super::subject::Person;
use super::toward::{self, Toward};
use super::upgrade::{self, Upgrading};
use crate::domain::action::Action;
use crate::domain::application::CredentialName;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::decision::{Challenge, Decision, Grounds};
use crate::domain::event::{EventJustification, Verdict};
use crate::domain::patient::PatientRef;
use crate::domain::proof::{Durable, Permit};
use crate::domain::reason::Reason;
use crate::features::guard::admit::admit;
use crate::features::guard::count::Tally;
use crate::features::guard::ledger::ExportSlot;
use crate::features::guard::limit::{self, Beyond, Step, Terms};
use crate::features::guard::meter::Meter;
use crate::features::guard::release::{Cause, Withheld, release};
use crate::features::policy::decide::Question;
use crate::features::policy::settings::JUSTIFICATION_LASTS;
use crate::features::rewrite::Rewrite;
use crate::features::route::settings::Access;
use crate::features::route::table::{Application, Route};
use crate::features::upstream::credential::send_as;
use crate::features::upstream::error::UpstreamError;
use crate::features::upstream::headers::{self, Facts};
use crate::features::upstream::pool::Pool;
use crate::features::upstream::send::{ReplyBody, RequestBody};

/// A request whose route and person are known.
#[derive(Debug)]
pub struct Passage<'a> {
    /// When, and under which rules.
    pub moment: &'a Moment,
    /// What was asked.
    pub normalized: &'a Normalized,
    /// Of which application.
    pub application: &'a Arc<Application>,
    /// For which route, and which patient.
    pub part: Part,
    /// For which of them the requests are that the body holds: each has to be permitted.
    pub entries: Vec<Part>,
    /// By whom.
    pub person: Person,
    /// Whether the route is for everybody.
    pub public: bool,
    /// The caller's end of the connection.
    pub line: SocketAddr,
}

/// Lets a request pass, or says why not.
pub async fn pass(
    passage: Passage<'_>,
    mut parts: Parts,
    body: RequestBody,
    upgrading: Option<Upgrading>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let (permit, grounds, reason) = passage.decide(draft)?;
    let terms = passage.terms(&grounds);
    let slots = passage.windows(&terms, draft)?;
    let counted = passage.is_counted(&terms);
    admit(&mut parts.headers, counted);
    passage.rewrite()?.prepare(&mut parts.headers);

    let pool = passage.pool()?;
    let route = passage.part.route.as_ref().map(|route| &route.name);
    let credential = toward::credential(pool, passage.public, route, &grounds.rules);
    let event = draft.as_mut().ok_or(Refusal::Internal)?;
    event.open(|opening| opening.credential = credential.cloned());
    let (journaled, pending) = event.journal(Verdict::Permit, &[reason])?;
    let wants_upgrade = passage.normalized.head.upgrade.is_some();
    event.count_in(counter(&body));
    let whose = (&passage.person, passage.line);
    let toward = Toward::new(pool, passage.normalized, whose, &parts.headers);
    let request = passage.outbound(parts, body, credential, wants_upgrade)?;
    let tells_length = *request.method() == Method::HEAD && !counted;
    let proof = if wants_upgrade { upgrade::proof(request.headers()) } else { None };

    let asked = Instant::now();
    let (reply, durable) = if request.method().is_safe() && !wants_upgrade {
        // A safe request is sent at once; its sync runs beside the application's work, by itself, and has
        // mostly ended before the reply begins.
        let reply = send_as(pool, request, &toward.errand, credential, &permit, &journaled).await;
        (reply, pending.durable().await?)
    } else {
        let durable = pending.durable().await?;
        (send_as(pool, request, &toward.errand, credential, &permit, &journaled).await, durable)
    };
    let upstream = asked.elapsed();
    passage.moment.worker.scribe.metrics.count(|counted| counted.upstream.observe(upstream));
    event.end(|closing| {
        closing.upstream_us = u64::try_from(upstream.as_micros()).ok();
    });
    let reply = reply?;
    upgrade::check(&reply, proof.as_ref(), upgrading.as_ref())?;
    if upstream >= ASKED_EVERY {
        passage.still_stands()?;
    }
    // What a GET would have is all that a HEAD is asked for; it frames nothing.
    let length = reply.headers().get(CONTENT_LENGTH).filter(|_| tells_length).cloned();
    let cookie = toward.cookie(pool, &reply);
    let mut answer = passage.answer(reply, durable, &terms, slots, upgrading, draft).await?;
    if let (Answer::Released(released, _), Some(length)) = (&mut answer, length)
        && released.body().is_end_stream()
    {
        released.headers_mut().insert(CONTENT_LENGTH, length);
    }
    if let (Some(cookie), Some(headers)) = (cookie, answer.headers_mut()) {
        headers.append(SET_COOKIE, cookie);
    }
    Ok(answer)
}

impl Passage<'_> {
    /// Decides about the request, and about each of those that it holds. One no is a no to all.
    fn decide(&self, draft: &mut Option<Draft>) -> Result<(Permit, Grounds, Reason), Refusal> {
        let (permit, mut grounds, reason) = self.decide_part(&self.part, draft)?;
        for (number, entry) in (1..).zip(&self.entries) {
            let (_, more, _) = self.decide_part(entry, draft).map_err(|refusal| {
                note_part(draft, self.moment, self.normalized, entry);
                refusal.of_entry(number)
            })?;
            grounds = grounds.and(&more);
        }
        let weight = |(_, entry): &(u32, &Part)| action(entry).weight();
        if let Some((number, entry)) = (1..).zip(&self.entries).max_by_key(weight) {
            note_part(draft, self.moment, self.normalized, entry);
            self.note_grounds(&grounds, draft);
            if let Some(draft) = draft {
                draft.open(|opening| opening.batch_entry = Some(number));
            }
        }
        Ok((permit, grounds, reason))
    }

    fn decide_part(
        &self,
        part: &Part,
        draft: &mut Option<Draft>,
    ) -> Result<(Permit, Grounds, Reason), Refusal> {
        let rules = &self.moment.current.rules;
        let started = Instant::now();
        let (decision, reason) = match &part.route {
            Some(route) if route.access == Access::Public => (rules.policy.public(), Reason::PublicRoute),
            Some(route) => (self.ask(route, part.patient.as_ref()), Reason::RuleMatched),
            None if self.person.known().is_none() => {
                return Err(self.challenged(Challenge::SignIn, None, action(part)));
            }
            None => (rules.policy.public(), Reason::UnmatchedObserved),
        };
        let took = started.elapsed();
        let (Decision::Permit(_, grounds) | Decision::Challenge(_, grounds) | Decision::Deny(_, grounds)) =
            &decision;
        self.moment.worker.scribe.metrics.count(|counted| {
            counted.decision.observe(took);
            counted.decisions_cached += u64::from(grounds.cached);
            counted.decisions_made += 1;
        });
        self.note_grounds(grounds, draft);
        match decision {
            Decision::Permit(permit, grounds) => Ok((permit, grounds, reason)),
            Decision::Challenge(challenge, _) => Err(self.challenged(challenge, None, action(part))),
            Decision::Deny(denial, _) => Err(Refusal::Denied(denial, Some(action(part)))),
        }
    }

    fn ask(&self, route: &Route, patient: Option<&PatientRef>) -> Decision {
        let question = Question {
            identity: self.person.identity(),
            application: &self.application.name,
            route: route.index,
            patient,
            client_ip: self.normalized.head.client,
            now: self.moment.now,
        };
        self.moment.current.rules.policy.decide(&self.moment.current.memory, &question)
    }

    fn note_grounds(&self, grounds: &Grounds, draft: &mut Option<Draft>) {
        let Some(draft) = draft else { return };
        let justification = self.person.identity().and_then(|identity| identity.justification.as_ref());
        let justification = justification.filter(|given| self.still_counts(given.given));
        draft.open(|opening| {
            opening.rules = grounds.rules.clone();
            opening.justification = justification
                .map(|given| EventJustification { code: given.code.clone(), text: given.text.clone() });
        });
    }

    fn still_counts(&self, given: crate::foundation::clock::Timestamp) -> bool {
        self.moment.now.since(given) <= JUSTIFICATION_LASTS
    }

    /// The request, and those that it holds.
    fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.part).chain(&self.entries)
    }

    /// What is done: of several, the most telling.
    fn action(&self) -> Action {
        self.parts().map(action).max_by_key(|action| action.weight()).unwrap_or(Action::View)
    }

    fn terms(&self, grounds: &Grounds) -> Terms {
        let identity = self.person.identity();
        let justified = identity.and_then(|identity| identity.justification.as_ref());
        let now = self.moment.now;
        Terms {
            limits: grounds.obligations.limits,
            action: self.action(),
            basis: identity
                .map_or(crate::domain::purpose::Basis::Operations, |identity| identity.purpose.basis()),
            justified: justified.is_some_and(|given| self.still_counts(given.given)),
            stepped_up: identity.is_some_and(|identity| {
                identity.assurance.proven.values().any(|proven| now.since(*proven) < STEP_UP_LASTS)
            }),
        }
    }

    /// Takes what this request uses of the windows, before the application is asked.
    fn windows(&self, terms: &Terms, draft: &mut Option<Draft>) -> Result<Vec<ExportSlot>, Refusal> {
        let Some(known) = self.person.known().filter(|_| !self.public) else { return Ok(Vec::new()) };
        let mut slots = Vec::new();
        for _ in self.parts().filter(|part| action(part).takes_away()) {
            slots.extend(self.export(terms, draft)?);
        }
        let (subject, now) = (known.session.subject.id(), self.moment.now);
        let ledger = &self.moment.worker.shared.ledger;
        for part in self.parts().filter(|part| action(part).opens_record()) {
            let Some(patient) = &part.patient else { continue };
            let patient = patient.digest(self.moment.worker.shared.journal.patient_key());
            let opened = ledger.opened(&subject, patient, terms.limits.patients_opened_per_shift, now);
            if let Some(exceeded) = opened.exceeded {
                self.beyond(terms.exceeds(exceeded), draft)?;
                // It passes all the same, and counts.
                ledger.record_opened(&subject, patient, now);
            }
        }
        Ok(slots)
    }

    /// Takes the place of one export in the window of the day.
    fn export(&self, terms: &Terms, draft: &mut Option<Draft>) -> Result<Option<ExportSlot>, Refusal> {
        let Some(known) = self.person.known().filter(|_| !self.public) else { return Ok(None) };
        let (subject, now) = (known.session.subject.id(), self.moment.now);
        let ledger = &self.moment.worker.shared.ledger;
        match ledger.try_export(&subject, terms.limits.exports_per_day, now) {
            Ok(slot) => Ok(Some(slot)),
            Err(exceeded) => {
                self.beyond(terms.exceeds(exceeded), draft)?;
                Ok(ledger.try_export(&subject, None, now).ok())
            }
        }
    }

    /// What a verdict comes to before anything is sent.
    fn beyond(&self, verdict: limit::Verdict, draft: &mut Option<Draft>) -> Result<(), Refusal> {
        if let Some(draft) = draft {
            draft.end(|closing| {
                closing.exceeded = verdict.beyond().and_then(Beyond::exceeded);
                closing.on_exceed = verdict.on_exceed();
            });
        }
        match verdict {
            limit::Verdict::Within | limit::Verdict::Advise(_) => Ok(()),
            limit::Verdict::Needs(step, beyond) => Err(self.needs(step, beyond)),
            limit::Verdict::Block(beyond) => Err(self.blocked(beyond)),
        }
    }

    fn needs(&self, step: Step, beyond: Beyond) -> Refusal {
        let step = match step {
            Step::Justify => Challenge::Justify,
            Step::StepUp => match self.step_up_class() {
                Some(class) => Challenge::StepUp(
                    AssuranceNeed { class, fresh: Some(STEP_UP_LASTS) },
                    Reason::AcrInsufficient,
                ),
                // Nobody can step up there: then it does not pass.
                None => return self.blocked(beyond),
            },
        };
        self.challenged(step, Some(beyond), self.action())
    }

    fn challenged(&self, step: Challenge, beyond: Option<Beyond>, action: Action) -> Refusal {
        let reason = match (beyond, &step, &self.person) {
            (Some(Beyond::Exceeded(exceeded)), ..) => over(exceeded, action),
            (Some(Beyond::CountUnknown(_)), ..) => Reason::CountUnknown,
            (None, Challenge::SignIn, Person::Nobody(reason)) => *reason,
            (None, step, _) => step.reason(),
        };
        Refusal::Challenge(Box::new(Challenged {
            step,
            reason,
            application: self.application.clone(),
            known: self.person.known().cloned(),
            action: Some(action),
            withheld: beyond.map(Beyond::exceeded),
        }))
    }

    fn blocked(&self, beyond: Beyond) -> Refusal {
        match beyond {
            Beyond::Exceeded(exceeded) => Refusal::TooMuch(exceeded, self.action()),
            Beyond::CountUnknown(why) => Refusal::CountUnknown(why, self.action()),
        }
    }

    /// Whether the reply is looked into.
    fn is_counted(&self, terms: &Terms) -> bool {
        let shaped = self.part.route.as_ref().is_some_and(|route| route.reply.is_some());
        !self.public && (shaped || terms.action.takes_away() || terms.minds_files())
    }

    fn rewrite(&self) -> Result<&Rewrite, Refusal> {
        self.moment.current.rules.rewrites.get(self.application.index).ok_or(Refusal::Internal)
    }

    fn pool(&self) -> Result<&Rc<Pool>, Refusal> {
        self.moment.current.pools.get(self.application.index).ok_or(Refusal::Internal)
    }

    /// The request as the application gets it: path and query byte for byte, framing and identity ours.
    fn outbound(
        &self,
        mut parts: Parts,
        body: RequestBody,
        credential: Option<&CredentialName>,
        wants_upgrade: bool,
    ) -> Result<Request<RequestBody>, Refusal> {
        let pool = self.pool()?;
        let worker = &self.moment.worker;
        let assertion = self.person.known().filter(|_| !self.public).and_then(|known| {
            let application = (&self.application.name, self.application.index);
            let identity = (&*known.identity, known.session.id);
            worker.assertions.of(&worker.shared.assertion_key, application, identity, self.moment.now)
        });
        let authority = self.normalized.head.authority.to_string();
        let facts = Facts {
            request: self.moment.event,
            client: self.normalized.head.client,
            authority: &authority,
            identity: self.person.identity().filter(|_| !self.public),
            assertion: assertion.as_ref(),
        };
        let settings = pool.settings();
        let own_host = settings.servers.first().filter(|_| !settings.preserve_host);
        headers::write(&mut parts.headers, &facts, &settings.identity_headers, own_host);
        settings.credentials.write(&mut parts.headers, credential);
        if wants_upgrade {
            upgrade::ask(&mut parts.headers, &worker.chance);
        }
        let target: PathAndQuery = self.normalized.target().clone();
        let mut request = Request::new(body);
        *request.method_mut() = parts.method;
        *request.uri_mut() = Uri::from(target);
        *request.headers_mut() = parts.headers;
        Ok(request)
    }

    async fn answer(
        &self,
        mut reply: Response<ReplyBody>,
        durable: Durable,
        terms: &Terms,
        slots: Vec<ExportSlot>,
        upgrading: Option<Upgrading>,
        draft: &mut Option<Draft>,
    ) -> Result<Answer, Refusal> {
        let status = reply.status();
        if let Some(draft) = draft {
            draft.end(|closing| closing.status = Some(status.as_u16()));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switched(reply, upgrading, draft);
        }
        normalize::headers::strip_reply(reply.headers_mut());
        name_request(reply.headers_mut(), self.moment.event);
        let rules = &self.moment.current.rules;
        let shape = self.part.route.as_ref().and_then(|route| route.reply.as_ref()).filter(|_| !self.public);
        let authority = self.normalized.head.authority.to_string();
        let (head, body) = self.rewrite()?.apply(reply, &authority).into_parts();
        let meter = Meter::new(shape, &head, &rules.guard);
        match release(Response::from_parts(head, body), meter, terms, durable, &rules.guard).await {
            Ok(released) => {
                let mut slots = slots;
                // A file where one only looks is an export, which nobody knew before it was here.
                if slots.is_empty() && released.body().is_found_file() && status.is_success() {
                    let taken = self.export(terms, draft);
                    slots.extend(taken.inspect_err(|_| {
                        self.note_withheld(&released.body().record().tally(), draft);
                    })?);
                }
                if status.is_success() {
                    for slot in slots {
                        slot.commit(self.moment.now);
                    }
                }
                Ok(Answer::Released(Box::new(released), self.lease()))
            }
            Err(withheld) => Err(self.withheld(withheld, draft)),
        }
    }

    /// The class that a step-up asks for where a limit does not name one: the provider's first.
    fn step_up_class(&self) -> Option<AssuranceClass> {
        let classes = self.moment.current.rules.assurances.get(&self.application.provider)?;
        classes.keys().next().cloned()
    }

    fn note_withheld(&self, tally: &Tally, draft: &mut Option<Draft>) {
        self.moment.worker.scribe.metrics.count(|counted| counted.withheld += 1);
        if let Some(draft) = draft {
            draft.end(|closing| {
                closing.records = tally.records;
                closing.patients = tally.patients;
            });
        }
    }

    fn withheld(&self, withheld: Withheld, draft: &mut Option<Draft>) -> Refusal {
        self.note_withheld(&withheld.tally, draft);
        let verdict = match withheld.cause {
            Cause::Needs(step, beyond) => limit::Verdict::Needs(step, beyond),
            Cause::Block(beyond) => limit::Verdict::Block(beyond),
            Cause::Upstream(error) => return Refusal::Upstream(UpstreamError::BrokeOff(error)),
        };
        match self.beyond(verdict, draft) {
            Err(refusal) => refusal,
            // What is withheld does not pass; if it were to, that would be a mistake of ours.
            Ok(()) => Refusal::Internal,
        }
    }

    fn switched(
        &self,
        reply: Response<ReplyBody>,
        upgrading: Option<Upgrading>,
        draft: &mut Option<Draft>,
    ) -> Result<Answer, Refusal> {
        let (Some(upgrading), Some(draft)) = (upgrading, draft.take()) else { return Err(Refusal::Internal) };
        let bounds = self.part.route.as_ref().map(|route| route.websocket.clone()).unwrap_or_default();
        let chance = &self.moment.worker.chance;
        let access = super::access::Access::of(self);
        let under_way = self.moment.pulse.begin();
        let mut switched = upgrade::join(upgrading, reply, access, bounds, (draft, chance), under_way);
        name_request(switched.headers_mut(), self.moment.event);
        Ok(Answer::Switched(switched))
    }
}

/// What a part does.
fn action(part: &Part) -> Action {
    part.route.as_ref().map_or(Action::View, |route| route.action)
}

/// The number of bytes that come from the caller, as they come.
fn counter(body: &RequestBody) -> Rc<Cell<u64>> {
    match body {
        RequestBody::Held(full) => Rc::new(Cell::new(full.bytes().len() as u64)),
        RequestBody::Streaming(_, bytes) => bytes.clone(),
    }
}

/// How long a step-up counts for a limit that asks for one.
const STEP_UP_LASTS: Duration = Duration::from_secs(15 * 60);
