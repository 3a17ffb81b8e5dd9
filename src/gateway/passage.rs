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
use http::{HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri};
use http_body::Body as _;

use super::access::Access;
use super::beyond::Then;
use super::break_glass;
use super::draft::Draft;
use super::given;
use super::given::Gifts;
use super::handle::{Answer, Moment};
use super::hold::{self, Copy, Held};
use super::manner::Manner;
use super::normalize::{self, Normalized};
use super::observed;
use super::refusal::Refusal;
use super::reply::name_request;
use super::sought::Part;
use super::subject::Person;
use super::toward::{self, Toward};
use super::upgrade::{self, Upgrading};
use crate::domain::action::Action;
use crate::domain::application::CredentialName;
use crate::domain::category::Protection;
use crate::domain::event::Verdict;
use crate::domain::law::PART_2_NOTICE;
use crate::domain::proof::Durable;
use crate::domain::risk::Standing;
use crate::features::audit::JournalError;
use crate::features::given::contexts::Setting;
use crate::features::guard::admit::admit;
use crate::features::guard::count::Tally;
use crate::features::guard::ledger::ExportSlot;
use crate::features::guard::limit::Terms;
use crate::features::guard::meter::Meter;
use crate::features::guard::redact::{self, Plans};
use crate::features::guard::release::release;
use crate::features::rewrite::Rewrite;
use crate::features::route::table::Application;
use crate::features::upstream::credential::send_as;
use crate::features::upstream::headers::{self, Facts};
use crate::features::upstream::pool::Pool;
use crate::features::upstream::send::{ReplyBody, RequestBody};
use crate::platform::http::replay::Replay;

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
    /// The risks that stand for them.
    pub risks: Standing,
    /// Whether the route is for everybody.
    pub public: bool,
    /// The caller's end of the connection.
    pub line: SocketAddr,
    /// How the caller wants to be answered.
    pub manner: &'a Manner,
    /// What it sends, if that was kept before.
    pub resumes: Option<&'a Held>,
}

/// Lets a request pass, or says why not.
pub async fn pass(
    mut passage: Passage<'_>,
    mut parts: Parts,
    body: RequestBody,
    upgrading: Option<Upgrading>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let decided = match passage.decide(draft) {
        Ok(decided) => Ok(decided),
        Err(refusal) => Box::pin(break_glass::instead(&mut passage, refusal, draft)).await,
    };
    let (permit, grounds, reason) = match decided {
        Ok(decided) => decided,
        // What was typed is not lost with it.
        Err(refusal) => return Err(Box::pin(hold::keep(&passage, refusal, &parts, body, draft)).await),
    };
    // Their numbers are many: apart, so that the future of every request stays small.
    let grounds = Box::new(grounds);
    passage.check_given(draft).await?;
    let mut plans = passage.plans(&grounds)?;
    let terms = Box::new(passage.terms(&grounds, &plans));
    let (target, body) = passage.asking(&terms, &mut parts, body, draft)?;
    let slots = match passage.windows(&terms, draft).await {
        Ok((slots, Then::Whole)) => slots,
        Ok((slots, Then::Redacted)) => {
            plans.always.clone_from(&plans.beyond);
            slots
        }
        Err(refusal) => return Err(Box::pin(hold::keep(&passage, refusal, &parts, body, draft)).await),
    };
    let (body, copy) = match hold::copies(&passage, &terms, &parts) {
        Some(bytes_max) => Box::pin(hold::copy(&parts, body, bytes_max)).await?,
        None => (body, None),
    };
    let counted = passage.is_counted(&terms) || plans.always.is_some();
    admit(&mut parts.headers, counted);
    if plans.always.is_some() {
        redact::prepare(&mut parts.headers, &parts.method);
    }
    passage.rewrite()?.prepare(&mut parts.headers, passage.is_document()?);
    if passage.reads_reply() {
        Rewrite::ask_plain(&mut parts.headers);
    }

    let pool = passage.pool()?;
    let route = passage.part.route.as_deref();
    let credential = toward::credential(pool, passage.public, route, &grounds.rules);
    let event = draft.as_mut().ok_or(Refusal::Internal)?;
    event.open(|opening| {
        opening.credential = credential.cloned();
        opening.may_list = passage.keeps_listed();
    });
    let without = passage.without_entry(&parts.method);
    let (journaled, pending) = event.journal_or(Verdict::Permit, &[reason], without)?;
    let wants_upgrade = passage.normalized.head.upgrade.is_some();
    event.count_in(counter(&body));
    let whose = (&passage.person, passage.line);
    let toward = Toward::new(pool, passage.normalized, whose, &parts.headers, route);
    let mut request = passage.outbound(parts, (target, body), credential, wants_upgrade)?;
    let tells_length = *request.method() == Method::HEAD && !counted;
    let proof = if wants_upgrade { upgrade::proof(request.headers()) } else { None };

    let opens = passage.opens();
    let asked = Instant::now();
    let (reply, durable) = if request.method().is_safe() && !wants_upgrade {
        // A safe request is sent at once; its sync runs beside the application's work, by itself, and has
        // mostly ended before the reply begins.
        let reply = send_as(pool, &mut request, &toward.errand, credential, &permit, &journaled).await;
        (reply, pending.durable().await?)
    } else {
        let durable = pending.durable().await?;
        // Nothing is changed on behalf of somebody who was signed out meanwhile.
        passage.may_still_ask()?;
        passage.is_still_open()?;
        (send_as(pool, &mut request, &toward.errand, credential, &permit, &journaled).await, durable)
    };
    let upstream = asked.elapsed();
    passage.moment.worker.scribe.metrics.count(|counted| counted.upstream.observe(upstream));
    event.end(|closing| {
        closing.upstream_us = u64::try_from(upstream.as_micros()).ok();
    });
    let reply = reply?;
    if given::is_taken(reply.status()) {
        opens.into_iter().for_each(Setting::taken);
    }
    upgrade::check(&reply, proof.as_ref(), upgrading.as_ref())?;
    // What a GET would have is all that a HEAD is asked for; it frames nothing.
    let length = reply.headers().get(CONTENT_LENGTH).filter(|_| tells_length).cloned();
    let cookie = toward.cookie(pool, &reply);
    let in_gap = durable.number_in_gap();
    let answered = passage.answer(reply, durable, (&*terms, plans), slots, upgrading, draft).await;
    let mut answer = match (answered, copy) {
        (Ok(answer), _) => answer,
        // Its reply was too much without a step: after that it is sent once more.
        (Err(refusal), Some(copy)) => {
            let Copy { parts, body } = *copy;
            return Err(Box::pin(hold::keep(&passage, refusal, &parts, body, draft)).await);
        }
        (Err(refusal), None) => return Err(refusal),
    };
    if let (Answer::Released(released, _), Some(length)) = (&mut answer, length)
        && released.body().is_end_stream()
    {
        released.headers_mut().insert(CONTENT_LENGTH, length);
    }
    if let (Some(cookie), Some(headers)) = (cookie, answer.headers_mut()) {
        headers.append(SET_COOKIE, cookie);
    }
    passage.tell_degraded(in_gap, &mut answer);
    Ok(answer)
}

