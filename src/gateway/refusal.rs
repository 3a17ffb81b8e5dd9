//! Every way in which a request ends early, with its status, its reason and how it counts.
//!
//! A refusal is on purpose; where something is down or broken, the event says `failed` instead.

use std::sync::Arc;
use std::time::Duration;

use http::StatusCode;

use crate::domain::action::Action;
use crate::domain::asked::Overreach;
use crate::domain::assurance::Unproven;
use crate::domain::count::WhyUnknown;
use crate::domain::decision::{Challenge, Denial};
use crate::domain::event::{Outcome, Verdict};
use crate::domain::limit::Exceeded;
use crate::domain::reason::Reason;
use crate::features::audit::JournalError;
use crate::features::authn::AuthnError;
use crate::features::guard::redact::Fault as Unredactable;
use crate::features::guard::spill::Unheld;
use crate::features::route::body::BodyFault;
use crate::features::route::table::Application;
use crate::features::signals::SetFault;
use crate::features::upstream::error::UpstreamError;
use crate::gateway::break_glass::Asking;
use crate::gateway::hold::Held;
use crate::gateway::normalize::fault::Fault;
use crate::gateway::program::TokenRefused;
use crate::gateway::revocation::RevocationError;
use crate::gateway::subject::Known;
use crate::platform::http::body::is_misframed;

/// A step that would turn the answer, and what it is for.
#[derive(Debug)]
pub struct Challenged {
    /// The step.
    pub step: Challenge,
    /// Why it is needed.
    pub reason: Reason,
    /// In which application.
    pub application: Arc<Application>,
    /// Where they go on afterwards, if that is not what was asked for.
    pub return_to: Option<String>,
    /// Who asks, if somebody is signed in.
    pub known: Option<Known>,
    /// What was asked for.
    pub action: Option<Action>,
    /// Whether the reply was there and is withheld until then, and the limit that it passes.
    pub withheld: Option<Option<Exceeded>>,
    /// What was posted, if it is kept until then.
    pub held: Option<Held>,
    /// Whether the notice of 42 CFR 2.32 goes with what was asked for.
    pub has_notice: bool,
    /// What a page needs that asks whether it is an emergency.
    pub asking: Option<Asking>,
}

