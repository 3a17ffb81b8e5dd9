//! What is kept, for whom, how much of it, and how it is sent once; in `nodes`, where two nodes share it.

mod nodes;

use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use bytes::Bytes;

use super::settings::{Bound, HoldBounds};
use super::*;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::HoldId;
use crate::platform::store::{Statement, Store};

const HOST: &str = "ehr.clinic.example";
const LIFETIME: Duration = Duration::from_secs(900);
const TARGET: &str = "/patients/7/notes";
const WORDS: &str = "walks without pain";

fn now() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

fn load(path: &Path, bounds: HoldBounds) -> Holds {
    let store = Store::open(path, &[MIGRATIONS]).unwrap();
    Holds::load(store, bounds, Arc::new(SystemEntropy)).unwrap()
}

struct Room {
    holds: Holds,
    browser: Browser,
    nurse: SubjectId,
    folder: tempfile::TempDir,
}

impl Room {
    fn open() -> Self {
        Self::bounded(HoldBounds::default())
    }

    fn bounded(bounds: HoldBounds) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let holds = load(&folder.path().join("store.db"), bounds);
        Self { holds, browser: Browser::generate(&SystemEntropy), nurse: person("nurse"), folder }
    }

    fn restart(self) -> Self {
        let Self { holds, folder, .. } = self;
        drop(holds);
        let holds = load(&folder.path().join("store.db"), HoldBounds::default());
        Self { holds, browser: self.browser, nurse: self.nurse, folder }
    }

    async fn read(&self, id: HoldId) -> Result<Typed, HoldError> {
        Ok(self.holds.open(id, self.visit(), now(), |typed| typed).await?.1)
    }

    fn visit(&self) -> Visit<'_> {
        Visit { browser: &self.browser, person: &self.nurse, host: HOST }
    }

    async fn put(&self, person: Option<&SubjectId>, words: &str) -> Result<HoldId, NoRoom> {
        put(&self.holds, &self.browser, person, "192.0.2.7", words).await
    }

    async fn take_up(&self, id: HoldId) -> Result<(Typed, Sending), HoldError> {
        self.holds.take_up(id, self.visit(), TARGET, now()).await
    }

    async fn begin(&self, id: HoldId) -> Sending {
        let (_, mut sending) = self.take_up(id).await.unwrap();
        self.holds.begin(&mut sending).await.unwrap();
        sending
    }

    async fn sweep(&self, at: Timestamp) -> Vec<Gone> {
        let gone = self.holds.leave_due(at);
        self.holds.forget().await.unwrap();
        gone
    }

    fn standing(&self) -> Vec<Standing> {
        self.holds.of(self.visit(), now()).iter().map(|summary| summary.standing).collect()
    }
}

fn person(sub: &str) -> SubjectId {
    SubjectId { issuer: "https://id.clinic.example".into(), sub: sub.into() }
}

fn typed(words: &str) -> Typed {
    Typed {
        target: TARGET.to_owned(),
        content_type: "application/x-www-form-urlencoded".to_owned(),
        origin: None,
        referer: Some(format!("https://{HOST}/patients/7/chart")),
        body: Bytes::from(format!("text={words}")),
    }
}

async fn put(
    holds: &Holds,
    browser: &Browser,
    person: Option<&SubjectId>,
    address: &str,
    words: &str,
) -> Result<HoldId, NoRoom> {
    let new = New {
        browser,
        person: person.cloned(),
        address: address.parse::<IpAddr>().unwrap(),
        host: HOST.into(),
        application: "ehr".parse().unwrap(),
        route: Some("note.create".parse().unwrap()),
        lifetime: LIFETIME,
    };
    let typed = typed(words);
    let place = holds.reserve(&new, typed.body.len())?;
    Ok(holds.put(place, new, &typed, now()).await.unwrap().0)
}

#[tokio::test]
async fn what_was_typed_is_opened_as_it_was_and_sent_once() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    assert!(room.read(id).await.unwrap() == typed(WORDS));
    assert!(matches!(
        room.holds.take_up(id, room.visit(), "/patients/8/notes", now()).await,
        Err(HoldError::None)
    ));
    let (taken, sending) = room.take_up(id).await.unwrap();
    assert!(taken == typed(WORDS));
    assert!(matches!(room.take_up(id).await, Err(HoldError::BeingSent)), "not twice at once");
    assert!(matches!(room.holds.discard(id, room.visit(), now()).await, Err(HoldError::BeingSent)));
    room.holds.finish(sending).await.unwrap();
    assert!(matches!(room.take_up(id).await, Err(HoldError::None)));
    assert!(room.holds.is_empty() && room.restart().holds.is_empty());
}

