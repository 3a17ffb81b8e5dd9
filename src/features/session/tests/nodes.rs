//! Sessions of nodes that share a store, one of which may not have heard yet.

use futures_util::FutureExt as _;

use super::*;
use crate::platform::store::{Changes, Statement};

struct Node {
    sessions: Sessions,
    changes: Changes,
    store: Store,
}

impl Node {
    fn pair(folder: &Path, settings: &SessionSettings) -> [Self; 2] {
        let mut seed = 0;
        Store::pair(&folder.join("store.db"), &[MIGRATIONS, PROGRAM_MIGRATIONS]).unwrap().map(|store| {
            seed += 1;
            let entropy = Arc::new(SeededEntropy::new(seed));
            let changes = store.changes();
            let limits = SessionLimits::default();
            let sessions = Sessions::load(store.clone(), settings, limits, entropy, start()).unwrap();
            Self { sessions, changes, store }
        })
    }

    /// Does what the other node has told by now; gives what is gone by it.
    async fn hear(&mut self, now: Timestamp) -> Vec<SessionId> {
        let mut gone = Vec::new();
        while let Some(told) = self.changes.next().now_or_never() {
            let some = self.sessions.heed(&told.part, &told.key, now).await.unwrap();
            gone.extend(some.iter().map(|session| session.id));
        }
        gone
    }

    fn find(&self, token: &SessionToken, now: Timestamp) -> Found {
        self.sessions.find(&self.sessions.desk(), token.reveal(), HOST, None, now)
    }

    fn rows(&self) -> usize {
        self.store.read(&Statement::new("SELECT id FROM session")).unwrap().len()
    }
}

fn reason() -> Justification {
    let application = "ehr".parse().unwrap();
    let (number, recipient) = (None, None);
    Justification {
        code: "covering".to_owned(),
        text: String::new(),
        number,
        recipient,
        application,
        given: start(),
    }
}

#[tokio::test]
async fn a_cookie_that_comes_sooner_than_word_of_it_is_looked_up_and_what_is_none_is_asked_for_once() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = Node::pair(folder.path(), &settings());
    let (session, token) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    assert!(matches!(b.find(&token, start()), Found::None));
    assert!(b.sessions.is_new_here(token.reveal(), start()));
    b.sessions.look_up(token.reveal(), start()).await.unwrap();
    assert_eq!(found(b.find(&token, start())).id, session.id);
    assert!(!b.sessions.is_new_here(token.reveal(), start()));

    let made_up = "x".repeat(43);
    assert!(b.sessions.is_new_here(&made_up, start()));
    b.sessions.look_up(&made_up, start()).await.unwrap();
    assert!(!b.sessions.is_new_here(&made_up, start()));
    assert!(!b.sessions.is_new_here("no token at all", start()));
}

#[tokio::test]
async fn of_two_changes_at_once_neither_is_lost() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = Node::pair(folder.path(), &settings());
    let (session, token) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    a.sessions.set_purpose(session.id, Purpose::Operations, start()).await.unwrap();
    // The other one has not heard of it.
    assert_eq!(found(b.find(&token, start())).purpose, Purpose::Treatment);
    let after = b.sessions.justify(session.id, reason(), start()).await.unwrap();
    assert_eq!((after.purpose, after.justifications.len()), (Purpose::Operations, 1));
}

#[tokio::test]
async fn what_was_ended_at_one_node_comes_back_by_no_change_at_another() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = Node::pair(folder.path(), &settings());
    let (session, token) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    end(&a.sessions, Target::Session(session.id), start()).await;
    // Not heard of yet, and all the same.
    let renewed = b.sessions.rotate(session.id, renewal("nurse", proving("mfa", start())), None, start());
    assert!(matches!(renewed.await, Err(SessionError::Gone)));
    assert!(matches!(b.find(&token, start()), Found::Ended));
    assert_eq!(b.rows(), 0);
    b.hear(start()).await;
    assert!(matches!(b.find(&token, start()), Found::Ended));
}

#[tokio::test]
async fn a_renewed_session_has_one_cookie_at_every_node() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = Node::pair(folder.path(), &settings());
    let (session, old) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    let seen_before = found(b.find(&old, start()));
    let proof = renewal("nurse", proving("mfa", start()));
    let (_, new) = a.sessions.rotate(session.id, proof, None, start()).await.unwrap();
    assert!(b.hear(start()).await.is_empty());
    assert!(!seen_before.is_live(), "nor on any desk");
    assert!(matches!(b.find(&old, start()), Found::None));
    let there = found(b.find(&new, start()));
    assert!(there.assurance.proven.contains_key(&"mfa".parse().unwrap()));
}