/// Why a logout that is asked for by the back channel is not done.
#[derive(Debug, thiserror::Error)]
pub enum LogoutRefused {
    /// The token, or the provider whose keys are needed.
    #[error(transparent)]
    Token(#[from] AuthnError),
    /// Not all of it was done.
    #[error(transparent)]
    Incomplete(#[from] RevocationError),
}

/// Why a request ends early.
#[derive(Debug)]
pub enum Refusal {
    /// The request is malformed, or can be read in two ways.
    NotUnderstood(Fault),
    /// No application has this host.
    HostUnknown,
    /// No route matches.
    RouteNotFound,
    /// A form of ours was sent by another site.
    CrossSite,
    /// The body tells the routes apart, and cannot be read.
    BodyUnreadable(BodyFault),
    /// The body tells the routes apart, and is too large.
    BodyTooLarge,
    /// The body comes too slowly.
    TooSlow,
    /// The caller broke off while the body was read.
    CallerLeft,
    /// One step turns the answer: sign in, step up or give a reason.
    Challenge(Box<Challenged>),
    /// The policy says no.
    Denied(Denial, Option<Action>),
    /// Beyond the minimum necessary.
    TooMuch(Exceeded, Action),
    /// It asks for more than it may, or for something else.
    Asked(Overreach),
    /// The reply hands out an address at which nobody guards what is there.
    LeadsElsewhere,
    /// Its records cannot be counted.
    CountUnknown(WhyUnknown, Action),
    /// A field that is withheld cannot be taken out of it.
    Unredactable(Unredactable, Action),
    /// It is longer than can be held until it is known whether it may pass.
    Unheld(Unheld, Action),
    /// The journal cannot be written: nothing passes unrecorded.
    Journal(JournalError),
    /// The application's side.
    Upstream(UpstreamError),
    /// The provider's side, or a sign-in that went wrong; with where the person wanted to go.
    SignInFailed(AuthnError, String),
    /// The logout that a provider asks for by the back channel is not done.
    LogoutRefused(LogoutRefused),
    /// The directory says that whoever signs in may not: `account-disabled` or `account-unknown`.
    AccountBarred(Reason),
    /// Whoever would keep the directory does not bring its token, or comes from elsewhere.
    ProvisioningRefused,
    /// A signal is not taken, or who brings it is a stranger.
    SignalRefused(SetFault),
    /// The access token of a program is not taken.
    Token(TokenRefused),
    /// The provider came back below what was asked for.
    AssuranceNotProven(Unproven, String),
    /// The person has as many sessions already as they may; with where they wanted to go.
    SessionsFull(String),
    /// A browser does not prove that its device has the key of a session.
    DeviceNotProven,
    /// The store cannot be written.
    StoreUnavailable,
    /// The session that was to end has ended, and that could not be kept.
    EndedUnkept(RevocationError),
    /// More requests than one caller may make; after how long there may be one more.
    TooManyRequests(Duration),
    /// Too much at once.
    Overloaded,
    /// A mistake of ours.
    Internal,
    /// One of the requests that the body holds would end so, and with it the whole: its number from 1.
    Entry(u32, Box<Self>),
}

impl Refusal {
    /// This, because of the entry with that number.
    #[must_use]
    pub fn of_entry(self, number: u32) -> Self {
        Self::Entry(number, Box::new(self))
    }

    /// What would be refused if it had come alone.
    pub fn alone(&self) -> &Self {
        if let Self::Entry(_, refusal) = self { refusal.alone() } else { self }
    }

    /// This, with what a page needs that asks whether it is an emergency.
    #[must_use]
    pub fn asking(mut self, asking: Option<Asking>) -> Self {
        self.note_asking(asking);
        self
    }

    fn note_asking(&mut self, asking: Option<Asking>) {
        if let Self::Challenge(challenged) = self {
            challenged.asking = asking;
        } else if let Self::Entry(_, refusal) = self {
            refusal.note_asking(asking);
        }
    }

    /// What a page needs that asks whether it is an emergency, where that is asked.
    pub fn asks(&self) -> Option<&Asking> {
        if let Self::Challenge(challenged) = self.alone() { challenged.asking.as_ref() } else { None }
    }

    /// The number of the entry that it is about.
    pub const fn entry(&self) -> Option<u32> {
        if let Self::Entry(number, _) = self { Some(*number) } else { None }
    }

    /// The reason: one of the closed list.
    pub fn reason(&self) -> Reason {
        match self {
            Self::NotUnderstood(fault) => fault.reason,
            Self::HostUnknown => Reason::HostUnknown,
            Self::RouteNotFound => Reason::RouteNotFound,
            Self::CrossSite => Reason::CrossSite,
            Self::BodyUnreadable(_) => Reason::BodyUnreadable,
            Self::BodyTooLarge => Reason::BodyTooLarge,
            Self::TooSlow => Reason::RequestTimeout,
            Self::CallerLeft => Reason::CallerLeft,
            Self::Challenge(challenged) => challenged.reason,
            Self::Denied(denial, _) => denial.reasons.first().copied().unwrap_or(Reason::NoRuleMatched),
            Self::TooMuch(exceeded, action) => over(*exceeded, *action),
            Self::Asked(overreach) => overreach.reason,
            Self::LeadsElsewhere => Reason::LeadsElsewhere,
            Self::CountUnknown(..) => Reason::CountUnknown,
            Self::Unredactable(..) => Reason::RedactionImpossible,
            Self::Unheld(..) => Reason::ReplyTooLong,
            Self::Journal(_) => Reason::AuditUnavailable,
            Self::Upstream(error) => error.reason(),
            Self::SignInFailed(error, _) | Self::LogoutRefused(LogoutRefused::Token(error)) => error.reason(),
            Self::LogoutRefused(LogoutRefused::Incomplete(error)) | Self::EndedUnkept(error) => {
                error.reason()
            }
            Self::AccountBarred(reason) => *reason,
            Self::ProvisioningRefused => Reason::ProvisioningRefused,
            Self::SignalRefused(fault) => fault.reason(),
            Self::Token(refused) => refused.reason(),
            Self::AssuranceNotProven(..) => Reason::AssuranceNotProven,
            Self::SessionsFull(_) => Reason::TooManySessions,
            Self::DeviceNotProven => Reason::SessionElsewhere,
            Self::StoreUnavailable => Reason::StoreUnavailable,
            Self::TooManyRequests(_) => Reason::TooManyRequests,
            Self::Overloaded => Reason::Overloaded,
            Self::Internal => Reason::InternalError,
            Self::Entry(_, refusal) => refusal.reason(),
        }
    }

    /// All reasons, the most telling first.
    pub fn reasons(&self) -> Vec<Reason> {
        if let Self::Denied(denial, _) = self.alone()
            && !denial.reasons.is_empty()
        {
            return denial.reasons.clone();
        }
        vec![self.reason()]
    }

    /// The status of the reply.
    pub fn status(&self) -> StatusCode {
        match self {
            Self::NotUnderstood(fault) => fault.status,
            Self::HostUnknown => StatusCode::MISDIRECTED_REQUEST,
            Self::RouteNotFound => StatusCode::NOT_FOUND,
            // The provider is told so whatever the cause is (Back-Channel Logout 1.0, section 2.8).
            Self::LogoutRefused(_) | Self::BodyUnreadable(_) | Self::CallerLeft | Self::DeviceNotProven => {
                StatusCode::BAD_REQUEST
            }
            Self::SignalRefused(fault) if fault.code().is_some() => StatusCode::BAD_REQUEST,
            Self::BodyTooLarge => StatusCode::PAYLOAD_TOO_LARGE,
            Self::TooSlow => StatusCode::REQUEST_TIMEOUT,
            Self::Challenge(challenged) => match challenged.step {
                Challenge::SignIn | Challenge::StepUp(..) => StatusCode::UNAUTHORIZED,
                Challenge::Justify | Challenge::Purpose(_) | Challenge::BreakGlass => StatusCode::FORBIDDEN,
            },
            Self::TooManyRequests(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::TooMuch(exceeded, _) if exceeded.limit.is_window() => StatusCode::TOO_MANY_REQUESTS,
            Self::CrossSite
            | Self::Denied(..)
            | Self::TooMuch(..)
            | Self::Asked(_)
            | Self::CountUnknown(..)
            | Self::Unredactable(..)
            | Self::Unheld(Unheld::TooLong, _)
            | Self::AccountBarred(_)
            | Self::SessionsFull(_)
            | Self::AssuranceNotProven(..) => StatusCode::FORBIDDEN,
            Self::ProvisioningRefused => StatusCode::UNAUTHORIZED,
            Self::Journal(_)
            | Self::SignalRefused(_)
            | Self::StoreUnavailable
            | Self::Overloaded
            | Self::Unheld(Unheld::NoRoom | Unheld::Disk(_), _)
            | Self::Upstream(UpstreamError::Overloaded) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Upstream(
                UpstreamError::ConnectTimeout | UpstreamError::ReplyTimeout | UpstreamError::Stalled,
            ) => StatusCode::GATEWAY_TIMEOUT,
            Self::Upstream(_) | Self::LeadsElsewhere => StatusCode::BAD_GATEWAY,
            Self::SignInFailed(error, _) => sign_in_status(error.reason()),
            Self::Token(refused) => refused.status(),
            Self::EndedUnkept(RevocationError::Store(_) | RevocationError::Journal(_)) => {
                StatusCode::SERVICE_UNAVAILABLE
            }
            Self::Internal | Self::EndedUnkept(RevocationError::Broken) => StatusCode::INTERNAL_SERVER_ERROR,
            Self::Entry(_, refusal) => refusal.status(),
        }
    }

    /// Whether something was down or broken, rather than refused on purpose.
    pub fn outcome(&self) -> Outcome {
        match self {
            Self::TooMuch(..)
            | Self::CountUnknown(..)
            | Self::LeadsElsewhere
            | Self::Unredactable(..)
            | Self::Unheld(..) => Outcome::Withheld,
            Self::Challenge(challenged) if challenged.withheld.is_some() => Outcome::Withheld,
            Self::Journal(_)
            | Self::Upstream(_)
            | Self::LogoutRefused(LogoutRefused::Incomplete(_))
            | Self::StoreUnavailable
            | Self::EndedUnkept(_)
            | Self::Overloaded
            | Self::Internal => Outcome::Failed,
            Self::SignInFailed(error, _) | Self::LogoutRefused(LogoutRefused::Token(error))
                if matches!(error.reason(), Reason::ProviderUnavailable | Reason::StoreUnavailable) =>
            {
                Outcome::Failed
            }
            Self::SignalRefused(fault) if fault.code().is_none() => Outcome::Failed,
            Self::Token(refused) if refused.is_of_provider() => Outcome::Failed,
            Self::CallerLeft | Self::TooSlow => Outcome::Aborted,
            Self::NotUnderstood(_)
            | Self::HostUnknown
            | Self::RouteNotFound
            | Self::CrossSite
            | Self::BodyUnreadable(_)
            | Self::BodyTooLarge
            | Self::Challenge(_)
            | Self::Denied(..)
            | Self::Asked(_)
            | Self::SignInFailed(..)
            | Self::LogoutRefused(LogoutRefused::Token(_))
            | Self::AccountBarred(_)
            | Self::ProvisioningRefused
            | Self::SignalRefused(_)
            | Self::Token(_)
            | Self::AssuranceNotProven(..)
            | Self::SessionsFull(_)
            | Self::DeviceNotProven
            | Self::TooManyRequests(_) => Outcome::Refused,
            Self::Entry(_, refusal) => refusal.outcome(),
        }
    }

    /// What the opening entry says, where the refusal comes before it is written.
    pub fn verdict(&self) -> Verdict {
        match self {
            Self::Challenge(_) => Verdict::Challenge,
            Self::Entry(_, refusal) => refusal.verdict(),
            Self::NotUnderstood(_)
            | Self::HostUnknown
            | Self::RouteNotFound
            | Self::CrossSite
            | Self::BodyUnreadable(_)
            | Self::BodyTooLarge
            | Self::TooSlow
            | Self::CallerLeft
            | Self::Denied(..)
            | Self::TooMuch(..)
            | Self::Asked(_)
            | Self::LeadsElsewhere
            | Self::CountUnknown(..)
            | Self::Unredactable(..)
            | Self::Unheld(..)
            | Self::Journal(_)
            | Self::Upstream(_)
            | Self::SignInFailed(..)
            | Self::LogoutRefused(_)
            | Self::AccountBarred(_)
            | Self::ProvisioningRefused
            | Self::SignalRefused(_)
            | Self::Token(_)
            | Self::AssuranceNotProven(..)
            | Self::SessionsFull(_)
            | Self::DeviceNotProven
            | Self::StoreUnavailable
            | Self::EndedUnkept(_)
            | Self::TooManyRequests(_)
            | Self::Overloaded
            | Self::Internal => Verdict::Deny,
        }
    }

    /// Where the person wanted to go whose sign-in went wrong, or who has to take a step first; where nothing is said, that
    /// is what they asked for.
    pub fn return_to(&self) -> Option<&str> {
        if let Self::Challenge(challenged) = self.alone() {
            return challenged.return_to.as_deref();
        }
        if let Self::SignInFailed(_, target)
        | Self::AssuranceNotProven(_, target)
        | Self::SessionsFull(target) = self
        {
            Some(target)
        } else {
            None
        }
    }

    /// Whether it is refused for its number alone: of such, only so many leave an event of their own.
    pub const fn is_for_number(&self) -> bool {
        matches!(self, Self::TooManyRequests(_) | Self::Overloaded)
    }

    /// When to come again, where that is known (RFC 9110 section 10.2.3): whole seconds, at least one.
    pub fn retry_after(&self) -> Option<u64> {
        let wait = if let Self::TooManyRequests(wait) = self { Some(*wait) } else { None };
        let wait = wait.or_else(|| self.comes_back_after())?;
        Some(wait.as_secs() + u64::from(wait.subsec_nanos() > 0 || wait.is_zero()))
    }

    const fn comes_back_after(&self) -> Option<Duration> {
        if matches!(
            self,
            Self::Overloaded
                | Self::StoreUnavailable
                | Self::EndedUnkept(RevocationError::Store(_))
                | Self::Unheld(Unheld::NoRoom, _)
        ) {
            Some(OVERLOAD_LASTS)
        } else {
            None
        }
    }

    /// Why a sign-in went wrong, for whoever reads its event: in our own words, by the kind of it, and nothing of the person.
    pub fn note(&self) -> Option<String> {
        if let Self::AssuranceNotProven(unproven, _) = self {
            return Some(format!("the provider did not prove {unproven}"));
        }
        if let Self::SignInFailed(error, _) = self { Some(error.to_string()) } else { None }
    }

    /// What is asked for and may not be.
    pub fn overreach(&self) -> Option<&Overreach> {
        if let Self::Asked(overreach) = self.alone() { Some(overreach) } else { None }
    }

    /// The standard that asks for what it is refused by, where it is refused by rules that the organization has written down.
    pub fn reference(&self) -> Option<&'static str> {
        match self.alone() {
            Self::Denied(..) => Some("45 CFR 164.312(a)(1)"),
            Self::TooMuch(..)
            | Self::Asked(_)
            | Self::CountUnknown(..)
            | Self::Unredactable(..)
            | Self::Unheld(Unheld::TooLong, _) => Some("45 CFR 164.514(d)"),
            Self::Challenge(challenged) if challenged.withheld.is_some() => Some("45 CFR 164.514(d)"),
            Self::Challenge(_)
            | Self::NotUnderstood(_)
            | Self::HostUnknown
            | Self::RouteNotFound
            | Self::CrossSite
            | Self::BodyUnreadable(_)
            | Self::BodyTooLarge
            | Self::TooSlow
            | Self::CallerLeft
            | Self::LeadsElsewhere
            | Self::Unheld(Unheld::NoRoom | Unheld::Disk(_), _)
            | Self::Journal(_)
            | Self::Upstream(_)
            | Self::SignInFailed(..)
            | Self::LogoutRefused(_)
            | Self::AccountBarred(_)
            | Self::ProvisioningRefused
            | Self::SignalRefused(_)
            | Self::Token(_)
            | Self::AssuranceNotProven(..)
            | Self::SessionsFull(_)
            | Self::DeviceNotProven
            | Self::StoreUnavailable
            | Self::EndedUnkept(_)
            | Self::TooManyRequests(_)
            | Self::Overloaded
            | Self::Internal
            // Alone, it is none.
            | Self::Entry(..) => None,
        }
    }

    /// The limit that was passed.
    pub fn exceeded(&self) -> Option<Exceeded> {
        if let Self::Challenge(challenged) = self.alone() {
            return challenged.withheld.flatten();
        }
        if let Self::TooMuch(exceeded, _) = self.alone() { Some(*exceeded) } else { None }
    }
}

/// How long somebody waits at least who was shed.
const OVERLOAD_LASTS: Duration = Duration::from_secs(2);

/// The reason under which passing a limit is known.
pub fn over(exceeded: Exceeded, action: Action) -> Reason {
    match (exceeded.limit.is_window(), action.takes_away()) {
        (true, _) => Reason::ExportOverWindowBudget,
        (false, true) => Reason::ExportOverRequestLimit,
        (false, false) => Reason::RecordsOverResponseLimit,
    }
}

#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "a sign-in fails for few of the reasons; all others forbid"
)]
fn sign_in_status(reason: Reason) -> StatusCode {
    match reason {
        Reason::ProviderUnavailable => StatusCode::BAD_GATEWAY,
        Reason::StoreUnavailable | Reason::Overloaded => StatusCode::SERVICE_UNAVAILABLE,
        Reason::SignInInvalid => StatusCode::BAD_REQUEST,
        _ => StatusCode::FORBIDDEN,
    }
}

