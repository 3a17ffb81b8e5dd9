//! The receiver of one provider's signals under its present settings.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Mutex as AsyncMutex;

use super::error::{SetFault, TransmitterFault};
use super::poll::{Answered, Due, Poll};
use super::settings::SignalSettings;
use super::signal::StreamStatus;
use super::standing::{AccountName, Accounts};
use super::stream::{Stream, StreamNow};
use super::subject::{Name, Whom, folded};
use super::token::{Set, Token};
use super::transmitter::Transmitter;
use crate::domain::signal::{EventSignal, SignalStep};
use crate::domain::subject::{Subject, SubjectId};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::AuthoritiesError;

/// The receiver of one provider's signals.
#[derive(Debug)]
pub struct Receiver {
    settings: SignalSettings,
    transmitter: Transmitter,
    poll: Option<Poll>,
    pub(super) shelf: Arc<Shelf>,
}

/// What is kept of a provider's signals whatever its settings are.
#[derive(Debug)]
pub(super) struct Shelf {
    pub(super) accounts: Accounts,
    pub(super) stream: Stream,
    /// One change of the accounts at a time, until it is in the store: so that none holds over what was signed later.
    pub(super) turn: AsyncMutex<()>,
}

impl Shelf {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { accounts: Accounts::default(), stream: Stream::new(now), turn: AsyncMutex::default() }
    }
}

impl Receiver {
    pub(super) fn new(settings: SignalSettings, shelf: Arc<Shelf>) -> Result<Self, AuthoritiesError> {
        let (transmitter, poll) = (Transmitter::new(&settings)?, Poll::new(&settings)?);
        Ok(Self { settings, transmitter, poll, shelf })
    }

    /// Its settings.
    pub const fn settings(&self) -> &SignalSettings {
        &self.settings
    }

    /// What a token says, if it holds.
    pub async fn verify(&self, token: &str, now: Timestamp) -> Result<Set, SetFault> {
        let token = Token::parse(token)?;
        // Whoever asks is the transmitter; all the same nobody is asked for keys because of what cannot be for us.
        token.is_meant(&self.settings, now)?;
        let set = token.set(&self.settings.provider)?;
        self.transmitter.has_signed(&token.0, now).await?.map_err(SetFault::Key)?;
        if self.shelf.stream.hear(now) {
            tracing::info!(provider = %self.settings.provider, "the provider's signals are heard again");
        }
        Ok(set)
    }

    /// Asks the transmitter for signals; answers none where it is not polled. `at_once`: it is not to make us wait.
    pub async fn ask(&self, due: &Due, at_once: bool, now: Timestamp) -> Result<Answered, TransmitterFault> {
        let Some(poll) = &self.poll else { return Err(TransmitterFault::Unusable { what: "address" }) };
        let answered = poll.ask(due, at_once || !poll.settings.is_long).await?;
        self.shelf.stream.hear(now);
        Ok(answered)
    }

    /// How soon it is asked again where nothing came; none where it is not polled.
    pub fn polled_every(&self) -> Option<Duration> {
        self.poll.as_ref().map(|poll| poll.settings.every)
    }

    /// Whether its transmitter may make us wait for signals.
    pub fn waits(&self) -> bool {
        self.poll.as_ref().is_some_and(|poll| poll.settings.is_long)
    }

