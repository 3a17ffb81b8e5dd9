//! Sessions that wait for their person to come back.

use super::*;
use crate::domain::revocation::Others;
use crate::features::session::settings::Times;

const HOUR: Duration = Duration::from_secs(60 * 60);

/// Locked after a quarter of an hour, over after four.
fn private() -> SessionSettings {
    with(15 * MINUTE, 4 * HOUR)
}

fn locking(path: &Path, settings: &SessionSettings, now: Timestamp) -> Sessions {
    opened(path, settings, SessionLimits::default(), now)
}

fn locked(found: Found) -> Locked {
    match found {
        Found::Locked(locked) => locked,
        other @ (Found::Session(_) | Found::Expired | Found::Ended | Found::Elsewhere | Found::None) => {
            panic!("not locked: {other:?}")
        }
    }
}

/// What the provider says of somebody who authenticated at `moment`.
fn back(sub: &str, moment: Timestamp) -> Renewal {
    renewal(sub, Assurance { auth_time: moment, ..Assurance::default() })
}

fn class(name: &str) -> DeviceClass {
    name.parse().unwrap()
}

#[tokio::test]
async fn a_session_is_locked_before_it_ends_and_no_request_unlocks_it() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = locking(&directory.path().join("store.db"), &private(), start());
    let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (desk, other_desk) = (sessions.desk(), sessions.desk());
    let at = |desk, moment| sessions.find(desk, token.reveal(), HOST, None, moment);

    let lock = start().plus(15 * MINUTE);
    found(at(&desk, lock.minus(Duration::from_millis(1))));
    let met = locked(at(&desk, lock.plus(MINUTE)));
    assert_eq!((met.session.id, met.since, met.resume), (session.id, lock, Resume::Login));
    assert!(!session.is_live());
    // Neither is any of these a sign of its person.
    sessions.touch(&session, lock.plus(MINUTE));
    sessions.apply(&with(HOUR, 4 * HOUR));
    assert_eq!(locked(at(&other_desk, start())).since, lock, "nor longer times, nor a clock that goes back");
    assert_eq!(session.last_seen(), start());
    assert!(sessions.set_purpose(session.id, Purpose::Payment, lock).await.is_err());
    assert!(matches!(at(&desk, start().plus(4 * HOUR)), Found::Expired));
    assert!(matches!(at(&other_desk, start()), Found::Expired));
}

#[tokio::test]
async fn the_same_person_resumes_the_same_session_under_a_new_token() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = locking(&path, &private(), start());
    let (session, old) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let given = Justification {
        code: "care".to_owned(),
        text: String::new(),
        application: "ehr".parse().unwrap(),
        given: start(),
        number: None,
        recipient: None,
    };
    sessions.set_purpose(session.id, Purpose::Payment, start()).await.unwrap();
    let before = sessions.justify(session.id, given, start()).await.unwrap();
    let (before, _) =
        sessions.rotate(before.id, renewal("nurse", proving("mfa", start())), None, start()).await.unwrap();

    let now = start().plus(HOUR);
    locked(sessions.current(before.id, None, now));
    let (after, new) = sessions.rotate(before.id, back("nurse", now), None, now).await.unwrap();
    assert_eq!((after.id, after.created), (before.id, before.created));
    assert_eq!((after.absolute_end, after.purpose), (before.absolute_end, Purpose::Payment));
    assert_eq!(after.justifications, before.justifications);
    let need = |fresh| AssuranceNeed { class: "mfa".parse().unwrap(), fresh };
    assert!(after.assurance.meets(&need(None), now), "what was proven stays");
    assert!(!after.assurance.meets(&need(Some(MINUTE)), now), "and is no fresher");
    assert_eq!(after.last_seen(), now);

    drop(sessions);
    let sessions = locking(&path, &private(), now.plus(14 * MINUTE));
    let at = |token: &str| sessions.find(&sessions.desk(), token, HOST, None, now.plus(14 * MINUTE));
    assert_eq!(found(at(new.reveal())).id, session.id, "a new start has seen them too");
    assert!(matches!(at(old.reveal()), Found::None));
}

#[tokio::test]
async fn only_a_sign_in_from_after_the_lock_unlocks_unless_the_providers_session_is_enough() {
    struct Case {
        name: &'static str,
        resume: Resume,
        authenticated: Option<i64>,
        opens: bool,
    }
    let case = |name, resume, authenticated, opens| Case { name, resume, authenticated, opens };
    let cases = [
        case("after the lock", Resume::Login, Some(1), true),
        case("at the lock", Resume::Login, Some(0), false),
        case("before the lock", Resume::Login, Some(-1), false),
        case("nobody knows when", Resume::Login, None, false),
        case("before the lock, and that is enough", Resume::Sso, Some(-900_000), true),
        case("nobody knows when, and that is enough", Resume::Sso, None, true),
    ];
    for Case { name, resume, authenticated, opens } in cases {
        let directory = tempfile::tempdir().unwrap();
        let settings = SessionSettings { times: Times { resume, ..private().times }, ..private() };
        let sessions = locking(&directory.path().join("store.db"), &settings, start());
        let (session, token) = sessions.create(sign_in("nurse"), start()).await.unwrap();
        let now = start().plus(HOUR);
        let since = locked(sessions.current(session.id, None, now)).since;
        let moment = |millis| Timestamp::from_millis(since.as_millis() + millis);
        let renewal = Renewal { authenticated: authenticated.map(moment), ..back("nurse", now) };
        let unlocked = sessions.rotate(session.id, renewal, None, now).await;
        assert_eq!(unlocked.is_ok(), opens, "{name}: {unlocked:?}");
        let before = sessions.find(&sessions.desk(), token.reveal(), HOST, None, now);
        if opens {
            assert!(matches!(before, Found::None), "{name}: the old token is nothing any more");
        } else {
            assert!(matches!(unlocked, Err(SessionError::NotAnew)), "{name}");
            locked(before);
        }
    }
}

