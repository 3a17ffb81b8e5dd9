//! Who the person is here, what they have proven, and how long the session lasts.

use std::fmt;

use askama::Template;
use jiff::tz::TimeZone;

use super::messages::{Me, Messages, Way};
use super::{BREAK_GLASS_PATH, ME_END_PATH, ME_FORGET_PATH, ME_PATH, PageFrame, SIGN_OUT_PATH, layout, link};
use crate::domain::device::DeviceClass;
use crate::domain::subject::Identity;
use crate::features::risk::{KnownDevice, KnownNetwork};
use crate::features::session::{Ends, SessionSummary};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;
use crate::platform::page::Layout;
use crate::platform::page::time::on_the_clock;

/// What a session is, for the person whose it is.
pub struct MeView<'a> {
    /// Who, by whose word, in which roles and for what.
    pub identity: &'a Identity,
    /// Whether they may work for another purpose.
    pub may_choose: bool,
    /// Whether they have a chart open in an emergency, or owe a word about one.
    pub has_breaks: bool,
    /// When they signed in.
    pub since: Timestamp,
    /// When the session is locked and ends.
    pub ends: Ends,
    /// All sessions of theirs, this one among them, the latest first.
    pub sessions: Vec<SessionSummary>,
    /// This one.
    pub this: SessionId,
    /// Where they were proven before, as far as anybody asks; and the browser that this is.
    pub places: PlacesView,
    /// The present moment.
    pub now: Timestamp,
    /// The time zone of the clinic's clocks.
    pub zone: &'a TimeZone,
}

/// Where somebody was proven before.
#[derive(Clone, Debug, Default)]
pub struct PlacesView {
    /// Their browsers.
    pub devices: Vec<KnownDevice>,
    /// Their networks.
    pub networks: Vec<KnownNetwork>,
    /// The browser that this is.
    pub here: Option<Digest>,
}

impl fmt::Debug for MeView<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("MeView(..)")
    }
}

#[derive(Template)]
#[template(path = "me.html")]
pub(super) struct MePage<'a> {
    layout: Layout<'a>,
    texts: &'a Me,
    facts: Vec<Fact>,
    sessions: Vec<Listed>,
    /// Where they were proven before.
    places: Vec<Fact>,
    /// Where they say that they work for another purpose, if they may.
    purpose_link: Option<String>,
    /// Where they see what is open in an emergency, if anything is.
    breaks_path: Option<&'static str>,
    sign_out_path: &'static str,
    end_path: &'static str,
    forget_path: &'static str,
    /// Where they sign in at another provider, if they may; and what to say of it.
    elsewhere: Option<(String, &'a Way)>,
}

/// One of their sessions.
struct Listed {
    id: String,
    host: String,
    is_this: bool,
    facts: Vec<Fact>,
}

struct Fact {
    name: String,
    values: Vec<String>,
}

impl<'a> MePage<'a> {
    pub(super) fn new(frame: &PageFrame<'a>, messages: &'a Messages, view: &MeView<'_>) -> Self {
        let texts = &messages.me;
        Self {
            layout: layout(frame, messages, texts.title.as_str()),
            texts,
            facts: facts(messages, view),
            sessions: view.sessions.iter().map(|session| listed(messages, view, session)).collect(),
            places: places(messages, view),
            purpose_link: view.may_choose.then(|| link::purpose_address(ME_PATH)),
            breaks_path: view.has_breaks.then_some(BREAK_GLASS_PATH),
            sign_out_path: SIGN_OUT_PATH,
            end_path: ME_END_PATH,
            forget_path: ME_FORGET_PATH,
            elsewhere: frame.is_choice.then(|| (link::sign_in_elsewhere("/"), &messages.way)),
        }
    }
}

fn facts(messages: &Messages, view: &MeView<'_>) -> Vec<Fact> {
    let texts = &messages.me;
    let identity = view.identity;
    let purpose = messages.purpose.of(identity.purpose).to_string();
    let lock = view.ends.lock.map(|lock| Fact::one(&texts.lock_end, moment(messages, view, lock)));
    let mut facts = vec![
        Fact::one(&texts.name, identity.subject.name.to_string()),
        Fact::one(&texts.provider, identity.provider.to_string()),
        Fact::some(&texts.roles, identity.roles.iter().map(ToString::to_string), &texts.no_roles),
        Fact::one(&texts.purpose, purpose),
        Fact::one(&texts.since, moment(messages, view, view.since)),
        Fact::some(&texts.assurance, proven(messages, view), &texts.assurance_none),
    ];
    facts.extend(lock);
    facts.push(Fact::one(&texts.idle_end, moment(messages, view, view.ends.idle)));
    facts.push(Fact::one(&texts.absolute_end, moment(messages, view, view.ends.absolute)));
    facts
}

fn listed(messages: &Messages, view: &MeView<'_>, session: &SessionSummary) -> Listed {
    let texts = &messages.me;
    let is_this = session.id == view.this;
    let state = match (is_this, session.locked) {
        (true, _) => &texts.here,
        (false, true) => &texts.locked,
        (false, false) => &texts.open,
    };
    let device = session.device.as_ref().map(DeviceClass::to_string);
    let mut facts = vec![
        Fact::one(&texts.since, moment(messages, view, session.created)),
        Fact::one(&texts.last_seen, moment(messages, view, session.last_seen)),
        Fact::one(&texts.state, state.to_string()),
    ];
    facts.extend(device.map(|device| Fact::one(&texts.device, device)));
    Listed { id: session.id.to_string(), host: session.host.to_string(), is_this, facts }
}

/// The browsers and networks, the latest first.
fn places(messages: &Messages, view: &MeView<'_>) -> Vec<Fact> {
    let (texts, places) = (&messages.me, &view.places);
    let used = |since, last| {
        let on = |at| on_the_clock(view.now, at, view.zone);
        texts.known_since.with(&[("since", &on(since)), ("last", &on(last))])
    };
    let device = |known: &KnownDevice| {
        let name = if Some(known.browser) == places.here { &texts.this_browser } else { &texts.a_browser };
        Fact::one(name, used(known.since, known.last))
    };
    let network = |known: &KnownNetwork| {
        Fact::one(&texts.network.with(&[("network", &known.network)]), used(known.since, known.last))
    };
    places.devices.iter().rev().map(device).chain(places.networks.iter().rev().map(network)).collect()
}

/// The classes proven, each with when.
fn proven(messages: &Messages, view: &MeView<'_>) -> impl Iterator<Item = String> {
    view.identity
        .assurance
        .proven
        .iter()
        .map(|(class, at)| format!("{}: {}", messages.assurance_class(class), moment(messages, view, *at)))
}

fn moment(messages: &Messages, view: &MeView<'_>, at: Timestamp) -> String {
    let words = messages.duration.seen_from(view.now, at, &messages.number);
    format!("{}, {words}", on_the_clock(view.now, at, view.zone))
}

impl Fact {
    fn one(name: &impl fmt::Display, value: String) -> Self {
        Self { name: name.to_string(), values: vec![value] }
    }

    fn some(
        name: &impl fmt::Display,
        values: impl Iterator<Item = String>,
        none: &impl fmt::Display,
    ) -> Self {
        let mut values: Vec<_> = values.collect();
        if values.is_empty() {
            values.push(none.to_string());
        }
        Self { name: name.to_string(), values }
    }
}
