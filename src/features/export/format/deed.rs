//! What an event tells of, in few enough words that every format has one of its own for each.

use crate::domain::action::Action;
use crate::domain::break_glass::{BreakReview, BreakStep, EventBreak};
use crate::domain::detection::ReviewState;
use crate::domain::event::{Event, EventKind, Opening};
use crate::domain::note::{
    CHECKPOINT_KEY, EVENTS_READ, JOURNAL_CLOSED, JOURNAL_OPENED, NEW_RULES, REPORT_READ,
};
use crate::domain::own_path::{
    BACK_CHANNEL_PATH, ME_END_PATH, OWN_PREFIX, SIGN_IN_PATH, SIGN_OUT_PATH, STEP_UP_PATH,
};
use crate::domain::provisioning::{ProvisioningStep, ResourceKind};
use crate::domain::purpose::{Basis, Purpose};

/// What an event tells of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Deed {
    /// Something of an application was asked for.
    Access(Access),
    /// One of our own pages was asked for.
    OwnPage,
    /// Signing in was begun: who comes is not known yet.
    SignInBegun,
    /// A stronger or fresher sign-in was begun.
    StepUpBegun,
    /// Somebody came back from the provider to be signed in.
    SignIn,
    /// Somebody signed out.
    SignOut,
    /// Somebody has said for what they work from now on.
    Purpose(Override),
    /// Sessions were ended by somebody else's word.
    Revocation,
    /// The directory was read or changed.
    Directory(ProvisioningStep, Option<ResourceKind>),
    /// A provider has signalled something.
    Signal,
    /// Something was found in the stream of events.
    Detection,
    /// Somebody has said something of what was found.
    Review(ReviewState),
    /// The journal was read.
    JournalRead,
    /// Something else was done by an administrator.
    Administration,
    /// The gateway has started.
    Started,
    /// The gateway has stopped.
    Stopped,
    /// Rules were taken, or not.
    Configuration,
    /// Checkpoints of the journal are signed with another key from now on.
    KeyRotated,
    /// Requests were let through of which the journal has no events.
    Gap,
    /// Something that the gateway has to tell of itself.
    Notice,
}

/// What is done to what is asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Access {
    /// It is looked at.
    Read,
    /// It is searched or listed.
    Search,
    /// It is made.
    Create,
    /// It is changed.
    Update,
    /// It is removed.
    Delete,
    /// It is taken away.
    Export,
    /// It is sent to somebody outside.
    Disclose,
    /// Something is carried out.
    Execute,
}

/// Whether an emergency access begins or ends with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Override {
    /// It begins.
    Begun,
    /// It ends.
    Ended,
    /// Neither.
    Neither,
}

impl Deed {
    /// What `event` tells of.
    pub(super) fn of(event: &Event) -> Self {
        let opening = &*event.opening;
        if let Some(deed) = opening.break_glass.as_deref().and_then(overridden) {
            return deed;
        }
        match opening.kind {
            EventKind::Request => Self::Access(accessed(event)),
            EventKind::Authentication => authenticated(opening),
            EventKind::OwnPath => said(opening).unwrap_or(Self::OwnPage),
            EventKind::Administration => administered(opening),
            EventKind::Provisioning => opening.provisioning.as_ref().map_or(Self::Administration, |told| {
                Self::Directory(told.step, told.resource.as_ref().map(|it| it.kind))
            }),
            EventKind::Revocation => Self::Revocation,
            EventKind::Detection => Self::Detection,
            EventKind::Lifecycle => told_of_itself(opening),
        }
    }
}

impl Deed {
    /// What is done to what an application has, where something of one was asked for.
    pub(super) const fn access(self) -> Option<Access> {
        if let Self::Access(access) = self { Some(access) } else { None }
    }

    /// Whether somebody is on the way in.
    pub(super) const fn is_sign_in(self) -> bool {
        matches!(self, Self::SignInBegun | Self::StepUpBegun | Self::SignIn)
    }

    /// Whether somebody should look at it whatever came of it.
    pub(super) const fn is_alert(self) -> bool {
        matches!(self, Self::Purpose(Override::Begun) | Self::Detection | Self::Gap)
    }

    /// What a person calls it.
    pub(super) const fn title(self) -> &'static str {
        match self {
            Self::Access(access) => match access {
                Access::Read => "Read",
                Access::Search => "Search",
                Access::Create => "Create",
                Access::Update => "Update",
                Access::Delete => "Delete",
                Access::Export => "Export",
                Access::Disclose => "Disclosure",
                Access::Execute => "Operation",
            },
            Self::OwnPage => "Page of the gateway",
            Self::SignInBegun => "Sign-in begun",
            Self::StepUpBegun => "Step-up begun",
            Self::SignIn => "Sign-in",
            Self::SignOut => "Sign-out",
            Self::Purpose(Override::Begun) => "Emergency access begun",
            Self::Purpose(Override::Ended) => "Emergency access ended",
            Self::Purpose(Override::Neither) => "Purpose stated",
            Self::Revocation => "Sessions ended",
            Self::Directory(..) => "Directory",
            Self::Signal => "Shared signal",
            Self::Detection => "Detection",
            Self::Review(_) => "Review of a detection",
            Self::JournalRead => "Journal read",
            Self::Administration => "Administration",
            Self::Started => "Gateway started",
            Self::Stopped => "Gateway stopped",
            Self::Configuration => "Configuration",
            Self::KeyRotated => "Signing key changed",
            Self::Gap => "Gap in the journal",
            Self::Notice => "Notice",
        }
    }
}

