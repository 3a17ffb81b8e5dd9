//! What a signal says: the event types of CAEP 1.0, RISC 1.0 and SSF 1.0 that we know, and what they call for.

use serde_json::{Map, Value};

use crate::domain::closed_list;
use crate::domain::revocation::Cause;
use crate::domain::risk::Level;
use crate::domain::signal::SignalKind;
use crate::foundation::clock::Timestamp;

closed_list! {
    /// How a stream of signals stands, by its transmitter's word.
    StreamStatus {
        /// Signals are sent.
        Enabled = "enabled",
        /// Signals are kept for later.
        Paused = "paused",
        /// Signals are thrown away.
        Disabled = "disabled",
    }
}

/// What a signal calls for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Call {
    /// A session of the person's ends, or where none is named all of them.
    EndSession(Cause),
    /// All sessions of the person end: they are to sign in anew.
    EndSessions(Cause),
    /// What the person has proven in their sessions counts no more.
    ForgetProven,
    /// All sessions of the person end, and they may not sign in any more.
    Bar(Cause),
    /// The person may sign in again.
    Admit,
    /// The person is at more risk than usual, or no more: rules may ask more of them.
    Risk(Level),
    /// The stream is there: the answer to a question, where that has asked with a state.
    Verify(Option<String>),
    /// The stream stands so now.
    Stream(StreamStatus),
    /// Nothing here.
    Nothing,
}

/// The kind of an event by its type, a URI.
pub(super) fn kind(event_type: &str) -> SignalKind {
    use SignalKind as Kind;
    let Some((family, name)) = event_type.strip_prefix(SCHEMAS).and_then(|rest| rest.split_once(EVENT_TYPE))
    else {
        return Kind::Other;
    };
    match (family, name) {
        ("caep", "session-revoked") => Kind::SessionRevoked,
        ("caep", "credential-change") => Kind::CredentialChange,
        ("caep", "assurance-level-change") => Kind::AssuranceLevelChange,
        ("caep", "token-claims-change") => Kind::TokenClaimsChange,
        ("caep", "device-compliance-change") => Kind::DeviceComplianceChange,
        ("caep", "risk-level-change") => Kind::RiskLevelChange,
        ("caep", "session-established") => Kind::SessionEstablished,
        ("caep", "session-presented") => Kind::SessionPresented,
        ("risc", "account-disabled") => Kind::AccountDisabled,
        ("risc", "account-enabled") => Kind::AccountEnabled,
        ("risc", "account-purged") => Kind::AccountPurged,
        ("risc", "account-credential-change-required") => Kind::CredentialChangeRequired,
        ("risc", "credential-compromise") => Kind::CredentialCompromise,
        ("risc", "sessions-revoked") => Kind::SessionsRevoked,
        ("risc", "identifier-changed") => Kind::IdentifierChanged,
        ("risc", "identifier-recycled") => Kind::IdentifierRecycled,
        ("ssf", "verification") => Kind::Verification,
        ("ssf", "stream-updated") => Kind::StreamUpdated,
        _ => Kind::Other,
    }
}

/// What an event of this kind calls for. What is not said is taken for the worse.
pub(super) fn call(kind: SignalKind, said: &Map<String, Value>) -> Call {
    let word = |name: &str| said.get(name).and_then(Value::as_str);
    match kind {
        SignalKind::SessionRevoked => Call::EndSession(Cause::SessionRevokedSignal),
        SignalKind::SessionsRevoked => Call::EndSessions(Cause::SessionsRevokedSignal),
        SignalKind::CredentialChange if matches!(word("change_type"), Some("create" | "update")) => {
            Call::Nothing
        }
        SignalKind::CredentialChange => Call::EndSessions(Cause::CredentialChange),
        SignalKind::CredentialChangeRequired => Call::EndSessions(Cause::CredentialChangeRequired),
        SignalKind::AssuranceLevelChange if is_higher(said) => Call::Nothing,
        SignalKind::AssuranceLevelChange => Call::ForgetProven,
        SignalKind::TokenClaimsChange => Call::EndSessions(Cause::TokenClaimsChange),
        SignalKind::DeviceComplianceChange if word("current_status") == Some("compliant") => Call::Nothing,
        SignalKind::DeviceComplianceChange => Call::EndSessions(Cause::DeviceComplianceChange),
        SignalKind::AccountDisabled => Call::Bar(Cause::AccountDisabled),
        SignalKind::AccountPurged => Call::Bar(Cause::AccountPurged),
        SignalKind::CredentialCompromise => Call::Bar(Cause::CredentialCompromise),
        SignalKind::AccountEnabled => Call::Admit,
        SignalKind::Verification => Call::Verify(word("state").map(str::to_owned)),
        SignalKind::StreamUpdated => {
            word("status").and_then(|status| status.parse().ok()).map_or(Call::Nothing, Call::Stream)
        }
        // A device or a tenant is nobody here.
        SignalKind::RiskLevelChange if word("principal").is_some_and(|of| !OF_PEOPLE.contains(&of)) => {
            Call::Nothing
        }
        SignalKind::RiskLevelChange => {
            let level = word("current_level").and_then(|level| level.to_ascii_lowercase().parse().ok());
            Call::Risk(level.unwrap_or(Level::High))
        }
        SignalKind::SessionEstablished
        | SignalKind::SessionPresented
        | SignalKind::IdentifierChanged
        | SignalKind::IdentifierRecycled
        | SignalKind::Other => Call::Nothing,
    }
}

/// Whether somebody is known more surely than before, by the event's own word or by levels of NIST SP 800-63.
fn is_higher(said: &Map<String, Value>) -> bool {
    let word = |name: &str| said.get(name).and_then(Value::as_str);
    if let Some(direction) = word("change_direction") {
        return direction == "increase";
    }
    let of_nist = word("namespace") == Some("NIST-AAL");
    of_nist && word("previous_level").is_some_and(|before| word("current_level") > Some(before))
}

/// When an event happened, if it says so: in seconds, as the standard has it, or in milliseconds, as drafts had it.
pub(super) fn happened(said: &Map<String, Value>) -> Option<Timestamp> {
    let number = said.get("event_timestamp").and_then(Value::as_f64).filter(|number| *number >= 0.0)?;
    let millis = if number < SECONDS_MAX { number * 1000.0 } else { number };
    #[expect(clippy::cast_possible_truncation, reason = "bounded in the same line")]
    (millis < SECONDS_MAX * 1000.0).then(|| Timestamp::from_millis(millis as i64))
}

/// Whom a word of risk may be about (CAEP 1.0 section 3.8).
const OF_PEOPLE: [&str; 2] = ["USER", "SESSION"];
const SCHEMAS: &str = "https://schemas.openid.net/secevent/";
const EVENT_TYPE: &str = "/event-type/";
/// In seconds the year 5138; in milliseconds 1973.
const SECONDS_MAX: f64 = 100_000_000_000.0;
