//! All that is kept: put in, shown, sent once, thrown away, swept.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use super::nodes::changed;
use super::seal::Browser;
use super::settings::HoldBounds;
use super::store;
use super::table::{Charge, Entry, NoRoom, Owner, Place, Standing, Summary, Table};
use super::typed::Typed;
use crate::domain::application::{ApplicationName, RouteName};
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::HoldId;
use crate::platform::seal::Unsealable;
use crate::platform::store::{Statement, Store, StoreError};

/// All that is kept.
#[derive(Debug)]
pub struct Holds {
    pub(super) table: Arc<Table>,
    pub(super) store: Store,
    entropy: Arc<dyn Entropy>,
}

/// Where something was typed, and for whom it is kept.
#[derive(Debug)]
pub struct New<'a> {
    /// In which browser.
    pub browser: &'a Browser,
    /// Whose it is, if somebody is or was signed in; else it is of whoever comes back from the sign-in
    /// that it begins.
    pub person: Option<SubjectId>,
    /// Where it came from.
    pub address: IpAddr,
    /// The host that it was for.
    pub host: Arc<str>,
    /// The application that it was for.
    pub application: ApplicationName,
    /// Its route.
    pub route: Option<RouteName>,
    /// For how long it is kept.
    pub lifetime: Duration,
}

/// Who asks for what is kept: only if all three are as they were is there anything.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// From which browser.
    pub browser: &'a Browser,
    /// Who.
    pub person: &'a SubjectId,
    /// At which host.
    pub host: &'a str,
}

/// Why something that is kept could not be had.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// There is none for whoever asks.
    #[error("there is no such entry for whoever asks")]
    None,
    /// It is being sent, or was.
    #[error("the entry is being sent or was sent")]
    BeingSent,
    /// The store did not answer.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// What is sealed is not what it was.
    #[error("the entry cannot be sealed or opened")]
    Sealed,
}

/// An entry whose time is over, or that was taken away.
#[derive(Clone, Debug)]
pub struct Gone {
    /// Which.
    pub id: HoldId,
    /// For which application.
    pub application: ApplicationName,
    /// Whose it was.
    pub person: Option<SubjectId>,
}

/// An entry that is being sent. Once that has begun it counts as perhaps sent, unless it is said how it ended; before, it
/// waits on when this is dropped.
#[derive(Debug)]
pub struct Sending {
    table: Arc<Table>,
    /// Which.
    pub id: HoldId,
    expires: Timestamp,
    has_begun: bool,
}

impl Sending {
    /// For how long it will still be kept if it is not sent.
    pub fn left(&self, now: Timestamp) -> Duration {
        self.expires.since(now)
    }
}

impl Drop for Sending {
    fn drop(&mut self) {
        let after = if self.has_begun { Standing::Uncertain } else { Standing::Waiting };
        self.table.step(self.id, Standing::BeingSent, after);
    }
}

impl Holds {
    /// What the store holds. Blocks: for the start.
    pub fn load(store: Store, bounds: HoldBounds, entropy: Arc<dyn Entropy>) -> Result<Self, StoreError> {
        let holds = Self { table: Arc::new(Table::new(bounds)), store, entropy };
        let mut unreadable = 0_usize;
        for row in holds.store.read(&store::all())? {
            match store::read(&row) {
                Ok(entry) => holds.table.restore(Entry { is_ours: !holds.store.is_shared(), ..entry }),
                Err(store::Unreadable) => unreadable += 1,
            }
        }
        if unreadable > 0 {
            tracing::warn!(hold.unreadable = unreadable, "held entries that cannot be read are ignored");
        }
        Ok(holds)
    }

    /// How many entries there are.
    pub fn len(&self) -> usize {
        self.table.len()
    }

    /// Whether nothing is kept.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps room for a body of `bytes`, before it is read.
    pub fn reserve(&self, new: &New<'_>, bytes: usize) -> Result<Place, NoRoom> {
        let owner = match &new.person {
            Some(person) => Owner::Person(person.clone()),
            None => Owner::Stranger(Some(new.address)),
        };
        self.table.reserve(Charge { browser: new.browser.digest(), owner, bytes })
    }