impl Passage<'_> {
    /// The request, and those that it holds.
    pub(super) fn parts(&self) -> impl Iterator<Item = &Part> {
        std::iter::once(&self.part).chain(&self.entries)
    }

    /// What is done: of several, the most telling.
    pub(super) fn action(&self) -> Action {
        self.parts().map(action).max_by_key(|action| action.weight()).unwrap_or(Action::View)
    }

    /// How what is asked for is protected beyond other data.
    pub(super) fn protection(&self) -> Protection {
        let policy = &self.moment.current.rules.policy;
        let routes = self.parts().filter_map(|part| part.route.as_ref());
        let protections = routes.filter_map(|route| policy.protection(route.index));
        protections.fold(Protection::default(), |all, more| all.and(more))
    }

    /// Whether the event keeps whom the reply lists.
    fn keeps_listed(&self) -> bool {
        let shape = self.part.route.as_ref().and_then(|route| route.reply.as_ref());
        !self.public && shape.is_some_and(|shape| shape.same_numbers)
    }

    /// Whether the reply is looked into.
    fn is_counted(&self, terms: &Terms) -> bool {
        let shaped = self.part.route.as_ref().is_some_and(|route| route.reply.is_some());
        !self.public && (shaped || terms.action.takes_away() || terms.minds_files())
    }

    fn rewrite(&self) -> Result<&Rewrite, Refusal> {
        self.moment.current.rules.rewrites.get(self.application.index).ok_or(Refusal::Internal)
    }

    /// Whether a page is asked for, of an application into whose pages something is put.
    fn is_document(&self) -> Result<bool, Refusal> {
        Ok(self.rewrite()?.minds_documents() && self.manner.is_document())
    }

    fn pool(&self) -> Result<&Rc<Pool>, Refusal> {
        self.moment.current.pools.get(self.application.index).ok_or(Refusal::Internal)
    }

    /// The request as the application gets it: path and query byte for byte, but for what [`Self::asking`] made of
    /// them; framing and identity ours.
    fn outbound(
        &self,
        mut parts: Parts,
        (target, body): (PathAndQuery, RequestBody),
        credential: Option<&CredentialName>,
        wants_upgrade: bool,
    ) -> Result<Request<RequestBody>, Refusal> {
        let pool = self.pool()?;
        let worker = &self.moment.worker;
        let assertion = self.person.known().filter(|_| !self.public).and_then(|known| {
            let application = (&self.application.name, self.application.index);
            let identity = (&*known.identity, known.session.id);
            let (key, protection) = (&worker.shared.assertion_key, self.protection());
            worker.assertions.of(key, application, identity, protection, self.moment.now)
        });
        let facts = Facts {
            request: self.moment.event,
            client: self.normalized.head.client,
            authority: self.normalized.head.authority.as_str(),
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
        (terms, plans): (&Terms, Plans),
        slots: Vec<ExportSlot>,
        upgrading: Option<Upgrading>,
        draft: &mut Option<Draft>,
    ) -> Result<Answer, Refusal> {
        let status = reply.status();
        let is_in_gap = durable.number_in_gap().is_some();
        if let Some(draft) = draft {
            draft.end(|closing| closing.status = Some(status.as_u16()));
        }
        if status == StatusCode::SWITCHING_PROTOCOLS {
            return self.switched(reply, upgrading, draft);
        }
        self.is_still_open().inspect_err(|_| self.note_withheld(&Tally::NOT_COUNTED, draft))?;
        normalize::headers::strip_reply(reply.headers_mut());
        name_request(reply.headers_mut(), self.moment.event);
        if self.protection().has_notice() {
            reply.headers_mut().insert(NOTICE, HeaderValue::from_static(PART_2_NOTICE));
        }
        let rules = &self.moment.current.rules;
        let observed = self.part.route.is_none().then(|| observed::read(reply.headers()));
        let guessed = observed.as_ref().and_then(observed::shape);
        if let (Some(observed), Some(draft)) = (observed, draft.as_mut()) {
            draft.end(|closing| closing.observed = Some(Box::new(observed)));
        }
        let shape = self.part.route.as_ref().and_then(|route| route.reply.as_ref()).filter(|_| !self.public);
        let shape = shape.or(guessed.as_ref());
        let authority = self.normalized.head.authority.as_str();
        let (mut head, body) = self.rewrite()?.apply(reply, authority, self.is_document()?).into_parts();
        let (body, gifts) = if self.hands_out(status) {
            Box::pin(self.gifts(&mut head, body)).await.inspect_err(|refusal| {
                if matches!(refusal, Refusal::LeadsElsewhere) {
                    self.note_withheld(&Tally::NOT_COUNTED, draft);
                }
            })?
        } else {
            (Replay::of(body), Gifts::default())
        };
        let mut meter = Meter::new(shape, &head, &rules.guard);
        if self.keeps_listed() && draft.is_some() {
            meter.list_by(self.moment.worker.shared.journal.patient_names(&self.application.name));
        }
        let reply = Response::from_parts(head, body);
        let claim = self.claim(terms).filter(|_| status.is_success()).map(Box::new);
        let disk = self.moment.worker.shared.spills.under(&rules.spill);
        match release(reply, meter, terms, (claim, plans), durable, &rules.guard, disk).await {
            Ok(released) => {
                let is_redacted = released.body().redacted().is_some();
                self.moment.worker.scribe.metrics.count(|counted| counted.redacted += u64::from(is_redacted));
                self.may_still_have()?;
                let mut slots = slots;
                // A file where one only looks is an export, which nobody knew before it was here.
                if slots.is_empty() && released.body().is_found_file() && status.is_success() {
                    if is_in_gap {
                        self.note_withheld(&released.body().record().tally(), draft);
                        return Err(Refusal::Journal(JournalError::Failed {
                            why: "an export leaves an event".into(),
                        }));
                    }
                    let taken = match self.is_lawful_export() {
                        Ok(()) => self.export(terms, draft).await,
                        Err(refusal) => Err(refusal),
                    };
                    slots.extend(taken.inspect_err(|_| {
                        self.note_withheld(&released.body().record().tally(), draft);
                    })?);
                }
                if !gifts.is_empty() {
                    Box::pin(self.remember(gifts, draft)).await;
                }
                if status.is_success() {
                    for slot in slots {
                        slot.commit(self.moment.now);
                    }
                }
                // All of it may be here and yet wait until its caller makes room: whoever ends the session is told of it.
                let has_body = !released.body().is_end_stream();
                let access = has_body.then(|| Box::new(Access::of_reply(self)));
                Ok(Answer::Released(released.map(Box::new), access))
            }
            Err(withheld) => Err(self.withheld(withheld, draft)),
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
        let access = Access::of_socket(self);
        let under_way = self.moment.pulse.begin();
        let mut switched = upgrade::join(upgrading, reply, access, bounds, (draft, chance), under_way);
        name_request(switched.headers_mut(), self.moment.event);
        Ok(Answer::Switched(switched))
    }
}

/// What a part does.
pub(super) fn action(part: &Part) -> Action {
    part.route.as_ref().map_or(Action::View, |route| route.action)
}

/// The number of bytes that come from the caller, as they come.
fn counter(body: &RequestBody) -> Rc<Cell<u64>> {
    match body {
        RequestBody::Held(full) => Rc::new(Cell::new(full.bytes().len() as u64)),
        RequestBody::Streaming(_, bytes) => bytes.clone(),
    }
}

/// What goes with records that a law follows wherever they go (42 CFR 2.32).
const NOTICE: HeaderName = HeaderName::from_static("x-leastway-notice");
/// How long a step-up counts for a limit that asks for one.
pub(super) const STEP_UP_LASTS: Duration = Duration::from_secs(15 * 60);
