//! Sessions as their people and operators meet them: made, found, changed, ended; in `locking`, away and back; in `programs`,
//! those of programs.

mod locking;
mod nodes;
mod programs;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use super::settings::{Concurrent, SessionSettings, Times};
use super::*;
use crate::domain::application::ProviderName;
use crate::domain::assurance::{Assurance, AssuranceNeed};
use crate::domain::device::{DeviceClass, Resume, WhenFull};
use crate::domain::purpose::Purpose;
use crate::domain::revocation::{ProviderSession, Target};
use crate::domain::subject::{Justification, Subject};
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::store::Store;

const HOST: &str = "ehr.clinic.example";
const MINUTE: Duration = Duration::from_secs(60);

fn start() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

/// Sessions that end and are never locked.
fn settings() -> SessionSettings {
    with(15 * MINUTE, 15 * MINUTE)
}

fn with(lock: Duration, idle: Duration) -> SessionSettings {
    let times = Times { lock, idle, absolute: 12 * 60 * MINUTE, resume: Resume::Login };
    let concurrent = Concurrent { most: None, devices: BTreeMap::new(), when_full: WhenFull::EndOldest };
    SessionSettings {
        times,
        devices: BTreeMap::new(),
        applications: BTreeMap::new(),
        concurrent,
        bound_to: Vec::new(),
        device_proof: Duration::from_secs(600),
        detect_polling: true,
        outage_extension: Duration::from_secs(4 * 60 * 60),
    }
}

fn open(path: &Path, now: Timestamp) -> Sessions {
    limited(path, SessionLimits::default(), now)
}

fn limited(path: &Path, limits: SessionLimits, now: Timestamp) -> Sessions {
    opened(path, &settings(), limits, now)
}

fn opened(path: &Path, settings: &SessionSettings, limits: SessionLimits, now: Timestamp) -> Sessions {
    let store = Store::open(path, &[MIGRATIONS, PROGRAM_MIGRATIONS]).unwrap();
    // A new seed at each opening: tokens of one run do not come again in the next.
    let entropy = Arc::new(SeededEntropy::new(u64::try_from(now.as_millis()).unwrap()));
    Sessions::load(store, settings, limits, entropy, now).unwrap()
}

fn subject(sub: &str) -> Subject {
    Subject {
        issuer: "https://id.clinic.example".into(),
        sub: sub.into(),
        name: "Nadia Nurse".into(),
        groups: vec!["EHR-Nurses".to_owned()],
        attributes: BTreeMap::new(),
    }
}

fn sign_in(sub: &str) -> NewSession {
    NewSession {
        bond: Bond::default(),
        host: HOST.into(),
        provider: "clinic".parse().unwrap(),
        subject: subject(sub),
        assurance: Assurance { auth_time: start(), ..Assurance::default() },
        purpose: Purpose::Treatment,
        device: None,
        authenticated: Some(start()),
        provider_sid: Some(format!("sid-of-{sub}").into()),
        id_token: Some(Secret::new("header.payload.signature".to_owned())),
        begun: start(),
    }
}

/// Ends what is meant, in memory and in the store; gives what stood.
async fn end(sessions: &Sessions, target: Target, now: Timestamp) -> Vec<SessionId> {
    let ended = sessions.end(&target, now);
    sessions.settle(now).await.unwrap();
    ended.iter().map(|session| session.id).collect()
}

fn proving(class: &str, at: Timestamp) -> Assurance {
    let proven = BTreeMap::from([(class.parse().unwrap(), at)]);
    Assurance { auth_time: at, proven, ..Assurance::default() }
}

fn renewal(sub: &str, assurance: Assurance) -> Renewal {
    let begun = assurance.auth_time;
    let authenticated = Some(begun);
    let (provider_sid, id_token) = (None, None);
    Renewal { subject: subject(sub), assurance, authenticated, provider_sid, id_token, begun, under: None }
}

