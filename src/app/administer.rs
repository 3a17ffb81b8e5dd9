//! The gateway that runs, asked by an administrator through its control listener.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::{Deserialize, Serialize};

use super::control_client::{ControlClient, UnreachableError, meaning};
use crate::control::evidence;
use crate::control::settings::ControlSettings;
use crate::domain::application::ProviderName;
use crate::domain::break_glass::{BreakFinding, BreakReview};
use crate::domain::detection::ReviewState;
use crate::domain::device::{BoundTo, DeviceClass};
use crate::domain::purpose::Purpose;
use crate::domain::revocation::Why;
use crate::features::audit::seal::{KeyName, PeriodNow};
use crate::features::break_glass::Break;
use crate::features::detect::Item;
use crate::features::export::ExportNow;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{RequestId, SessionId};

/// The gateway that runs.
#[derive(Debug)]
pub struct Administered(ControlClient);

/// What cannot be done with it.
#[derive(Debug, thiserror::Error)]
pub enum AdministerError {
    /// It cannot be asked.
    #[error("what is asked is the running gateway's to say")]
    Unreachable(#[from] UnreachableError),
    /// What was asked cannot be written down.
    #[error("what is asked cannot be written as JSON")]
    Unwritable,
    /// It says something else.
    #[error("the gateway answers {status}: {hint}")]
    Answer {
        /// Its status.
        status: StatusCode,
        /// What that means, or what it says.
        hint: String,
    },
}

/// Somebody who is signed in.
#[derive(Debug, Deserialize, Serialize)]
pub struct Listed {
    /// Which session.
    pub id: SessionId,
    /// The host whose cookie it is.
    pub host: String,
    /// Which provider vouches for the person.
    pub provider: ProviderName,
    /// The provider's identifier of the person.
    pub sub: String,
    /// The person's name.
    pub name: String,
    /// When the person signed in.
    pub created: Timestamp,
    /// When they were last active.
    pub last_seen: Timestamp,
    /// Whether the session is locked.
    #[serde(default)]
    pub locked: bool,
    /// The class of the device at which they signed in.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub device: Option<DeviceClass>,
    /// What it is bound to beside its cookie.
    #[serde(default)]
    pub bound_to: Vec<BoundTo>,
}

/// What is to end, and why.
#[derive(Debug, Default, Serialize)]
pub struct Leaving {
    /// One session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionId>,
    /// Every session of a person.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub person: Option<String>,
    /// The sessions that rest on one at the provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider_session: Option<String>,
    /// At which provider.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<ProviderName>,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub asked: Option<Timestamp>,
}

/// What has come of it.
#[derive(Debug, Deserialize)]
pub struct Left {
    /// How many sessions were ended.
    pub ended: u64,
    /// Long replies and WebSockets that went on by them.
    pub streams: u64,
    /// Of these, how many had not ended within a second.
    pub waiting: u64,
}

/// Whose seals are to be opened, for what and why.
#[derive(Debug, Serialize)]
pub struct Unsealing {
    /// The events.
    pub events: Vec<RequestId>,
    /// For what.
    pub purpose: Purpose,
    /// Why.
    pub why: Why,
}

/// What one event kept under seal: PHI, for the one who asked.
#[derive(Deserialize, Serialize)]
pub struct Revealed {
    /// Which.
    pub event: RequestId,
    /// What the application calls the patient.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
    /// The query.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub query: Option<String>,
    /// What the person said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub justification: Option<String>,
    /// Why it cannot be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<String>,
}

impl std::fmt::Debug for Revealed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Revealed").field("event", &self.event).finish_non_exhaustive()
    }
}

#[derive(Deserialize)]
struct Unsealed {
    events: Vec<Revealed>,
}

/// How the keys of months stand, the oldest first.
#[derive(Debug, Deserialize)]
pub struct Periods {
    /// Of what was sealed.
    pub periods: Vec<PeriodNow>,
    /// Of how patients were named, before the key of now.
    pub patients: Vec<PeriodNow>,
}

#[derive(Deserialize)]
struct Everybody {
    sessions: Vec<Listed>,
}

#[derive(Deserialize)]
struct Found {
    detections: Vec<Item>,
}

/// Emergency access, and which of it is overdue.
#[derive(Debug, Deserialize)]
pub struct Breaks {
    /// The latest first.
    pub breaks: Vec<Break>,
    /// Those whose review is overdue.
    pub overdue: Vec<RequestId>,
}

/// What a reviewer says of emergency access.
#[derive(Debug, Serialize)]
pub struct BreakSaid {
    /// How far it has come.
    pub state: BreakReview,
    /// What was found.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub finding: Option<BreakFinding>,
    /// Who looks.
    pub reviewer: String,
    /// In their words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<Why>,
}

#[derive(Deserialize)]
struct HandedOn {
    exports: Vec<ExportNow>,
}

#[derive(Deserialize)]
struct Problem {
    title: String,
}

impl Administered {
    /// The one that runs on these settings.
    pub fn by(control: &ControlSettings) -> Result<Self, AdministerError> {
        Ok(Self(ControlClient::new(control, ANSWERS_WITHIN)?))
    }

    /// The same, which is waited for as long as an evidence pack takes.
    pub fn that_packs(control: &ControlSettings) -> Result<Self, AdministerError> {
        Ok(Self(ControlClient::new(control, PACKED_WITHIN)?.with_reply_bytes(PACK_BYTES_MAX)))
    }

