//! The directories of all providers: who is in them for those who sign in, and their keeping for the providers.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, RwLockReadGuard};
use std::time::Duration;

use serde::Serialize;
use tokio::time::timeout;

use super::realm::{Known, Leaver, Owed, Realm, Shelf};
use super::scim::{self, Asked, Before, Errand, ErrorKind, Plan, Reply, ScimError};
use super::settings::{DirectoryBounds, DirectorySettings};
use super::store;
use super::table::Change;
use crate::domain::application::ProviderName;
use crate::domain::provisioning::Provisioning;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;
use crate::foundation::id::ResourceId;
use crate::platform::store::{Store, StoreError};

/// The directories of all providers.
#[derive(Debug)]
pub struct Directory {
    realms: RwLock<Vec<Arc<Realm>>>,
    /// Of providers that keep none here now, too: they may again.
    pub(super) shelves: Mutex<HashMap<ProviderName, Arc<Shelf>>>,
    pub(super) store: Store,
    bounds: DirectoryBounds,
    entropy: Arc<dyn Entropy>,
    revision: AtomicU64,
}

/// Who writes down what is about to change.
pub trait Witness: Send {
    /// Writes it down, on the disk. False: that cannot be, and it must not change.
    fn write(&mut self, told: &Provisioning) -> impl Future<Output = bool> + Send;
}

/// What has come of a provider's question.
#[derive(Debug)]
pub struct Served {
    /// What it is answered.
    pub reply: Reply,
    /// What events tell of it.
    pub told: Provisioning,
    /// Who may not be signed in any more.
    pub leaver: Option<Leaver>,
}

/// How many there are, for whoever watches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Census {
    /// Users who may sign in.
    pub active: usize,
    /// Users who may not.
    pub disabled: usize,
    /// Groups.
    pub groups: usize,
}

/// When a provider was heard of, for whoever watches.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct DirectoryHeard {
    /// Which provider.
    pub provider: ProviderName,
    /// How many seconds ago; none if never.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub age_seconds: Option<u64>,
    /// Whether that is too long ago, so that what it tells of people is too old.
    pub stale: bool,
}

impl Directory {
    /// What the store holds. Blocks: for the start.
    pub fn load(
        store: Store,
        settings: Vec<DirectorySettings>,
        bounds: DirectoryBounds,
        entropy: Arc<dyn Entropy>,
    ) -> Result<Self, StoreError> {
        let (tables, steps) = store::load(&store)?;
        let shelf = |(provider, table)| {
            let step = steps.get(&provider).copied().unwrap_or(0);
            (provider, Arc::new(Shelf::of(table, step)))
        };
        let mut shelves: HashMap<ProviderName, Arc<Shelf>> = tables.into_iter().map(shelf).collect();
        for (provider, heard) in store::heard_before(&store)? {
            shelves.entry(provider).or_default().heard.note(heard);
        }
        let directory = Self {
            realms: RwLock::default(),
            shelves: Mutex::new(shelves),
            store,
            bounds,
            entropy,
            revision: AtomicU64::new(0),
        };
        directory.apply(settings);
        Ok(directory)
    }

    /// Takes new settings.
    pub fn apply(&self, settings: Vec<DirectorySettings>) {
        let mut shelves = self.shelves.lock().unwrap_or_else(PoisonError::into_inner);
        let realm = |settings: DirectorySettings| {
            let own = shelves.entry(settings.provider.clone()).or_default().clone();
            Arc::new(Realm { settings, shelf: own, bounds: self.bounds })
        };
        let realms = settings.into_iter().map(realm).collect();
        *self.realms.write().unwrap_or_else(PoisonError::into_inner) = realms;
        self.rise();
    }

