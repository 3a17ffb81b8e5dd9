//! What auditors read: one event per request, written as an opening and a closing entry.
//!
//! Flat JSON. An entry never holds a query value, a header value, a body or a path in
//! which a patient is named: the path is the route's pattern, a patient is a keyed digest.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::action::Action;
use super::application::{
    ApplicationName, Category, ClientName, CredentialName, ProviderName, RoleName, RouteName,
};
use super::asked::EventAsked;
use super::assurance::AssuranceClass;
use super::break_glass::EventBreak;
use super::category::Sensitivity;
use super::confidential::SealedText;
use super::count::Count;
use super::detection::{Detection, Review};
use super::device::{DeviceClass, EventDeviceFeed};
use super::field::EventRedacted;
use super::gap::Gap;
use super::given::{EventGiven, EventNeeded, PatientContext};
use super::kept::Kept;
use super::law::Law;
use super::limit::Exceeded;
use super::listed::Listed;
use super::patient::PatientDigest;
use super::provisioning::Provisioning;
use super::purpose::Purpose;
use super::reason::Reason;
use super::revocation::{Revocation, Revoked, Why};
use super::risk::EventRisk;
use super::signal::EventSignal;
use super::subject::{Identity, SubjectId};
use super::told::EventRelationship;
use super::{closed_list, limit::OnExceed};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::{HoldId, RequestId, SessionId};

closed_list! {
    /// What kind of event.
    EventKind {
        /// A request to an application.
        Request = "request",
        /// A sign-in, step-up or sign-out: a request to one of our own paths.
        Authentication = "authentication",
        /// Another request to one of our own paths.
        OwnPath = "own_path",
        /// A request to the control listener that changes something or reads events.
        Administration = "administration",
        /// The directory was read or changed from outside.
        Provisioning = "provisioning",
        /// Sessions were ended.
        Revocation = "revocation",
        /// Something was found in the stream of events that somebody should look at.
        Detection = "detection",
        /// The gateway started, stopped or took new rules.
        Lifecycle = "lifecycle",
    }
}

closed_list! {
    /// What was decided before the application was asked.
    Verdict {
        /// Go on.
        Permit = "permit",
        /// Not yet.
        Challenge = "challenge",
        /// No.
        Deny = "deny",
    }
}

closed_list! {
    /// How it ended.
    Outcome {
        /// The reply was sent to its end.
        Completed = "completed",
        /// The caller was answered by us, on purpose.
        Refused = "refused",
        /// What came back was withheld: beyond the minimum necessary.
        Withheld = "withheld",
        /// The reply was broken off: by the caller, the application or a limit.
        Aborted = "aborted",
        /// Something is down.
        Failed = "failed",
    }
}

closed_list! {
    /// What became of something that a person had typed.
    HoldStep {
        /// It was kept instead of being lost.
        Held = "held",
        /// Its person was told that it is still there.
        Offered = "offered",
        /// Its person saw what is in it.
        Shown = "shown",
        /// It was sent: the event is the request's.
        Sent = "sent",
        /// Its person threw it away.
        Discarded = "discarded",
        /// Its time was over.
        Expired = "expired",
        /// The person's access was taken back, and what was kept for them with it.
        Revoked = "revoked",
        /// Somebody asked for it who may not have it, and was told that there is none.
        Hidden = "hidden",
    }
}

closed_list! {
    /// What became of a session that was locked.
    LockStep {
        /// A request met it, and nothing was decided under it.
        Met = "met",
        /// Its person came back.
        Unlocked = "unlocked",
        /// Somebody came back as its person, and the provider did not say that they had authenticated since.
        Unproven = "unproven",
        /// Another person came.
        OtherPerson = "other-person",
    }
}