fn found(found: Found) -> Arc<Session> {
    match found {
        Found::Session(session) => session,
        Found::Locked(_) | Found::Expired | Found::Ended | Found::Elsewhere | Found::None => {
            panic!("no session: {found:?}")
        }
    }
}

#[tokio::test]
async fn a_session_is_found_by_its_token_and_on_its_host_only() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let desk = sessions.desk();

    for _ in 0..2 {
        assert_eq!(found(sessions.find(&desk, token.reveal(), HOST, None, start())).id, session.id);
        assert!(matches!(
            sessions.find(&desk, token.reveal(), "console.example", None, start()),
            Found::None
        ));
    }
    let mut other = token.reveal().to_owned();
    other.replace_range(0..1, if other.starts_with('A') { "B" } else { "A" });
    for token in [other.as_str(), "", "short", &"é".repeat(43), &"A".repeat(43), &"A".repeat(100_000)] {
        assert!(matches!(sessions.find(&desk, token, HOST, None, start()), Found::None));
    }
}

#[tokio::test]
async fn a_session_ends_when_nobody_is_active() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (desk, other_desk) = (sessions.desk(), sessions.desk());

    let active = start().plus(14 * MINUTE);
    found(sessions.find(&desk, token.reveal(), HOST, None, active));
    sessions.touch(&session, active);
    found(sessions.find(&desk, token.reveal(), HOST, None, start().plus(28 * MINUTE)));
    assert!(matches!(
        sessions.find(&desk, token.reveal(), HOST, None, active.plus(15 * MINUTE)),
        Found::Expired
    ));
    // Neither a clock that goes back nor longer settings bring it back.
    sessions.apply(&with(60 * MINUTE, 60 * MINUTE));
    assert!(matches!(sessions.find(&other_desk, token.reveal(), HOST, None, active), Found::Expired));
    assert!(sessions.list(10, active).is_empty());
}

#[tokio::test]
async fn a_session_ends_at_its_absolute_end_however_active_the_person_is() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let desk = sessions.desk();
    let end = start().plus(12 * 60 * MINUTE);
    sessions.touch(&session, end.minus(MINUTE));
    found(sessions.find(&desk, token.reveal(), HOST, None, end.minus(MINUTE)));
    assert!(matches!(sessions.find(&desk, token.reveal(), HOST, None, end), Found::Expired));
}

#[tokio::test]
async fn a_session_goes_on_beyond_its_end_while_its_provider_is_down_and_not_longer_than_it_may() {
    let directory = tempfile::tempdir().unwrap();
    let mut settings = with(24 * 60 * MINUTE, 24 * 60 * MINUTE);
    settings.times.idle = 15 * MINUTE;
    let sessions = opened(&directory.path().join("store.db"), &settings, SessionLimits::default(), start());
    let (clinic, agency) = ("clinic".parse().unwrap(), "agency".parse().unwrap());
    let end = start().plus(12 * 60 * MINUTE);
    let down: [BTreeSet<ProviderName>; 3] =
        [BTreeSet::new(), BTreeSet::from([agency]), BTreeSet::from([clinic])];
    let [nobody, another, its_own] = down;
    let desk = sessions.desk();
    for (which, (down, lasts)) in
        [(nobody.clone(), Duration::ZERO), (another, Duration::ZERO), (its_own.clone(), 4 * 60 * MINUTE)]
            .into_iter()
            .enumerate()
    {
        sessions.note_down(down);
        let (session, token) = sessions.create(sign_in(&format!("nurse-{which}")), start()).await.unwrap();
        let last = end.plus(lasts).minus(MINUTE);
        sessions.touch(&session, last);
        let at_last = found(sessions.find(&desk, token.reveal(), HOST, None, last));
        assert_eq!(sessions.is_extended(&at_last, last), !lasts.is_zero(), "{which}");
        assert!(matches!(sessions.find(&desk, token.reveal(), HOST, None, end.plus(lasts)), Found::Expired));
    }

    // Whoever is away too long is not at work, and once somebody can sign in anew it is over.
    sessions.note_down(its_own);
    let (_, idle) = sessions.create(sign_in("idle"), start()).await.unwrap();
    assert!(matches!(
        sessions.find(&desk, idle.reveal(), HOST, None, start().plus(16 * MINUTE)),
        Found::Expired
    ));
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    sessions.touch(&session, end);
    found(sessions.find(&desk, token.reveal(), HOST, None, end));
    sessions.note_down(nobody);
    assert!(matches!(sessions.find(&desk, token.reveal(), HOST, None, end), Found::Expired));
}

