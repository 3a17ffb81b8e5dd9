//! What a provider signals of its people (Shared Signals: SSF, CAEP, RISC), as events keep it: what happened, to how
//! many of those we know, and what was done. Never whom else it named, nor what it said of them.

use serde::{Deserialize, Serialize};

use super::application::ProviderName;
use super::closed_list;
use super::subject::SubjectId;
use crate::foundation::clock::Timestamp;

closed_list! {
    /// What a signal says has happened.
    SignalKind {
        /// CAEP: a session was revoked.
        SessionRevoked = "session-revoked",
        /// CAEP: a credential was made, changed, revoked or deleted.
        CredentialChange = "credential-change",
        /// CAEP: how surely somebody is known has changed.
        AssuranceLevelChange = "assurance-level-change",
        /// CAEP: what is said of somebody has changed.
        TokenClaimsChange = "token-claims-change",
        /// CAEP: a device has become compliant or has ceased to be.
        DeviceComplianceChange = "device-compliance-change",
        /// CAEP: the risk that somebody is not who they seem has changed.
        RiskLevelChange = "risk-level-change",
        /// CAEP: a session was begun.
        SessionEstablished = "session-established",
        /// CAEP: a session was seen.
        SessionPresented = "session-presented",
        /// RISC: an account may not be used.
        AccountDisabled = "account-disabled",
        /// RISC: an account may be used again.
        AccountEnabled = "account-enabled",
        /// RISC: an account is gone for good.
        AccountPurged = "account-purged",
        /// RISC: somebody has to change a credential.
        CredentialChangeRequired = "account-credential-change-required",
        /// RISC: a credential is known to somebody else.
        CredentialCompromise = "credential-compromise",
        /// RISC: all sessions of somebody were revoked.
        SessionsRevoked = "sessions-revoked",
        /// RISC: an identifier of somebody has changed.
        IdentifierChanged = "identifier-changed",
        /// RISC: an identifier belongs to somebody else now.
        IdentifierRecycled = "identifier-recycled",
        /// SSF: the stream is there, and brings what it is given.
        Verification = "verification",
        /// SSF: the stream was paused, disabled or enabled.
        StreamUpdated = "stream-updated",
        /// Something that we know no name for.
        Other = "other",
    }
}

closed_list! {
    /// What was done about a signal.
    SignalStep {
        /// What it calls for.
        CarriedOut = "carried-out",
        /// Nothing: it calls for nothing here.
        NotActedOn = "not-acted-on",
        /// Nothing: it names nobody whom we could find.
        NobodyMeant = "nobody-meant",
        /// Nothing, but that sessions end where an account is disabled: something later was done before.
        Overtaken = "overtaken",
        /// Nothing: it came before, and was done then.
        TakenBefore = "taken-before",
        /// It was not taken: it does not hold.
        Refused = "refused",
        /// It was not completed, and is asked for again.
        Incomplete = "incomplete",
    }
}

/// A signal, as events tell of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventSignal {
    /// Whose people it is about.
    pub provider: ProviderName,
    /// What has happened; absent of what could not be read.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub kind: Option<SignalKind>,
    /// What was done about it.
    pub step: SignalStep,
    /// What its transmitter calls it: `jti`.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub id: Option<String>,
    /// When it happened, by the transmitter's clock.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub happened: Option<Timestamp>,
    /// When the transmitter signed it.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub issued: Option<Timestamp>,
    /// The first [`EventSignal::LISTED_MAX`] of those for whom something was done.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub people: Vec<SubjectId>,
    /// How many more there were.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub more: usize,
}

impl EventSignal {
    /// How many people are named.
    pub const LISTED_MAX: usize = 16;

    /// A signal of which nothing is known but from whom it came.
    pub const fn of(provider: ProviderName, step: SignalStep) -> Self {
        Self {
            provider,
            kind: None,
            step,
            id: None,
            happened: None,
            issued: None,
            people: Vec::new(),
            more: 0,
        }
    }

    /// Names those for whom something was done.
    pub fn name(&mut self, people: &[SubjectId]) {
        self.people = people.iter().take(Self::LISTED_MAX).cloned().collect();
        self.more = people.len().saturating_sub(Self::LISTED_MAX);
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &usize) -> bool {
    *number == 0
}
