//! Sign-ins under way: kept here, not in the browser, used once, and bound to the browser that began them.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::error::AuthnError;
use super::past::Past;
use super::return_to::ReturnTo;
use super::sign_in::Current;
use crate::domain::application::ProviderName;
use crate::domain::assurance::AssuranceNeed;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::id::HoldId;
use crate::foundation::secret::Secret;

/// The cookie that ties sign-ins to the browser in which they began. One for all tabs.
pub const BINDING_COOKIE: &str = "__Host-leastway-b";

/// The value for `Set-Cookie` that gives a browser its binding.
pub fn binding_cookie(binding: &str) -> String {
    format!("{BINDING_COOKIE}={binding}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

/// How long a person may take at the provider.
pub(super) const LIFETIME: Duration = Duration::from_secs(10 * 60);

/// Sign-ins under way at once; beyond it the oldest gives way.
const UNDER_WAY_MAX: usize = 50_000;

/// Sign-ins under way in one browser; beyond it its oldest gives way.
const UNDER_WAY_IN_BROWSER_MAX: usize = 32;

/// One sign-in that has begun.
#[derive(Clone, Debug)]
pub(super) struct Transaction {
    pub(super) provider: ProviderName,
    /// The issuer that was asked: a reload may give the provider's name to another.
    pub(super) issuer: std::sync::Arc<str>,
    pub(super) redirect_uri: String,
    pub(super) return_to: ReturnTo,
    pub(super) need: Option<AssuranceNeed>,
    pub(super) current: Option<Current>,
    /// Where it was begun.
    pub(super) client: IpAddr,
    pub(super) held: Option<HoldId>,
    pub(super) nonce: Secret,
    pub(super) verifier: Secret,
    pub(super) begun: Timestamp,
    pub(super) binding: Digest,
}

/// What a new transaction is made of, without what is made here.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) provider: ProviderName,
    pub(super) issuer: std::sync::Arc<str>,
    pub(super) redirect_uri: String,
    pub(super) return_to: ReturnTo,
    pub(super) need: Option<AssuranceNeed>,
    pub(super) current: Option<Current>,
    pub(super) client: IpAddr,
    pub(super) held: Option<HoldId>,
}

/// The secrets that go to the provider in the browser's hands.
#[derive(Debug)]
pub(super) struct Opened {
    pub(super) state: Secret,
    pub(super) nonce: Secret,
    pub(super) verifier: Secret,
    /// The value for `Set-Cookie`, if the browser has no binding yet.
    pub(super) set_cookie: Option<String>,
    /// The sign-in itself, and those that have given way to it: for the other nodes.
    pub(super) begun: Transaction,
    pub(super) surplus: Vec<Digest>,
}

#[derive(Debug, Default)]
pub(super) struct Transactions(Mutex<Table>);

#[derive(Debug, Default)]
struct Table {
    /// By the digest of their state.
    under_way: HashMap<Digest, Transaction>,
    /// In the order of their beginning. Holds finished ones too, until they are older than any
    /// that may still be under way.
    order: VecDeque<(Timestamp, Digest)>,
    by_browser: HashMap<Digest, VecDeque<Digest>>,
    past: Past,
}

impl Transactions {
    /// Begins one, for the browser that holds `binding` or for one that gets a binding now.
    pub(super) fn open(
        &self,
        asked: Asked,
        binding: Option<&str>,
        entropy: &dyn Entropy,
        now: Timestamp,
    ) -> Opened {
        let held = binding.filter(|value| is_token(value)).map(str::to_owned);
        let set_cookie_needed = held.is_none();
        let binding = held.unwrap_or_else(|| random_text::<32>(entropy));
        let secret = || Secret::new(random_text::<32>(entropy));
        let (state, nonce, verifier) = (secret(), secret(), secret());
        let transaction = Transaction {
            provider: asked.provider,
            issuer: asked.issuer,
            redirect_uri: asked.redirect_uri,
            return_to: asked.return_to,
            need: asked.need,
            current: asked.current,
            client: asked.client,
            held: asked.held,
            nonce: nonce.clone(),
            verifier: verifier.clone(),
            begun: now,
            binding: Digest::of(binding.as_bytes()),
        };
        let surplus = self.table().insert(Digest::of(state.reveal().as_bytes()), transaction.clone(), now);
        let set_cookie = set_cookie_needed.then(|| binding_cookie(&binding));
        Opened { state, nonce, verifier, set_cookie, begun: transaction, surplus }
    }

    /// Whether a sign-in of this state can be under way, and was not begun here.
    pub(super) fn is_new_here(&self, state: &str) -> bool {
        is_token(state) && !self.table().under_way.contains_key(&Digest::of(state.as_bytes()))
    }

    /// One that was begun at another node.
    pub(super) fn adopt(&self, state: &str, transaction: Transaction, now: Timestamp) {
        drop(self.table().insert(Digest::of(state.as_bytes()), transaction, now));
    }

    /// Takes the transaction of `state` out, if it was begun in the browser that holds `binding`
    /// for this `redirect_uri`. It cannot be taken again. Another browser takes nothing away.
    pub(super) fn take(
        &self,
        state: &str,
        binding: Option<&str>,
        redirect_uri: &str,
        now: Timestamp,
    ) -> Result<Transaction, AuthnError> {
        if !is_token(state) {
            return Err(AuthnError::UnknownTransaction);
        }
        let key = Digest::of(state.as_bytes());
        let mut table = self.table();
        table.forget_old(now);
        let transaction = table.under_way.get(&key).ok_or(AuthnError::UnknownTransaction)?;
        // Digests are compared: how long it takes says nothing about the cookie.
        let same_browser = binding.is_some_and(|value| Digest::of(value.as_bytes()) == transaction.binding);
        if !same_browser || transaction.redirect_uri != redirect_uri {
            return Err(AuthnError::OtherBrowser);
        }
        table.remove(&key).ok_or(AuthnError::UnknownTransaction)
    }

    /// Where the sign-in of `state` led, if it was begun in the browser that holds `binding`; also long after it is over.
    pub(super) fn led(&self, state: &str, binding: &str, now: Timestamp) -> Option<ReturnTo> {
        let (state, binding) = (Digest::of(state.as_bytes()), Digest::of(binding.as_bytes()));
        self.table().past.led(&state, binding, now).cloned()
    }

    /// Where the sign-in of `state` leads that is under way for this `redirect_uri`, in whichever browser it was begun; for
    /// another address than the one from which that was, to the first page: a target may name a patient.
    pub(super) fn leads(&self, state: &str, redirect_uri: &str, client: IpAddr) -> Option<ReturnTo> {
        let table = self.table();
        let transaction = table.under_way.get(&Digest::of(state.as_bytes()))?;
        let to = if transaction.client == client { transaction.return_to.as_str() } else { "/" };
        (transaction.redirect_uri == redirect_uri).then(|| ReturnTo::new(to))
    }

    /// Notes that a sign-in has succeeded. Whether its browser only goes round.
    pub(super) fn goes_round(&self, transaction: &Transaction, now: Timestamp) -> bool {
        self.table().past.goes_round(transaction, now)
    }

    fn table(&self) -> std::sync::MutexGuard<'_, Table> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Table {
    /// Gives those that have given way to it.
    fn insert(&mut self, key: Digest, transaction: Transaction, now: Timestamp) -> Vec<Digest> {
        self.forget_old(now);
        let mut gone = Vec::new();
        while self.under_way.len() >= UNDER_WAY_MAX
            && let Some((_, oldest)) = self.order.pop_front()
        {
            self.remove(&oldest);
            gone.push(oldest);
        }
        let in_browser = self.by_browser.entry(transaction.binding).or_default();
        in_browser.push_back(key);
        let surplus = if in_browser.len() > UNDER_WAY_IN_BROWSER_MAX { in_browser.pop_front() } else { None };
        if let Some(oldest) = surplus {
            self.remove(&oldest);
            gone.push(oldest);
        }
        self.order.push_back((now, key));
        self.past.begun(key, &transaction);
        self.under_way.insert(key, transaction);
        gone
    }

    fn remove(&mut self, key: &Digest) -> Option<Transaction> {
        let transaction = self.under_way.remove(key)?;
        if let Some(in_browser) = self.by_browser.get_mut(&transaction.binding) {
            in_browser.retain(|listed| listed != key);
            if in_browser.is_empty() {
                self.by_browser.remove(&transaction.binding);
            }
        }
        Some(transaction)
    }

    fn forget_old(&mut self, now: Timestamp) {
        while let Some((begun, key)) = self.order.front().copied()
            && (now.since(begun) >= LIFETIME || !self.under_way.contains_key(&key))
        {
            self.order.pop_front();
            self.remove(&key);
        }
    }
}

/// 256 bits as base64url.
fn is_token(text: &str) -> bool {
    text.len() == 43 && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::entropy::SeededEntropy;

    const CLIENT: IpAddr = IpAddr::V4(std::net::Ipv4Addr::new(192, 0, 2, 1));
    const CALLBACK: &str = "https://ehr.example/.leastway/callback";

    fn asked() -> Asked {
        Asked {
            provider: "clinic".parse().unwrap(),
            issuer: "https://id.example".into(),
            redirect_uri: CALLBACK.to_owned(),
            return_to: ReturnTo::new("/"),
            need: None,
            current: None,
            client: CLIENT,
            held: None,
        }
    }

    fn binding_of(opened: &Opened) -> String {
        let cookie = opened.set_cookie.as_deref().unwrap();
        cookie.split(['=', ';']).nth(1).unwrap().to_owned()
    }

    #[test]
    fn a_transaction_is_taken_once_and_in_time() {
        let (transactions, entropy, now) =
            (Transactions::default(), SeededEntropy::new(1), Timestamp::default());
        let opened = transactions.open(asked(), None, &entropy, now);
        let binding = binding_of(&opened);
        let take = |now| transactions.take(opened.state.reveal(), Some(&binding), CALLBACK, now);
        assert!(take(now.plus(LIFETIME).minus(Duration::from_millis(1))).is_ok());
        assert!(matches!(take(now), Err(AuthnError::UnknownTransaction)));

        let late = transactions.open(asked(), Some(&binding), &entropy, now);
        let taken = transactions.take(late.state.reveal(), Some(&binding), CALLBACK, now.plus(LIFETIME));
        assert!(matches!(taken, Err(AuthnError::UnknownTransaction)));
    }

    #[test]
    fn another_browser_or_host_takes_nothing_away() {
        let (transactions, entropy, now) =
            (Transactions::default(), SeededEntropy::new(1), Timestamp::default());
        let opened = transactions.open(asked(), None, &entropy, now);
        let binding = binding_of(&opened);
        let other = binding_of(&transactions.open(asked(), None, &entropy, now));
        for (held, place) in [
            (None, CALLBACK),
            (Some(&other), CALLBACK),
            (Some(&binding), "https://console.example/.leastway/callback"),
        ] {
            let taken = transactions.take(opened.state.reveal(), held.map(String::as_str), place, now);
            assert!(matches!(taken, Err(AuthnError::OtherBrowser)));
        }
        assert!(transactions.take(opened.state.reveal(), Some(&binding), CALLBACK, now).is_ok());
    }

    #[test]
    fn whoever_has_a_state_learns_from_elsewhere_nothing_of_where_it_leads() {
        let (transactions, entropy, now) =
            (Transactions::default(), SeededEntropy::new(1), Timestamp::default());
        let asked = Asked { return_to: ReturnTo::new("/patients/7"), ..asked() };
        let opened = transactions.open(asked, None, &entropy, now);
        let leads = |place, client: &str| {
            let found = transactions.leads(opened.state.reveal(), place, client.parse().unwrap());
            found.map(|target| target.as_str().to_owned())
        };
        assert_eq!(leads(CALLBACK, "192.0.2.1").as_deref(), Some("/patients/7"));
        assert_eq!(leads(CALLBACK, "192.0.2.2").as_deref(), Some("/"));
        assert_eq!(leads("https://console.example/.leastway/callback", "192.0.2.1"), None);
    }

    #[test]
    fn one_browser_holds_so_many_and_no_more() {
        let (transactions, entropy, now) =
            (Transactions::default(), SeededEntropy::new(1), Timestamp::default());
        let first = transactions.open(asked(), None, &entropy, now);
        let binding = binding_of(&first);
        for _ in 0..UNDER_WAY_IN_BROWSER_MAX {
            assert!(transactions.open(asked(), Some(&binding), &entropy, now).set_cookie.is_none());
        }
        let taken = transactions.take(first.state.reveal(), Some(&binding), CALLBACK, now);
        assert!(matches!(taken, Err(AuthnError::UnknownTransaction)));
        assert_eq!(transactions.table().under_way.len(), UNDER_WAY_IN_BROWSER_MAX);
    }

    #[test]
    fn what_is_old_leaves_nothing_behind() {
        let (transactions, entropy, now) =
            (Transactions::default(), SeededEntropy::new(1), Timestamp::default());
        for _ in 0..100 {
            transactions.open(asked(), None, &entropy, now);
        }
        transactions.open(asked(), None, &entropy, now.plus(LIFETIME));
        let table = transactions.table();
        assert_eq!((table.under_way.len(), table.order.len(), table.by_browser.len()), (1, 1, 1));
    }

    #[test]
    fn a_binding_that_cannot_be_ours_is_replaced() {
        let (transactions, entropy) = (Transactions::default(), SeededEntropy::new(1));
        for odd in ["", "chosen by someone", &"ä".repeat(43)] {
            let opened = transactions.open(asked(), Some(odd), &entropy, Timestamp::default());
            assert_ne!(binding_of(&opened), odd);
        }
    }
}