#[tokio::test]
async fn shorter_settings_hold_for_sessions_that_stand() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (_, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let desk = sessions.desk();
    found(sessions.find(&desk, token.reveal(), HOST, None, start().plus(10 * MINUTE)));
    sessions.apply(&with(10 * MINUTE, 10 * MINUTE));
    let found = sessions.find(&desk, token.reveal(), HOST, None, start().plus(10 * MINUTE));
    assert!(matches!(found, Found::Expired));
}

#[tokio::test]
async fn people_stay_signed_in_over_a_restart_and_ended_sessions_stay_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let seen = start().plus(10 * MINUTE);
    let (kept, ended, idle) = {
        let sessions = open(&path, start());
        let (session, kept) = sessions.create(sign_in("nurse"), start()).await.unwrap();
        let justified = Justification {
            code: "billing".to_owned(),
            text: "a question of the insurer".to_owned(),
            application: "ehr".parse().unwrap(),
            given: start(),
            number: Some("R-1".to_owned()),
            recipient: None,
        };
        let session = sessions.justify(session.id, justified, start()).await.unwrap();
        let (gone, ended) = sessions.create(sign_in("registrar"), start()).await.unwrap();
        let (_, idle) = sessions.create(sign_in("analyst"), start()).await.unwrap();
        sessions.touch(&session, seen);
        assert_eq!(end(&sessions, Target::Session(gone.id), seen).await, [gone.id]);
        sessions.maintain(seen).await.unwrap();
        (kept, ended, idle)
    };

    let now = start().plus(20 * MINUTE);
    let sessions = open(&path, now);
    let desk = sessions.desk();
    let session = found(sessions.find(&desk, kept.reveal(), HOST, None, now));
    assert_eq!(session.last_seen(), seen);
    assert_eq!(*session.subject, subject("nurse"));
    assert_eq!(session.justification(&"ehr".parse().unwrap()).unwrap().code, "billing");
    let id_token = session.id_token(&Secret::new(kept.reveal().to_owned()));
    assert!(id_token.unwrap().is("header.payload.signature"));
    assert!(matches!(sessions.find(&desk, ended.reveal(), HOST, None, now), Found::None));
    assert!(matches!(sessions.find(&desk, idle.reveal(), HOST, None, now), Found::Expired));
}

#[tokio::test]
async fn the_store_holds_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    drop(sessions);
    let bytes = std::fs::read(&path).unwrap();
    let holds = |text: &str| memchr::memmem::find(&bytes, text.as_bytes()).is_some();
    assert!(holds(&session.id.to_string()));
    assert!(!holds(token.reveal()));
    assert!(!holds("header.payload.signature"));
}