    /// Rises whenever somebody may have become another to the directory.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::Acquire)
    }

    /// The directory that a provider keeps here.
    pub fn realm(&self, provider: &ProviderName) -> Option<Arc<Realm>> {
        self.all().iter().find(|realm| realm.settings.provider == *provider).cloned()
    }

    /// The directory that this token is for. Each is compared, so that the time tells nothing of which it is.
    pub fn realm_of(&self, token: &str) -> Option<Arc<Realm>> {
        let mut found = None;
        for realm in self.all().iter() {
            if realm.settings.token.is(token) {
                found = Some(realm.clone());
            }
        }
        found
    }

    /// Whether any provider keeps one here.
    pub fn is_kept(&self) -> bool {
        !self.all().is_empty()
    }

    /// Who somebody is whom `provider` vouches for. Everybody is somebody where it keeps no directory here.
    pub fn look_up(&self, provider: &ProviderName, subject: &Subject) -> Known {
        let Some(realm) = self.realm(provider) else {
            return Known::nobody(None);
        };
        realm.look_up(subject)
    }

    /// Which attributes of a person their provider tells here and has not been heard of for too long; as a rule none.
    pub fn aged_attributes(
        &self,
        provider: &ProviderName,
        subject: &Subject,
        now: Timestamp,
    ) -> Option<Arc<[String]>> {
        let realm = self.realm(provider).filter(|realm| realm.is_aged(now))?;
        let aged: Arc<[String]> = realm.look_up(subject).attributes.into_keys().collect();
        (!aged.is_empty()).then_some(aged)
    }

    /// How long ago each provider was heard of, and whether that is too long; none where one never was.
    pub fn heard(&self, now: Timestamp) -> Vec<DirectoryHeard> {
        let of = |realm: &Arc<Realm>| DirectoryHeard {
            provider: realm.settings.provider.clone(),
            age_seconds: realm.heard().map(|heard| now.since(heard).as_secs()),
            stale: realm.is_aged(now),
        };
        self.all().iter().map(of).collect()
    }

    /// How many there are in each.
    pub fn census(&self) -> Vec<(ProviderName, Census)> {
        let of = |realm: &Arc<Realm>| {
            let table = realm.table();
            let active = table.users().filter(|user| user.is_active).count();
            let disabled = table.user_count() - active;
            (realm.settings.provider.clone(), Census { active, disabled, groups: table.group_count() })
        };
        self.all().iter().map(of).collect()
    }

    /// Does what a provider asks; what it changes is in the store when this answers, and `witness` has written it down
    /// before it is made. Only an account's end waits for nobody: who is out is out first, and that is to be written
    /// down then. Reading and planning take as long as a directory is large, and are no work for a thread on which
    /// requests wait.
    pub async fn serve<W: Witness>(
        &self,
        realm: &Arc<Realm>,
        asked: Asked,
        now: Timestamp,
        witness: &mut W,
    ) -> Served {
        realm.shelf.heard.note(now);
        let write = match scim::errand(&asked) {
            Ok(Errand::Write(write)) => write,
            Ok(Errand::Read(read)) => {
                let (realm_there, base) = (realm.clone(), asked.base);
                let found = tokio::task::spawn_blocking(move || scim::read(&realm_there, &read, &base)).await;
                return realm.told(found.unwrap_or_else(|_| internal().reply()));
            }
            Err(refused) => return realm.told(refused),
        };
        let mut owed = realm.shelf.turn.lock().await;
        if let Err(error) = self.catch_up(realm).await {
            tracing::error!(provider = %realm.settings.provider, %error, "what other nodes have changed of the directory cannot be read");
            return realm.told(unavailable("the store does not answer: ask again").reply());
        }
        let id = ResourceId::new(now, &*self.entropy);
        let (there, planned_by, base) = (realm.clone(), write.clone(), asked.base.clone());
        let plan = move || scim::plan(&there, &planned_by, &asked, id, now);
        let planned = tokio::task::spawn_blocking(plan).await;
        let plan = match planned.unwrap_or_else(|_| Err(internal())) {
            Ok(plan) => plan,
            Err(error) => return realm.told(error.reply()),
        };
        let (status, shows) = (plan.status, plan.shows);
        let leaver = realm.leaver(&plan);
        let told = plan.told.clone();
        let is_out = leaver.as_ref().is_some_and(|leaver| leaver.has_left);
        if plan.change.is_some() && !is_out && !written(witness, &told).await {
            let reply =
                unavailable("the journal does not answer, and nothing has changed: ask again").reply();
            return Served { reply, told, leaver: None };
        }
        if let Err(error) = self.carry_out(realm, plan, leaver.is_some(), &mut owed).await {
            tracing::error!(provider = %realm.settings.provider, %error, "a change of the directory could not be kept");
            let reply = unavailable("the store does not answer: ask again").reply();
            return Served { reply, told, leaver };
        }
        let body = shows.and_then(|id| scim::shown(realm, write.kind, id, &write.selection, &base));
        let location = (status == 201).then(|| write.location(&base, id));
        Served { reply: Reply { location, ..Reply::of(status, body) }, told, leaver }
    }

    /// Tries again what the store did not take, also of providers that keep no directory here any more; and has the store know,
    /// and learns from it, when each was heard of.
    pub async fn maintain(&self) -> Result<(), StoreError> {
        let shelves: Vec<_> =
            self.shelves.lock().unwrap_or_else(PoisonError::into_inner).clone().into_iter().collect();
        let mut paid = Ok(());
        for (provider, shelf) in shelves {
            // Whoever has the turn pays, too.
            if let Ok(mut owed) = shelf.turn.try_lock() {
                paid = paid.and(self.pay(&provider, &shelf, &mut owed).await);
            }
            paid = paid.and(self.keep_heard(&provider, &shelf).await);
        }
        if self.store.is_shared() && self.is_kept() {
            for (provider, heard) in store::heard(&self.store).await? {
                self.shelf(&provider).heard.note(heard);
            }
        }
        paid
    }

    async fn keep_heard(&self, provider: &ProviderName, own: &Shelf) -> Result<(), StoreError> {
        let Some(last) = own.heard.unstored() else { return Ok(()) };
        self.store.write(vec![store::save_heard(provider, last)]).await?;
        own.heard.stored.fetch_max(last.as_millis(), Ordering::AcqRel);
        Ok(())
    }

    async fn pay(&self, provider: &ProviderName, own: &Shelf, owed: &mut Owed) -> Result<(), StoreError> {
        if !owed.statements.is_empty() {
            self.catch_up_with(provider, own).await?;
            self.write(provider, own, owed.statements.clone(), &owed.touched).await?;
            *owed = Owed::default();
            own.unstored().clear();
        }
        Ok(())
    }

    /// Makes a change: first in the store, then in memory. Who is out is out even where the store does not answer; the
    /// provider is told that it did not, and it is tried again.
    async fn carry_out(
        &self,
        realm: &Realm,
        plan: Plan,
        is_out: bool,
        owed: &mut Owed,
    ) -> Result<(), StoreError> {
        let provider = &realm.settings.provider;
        let Plan { change: Some(change), before, buried, returned, .. } = plan else {
            return self.pay(provider, &realm.shelf, owed).await;
        };
        let group = match &before {
            Before::Group(group) => Some(&**group),
            Before::Nothing | Before::User(_) => None,
        };
        let mut forgotten = returned;
        if (buried.is_some() || matches!(change, Change::UserGone(_)))
            && realm.table().gone_count() >= self.bounds.gone
        {
            forgotten.extend(realm.table().first_gone());
        }
        let mut statements = owed.statements.clone();
        let mut touched = owed.touched.clone();
        let buried = buried.map(Change::UserGone);
        for change in buried.iter().chain([&change]) {
            statements.extend(store::statements(provider, change, group));
            touched.note(change);
        }
        statements.extend(forgotten.iter().map(|id| store::forget_user(*id)));
        touched.users.extend(&forgotten);
        let written = self.write(provider, &realm.shelf, statements.clone(), &touched).await;
        let changes: Vec<_> = buried.into_iter().chain([change]).collect();
        match (&written, is_out) {
            (Ok(()), _) => {
                *owed = Owed::default();
                realm.shelf.unstored().clear();
            }
            (Err(_), true) => {
                *owed = Owed { statements, touched };
                realm.shelf.unstored().extend(changes.iter().cloned());
            }
            (Err(_), false) => return written,
        }
        {
            let mut table = realm.shelf.table.write().unwrap_or_else(PoisonError::into_inner);
            for change in changes {
                table.apply(change);
            }
            for id in forgotten {
                table.forget_gone(id);
            }
        }
        self.rise();
        written
    }

    pub(super) fn rise(&self) {
        self.revision.fetch_add(1, Ordering::AcqRel);
    }

    fn all(&self) -> RwLockReadGuard<'_, Vec<Arc<Realm>>> {
        self.realms.read().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Whether it is written down, in a time for which who is out may have to wait behind it.
async fn written<W: Witness>(witness: &mut W, told: &Provisioning) -> bool {
    timeout(WRITTEN_WITHIN, witness.write(told)).await.unwrap_or(false)
}

fn internal() -> ScimError {
    ScimError::new(ErrorKind::Internal, "that is a mistake of ours")
}

fn unavailable(detail: &str) -> ScimError {
    ScimError::new(ErrorKind::Unavailable, detail)
}

const WRITTEN_WITHIN: Duration = Duration::from_secs(5);
