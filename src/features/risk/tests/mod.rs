//! What stands, what clears it, and what is remembered.

mod nodes;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use jiff::tz::TimeZone;
use proptest::prelude::*;

use super::profile::{DEVICES_MAX, NETWORKS_MAX, Profile, REMEMBERED};
use super::settings::{RiskSettings, When};
use super::*;
use crate::domain::assurance::{Assurance, AssuranceNeed};
use crate::domain::device::DeviceClass;
use crate::domain::network::Network;
use crate::domain::risk::{Level, Standing};
use crate::domain::subject::Subject;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;
use crate::platform::store::Store;

static UTC: TimeZone = TimeZone::UTC;
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// A Monday, 08:00 in UTC.
fn start() -> Timestamp {
    "2026-03-02T08:00:00Z".parse().unwrap()
}

fn risk(when: When, class: Option<&str>) -> RiskSettings {
    let name = format!("{}-{}", when.sign(), class.unwrap_or("noted")).parse().unwrap();
    let need = class.map(|class| AssuranceNeed { class: class.parse().unwrap(), fresh: Some(5 * MINUTE) });
    RiskSettings { name, when, need, unless_device: vec!["ward".parse().unwrap()] }
}

/// A person at a browser, in a network, at a moment.
struct Scene {
    subject: Subject,
    session: SessionId,
    device: Option<DeviceClass>,
    browser: Option<Digest>,
    client: std::net::IpAddr,
    now: Timestamp,
    by_person: bool,
}

impl Scene {
    fn new() -> Self {
        let subject = Subject {
            issuer: "https://id.clinic.example".into(),
            sub: "nurse-7".into(),
            name: "Nadia".into(),
            groups: Vec::new(),
            attributes: BTreeMap::new(),
        };
        let session = SessionId::new(start(), &SeededEntropy::new(1));
        let (browser, client) = (Some(Digest::of(b"home")), [10, 9, 8, 7].into());
        Self { subject, session, device: None, browser, client, now: start(), by_person: true }
    }

    fn whence(&self) -> Whence<'_> {
        let Self { subject, session, device, browser, client, now, by_person } = self;
        let (session, browser, client, now, by_person) = (*session, *browser, *client, *now, *by_person);
        Whence { subject, session, device: device.as_ref(), browser, client, now, by_person, zone: &UTC }
    }

    fn standing(&self, book: &Book, rules: &[RiskSettings]) -> Vec<usize> {
        RiskDesk::default().standing(book, rules, &self.whence()).positions().collect()
    }

    /// The person comes back from the provider, where they have proven this just now.
    fn proves(&self, book: &Book, rules: &[RiskSettings], class: Option<&str>) -> Vec<usize> {
        self.has_proven(book, rules, class, Some(self.now))
    }

    /// The same, by what they have proven at another moment; none where the provider does not say when.
    fn has_proven(
        &self,
        book: &Book,
        rules: &[RiskSettings],
        class: Option<&str>,
        at: Option<Timestamp>,
    ) -> Vec<usize> {
        let moment = at.unwrap_or(self.now);
        let proven = class.iter().map(|class| (class.parse().unwrap(), moment)).collect();
        let assurance = Assurance { auth_time: moment, proven, ..Assurance::default() };
        let proven = Proven { assurance: &assurance, authenticated: at };
        book.proved(rules, &self.whence(), &proven).1.positions().collect()
    }
}

fn book(path: &Path, now: Timestamp) -> Book {
    Book::load(Store::open(path, &[MIGRATIONS]).unwrap(), now).unwrap()
}

fn new_book() -> (tempfile::TempDir, Book) {
    let folder = tempfile::tempdir().unwrap();
    let book = book(&folder.path().join("store.db"), start());
    (folder, book)
}

#[tokio::test]
async fn a_device_is_new_until_its_person_was_proven_there() {
    let (_folder, book) = new_book();
    let rules = [risk(When::NewDevice, Some("mfa"))];
    let mut scene = Scene::new();
    assert_eq!(scene.standing(&book, &rules), [0], "of whom nothing is known, all is new");
    assert!(scene.proves(&book, &rules, None).is_empty(), "a password makes nothing known");
    assert_eq!(scene.standing(&book, &rules), [0]);
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    assert!(scene.standing(&book, &rules).is_empty());
    scene.session = SessionId::new(start(), &SeededEntropy::new(2));
    assert!(scene.standing(&book, &rules).is_empty(), "in the next session too");
    for browser in [None, Some(Digest::of(b"another"))] {
        let elsewhere = Scene { browser, ..Scene::new() };
        assert_eq!(elsewhere.standing(&book, &rules), [0], "{browser:?}");
    }
    let mut other = Scene::new();
    other.subject.sub = "nurse-8".into();
    assert_eq!(other.standing(&book, &rules), [0], "of another person");
}