#[tokio::test]
async fn an_id_token_opens_by_the_cookie_of_its_session_and_by_no_other() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let cookie = |token: &SessionToken| Secret::new(token.reveal().to_owned());
    let shown = |session: &Session, token: &SessionToken| {
        session.id_token(&cookie(token)).map(|token| token.reveal().to_owned())
    };
    let sessions = open(&path, start());
    let (session, before) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (other, another) = sessions.create(sign_in("doctor"), start()).await.unwrap();
    assert_eq!(shown(&session, &before).as_deref(), Some("header.payload.signature"));
    assert_eq!((shown(&session, &another), shown(&other, &before)), (None, None));

    let id_token = Some(Secret::new("another.id.token".to_owned()));
    let renewal = Renewal { id_token, ..renewal("nurse", proving("mfa", start())) };
    let (_, after) = sessions.rotate(session.id, renewal, None, start()).await.unwrap();
    let sessions = {
        drop(sessions);
        open(&path, start().plus(MINUTE))
    };
    let stored = found(sessions.find(&sessions.desk(), after.reveal(), HOST, None, start()));
    assert_eq!(shown(&stored, &after).as_deref(), Some("another.id.token"));
    assert_eq!(shown(&stored, &before), None);
}

#[tokio::test]
async fn what_was_found_expired_stays_so_whatever_times_hold_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let (_, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let late = start().plus(16 * MINUTE);
    let find = |sessions: &Sessions, now| sessions.find(&sessions.desk(), token.reveal(), HOST, None, now);
    assert!(matches!(find(&sessions, late), Found::Expired));
    sessions.maintain(late).await.unwrap();
    drop(sessions);
    let longer = with(240 * MINUTE, 240 * MINUTE);
    let sessions = opened(&path, &longer, SessionLimits::default(), late);
    assert!(matches!(find(&sessions, late), Found::Expired));
}

#[tokio::test]
async fn an_ended_session_is_gone_at_once_on_every_desk() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let desks = [sessions.desk(), sessions.desk(), sessions.desk()];
    for desk in &desks[..2] {
        found(sessions.find(desk, token.reveal(), HOST, None, start()));
    }
    assert_eq!(end(&sessions, Target::Session(session.id), start()).await, [session.id]);
    for desk in &desks {
        assert!(matches!(sessions.find(desk, token.reveal(), HOST, None, start()), Found::Ended));
    }
    assert!(!session.is_live());
    assert!(end(&sessions, Target::Session(session.id), start()).await.is_empty());
}

#[tokio::test]
async fn a_person_and_a_session_at_the_provider_can_be_ended_as_one() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (first, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (second, _) = sessions.create(sign_in("nurse"), start().plus(MINUTE)).await.unwrap();
    let (other, _) = sessions.create(sign_in("registrar"), start()).await.unwrap();

    let both = end(&sessions, Target::Person(first.subject.id()), start()).await;
    assert_eq!(both, [first.id, second.id]);
    assert!(!first.is_live() && !second.is_live() && other.is_live());

    let meant = |issuer: &str| {
        let (issuer, sid) = (issuer.into(), "sid-of-registrar".into());
        Target::ProviderSession(ProviderSession { issuer, sid, sub: None })
    };
    assert!(end(&sessions, meant("https://id.other.example"), start()).await.is_empty());
    assert_eq!(end(&sessions, meant(&other.subject.issuer), start()).await, [other.id]);
    assert!(!other.is_live());
}

#[tokio::test]
async fn a_step_up_gives_a_new_token_and_the_old_one_is_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let (before, old) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (desk, later) = (sessions.desk(), start().plus(MINUTE));
    found(sessions.find(&desk, old.reveal(), HOST, None, later));

    let (after, new) =
        sessions.rotate(before.id, renewal("nurse", proving("mfa", later)), None, later).await.unwrap();
    assert_eq!(after.id, before.id);
    assert_eq!(after.absolute_end, before.absolute_end);
    assert!(after.version > before.version && !before.is_live());
    assert_ne!(old.reveal(), new.reveal());
    assert!(matches!(sessions.find(&desk, old.reveal(), HOST, None, later), Found::None));
    assert_eq!(found(sessions.find(&desk, new.reveal(), HOST, None, later)).version, after.version);

    drop(sessions);
    let sessions = open(&path, later);
    let desk = sessions.desk();
    assert!(matches!(sessions.find(&desk, old.reveal(), HOST, None, later), Found::None));
    found(sessions.find(&desk, new.reveal(), HOST, None, later));
}

