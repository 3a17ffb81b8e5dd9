//! What a page carries from the question to the answer: for whom, and for which patient. Nothing is kept of it here, so that the
//! answer may come to any node; it is signed by the gateway's key, and good for one session and an hour.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::{Deserialize, Serialize};

use crate::domain::application::ApplicationName;
use crate::domain::break_glass::BreakRelation;
use crate::domain::patient::{PatientDigest, PatientRef};
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;

/// That somebody may break the glass of a patient.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prompt {
    /// In this session.
    pub session: SessionId,
    /// In this application.
    pub application: ApplicationName,
    /// Of this patient.
    pub patient: PatientDigest,
    /// The last characters of their number, if that tells one from another and no more.
    pub ending: Option<String>,
    /// What is known of the two.
    pub relation: BreakRelation,
    /// The relationships by which the rules would have let them.
    pub relationships: Vec<String>,
    /// When it was found.
    pub asked: Timestamp,
}

impl Prompt {
    /// As a page carries it.
    pub fn seal(&self, key: &DigestKey) -> Option<String> {
        let body = URL_SAFE_NO_PAD.encode(serde_json::to_vec(self).ok()?);
        let proof = key.digest(&[ABOUT, body.as_bytes()]);
        Some(format!("{body}.{proof}"))
    }

    /// What a page has brought, if it is ours, of this session and of the last hour.
    pub fn open(text: &str, key: &DigestKey, session: SessionId, now: Timestamp) -> Option<Self> {
        if text.len() > BYTES_MAX {
            return None;
        }
        let (body, proof) = text.rsplit_once('.')?;
        // Compared in constant time.
        let ours = Secret::new(key.digest(&[ABOUT, body.as_bytes()]).to_string());
        if ours != Secret::new(proof.to_owned()) {
            return None;
        }
        let prompt: Self = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(body).ok()?).ok()?;
        let is_of_now = prompt.asked <= now && now.since(prompt.asked) < LASTS;
        (prompt.session == session && is_of_now).then_some(prompt)
    }
}

/// The last two characters of a patient's number, where there are at least as many before them.
pub fn ending(patient: &PatientRef) -> Option<String> {
    let characters: Vec<char> = patient.id().reveal().chars().collect();
    let (_, last) = characters.split_at_checked(characters.len().checked_sub(SHOWN)?)?;
    (characters.len() >= 2 * SHOWN && last.iter().all(char::is_ascii_alphanumeric))
        .then(|| last.iter().collect())
}

const ABOUT: &[u8] = b"break-glass prompt";
const LASTS: Duration = Duration::from_secs(3600);
const BYTES_MAX: usize = 2048;
const SHOWN: usize = 2;