#[tokio::test]
async fn nobody_else_has_it_nor_another_browser_or_host() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let (other, elsewhere) = (person("registrar"), Browser::generate(&SystemEntropy));
    let of_other_issuer = SubjectId { issuer: "https://other.example".into(), ..room.nurse.clone() };
    for visit in [
        Visit { person: &other, ..room.visit() },
        Visit { person: &of_other_issuer, ..room.visit() },
        Visit { browser: &elsewhere, ..room.visit() },
        Visit { host: "console.clinic.example", ..room.visit() },
    ] {
        assert!(!room.holds.has_any(visit, now()) && room.holds.of(visit, now()).is_empty());
        assert!(matches!(room.holds.open(id, visit, now(), |typed| typed).await, Err(HoldError::None)));
        assert!(matches!(room.holds.take_up(id, visit, TARGET, now()).await, Err(HoldError::None)));
        assert!(matches!(room.holds.discard(id, visit, now()).await, Err(HoldError::None)));
    }
    assert_eq!(room.standing(), [Standing::Waiting]);
}

#[tokio::test]
async fn a_strangers_entry_is_of_the_first_who_comes_back_from_the_sign_in_that_it_began() {
    let room = Room::open();
    let id = room.put(None, WORDS).await.unwrap();
    let elsewhere = Browser::generate(&SystemEntropy);
    let there = Visit { browser: &elsewhere, ..room.visit() };
    assert_eq!(room.holds.arrive(id, there, now()).await.unwrap(), None);
    assert_eq!(room.standing(), [], "another browser brings nobody here");
    let never = "01980000-0000-7000-8000-000000000000".parse().unwrap();
    assert_eq!(room.holds.arrive(never, room.visit(), now()).await.unwrap(), None);
    assert_eq!(room.standing(), [], "a sign-in that has nothing to do with it");

    assert_eq!(room.holds.arrive(id, room.visit(), now()).await.unwrap(), None);
    assert_eq!(room.standing(), [Standing::Waiting]);
    let other = person("registrar");
    let late = Visit { person: &other, ..room.visit() };
    assert_eq!(room.holds.arrive(id, late, now()).await.unwrap(), Some(id), "it is another's: for the event");
    assert!(!room.holds.has_any(late, now()));
    let room = room.restart();
    assert!(room.read(id).await.unwrap() == typed(WORDS));
}

#[tokio::test]
async fn the_store_tells_neither_the_words_nor_the_key() {
    let room = Room::open();
    room.put(Some(&room.nurse), WORDS).await.unwrap();
    let (words, secret) = (WORDS.as_bytes(), room.browser.reveal().as_bytes());
    let mut bytes = Vec::new();
    for file in std::fs::read_dir(room.folder.path()).unwrap() {
        bytes.extend(std::fs::read(file.unwrap().path()).unwrap());
    }
    let holds = |needle: &[u8]| memchr::memmem::find(&bytes, needle).is_some();
    assert!(holds(b"note.create"), "the row is there");
    for marker in [words, secret, TARGET.as_bytes(), b"text=", b"/patients/7/chart"] {
        assert!(!holds(marker));
    }
    let raw = base64::engine::general_purpose::URL_SAFE_NO_PAD.decode(secret).unwrap();
    assert!(!holds(&raw));
}

#[tokio::test]
async fn a_row_that_was_changed_does_not_open() {
    for (name, change) in [
        ("its person", "UPDATE hold SET sub = 'registrar'"),
        ("its end", "UPDATE hold SET expires = expires + 1000"),
        ("its application", "UPDATE hold SET application = 'console'"),
        ("its text", "UPDATE hold SET text = zeroblob(length(text))"),
        ("its salt", "UPDATE hold SET salt = zeroblob(32)"),
        ("its host", "UPDATE hold SET host = 'console.clinic.example'"),
        ("its route", "UPDATE hold SET route = 'other.route'"),
        ("its beginning", "UPDATE hold SET created = created - 1"),
        ("whose it was first", "UPDATE hold SET is_claimed = 1"),
    ] {
        let room = Room::open();
        let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
        let path = room.folder.path().join("store.db");
        let Room { holds, browser, folder, .. } = room;
        drop(holds);
        let store = Store::open(&path, &[MIGRATIONS]).unwrap();
        store.write(vec![Statement::new(change)]).await.unwrap();
        drop(store);
        let holds = load(&path, HoldBounds::default());
        // Asked for as the row has it now, so that only the seal can say no.
        let person = person(if name == "its person" { "registrar" } else { "nurse" });
        let host = if name == "its host" { "console.clinic.example" } else { HOST };
        let visit = Visit { browser: &browser, person: &person, host };
        let opened = holds.open(id, visit, now(), drop).await;
        assert!(matches!(opened, Err(HoldError::Sealed)), "{name}");
        drop(folder);
    }
}

