//! What an event tells beyond what every format has a place for, by names of ours.
//!
//! Each field of the two entries is named here: a new one does not compile until somebody has said where it goes. What the rules knew of a person so that the same can be decided again (groups, attributes and proofs) stays in
//! the journal, but for the department.

mod told;

use std::collections::BTreeMap;

use serde::Serialize;

use crate::domain::count::{Count, WhyUnknown};
use crate::domain::event::{Closing, Event, EventSubject, Opening};
use crate::domain::listed::Listed;
use crate::foundation::clock::Timestamp;

/// Something told, in the form in which it can be compared.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(untagged)]
pub(super) enum Value {
    /// A text.
    Text(String),
    /// A number.
    Number(u64),
    /// Yes or no.
    Flag(bool),
    /// Several texts.
    List(Vec<String>),
}

impl Value {
    /// As one text.
    pub(super) fn text(&self) -> String {
        match self {
            Self::Text(text) => text.clone(),
            Self::Number(number) => number.to_string(),
            Self::Flag(flag) => flag.to_string(),
            Self::List(texts) => texts.join(", "),
        }
    }
}

/// What is told, by name.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub(super) struct Facts(BTreeMap<&'static str, Value>);

impl Facts {
    /// What `event` tells beyond what every format has a place for.
    pub(super) fn of(event: &Event) -> Self {
        let mut facts = Self::default();
        facts.opened(&event.opening);
        if let Some(closing) = &event.closing {
            facts.closed(closing);
        }
        facts
    }