    /// Keeps what was typed; it is in the store when this answers. The same once more, as by a second press of the
    /// button, is what is kept already, for as long as that is. Gives which, and until when.
    pub async fn put(
        &self,
        place: Place,
        new: New<'_>,
        typed: &Typed,
        now: Timestamp,
    ) -> Result<(HoldId, Timestamp), HoldError> {
        let browser = new.browser;
        let entry = self.entry(&place, new, typed, now)?;
        let same = self.table.find(|other| other.is_same(&entry));
        if let Some(first) =
            same.iter().find(|other| other.standing == Standing::Waiting && other.is_there(now))
        {
            return Ok((first.id, first.expires));
        }
        let text = typed.to_bytes().ok_or(HoldError::Sealed)?;
        let sealed = browser.seal().seal(&about(&entry), text, &*self.entropy)?;
        let mut statements: Vec<Statement> = same.iter().map(|other| store::delete(other.id)).collect();
        statements.push(store::insert(&entry, &sealed));
        let told = same.iter().map(|other| other.id).chain([entry.id]).map(changed).collect();
        self.store.write_telling(statements, told).await?;
        for other in same {
            self.table.remove(other.id);
        }
        let kept = (entry.id, entry.expires);
        self.table.settle(place, entry);
        Ok(kept)
    }

    fn entry(&self, place: &Place, new: New<'_>, typed: &Typed, now: Timestamp) -> Result<Entry, HoldError> {
        let charge = place.charge().ok_or(HoldError::Sealed)?;
        let parts = [typed.target.as_bytes(), typed.content_type.as_bytes(), &typed.body];
        Ok(Entry {
            id: HoldId::new(now, &*self.entropy),
            browser: charge.browser,
            fingerprint: new.browser.fingerprint(&parts),
            host: new.host,
            application: new.application,
            route: new.route,
            owner: charge.owner.clone(),
            created: now,
            expires: now.plus(new.lifetime),
            bytes: typed.body.len(),
            is_claimed: false,
            standing: Standing::Waiting,
            is_ours: true,
        })
    }

    /// Somebody comes back signed in, from a sign-in that `had` them because of an entry: if that was nobody's, it is theirs
    /// from now on. If it is somebody else's it is named; it stays where it is.
    pub async fn arrive(
        &self,
        had: HoldId,
        visit: Visit<'_>,
        now: Timestamp,
    ) -> Result<Option<HoldId>, HoldError> {
        let browser = visit.browser.digest();
        let is_of_here =
            |entry: &Entry| entry.browser == browser && *entry.host == *visit.host && entry.is_there(now);
        if self.store.is_shared() {
            self.refresh(had).await?;
        }
        let Some(entry) = self.table.get(had).filter(is_of_here) else { return Ok(None) };
        match entry.owner.person() {
            // Of two who come back at once, one has it, at whichever node.
            None if self.table.give(had, visit.person) => {
                let claim = vec![store::claim(had, visit.person)];
                if self.store.write_telling(claim, vec![changed(had)]).await?.first() == Some(&1) {
                    return Ok(None);
                }
                self.refresh(had).await?;
                Ok(Some(had))
            }
            Some(person) if person == visit.person => Ok(None),
            None | Some(_) => Ok(Some(had)),
        }
    }

    /// What is kept for whoever asks, the oldest first.
    pub fn of(&self, visit: Visit<'_>, now: Timestamp) -> Vec<Summary> {
        let browser = visit.browser.digest();
        let found = self.table.find(|entry| is_theirs(entry, &browser, visit, now));
        found.iter().map(Entry::summary).collect()
    }

    /// Whether something is kept for whoever asks.
    pub fn has_any(&self, visit: Visit<'_>, now: Timestamp) -> bool {
        let browser = visit.browser.digest();
        self.table.any(|entry| is_theirs(entry, &browser, visit, now))
    }