#[tokio::test]
async fn what_may_have_been_sent_is_not_sent_again_whatever_happens() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let sending = room.begin(id).await;
    room.holds.put_back(sending).await.unwrap();
    assert_eq!(room.standing(), [Standing::Waiting], "nothing had left");
    drop(room.begin(id).await);
    assert_eq!(room.standing(), [Standing::Uncertain]);
    assert!(matches!(room.take_up(id).await, Err(HoldError::BeingSent)));
    // The process ends in the middle.
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    drop(room.begin(id).await);
    let room = room.restart();
    assert_eq!(room.standing(), [Standing::Uncertain]);
    assert!(room.read(id).await.unwrap() == typed(WORDS), "it can be copied");
}

#[tokio::test]
async fn what_was_taken_up_and_not_begun_waits_on_whatever_happens() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let taken_up = room.take_up(id).await.unwrap();
    assert!(matches!(room.take_up(id).await, Err(HoldError::BeingSent)), "not twice at once");
    drop(taken_up);
    assert_eq!(room.standing(), [Standing::Waiting]);
    // As after the process has ended in the middle.
    drop(room.take_up(id).await.unwrap());
    let room = room.restart();
    assert_eq!(room.standing(), [Standing::Waiting]);
    assert!(room.take_up(id).await.is_ok());
}

#[tokio::test]
async fn when_its_time_is_over_it_is_gone() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let (last, over) = (now().plus(LIFETIME).minus(Duration::from_millis(1)), now().plus(LIFETIME));
    assert!(room.sweep(last).await.is_empty() && room.holds.has_any(room.visit(), last));
    assert!(!room.holds.has_any(room.visit(), over));
    let gone = room.sweep(over).await;
    assert_eq!(
        gone.iter().map(|gone| (gone.id, gone.person.clone())).collect::<Vec<_>>(),
        [(id, Some(person("nurse")))]
    );
    assert!(room.restart().holds.is_empty());
}

#[tokio::test]
async fn a_second_press_of_the_button_keeps_one_entry() {
    let room = Room::open();
    let first = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let second = room.put(Some(&room.nurse), WORDS).await.unwrap();
    assert_eq!(second, first, "nothing is written for it");
    room.put(Some(&room.nurse), "something else").await.unwrap();
    room.put(Some(&person("registrar")), WORDS).await.unwrap();
    assert_eq!(room.holds.of(room.visit(), now()).len(), 2);
    assert!(room.take_up(second).await.is_ok());
    let room = room.restart();
    assert_eq!(room.holds.len(), 3);
}

#[tokio::test]
async fn whoever_loses_their_access_loses_what_is_kept() {
    let room = Room::open();
    room.put(Some(&room.nurse), WORDS).await.unwrap();
    room.put(Some(&person("registrar")), WORDS).await.unwrap();
    assert_eq!(room.holds.leave_of(&room.nurse, now()).len(), 1);
    assert_eq!(room.standing(), [], "at once");
    assert_eq!(room.holds.leave_of(&room.nurse, now()).len(), 0, "it is told of once");
    room.holds.forget().await.unwrap();
    let room = room.restart();
    assert_eq!((room.holds.len(), room.standing().len()), (1, 0));
}