/// The first of an event's two entries: who wanted what, and the decision. It is durable before the
/// first byte of a reply leaves.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "each is written only where it is so, and none excludes another"
)]
pub struct Opening {
    /// Which event.
    pub event: RequestId,
    /// What kind.
    pub kind: EventKind,
    /// When the request came.
    pub time: Timestamp,
    /// The caller's address: the peer, or what a trusted proxy says.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client_ip: Option<IpAddr>,
    /// The class of the caller's device.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device: Option<DeviceClass>,
    /// What a feed tells of the device; absent where none knows it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub device_feed: Option<Box<EventDeviceFeed>>,
    /// The certificate that the caller has shown: the SHA-256 of its DER in base64url (`x5t#S256`, RFC 8705).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub certificate: Option<Arc<str>>,
    /// The application.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub application: Option<ApplicationName>,
    /// The route; absent if none matched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub route: Option<RouteName>,
    /// The action of the route.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub action: Option<Action>,
    /// The categories of the route.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub categories: Arc<[Category]>,
    /// How sensitive these are (HL7 v3 `ActCode`).
    #[serde(skip_serializing_if = "is_empty", default)]
    pub sensitivity: Arc<[Sensitivity]>,
    /// The laws of their own that protect them.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub laws: Arc<[Law]>,
    /// The HTTP method; absent if the request was not understood.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub method: Option<Cow<'static, str>>,
    /// The host that was asked for; absent if it is none of ours.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub host: Option<Arc<str>>,
    /// The route's path pattern, or the path itself if no route matched.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub path: Option<Arc<str>>,
    /// Where the request holds several (a batch): the one of them that route, action, path and patient are
    /// about, counted from 1. It is the one that was refused, or else the most telling.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub batch_entry: Option<u32>,
    /// The names of the query's parameters, without their values.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub query_keys: Vec<String>,
    /// The patient whom the request names.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patient: Option<PatientDigest>,
    /// Whether its end is to tell whom the reply lists.
    #[serde(skip_serializing_if = "is_false", default)]
    pub may_list: bool,
    /// What it has to do with the patient whose record its session has open.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patient_context: Option<PatientContext>,
    /// What it brings that was handed out before, and whether it is theirs.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub needed: Vec<EventNeeded>,
    /// What it takes of the windows, where that is not what `action` and `patient` say: where it holds several
    /// requests, or takes nothing because its route is public.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub taken: Option<Box<Taken>>,
    /// Who; absent if nobody is signed in.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub subject: Option<Arc<Kept<EventSubject>>>,
    /// What was decided.
    pub verdict: Verdict,
    /// Why, the most telling first.
    pub reasons: Vec<Reason>,
    /// The rules that decided.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub rules: Arc<[Arc<str>]>,
    /// The digest of the rules in force, first 16 digits.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub rules_version: Option<Arc<str>>,
    /// The account under which the application was asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub credential: Option<CredentialName>,
    /// What the person has to do with the patient, where a permit rests on that.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub relationships: Vec<EventRelationship>,
    /// The reason that the person gave, where the rule asks for one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub justification: Option<EventJustification>,
    /// Whether it is a disclosure that an accounting has to list (45 CFR 164.528): the recipient is in `justification`.
    #[serde(skip_serializing_if = "is_false", default)]
    pub accounted: bool,
    /// The person has said why they work, and this is what they said.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub purpose: Option<Box<EventPurpose>>,
    /// The emergency access that it is part of, or that begins, ends or is reviewed with it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub break_glass: Option<Box<EventBreak>>,
    /// What the request did with something that a person had typed, or how that came to be kept.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hold: Option<Box<EventHold>>,
    /// The locked session that the request met, or whose sign-in it ends.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub lock: Option<Box<EventLock>>,
    /// The risks that stood, or that were cleared by the sign-in that this is.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub risks: Vec<EventRisk>,
    /// Whether it came at equal intervals, as a page asks by itself: it was no sign of the person.
    #[serde(skip_serializing_if = "is_false", default)]
    pub keep_alive_ignored: bool,
    /// Whether its session was over, and went on only because its provider was down.
    #[serde(skip_serializing_if = "is_false", default)]
    pub outage_extension: bool,
    /// What rules in the shadow answered, where there are any.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub shadow: Option<Box<EventShadow>>,
    /// What was lowered or added before it was sent, and what it asked for beyond what is allowed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub asked: Option<Box<EventAsked>>,
    /// For administration and lifecycle: what was done; for a sign-in that failed, why. In a few plain words.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub note: Option<String>,
    /// Which sessions are to end, why and on whose word.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revocation: Option<Box<Revocation>>,
    /// What a provider told of its people, or asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub provisioning: Option<Box<Provisioning>>,
    /// What a provider has signalled, and what was done about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub signal: Option<Box<EventSignal>>,
    /// How many patients the person has now asked for, one after the other, by numbers at equal steps: from
    /// [`STEPS_MIN`](super::patient::STEPS_MIN) on. Neither the numbers nor the step.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub patients_in_steps: Option<u32>,
    /// What it tells only to whoever says why they want to know.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sealed: Option<SealedText>,
    /// Whose seals were opened, why and for what.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reading: Option<Box<EventReading>>,
    /// What was found in the stream of events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub detection: Option<Box<Detection>>,
    /// What somebody says of a detection.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub review: Option<Box<Review>>,
    /// What was let through while nothing could be written.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub gap: Option<Box<Gap>>,
}