#[tokio::test]
async fn nobody_else_unlocks_and_what_was_ended_meanwhile_stays_ended() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = locking(&path, &private(), start());
    let (session, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let now = start().plus(HOUR);
    let others = sessions.rotate(session.id, back("registrar", now), None, now).await;
    assert!(matches!(others, Err(SessionError::OtherPerson)), "{others:?}");
    locked(sessions.current(session.id, None, now));

    // A sign-out of the person that came while they were at the provider, before or beside their way back.
    let begun = now.minus(MINUTE);
    let (unlocked, ended) = tokio::join!(
        sessions.rotate(session.id, Renewal { begun, ..back("nurse", now) }, None, now),
        end(&sessions, Target::Person(session.subject.id()), now),
    );
    assert!(matches!(unlocked, Err(SessionError::Gone)), "{unlocked:?}");
    assert_eq!(ended, [session.id], "a locked session stands until then");
    assert!(matches!(sessions.current(session.id, None, now), Found::Ended));
    drop(sessions);
    assert!(locking(&path, &private(), now).is_empty());
}

#[tokio::test]
async fn two_who_unlock_at_once_have_one_session() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = locking(&directory.path().join("store.db"), &private(), start());
    let (session, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let now = start().plus(HOUR);
    let come_back = || sessions.rotate(session.id, back("nurse", now), None, now);
    let (one, other) = tokio::join!(come_back(), come_back());
    let (one, other) = (one.unwrap(), other.unwrap());
    assert_eq!((one.0.id, other.0.id, sessions.len()), (session.id, session.id, 1));
    let at = |token: &SessionToken| sessions.find(&sessions.desk(), token.reveal(), HOST, None, now);
    assert!(matches!(at(&one.1), Found::None));
    found(at(&other.1));
}

#[tokio::test]
async fn a_lock_survives_a_restart_and_is_listed_swept_and_counted() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let token = {
        let sessions = locking(&path, &private(), start());
        sessions.create(sign_in("nurse"), start()).await.unwrap().1
    };
    let now = start().plus(HOUR);
    let sessions = locking(&path, &private(), now);
    let met = locked(sessions.find(&sessions.desk(), token.reveal(), HOST, None, now));
    assert_eq!(met.since, start().plus(15 * MINUTE));
    let listed = sessions.list(10, now);
    assert_eq!(listed.iter().map(|one| (one.id, one.locked)).collect::<Vec<_>>(), [(met.session.id, true)]);
    assert_eq!(sessions.list_theirs(&met.session.subject.id(), now).len(), 1);
    assert_eq!(sessions.whose(token.reveal(), HOST), Some(met.session.subject.id()));
    let sweep_all = async |now| {
        for _ in 0..64 {
            sessions.maintain(now).await.unwrap();
        }
    };
    sweep_all(start().plus(4 * HOUR).minus(MINUTE)).await;
    assert_eq!(sessions.len(), 1, "a locked session is not forgotten");
    sweep_all(start().plus(4 * HOUR)).await;
    assert!(sessions.list(10, now).is_empty());
    sweep_all(start().plus(5 * HOUR).plus(MINUTE)).await;
    assert!(sessions.is_empty());
}

#[tokio::test]
async fn whoever_deletes_the_cookie_does_not_get_around_the_lock() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = locking(&directory.path().join("store.db"), &private(), start());
    sessions.create(sign_in("nurse"), start()).await.unwrap();
    let now = start().plus(HOUR);
    // The provider's session of that browser is still there, and nobody has authenticated.
    let without_cookie = sessions.create(sign_in("nurse"), now).await;
    assert!(matches!(without_cookie, Err(SessionError::NotAnew)), "{without_cookie:?}");
    let elsewhere = NewSession { host: "console.clinic.example".into(), ..sign_in("nurse") };
    assert!(sessions.create(elsewhere, now).await.is_ok(), "another host has locks of its own");
    let other_browser = NewSession { provider_sid: Some("another sid".into()), ..sign_in("nurse") };
    assert!(sessions.create(other_browser, now).await.is_ok(), "so has another browser");
    let anew = NewSession { authenticated: Some(now), ..sign_in("nurse") };
    assert!(sessions.create(anew, now).await.is_ok());
}

