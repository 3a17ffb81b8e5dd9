//! The life of one request, top to bottom.
//!
//! draft → normalize → route → session → decide → admit → journal → send → release → reply → close.
//! Each step takes what it needs and gives what it found; a step that says no gives a [`Refusal`].

use std::borrow::Cow;
use std::net::{IpAddr, SocketAddr};
use std::rc::Rc;
use std::sync::Arc;

use bytes::Bytes;
use http::header::SET_COOKIE;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Request, Response};
use http_body::Body as _;
use hyper::body::Incoming;

use super::access::Access;
use super::certificate::Shown;
use super::connection::Peer;
use super::device_key::DEVICE_KEY_PATH;
use super::devices::{At, Seen};
use super::draft::Draft;
use super::manner::Manner;
use super::metronome::Beat;
use super::normalize::fault::Fault;
use super::normalize::{self, Normalized};
use super::passage::{self, Passage};
use super::pulse::Pulse;
use super::refusal::Refusal;
use super::reply::{Carried, ReplyBody};
use super::sought::{Part, Sought, seek, seek_whole};
use super::subject::{self, Known, Person};
use super::upgrade::{self, Upgrading};
use super::worker::{Current, Worker};
use super::{cors, given, hold, leaving, own_paths, program, respond, risk, turnstile, unlock};
use crate::domain::decision::Denial;
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::domain::event::{LockStep, Outcome, Verdict};
use crate::domain::phi::Phi;
use crate::domain::reason::Reason;
use crate::features::audit::settings::{KeepPatient, KeepQuery};
use crate::features::guard::body::GuardedBody;
use crate::features::route::settings::Access as Audience;
use crate::features::session::Found;
use crate::features::upstream::send::RequestBody;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::http::pace::Paced;
use crate::platform::tls::front::CallerCertificate;

/// What a request is answered with.
#[derive(Debug)]
pub enum Answer {
    /// The application's reply, as far as it may pass, and by what it goes on.
    Released(Response<Box<GuardedBody<Carried>>>, Option<Box<Access>>),
    /// A reply of ours, and how that counts.
    Own(Response<Bytes>, Outcome),
    /// The application switched protocols; the event goes on in the tunnel.
    Switched(Response<()>),
    /// A refusal, told beside what the application has set with the page that a kept form was on.
    Refused(Box<Refusal>, Vec<HeaderValue>),
}

impl Answer {
    /// The fields of the answer; a refusal has none yet.
    pub fn headers_mut(&mut self) -> Option<&mut HeaderMap> {
        match self {
            Self::Released(reply, _) => Some(reply.headers_mut()),
            Self::Switched(reply) => Some(reply.headers_mut()),
            Self::Own(reply, _) => Some(reply.headers_mut()),
            Self::Refused(..) => None,
        }
    }
}

/// What stays the same from the start of a request to its end.
#[derive(Clone, Debug)]
pub struct Moment {
    /// The worker.
    pub worker: Rc<Worker>,
    /// The rules, and what goes with them.
    pub current: Rc<Current>,
    /// The request's event.
    pub event: RequestId,
    /// When it came.
    pub now: Timestamp,
    /// Where it came from, as far as it can be believed.
    pub client: IpAddr,
    /// What the caller has shown on the connection.
    pub shown: Option<Rc<Shown>>,
    /// The certificate of that, if it is believed.
    pub certificate: Option<Arc<CallerCertificate>>,
    /// What is seen of the device there.
    pub seen: Rc<Seen>,
    /// Its class.
    pub device: Option<DeviceClass>,
    /// What feeds tell of it.
    pub device_facts: Option<Rc<DeviceFacts>>,
    /// The revision of the directory before anything was decided.
    pub directory: u64,
    /// That of feeds.
    pub feeds: u64,
    /// What goes on on its connection.
    pub pulse: Arc<Pulse>,
    /// Whether it was known here, when it came, what other nodes have changed.
    pub is_in_touch: bool,
}