#[tokio::test]
async fn a_proof_that_is_too_old_clears_nothing() {
    let (_folder, book) = new_book();
    let rules = [risk(When::NewDevice, Some("mfa"))];
    let scene = Scene::new();
    let before = |age: Duration| scene.has_proven(&book, &rules, Some("mfa"), Some(start().minus(age)));
    assert!(before(5 * MINUTE + Duration::from_millis(1)).is_empty());
    assert_eq!(scene.standing(&book, &rules), [0]);
    assert_eq!(before(5 * MINUTE), [0]);
}

#[tokio::test]
async fn of_two_risks_of_one_kind_each_wants_its_own_proof_and_both_make_it_known() {
    let (_folder, book) = new_book();
    let rules = [risk(When::NewDevice, Some("mfa")), risk(When::NewDevice, Some("key"))];
    let mut scene = Scene::new();
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    assert_eq!(scene.standing(&book, &rules), [1], "answered in this session");
    let elsewhere = Scene { browser: Some(Digest::of(b"another")), ..Scene::new() };
    assert_eq!(elsewhere.standing(&book, &rules), [0, 1], "and at this browser only");
    scene.session = SessionId::new(start(), &SeededEntropy::new(2));
    assert_eq!(scene.standing(&book, &rules), [0, 1], "not known yet");
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    assert_eq!(scene.proves(&book, &rules, Some("key")), [1]);
    scene.session = SessionId::new(start(), &SeededEntropy::new(3));
    assert!(scene.standing(&book, &rules).is_empty());
}

#[tokio::test]
async fn where_a_class_of_devices_is_spared_nothing_stands_and_nothing_is_learned() {
    let (_folder, book) = new_book();
    let rules = [risk(When::NewDevice, Some("mfa"))];
    let mut scene = Scene { device: Some("ward".parse().unwrap()), ..Scene::new() };
    assert!(scene.standing(&book, &rules).is_empty());
    assert!(scene.proves(&book, &rules, Some("mfa")).is_empty());
    scene.device = None;
    assert_eq!(scene.standing(&book, &rules), [0]);
}

#[tokio::test]
async fn a_network_is_told_by_its_first_bits_and_declared_ones_are_new_for_nobody() {
    let (_folder, book) = new_book();
    let usual = vec!["10.1.0.0/16".parse().unwrap()];
    let rules = [risk(When::NewNetwork { usual }, Some("mfa"))];
    let at = |client: &str| Scene { client: client.parse().unwrap(), ..Scene::new() };
    assert_eq!(at("10.9.8.7").proves(&book, &rules, Some("mfa")), [0]);
    let cases = [
        ("10.9.8.200", false),
        ("::ffff:10.9.8.1", false),
        ("10.9.9.7", true),
        ("10.1.2.3", false),
        ("::ffff:10.1.2.3", false),
        ("2001:db8::1", true),
    ];
    for (client, stands) in cases {
        assert_eq!(!at(client).standing(&book, &rules).is_empty(), stands, "{client}");
    }
}

#[tokio::test]
async fn an_hour_is_usual_once_somebody_was_at_work_then_or_beside() {
    let (_folder, book) = new_book();
    let rules = [risk(When::UnusualHour { usual: None }, Some("mfa"))];
    let mut scene = Scene::new();
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    let shift = |scene: &mut Scene, hours: u32| {
        for quarter in 0..hours * 4 {
            scene.now = start().plus(quarter * 15 * MINUTE);
            assert!(scene.standing(&book, &rules).is_empty(), "they go on working: {}", scene.now);
        }
    };
    shift(&mut scene, 8);
    scene.session = SessionId::new(start(), &SeededEntropy::new(2));
    let at = |scene: &mut Scene, text: &str| {
        scene.now = text.parse().unwrap();
        !scene.standing(&book, &rules).is_empty()
    };
    let cases = [
        ("2026-03-03T06:59:59Z", true),
        ("2026-03-03T12:30:00Z", false),
        ("2026-03-04T07:00:00Z", false),
        ("2026-03-05T06:59:59Z", true),
        ("2026-03-06T02:00:00Z", true),
        ("2026-03-07T12:30:00Z", true),
    ];
    for (moment, unusual) in cases {
        assert_eq!(at(&mut scene, moment), unusual, "{moment}");
    }
    let declared = [risk(When::UnusualHour { usual: "06:00-22:00".parse().ok() }, Some("mfa"))];
    scene.now = "2026-03-04T02:00:00Z".parse().unwrap();
    assert_eq!(scene.standing(&book, &declared), [0]);
    assert_eq!(scene.proves(&book, &declared, Some("mfa")), [0]);
    assert!(scene.standing(&book, &declared).is_empty(), "for this shift");
    scene.session = SessionId::new(start(), &SeededEntropy::new(3));
    assert_eq!(scene.standing(&book, &declared), [0], "and not for ever");
}

