//! How an event ended, whose doing that was, and how much it should trouble whoever reads it.

use super::deed::{Access, Deed, Override};
use crate::domain::asked::EventAsked;
use crate::domain::detection::Severity;
use crate::domain::event::{Event, Outcome, Verdict};
use crate::domain::provisioning::ProvisioningStep;
use crate::domain::reason::Reason;

/// How an event ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ending {
    /// As it was asked for.
    Allowed,
    /// With something taken out of it, or lowered.
    Modified,
    /// Not yet: somebody was asked to prove or to say more.
    Challenged,
    /// Refused.
    Denied,
    /// What came back was withheld.
    Withheld,
    /// Broken off on its way.
    Aborted,
    /// Something did not work.
    Failed,
    /// Nobody knows: there is no closing entry.
    Unknown,
}

/// Whose doing it is that something was refused or did not work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fault {
    /// Nobody's: it is why something may be done.
    None,
    /// Who asks may not do it: by a rule, or because nobody knows who it is.
    Unauthorized,
    /// What is asked for is too much, malformed or unknown.
    Request,
    /// A server's that is asked for it: an application's or a provider's.
    Peer,
    /// Ours: the gateway does not do its work.
    House,
}

impl Ending {
    /// How `event` ended.
    pub(super) fn of(event: &Event) -> Self {
        let Some(closing) = &event.closing else { return Self::Unknown };
        match closing.outcome {
            Outcome::Completed if is_modified(event) => Self::Modified,
            Outcome::Completed => Self::Allowed,
            Outcome::Refused => match event.opening.verdict {
                Verdict::Challenge => Self::Challenged,
                Verdict::Permit | Verdict::Deny => Self::Denied,
            },
            Outcome::Withheld => Self::Withheld,
            Outcome::Aborted => Self::Aborted,
            Outcome::Failed => Self::Failed,
        }
    }

    /// In a word.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Allowed => "allowed",
            Self::Modified => "modified",
            Self::Challenged => "challenged",
            Self::Denied => "denied",
            Self::Withheld => "withheld",
            Self::Aborted => "aborted",
            Self::Failed => "failed",
            Self::Unknown => "unknown",
        }
    }
}

fn is_modified(event: &Event) -> bool {
    let is_redacted = event.closing.as_ref().is_some_and(|closing| closing.redacted.is_some());
    let is_changed = |asked: &EventAsked| !asked.lowered.is_empty() || !asked.added.is_empty();
    is_redacted || event.opening.asked.as_deref().is_some_and(is_changed)
}

/// The reason that tells the most: the closing entry's, or else the first of the opening's.
pub(super) fn reason(event: &Event) -> Option<Reason> {
    let ended = event.closing.as_ref().and_then(|closing| closing.reason);
    ended.or_else(|| event.opening.reasons.first().copied())
}

/// Whose doing a reason is.
pub(super) const fn fault(reason: Reason) -> Fault {
    match reason {
        Reason::RuleMatched | Reason::PublicRoute | Reason::OwnPath | Reason::UnmatchedObserved => {
            Fault::None
        }
        Reason::SignInRequired
        | Reason::SessionExpired
        | Reason::SessionLocked
        | Reason::SessionRevoked
        | Reason::SessionElsewhere
        | Reason::AcrInsufficient
        | Reason::AuthTooOld
        | Reason::JustificationRequired
        | Reason::PurposeRequired
        | Reason::BreakGlassRequired
        | Reason::DeviceNew
        | Reason::NetworkNew
        | Reason::HourUnusual
        | Reason::AfterDenials
        | Reason::RiskTold
        | Reason::AfterDetection
        | Reason::TokenInvalid
        | Reason::ClientUnknown
        | Reason::ClientOutOfBounds
        | Reason::NoRuleMatched
        | Reason::DeniedByRule
        | Reason::AttributeUnavailable
        | Reason::AttributeStale
        | Reason::GroupsIncomplete
        | Reason::OutsideShift
        | Reason::LocationMismatch
        | Reason::DeviceMismatch
        | Reason::NotOnPanel
        | Reason::OwnChart
        | Reason::ElevationRequired
        | Reason::PolicyError
        | Reason::PurposeMismatch
        | Reason::NotYours
        | Reason::PsychotherapyNotes
        | Reason::SudCounselingNotes
        | Reason::SudRecords
        | Reason::PatientRestriction
        | Reason::StateLaw
        | Reason::SignInRefused
        | Reason::SignInInvalid
        | Reason::AccountDisabled
        | Reason::AccountUnknown
        | Reason::ProvisioningRefused
        | Reason::SignalRefused
        | Reason::LogoutTokenInvalid
        | Reason::AssuranceNotProven => Fault::Unauthorized,
        Reason::RouteNotFound
        | Reason::HostUnknown
        | Reason::PathRejected
        | Reason::RequestMalformed
        | Reason::MethodRejected
        | Reason::HeaderTooLarge
        | Reason::BodyTooLarge
        | Reason::BodyUnreadable
        | Reason::CrossSite
        | Reason::RecordsOverResponseLimit
        | Reason::ExportOverRequestLimit
        | Reason::ExportOverWindowBudget
        | Reason::CountUnknown
        | Reason::RedactionImpossible
        | Reason::ReplyTooLong
        | Reason::PageSizeRejected
        | Reason::SearchTooWide
        | Reason::SpanTooWide
        | Reason::TooManyIds
        | Reason::FormatNotAllowed
        | Reason::ColumnsNotAllowed
        | Reason::JoinNotAllowed
        | Reason::DestinationNotAllowed
        | Reason::PatientUnknown
        | Reason::SignInLoop
        | Reason::TooManySessions
        | Reason::TooManyRequests
        | Reason::RequestTimeout
        | Reason::CallerLeft => Fault::Request,
        Reason::LeadsElsewhere
        | Reason::UpstreamSignInFailed
        | Reason::UpstreamOverloaded
        | Reason::UpstreamUnreachable
        | Reason::UpstreamTimeout
        | Reason::UpstreamMalformed
        | Reason::UpstreamAborted
        | Reason::ProviderUnavailable => Fault::Peer,
        Reason::AuditUnavailable | Reason::StoreUnavailable | Reason::Overloaded | Reason::InternalError => {
            Fault::House
        }
    }
}