#[tokio::test]
async fn each_bound_holds_and_room_that_is_not_used_is_given_back() {
    let wide = Bound { entries: 100, bytes: 10_000 };
    let wide = HoldBounds { all: wide, strangers: wide, address: wide, person: wide, browser: wide };
    let two = Bound { entries: 2, bytes: 10_000 };
    let thirty = Bound { entries: 100, bytes: 30 };
    // How many of five entries of ten bytes are kept: of one stranger, and of one person, each in new browsers.
    for (name, bounds, strangers, persons) in [
        ("none", wide, 5, 5),
        ("all, entries", HoldBounds { all: two, ..wide }, 2, 0),
        ("all, bytes", HoldBounds { all: thirty, ..wide }, 3, 0),
        ("strangers", HoldBounds { strangers: two, ..wide }, 2, 5),
        ("address", HoldBounds { address: thirty, ..wide }, 3, 5),
        ("person", HoldBounds { person: two, ..wide }, 5, 2),
    ] {
        let room = Room::bounded(bounds);
        let (mut kept_of_strangers, mut kept_of_persons) = (0, 0);
        for number in 0..5 {
            let words = format!("{number}1234");
            let address = format!("2001:db8::{number}");
            let (first, second) = (Browser::generate(&SystemEntropy), Browser::generate(&SystemEntropy));
            kept_of_strangers += usize::from(put(&room.holds, &first, None, &address, &words).await.is_ok());
            if name.starts_with("all") {
                continue;
            }
            kept_of_persons +=
                usize::from(put(&room.holds, &second, Some(&room.nurse), &address, &words).await.is_ok());
        }
        assert_eq!((kept_of_strangers, kept_of_persons), (strangers, persons), "{name}");
    }
    let room = Room::bounded(HoldBounds { browser: two, ..wide });
    for words in ["1", "2"] {
        room.put(Some(&room.nurse), words).await.unwrap();
    }
    assert_eq!(room.put(Some(&room.nurse), "3").await, Err(NoRoom));
    room.sweep(now().plus(LIFETIME)).await;
    room.put(Some(&room.nurse), "3").await.unwrap();

    // Whoever breaks off in the middle keeps no room.
    let room = Room::bounded(HoldBounds { strangers: two, ..wide });
    let new = || New {
        browser: &room.browser,
        person: None,
        address: "192.0.2.7".parse().unwrap(),
        host: HOST.into(),
        application: "ehr".parse().unwrap(),
        route: None,
        lifetime: LIFETIME,
    };
    let places = [room.holds.reserve(&new(), 10).unwrap(), room.holds.reserve(&new(), 10).unwrap()];
    assert_eq!(room.holds.reserve(&new(), 10).map(drop), Err(NoRoom));
    drop(places);
    assert!(room.holds.reserve(&new(), 10).is_ok());
}

#[test]
fn a_preview_names_what_is_there_and_never_shows_a_password() {
    let of = |content_type: &str, body: &str| {
        let typed = Typed {
            content_type: content_type.to_owned(),
            body: Bytes::copy_from_slice(body.as_bytes()),
            ..typed("")
        };
        Preview::of(&typed).fields.into_iter().map(|field| (field.name, field.value)).collect::<Vec<_>>()
    };
    let text = |name: &str, text: &str| (name.to_owned(), FieldValue::Text(text.to_owned()));
    assert!(
        of("application/x-www-form-urlencoded", "a=1%202&b=&a=%C3%A9")
            == [text("a", "1 2"), text("b", ""), text("a", "é")]
    );
    let secret = ("new_Password".to_owned(), FieldValue::Secret);
    assert!(
        of("application/x-www-form-urlencoded; charset=utf-8", "new_Password=x&u=1")
            == [secret, text("u", "1")]
    );
    let multipart = "--B\r\nContent-Disposition: form-data; name=\"note\"\r\n\r\nline 1\r\nline 2\r\n--B\r\n\
                     content-disposition: form-data; name=\"scan\"; filename=\"a.png\"\r\nContent-Type: image/png\r\n\r\n1234\r\n--B--\r\n";
    let file = ("scan".to_owned(), FieldValue::File(4));
    assert!(of("multipart/form-data; boundary=\"B\"", multipart) == [text("note", "line 1\r\nline 2"), file]);
    assert!(of("application/json", "{\"a\":\"x\",\"b\":[1]}") == [text("a", "x"), text("b", "[\n  1\n]")]);
    assert!(of("application/json", "[1]") == [text("", "[1]")]);
    assert!(of("multipart/form-data", "odd") == [text("", "odd")]);
    let many = "a=1&".repeat(Preview::FIELDS_MAX + 7);
    let typed = Typed { body: many.into(), ..typed("") };
    assert_eq!((Preview::of(&typed).fields.len(), Preview::of(&typed).more), (Preview::FIELDS_MAX, 7));
}

#[test]
fn nothing_of_it_can_be_printed() {
    let room = format!(
        "{:?} {:?} {:?}",
        typed(WORDS),
        Browser::generate(&SystemEntropy),
        Preview::of(&typed(WORDS))
    );
    assert!(!room.contains("walks") && !room.contains("/patients"), "{room}");
    assert!(Browser::of("chosen by someone").is_none() && Browser::of(&"ä".repeat(43)).is_none());
}

#[tokio::test]
async fn what_is_being_sent_is_kept_no_longer_where_its_person_has_left_meanwhile() {
    let room = Room::open();
    let id = room.put(Some(&room.nurse), WORDS).await.unwrap();
    let (_, sending) = room.take_up(id).await.unwrap();
    assert!(room.holds.leave_of(&room.nurse, now()).is_empty(), "it is on its way");
    room.holds.put_back(sending).await.unwrap();
    assert_eq!(room.standing(), [], "and does not come back");
    assert_eq!(room.sweep(now()).await.len(), 1);
    assert!(room.restart().holds.is_empty());
}