impl Moment {
    fn begin(worker: &Rc<Worker>, peer: &Peer, headers: &HeaderMap) -> (Self, Draft) {
        let now = worker.now();
        let event = RequestId::new(now, &worker.chance);
        let directory = worker.shared.people_revision();
        let current = worker.current();
        let trusted = &current.rules.trusted_proxies;
        let client = normalize::client::address(headers, peer.address, trusted);
        let shown = peer.shown(trusted).cloned();
        let certificate = shown.as_ref().and_then(|shown| shown.believed(&worker.shared.tls.load(), now));
        let by_trusted_proxy = peer.is_trusted(trusted);
        let at = At { client, by_trusted_proxy, certificate: certificate.clone() };
        let seen = current.rules.devices.see(headers, at);
        let (device, device_facts) = current.rules.device(&seen, now);
        let (worker, pulse) = (worker.clone(), peer.pulse.clone());
        let feeds = current.rules.feeds.revision();
        let is_in_touch = worker.shared.is_in_touch();
        let moment = Self {
            worker,
            current,
            event,
            now,
            client,
            shown,
            certificate,
            seen: Rc::new(seen),
            device,
            device_facts: device_facts.map(Rc::new),
            directory,
            feeds,
            pulse,
            is_in_touch,
        };
        let draft = moment.draft();
        (moment, draft)
    }

    /// Another request on behalf of the same caller, with an event of its own.
    pub fn another(&self) -> (Self, Draft) {
        let event = RequestId::new(self.now, &self.worker.chance);
        let moment = Self { event, ..self.clone() };
        let draft = moment.draft();
        (moment, draft)
    }

    fn draft(&self) -> Draft {
        let mut draft = Draft::begin(self.worker.scribe.clone(), self.event, self.now);
        draft.open(|opening| {
            opening.client_ip = Some(self.client);
            opening.device.clone_from(&self.device);
            opening.device_feed = self.device_facts.as_ref().map(|facts| Box::new(facts.event()));
            opening.certificate = self.certificate.as_ref().map(|shown| shown.thumbprint.clone());
        });
        draft
    }
}

/// Answers one request. Whatever happens, it leaves one event. What happens seldom has a place of its own in
/// memory, so that the future of every request stays small.
pub async fn handle(worker: &Rc<Worker>, peer: &Peer, mut request: Request<Incoming>) -> Response<ReplyBody> {
    let (moment, draft) = Moment::begin(worker, peer, request.headers());
    let manner = Manner::of(request.method(), request.uri(), request.headers());
    let upgrading = upgrade::begin(&mut request);
    let mut draft = Some(draft);
    let answered = serve(&moment, peer, (request, upgrading), &manner, &mut draft).await;
    tell(&moment, answered, &manner, draft).await
}

/// What was answered, as it goes out; its event ends with it.
pub async fn tell(
    moment: &Moment,
    answered: Result<Answer, Refusal>,
    manner: &Manner,
    draft: Option<Draft>,
) -> Response<ReplyBody> {
    match answered {
        Ok(Answer::Released(reply, access)) => match draft {
            Some(draft) => reply.map(|body| ReplyBody::released(body, access, draft)),
            None => reply.map(|_| ReplyBody::default()),
        },
        Ok(Answer::Own(reply, outcome)) => {
            Box::pin(respond::own(moment, (reply, outcome), manner, draft)).await
        }
        Ok(Answer::Switched(reply)) => reply.map(|()| ReplyBody::default()),
        Ok(Answer::Refused(refusal, cookies)) => {
            let mut reply = Box::pin(respond::refuse(moment, *refusal, manner, draft)).await;
            reply.headers_mut().extend(cookies.into_iter().map(|cookie| (SET_COOKIE, cookie)));
            reply
        }
        Err(refusal) => Box::pin(respond::refuse(moment, refusal, manner, draft)).await,
    }
}

/// Answers a request for which there was no room.
pub async fn overloaded(worker: &Rc<Worker>, peer: &Peer) -> Response<ReplyBody> {
    let (moment, draft) = Moment::begin(worker, peer, &HeaderMap::new());
    respond::refuse(&moment, Refusal::Overloaded, &Manner::unknown(), Some(draft)).await
}

/// Answers a request whose head can be read in two ways. Its connection ends with it.
pub async fn misframed(
    worker: &Rc<Worker>,
    peer: &Peer,
    request: &Request<Incoming>,
    fault: Fault,
) -> Response<ReplyBody> {
    let (moment, draft) = Moment::begin(worker, peer, request.headers());
    respond::refuse(
        &moment,
        fault.into(),
        &Manner::of(request.method(), request.uri(), request.headers()),
        Some(draft),
    )
    .await
}

