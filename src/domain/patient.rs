//! Which patient a request concerns.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::application::ApplicationName;
use super::phi::Phi;
use crate::foundation::digest::{Digest, DigestKey};

/// A patient as one application names them, taken from a route's `{patient}`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PatientRef {
    application: ApplicationName,
    id: Phi<String>,
}

impl PatientRef {
    /// The patient whom `application` calls `id`.
    pub fn new(application: ApplicationName, id: String) -> Self {
        Self { application, id: Phi::new(id) }
    }

    /// The application that calls them so.
    pub const fn application(&self) -> &ApplicationName {
        &self.application
    }

    /// What the application calls them, to be looked up.
    pub const fn id(&self) -> &Phi<String> {
        &self.id
    }

    /// How events name this patient: a digest under the journal's own key.
    pub fn digest(&self, key: &DigestKey) -> PatientDigest {
        digest(&self.application, self.id.reveal().as_bytes(), key)
    }
}

/// What events call the patients of one application, for replies that name many of them.
#[derive(Clone, Debug)]
pub struct PatientNames {
    application: ApplicationName,
    key: Arc<DigestKey>,
}

impl PatientNames {
    /// Those of `application` under the journal's own key.
    pub const fn of(application: ApplicationName, key: Arc<DigestKey>) -> Self {
        Self { application, key }
    }

    /// How events name the patient whom the application calls `id`: as [`PatientRef::digest`] does.
    pub fn digest(&self, id: &[u8]) -> PatientDigest {
        digest(&self.application, id, &self.key)
    }
}

fn digest(application: &ApplicationName, id: &[u8], key: &DigestKey) -> PatientDigest {
    PatientDigest(key.digest(&[application.as_str().as_bytes(), id]))
}

/// A patient in an event: the same patient of the same application has the same digest, and
/// nobody without the key can tell who it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PatientDigest(Digest);

impl PatientDigest {
    /// The digest itself.
    pub const fn digest(&self) -> &Digest {
        &self.0
    }
}

/// What events call one patient: by the key of now, and by those before it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PatientDigests {
    now: PatientDigest,
    earlier: Vec<PatientDigest>,
}

impl PatientDigests {
    /// By the key of now, and by each before it that is still there.
    pub const fn new(now: PatientDigest, earlier: Vec<PatientDigest>) -> Self {
        Self { now, earlier }
    }

    /// By the key of now.
    pub const fn now(&self) -> PatientDigest {
        self.now
    }

    /// All of them, that of now first.
    pub fn each(&self) -> impl Iterator<Item = &PatientDigest> {
        std::iter::once(&self.now).chain(&self.earlier)
    }
}

impl From<PatientDigest> for PatientDigests {
    fn from(now: PatientDigest) -> Self {
        Self::new(now, Vec::new())
    }
}

/// From so many patients on, asked for by numbers at equal steps, an event says so: two make a step, and chance makes a third.
pub const STEPS_MIN: u32 = 4;
