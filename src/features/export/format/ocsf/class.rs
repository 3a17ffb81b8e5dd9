//! Which class of OCSF 1.8 an event belongs to, and which of its activities it is.

use super::super::deed::{Access, Deed, Override};
use crate::domain::detection::ReviewState;
use crate::domain::event::Event;
use crate::domain::provisioning::{ProvisioningStep, ResourceKind};

/// A class of events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Class {
    Base,
    DetectionFinding,
    AccountChange,
    Authentication,
    AuthorizeSession,
    EntityManagement,
    WebResourcesActivity,
    ApplicationLifecycle,
    ApiActivity,
}

impl Class {
    /// The class of an event.
    pub(super) fn of(event: &Event, deed: Deed) -> Self {
        let is_program = event.opening.subject.as_ref().is_some_and(|subject| subject.client.is_some());
        match deed {
            // The class wants to know where the program is.
            Deed::Access(_) if is_program && event.opening.client_ip.is_some() => Self::ApiActivity,
            Deed::Access(_) | Deed::OwnPage => Self::WebResourcesActivity,
            Deed::SignInBegun | Deed::StepUpBegun | Deed::SignIn | Deed::SignOut | Deed::Revocation => {
                Self::Authentication
            }
            Deed::Purpose(_) => Self::AuthorizeSession,
            Deed::Directory(_, Some(ResourceKind::User)) => Self::AccountChange,
            Deed::Directory(_, Some(ResourceKind::Group) | None)
            | Deed::Signal
            | Deed::JournalRead
            | Deed::Administration
            | Deed::Configuration
            | Deed::KeyRotated => Self::EntityManagement,
            Deed::Detection | Deed::Review(_) | Deed::Gap => Self::DetectionFinding,
            Deed::Started | Deed::Stopped => Self::ApplicationLifecycle,
            Deed::Notice => Self::Base,
        }
    }

    /// Its number and its name.
    pub(super) const fn named(self) -> (u32, &'static str) {
        match self {
            Self::Base => (0, "Base Event"),
            Self::DetectionFinding => (2004, "Detection Finding"),
            Self::AccountChange => (3001, "Account Change"),
            Self::Authentication => (3002, "Authentication"),
            Self::AuthorizeSession => (3003, "Authorize Session"),
            Self::EntityManagement => (3004, "Entity Management"),
            Self::WebResourcesActivity => (6001, "Web Resources Activity"),
            Self::ApplicationLifecycle => (6002, "Application Lifecycle"),
            Self::ApiActivity => (6003, "API Activity"),
        }
    }

    /// The number and the name of its category.
    pub(super) const fn category(self) -> (u32, &'static str) {
        match self {
            Self::Base => (0, "Uncategorized"),
            Self::DetectionFinding => (2, "Findings"),
            Self::AccountChange | Self::Authentication | Self::AuthorizeSession | Self::EntityManagement => {
                (3, "Identity & Access Management")
            }
            Self::WebResourcesActivity | Self::ApplicationLifecycle | Self::ApiActivity => {
                (6, "Application Activity")
            }
        }
    }

    /// Whether it has a place for the request, the reply and where it came from.
    pub(super) const fn has_http(self) -> bool {
        match self {
            Self::AccountChange
            | Self::Authentication
            | Self::AuthorizeSession
            | Self::EntityManagement
            | Self::WebResourcesActivity
            | Self::ApiActivity => true,
            Self::Base | Self::DetectionFinding | Self::ApplicationLifecycle => false,
        }
    }

    /// Whether it has a place for what was asked.
    pub(super) const fn has_destination(self) -> bool {
        match self {
            Self::Authentication
            | Self::AuthorizeSession
            | Self::WebResourcesActivity
            | Self::ApiActivity => true,
            Self::Base
            | Self::DetectionFinding
            | Self::AccountChange
            | Self::EntityManagement
            | Self::ApplicationLifecycle => false,
        }
    }
}

/// The activity of the class: its number, 99 where the class has none for it, and its name.
pub(super) const fn activity(class: Class, deed: Deed) -> (u32, &'static str) {
    match deed {
        Deed::Access(access) => accessed(class, access),
        Deed::OwnPage | Deed::JournalRead => (2, "Read"),
        Deed::SignInBegun | Deed::StepUpBegun => (6, "Preauth"),
        Deed::SignIn => (1, "Logon"),
        Deed::SignOut | Deed::Revocation => (2, "Logoff"),
        Deed::Purpose(Override::Begun | Override::Ended | Override::Neither) => (1, "Assign Privileges"),
        Deed::Directory(step, Some(ResourceKind::User)) => match step {
            ProvisioningStep::Created => (1, "Create"),
            ProvisioningStep::Enabled => (2, "Enable"),
            ProvisioningStep::Disabled => (5, "Disable"),
            ProvisioningStep::Deleted => (6, "Delete"),
            ProvisioningStep::Read => (99, "Read"),
            ProvisioningStep::Changed => (99, "Update"),
            ProvisioningStep::Refused => (99, "Refused"),
        },
        Deed::Directory(step, Some(ResourceKind::Group) | None) => match step {
            ProvisioningStep::Created => (1, "Create"),
            ProvisioningStep::Read => (2, "Read"),
            ProvisioningStep::Changed => (3, "Update"),
            ProvisioningStep::Deleted => (4, "Delete"),
            ProvisioningStep::Enabled => (8, "Enable"),
            ProvisioningStep::Disabled => (9, "Disable"),
            ProvisioningStep::Refused => (99, "Refused"),
        },
        Deed::Signal => (99, "Signal"),
        Deed::Administration => (99, "Administration"),
        Deed::Configuration | Deed::KeyRotated => (3, "Update"),
        Deed::Detection | Deed::Gap => (1, "Create"),
        Deed::Review(ReviewState::Closed) => (3, "Close"),
        Deed::Review(ReviewState::Open | ReviewState::Seen) => (2, "Update"),
        Deed::Started => (3, "Start"),
        Deed::Stopped => (4, "Stop"),
        Deed::Notice => (99, "Notice"),
    }
}

/// Looking, making, changing and removing have the same numbers in both classes; one of them knows no more.
const fn accessed(class: Class, access: Access) -> (u32, &'static str) {
    let is_api = matches!(class, Class::ApiActivity);
    match access {
        Access::Create => (1, "Create"),
        Access::Read => (2, "Read"),
        Access::Update => (3, "Update"),
        Access::Delete => (4, "Delete"),
        Access::Search => (if is_api { 99 } else { 5 }, "Search"),
        Access::Export => (if is_api { 99 } else { 7 }, "Export"),
        Access::Disclose => (if is_api { 99 } else { 8 }, "Share"),
        Access::Execute => (99, "Execute"),
    }
}