async fn serve(
    moment: &Moment,
    peer: &Peer,
    (request, upgrading): (Request<Incoming>, Option<Upgrading>),
    manner: &Manner,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let rules = &moment.current.rules;
    let (mut parts, incoming) = request.into_parts();
    let incoming = turnstile::paced(moment, &parts, incoming);

    let facts = peer.facts(&rules.trusted_proxies, moment.worker.shared.settings.head_bytes);
    let claimed = rules.devices.take_off(&mut parts.headers, peer.is_trusted(&rules.trusted_proxies));
    let head = match claimed.and_then(|()| normalize::head(&mut parts, &facts)) {
        Ok(head) => head,
        Err(fault) => return Err(turnstile::stranger(moment).err().unwrap_or(fault.into())),
    };
    note_head(draft, &parts, &head);
    let brought = program::take(moment, &mut parts, &head);
    subject::meet(moment, &head).await?;
    let found = match brought {
        // Nobody can be known to be still signed in.
        _ if !moment.is_in_touch => Found::None,
        // There a browser comes for what it is asked to show elsewhere.
        None if head.target().path() == DEVICE_KEY_PATH => subject::look_up(moment, &head),
        None => subject::here(moment, subject::look_up(moment, &head), &parts.headers, manner, draft),
        Some(brought) => Box::pin(program::look_up(moment, &head, brought, draft)).await?,
    };
    turnstile::pass(moment, &found)?;
    if let Some(own) = normalize::own_path(head.target()) {
        let own = own.to_owned();
        if !moment.is_in_touch && !own_paths::asks_of_nobody(&own) {
            return Err(Refusal::StoreUnavailable);
        }
        let found = subject::at_host(moment, found, &head.authority.host);
        let person = subject::person(moment, &found, None);
        let asked = own_paths::Asked { parts, head, manner: manner.clone(), person };
        return Box::pin(own_paths::answer(moment, &own, asked, incoming, draft)).await;
    }
    let mut head = head;
    if let Some(named) = hold::named(&parts.method, head.target()) {
        if !moment.is_in_touch {
            return Err(Refusal::StoreUnavailable);
        }
        if incoming.is_end_stream() {
            let found = subject::at_host(moment, found, &head.authority.host);
            let coming = hold::Coming { parts, head, found, line: peer.address };
            return Box::pin(hold::send(moment, coming, named, manner, draft)).await;
        }
        head = head.at(named.into_target());
        parts.uri = head.target().clone().into();
    }
    let from = From { found, line: peer.address, manner, resumes: None };
    pursue(moment, from, (parts, head), Coming::Streaming(incoming), upgrading, draft).await
}

/// Who sends a request, and how.
#[derive(Debug)]
pub struct From<'a> {
    /// The session that its cookie names.
    pub found: Found,
    /// The caller's end of the connection.
    pub line: SocketAddr,
    /// How the caller wants to be answered.
    pub manner: &'a Manner,
    /// What it sends, if that was kept before.
    pub resumes: Option<&'a hold::Held>,
}

/// The body of a request for an application.
#[derive(Debug)]
pub enum Coming {
    /// As it comes.
    Streaming(Paced<Incoming>),
    /// It was kept.
    Kept(Bytes),
}