#[tokio::test]
async fn nobody_is_locked_here_who_is_at_work_elsewhere_and_a_lock_is_one_everywhere() {
    let folder = tempfile::tempdir().unwrap();
    let [mut a, mut b] = Node::pair(folder.path(), &with(15 * MINUTE, 240 * MINUTE));
    let (_, token) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    let later = start().plus(14 * MINUTE);
    a.sessions.touch(&found(a.find(&token, later)), later);
    a.sessions.maintain(later).await.unwrap();
    b.hear(later).await;
    assert!(matches!(b.find(&token, start().plus(20 * MINUTE)), Found::Session(_)));

    let idle = later.plus(16 * MINUTE);
    assert!(matches!(b.find(&token, idle), Found::Locked(_)));
    b.sessions.maintain(idle).await.unwrap();
    a.hear(idle).await;
    // By the word of the other one: by this clock nothing is due yet.
    assert!(matches!(a.find(&token, later), Found::Locked(_)));
    let locked = a.store.read(&Statement::new("SELECT locked FROM session")).unwrap();
    assert_eq!(locked[0].integer(0).unwrap(), later.plus(15 * MINUTE).as_millis());
}

#[tokio::test]
async fn what_has_expired_at_one_node_is_over_at_the_other_and_no_change_brings_it_back() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = Node::pair(folder.path(), &settings());
    let (session, token) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    let late = start().plus(16 * MINUTE);
    assert!(matches!(a.find(&token, late), Found::Expired));
    // By the clock of the other one, which is behind, nothing is due yet.
    assert!(matches!(b.find(&token, start()), Found::Session(_)));
    a.sessions.maintain(late).await.unwrap();
    let chosen = b.sessions.set_purpose(session.id, Purpose::Operations, start()).await;
    assert!(matches!(chosen, Err(SessionError::Gone)), "not heard of yet, and all the same");
    assert!(matches!(b.find(&token, start()), Found::Expired));
    b.hear(start()).await;
    assert!(matches!(b.find(&token, start()), Found::Expired));
}

#[tokio::test]
async fn what_a_node_has_missed_of_locks_and_ends_it_reads_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [mut a, b] = Node::pair(folder.path(), &with(15 * MINUTE, 30 * MINUTE));
    let (_, locked) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    let (_, expired) = a.sessions.create(sign_in("doctor"), start()).await.unwrap();
    let (_, changed) = a.sessions.create(sign_in("analyst"), start()).await.unwrap();
    b.sessions.reload(start()).await.unwrap();
    let late = start().plus(16 * MINUTE);
    assert!(matches!(a.find(&locked, late), Found::Locked(_)));
    assert!(matches!(a.find(&expired, start().plus(31 * MINUTE)), Found::Expired));
    // This one is changed at the other node before it is written down as over.
    let of_it = found(b.find(&changed, start())).id;
    assert!(matches!(a.find(&changed, start().plus(31 * MINUTE)), Found::Expired));
    b.sessions.set_purpose(of_it, Purpose::Operations, start()).await.unwrap();
    a.sessions.maintain(late).await.unwrap();
    b.sessions.reload(start()).await.unwrap();
    assert!(matches!(b.find(&locked, start()), Found::Locked(_)));
    assert!(matches!(b.find(&expired, start()), Found::Expired));
    assert!(matches!(b.find(&changed, start()), Found::Session(_)));
    a.hear(start()).await;
    assert!(matches!(a.find(&changed, start()), Found::Session(_)), "its person was at work there");
}

#[tokio::test]
async fn who_was_missed_is_found_gone_when_everything_is_read_anew() {
    let folder = tempfile::tempdir().unwrap();
    let [a, mut b] = Node::pair(folder.path(), &settings());
    let (gone, _) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    b.hear(start()).await;
    let (missed, token) = a.sessions.create(sign_in("doctor"), start()).await.unwrap();
    end(&a.sessions, Target::Session(gone.id), start()).await;
    let ended = b.sessions.reload(start()).await.unwrap();
    assert_eq!(ended.iter().map(|session| session.id).collect::<Vec<_>>(), [gone.id]);
    assert_eq!(found(b.find(&token, start())).id, missed.id);
    assert!(b.sessions.reload(start()).await.unwrap().is_empty());
}

#[tokio::test]
async fn a_proof_of_a_device_is_taken_by_one_node() {
    let folder = tempfile::tempdir().unwrap();
    let [a, b] = Node::pair(folder.path(), &settings());
    let (session, _) = a.sessions.create(sign_in("nurse"), start()).await.unwrap();
    let asked = device_key::DeviceProofMoment(start());
    assert!(a.sessions.is_first_proof(session.id, asked).await.unwrap());
    assert!(!b.sessions.is_first_proof(session.id, asked).await.unwrap());
    let said = async |node: &Node| node.sessions.agree().await.unwrap().digest(&[b"a word"]);
    assert_eq!(said(&a).await, said(&b).await);
}
