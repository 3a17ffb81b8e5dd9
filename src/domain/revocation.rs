//! The order to end sessions: which, why, on whose word, and since when.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::closed_list;
use super::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::{RequestId, SessionId};

/// The order to end sessions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revocation {
    /// What is to end.
    pub target: Target,
    /// On whose word, and by which way it came.
    pub cause: Cause,
    /// Why, in the words of whoever asked.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub why: Option<Why>,
    /// The event of the request by which it was asked for; absent where that leaves none of its own.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub request: Option<RequestId>,
    /// When it was asked for, by the clock of whoever asked.
    pub asked: Timestamp,
    /// When it was here.
    pub received: Timestamp,
    /// The event of it at the node that it was asked of, which has told this one; absent where it was asked of this node.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub relayed: Option<RequestId>,
}

/// What is to end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// One session.
    Session(SessionId),
    /// A session, and those at our other hosts that rest on the same session at the provider.
    SignIn(SessionId),
    /// Every session of a person at a provider.
    Person(SubjectId),
    /// Every session of a person at a provider, but for the one at which they are.
    Others(Others),
    /// The sessions that rest on one session at a provider.
    ProviderSession(ProviderSession),
}

/// Every session of a person but one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Others {
    /// Whose.
    pub person: SubjectId,
    /// The one that stays.
    pub but: SessionId,
}

/// One session at a provider, as the provider names it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct ProviderSession {
    /// The provider's issuer URL.
    pub issuer: Arc<str>,
    /// Its `sid`.
    pub sid: Arc<str>,
    /// Whose it is, where the provider says so. Sessions of theirs of which no `sid` is known end with it: each of
    /// them may be the one that is meant.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub sub: Option<Arc<str>>,
}

closed_list! {
    /// On whose word sessions end.
    Cause {
        /// The person has signed out here.
        SignOut = "sign-out",
        /// The person has ended it from the list of their sessions.
        OwnList = "own-list",
        /// Another person has signed in at the same browser.
        OtherPerson = "other-person",
        /// The person has signed in more often than they may at once: their oldest session ends.
        TooMany = "too-many",
        /// The person has signed in anew where the session could not be shown to be theirs: its cookie may have been copied.
        Elsewhere = "elsewhere",
        /// An administrator.
        Administrator = "administrator",
        /// The provider, by OpenID Connect Back-Channel Logout.
        BackChannelLogout = "back-channel-logout",
        /// The directory: the person's account is not active any more, or is gone.
        Scim = "scim",
        /// The directory: the person's account goes by another name. They are expected back.
        AccountRenamed = "account-renamed",
        /// A Shared Signal (CAEP): the session at the provider was revoked.
        SessionRevokedSignal = "caep-session-revoked",
        /// A Shared Signal (CAEP): one of the person's credentials was revoked or deleted.
        CredentialChange = "caep-credential-change",
        /// A Shared Signal (CAEP): what the provider says of the person has changed.
        TokenClaimsChange = "caep-token-claims-change",
        /// A Shared Signal (CAEP): the person's device is not compliant any more.
        DeviceComplianceChange = "caep-device-compliance-change",
        /// A Shared Signal (RISC): the person's account was disabled.
        AccountDisabled = "risc-account-disabled",
        /// A Shared Signal (RISC): the person's account was deleted.
        AccountPurged = "risc-account-purged",
        /// A Shared Signal (RISC): a credential of the person is known to somebody else.
        CredentialCompromise = "risc-credential-compromise",
        /// A Shared Signal (RISC): the person has to change a credential.
        CredentialChangeRequired = "risc-account-credential-change-required",
        /// A Shared Signal (RISC): all sessions of the person were revoked.
        SessionsRevokedSignal = "risc-sessions-revoked",
        /// The provider, which was asked again, does not vouch for a program's token any more.
        TokenInactive = "token-inactive",
    }
}

/// Why somebody wants sessions to end, in their own words: 1 to 200 characters, none of them a control character.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String")]
pub struct Why(String);

/// A text that is no reason.
#[derive(Clone, Copy, Debug, thiserror::Error)]
#[error("a reason is 1 to {WHY_CHARACTERS_MAX} characters, without line breaks and other control characters")]
pub struct WhyError;

impl Why {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl std::str::FromStr for Why {
    type Err = WhyError;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let text = text.trim();
        let is_why = (1..=WHY_CHARACTERS_MAX).contains(&text.chars().count());
        if is_why && !text.chars().any(char::is_control) { Ok(Self(text.to_owned())) } else { Err(WhyError) }
    }
}

impl TryFrom<String> for Why {
    type Error = WhyError;

    fn try_from(text: String) -> Result<Self, Self::Error> {
        text.parse()
    }
}

/// What has come of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Revoked {
    /// How many sessions were ended.
    pub sessions: u64,
    /// The first [`Revoked::LISTED_MAX`] of them.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub listed: Vec<SessionId>,
    /// Whose they were. One provider session is one person's, so is every other target.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub person: Option<SubjectId>,
    /// When they were gone from the store too; absent where it did not answer. No request is decided under them from
    /// `received` on.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub stored: Option<Timestamp>,
    /// Long replies and WebSockets that went on by them.
    pub streams: u64,
    /// When the last of these was cut; absent where there were none.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub cut: Option<Timestamp>,
    /// Of these, how many had not ended in time: nothing more is let go to them either. Where a caller takes nothing, the
    /// connection is cut.
    #[serde(skip_serializing_if = "is_zero", default)]
    pub waiting: u64,
}

impl Revoked {
    /// How many sessions are named.
    pub const LISTED_MAX: usize = 64;
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands a reference")]
const fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// The longest reason, in characters.
pub const WHY_CHARACTERS_MAX: usize = 200;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_is_a_short_line_of_text() {
        for good in ["left the house", " é ", &"x".repeat(WHY_CHARACTERS_MAX)] {
            assert!(good.parse::<Why>().is_ok(), "{good:?}");
        }
        for bad in ["", "  ", "\u{7}", "two\nlines", &"x".repeat(WHY_CHARACTERS_MAX + 1)] {
            assert!(bad.parse::<Why>().is_err(), "{bad:?}");
            assert!(serde_json::from_value::<Why>(bad.into()).is_err(), "{bad:?}");
        }
    }
}
