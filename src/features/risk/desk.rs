//! What one worker has found about sessions, so that it need not be found again with every request.

use std::cell::RefCell;
use std::collections::HashMap;
use std::net::IpAddr;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::book::Book;
use super::judge::At;
use super::place::Place;
use super::settings::RiskSettings;
use crate::domain::device::DeviceClass;
use crate::domain::risk::Standing;
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::id::SessionId;

/// Who asks, in which session, from where and when.
#[derive(Clone, Copy, Debug)]
pub struct Whence<'a> {
    /// Who.
    pub subject: &'a Subject,
    /// In which session.
    pub session: SessionId,
    /// The class of the device.
    pub device: Option<&'a DeviceClass>,
    /// The browser; none where it has no name.
    pub browser: Option<Digest>,
    /// The caller's address.
    pub client: IpAddr,
    /// When.
    pub now: Timestamp,
    /// Whether it is a sign of the person, and not of a page that asks by itself.
    pub by_person: bool,
    /// Where hours are meant.
    pub zone: &'a TimeZone,
}

impl<'a> Whence<'a> {
    pub(super) fn at(&self) -> At<'a> {
        let place = Place::of(self.browser, self.client, self.now, self.zone);
        At { session: self.session, device: self.device, place, now: self.now }
    }
}

/// What one worker has found under one set of rules. A session that was met before, from the same place, costs one look here and
/// the load of one number: no lock is taken that another worker could hold.
#[derive(Debug, Default)]
pub struct RiskDesk(RefCell<HashMap<SessionId, Memo>>);

/// What stood for one session, and for how long that is certain.
#[derive(Debug)]
struct Memo {
    standing: Standing,
    revision: u64,
    browser: Option<Digest>,
    client: IpAddr,
    device: Option<DeviceClass>,
    by_person: bool,
    made: Timestamp,
    until: Timestamp,
}

impl RiskDesk {
    /// Which of the declared risks stand.
    pub fn standing(&self, book: &Book, rules: &[RiskSettings], whence: &Whence<'_>) -> Standing {
        if rules.is_empty() {
            return Standing::NONE;
        }
        // First this: a change that comes while we look makes us look again.
        let revision = book.revision();
        let mut memos = self.0.borrow_mut();
        if let Some(memo) = memos.get(&whence.session).filter(|memo| memo.holds(revision, whence)) {
            return memo.standing;
        }
        let longest =
            if rules.iter().any(RiskSettings::is_by_the_minute) { MINUTE_MILLIS } else { QUARTER_MILLIS };
        let (standing, until) = book.standing(rules, whence, end_of(longest, whence.now));
        if memos.len() >= SESSIONS_MAX {
            memos.clear();
        }
        let memo = Memo {
            standing,
            revision,
            browser: whence.browser,
            client: whence.client,
            device: whence.device.cloned(),
            by_person: whence.by_person,
            made: whence.now,
            until,
        };
        memos.insert(whence.session, memo);
        standing
    }
}

impl Memo {
    fn holds(&self, revision: u64, whence: &Whence<'_>) -> bool {
        self.revision == revision
            && self.browser == whence.browser
            && self.client == whence.client
            && self.device.as_ref() == whence.device
            // What a page asked for by itself has taught nothing: the next sign of the person does.
            && (self.by_person || !whence.by_person)
            && self.made <= whence.now
            && whence.now < self.until
    }
}

/// When the span of so many milliseconds ends that it is now.
fn end_of(span: i64, now: Timestamp) -> Timestamp {
    let into = now.as_millis().rem_euclid(span).unsigned_abs();
    now.plus(Duration::from_millis(span.unsigned_abs() - into))
}

/// Every zone's hours begin with a quarter of an hour of UTC.
const QUARTER_MILLIS: i64 = 15 * MINUTE_MILLIS;
const MINUTE_MILLIS: i64 = 60 * 1000;
const SESSIONS_MAX: usize = 16_384;