    /// All of them, in the order of their names.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, &Value)> {
        self.0.iter().map(|(name, value)| (*name, value))
    }

    /// One of them.
    pub(super) fn get(&self, name: &str) -> Option<&Value> {
        self.0.get(name)
    }

    fn say(&mut self, name: &'static str, value: Value) {
        let is_empty = match &value {
            Value::Text(text) => text.is_empty(),
            Value::List(texts) => texts.is_empty(),
            Value::Number(_) | Value::Flag(_) => false,
        };
        if !is_empty {
            self.0.insert(name, value);
        }
    }

    #[expect(clippy::needless_pass_by_value, reason = "words and numbers, mostly of one byte")]
    fn text(&mut self, name: &'static str, text: impl ToString) {
        self.say(name, Value::Text(text.to_string()));
    }

    fn text_of(&mut self, name: &'static str, text: Option<impl ToString>) {
        if let Some(text) = text {
            self.text(name, text);
        }
    }

    fn number(&mut self, name: &'static str, number: impl Into<u64>) {
        self.say(name, Value::Number(number.into()));
    }

    fn number_of(&mut self, name: &'static str, number: Option<impl Into<u64>>) {
        if let Some(number) = number {
            self.number(name, number);
        }
    }

    fn size(&mut self, name: &'static str, size: usize) {
        self.number(name, u64::try_from(size).unwrap_or(u64::MAX));
    }

    fn list<T: ToString>(&mut self, name: &'static str, texts: impl IntoIterator<Item = T>) {
        self.say(name, Value::List(texts.into_iter().map(|text| text.to_string()).collect()));
    }

    /// Said only where it is so.
    fn flag(&mut self, name: &'static str, flag: bool) {
        if flag {
            self.say(name, Value::Flag(true));
        }
    }

    fn time(&mut self, name: &'static str, time: Option<Timestamp>) {
        self.text_of(name, time);
    }

    fn opened(&mut self, opening: &Opening) {
        let Opening {
            kind,
            application,
            route,
            action,
            verdict,
            device,
            device_feed,
            certificate,
            categories,
            sensitivity,
            laws,
            batch_entry,
            query_keys,
            patient: _,
            // What came of it stands at the end.
            may_list: _,
            patient_context,
            needed,
            taken,
            subject,
            reasons,
            rules,
            rules_version,
            credential,
            relationships,
            justification,
            accounted,
            purpose,
            break_glass,
            hold,
            lock,
            risks,
            keep_alive_ignored,
            outage_extension,
            shadow,
            asked,
            note,
            revocation,
            provisioning,
            signal,
            patients_in_steps,
            sealed,
            reading,
            detection,
            review,
            gap,
            // Every format has a place for these.
            event: _,
            time: _,
            client_ip: _,
            method: _,
            host: _,
            path: _,
        } = opening;
        self.text("kind", kind);
        self.text_of("application", application.as_ref());
        self.text_of("route", route.as_ref());
        self.text_of("action", *action);
        self.text("decision", verdict);
        self.text_of("device.class", device.as_ref());
        if let Some(told) = device_feed.as_deref() {
            self.text("device.feed", &told.feed);
            self.number("device.feed.age_seconds", told.age_seconds);
            self.flag("device.feed.stale", told.stale);
            self.flag("device.feed.withdrawn", told.withdrawn);
        }
        self.text_of("device.certificate", certificate.as_deref());
        self.list("categories", categories.iter());
        self.list("sensitivity", sensitivity.iter());
        self.list("laws", laws.iter());
        self.number_of("batch.entry", *batch_entry);
        self.list("query.keys", query_keys.iter().map(String::as_str));
        self.text_of("patient.context", *patient_context);
        self.list("needed", needed.iter().map(|it| format!("{}:{}", it.name, it.brought)));
        if let Some(taken) = taken {
            self.number("taken.exports", taken.exports);
            self.size("taken.patients", taken.opened.len());
        }
        if let Some(subject) = subject {
            self.acted(subject);
        }
        self.list("decision.reasons", reasons);
        self.list("policy.rules", rules.iter());
        self.text_of("policy.version", rules_version.as_deref());
        self.text_of("upstream.account", credential.as_ref());
        self.list("relationships", relationships.iter().map(|it| it.relationship.as_str()));
        self.list("relationships.feeds", relationships.iter().filter_map(|it| it.feed.as_ref()));
        self.number_of(
            "relationships.age_seconds",
            relationships.iter().filter_map(|it| it.age_seconds).max(),
        );
        self.flag("relationships.stale", relationships.iter().any(|it| it.stale));
        if let Some(given) = justification {
            self.text("justification.code", &given.code);
            self.text("justification.text", &given.text);
            self.text_of("justification.number", given.number.as_ref());
            self.text_of("justification.recipient", given.recipient.as_ref());
        }
        self.flag("disclosure.accounted", *accounted);
        if let Some(told) = break_glass {
            self.broken(told);
        }
        if let Some(purpose) = purpose {
            self.text_of("purpose.before", purpose.before);
            self.text("purpose.now", purpose.now);
        }
        if let Some(hold) = hold {
            self.held(hold);
        }
        if let Some(lock) = lock {
            self.text("lock.session", lock.session);
            self.text("lock.step", lock.step);
            self.text("lock.since", lock.since);
        }
        self.list("risks", risks.iter().map(|risk| format!("{}:{}:{}", risk.rule, risk.sign, risk.step)));
        self.flag("keep_alive_ignored", *keep_alive_ignored);
        self.flag("outage_extension", *outage_extension);
        if let Some(shadow) = shadow {
            self.text("shadow.decision", shadow.decision);
            self.text("shadow.reason", shadow.reason);
            self.list("shadow.rules", shadow.rules.iter());
            self.flag("shadow.differs", shadow.differs);
        }
        if let Some(asked) = asked {
            self.asked(asked);
        }
        self.text_of("note", note.as_ref());
        if let Some(revocation) = revocation {
            self.ordered(revocation);
        }
        if let Some(told) = provisioning {
            self.provisioned(told);
        }
        if let Some(signal) = signal {
            self.signalled(signal);
        }
        self.number_of("patients_in_steps", *patients_in_steps);
        // What is under seal stays where its keys are.
        self.flag("sealed", sealed.is_some());
        if let Some(reading) = reading {
            self.list("reading.events", &reading.events);
            self.text("reading.purpose", reading.purpose);
            self.text("reading.why", reading.why.as_str());
        }
        if let Some(detection) = detection {
            self.found(detection);
        }
        if let Some(review) = review {
            self.reviewed(review);
        }
        if let Some(gap) = gap {
            self.missed(gap);
        }
    }

    fn acted(&mut self, subject: &EventSubject) {
        let EventSubject {
            session,
            acr,
            amr,
            auth_time,
            client,
            standing,
            purpose,
            // Every format has a place for these.
            issuer: _,
            sub: _,
            name: _,
            roles: _,
        } = subject;
        self.text("purpose", *purpose);
        self.text("purpose.code", purpose.hl7_code());
        self.text("purpose.basis", purpose.basis());
        self.text("session", session);
        self.text_of("authn.acr", acr.as_ref());
        self.list("authn.amr", amr);
        self.text("authn.time", auth_time);
        if let Some(standing) = standing {
            self.text("authn.provider", &standing.provider);
            self.list("department", standing.departments());
        }
        if let Some(client) = client {
            self.text("client.name", &client.name);
            self.text("client.id", &client.client_id);
            self.text("client.owner", &client.owner);
            self.text("client.token", client.token);
        }
    }

    fn closed(&mut self, closing: &Closing) {
        let Closing {
            records,
            patients,
            listed,
            exceeded,
            on_exceed,
            found_file,
            redacted,
            observed,
            given,
            hold,
            bytes_in,
            bytes_out,
            duration_us,
            upstream_us,
            revoked,
            // Every format has a place for these.
            event: _,
            time: _,
            outcome: _,
            status: _,
            reason: _,
        } = closing;
        self.count(("records", "records.certainty"), *records);
        self.count(("patients", "patients.certainty"), *patients);
        match listed {
            // Who they are has its place in every format, as far as there is room.
            Some(Listed::Each(each)) => self.size("patients.listed", each.as_slice().len()),
            Some(Listed::Together(digest)) => self.text("patients.digest", digest),
            None => {}
        }
        if let Some(exceeded) = exceeded {
            self.text("limit.name", exceeded.limit);
            self.number("limit.allowed", exceeded.allowed);
            self.number("limit.actual", exceeded.actual);
        }
        if let Some(hold) = hold {
            self.held(hold);
        }
        self.text_of("limit.then", *on_exceed);
        self.flag("found_file", *found_file);
        if let Some(redacted) = redacted {
            self.list("redacted.fields", &redacted.fields);
            self.number("redacted.values", redacted.values);
            self.flag("redacted.body_left_out", redacted.body_left_out);
        }
        if let Some(observed) = observed {
            self.text_of("observed.media_type", observed.media_type.as_ref());
            self.flag("observed.attachment", observed.attachment);
            self.text_of("observed.records_at", observed.records_at.as_ref());
            self.flag("observed.bundle", observed.bundle);
        }
        self.list("given", given.iter().map(|it| format!("{}:{}", it.name, it.number)));
        self.number("bytes.in", *bytes_in);
        self.number("bytes.out", *bytes_out);
        self.number("duration_us", *duration_us);
        self.number_of("upstream_us", *upstream_us);
        if let Some(revoked) = revoked {
            self.revoked(revoked);
        }
    }

    /// The number that is certain, and how certain it is. What nobody counted is not told.
    fn count(&mut self, (name, certainty): (&'static str, &'static str), count: Count) {
        let certain = match count {
            Count::Exactly(_) => "exactly",
            Count::AtLeast(_) => "at-least",
            Count::Unknown(why) => match why {
                WhyUnknown::Opaque => "unknown: opaque",
                WhyUnknown::Undeclared => "unknown: undeclared",
                WhyUnknown::Coding => "unknown: coding",
                WhyUnknown::Undecodable => "unknown: undecodable",
                WhyUnknown::Unparsable => "unknown: unparsable",
                WhyUnknown::Mismatch => "unknown: mismatch",
                WhyUnknown::Charset => "unknown: charset",
                WhyUnknown::Partial => "unknown: partial",
                WhyUnknown::Incomplete => "unknown: incomplete",
            },
            Count::NotCounted => return,
        };
        self.text(certainty, certain);
        match count {
            Count::Exactly(number) | Count::AtLeast(number) => self.number(name, number),
            Count::Unknown(_) | Count::NotCounted => {}
        }
    }
}