/// What one request takes of a person's windows.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Taken {
    /// Places among the exports of the day.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub exports: u32,
    /// Patients whose records it opens, each once.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub opened: Vec<PatientDigest>,
}

impl Taken {
    /// What a request takes that does this to the record of this patient.
    pub fn by(action: Action, patient: Option<PatientDigest>) -> Self {
        let opened = patient.filter(|_| action.opens_record()).into_iter().collect();
        Self { exports: u32::from(action.takes_away()), opened }
    }

    /// This, and what another request takes with it.
    #[must_use]
    pub fn and(mut self, other: &Self) -> Self {
        self.exports = self.exports.saturating_add(other.exports);
        self.opened.extend(&other.opened);
        self.opened.sort_unstable();
        self.opened.dedup();
        self
    }
}

/// What rules in the shadow answered: nothing came of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventShadow {
    /// What they decided.
    pub decision: Verdict,
    /// Why.
    pub reason: Reason,
    /// The rules that decided.
    #[serde(skip_serializing_if = "is_empty", default)]
    pub rules: Arc<[Arc<str>]>,
    /// Whether the rules in force decided otherwise.
    #[serde(skip_serializing_if = "is_false", default)]
    pub differs: bool,
}

/// What a reply was to a request that no route matched: for learning what routes there should be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventObserved {
    /// Its media type, without parameters; absent if it had none that is usual.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub media_type: Option<String>,
    /// Whether it said that it is a file to be kept (`Content-Disposition: attachment`).
    #[serde(skip_serializing_if = "is_false", default)]
    pub attachment: bool,
    /// The pointer to its largest array (RFC 6901, `*` for every element of one on the way), if it is JSON, has one, and no name
    /// on the way could be somebody's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub records_at: Option<String>,
    /// Whether it was a FHIR `Bundle`, under whatever type.
    #[serde(skip_serializing_if = "is_false", default)]
    pub bundle: bool,
}

/// A reason that a person gave, as the event keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventJustification {
    /// One of the codes that the page offers.
    pub code: String,
    /// In the person's own words; absent where they are under seal.
    #[serde(skip_serializing_if = "String::is_empty", default)]
    pub text: String,
    /// The number of the request, protocol, document or authorization by which it is done.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub number: Option<String>,
    /// To whom it goes.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub recipient: Option<String>,
}

/// That somebody reads what events keep under seal.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventReading {
    /// Which events.
    pub events: Vec<RequestId>,
    /// For what.
    pub purpose: Purpose,
    /// Why.
    pub why: Why,
}

/// For what a person works from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventPurpose {
    /// What it was before; absent where they had not said yet.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub before: Option<Purpose>,
    /// What it is now.
    pub now: Purpose,
}

/// Something that a person had typed, as events tell of it: never what is in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventHold {
    /// Which.
    pub id: HoldId,
    /// What became of it.
    pub step: HoldStep,
    /// Whose it is; absent as long as nobody knows.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<SubjectId>,
}

/// A locked session, as events tell of it. Who acts under it is nobody, as long as it is locked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventLock {
    /// Which session.
    pub session: SessionId,
    /// What became of it.
    pub step: LockStep,
    /// Since when it was locked.
    pub since: Timestamp,
}

