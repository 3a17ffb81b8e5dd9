//! Routes with memory: what replies hand out is remembered for whoever has asked, what a request brings has to have
//! been given to them; and the patient whose record a session has open is who its other requests are about.
//!
//! An address that a reply hands out is recognized as the request that it leads to, by the same reading and the same
//! table; what is remembered is what that request would bring. So the two are compared in one spelling.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use http::response::Parts;
use http::uri::PathAndQuery;
use http::{Method, StatusCode};
use url::{Position, Url};

use super::draft::Draft;
use super::handle::{Moment, note_part};
use super::normalize::query::Query;
use super::normalize::{Normalized, locate};
use super::passage::{Passage, action};
use super::refusal::Refusal;
use super::reply::Carried;
use super::risk;
use super::sought::{Part, read};
use super::subject::{Known, Person};
use crate::domain::decision::Denial;
use crate::domain::given::{
    Brought, EventGiven, EventNeeded, GivenName, GivenTo, PatientContext, WhenUnknown,
};
use crate::domain::reason::Reason;
use crate::features::given::contexts::Setting;
use crate::features::given::table::{Kind, Owner};
use crate::features::rewrite::Rewrite;
use crate::features::rewrite::body::Rewritten;
use crate::features::route::given::reply::{Gift, ReplyFault};
use crate::features::route::given::settings::{Elsewhere, PatientSource, RouteGiven};
use crate::features::route::recognize::Recognized;
use crate::features::route::table::Application;
use crate::features::route::view::RequestView;
use crate::features::upstream::error::UpstreamError;
use crate::features::upstream::send::ReplyBody;
use crate::platform::http::replay::Replay;

/// What a reply hands out, by the kind of thing; each once. Prints none of it.
#[derive(Default)]
pub struct Gifts(BTreeMap<GivenName, BTreeSet<String>>);

impl Gifts {
    /// Whether it hands out nothing.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Debug for Gifts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(self.0.iter().map(|(name, values)| (name, values.len()))).finish()
    }
}

/// Says whose record is open, where a route is about that.
pub fn name_patients<'p>(
    moment: &Moment,
    application: &Application,
    person: &Person,
    parts: impl Iterator<Item = &'p mut Part>,
) {
    let Person::Known(known) = person else { return };
    for part in parts {
        let route = part.route.as_ref().and_then(|route| route.given.as_ref());
        if route.is_some_and(|given| given.patient == PatientSource::Session) {
            let contexts = &moment.worker.shared.contexts;
            part.patient = contexts.patient(known.session.id, &application.name, moment.now);
        }
    }
}

/// The same once more for the event, where that has changed anything.
pub fn note_patient(draft: &mut Option<Draft>, moment: &Moment, normalized: &Normalized, part: &Part) {
    if context(part).is_some() {
        note_part(draft, moment, normalized, part);
    }
}

/// What a part has to do with the patient whose record is open.
pub fn context(part: &Part) -> Option<PatientContext> {
    let given = part.route.as_ref()?.given.as_ref()?;
    match given.patient {
        PatientSource::Session if part.patient.is_some() => Some(PatientContext::Session),
        PatientSource::Session => Some(PatientContext::Unknown),
        PatientSource::Path | PatientSource::At(_) => given.sets_patient.then_some(PatientContext::Set),
    }
}