    /// Makes an evidence pack: the ZIP.
    pub async fn evidence(&self, question: &evidence::Question) -> Result<Vec<u8>, AdministerError> {
        let body = serde_json::to_vec(question).map_err(|_| AdministerError::Unwritable)?;
        self.answer(Method::POST, "/api/v1/evidence", body).await
    }

    /// Who is signed in, the latest first; of a person, if one is named.
    pub async fn sessions(&self, person: Option<&str>, limit: usize) -> Result<Vec<Listed>, AdministerError> {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.append_pair("limit", &limit.to_string());
        if let Some(person) = person {
            query.append_pair("person", person);
        }
        let target = format!("/api/v1/sessions?{}", query.finish());
        let everybody: Everybody = self.ask(Method::GET, &target, Vec::new()).await?;
        Ok(everybody.sessions)
    }

    /// What was found in the stream of events, the latest first; of one state, if it is named.
    pub async fn detections(
        &self,
        state: Option<ReviewState>,
        limit: usize,
    ) -> Result<Vec<Item>, AdministerError> {
        let state = state.map_or_else(String::new, |state| format!("&state={state}"));
        let target = format!("/api/v1/detections?limit={limit}{state}");
        let found: Found = self.ask(Method::GET, &target, Vec::new()).await?;
        Ok(found.detections)
    }

    /// Emergency access, the latest first; of one state, if it is named.
    pub async fn breaks(&self, state: Option<BreakReview>, limit: usize) -> Result<Breaks, AdministerError> {
        let state = state.map_or_else(String::new, |state| format!("&state={state}"));
        let target = format!("/api/v1/break-glass?limit={limit}{state}");
        self.ask(Method::GET, &target, Vec::new()).await
    }

    /// Says what a reviewer has found of one.
    pub async fn review_break(&self, id: RequestId, said: &BreakSaid) -> Result<Break, AdministerError> {
        let body = serde_json::to_vec(said).map_err(|_| AdministerError::Unwritable)?;
        self.ask(Method::POST, &format!("/api/v1/break-glass/{id}"), body).await
    }

    /// How each export stands.
    pub async fn exports(&self) -> Result<Vec<ExportNow>, AdministerError> {
        let handed_on: HandedOn = self.ask(Method::GET, "/api/v1/exports", Vec::new()).await?;
        Ok(handed_on.exports)
    }

    /// Ends sessions.
    pub async fn revoke(&self, leaving: &Leaving) -> Result<Left, AdministerError> {
        let body = serde_json::to_vec(leaving).map_err(|_| AdministerError::Unwritable)?;
        self.ask(Method::POST, "/api/v1/sessions/revoke", body).await
    }

    /// Opens the seals of some events.
    pub async fn reveal(&self, asked: &Unsealing) -> Result<Vec<Revealed>, AdministerError> {
        let body = serde_json::to_vec(asked).map_err(|_| AdministerError::Unwritable)?;
        let unsealed: Unsealed = self.ask(Method::POST, "/api/v1/events/reveal", body).await?;
        Ok(unsealed.events)
    }

    /// How the key of each month stands, the oldest first.
    pub async fn periods(&self) -> Result<Periods, AdministerError> {
        self.ask(Method::GET, "/api/v1/seals", Vec::new()).await
    }

    /// Destroys the key of a month.
    pub async fn destroy(&self, key: KeyName, why: &Why) -> Result<(), AdministerError> {
        let KeyName { kind, period } = key;
        let body = serde_json::json!({ "period": period, "kind": kind, "why": why }).to_string().into_bytes();
        let _destroyed: serde_json::Value = self.ask(Method::POST, "/api/v1/seals/destroy", body).await?;
        Ok(())
    }

    /// Has patients named by a new key from the next start on.
    pub async fn renew_patients(&self, why: &Why) -> Result<(), AdministerError> {
        let body = serde_json::json!({ "why": why }).to_string().into_bytes();
        let _from: serde_json::Value = self.ask(Method::POST, "/api/v1/seals/renew-patients", body).await?;
        Ok(())
    }

    async fn ask<T: serde::de::DeserializeOwned>(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Result<T, AdministerError> {
        let body = self.answer(method, target, body).await?;
        let hint = "it is not ours".to_owned();
        serde_json::from_slice(&body).map_err(|_| AdministerError::Answer { status: StatusCode::OK, hint })
    }

    /// What it answers, where it does what is asked.
    async fn answer(&self, method: Method, target: &str, body: Vec<u8>) -> Result<Vec<u8>, AdministerError> {
        let reply = self.0.ask(method, target, body).await?;
        let status = reply.status();
        let body = reply.into_body();
        let answer = |hint: &str| AdministerError::Answer { status, hint: hint.to_owned() };
        if status == StatusCode::OK {
            return Ok(body);
        }
        let told =
            serde_json::from_slice::<Problem>(&body).ok().filter(|_| status != StatusCode::UNAUTHORIZED);
        Err(match (told, meaning(status)) {
            (Some(problem), _) => answer(&problem.title),
            (None, Some(meaning)) => answer(meaning),
            (None, None) => answer("it has too much to do, or is not ours"),
        })
    }
}

const ANSWERS_WITHIN: Duration = Duration::from_secs(30);
/// A little longer than the control listener lets one take.
const PACKED_WITHIN: Duration = Duration::from_secs(16 * 60);
/// More than a pack can have that is made while somebody waits.
const PACK_BYTES_MAX: usize = 300 << 20;