/// Who acted, as the event keeps it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct EventSubject {
    /// The provider's issuer URL.
    pub issuer: Arc<str>,
    /// The provider's identifier of the subject.
    pub sub: Arc<str>,
    /// The person's name.
    pub name: Arc<str>,
    /// The roles in force.
    pub roles: Vec<RoleName>,
    /// Why they worked.
    pub purpose: Purpose,
    /// The session.
    pub session: SessionId,
    /// The authentication context class reference.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub acr: Option<String>,
    /// The authentication methods references.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub amr: Vec<String>,
    /// When the person last authenticated; of a program, when its token was issued.
    pub auth_time: Timestamp,
    /// The program, where it is none of a person's.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub client: Option<EventClient>,
    /// What the rules could know of them, so that the same can be decided again; absent in older events.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub standing: Option<EventStanding>,
}

/// What the rules could know of somebody: by it the same can be decided again under other rules.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventStanding {
    /// Which provider vouches for them, as the configuration calls it.
    pub provider: ProviderName,
    /// Its groups; absent where they are too many to be kept with each event ([`STANDING_BYTES_MAX`]).
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub groups: Option<Vec<String>>,
    /// What else it has told that rules may read; absent where that is too much.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub attributes: Option<BTreeMap<String, Vec<String>>>,
    /// When each class of assurance was last proven.
    #[serde(skip_serializing_if = "BTreeMap::is_empty", default)]
    pub proven: BTreeMap<AssuranceClass, Timestamp>,
}

impl EventStanding {
    /// What is known of `identity`, as far as it is worth its place in every event.
    pub fn of(identity: &Identity) -> Self {
        let Identity { subject, provider, assurance, .. } = identity;
        let texts = |texts: &[String]| texts.iter().map(|text| text.len() + 3).sum::<usize>();
        let told = subject.attributes.iter().map(|(name, values)| name.len() + 5 + texts(values));
        let attributes_fit = told.sum::<usize>() <= STANDING_BYTES_MAX;
        Self {
            provider: provider.clone(),
            groups: (texts(&subject.groups) <= STANDING_BYTES_MAX).then(|| subject.groups.clone()),
            attributes: attributes_fit.then(|| subject.attributes.clone()),
            proven: assurance.proven.clone(),
        }
    }
}

impl EventStanding {
    /// In which departments they work, as their provider, a directory or a feed tells; none where nobody does.
    pub fn departments(&self) -> &[String] {
        self.attributes.as_ref().and_then(|told| told.get("department")).map_or(&[], Vec::as_slice)
    }
}

/// The most bytes that an event spends on somebody's groups, and on what else is known of them.
pub const STANDING_BYTES_MAX: usize = 1024;

/// A program that acts for itself, as the event keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventClient {
    /// Its name in the configuration.
    pub name: ClientName,
    /// What the provider calls it.
    pub client_id: Arc<str>,
    /// Who answers for it.
    pub owner: Arc<str>,
    /// The digest of the token's identifier, or of the token where it has none.
    pub token: Digest,
}

/// The second of an event's two entries: how it ended. A crash leaves an opening entry alone: the
/// outcome is unknown, which readers show as such.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Closing {
    /// Which event.
    pub event: RequestId,
    /// When the last byte had gone, or the caller had left.
    pub time: Timestamp,
    /// How it ended.
    pub outcome: Outcome,
    /// The HTTP status that the caller got; absent if the caller had left before.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub status: Option<u16>,
    /// Why, where the opening entry did not already say so.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub reason: Option<Reason>,
    /// Records in the reply.
    #[serde(skip_serializing_if = "is_not_counted", default = "not_counted")]
    pub records: Count,
    /// Distinct patients in the reply.
    #[serde(skip_serializing_if = "is_not_counted", default = "not_counted")]
    pub patients: Count,
    /// Who they were, where records name them by the numbers of requests: in a list or a file, and not because their record was
    /// asked for (that says `patient`). Of a reply that was withheld nobody.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub listed: Option<Listed>,
    /// The limit that was passed.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub exceeded: Option<Exceeded>,
    /// What was done about it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub on_exceed: Option<OnExceed>,
    /// Whether the reply was a file although the route's action is only to look: it counts as an export.
    #[serde(skip_serializing_if = "is_false", default)]
    pub found_file: bool,
    /// Which fields of the reply were withheld.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub redacted: Option<Box<EventRedacted>>,
    /// What the reply was, where no route matched the request.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub observed: Option<Box<EventObserved>>,
    /// What the reply handed out.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub given: Vec<EventGiven>,
    /// What was posted and is kept since its reply was too much: once the step is done it is sent again.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub hold: Option<Box<EventHold>>,
    /// Bytes of the request's body.
    pub bytes_in: u64,
    /// Bytes of the reply's body that were sent.
    pub bytes_out: u64,
    /// From the first byte of the request to the last of the reply, in microseconds.
    pub duration_us: u64,
    /// Of that, waiting for the application's head, in microseconds.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub upstream_us: Option<u64>,
    /// What came of a revocation.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub revoked: Option<Box<Revoked>>,
}