#[tokio::test]
async fn a_step_up_keeps_what_was_proven_before() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let later = start().plus(5 * MINUTE);
    sessions.rotate(session.id, renewal("nurse", proving("mfa", later)), None, later).await.unwrap();
    let older_and_new = Assurance {
        proven: BTreeMap::from([("mfa".parse().unwrap(), start()), ("phr".parse().unwrap(), start())]),
        ..proving("phr", start())
    };
    let (session, _) =
        sessions.rotate(session.id, renewal("nurse", older_and_new), None, later).await.unwrap();
    let need = |class: &str, fresh| AssuranceNeed { class: class.parse().unwrap(), fresh: Some(fresh) };
    assert!(session.assurance.meets(&need("mfa", MINUTE), later));
    assert!(session.assurance.meets(&need("phr", 5 * MINUTE), later));
    assert!(!session.assurance.meets(&need("phr", MINUTE), later));
}

#[tokio::test]
async fn a_step_up_by_another_person_changes_nothing() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let refused =
        sessions.rotate(session.id, renewal("registrar", Assurance::default()), None, start()).await;
    assert!(matches!(refused, Err(SessionError::OtherPerson)));
    assert!(session.is_live());
    found(sessions.find(&sessions.desk(), token.reveal(), HOST, None, start()));
}

#[tokio::test]
async fn a_change_is_seen_on_every_desk_under_the_same_token() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let desks = [sessions.desk(), sessions.desk()];
    for desk in &desks {
        found(sessions.find(desk, token.reveal(), HOST, None, start()));
    }
    let changed = sessions.set_purpose(session.id, Purpose::Payment, start()).await.unwrap();
    assert!(changed.version > session.version);
    for desk in &desks {
        assert_eq!(found(sessions.find(desk, token.reveal(), HOST, None, start())).purpose, Purpose::Payment);
    }
}

#[tokio::test]
async fn changes_at_the_same_time_all_stand() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let changes = (0..10).map(|number| {
        let application = format!("application-{number}").parse().unwrap();
        let given = Justification {
            code: "care".to_owned(),
            text: String::new(),
            application,
            given: start(),
            number: None,
            recipient: None,
        };
        sessions.justify(session.id, given, start())
    });
    assert!(futures_util::future::join_all(changes).await.iter().all(Result::is_ok));
    let session = found(sessions.find(&sessions.desk(), token.reveal(), HOST, None, start()));
    assert_eq!(session.justifications.len(), 10);
}

#[tokio::test]
async fn what_was_ended_does_not_come_back_by_a_change() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (changed, ended) = tokio::join!(
        sessions.set_purpose(session.id, Purpose::Payment, start()),
        end(&sessions, Target::Session(session.id), start()),
    );
    assert!(matches!(changed, Err(SessionError::Gone)), "{changed:?}");
    assert_eq!(ended, [session.id]);
    assert!(matches!(sessions.find(&sessions.desk(), token.reveal(), HOST, None, start()), Found::Ended));
    drop(sessions);
    let sessions = open(&path, start());
    assert!(matches!(sessions.find(&sessions.desk(), token.reveal(), HOST, None, start()), Found::None));
}

#[tokio::test]
async fn beyond_the_limit_of_one_person_their_oldest_are_to_end() {
    let directory = tempfile::tempdir().unwrap();
    let limits = SessionLimits { all: 100, per_person: 2, ..SessionLimits::default() };
    let sessions = limited(&directory.path().join("store.db"), limits, start());
    let mut made = Vec::new();
    for minute in 0..3 {
        made.push(sessions.create(sign_in("nurse"), start().plus(minute * MINUTE)).await.unwrap());
    }
    let (other, _) = sessions.create(sign_in("registrar"), start()).await.unwrap();
    assert_eq!(sessions.surplus(&made[2].0, start()), [made[0].0.id]);
    assert!(sessions.surplus(&other, start()).is_empty());
}