    /// Whether an entry is not of whoever asks, or of another browser or host: for the event, never for whoever asks.
    pub fn is_others(&self, id: HoldId, visit: Visit<'_>) -> bool {
        let browser = visit.browser.digest();
        self.table.get(id).is_some_and(|entry| !is_of(&entry, &browser, visit))
    }

    /// What is in an entry, as `look` takes it: unsealed and looked into off the worker's thread.
    pub async fn open<T: Send + 'static>(
        &self,
        id: HoldId,
        visit: Visit<'_>,
        now: Timestamp,
        look: impl FnOnce(Typed) -> T + Send + 'static,
    ) -> Result<(Summary, T), HoldError> {
        let entry = self.theirs(id, visit, now)?;
        let (store, browser) = (self.store.clone(), visit.browser.clone());
        let opened = tokio::task::spawn_blocking(move || {
            let rows = store.read(&store::sealed(id))?;
            let sealed = store::read_sealed(rows.first().ok_or(HoldError::None)?)?;
            let text = browser.seal().open(&about(&entry), sealed)?;
            let typed = Typed::from_bytes(text).ok_or(HoldError::Sealed)?;
            Ok((entry.summary(), look(typed)))
        });
        opened.await.map_err(|_| HoldError::Sealed)?
    }

    /// Takes an entry up to send it to `target`, for which alone it was meant: a second press finds it taken. Nothing of it
    /// leaves before [`begin`](Self::begin).
    pub async fn take_up(
        &self,
        id: HoldId,
        visit: Visit<'_>,
        target: &str,
        now: Timestamp,
    ) -> Result<(Typed, Sending), HoldError> {
        let expires = self.theirs(id, visit, now)?.expires;
        if !self.table.step(id, Standing::Waiting, Standing::BeingSent) {
            return Err(HoldError::BeingSent);
        }
        let sending = Sending { table: self.table.clone(), id, expires, has_begun: false };
        let (_, typed) = self.open(id, visit, now, |typed| typed).await?;
        if typed.target != target {
            return Err(HoldError::None);
        }
        Ok((typed, sending))
    }

    /// From now on it may have been sent: the store says so before this answers, so that a crash sends it no second time.
    pub async fn begin(&self, sending: &mut Sending) -> Result<(), HoldError> {
        let mark = vec![store::mark(sending.id, true)];
        if self.store.write_telling(mark, vec![changed(sending.id)]).await?.first() != Some(&1) {
            // It is on its way from another node, or gone.
            return Err(HoldError::BeingSent);
        }
        sending.has_begun = true;
        Ok(())
    }

    /// It was certainly not sent: it may be tried again.
    pub async fn put_back(&self, sending: Sending) -> Result<(), HoldError> {
        self.store.write_telling(vec![store::mark(sending.id, false)], vec![changed(sending.id)]).await?;
        self.table.step(sending.id, Standing::BeingSent, Standing::Waiting);
        Ok(())
    }

    /// It was sent and taken: it is gone.
    pub async fn finish(&self, sending: Sending) -> Result<(), HoldError> {
        self.store.write_telling(vec![store::delete(sending.id)], vec![changed(sending.id)]).await?;
        self.table.remove(sending.id);
        Ok(())
    }

    /// Throws an entry away.
    pub async fn discard(&self, id: HoldId, visit: Visit<'_>, now: Timestamp) -> Result<(), HoldError> {
        let standing = self.theirs(id, visit, now)?.standing;
        if standing == Standing::BeingSent || !self.table.step(id, standing, Standing::Leaving) {
            return Err(HoldError::BeingSent);
        }
        if let Err(error) = self.store.write_telling(vec![store::delete(id)], vec![changed(id)]).await {
            self.table.step(id, Standing::Leaving, standing);
            return Err(error.into());
        }
        self.table.remove(id);
        Ok(())
    }

    /// Nobody can have any more of what is kept for a person. It is named once, for its event, and is there until
    /// [`forget`](Self::forget).
    pub fn leave_of(&self, person: &SubjectId, now: Timestamp) -> Vec<Gone> {
        self.leave(now, |entry| entry.owner.person() == Some(person))
    }

    /// Nor of what has been kept long enough.
    pub fn leave_due(&self, now: Timestamp) -> Vec<Gone> {
        self.leave(now, |entry| {
            let due = if entry.is_ours { entry.expires } else { entry.expires.plus(SEEN_TO_WITHIN) };
            due <= now
        })
    }

    /// Takes out of the store what nobody can have any more. Where the store does not answer, the next call does.
    pub async fn forget(&self) -> Result<(), HoldError> {
        let leaving = self.table.find(|entry| entry.standing == Standing::Leaving);
        for some in leaving.chunks(BATCH) {
            let statements = some.iter().map(|entry| store::delete(entry.id)).collect();
            let told = some.iter().map(|entry| changed(entry.id)).collect();
            self.store.write_telling(statements, told).await?;
            for entry in some {
                self.table.remove(entry.id);
            }
        }
        Ok(())
    }

    fn leave(&self, now: Timestamp, is_it: impl Fn(&Entry) -> bool) -> Vec<Gone> {
        let gone = |entry: Entry| {
            let person = entry.owner.person().cloned();
            Gone { id: entry.id, application: entry.application, person }
        };
        self.table.leave(now, is_it).into_iter().map(gone).collect()
    }

    fn theirs(&self, id: HoldId, visit: Visit<'_>, now: Timestamp) -> Result<Entry, HoldError> {
        let browser = visit.browser.digest();
        self.table.get(id).filter(|entry| is_theirs(entry, &browser, visit, now)).ok_or(HoldError::None)
    }
}

