//! What a provider signals of its people (Shared Signals), on the host of any application, since transmitters in the
//! cloud come by TLS as everybody does; and what is done about it, whichever way it came.
//!
//! Whoever pushes is known by the transmitter's token, which is compared before anything else is done; whoever does not
//! bring it is measured as those who sign in are. The signal itself is believed for its signature. Who is out is out
//! first, then it is told, and only then is it accepted: what could not be completed comes again. It is a task of its
//! own: whoever brings it may leave, and it is done all the same.

use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::join_all;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, StatusCode};
use hyper::body::Incoming;
use tokio::task::JoinHandle;

use super::draft::Draft;
use super::handle::{Answer, Moment};
use super::minutes::{Minutes, Requester, Told};
use super::own_paths::Asked;
use super::provisioning::bearer;
use super::refusal::Refusal;
use super::reply::own_head;
use super::revocation::RevocationError;
use super::rules::Shared;
use super::sought::unread;
use super::turnstile;
use crate::domain::event::{Opening, Outcome, Verdict};
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, ProviderSession, Revocation, Target};
use crate::domain::risk::{Level, Sign};
use crate::domain::signal::{EventSignal, SignalStep};
use crate::domain::subject::SubjectId;
use crate::features::risk;
use crate::features::signals::token::Set;
use crate::features::signals::{Call, Claimed, KeepError, Receiver, SetFault, Signalled, Stood};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;
use crate::platform::http::body::{ReadBodyError, read_bounded};
use crate::platform::http::pace::Paced;
use crate::platform::signed_token::TOKEN_BYTES_MAX;

/// Takes a signal that is pushed.
pub async fn answer(
    moment: &Moment,
    asked: &Asked,
    incoming: Paced<Incoming>,
    draft: &mut Option<Draft>,
) -> Result<Answer, Refusal> {
    let shared = &moment.worker.shared;
    if !shared.signals.are_pushed() {
        return Err(Refusal::RouteNotFound);
    }
    let Some(receiver) = shared.transmitter_of(&asked.parts.headers) else {
        turnstile::sign_in(moment)?;
        return Err(Refusal::SignalRefused(SetFault::Stranger));
    };
    let text = match read_bounded(incoming, TOKEN_BYTES_MAX).await {
        Ok(body) => pushed(&asked.parts.headers, &body),
        Err(error @ ReadBodyError::Broken(_)) => return Err(unread(&error)),
        Err(ReadBodyError::TooLarge { .. }) => None,
    };
    let (requester, waiting) = Requester::of(moment);
    let done = shared.signal(receiver, text, Some(requester));
    waiting.write_down(draft).await;
    finished(done).await.map_err(Refusal::SignalRefused)?;
    let reply = own_head(StatusCode::ACCEPTED, None, moment.event).map(|()| Bytes::new());
    Ok(Answer::Own(reply, Outcome::Completed))
}

/// The token that a request holds, if it is one (RFC 8935 section 2.1).
pub fn pushed(headers: &HeaderMap, body: &[u8]) -> Option<String> {
    let kind = headers.get(CONTENT_TYPE)?.to_str().ok()?.split(';').next()?;
    let is_token = kind.trim().eq_ignore_ascii_case("application/secevent+jwt");
    let text = std::str::from_utf8(body).ok().filter(|_| is_token)?;
    Some(text.trim().to_owned())
}

impl Shared {
    /// The receiver whose transmitter's token a request brings.
    pub fn transmitter_of(&self, headers: &HeaderMap) -> Option<Arc<Receiver>> {
        self.signals.receiver_of(bearer(headers)?)
    }

    /// Takes a signal that was pushed; `text` is none where no token came. It is a task of its own.
    pub fn signal(
        self: &Arc<Self>,
        receiver: Arc<Receiver>,
        text: Option<String>,
        by: Option<Requester<Signalled>>,
    ) -> JoinHandle<Taken> {
        let shared = self.clone();
        tokio::spawn(async move {
            let verified = match text {
                Some(text) => receiver.verify(&text, shared.clock.now()).await,
                None => Err(SetFault::Missing),
            };
            run(shared, receiver, verified, by).await
        })
    }

    /// Does what a signal calls for that came by no request, once it is known whether it holds. It is a task of its own.
    pub fn carry_out(
        self: &Arc<Self>,
        receiver: Arc<Receiver>,
        verified: Result<Set, SetFault>,
    ) -> JoinHandle<Taken> {
        tokio::spawn(run(self.clone(), receiver, verified, None))
    }
}

/// What was done about a signal, where it was taken.
pub type Taken = Result<SignalStep, SetFault>;

/// What comes of it.
pub async fn finished(done: JoinHandle<Taken>) -> Taken {
    done.await.unwrap_or(Err(SetFault::Incomplete(Reason::InternalError)))
}

impl Told for Signalled {
    fn verdict(&self) -> (Verdict, Reason) {
        self.verdict()
    }

    fn note(self, opening: &mut Opening) {
        self.note(opening);
    }
}