/// Finds out what is asked of an application and by whom, and lets it pass or says why not.
pub async fn pursue(
    moment: &Moment,
    from: From<'_>,
    (parts, head): (Parts, normalize::Head),
    coming: Coming,
    upgrading: Option<Upgrading>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let rules = &moment.current.rules;
    let From { found, line, manner, resumes } = from;
    let normalized = head.resolve(&rules.routes)?;
    let application = normalized.application.clone();
    note_application(draft, &normalized);
    let sought = match coming {
        Coming::Streaming(incoming) => seek(rules, &normalized, &parts, incoming).await,
        Coming::Kept(bytes) => seek_whole(rules, &normalized, &parts, bytes),
    };
    if let Some(reply) = cors::preflight(moment, &normalized, &parts, sought.as_ref().ok().map(|it| &it.part))
    {
        // Of a route that may name a patient no more is told than the pattern of its path.
        match &sought {
            Ok(Sought { part, .. }) if part.route.is_some() => note_part(draft, moment, &normalized, part),
            Ok(_) | Err(_) => note_path(draft, &normalized),
        }
        return Ok(Answer::Own(reply, Outcome::Completed));
    }
    let Sought { mut part, mut entries, body } = sought.inspect_err(|_| note_path(draft, &normalized))?;
    note_part(draft, moment, &normalized, &part);

    let public = part.route.as_ref().is_some_and(|route| route.access == Audience::Public);
    // To read a body took as long as its caller liked.
    let is_of_now = matches!(body, RequestBody::Streaming(..)) || moment.worker.shared.is_in_touch();
    let knows = moment.is_in_touch && is_of_now;
    if !public && !knows {
        return Err(Refusal::StoreUnavailable);
    }
    let found = match body {
        RequestBody::Held(_) => subject::again(moment, found),
        RequestBody::Streaming(..) => found,
    };
    let found = subject::at(moment, found, &application);
    let person = subject::person(moment, &found, Some(&application));
    note_person(draft, &person);
    note_extension(draft, moment, &person);
    given::name_patients(moment, &application, &person, std::iter::once(&mut part).chain(&mut entries));
    given::note_patient(draft, moment, &normalized, &part);
    note_steps(draft, moment, &person, &part);
    within_bounds(moment, &normalized, &person, std::iter::once(&part).chain(&entries), draft)?;
    let background = part.route.as_ref().is_some_and(|route| route.background)
        || application.is_background(normalized.path.view());
    let signs = |known: &&Known| !background && is_sign(moment, &normalized, &parts.method, known, draft);
    let by_person = person.known().filter(signs);
    if let Some(known) = by_person {
        moment.worker.shared.sessions.touch(&known.session, moment.now);
    }

    let risks = risk::standing(moment, &person, manner, by_person.is_some());
    let passage = Passage {
        moment,
        normalized: &normalized,
        application: &application,
        part,
        entries,
        person,
        risks,
        public,
        line,
        manner,
        resumes,
    };
    if leaving::is_logout(&passage, &parts) {
        return Box::pin(leaving::log_out(&passage, (parts, body), draft)).await;
    }
    passage::pass(passage, parts, body, upgrading, draft).await
}

/// Whether a request is a sign of its person: not where it comes like a metronome's beats.
fn is_sign(
    moment: &Moment,
    normalized: &Normalized,
    method: &Method,
    known: &Known,
    draft: &mut Option<Draft>,
) -> bool {
    let worker = &moment.worker;
    if known.session.program.is_some() || !worker.shared.sessions.detects_polling() {
        return true;
    }
    let (session, now) = (known.session.id, moment.now);
    let Beat::Metronome { interval, is_first } = worker.metronomes.hear(session, normalized, method, now)
    else {
        return true;
    };
    if is_first {
        let (application, interval) = (&normalized.application.name, interval.as_secs());
        tracing::info!(request.id = %moment.event, session.id = %session, %application, interval_seconds = interval, "a page asks by itself: keep-alive ignored");
    }
    if let Some(draft) = draft {
        draft.open(|opening| opening.keep_alive_ignored = true);
    }
    false
}

/// A program comes where it is declared to come, or not at all.
fn within_bounds<'p>(
    moment: &Moment,
    normalized: &Normalized,
    person: &Person,
    parts: impl Iterator<Item = &'p Part>,
    draft: &mut Option<Draft>,
) -> Result<(), Refusal> {
    let Person::Known(known) = person else { return Ok(()) };
    let (rules, whence) = (&moment.current.rules, (normalized.head.client, moment.now));
    let name = &normalized.application.name;
    let Some(strayed) = program::strayed(rules, &known.session, name, parts, whence) else { return Ok(()) };
    if let Some(draft) = draft {
        draft.open(|opening| opening.note = Some(strayed.to_string()));
    }
    Err(Refusal::Denied(Denial { reasons: vec![strayed.reason()], ways_on: Vec::new() }, None))
}

/// What was asked, in the event.
pub fn note_head(draft: &mut Option<Draft>, parts: &Parts, head: &normalize::Head) {
    let Some(draft) = draft else { return };
    draft.open(|opening| {
        opening.method = Some(spelled(&parts.method));
        opening.host = Some(head.authority.host.clone());
        opening.client_ip = Some(head.client);
    });
}