/// One entry of the journal. Says first what it is.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "entry", rename_all = "snake_case")]
#[expect(
    clippy::large_enum_variant,
    reason = "a closing entry is made once and not kept: a box would cost each request an allocation"
)]
pub enum Entry {
    /// An event begins.
    Opening(Box<Opening>),
    /// An event ends.
    Closing(Closing),
}

/// The opening and the closing entry of one request.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Event {
    /// The number of the opening entry.
    pub sequence: u64,
    /// How it began.
    pub opening: Box<Opening>,
    /// How it ended; absent if that is unknown, or not known yet.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub closing: Option<Closing>,
}

impl Opening {
    /// An event that begins, of which nothing else is known yet.
    pub fn begin(event: RequestId, kind: EventKind, time: Timestamp) -> Self {
        Self {
            event,
            kind,
            time,
            client_ip: None,
            device: None,
            device_feed: None,
            certificate: None,
            application: None,
            route: None,
            action: None,
            categories: Arc::default(),
            sensitivity: Arc::default(),
            laws: Arc::default(),
            method: None,
            host: None,
            path: None,
            batch_entry: None,
            query_keys: Vec::new(),
            patient: None,
            may_list: false,
            patient_context: None,
            needed: Vec::new(),
            taken: None,
            subject: None,
            verdict: Verdict::Deny,
            reasons: Vec::new(),
            rules: Arc::default(),
            rules_version: None,
            credential: None,
            relationships: Vec::new(),
            justification: None,
            accounted: false,
            purpose: None,
            break_glass: None,
            hold: None,
            lock: None,
            risks: Vec::new(),
            keep_alive_ignored: false,
            outage_extension: false,
            shadow: None,
            asked: None,
            note: None,
            revocation: None,
            provisioning: None,
            signal: None,
            patients_in_steps: None,
            sealed: None,
            reading: None,
            detection: None,
            review: None,
            gap: None,
        }
    }

    /// What it takes of the windows.
    pub fn takes(&self) -> Taken {
        let usual = || self.action.map(|action| Taken::by(action, self.patient)).unwrap_or_default();
        self.taken.as_ref().map_or_else(usual, |taken| Taken::clone(taken))
    }
}

impl Closing {
    /// How an event ended, of which nothing else is known.
    pub const fn of(event: RequestId, time: Timestamp, outcome: Outcome) -> Self {
        Self {
            event,
            time,
            outcome,
            status: None,
            reason: None,
            records: Count::NotCounted,
            patients: Count::NotCounted,
            listed: None,
            exceeded: None,
            on_exceed: None,
            found_file: false,
            redacted: None,
            observed: None,
            given: Vec::new(),
            hold: None,
            bytes_in: 0,
            bytes_out: 0,
            duration_us: 0,
            upstream_us: None,
            revoked: None,
        }
    }
}

fn is_empty<T>(list: &Arc<[T]>) -> bool {
    list.is_empty()
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u32) -> bool {
    *number == 0
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_false(value: &bool) -> bool {
    !*value
}

const fn not_counted() -> Count {
    Count::NotCounted
}

const fn is_not_counted(count: &Count) -> bool {
    matches!(count, Count::NotCounted)
}