fn full(most: usize, kiosk: usize, when_full: WhenFull) -> SessionSettings {
    let devices = BTreeMap::from([("kiosk".parse().unwrap(), kiosk)]);
    SessionSettings { concurrent: Concurrent { most: Some(most), devices, when_full }, ..settings() }
}

#[tokio::test]
async fn so_many_on_one_host_and_fewer_on_devices_of_a_class() {
    let directory = tempfile::tempdir().unwrap();
    let settings = full(3, 1, WhenFull::EndOldest);
    let sessions = opened(&directory.path().join("store.db"), &settings, SessionLimits::default(), start());
    let kiosk: Option<DeviceClass> = Some("kiosk".parse().unwrap());
    let at = |minute: u32| start().plus(minute * MINUTE);
    let elsewhere = NewSession { host: "pacs.clinic.example".into(), ..sign_in("nurse") };
    sessions.create(elsewhere, at(0)).await.unwrap();
    let (first, _) = sessions.create(sign_in("nurse"), at(1)).await.unwrap();
    let on_kiosk = || NewSession { device: kiosk.clone(), ..sign_in("nurse") };
    let (second, _) = sessions.create(on_kiosk(), at(2)).await.unwrap();
    assert!(sessions.surplus(&second, at(2)).is_empty(), "the other host counts by itself");
    let (third, _) = sessions.create(on_kiosk(), at(3)).await.unwrap();
    assert_eq!(sessions.surplus(&third, at(3)), [second.id], "one at a kiosk");
    end(&sessions, Target::Session(second.id), at(3)).await;
    sessions.create(sign_in("nurse"), at(4)).await.unwrap();
    let (last, _) = sessions.create(sign_in("nurse"), at(5)).await.unwrap();
    assert_eq!(sessions.surplus(&last, at(5)), [first.id]);
    assert!(sessions.surplus(&last, at(16)).is_empty(), "what is over does not count");
}

#[tokio::test]
async fn beyond_a_number_whoever_is_at_work_stays_whichever_is_the_oldest() {
    let directory = tempfile::tempdir().unwrap();
    let lock = with(5 * MINUTE, 60 * MINUTE).times;
    let settings = SessionSettings { times: lock, ..full(2, 9, WhenFull::EndOldest) };
    let sessions = opened(&directory.path().join("store.db"), &settings, SessionLimits::default(), start());
    let at = |minute: u32| start().plus(minute * MINUTE);
    let (first, _) = sessions.create(sign_in("nurse"), at(0)).await.unwrap();
    let (second, _) = sessions.create(sign_in("nurse"), at(1)).await.unwrap();
    sessions.touch(&first, at(3));
    let (third, _) = sessions.create(sign_in("nurse"), at(4)).await.unwrap();
    assert_eq!(sessions.surplus(&third, at(4)), [second.id], "the first was used since");
    assert_eq!(sessions.surplus(&third, at(7)), [second.id], "and the second is locked by now");
}

#[tokio::test]
async fn who_is_refused_beyond_a_number_is_let_in_where_one_is_locked() {
    let directory = tempfile::tempdir().unwrap();
    let lock = with(5 * MINUTE, 60 * MINUTE).times;
    let settings = SessionSettings { times: lock, ..full(2, 9, WhenFull::Refuse) };
    let sessions = opened(&directory.path().join("store.db"), &settings, SessionLimits::default(), start());
    let at = |minute: u32| start().plus(minute * MINUTE);
    let (first, _) = sessions.create(sign_in("nurse"), at(0)).await.unwrap();
    let (second, _) = sessions.create(sign_in("nurse"), at(0)).await.unwrap();
    let refused = sessions.create(sign_in("nurse"), at(1)).await;
    assert!(matches!(refused, Err(SessionError::Full)), "{refused:?}");
    assert!(sessions.create(sign_in("registrar"), at(1)).await.is_ok(), "others are others");
    sessions.touch(&first, at(4));
    // The second is locked by now; it gives way, and the first, which is older, does not.
    let new = NewSession { provider_sid: None, ..sign_in("nurse") };
    let (third, _) = sessions.create(new, at(6)).await.unwrap();
    assert_eq!(sessions.surplus(&third, at(6)), [second.id]);
}

