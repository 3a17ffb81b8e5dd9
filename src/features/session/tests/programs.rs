//! Programs: a token is found once it was admitted, as long as it lasts; and what was ended stays so.

use super::*;
use crate::foundation::digest::Digest;

const TOKEN: &str = "header.claims.signature";
const HOUR: Duration = Duration::from_secs(60 * 60);

fn token_of(sub: &str, issued: Timestamp) -> NewProgram {
    NewProgram {
        host: HOST.into(),
        provider: "clinic".parse().unwrap(),
        subject: subject(sub),
        purpose: Purpose::Operations,
        client: "billing".parse().unwrap(),
        client_id: sub.into(),
        id: Digest::of(format!("{sub} {issued}").as_bytes()),
        audiences: vec!["urn:ehr".to_owned()],
        holder: None,
        issued,
        ends: issued.plus(HOUR),
        asked: None,
    }
}

fn is_known(sessions: &Sessions, token: &str, now: Timestamp) -> Found {
    sessions.find_program(&sessions.desk(), token, now)
}

#[tokio::test]
async fn a_token_is_found_as_long_as_it_lasts_and_no_cookie_is_one() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    assert!(matches!(is_known(&sessions, TOKEN, start()), Found::None));
    let session = sessions.admit(TOKEN, token_of("billing", start()), start()).unwrap();
    // A program is idle as it likes, longer than people may.
    let late = start().plus(59 * MINUTE);
    assert_eq!(found(is_known(&sessions, TOKEN, late)).id, session.id);
    assert!(matches!(sessions.find(&sessions.desk(), TOKEN, HOST, None, late), Found::None));
    let (_, cookie) = sessions.create(sign_in("nurse"), start()).await.unwrap();
    assert!(matches!(is_known(&sessions, cookie.reveal(), start()), Found::None));
    let listed = sessions.list_of("billing", 10, start());
    assert_eq!(listed[0].client.as_ref().unwrap().as_str(), "billing");
    sessions.touch(&session, late);
    sessions.maintain(late).await.unwrap();
    assert!(matches!(is_known(&sessions, TOKEN, start().plus(HOUR)), Found::Expired));
    drop(sessions);
    let sessions = open(&path, late);
    assert_eq!(sessions.len(), 1, "a token is not stored");
}

#[tokio::test]
async fn a_token_that_was_ended_is_refused_as_long_as_it_would_be_good_also_after_a_restart() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let session = sessions.admit(TOKEN, token_of("billing", start()), start()).unwrap();
    let another = NewProgram { id: Digest::of(b"another"), ..token_of("billing", start()) };
    let other = sessions.admit("another", another, start()).unwrap();
    let desk = sessions.desk();
    found(sessions.find_program(&desk, TOKEN, start()));
    assert_eq!(end(&sessions, Target::Session(session.id), start()).await, [session.id]);
    assert!(other.is_live());
    let last = start().plus(59 * MINUTE);
    for now in [start(), last] {
        assert!(matches!(sessions.find_program(&desk, TOKEN, now), Found::Ended));
    }
    // Neither does it come back in another spelling.
    let respelled = sessions.admit("header.claims.other", token_of("billing", start()), start());
    assert!(matches!(respelled, Err(SessionError::Gone)), "{respelled:?}");
    assert!(other.is_live());
    // The sweep does not forget it before its time.
    for _ in 0..64 {
        sessions.maintain(last).await.unwrap();
    }
    assert!(matches!(is_known(&sessions, TOKEN, last), Found::Ended));
    drop(sessions);
    let sessions = open(&path, last);
    assert!(matches!(is_known(&sessions, TOKEN, last), Found::Ended));
    assert!(matches!(is_known(&sessions, "another", last), Found::None));
    drop(sessions);
    let sessions = open(&path, start().plus(25 * HOUR));
    assert!(
        matches!(is_known(&sessions, TOKEN, start().plus(25 * HOUR)), Found::None),
        "no token is good for so long"
    );
}