impl From<store::Unreadable> for HoldError {
    fn from(_: store::Unreadable) -> Self {
        Self::Sealed
    }
}

impl HoldError {
    /// Whether there is nothing to be had, rather than something being broken.
    pub const fn is_gone(&self) -> bool {
        matches!(self, Self::None | Self::BeingSent)
    }
}

impl From<Unsealable> for HoldError {
    fn from(_: Unsealable) -> Self {
        Self::Sealed
    }
}

fn is_theirs(entry: &Entry, browser: &Digest, visit: Visit<'_>, now: Timestamp) -> bool {
    is_of(entry, browser, visit) && entry.is_there(now)
}

fn is_of(entry: &Entry, browser: &Digest, visit: Visit<'_>) -> bool {
    entry.owner.person() == Some(visit.person) && entry.browser == *browser && *entry.host == *visit.host
}

/// What a sealed text is bound to: all that the row says of it, so that a row which was changed does not open. Of what
/// was nobody's when it was sealed, the person is not a part.
fn about(entry: &Entry) -> Vec<u8> {
    let id = entry.id.to_string();
    let (created, expires) =
        (entry.created.as_millis().to_be_bytes(), entry.expires.as_millis().to_be_bytes());
    let person = entry.owner.person().filter(|_| !entry.is_claimed);
    let route = entry.route.as_ref().map_or("", RouteName::as_str);
    let parts: [&[u8]; 9] = [
        id.as_bytes(),
        entry.browser.as_bytes(),
        entry.host.as_bytes(),
        entry.application.as_str().as_bytes(),
        route.as_bytes(),
        person.map_or(&[], |person| person.issuer.as_bytes()),
        person.map_or(&[], |person| person.sub.as_bytes()),
        &created,
        &expires,
    ];
    let length = |part: &&[u8]| (part.len() as u64).to_be_bytes();
    parts.iter().flat_map(|part| length(part).into_iter().chain(part.iter().copied())).collect()
}

/// How long the node has at which something was typed to throw it away when its time is over, before another one does.
const SEEN_TO_WITHIN: Duration = Duration::from_secs(30);
const BATCH: usize = 500;