#[tokio::test]
async fn beyond_the_limit_of_all_nobody_more_is_let_in() {
    let directory = tempfile::tempdir().unwrap();
    let limits = SessionLimits { all: 2, per_person: 2, ..SessionLimits::default() };
    let sessions = limited(&directory.path().join("store.db"), limits, start());
    sessions.create(sign_in("nurse"), start()).await.unwrap();
    sessions.create(sign_in("registrar"), start()).await.unwrap();
    let refused = sessions.create(sign_in("analyst"), start()).await;
    assert!(matches!(refused, Err(SessionError::TooMany)));
}

#[tokio::test]
async fn what_is_long_gone_is_forgotten_and_makes_room() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let limits = SessionLimits { all: 1, per_person: 1, ..SessionLimits::default() };
    let sessions = limited(&path, limits, start());
    let (_, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let sweep_all = async |now| {
        for _ in 0..64 {
            sessions.maintain(now).await.unwrap();
        }
    };
    let later = start().plus(20 * MINUTE);
    sweep_all(later).await;
    assert!(matches!(sessions.find(&sessions.desk(), token.reveal(), HOST, None, later), Found::Expired));
    let later = later.plus(61 * MINUTE);
    sweep_all(later).await;
    assert!(matches!(sessions.find(&sessions.desk(), token.reveal(), HOST, None, later), Found::None));
    assert!(sessions.create(sign_in("registrar"), later).await.is_ok());
}

#[tokio::test]
async fn operators_see_who_and_until_when_but_no_token() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    sessions.create(sign_in("registrar"), start().plus(MINUTE)).await.unwrap();
    let list = sessions.list(10, start().plus(MINUTE));
    assert_eq!(list.iter().map(|summary| &*summary.sub).collect::<Vec<_>>(), ["registrar", "nurse"]);
    assert_eq!(list[1].idle_end, start().plus(15 * MINUTE));
    let shown = serde_json::to_string(&list).unwrap() + &format!("{session:?}{token:?}");
    assert!(!shown.contains(token.reveal()) && !shown.contains("payload"));
}

#[test]
fn the_cookie_is_bound_to_host_tls_and_scripts_cannot_read_it() {
    let token = SessionToken::generate(&SeededEntropy::new(1));
    assert_eq!(
        token.set_cookie(),
        format!("__Host-leastway={}; Path=/; Secure; HttpOnly; SameSite=Lax", token.reveal())
    );
    assert_eq!(token.reveal().len(), 43);
    assert!(SessionToken::clear_cookie().ends_with("; Max-Age=0"));
}

#[tokio::test]
async fn a_sign_in_is_ended_at_all_hosts_and_a_person_without_a_named_one_too() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let elsewhere = NewSession { host: "console.clinic.example".into(), ..sign_in("nurse") };
    let unnamed = || NewSession { provider_sid: None, ..sign_in("nurse") };
    let (first, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (second, _) = sessions.create(elsewhere, start()).await.unwrap();
    let (third, _) = sessions.create(unnamed(), start()).await.unwrap();
    let (other, _) =
        sessions.create(NewSession { provider_sid: None, ..sign_in("analyst") }, start()).await.unwrap();

    let mut ended = end(&sessions, Target::SignIn(first.id), start()).await;
    ended.sort_unstable();
    let mut both = [first.id, second.id];
    both.sort_unstable();
    assert_eq!(ended, both);
    assert!(third.is_live(), "nobody knows on what it rests, and it is not the one");

    let meant = |sub: Option<&str>| {
        let (issuer, sid) = (first.subject.issuer.clone(), "a sid that nobody knows".into());
        Target::ProviderSession(ProviderSession { issuer, sid, sub: sub.map(Into::into) })
    };
    assert!(end(&sessions, meant(None), start()).await.is_empty());
    assert_eq!(end(&sessions, meant(Some("nurse")), start()).await, [third.id], "it may be the one");
    assert_eq!(end(&sessions, Target::SignIn(other.id), start()).await, [other.id]);
}

