//! The certificate that a caller has shown on a connection, and whether it is believed by now: authorities and lists of
//! what is revoked change while a connection stands.

use std::cell::RefCell;
use std::sync::Arc;
use std::time::Duration;

use crate::foundation::clock::Timestamp;
use crate::platform::tls::front::{CallerCertificate, Chain, Front};

/// What a caller has shown.
#[derive(Debug)]
pub struct Shown {
    chain: Chain,
    found: RefCell<Option<Found>>,
}

/// What was found of it.
#[derive(Debug)]
struct Found {
    /// By whose word.
    front: Arc<Front>,
    /// When: a list of what is revoked may be too old by now.
    looked: Timestamp,
    certificate: Option<Arc<CallerCertificate>>,
}

impl Shown {
    /// A chain of which nothing is known yet.
    pub const fn new(chain: Chain) -> Self {
        Self { chain, found: RefCell::new(None) }
    }

    /// The certificate, if it is believed at this moment. It is looked at anew after a reload, and every minute.
    pub fn believed(&self, front: &Arc<Front>, now: Timestamp) -> Option<Arc<CallerCertificate>> {
        let mut found = self.found.borrow_mut();
        let is_of_now =
            |found: &Found| Arc::ptr_eq(&found.front, front) && now.since(found.looked) < LOOKED_EVERY;
        if !found.as_ref().is_some_and(is_of_now) {
            let certificate = front.vouched(&self.chain, now).map(Arc::new);
            *found = Some(Found { front: front.clone(), looked: now, certificate });
        }
        let certificate = found.as_ref().and_then(|found| found.certificate.clone());
        certificate.filter(|certificate| now < certificate.ends)
    }
}

const LOOKED_EVERY: Duration = Duration::from_secs(60);