/// How much it should trouble whoever reads it, 0 to 10 as CEF has it: 0 to 3 low, 4 to 6 medium, 7 and 8 high, 9 and 10 very
/// high.
pub(super) fn severity(event: &Event, deed: Deed, ending: Ending) -> u8 {
    let is_wide = ending == Ending::Withheld || took_much(event);
    let usual = match deed {
        Deed::Access(
            Access::Read
            | Access::Search
            | Access::Create
            | Access::Update
            | Access::Delete
            | Access::Execute,
        )
        | Deed::OwnPage => 1,
        Deed::SignInBegun
        | Deed::StepUpBegun
        | Deed::SignIn
        | Deed::SignOut
        | Deed::Purpose(Override::Neither)
        | Deed::Notice => 2,
        Deed::Review(_) | Deed::Started | Deed::Stopped => 3,
        Deed::Access(Access::Export) | Deed::JournalRead | Deed::Administration => 4,
        Deed::Access(Access::Disclose) | Deed::Revocation | Deed::Signal => 5,
        Deed::Configuration | Deed::KeyRotated => 6,
        Deed::Purpose(Override::Begun | Override::Ended) => 8,
        // What a journal lacks cannot be made up for.
        Deed::Gap => 9,
        Deed::Directory(step, _) => match step {
            ProvisioningStep::Read => 1,
            ProvisioningStep::Created | ProvisioningStep::Changed | ProvisioningStep::Enabled => 3,
            ProvisioningStep::Disabled | ProvisioningStep::Deleted | ProvisioningStep::Refused => 5,
        },
        Deed::Detection => event.opening.detection.as_ref().map_or(6, |found| match found.severity {
            Severity::Low => 3,
            Severity::Medium => 6,
            Severity::High => 8,
        }),
    };
    let ended = match ending {
        Ending::Allowed => 0,
        Ending::Modified | Ending::Challenged | Ending::Aborted => 3,
        Ending::Denied if deed.is_sign_in() => 6,
        Ending::Denied => 5,
        Ending::Withheld => 6,
        Ending::Failed => match reason(event).map(fault) {
            Some(Fault::House) => 9,
            Some(Fault::None | Fault::Unauthorized | Fault::Request | Fault::Peer) | None => 7,
        },
        Ending::Unknown => 7,
    };
    let wide = if is_wide { 6 } else { 0 };
    usual.max(ended).max(wide)
}

/// Whether something passed a limit and went all the same.
fn took_much(event: &Event) -> bool {
    let is_let = |outcome| outcome == Outcome::Completed;
    event.closing.as_ref().is_some_and(|closing| closing.exceeded.is_some() && is_let(closing.outcome))
}

/// What an event is called where a word for its kind is wanted: by the pattern `http.deny`.
pub(super) const fn word(deed: Deed, ending: Ending) -> &'static str {
    match deed {
        Deed::Access(access) => match (access, ending) {
            (Access::Export, Ending::Allowed | Ending::Modified) => "export.done",
            (Access::Disclose, Ending::Allowed | Ending::Modified) => "export.disclosed",
            (_, Ending::Allowed) => "http.allow",
            (_, Ending::Modified) => "http.modify",
            (_, Ending::Challenged) => "http.challenge",
            (_, Ending::Denied) => "http.deny",
            (_, Ending::Withheld) => "http.withhold",
            (_, Ending::Aborted) => "http.abort",
            (_, Ending::Failed) => "http.fail",
            (_, Ending::Unknown) => "http.unknown",
        },
        Deed::OwnPage => "page.own",
        Deed::SignInBegun => "authn.begin",
        Deed::StepUpBegun => "authn.stepup",
        Deed::SignIn => match ending {
            Ending::Allowed | Ending::Modified => "authn.login",
            Ending::Challenged
            | Ending::Denied
            | Ending::Withheld
            | Ending::Aborted
            | Ending::Failed
            | Ending::Unknown => "authn.fail",
        },
        Deed::SignOut => "authn.logout",
        Deed::Purpose(Override::Begun) => "bg.start",
        Deed::Purpose(Override::Ended) => "bg.stop",
        Deed::Purpose(Override::Neither) => "session.roles",
        Deed::Revocation => "session.revoke",
        Deed::Directory(step, _) => match step {
            ProvisioningStep::Read => "directory.read",
            ProvisioningStep::Created => "directory.create",
            ProvisioningStep::Changed => "directory.change",
            ProvisioningStep::Enabled => "directory.enable",
            ProvisioningStep::Disabled => "deprov.disable",
            ProvisioningStep::Deleted => "deprov.delete",
            ProvisioningStep::Refused => "directory.refuse",
        },
        Deed::Signal => "signal.received",
        Deed::Detection => "detection.found",
        Deed::Review(_) => "review.said",
        Deed::JournalRead => "audit.read",
        Deed::Administration => "admin.action",
        Deed::Started => "gateway.start",
        Deed::Stopped => "gateway.stop",
        Deed::Configuration => "policy.change",
        Deed::KeyRotated => "key.rotate",
        Deed::Gap => "audit.gap",
        Deed::Notice => "gateway.notice",
    }
}