    /// Asks whether the stream is there, where nothing was heard for a while and it has a name.
    pub async fn ask_whether_there(
        &self,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Result<(), TransmitterFault> {
        let Some(name) = &self.settings.stream else { return Ok(()) };
        if !self.shelf.stream.is_to_be_asked(now) {
            return Ok(());
        }
        let state = random_text::<16>(entropy);
        self.shelf.stream.ask(Secret::new(state.clone()), now);
        self.transmitter.verify(name, &state).await
    }

    /// Whether nothing has been heard for too long, and nobody was told.
    pub fn has_fallen_silent(&self, now: Timestamp) -> bool {
        self.shelf.stream.has_fallen_silent(now)
    }

    /// How its stream stands.
    pub fn stream(&self, now: Timestamp) -> StreamNow {
        self.shelf.stream.now(now)
    }

    /// How many accounts may not be used.
    pub fn barred(&self) -> usize {
        self.shelf.accounts.barred()
    }

    /// Whether a verification answers what was asked.
    pub fn is_answer(&self, state: Option<&str>) -> bool {
        self.shelf.stream.is_answer(state)
    }

    /// Notes how its stream stands by the transmitter's word.
    pub fn set_status(&self, status: StreamStatus) {
        if self.shelf.stream.set_status(status) != status {
            let provider = &self.settings.provider;
            tracing::warn!(%provider, stream.status = %status, "the transmitter says how the provider's signals stand");
        }
    }

    /// Counts what has come of a signal.
    pub fn count(&self, told: &EventSignal) {
        self.shelf.stream.count(told.kind, told.step);
    }

    /// A signal that was not taken, as events tell of it.
    pub fn refused(&self, fault: &SetFault) -> EventSignal {
        let step = if fault.code().is_some() { SignalStep::Refused } else { SignalStep::Incomplete };
        EventSignal::of(self.settings.provider.clone(), step)
    }

    /// The person whom a signal names by what needs no looking up: `sub` at the provider, or at its transmitter.
    pub fn subs(&self, whom: &Whom) -> Vec<SubjectId> {
        let sub = |name| match name {
            AccountName::Sub(sub) => Some(SubjectId { issuer: self.settings.people.clone(), sub }),
            AccountName::Email(_) => None,
        };
        self.accounts_of(&whom.people).into_iter().filter_map(sub).collect()
    }

    /// Whether no account is named that we could find.
    pub fn names_nobody(&self, whom: &Whom) -> bool {
        self.accounts_of(&whom.people).is_empty()
    }

    /// Whether somebody is named by an e-mail address, and we know those of people.
    pub fn names_by_email(&self, whom: &Whom) -> bool {
        let names = self.accounts_of(&whom.people);
        names.iter().any(|name| matches!(name, AccountName::Email(_)))
    }

    /// Whether somebody who is signed in is named by an e-mail address.
    pub fn is_named_by_email(&self, whom: &Whom, subject: &Subject) -> bool {
        *subject.issuer == *self.settings.people
            && self.emails_of(subject).iter().any(|email| {
                whom.people.iter().any(|name| matches!(name, Name::Email(named) if *named == folded(email)))
            })
    }

    /// The session that is named, as the provider itself names it: none where somebody else signals in its place.
    pub fn sids(&self, whom: &Whom) -> Vec<Arc<str>> {
        if self.settings.issuer != *self.settings.people {
            return Vec::new();
        }
        let sid = |name: &Name| match name {
            Name::Sub { issuer, sub } => (*issuer == self.settings.people).then(|| sub.clone()),
            Name::Opaque(sid) => Some(sid.clone()),
            Name::Email(_) => None,
        };
        whom.sessions.iter().filter_map(sid).collect()
    }

    pub(super) fn accounts_of(&self, names: &[Name]) -> Vec<AccountName> {
        let is_issuer = |issuer: &str| issuer == &*self.settings.people || issuer == self.settings.issuer;
        let mut names = AccountName::of(names, is_issuer);
        names.retain(|name| self.settings.email.is_some() || matches!(name, AccountName::Sub(_)));
        names
    }

    pub(super) fn is_barred(&self, subject: &Subject) -> bool {
        self.shelf.accounts.is_barred(&subject.sub, self.emails_of(subject))
    }

    fn emails_of<'s>(&self, subject: &'s Subject) -> &'s [String] {
        let word = self.settings.email.as_ref();
        word.and_then(|word| subject.attributes.get(word)).map(Vec::as_slice).unwrap_or_default()
    }
}
