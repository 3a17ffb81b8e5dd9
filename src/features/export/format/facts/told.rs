//! What an event tells of something else than a request: a kept form, sessions that ended, a directory, a signal, a detection.

use super::Facts;
use crate::domain::asked::{Allowed, EventAsked};
use crate::domain::break_glass::{EventBreak, ReviewedBreak};
use crate::domain::detection::{Detection, Review};
use crate::domain::event::EventHold;
use crate::domain::gap::{Gap, GapShare};
use crate::domain::provisioning::Provisioning;
use crate::domain::revocation::{Others, Revocation, Revoked, Target, Why};
use crate::domain::signal::EventSignal;

impl Facts {
    pub(super) fn held(&mut self, hold: &EventHold) {
        let EventHold { id, step, person } = hold;
        self.text("hold.id", id);
        self.text("hold.step", step);
        self.text_of("hold.person", person.as_ref().map(|person| &person.sub));
    }

    /// Emergency access: which flavour, of whom, and what is said of it.
    pub(super) fn broken(&mut self, told: &EventBreak) {
        let EventBreak {
            id,
            step,
            reason,
            relation,
            joins,
            until,
            end,
            person,
            text_owed,
            review,
            discloser,
        } = told;
        self.text_of("bg.id", *id);
        self.text("bg.step", step);
        self.text("bg.flavour", "bedside");
        self.text("bg.scope", "patient");
        self.text_of("bg.reason", *reason);
        self.text_of("bg.relationship", *relation);
        self.text_of("bg.joins", *joins);
        self.time("bg.until", *until);
        self.text_of("bg.end", *end);
        self.text_of("bg.person", person.as_ref().map(|person| &person.sub));
        self.flag("bg.text_owed", *text_owed);
        self.text_of("bg.discloser", discloser.as_ref());
        if let Some(ReviewedBreak { state, finding, reviewer, note }) = review {
            self.text("bg.review.state", state);
            self.text_of("bg.review.finding", *finding);
            self.text_of("bg.review.reviewer", reviewer.as_ref());
            self.text_of("bg.review.note", note.as_ref().map(Why::as_str));
        }
    }

    pub(super) fn asked(&mut self, asked: &EventAsked) {
        let EventAsked { lowered, added, beyond } = asked;
        let changed = lowered.iter().map(|it| match it.from {
            Some(from) => format!("{}:{from}->{}", it.parameter, it.to),
            None => format!("{}:{}", it.parameter, it.to),
        });
        self.list("asked.lowered", changed);
        self.list("asked.added", added);
        let beyond =
            beyond.iter().map(|it| format!("{}:{}:{}", it.parameter, it.reason, allowed(&it.allowed)));
        self.list("asked.beyond", beyond);
    }

    pub(super) fn ordered(&mut self, revocation: &Revocation) {
        let Revocation { target, cause, why, request, asked, received, relayed } = revocation;
        let (kind, session, person) = match target {
            Target::Session(session) => ("session", Some(session.to_string()), None),
            Target::SignIn(session) => ("sign-in", Some(session.to_string()), None),
            Target::Person(person) => ("person", None, Some(&person.sub)),
            Target::Others(Others { person, but }) => ("others", Some(but.to_string()), Some(&person.sub)),
            Target::ProviderSession(session) => {
                ("provider-session", Some(session.sid.to_string()), session.sub.as_ref())
            }
        };
        self.text("revocation.target", kind);
        self.text_of("revocation.session", session);
        self.text_of("revocation.person", person);
        self.text("revocation.cause", cause);
        self.text_of("revocation.why", why.as_ref().map(Why::as_str));
        self.text_of("revocation.request", request.as_ref());
        self.text("revocation.asked", asked);
        self.text("revocation.received", received);
        self.text_of("revocation.relayed", relayed.as_ref());
    }

