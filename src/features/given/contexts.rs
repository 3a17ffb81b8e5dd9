//! The patient in context: whose record an application has open in a session.
//!
//! An application of this kind keeps one patient for its session, whatever the number of tabs, and so does this. The
//! patient changes when a request that sets one is sent, and is not known until the next one sets it where the
//! application did not take it, or where two requests set different patients at once: which of them the application
//! did last, nobody here can tell.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::domain::application::ApplicationName;
use crate::domain::patient::PatientRef;
use crate::foundation::clock::Timestamp;
use crate::foundation::id::SessionId;

/// How many sessions and applications are remembered. Those that were looked at least lately go first.
const CONTEXTS_MAX: usize = 100_000;

/// Whose record is open, by session and application.
#[derive(Debug)]
pub struct Contexts {
    max: usize,
    open: Mutex<HashMap<SessionId, HashMap<ApplicationName, Context>>>,
}

#[derive(Debug)]
struct Context {
    /// Whose record, if that is known.
    patient: Option<PatientRef>,
    /// Requests under way that set it.
    under_way: u32,
    /// Whether it is not known, as of some request that is under way or was.
    is_unclear: bool,
    looked_at: Timestamp,
}

/// A request that sets the patient, under way. Dropped, the application has not said that it took it.
#[must_use]
#[derive(Debug)]
pub struct Setting {
    contexts: Arc<Contexts>,
    session: SessionId,
    application: ApplicationName,
    is_taken: bool,
}

impl Default for Contexts {
    fn default() -> Self {
        Self::with_room(CONTEXTS_MAX)
    }
}

impl Contexts {
    /// Nobody's record is open yet; so many sessions are remembered at most.
    pub fn with_room(max: usize) -> Self {
        Self { max, open: Mutex::default() }
    }

    /// Whose record the application has open in the session, if that is known.
    pub fn patient(
        &self,
        session: SessionId,
        application: &ApplicationName,
        now: Timestamp,
    ) -> Option<PatientRef> {
        let mut open = self.open();
        let context = open.get_mut(&session)?.get_mut(application)?;
        context.looked_at = now;
        context.patient.clone().filter(|_| !context.is_unclear)
    }

    /// A request is sent that sets the patient; `None`, where it does not say whom.
    pub fn set(
        self: &Arc<Self>,
        session: SessionId,
        application: &ApplicationName,
        patient: Option<PatientRef>,
        now: Timestamp,
    ) -> Setting {
        let mut open = self.open();
        if !open.contains_key(&session) && open.len() >= self.max {
            lose_oldest(&mut open);
        }
        let contexts = open.entry(session).or_default();
        let context = contexts.entry(application.clone()).or_insert(Context {
            patient: None,
            under_way: 0,
            is_unclear: false,
            looked_at: now,
        });
        let at_once = context.under_way > 0;
        context.is_unclear = at_once && (context.is_unclear || context.patient != patient);
        context.patient = patient;
        context.under_way += 1;
        context.looked_at = now;
        Setting { contexts: self.clone(), session, application: application.clone(), is_taken: false }
    }

    /// Forgets a session.
    pub fn forget(&self, session: SessionId) {
        self.open().remove(&session);
    }

    /// How many sessions are remembered.
    pub fn len(&self) -> usize {
        self.open().len()
    }

    /// Whether none is.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    fn open(&self) -> MutexGuard<'_, HashMap<SessionId, HashMap<ApplicationName, Context>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Setting {
    /// The application has taken it.
    pub fn taken(mut self) {
        self.is_taken = true;
    }
}

impl Drop for Setting {
    fn drop(&mut self) {
        let mut open = self.contexts.open();
        let contexts = open.get_mut(&self.session);
        let Some(context) = contexts.and_then(|contexts| contexts.get_mut(&self.application)) else { return };
        context.under_way = context.under_way.saturating_sub(1);
        context.is_unclear |= !self.is_taken;
    }
}

/// Takes away the eighth that was looked at least lately.
fn lose_oldest(open: &mut HashMap<SessionId, HashMap<ApplicationName, Context>>) {
    let looked_at = |contexts: &HashMap<ApplicationName, Context>| {
        contexts.values().map(|context| context.looked_at).max().unwrap_or_default()
    };
    let mut moments: Vec<Timestamp> = open.values().map(looked_at).collect();
    let eighth = moments.len() / 8;
    if eighth < moments.len() {
        let (_, bound, _) = moments.select_nth_unstable(eighth);
        let bound = *bound;
        let mut left = eighth + 1;
        open.retain(|_, contexts| {
            let goes = left > 0 && looked_at(contexts) <= bound;
            left -= usize::from(goes);
            !goes
        });
    }
}