#[tokio::test]
async fn more_denials_than_usual_stand_for_a_while_or_until_they_are_answered() {
    let (_folder, book) = new_book();
    let burst = When::Denials { more_than: 3, within: 10 * MINUTE, lasts: 60 * MINUTE };
    let rules = [risk(burst, Some("mfa"))];
    let mut scene = Scene::new();
    let id = scene.subject.id();
    let denied = |minute: u32| book.denied(&rules, &id, start().plus(minute * MINUTE));
    assert!([0, 4, 8, 12].into_iter().all(|minute| !denied(minute)), "never four within ten minutes");
    assert!(denied(13), "8, 12, 13 and 4, which is nine minutes ago");
    scene.now = start().plus(14 * MINUTE);
    assert_eq!(scene.standing(&book, &rules), [0]);
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    assert!(scene.standing(&book, &rules).is_empty());
    let another =
        Scene { session: SessionId::new(start(), &SeededEntropy::new(2)), now: scene.now, ..Scene::new() };
    assert_eq!(another.standing(&book, &rules), [0], "another session has answered nothing");
    let over = Scene { now: start().plus(73 * MINUTE), ..another };
    assert!(over.standing(&book, &rules).is_empty(), "an hour later");
}

#[tokio::test]
async fn what_one_page_asks_for_is_denied_once() {
    let (_folder, book) = new_book();
    let rules = [risk(When::Denials { more_than: 1, within: 60 * MINUTE, lasts: 60 * MINUTE }, Some("mfa"))];
    let id = Scene::new().subject.id();
    let denied = |millis: u64| book.denied(&rules, &id, start().plus(Duration::from_millis(millis)));
    assert!([0, 300, 900, 1_999].into_iter().all(|millis| !denied(millis)), "one page");
    assert!(denied(2_000), "another");
}

#[tokio::test]
async fn what_was_proven_before_denials_or_a_word_clears_neither() {
    let (_folder, book) = new_book();
    let burst = When::Denials { more_than: 1, within: 10 * MINUTE, lasts: 60 * MINUTE };
    let rules = [
        risk(burst, Some("mfa")),
        risk(When::Told { level: Level::High }, Some("mfa")),
        risk(When::NewDevice, Some("mfa")),
    ];
    let mut scene = Scene::new();
    let (id, since) = (scene.subject.id(), start().plus(3 * MINUTE));
    assert!(!book.denied(&rules, &id, start().plus(MINUTE)) && book.denied(&rules, &id, since));
    let said = Told { level: Level::High, why: None, since, until: None };
    book.told(&id, said, since).await.unwrap();
    scene.now = start().plus(4 * MINUTE);
    assert_eq!(scene.standing(&book, &rules), [0, 1, 2]);
    let proven = |at| scene.has_proven(&book, &rules, Some("mfa"), at);
    assert_eq!(
        proven(Some(start())),
        [2],
        "a second factor of four minutes ago is fresh, and may be somebody else's"
    );
    assert!(proven(Some(since)).is_empty());
    assert!(proven(None).is_empty(), "the provider does not say when");
    assert_eq!(scene.standing(&book, &rules), [0, 1]);
    assert_eq!(proven(Some(since.plus(Duration::from_millis(1)))), [0, 1]);
    assert!(scene.standing(&book, &rules).is_empty());
}

#[tokio::test]
async fn what_was_answered_counts_for_twelve_hours() {
    let (_folder, book) = new_book();
    let rules = [risk(When::Told { level: Level::High }, Some("mfa"))];
    let said = Told { level: Level::High, why: None, since: start().minus(MINUTE), until: None };
    let mut scene = Scene::new();
    book.told(&scene.subject.id(), said, start()).await.unwrap();
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    scene.now = start().plus(DAY / 2).minus(Duration::from_millis(1));
    assert!(scene.standing(&book, &rules).is_empty());
    scene.now = start().plus(DAY / 2);
    assert_eq!(scene.standing(&book, &rules), [0]);
}