impl From<JournalError> for Refusal {
    fn from(error: JournalError) -> Self {
        Self::Journal(error)
    }
}

impl From<RevocationError> for Refusal {
    fn from(error: RevocationError) -> Self {
        Self::EndedUnkept(error)
    }
}

impl From<UpstreamError> for Refusal {
    fn from(error: UpstreamError) -> Self {
        if let UpstreamError::RequestBody(error) = &error {
            return if is_misframed(&**error) { Fault::MISFRAMED.into() } else { Self::CallerLeft };
        }
        if matches!(error, UpstreamError::RequestTooSlow) { Self::TooSlow } else { Self::Upstream(error) }
    }
}

impl From<Fault> for Refusal {
    fn from(fault: Fault) -> Self {
        Self::NotUnderstood(fault)
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;
    use crate::domain::asked::Allowed;
    use crate::domain::assurance::{AssuranceNeed, Lack};
    use crate::domain::limit::LimitName;
    use crate::features::authn::LogoutTokenFault;
    use crate::features::session::SessionError;
    use crate::gateway::normalize::path::PathFault;
    use crate::platform::spill::SpillError;

    fn unproven() -> Unproven {
        let need = AssuranceNeed { class: "mfa".parse().unwrap(), fresh: None };
        Unproven { need, lack: Lack::Proof }
    }

    fn broke(kind: io::ErrorKind) -> Refusal {
        UpstreamError::RequestBody(io::Error::from(kind).into()).into()
    }

    #[test]
    fn whose_sign_in_went_wrong_is_led_to_where_they_wanted_to_go() {
        let target = || "/.leastway/signed-in".to_owned();
        for refusal in [
            Refusal::SignInFailed(AuthnError::OtherBrowser, target()),
            Refusal::AssuranceNotProven(unproven(), target()),
            Refusal::SessionsFull(target()),
        ] {
            assert_eq!(refusal.return_to(), Some(&*target()));
        }
        assert_eq!(Refusal::RouteNotFound.return_to(), None);
    }

    #[test]
    fn every_refusal_has_its_status_reason_and_outcome() {
        let exceeded = |limit| Exceeded { limit, allowed: 500, actual: 1000 };
        let export = exceeded(LimitName::RecordsPerExport);
        let denial =
            Denial { reasons: vec![Reason::OutsideShift, Reason::NoRuleMatched], ways_on: Vec::new() };
        let cases = [
            (
                Refusal::NotUnderstood(PathFault::DotSegment.into()),
                400,
                Reason::PathRejected,
                Outcome::Refused,
            ),
            (Refusal::RouteNotFound, 404, Reason::RouteNotFound, Outcome::Refused),
            (Refusal::CrossSite, 403, Reason::CrossSite, Outcome::Refused),
            (Refusal::RouteNotFound.of_entry(2), 404, Reason::RouteNotFound, Outcome::Refused),
            (Refusal::Denied(denial.clone(), None).of_entry(3), 403, Reason::OutsideShift, Outcome::Refused),
            (
                Refusal::TooMuch(export, Action::Export).of_entry(1),
                403,
                Reason::ExportOverRequestLimit,
                Outcome::Withheld,
            ),
            (TokenRefused::Beside.into(), 400, Reason::TokenInvalid, Outcome::Refused),
            (TokenRefused::EXPIRED.into(), 401, Reason::TokenInvalid, Outcome::Refused),
            (TokenRefused::Undeclared.into(), 401, Reason::ClientUnknown, Outcome::Refused),
            (TokenRefused::Ended.into(), 401, Reason::SessionRevoked, Outcome::Refused),
            (
                TokenRefused::Token(AuthnError::UnknownProvider).into(),
                502,
                Reason::ProviderUnavailable,
                Outcome::Failed,
            ),
            (Refusal::BodyTooLarge, 413, Reason::BodyTooLarge, Outcome::Refused),
            (Refusal::TooSlow, 408, Reason::RequestTimeout, Outcome::Aborted),
            (UpstreamError::RequestTooSlow.into(), 408, Reason::RequestTimeout, Outcome::Aborted),
            (Refusal::CallerLeft, 400, Reason::CallerLeft, Outcome::Aborted),
            (broke(io::ErrorKind::UnexpectedEof), 400, Reason::CallerLeft, Outcome::Aborted),
            (broke(io::ErrorKind::InvalidInput), 400, Reason::RequestMalformed, Outcome::Refused),
            (Refusal::Denied(denial, None), 403, Reason::OutsideShift, Outcome::Refused),
            (
                Refusal::TooMuch(export, Action::Export),
                403,
                Reason::ExportOverRequestLimit,
                Outcome::Withheld,
            ),
            (
                Refusal::TooMuch(exceeded(LimitName::RecordsPerResponse), Action::List),
                403,
                Reason::RecordsOverResponseLimit,
                Outcome::Withheld,
            ),
            (
                Refusal::TooMuch(exceeded(LimitName::ExportsPerDay), Action::Export),
                429,
                Reason::ExportOverWindowBudget,
                Outcome::Withheld,
            ),
            (Refusal::LeadsElsewhere, 502, Reason::LeadsElsewhere, Outcome::Withheld),
            (
                Refusal::CountUnknown(WhyUnknown::Opaque, Action::Export),
                403,
                Reason::CountUnknown,
                Outcome::Withheld,
            ),
            (
                Refusal::Unredactable(Unredactable::Malformed, Action::View),
                403,
                Reason::RedactionImpossible,
                Outcome::Withheld,
            ),
            (Refusal::Unheld(Unheld::TooLong, Action::Export), 403, Reason::ReplyTooLong, Outcome::Withheld),
            (Refusal::Unheld(Unheld::NoRoom, Action::Export), 503, Reason::ReplyTooLong, Outcome::Withheld),
            (
                Refusal::Unheld(Unheld::Disk(SpillError::GivenUp), Action::Export),
                503,
                Reason::ReplyTooLong,
                Outcome::Withheld,
            ),
            (
                Refusal::Asked(Overreach {
                    reason: Reason::SpanTooWide,
                    parameter: "from".to_owned(),
                    allowed: Allowed::Days(31),
                }),
                403,
                Reason::SpanTooWide,
                Outcome::Refused,
            ),
            (Refusal::Journal(JournalError::Closed), 503, Reason::AuditUnavailable, Outcome::Failed),
            (Refusal::Upstream(UpstreamError::ReplyTimeout), 504, Reason::UpstreamTimeout, Outcome::Failed),
            (Refusal::Upstream(UpstreamError::Overloaded), 503, Reason::UpstreamOverloaded, Outcome::Failed),
            (
                Refusal::Upstream(UpstreamError::UnaskedUpgrade),
                502,
                Reason::UpstreamMalformed,
                Outcome::Failed,
            ),
            (
                Refusal::SignInFailed(AuthnError::UnknownProvider, "/".to_owned()),
                502,
                Reason::ProviderUnavailable,
                Outcome::Failed,
            ),
            (
                Refusal::SignInFailed(AuthnError::OtherBrowser, "/".to_owned()),
                400,
                Reason::SignInInvalid,
                Outcome::Refused,
            ),
            (
                Refusal::AssuranceNotProven(unproven(), "/".to_owned()),
                403,
                Reason::AssuranceNotProven,
                Outcome::Refused,
            ),
            (
                Refusal::LogoutRefused(AuthnError::from(LogoutTokenFault::Replayed).into()),
                400,
                Reason::LogoutTokenInvalid,
                Outcome::Refused,
            ),
            (
                Refusal::LogoutRefused(AuthnError::UnknownProvider.into()),
                400,
                Reason::ProviderUnavailable,
                Outcome::Failed,
            ),
            (
                Refusal::LogoutRefused(RevocationError::Broken.into()),
                400,
                Reason::InternalError,
                Outcome::Failed,
            ),
            (Refusal::AccountBarred(Reason::AccountDisabled), 403, Reason::AccountDisabled, Outcome::Refused),
            (Refusal::ProvisioningRefused, 401, Reason::ProvisioningRefused, Outcome::Refused),
            (Refusal::SignalRefused(SetFault::Stranger), 400, Reason::SignalRefused, Outcome::Refused),
            (
                Refusal::SignalRefused(SetFault::Incomplete(Reason::StoreUnavailable)),
                503,
                Reason::StoreUnavailable,
                Outcome::Failed,
            ),
            (Refusal::DeviceNotProven, 400, Reason::SessionElsewhere, Outcome::Refused),
            (Refusal::StoreUnavailable, 503, Reason::StoreUnavailable, Outcome::Failed),
            (
                RevocationError::Store(SessionError::Unwritable).into(),
                503,
                Reason::StoreUnavailable,
                Outcome::Failed,
            ),
            (
                RevocationError::Journal(JournalError::Closed).into(),
                503,
                Reason::AuditUnavailable,
                Outcome::Failed,
            ),
            (RevocationError::Broken.into(), 500, Reason::InternalError, Outcome::Failed),
            (
                Refusal::TooManyRequests(Duration::from_millis(10)),
                429,
                Reason::TooManyRequests,
                Outcome::Refused,
            ),
            (Refusal::Overloaded, 503, Reason::Overloaded, Outcome::Failed),
            (Refusal::Internal, 500, Reason::InternalError, Outcome::Failed),
        ];
        for (refusal, status, reason, outcome) in cases {
            assert_eq!(
                (refusal.status().as_u16(), refusal.reason(), refusal.outcome(), refusal.reasons().first()),
                (status, reason, outcome, Some(&reason)),
                "{refusal:?}"
            );
            assert_eq!(refusal.verdict(), Verdict::Deny, "{refusal:?}");
        }
    }

    #[test]
    fn a_refusal_for_number_says_when_to_come_again_and_no_other_does() {
        let after = |millis| Refusal::TooManyRequests(Duration::from_millis(millis)).retry_after();
        assert_eq!([after(0), after(1), after(1000), after(1001)], [Some(1), Some(1), Some(1), Some(2)]);
        assert_eq!(Refusal::Overloaded.retry_after(), Some(2));
        assert_eq!(Refusal::StoreUnavailable.retry_after(), Some(2));
        let ended = Refusal::from(RevocationError::Store(SessionError::Unwritable));
        assert_eq!(ended.retry_after(), Some(2));
        assert_eq!(Refusal::Internal.retry_after(), None);
        assert!(Refusal::Overloaded.is_for_number() && !Refusal::Internal.is_for_number());
    }
}