/// What an event is that begins or ends an emergency access, or tells of its review; what is done under one is what it is.
fn overridden(told: &EventBreak) -> Option<Deed> {
    match told.step {
        BreakStep::Started | BreakStep::Remembered => Some(Deed::Purpose(Override::Begun)),
        BreakStep::Ended => Some(Deed::Purpose(Override::Ended)),
        BreakStep::Reviewed => told.review.as_ref().map(|review| {
            Deed::Review(match review.state {
                BreakReview::Open => ReviewState::Open,
                BreakReview::Triaged => ReviewState::Seen,
                BreakReview::Closed => ReviewState::Closed,
            })
        }),
        BreakStep::Prompted | BreakStep::Cancelled | BreakStep::Used | BreakStep::Attested => None,
    }
}

/// By the action of the route; where there is none, by the method.
fn accessed(event: &Event) -> Access {
    if event.closing.as_ref().is_some_and(|closing| closing.found_file) {
        return Access::Export;
    }
    match event.opening.action {
        Some(Action::View | Action::PollJob) => Access::Read,
        Some(Action::Search | Action::List | Action::Query) => Access::Search,
        Some(Action::Create) => Access::Create,
        Some(Action::Update) => Access::Update,
        Some(Action::Delete) => Access::Delete,
        Some(
            Action::Export | Action::Print | Action::WholeRecord | Action::ConfigExport | Action::FetchResult,
        ) => Access::Export,
        Some(Action::Disclose) => Access::Disclose,
        Some(Action::Admin | Action::StartJob) => Access::Execute,
        None => match event.opening.method.as_deref() {
            Some("GET" | "HEAD") => Access::Read,
            Some("PUT" | "PATCH") => Access::Update,
            Some("DELETE") => Access::Delete,
            Some(_) | None => Access::Execute,
        },
    }
}

fn authenticated(opening: &Opening) -> Deed {
    match opening.path.as_deref() {
        Some(SIGN_IN_PATH) => Deed::SignInBegun,
        Some(STEP_UP_PATH) => Deed::StepUpBegun,
        Some(SIGN_OUT_PATH | ME_END_PATH | BACK_CHANNEL_PATH) => Deed::SignOut,
        Some(path) if path.starts_with(OWN_PREFIX) => Deed::SignIn,
        // An application's own logout signs out here, too: it is the one page of theirs that authenticates.
        Some(_) => Deed::SignOut,
        None => Deed::SignIn,
    }
}

fn said(opening: &Opening) -> Option<Deed> {
    let purpose = opening.purpose.as_ref()?;
    let is_emergency = |purpose: Purpose| match purpose.basis() {
        Basis::Emergency => true,
        Basis::Treatment
        | Basis::Payment
        | Basis::Operations
        | Basis::ResearchOrPublicHealth
        | Basis::Individual
        | Basis::RequiredByLaw
        | Basis::Authorization => false,
    };
    Some(Deed::Purpose(match (purpose.before.is_some_and(is_emergency), is_emergency(purpose.now)) {
        (false, true) => Override::Begun,
        (true, false) => Override::Ended,
        (false, false) | (true, true) => Override::Neither,
    }))
}

fn administered(opening: &Opening) -> Deed {
    if let Some(review) = &opening.review {
        return Deed::Review(review.state);
    }
    if opening.signal.is_some() {
        return Deed::Signal;
    }
    let is_told = |note: &str| note == EVENTS_READ || note.starts_with(REPORT_READ);
    if opening.reading.is_some() || opening.note.as_deref().is_some_and(is_told) {
        return Deed::JournalRead;
    }
    Deed::Administration
}

fn told_of_itself(opening: &Opening) -> Deed {
    let note = opening.note.as_deref().unwrap_or_default();
    if opening.gap.is_some() {
        Deed::Gap
    } else if note.starts_with(JOURNAL_OPENED) {
        Deed::Started
    } else if note == JOURNAL_CLOSED {
        Deed::Stopped
    } else if note.starts_with(NEW_RULES) {
        Deed::Configuration
    } else if note.lines().next() == Some(CHECKPOINT_KEY) {
        Deed::KeyRotated
    } else {
        Deed::Notice
    }
}
