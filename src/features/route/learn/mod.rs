//! Learns routes from what was observed: requests that none matched become patterns of paths, methods, and a guess at
//! what each does.
//!
//! Takes events one by one in bounded memory and proposes; a person decides. What is proposed reaches nobody as it stands:
//! every route is of a category that no role has been given. Segments that vary become captures, so that no identifier is
//! written into a file; what a query's parameters are called is told, what they held is not recorded.

mod guess;
mod path;
mod tell;

use std::collections::{BTreeMap, BTreeSet};

use crate::domain::application::ApplicationName;
use crate::domain::event::{Closing, Opening};
use crate::domain::reason::Reason;
use crate::foundation::clock::Timestamp;
use path::Tree;

/// What is learned of one application.
#[derive(Debug)]
pub struct Learning {
    application: ApplicationName,
    tree: Tree,
    requests: u64,
    failed: u64,
    left_out: u64,
    first: Option<Timestamp>,
    last: Option<Timestamp>,
}

/// A route that there should be.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Proposal {
    /// As a route writes it.
    pattern: String,
    /// What was met there, by method.
    methods: BTreeMap<String, Met>,
}

/// What was met at one pattern by one method.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Met {
    requests: u64,
    media_types: BTreeMap<String, u64>,
    attachments: u64,
    records: u64,
    /// Where they stood, in the reply that had the most.
    records_at: Option<String>,
    bundles: u64,
    bytes: u64,
    query_keys: BTreeSet<String>,
    people: BTreeSet<u64>,
}

impl Learning {
    /// Of this application, with nothing learned yet.
    pub fn of(application: ApplicationName) -> Self {
        Self {
            application,
            tree: Tree::default(),
            requests: 0,
            failed: 0,
            left_out: 0,
            first: None,
            last: None,
        }
    }

    /// Learns from an event, if it is of a request that no route matched.
    pub fn add(&mut self, opening: &Opening, closing: Option<&Closing>) {
        let is_observed = opening.reasons.contains(&Reason::UnmatchedObserved);
        let (Some(path), Some(method), Some(closing)) = (&opening.path, &opening.method, closing) else {
            return;
        };
        if !is_observed || opening.application.as_ref() != Some(&self.application) {
            return;
        }
        self.first = self.first.min(Some(opening.time)).or(Some(opening.time));
        self.last = self.last.max(Some(opening.time));
        // What is not there, and what the application refused, makes no route.
        if !closing.status.is_some_and(|status| (200..400).contains(&status)) {
            self.failed += 1;
            return;
        }
        match self.tree.at(path) {
            Some(methods) if methods.len() < METHODS_MAX || methods.contains_key(&**method) => {
                self.requests += 1;
                methods.entry(method.to_string()).or_default().add(opening, closing);
            }
            Some(_) | None => self.left_out += 1,
        }
    }

    /// Whether anything was learned.
    pub const fn is_empty(&self) -> bool {
        self.requests == 0
    }
}

impl Met {
    fn add(&mut self, opening: &Opening, closing: &Closing) {
        self.requests += 1;
        let records_at = closing.observed.as_ref().and_then(|observed| observed.records_at.as_ref());
        self.most(closing.records.at_least(), records_at.filter(|at| is_pointer(at)).cloned());
        self.bytes = self.bytes.max(closing.bytes_out);
        if let Some(observed) = &closing.observed {
            self.bundles += u64::from(observed.bundle);
            self.attachments += u64::from(observed.attachment);
            if let Some(media_type) = &observed.media_type
                && (self.media_types.len() < WORDS_MAX || self.media_types.contains_key(media_type))
            {
                *self.media_types.entry(media_type.clone()).or_default() += 1;
            }
        }
        for key in &opening.query_keys {
            if self.query_keys.len() < WORDS_MAX && is_name(key) {
                self.query_keys.insert(key.clone());
            }
        }
        if let Some(subject) = &opening.subject
            && self.people.len() < PEOPLE_MAX
        {
            self.people.insert(path::hashed(&(&subject.issuer, &subject.sub)));
        }
    }

    /// Records of one reply, and where they stood.
    fn most(&mut self, records: u64, records_at: Option<String>) {
        if records > self.records || self.records_at.is_none() {
            self.records_at = records_at;
        }
        self.records = self.records.max(records);
    }

    /// Takes what was met where another pattern has become this one.
    fn extend(&mut self, other: Self) {
        self.requests += other.requests;
        self.attachments += other.attachments;
        self.bundles += other.bundles;
        self.most(other.records, other.records_at);
        self.bytes = self.bytes.max(other.bytes);
        for (media_type, number) in other.media_types {
            *self.media_types.entry(media_type).or_default() += number;
        }
        self.query_keys.extend(other.query_keys);
        self.people.extend(other.people);
    }
}

/// Whether a key is a name, and not a value that stands where a key would (`?4711`).
fn is_name(key: &str) -> bool {
    let known = |byte: u8| byte.is_ascii_alphanumeric() || b"_-.[]:$@".contains(&byte);
    key.len() <= 40 && key.bytes().all(known) && !path::varies(key)
}

/// Whether every step of a pointer is a name, or stands for all elements.
fn is_pointer(text: &str) -> bool {
    text.split('/').skip(1).all(|step| step == "*" || is_name(step))
        && (text.is_empty() || text.starts_with('/'))
}

const METHODS_MAX: usize = 8;
const WORDS_MAX: usize = 24;
const PEOPLE_MAX: usize = 256;
