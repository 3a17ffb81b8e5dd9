//! What an audit message is about, in codes of DICOM PS3.15 A.5 and of IHE BALP.
//!
//! A request that is refused is a Security Alert (110113) about a decision, whatever it asked for: nothing of the application was
//! touched. An emergency override begins with 110127 and ends with 110138; 110113 alone is neither. A gap in the journal is told once,
//! when it is over: recording stopped (110133) and started (110134).

use super::super::deed::{Access, Deed, Override};
use super::super::ending::{self, Ending, Fault};
use super::code::{self, Code};
use super::{Act, Indicator};
use crate::domain::event::Event;
use crate::domain::provisioning::ProvisioningStep;

/// What an event is: its kind, what it is more closely, and what was done.
pub(super) struct Kind {
    pub event: Code,
    pub closer: Option<Code>,
    /// And what it is, too.
    pub also: Option<Code>,
    pub act: Act,
}

impl Kind {
    const fn new(event: Code, closer: Option<Code>, act: Act) -> Self {
        Self { event, closer, also: None, act }
    }

    pub(super) fn of(deed: Deed, ending: Ending, event: &Event) -> Self {
        let alert = |closer, act| Self::new(code::SECURITY_ALERT, Some(closer), act);
        match deed {
            Deed::Access(_) if is_decision(ending) => alert(code::AUTHORIZATION_BY_ROLE, Act::Execute),
            Deed::Access(access) => accessed(access, event),
            Deed::OwnPage => match event.opening.method.as_deref() {
                Some("GET" | "HEAD") => Self::new(code::REST, Some(code::READ), Act::Read),
                Some(_) | None => Self::new(code::REST, Some(code::OPERATION), Act::Execute),
            },
            Deed::SignInBegun | Deed::StepUpBegun => Self::new(code::USER_AUTHENTICATION, None, Act::Execute),
            Deed::SignIn => Self::new(code::USER_AUTHENTICATION, Some(code::LOGIN), Act::Execute),
            Deed::SignOut => Self::new(code::USER_AUTHENTICATION, Some(code::LOGOUT), Act::Execute),
            Deed::Purpose(Override::Begun) => alert(code::OVERRIDE_STARTED, Act::Execute),
            Deed::Purpose(Override::Ended) => alert(code::OVERRIDE_STOPPED, Act::Execute),
            Deed::Purpose(Override::Neither) => alert(code::SECURITY_ROLES_CHANGED, Act::Execute),
            Deed::Revocation | Deed::Signal => alert(code::USER_SECURITY_CHANGED, Act::Execute),
            Deed::Directory(step, _) => match step {
                ProvisioningStep::Read => Self::new(code::REST, Some(code::READ), Act::Read),
                ProvisioningStep::Created => alert(code::USER_SECURITY_CHANGED, Act::Create),
                ProvisioningStep::Changed | ProvisioningStep::Disabled | ProvisioningStep::Enabled => {
                    alert(code::USER_SECURITY_CHANGED, Act::Update)
                }
                ProvisioningStep::Deleted => alert(code::USER_SECURITY_CHANGED, Act::Delete),
                ProvisioningStep::Refused => alert(code::AUTHORIZATION_BY_ROLE, Act::Execute),
            },
            Deed::Detection => Self::new(code::SECURITY_ALERT, None, Act::Execute),
            Deed::Review(_) | Deed::JournalRead => Self::new(code::AUDIT_LOG_USED, None, Act::Read),
            Deed::Administration => alert(code::SECURITY_CONFIGURATION, Act::Execute),
            Deed::Configuration | Deed::KeyRotated => alert(code::SECURITY_CONFIGURATION, Act::Update),
            Deed::Gap => {
                Self { also: Some(code::RECORDING_STARTED), ..alert(code::RECORDING_STOPPED, Act::Execute) }
            }
            Deed::Started => {
                Self::new(code::APPLICATION_ACTIVITY, Some(code::APPLICATION_START), Act::Execute)
            }
            Deed::Stopped => {
                Self::new(code::APPLICATION_ACTIVITY, Some(code::APPLICATION_STOP), Act::Execute)
            }
            Deed::Notice => Self::new(code::APPLICATION_ACTIVITY, None, Act::Execute),
        }
    }
}

/// Whether the application's part ended with what was decided here.
pub(super) const fn is_decision(ending: Ending) -> bool {
    match ending {
        Ending::Challenged | Ending::Denied | Ending::Withheld => true,
        Ending::Allowed | Ending::Modified | Ending::Aborted | Ending::Failed | Ending::Unknown => false,
    }
}

fn accessed(access: Access, event: &Event) -> Kind {
    match access {
        Access::Read => Kind::new(code::REST, Some(code::READ), Act::Read),
        Access::Search => Kind::new(code::REST, Some(code::SEARCH), Act::Execute),
        Access::Create => Kind::new(code::REST, Some(code::CREATE), Act::Create),
        Access::Update => Kind::new(code::REST, Some(code::UPDATE), Act::Update),
        Access::Delete => Kind::new(code::REST, Some(code::DELETE), Act::Delete),
        Access::Execute => Kind::new(code::REST, Some(code::OPERATION), Act::Execute),
        Access::Export => {
            Kind::new(code::EXPORT, event.opening.accounted.then_some(code::DISCLOSE), Act::Read)
        }
        Access::Disclose => Kind::new(code::EXPORT, Some(code::DISCLOSE), Act::Read),
    }
}

/// How well it went. An unknown end is a success by name, as DICOM has it where it is not known; its description says so.
pub(super) fn indicator(ending: Ending, event: &Event) -> Indicator {
    let by_fault = |unavailable| match ending::reason(event).map(ending::fault) {
        Some(Fault::House) => unavailable,
        Some(Fault::Peer) => Indicator::Serious,
        Some(Fault::None | Fault::Unauthorized | Fault::Request) | None => Indicator::Minor,
    };
    match ending {
        Ending::Allowed | Ending::Modified | Ending::Unknown => Indicator::Success,
        Ending::Challenged | Ending::Denied | Ending::Withheld => Indicator::Minor,
        Ending::Aborted => by_fault(Indicator::Serious),
        Ending::Failed => match by_fault(Indicator::Major) {
            Indicator::Success | Indicator::Minor | Indicator::Serious => Indicator::Serious,
            Indicator::Major => Indicator::Major,
        },
    }
}