#[tokio::test]
async fn of_the_class_at_sign_in_and_the_class_now_the_stricter_holds() {
    let directory = tempfile::tempdir().unwrap();
    let times = |lock: u32, idle: u32, absolute: u32, resume| Times {
        lock: lock * MINUTE,
        idle: idle * MINUTE,
        absolute: absolute * MINUTE,
        resume,
    };
    let settings = SessionSettings {
        times: times(15, 240, 720, Resume::Login),
        devices: BTreeMap::from([
            (class("ward"), times(60, 300, 720, Resume::Sso)),
            (class("shared"), times(5, 30, 480, Resume::Login)),
            (class("kiosk"), times(2, 2, 60, Resume::Login)),
        ]),
        ..private()
    };
    let sessions = locking(&directory.path().join("store.db"), &settings, start());
    let on =
        |name: Option<&str>| NewSession { device: name.map(class), provider_sid: None, ..sign_in("nurse") };
    let (ward, shared, kiosk) = (class("ward"), class("shared"), class("kiosk"));
    let minutes = |count: u32| start().plus(count * MINUTE);

    let (on_ward, _) = sessions.create(on(Some("ward")), start()).await.unwrap();
    found(sessions.current(on_ward.id, Some(&ward), minutes(59)));
    let at_rest = sessions.list(10, minutes(59));
    assert!(at_rest.iter().all(|one| !one.locked), "nobody looks from elsewhere: {at_rest:?}");
    assert!(sessions.set_purpose(on_ward.id, Purpose::Payment, minutes(59)).await.is_ok());
    let from_none = locked(sessions.current(on_ward.id, None, minutes(59)));
    assert_eq!(
        (from_none.since, from_none.resume),
        (minutes(15), Resume::Login),
        "the cookie was carried off"
    );

    let (on_shared, _) = sessions.create(on(Some("shared")), start()).await.unwrap();
    let carried = locked(sessions.current(on_shared.id, Some(&ward), minutes(6)));
    assert_eq!((carried.since, carried.resume), (minutes(5), Resume::Login), "and gains nothing on a ward");
    assert_eq!(on_shared.absolute_end, minutes(480));

    let (on_none, _) = sessions.create(on(None), start()).await.unwrap();
    locked(sessions.current(on_none.id, Some(&shared), minutes(6)));
    let (at_kiosk, _) = sessions.create(on(Some("kiosk")), start()).await.unwrap();
    assert!(
        matches!(sessions.current(at_kiosk.id, Some(&kiosk), minutes(2)), Found::Expired),
        "no lock there"
    );
    let (at_kiosk, _) = sessions.create(on(Some("kiosk")), minutes(59)).await.unwrap();
    assert_eq!(at_kiosk.device, Some(kiosk.clone()));
    assert_eq!(sessions.ends(&at_kiosk, None).absolute, minutes(119));
    // A class that a reload has taken away is none.
    sessions.apply(&private());
    assert_eq!(sessions.ends(&at_kiosk, Some(&kiosk)).lock, Some(minutes(74)));
}

#[tokio::test]
async fn the_class_is_kept_with_the_session() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let id = {
        let sessions = locking(&path, &private(), start());
        let new = NewSession { device: Some(class("ward")), ..sign_in("nurse") };
        sessions.create(new, start()).await.unwrap().0.id
    };
    let sessions = locking(&path, &private(), start());
    assert_eq!(found(sessions.current(id, None, start())).device, Some(class("ward")));
    assert_eq!(sessions.list(1, start())[0].device, Some(class("ward")));
}

#[tokio::test]
async fn all_sessions_of_a_person_end_but_the_one_at_which_they_are() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = locking(&directory.path().join("store.db"), &private(), start());
    let (this, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (other, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (of_another, _) = sessions.create(sign_in("registrar"), start()).await.unwrap();
    let later = start().plus(MINUTE);
    let target = Target::Others(Others { person: this.subject.id(), but: this.id });
    assert_eq!(end(&sessions, target, later).await, [other.id]);
    assert!(this.is_live() && of_another.is_live());
    // A sign-in that was under way elsewhere ends with them; a step-up of this one goes on.
    assert!(matches!(sessions.create(sign_in("nurse"), later).await, Err(SessionError::Gone)));
    let step_up = renewal("nurse", proving("mfa", start()));
    assert!(sessions.rotate(this.id, step_up, None, later).await.is_ok());
}

#[tokio::test]
async fn of_tabs_that_come_back_at_once_the_first_alone_changes_the_cookie() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let (before, _) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    let back = || {
        let renewal = renewal("nurse", Assurance { auth_time: start(), ..Assurance::default() });
        sessions.rotate(before.id, Renewal { under: Some(before.clone()), ..renewal }, None, start())
    };
    let (first, token) = back().await.unwrap();
    let Err(SessionError::Renewed(second)) = back().await else { panic!("it has changed twice") };
    assert_eq!((first.id, second.id), (before.id, before.id));
    found(sessions.find(&sessions.desk(), token.reveal(), HOST, None, start()));
}