impl Passage<'_> {
    /// Refuses what was not given to whoever asks, and what is about nobody knows whom.
    pub(super) async fn check_given(&self, draft: &mut Option<Draft>) -> Result<(), Refusal> {
        let mut needed = Vec::new();
        let mut checked = self.check_part(&self.part, &mut needed).await;
        for (number, entry) in (1..).zip(&self.entries) {
            if checked.is_err() {
                break;
            }
            checked = self.check_part(entry, &mut needed).await.map_err(|refusal| {
                note_part(draft, self.moment, self.normalized, entry);
                refusal.of_entry(number)
            });
        }
        if let Some(draft) = draft.as_mut().filter(|_| !needed.is_empty()) {
            draft.open(|opening| opening.needed = needed);
        }
        checked
    }

    async fn check_part(&self, part: &Part, needed: &mut Vec<EventNeeded>) -> Result<(), Refusal> {
        let Some(given) = given_of(part) else { return Ok(()) };
        let refused = |reason| {
            risk::denied(self.moment, &self.person, part);
            Err(Refusal::Denied(Denial { reasons: vec![reason], ways_on: Vec::new() }, Some(action(part))))
        };
        let is_unknown = context(part) == Some(PatientContext::Unknown);
        if is_unknown && self.application.patient_unknown == WhenUnknown::Deny {
            return refused(Reason::PatientUnknown);
        }
        for (position, need) in given.needs.iter().enumerate() {
            let values = part.brings.as_ref().and_then(|brings| brings.needed.get(position)?.as_deref());
            let brought = self.brought(&need.name, values).await?;
            let found = EventNeeded { name: need.name.clone(), brought };
            if !needed.contains(&found) {
                needed.push(found);
            }
            let passes = match brought {
                Brought::Yours => true,
                Brought::Unknown => self.application.given(&need.name).unknown == WhenUnknown::AllowAndFlag,
                Brought::Missing => false,
            };
            if !passes {
                return refused(Reason::NotYours);
            }
        }
        Ok(())
    }

    async fn brought(&self, name: &GivenName, values: Option<&[String]>) -> Result<Brought, Refusal> {
        let Some(values) = values.filter(|values| !values.is_empty()) else { return Ok(Brought::Missing) };
        let Some(known) = self.person.known() else { return Ok(Brought::Unknown) };
        let owner = owner(known, self.application.given(name).to);
        let (kind, now) = (Kind { application: &self.application.name, name }, self.moment.now);
        let table = &self.moment.worker.shared.given;
        for value in values {
            let is_theirs = table.has(&owner, kind, value, now).await.map_err(|error| {
                let request = self.moment.event;
                tracing::error!(request.id = %request, %error, "whether something was handed out elsewhere is not known");
                Refusal::StoreUnavailable
            })?;
            if !is_theirs {
                return Ok(Brought::Unknown);
            }
        }
        Ok(Brought::Yours)
    }

    /// That a request is sent which opens a patient's record.
    pub(super) fn opens(&self) -> Vec<Setting> {
        let Some(known) = self.person.known().filter(|_| !self.public) else { return Vec::new() };
        let opens = |part: &&Part| context(part) == Some(PatientContext::Set);
        let contexts = &self.moment.worker.shared.contexts;
        let set = |part: &Part| {
            contexts.set(known.session.id, &self.application.name, part.patient.clone(), self.moment.now)
        };
        self.parts().filter(opens).map(set).collect()
    }

    /// That the record which a request is about, as the application has it open, is still that one.
    pub(super) fn is_still_open(&self) -> Result<(), Refusal> {
        let Some(known) = self.person.known().filter(|_| !self.public) else { return Ok(()) };
        let contexts = &self.moment.worker.shared.contexts;
        let is_it = |part: &Part| {
            let open = contexts.patient(known.session.id, &self.application.name, self.moment.now);
            open.is_some() && open == part.patient
        };
        let mut about = self.parts().filter(|part| context(part) == Some(PatientContext::Session));
        match about.find(|part| !is_it(part)) {
            None => Ok(()),
            Some(part) => {
                let denial = Denial { reasons: vec![Reason::PatientUnknown], ways_on: Vec::new() };
                Err(Refusal::Denied(denial, Some(action(part))))
            }
        }
    }

    /// Whether something is looked for in the reply's body.
    pub(super) fn reads_reply(&self) -> bool {
        given_of(&self.part).is_some_and(RouteGiven::reads_replies)
    }

    /// Whether a reply with this status may hand something out.
    pub(super) fn hands_out(&self, status: StatusCode) -> bool {
        given_of(&self.part).is_some_and(|given| !given.gives.is_empty()) && is_taken(status)
    }

    /// What a reply hands out. Addresses in its body that point at the application's own servers are turned to ours.
    pub(super) async fn gifts(
        &self,
        head: &mut Parts,
        body: Rewritten<ReplyBody>,
    ) -> Result<(Carried, Gifts), Refusal> {
        let mut body = Replay::of(body);
        let mut gifts = Gifts::default();
        let given = given_of(&self.part).filter(|_| self.hands_out(head.status));
        let Some(given) = given else { return Ok((body, gifts)) };
        let mut found = self.or_nothing(given, given.in_headers(&head.headers))?;
        if given.reads_reply_of(&head.headers) {
            let bytes_max = self.moment.current.rules.guard.hold_bytes;
            let read = body.read_ahead(bytes_max).await;
            let whole = read.map_err(|error| Refusal::Upstream(UpstreamError::of_held(error)))?;
            let in_body = match &whole {
                Some(whole) => given.in_body(&head.headers, whole),
                None => Err(ReplyFault::TooLong),
            };
            let mut in_body = self.or_nothing(given, in_body)?;
            if let Some(turned) = whole.and_then(|whole| self.turn(&mut in_body, &whole)) {
                Rewrite::unmark(&mut head.headers);
                body.put(turned);
            }
            found.append(&mut in_body);
        }
        for gift in found {
            self.take(gift, &mut gifts)?;
        }
        Ok((body, gifts))
    }

    /// What was found; or nothing, where a body cannot be read, unless it may lead elsewhere.
    fn or_nothing<'g>(
        &self,
        given: &RouteGiven,
        found: Result<Vec<Gift<'g>>, ReplyFault>,
    ) -> Result<Vec<Gift<'g>>, Refusal> {
        found.or_else(|fault| {
            let (request, application) = (self.moment.event, &self.application.name);
            tracing::warn!(request.id = %request, %application, error = %fault, "what a reply hands out is not remembered");
            if given.refuses_unread() { Err(Refusal::LeadsElsewhere) } else { Ok(Vec::new()) }
        })
    }

    /// A JSON body with its addresses as callers reach them, if any of them changed.
    fn turn(&self, gifts: &mut [Gift<'_>], body: &Bytes) -> Option<Bytes> {
        let rewrite = self.moment.current.rules.rewrites.get(self.application.index)?;
        let authority = self.normalized.head.authority.as_str();
        let mut changes = BTreeMap::new();
        for gift in gifts.iter_mut().filter(|gift| gift.give.is_address) {
            let (Some(span), Some(turned)) = (gift.span.clone(), rewrite.turned(&gift.text, authority))
            else {
                continue;
            };
            changes.insert(span.start, (span, serde_json::Value::from(turned.as_str()).to_string()));
            gift.text = turned;
        }
        if changes.is_empty() {
            return None;
        }
        let body = std::str::from_utf8(body).ok()?;
        let (mut text, mut from) = (String::with_capacity(body.len()), 0);
        for (span, address) in changes.into_values() {
            text.push_str(body.get(from..span.start)?);
            text.push_str(&address);
            from = span.end;
        }
        text.push_str(body.get(from..)?);
        Some(text.into())
    }

    fn take(&self, gift: Gift<'_>, gifts: &mut Gifts) -> Result<(), Refusal> {
        let name = &gift.give.name;
        let values = if gift.give.is_address {
            match (self.led_to(name, &gift.text), gift.give.elsewhere) {
                (Some(values), _) => values,
                (None, Elsewhere::Pass) => Vec::new(),
                (None, Elsewhere::Refuse) => return Err(Refusal::LeadsElsewhere),
            }
        } else {
            vec![gift.text]
        };
        if !values.is_empty() {
            gifts.0.entry(name.clone()).or_default().extend(values);
        }
        Ok(())
    }

    /// What the request to an address would bring as a thing of this kind; `None`, if it is not for this application.
    fn led_to(&self, name: &GivenName, address: &str) -> Option<Vec<String>> {
        let rules = &self.moment.current.rules;
        let authority = &self.normalized.head.authority;
        let here = Url::parse(&format!("https://{}{}", authority.as_str(), self.normalized.target())).ok()?;
        let there = here.join(address).ok().filter(|there| there.origin() == here.origin())?;
        let target: PathAndQuery = there[Position::BeforePath..Position::AfterQuery].parse().ok()?;
        let (application, path) = locate(&rules.routes, &authority.host, &target).ok()?;
        if application.index != self.application.index {
            return None;
        }
        let query = Query::read(&target).ok()?;
        let headers = http::HeaderMap::new();
        let view =
            RequestView { path: path.view(), method: &Method::GET, query: query.fields(), headers: &headers };
        let Recognized::Route(matched) = rules.routes.recognize(application, &view, None) else {
            return Some(Vec::new());
        };
        let part = Part { route: Some(matched.route.clone()), patient: None, brings: None };
        let part = read(rules, application, part, (&target, &view), &[]).ok()?;
        let (Some(given), Some(brings)) = (given_of(&part), &part.brings) else { return Some(Vec::new()) };
        let needs = given.needs.iter().zip(&brings.needed).filter(|(need, _)| need.name == *name);
        Some(needs.filter_map(|(_, values)| values.clone()).flatten().collect())
    }

    /// Remembers what a reply hands out that is released next.
    pub(super) async fn remember(&self, Gifts(gifts): Gifts, draft: &mut Option<Draft>) {
        let Some(known) = self.person.known() else { return };
        let worker = &self.moment.worker;
        let mut told = Vec::new();
        for (name, values) in &gifts {
            let said = self.application.given(name);
            let kind = Kind { application: &self.application.name, name };
            let values_of = values.iter().map(String::as_str);
            let (owner, times) = (owner(known, said.to), (worker.now(), said.lifetime));
            if let Err(error) = worker.shared.given.give(&owner, kind, values_of, times).await {
                let request = self.moment.event;
                tracing::error!(request.id = %request, %error, "what is handed out is good at this node alone");
            }
            let number = u32::try_from(values.len()).unwrap_or(u32::MAX);
            told.push(EventGiven { name: name.clone(), number });
        }
        if let Some(draft) = draft.as_mut().filter(|_| !told.is_empty()) {
            draft.end(|closing| closing.given = told);
        }
    }
}

/// Whether the application has done what it was asked for.
pub fn is_taken(status: StatusCode) -> bool {
    !status.is_client_error() && !status.is_server_error()
}

fn given_of(part: &Part) -> Option<&RouteGiven> {
    part.route.as_ref()?.given.as_deref()
}

fn owner(known: &Known, to: GivenTo) -> Owner {
    match to {
        GivenTo::Session => Owner::Session(known.session.id),
        GivenTo::Person => Owner::Person(known.session.subject.id()),
    }
}