#[tokio::test]
async fn a_sign_in_that_was_on_its_way_does_not_outlive_the_end_of_its_person() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let later = start().plus(Duration::from_secs(1));
    let id = subject("nurse").id();
    assert!(end(&sessions, Target::Person(id), later).await.is_empty());
    // However late it comes back: it was begun before.
    let came_before = sessions.create(sign_in("nurse"), later.plus(9 * MINUTE)).await;
    assert!(matches!(came_before, Err(SessionError::Gone)), "{came_before:?}");
    assert!(sessions.create(sign_in("registrar"), start()).await.is_ok());
    let begun = later.plus(Duration::from_millis(1));
    let came_after = sessions.create(NewSession { begun, ..sign_in("nurse") }, begun).await;
    assert!(came_after.is_ok());
    drop(sessions);
    assert_eq!(open(&path, later).len(), 2);
}

#[tokio::test]
async fn a_step_up_does_not_bring_a_session_onto_what_has_ended_at_the_provider() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let later = start().plus(MINUTE);
    let (session, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (issuer, sid): (_, Arc<str>) = (session.subject.issuer.clone(), "the next sid".into());
    let next = Target::ProviderSession(ProviderSession { issuer, sid: sid.clone(), sub: None });
    assert!(end(&sessions, next, later).await.is_empty(), "it rests on another yet");
    let step_up =
        |begun| Renewal { provider_sid: Some(sid.clone()), begun, ..renewal("nurse", proving("mfa", later)) };
    let refused = sessions.rotate(session.id, step_up(start()), None, later).await;
    assert!(matches!(refused, Err(SessionError::Gone)), "{refused:?}");
    assert!(matches!(sessions.current(session.id, None, later), Found::Ended));
    let (another, _) = sessions.create(NewSession { begun: later, ..sign_in("nurse") }, later).await.unwrap();
    let begun_after = step_up(later.plus(Duration::from_millis(1)));
    assert!(sessions.rotate(another.id, begun_after, None, later).await.is_ok());
    drop(sessions);
    assert_eq!(open(&path, later).len(), 1);
}

#[tokio::test]
async fn who_is_ended_does_not_come_back_with_longer_times() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let (nurse, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (other, _) = sessions.create(sign_in("registrar"), start()).await.unwrap();
    let later = start().plus(16 * MINUTE);
    for session in [&nurse, &other] {
        assert!(matches!(sessions.current(session.id, None, later), Found::Expired));
    }
    assert!(end(&sessions, Target::Person(nurse.subject.id()), later).await.is_empty(), "it stood no more");
    drop(sessions);
    let sessions = open(&path, start());
    assert_eq!((sessions.len(), matches!(sessions.current(nurse.id, None, start()), Found::None)), (1, true));
}

#[tokio::test]
async fn of_many_the_latest_are_listed() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let mut made = Vec::new();
    for minute in 0..8 {
        let (session, _) = sessions.create(sign_in("nurse"), start().plus(minute * MINUTE)).await.unwrap();
        made.push(session.id);
    }
    let listed: Vec<_> = sessions.list(3, start().plus(8 * MINUTE)).iter().map(|one| one.id).collect();
    assert_eq!(listed, made.iter().rev().take(3).copied().collect::<Vec<_>>());
}