    pub(super) fn revoked(&mut self, revoked: &Revoked) {
        let Revoked { sessions, listed, person, stored, streams, cut, waiting } = revoked;
        self.number("revoked.sessions", *sessions);
        self.list("revoked.listed", listed);
        self.text_of("revoked.person", person.as_ref().map(|person| &person.sub));
        self.time("revoked.stored", *stored);
        self.number("revoked.streams", *streams);
        self.time("revoked.cut", *cut);
        self.number("revoked.waiting", *waiting);
    }

    pub(super) fn provisioned(&mut self, told: &Provisioning) {
        let Provisioning { provider, step, resource, joined, left, more } = told;
        self.text("directory.provider", provider);
        self.text("directory.step", step);
        if let Some(resource) = resource {
            self.text("directory.kind", resource.kind);
            self.text("directory.id", resource.id);
            self.text_of("directory.external_id", resource.external_id.as_ref());
            self.text("directory.name", &resource.name);
        }
        self.list("directory.joined", joined);
        self.list("directory.left", left);
        if *more > 0 {
            self.size("directory.more", *more);
        }
    }

    pub(super) fn signalled(&mut self, signal: &EventSignal) {
        let EventSignal { provider, kind, step, id, happened, issued, people, more } = signal;
        self.text("signal.provider", provider);
        self.text_of("signal.kind", *kind);
        self.text("signal.step", step);
        self.text_of("signal.id", id.as_ref());
        self.time("signal.happened", *happened);
        self.time("signal.issued", *issued);
        self.list("signal.people", people.iter().map(|person| &person.sub));
        if *more > 0 {
            self.size("signal.more", *more);
        }
    }

    pub(super) fn found(&mut self, detection: &Detection) {
        let Detection {
            id,
            rule,
            kind,
            severity,
            person,
            name,
            since,
            until,
            count,
            usual,
            why,
            requests,
            raises,
        } = detection;
        self.text("detection.id", id);
        self.text("detection.rule", rule);
        self.text("detection.kind", kind);
        self.text("detection.severity", severity);
        self.text("detection.issuer", &person.issuer);
        self.text("detection.person", &person.sub);
        self.text("detection.name", name);
        self.text("detection.since", since);
        self.text("detection.until", until);
        self.number("detection.count", *count);
        self.number_of("detection.usual", *usual);
        self.text("detection.why", why);
        self.list("detection.requests", requests);
        self.flag("detection.raises", *raises);
    }

    pub(super) fn reviewed(&mut self, review: &Review) {
        let Review { detection, state, finding, note, quiet_until } = review;
        self.text("review.detection", detection);
        self.text("review.state", state);
        self.text_of("review.finding", *finding);
        self.text_of("review.note", note.as_ref().map(Why::as_str));
        self.time("review.quiet_until", *quiet_until);
    }

    pub(super) fn missed(&mut self, gap: &Gap) {
        let Gap { why, since, requests, from, to, shares, others } = gap;
        self.text("gap.why", why);
        self.text("gap.since", since);
        self.number("gap.requests", *requests);
        self.text("gap.from", from);
        self.text("gap.to", to);
        self.list("gap.shares", shares.iter().map(share));
        self.number("gap.others", *others);
    }
}

/// Who, where, and how many requests.
fn share(share: &GapShare) -> String {
    let GapShare { person, application, route, requests } = share;
    let application = application.as_ref().map_or("-", |application| application.as_str());
    let route = route.as_ref().map_or("-", |route| route.as_str());
    format!("{} {} {application} {route} {requests}", person.issuer, person.sub)
}

fn allowed(allowed: &Allowed) -> String {
    match allowed {
        Allowed::AtMost(number) => format!("at most {number}"),
        Allowed::Days(days) => format!("{days} days"),
        Allowed::Characters(characters) => format!("{characters} characters"),
        Allowed::OneOf(words) => format!("one of {}", words.join(" ")),
        Allowed::Once => "once".to_owned(),
    }
}