async fn run(
    shared: Arc<Shared>,
    receiver: Arc<Receiver>,
    verified: Result<Set, SetFault>,
    by: Option<Requester<Signalled>>,
) -> Taken {
    let mut minutes = Minutes::begin(&shared, by);
    let done = match verified {
        Ok(set) => carry_out(&shared, &receiver, &set, &mut minutes).await,
        Err(fault) => {
            let told = receiver.refused(&fault);
            written(&mut minutes, Signalled { told, taken: Err(fault) }).await
        }
    };
    receiver.count(&done.told);
    if let Err(fault) = &done.taken {
        let provider = &receiver.settings().provider;
        tracing::warn!(%provider, error = %fault, "a signal was not taken");
    }
    minutes.close(done.outcome());
    let Signalled { told, taken } = done;
    taken.map(|()| told.step)
}

/// Does what a signal calls for; then that is written down; and then it is taken.
async fn carry_out(
    shared: &Arc<Shared>,
    receiver: &Receiver,
    set: &Set,
    minutes: &mut Minutes<'_, Signalled>,
) -> Signalled {
    let now = minutes.received();
    let mut told = EventSignal {
        kind: Some(set.kind),
        id: Some(set.id.clone()),
        happened: Some(set.happened),
        issued: Some(set.issued),
        ..EventSignal::of(receiver.settings().provider.clone(), SignalStep::TakenBefore)
    };
    let _turn = shared.signals.turn(set).await;
    // What is taken already is answered as accepted.
    let unclaimed = match shared.signals.claim(set, now).await {
        Ok(Claimed::Ours) => None,
        Ok(Claimed::TakenBefore) => {
            return written(minutes, Signalled { told, taken: Ok(()) }).await;
        }
        Ok(Claimed::Elsewhere) => Some(Reason::Overloaded),
        Err(error) => {
            tracing::error!(%error, "it could not be found out whether a signal was taken before");
            Some(Reason::StoreUnavailable)
        }
    };
    if let Some(reason) = unclaimed {
        return written(minutes, incomplete(Signalled { told, taken: Ok(()) }, reason)).await;
    }
    let come = Come { shared, receiver, set, request: minutes.event(), received: now };
    let mut people = Vec::new();
    let done = come.act(&mut people).await;
    told.name(&people);
    told.step = match &done {
        Ok(step) => *step,
        Err(fault) => receiver.refused(fault).step,
    };
    let mut signalled = written(minutes, Signalled { told, taken: done.map(drop) }).await;
    if signalled.taken.is_ok() && shared.signals.take(set, now).await.is_err() {
        signalled = incomplete(signalled, Reason::StoreUnavailable);
    }
    if signalled.taken.is_err() && shared.signals.leave(set).await.is_err() {
        tracing::warn!("a signal that could not be carried out is no other node's for half a minute");
    }
    signalled
}

/// The same where it is to come again.
fn incomplete(signalled: Signalled, reason: Reason) -> Signalled {
    let told = EventSignal { step: SignalStep::Incomplete, ..signalled.told };
    Signalled { told, taken: Err(SetFault::Incomplete(reason)) }
}

/// What was written down; what cannot be is to come again.
async fn written(minutes: &mut Minutes<'_, Signalled>, signalled: Signalled) -> Signalled {
    if minutes.write(signalled.clone()).await {
        return signalled;
    }
    incomplete(signalled, Reason::AuditUnavailable)
}

/// A signal that holds and has not been taken.
struct Come<'a> {
    shared: &'a Arc<Shared>,
    receiver: &'a Receiver,
    set: &'a Set,
    /// The event that tells of it.
    request: RequestId,
    received: Timestamp,
}