#[tokio::test]
async fn what_was_answered_by_a_proof_that_counts_no_more_is_asked_again() {
    let (_folder, book) = new_book();
    let rules = [risk(When::Told { level: Level::High }, Some("mfa"))];
    let said = Told { level: Level::High, why: None, since: start().minus(MINUTE), until: None };
    let (scene, desk) = (Scene::new(), RiskDesk::default());
    let id = scene.subject.id();
    book.told(&id, said, start()).await.unwrap();
    assert_eq!(scene.proves(&book, &rules, Some("mfa")), [0]);
    assert!(desk.standing(&book, &rules, &scene.whence()).is_none());
    book.unanswer(&id);
    assert!(!desk.standing(&book, &rules, &scene.whence()).is_none(), "a desk sees it at once");
}

#[tokio::test]
async fn further_hours_are_learned_from_signs_of_a_person_who_was_proven() {
    let (_folder, book) = new_book();
    let (desk, rules) = (RiskDesk::default(), [risk(When::UnusualHour { usual: None }, Some("mfa"))]);
    let at = |session: u64, text: &str, by_person: bool| {
        let session = SessionId::new(start(), &SeededEntropy::new(session));
        let scene = Scene { session, now: text.parse().unwrap(), by_person, ..Scene::new() };
        desk.standing(&book, &rules, &scene.whence()).is_none()
    };
    assert_eq!(Scene::new().proves(&book, &rules, Some("mfa")), [0], "at eight");
    assert!(at(1, "2026-03-02T09:30:00Z", false));
    assert!(!at(2, "2026-03-02T10:00:00Z", true), "a page that asks by itself has made nothing usual");
    assert!(at(1, "2026-03-02T09:30:01Z", true), "the next sign of the person has");
    assert!(at(2, "2026-03-02T10:15:00Z", true));
    assert!(!at(2, "2026-03-02T11:00:00Z", true), "whoever has shown but a password makes nothing usual");
}

#[tokio::test]
async fn declared_hours_end_at_their_minute() {
    let (_folder, book) = new_book();
    let (desk, rules) =
        (RiskDesk::default(), [risk(When::UnusualHour { usual: "06:00-22:05".parse().ok() }, Some("mfa"))]);
    let at = |text: &str| {
        let scene = Scene { now: text.parse().unwrap(), ..Scene::new() };
        !desk.standing(&book, &rules, &scene.whence()).is_none()
    };
    let stands = ["2026-03-02T22:01:00Z", "2026-03-02T22:04:59Z", "2026-03-02T22:05:00Z"].map(at);
    assert_eq!(stands, [false, false, true]);
}

#[tokio::test]
async fn denials_that_have_raised_it_once_do_not_do_so_again() {
    let (_folder, book) = new_book();
    let rules = [risk(When::Denials { more_than: 1, within: 60 * MINUTE, lasts: 60 * MINUTE }, Some("mfa"))];
    let id = Scene::new().subject.id();
    let denied = |second: u64| book.denied(&rules, &id, start().plus(Duration::from_secs(second)));
    assert_eq!([denied(2), denied(4), denied(6), denied(8)], [false, true, false, true]);
    assert!(
        !book.denied(&[risk(When::NewDevice, None)], &id, start()),
        "where nobody asks, nothing is counted"
    );
}

#[tokio::test]
async fn what_is_told_counts_from_its_level_on_and_survives_a_restart() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rules = [
        risk(When::Told { level: Level::High }, Some("mfa")),
        risk(When::Told { level: Level::Medium }, None),
    ];
    let scene = Scene::new();
    let told = |level, until| Told { level, why: None, since: start(), until };
    {
        let book = book(&path, start());
        book.told(&scene.subject.id(), told(Level::Medium, None), start()).await.unwrap();
        assert_eq!(scene.standing(&book, &rules), [1]);
        book.told(&scene.subject.id(), told(Level::High, Some(start().plus(DAY))), start()).await.unwrap();
    }
    let book = book(&path, start());
    assert_eq!(scene.standing(&book, &rules), [0, 1]);
    let later = Scene { now: start().plus(DAY), ..Scene::new() };
    assert!(later.standing(&book, &rules).is_empty(), "until then");
    book.told(&scene.subject.id(), told(Level::Low, None), start()).await.unwrap();
    assert!(scene.standing(&book, &rules).is_empty(), "taken back");
}