#[tokio::test]
async fn of_a_program_that_was_ended_no_token_is_taken_that_was_issued_before() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store.db");
    let sessions = open(&path, start());
    let session = sessions.admit(TOKEN, token_of("billing", start()), start()).unwrap();
    let later = start().plus(20 * MINUTE);
    assert_eq!(end(&sessions, Target::Person(session.subject.id()), later).await, [session.id]);
    let afterwards = later.plus(30 * MINUTE);
    let admit = |sessions: &Sessions, token, sub, issued| {
        sessions.admit(token, token_of(sub, issued), afterwards).map(|session| session.is_live())
    };
    for _ in 0..2 {
        let refused = admit(&sessions, "unseen", "billing", start().plus(MINUTE));
        assert!(matches!(refused, Err(SessionError::Gone)), "{refused:?}");
        assert!(matches!(is_known(&sessions, "unseen", afterwards), Found::Ended));
    }
    assert!(admit(&sessions, "of another", "lab", start().plus(MINUTE)).unwrap());
    drop(sessions);
    let sessions = open(&path, afterwards);
    assert!(matches!(admit(&sessions, "unseen too", "billing", later), Err(SessionError::Gone)));
    let newer = later.plus(Duration::from_millis(1));
    assert!(admit(&sessions, "new", "billing", newer).unwrap());
}

#[tokio::test]
async fn what_lasts_is_asked_about_again_by_one_at_a_time() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let secret = Secret::new(TOKEN.to_owned());
    let new = NewProgram { asked: Some((start().plus(MINUTE), secret)), ..token_of("billing", start()) };
    let session = sessions.admit(TOKEN, new, start()).unwrap();
    let program = session.program.as_ref().unwrap();
    let after = |seconds| start().plus(Duration::from_secs(seconds));
    assert!(!program.is_due(after(59)) && program.is_due(after(60)));
    assert!(program.begin_asking() && !program.begin_asking());
    program.was_asked();
    assert!(program.begin_asking());
    assert!(!program.is_forsaken(after(69)) && program.is_forsaken(after(70)));
    program.counts_until(after(120));
    assert!(!program.is_due(after(119)) && !program.is_forsaken(after(119)));
    assert!(!format!("{session:?}").contains("signature"));
    let proven = sessions.admit("jwt", token_of("billing", start()), start()).unwrap();
    assert!(!proven.program.as_ref().unwrap().is_due(after(3600)));
}

#[tokio::test]
async fn a_program_s_session_cannot_be_changed_as_a_person_s_can() {
    let directory = tempfile::tempdir().unwrap();
    let sessions = open(&directory.path().join("store.db"), start());
    let session = sessions.admit(TOKEN, token_of("billing", start()), start()).unwrap();
    let changed = sessions.set_purpose(session.id, Purpose::Treatment, start()).await;
    assert!(matches!(changed, Err(SessionError::Gone)), "{changed:?}");
    let stepped_up =
        sessions.rotate(session.id, renewal("billing", Assurance::default()), None, start()).await;
    assert!(matches!(stepped_up, Err(SessionError::Gone)));
    assert!(session.is_live());
}

#[tokio::test]
async fn beyond_as_many_as_there_may_be_the_first_is_forgotten_but_none_that_was_ended() {
    let directory = tempfile::tempdir().unwrap();
    let limits = SessionLimits { of_programs: 2, ..SessionLimits::default() };
    let sessions = limited(&directory.path().join("store.db"), limits, start());
    let admit = |token: &str| {
        let new = NewProgram { id: Digest::of(token.as_bytes()), ..token_of("billing", start()) };
        sessions.admit(token, new, start())
    };
    let (desk, first) = (sessions.desk(), admit("first").unwrap());
    found(sessions.find_program(&desk, "first", start()));
    end(&sessions, Target::Session(admit("second").unwrap().id), start()).await;
    admit("third").unwrap();
    assert!(matches!(sessions.find_program(&desk, "first", start()), Found::None) && !first.is_live());
    assert!(matches!(sessions.find_program(&desk, "second", start()), Found::Ended));
    found(sessions.find_program(&desk, "third", start()));
    end(&sessions, Target::Person(first.subject.id()), start()).await;
    let newer = token_of("billing", start().plus(MINUTE));
    assert!(sessions.admit("fourth", newer, start()).is_ok(), "what was ended keeps no place");
    assert!(matches!(sessions.find_program(&desk, "second", start()), Found::Ended));
    assert!(matches!(sessions.find_program(&desk, "third", start()), Found::Ended));
}