impl Come<'_> {
    /// Does what it calls for, and says for whom.
    async fn act(&self, people: &mut Vec<SubjectId>) -> Result<SignalStep, SetFault> {
        match &self.set.call {
            Call::Nothing => Ok(SignalStep::NotActedOn),
            Call::Verify(state) if self.receiver.is_answer(state.as_deref()) => Ok(SignalStep::CarriedOut),
            Call::Verify(_) if self.shared.signals.may_answer_another() => Ok(SignalStep::NotActedOn),
            Call::Verify(_) => Err(SetFault::State),
            Call::Stream(status) => {
                self.receiver.set_status(*status);
                Ok(SignalStep::CarriedOut)
            }
            Call::EndSession(cause) => self.end(self.session(self.find(people)), *cause).await,
            Call::EndSessions(cause) => self.end(self.sessions(self.find(people)), *cause).await,
            Call::ForgetProven => self.forget_proven(self.sessions(self.find(people))).await,
            Call::Risk(level) => self.tell_of_risk(self.find(people), *level).await,
            Call::Bar(_) | Call::Admit if self.receiver.names_nobody(&self.set.whom) => {
                Ok(SignalStep::NobodyMeant)
            }
            Call::Bar(cause) => {
                // First this, so that nobody comes in while their sessions end; those end whatever becomes of it.
                let stood = self.stand(true).await;
                self.end(targets(self.find(people)), *cause).await?;
                stood
            }
            // Nobody is let in where that cannot be written down.
            Call::Admit if !self.shared.journal.is_writable() => {
                Err(SetFault::Incomplete(Reason::AuditUnavailable))
            }
            Call::Admit => {
                self.find(people);
                self.stand(false).await
            }
        }
    }

    fn find<'p>(&self, people: &'p mut Vec<SubjectId>) -> &'p [SubjectId] {
        *people = self.people();
        people
    }

    /// The people whom it names: by `sub` whoever that is, by e-mail whoever is signed in.
    fn people(&self) -> Vec<SubjectId> {
        let (receiver, whom) = (self.receiver, &self.set.whom);
        let mut people = receiver.subs(whom);
        if receiver.names_by_email(whom) {
            people.extend(self.shared.sessions.people(|subject| receiver.is_named_by_email(whom, subject)));
        }
        people.sort_unstable();
        people.dedup();
        people
    }

    /// All sessions of the person; where it names none, the one that it names.
    fn sessions(&self, people: &[SubjectId]) -> Vec<Target> {
        if people.is_empty() { self.session(people) } else { targets(people) }
    }

    /// The session that it names, or all of the person's: where it names none, or by another's word than the provider's.
    fn session(&self, people: &[SubjectId]) -> Vec<Target> {
        let sids = self.receiver.sids(&self.set.whom);
        if sids.is_empty() {
            return targets(people);
        }
        let issuer = &self.receiver.settings().people;
        let session = |sid: &Arc<str>, sub: Option<&Arc<str>>| {
            let (issuer, sid, sub) = (issuer.clone(), sid.clone(), sub.cloned());
            Target::ProviderSession(ProviderSession { issuer, sid, sub })
        };
        if self.set.whom.has_user {
            // Theirs, and nobody else's.
            let owned = |sid| people.iter().map(move |person| session(sid, Some(&person.sub)));
            return sids.iter().flat_map(owned).collect();
        }
        targets(people).into_iter().chain(sids.iter().map(|sid| session(sid, None))).collect()
    }

    async fn forget_proven(&self, targets: Vec<Target>) -> Result<SignalStep, SetFault> {
        for target in &targets {
            let forgotten = self.shared.sessions.forget_proven(target, self.received).await;
            // What answered a risk was proven, too.
            for person in forgotten.map_err(|error| SetFault::Incomplete(error.reason()))? {
                self.shared.risk.unanswer(&person);
            }
        }
        Ok(step_for(&targets))
    }

    /// What is said of the people's risk stands; whether more is asked of them is for the rules.
    async fn tell_of_risk(&self, people: &[SubjectId], level: Level) -> Result<SignalStep, SetFault> {
        for person in people {
            let told =
                risk::Told { level, why: None, since: self.set.happened.min(self.received), until: None };
            self.shared.risk.told(person, told, self.received).await.map_err(|error| {
                tracing::error!(%error, "what is said of a person's risk could not be kept");
                SetFault::Incomplete(Reason::StoreUnavailable)
            })?;
        }
        let is_asked = self.shared.rules.load().risks.iter().any(|risk| risk.when.sign() == Sign::Told);
        Ok(if people.is_empty() {
            SignalStep::NobodyMeant
        } else if is_asked {
            SignalStep::CarriedOut
        } else {
            SignalStep::NotActedOn
        })
    }

    async fn end(&self, targets: Vec<Target>, cause: Cause) -> Result<SignalStep, SetFault> {
        let step = step_for(&targets);
        let revoke = |target| {
            let (request, asked, received) = (Some(self.request), self.set.happened, self.received);
            let revocation = Revocation { target, cause, why: None, request, asked, received, relayed: None };
            self.shared.revoke(revocation, None)
        };
        let ended: Result<Vec<_>, RevocationError> =
            join_all(targets.into_iter().map(revoke)).await.into_iter().collect();
        ended.map(|_| step).map_err(|error| SetFault::Incomplete(error.reason()))
    }

    async fn stand(&self, is_barred: bool) -> Result<SignalStep, SetFault> {
        let stood = self.shared.signals.stand(self.receiver, self.set, is_barred, self.received).await;
        let stood = stood.map(|stood| match stood {
            Stood::Changed => SignalStep::CarriedOut,
            Stood::Overtaken => SignalStep::Overtaken,
        });
        stood.map_err(|error| {
            tracing::error!(provider = %self.receiver.settings().provider, %error, "an account's standing could not be kept");
            SetFault::Incomplete(match error {
                KeepError::Store(_) => Reason::StoreUnavailable,
                KeepError::Full => Reason::Overloaded,
            })
        })
    }
}

fn step_for(targets: &[Target]) -> SignalStep {
    if targets.is_empty() { SignalStep::NobodyMeant } else { SignalStep::CarriedOut }
}

fn targets(people: &[SubjectId]) -> Vec<Target> {
    people.iter().cloned().map(Target::Person).collect()
}

/// Where a transmitter pushes to.
pub const SIGNALS_PATH: &str = "/.leastway/ssf/events";