#[tokio::test]
async fn what_is_known_survives_a_restart_is_forgotten_when_wished_and_when_long_unused() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("store.db");
    let rules = [risk(When::NewDevice, Some("mfa"))];
    let scene = Scene::new();
    {
        let book = book(&path, start());
        scene.proves(&book, &rules, Some("mfa"));
        book.maintain(start()).await.unwrap();
    }
    {
        let book = book(&path, start());
        assert!(scene.standing(&book, &rules).is_empty());
        let used = Scene { now: start().plus(60 * DAY), ..Scene::new() };
        assert!(used.standing(&book, &rules).is_empty());
        let again = Scene { now: start().plus(120 * DAY), ..Scene::new() };
        assert!(again.standing(&book, &rules).is_empty(), "used in between");
        let (devices, _) = book.known(&scene.subject.id(), again.now);
        assert_eq!((devices.len(), devices[0].since), (1, start()));
        book.maintain(again.now).await.unwrap();
    }
    let much_later = start().plus(120 * DAY).plus(REMEMBERED);
    {
        let book = book(&path, start().plus(121 * DAY));
        assert!(Scene { now: start().plus(121 * DAY), ..Scene::new() }.standing(&book, &rules).is_empty());
        assert_eq!(Scene { now: much_later.plus(DAY), ..Scene::new() }.standing(&book, &rules), [0]);
        book.forget(&scene.subject.id(), scene.now).await.unwrap();
        assert_eq!(Scene { now: start().plus(121 * DAY), ..Scene::new() }.standing(&book, &rules), [0]);
    }
    let book = book(&path, start());
    assert_eq!(scene.standing(&book, &rules), [0], "for good");
}

#[tokio::test]
async fn a_desk_sees_at_once_what_has_changed() {
    let (_folder, book) = new_book();
    let rules = [risk(When::NewDevice, Some("mfa")), risk(When::Told { level: Level::High }, Some("mfa"))];
    let (desk, scene) = (RiskDesk::default(), Scene::new());
    let standing = |scene: &Scene| desk.standing(&book, &rules, &scene.whence());
    assert_eq!(standing(&scene), Standing::NONE.with(0));
    scene.proves(&book, &rules, Some("mfa"));
    assert_eq!(standing(&scene), Standing::NONE);
    let moved = Scene { browser: None, ..Scene::new() };
    assert_eq!(standing(&moved), Standing::NONE.with(0), "the same session elsewhere");
    let said = Told { level: Level::High, why: None, since: start(), until: Some(start().plus(MINUTE)) };
    book.told(&scene.subject.id(), said, start()).await.unwrap();
    let later = Scene { now: start().plus(Duration::from_secs(59)), ..Scene::new() };
    assert_eq!(standing(&later), Standing::NONE.with(1));
    let over = Scene { now: start().plus(MINUTE), ..Scene::new() };
    assert_eq!(standing(&over), Standing::NONE, "to the second");
    assert_eq!(desk.standing(&book, &[], &scene.whence()), Standing::NONE);
}

#[test]
fn a_browsers_name_is_43_letters_of_base64url_and_is_kept() {
    let chance = SeededEntropy::new(7);
    let token = BrowserToken::of(None, &chance);
    let cookie = token.set_cookie();
    let name = cookie.strip_prefix("__Host-leastway-d=").and_then(|rest| rest.split(';').next()).unwrap();
    assert_eq!(BrowserToken::of(Some(name), &chance).digest(), token.digest());
    for odd in ["", "short", &"a".repeat(44), &"é".repeat(22), &" ".repeat(43)] {
        assert!(BrowserToken::read(Some(odd)).is_none(), "{odd}");
        assert_ne!(BrowserToken::of(Some(odd), &chance).digest(), Digest::of(odd.as_bytes()));
    }
    assert!(!format!("{token:?}").contains(name));
}

proptest! {
    /// However many places somebody has been at, what is kept of them is bounded, and the latest is among it.
    #[test]
    fn what_is_known_of_one_person_is_bounded(places in proptest::collection::vec((any::<u16>(), 0_u64..10_000), 1..200)) {
        let (mut profile, mut now) = (Profile::default(), start());
        for (place, minutes) in places {
            now = now.plus(Duration::from_secs(60 * minutes));
            let browser = Digest::of(&place.to_be_bytes());
            let network = Network::of([10, place.to_be_bytes()[0], place.to_be_bytes()[1], 1].into());
            profile.learn_device(browser, now);
            profile.learn_network(network, now);
            prop_assert!(profile.devices.len() <= DEVICES_MAX && profile.networks.len() <= NETWORKS_MAX);
            prop_assert!(profile.knows_device(Some(browser), now) && profile.knows_network(network, now));
        }
        let text = serde_json::to_string(&profile).unwrap();
        prop_assert_eq!(serde_json::from_str::<Profile>(&text).unwrap(), profile);
    }
}