/// The usual methods need no text of their own.
fn spelled(method: &Method) -> Cow<'static, str> {
    Cow::Borrowed(match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => return Cow::Owned(method.as_str().to_owned()),
    })
}

fn note_application(draft: &mut Option<Draft>, normalized: &Normalized) {
    let Some(draft) = draft else { return };
    draft.stand_by(normalized.application.downtime.clone());
    draft.open(|opening| {
        opening.application = Some(normalized.application.name.clone());
        opening.query_keys = normalized.query.keys().into_iter().map(str::to_owned).collect();
    });
    note_query(draft, normalized);
}

/// The path itself, where no route says which part of it names a patient.
fn note_path(draft: &mut Option<Draft>, normalized: &Normalized) {
    let Some(draft) = draft else { return };
    draft.open(|opening| opening.path = Some(normalized.path.as_str().into()));
}

/// What a request is, or one of those that its body holds.
pub fn note_part(draft: &mut Option<Draft>, moment: &Moment, normalized: &Normalized, part: &Part) {
    let Some(route) = &part.route else { return note_path(draft, normalized) };
    let Some(draft) = draft else { return };
    draft.open(|opening| {
        opening.route = Some(route.name.clone());
        opening.action = Some(route.action);
        opening.categories.clone_from(&route.categories);
        if let Some(protection) = moment.current.rules.policy.protection(route.index) {
            opening.sensitivity.clone_from(&protection.sensitivity);
            opening.laws.clone_from(&protection.laws);
        }
        opening.path = Some(route.pattern.clone());
        let key = moment.worker.shared.journal.patient_key();
        opening.patient_context = given::context(part);
        opening.patient = part.patient.as_ref().map(|patient| patient.digest(key));
        opening.rules_version = Some(Arc::clone(&moment.current.rules.version));
    });
    match draft.keeps().patient {
        KeepPatient::Sealed => draft.seal(|confidential| {
            confidential.patient = part.patient.as_ref().map(|patient| short(patient.id().reveal()));
        }),
        KeepPatient::Hash => {}
    }
}

/// What was asked for, as far as it is kept under seal: without what opens anything.
fn note_query(draft: &mut Draft, normalized: &Normalized) {
    match draft.keeps().query {
        KeepQuery::Sealed => draft.seal(|confidential| {
            confidential.query = normalized.query.without_secrets().as_deref().map(short);
        }),
        KeepQuery::Names => {}
    }
}

/// No more than is worth its place in each event.
fn short(text: &str) -> Phi<String> {
    Phi::new(text.chars().take(SEALED_CHARACTERS_MAX).collect())
}

/// Who it is, in the event; or which locked session does not say who.
pub fn note_person(draft: &mut Option<Draft>, person: &Person) {
    let Some(open) = draft else { return };
    match person {
        Person::Known(known) => open.open(|opening| opening.subject = Some(known.in_event.clone())),
        Person::Locked(locked) => unlock::note(draft, locked, LockStep::Met),
        Person::Nobody(_) => {}
    }
}

/// That a session goes on beyond its end because its provider is down.
fn note_extension(draft: &mut Option<Draft>, moment: &Moment, person: &Person) {
    let (Some(draft), Some(known)) = (draft, person.known()) else { return };
    if moment.worker.shared.sessions.is_extended(&known.session, moment.now) {
        draft.open(|opening| opening.outage_extension = true);
    }
}

/// How many patients somebody has asked for in equal steps, where that matters.
fn note_steps(draft: &mut Option<Draft>, moment: &Moment, person: &Person, part: &Part) {
    let (Some(draft), Some(known), Some(patient)) = (draft, person.known(), &part.patient) else { return };
    if moment.current.rules.minds_steps() {
        let steps = &moment.worker.shared.detections.steps;
        let patients = steps.follow(&known.session.subject.id(), patient, moment.now);
        draft.open(|opening| opening.patients_in_steps = patients);
    }
}

/// The most that an event keeps under seal of one thing, in characters.
const SEALED_CHARACTERS_MAX: usize = 1024;

/// The verdict that an answer of ours on our own paths is recorded under.
pub const OWN: (Verdict, Reason) = (Verdict::Permit, Reason::OwnPath);
