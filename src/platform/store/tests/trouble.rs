//! A server that is killed, or does not answer, while nodes use it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::super::{Place, StoreError};
use super::postgres::{keys, telling};
use super::server::Server;
use super::*;

/// Waits until `holds`.
async fn until(what: &str, holds: impl Fn() -> bool) {
    let deadline = Instant::now() + Duration::from_secs(30);
    while !holds() {
        assert!(Instant::now() < deadline, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn place(server: &Server, node: &str, lease: Duration) -> Place {
    let mut settings = server.settings("postgres", node);
    settings.lease = lease;
    Place::Server(Box::new(settings))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_killed_takes_nothing_that_was_answered_and_is_found_again() {
    const LEASE: Duration = Duration::from_secs(2);
    let Some(server) = Server::start() else { return };
    let [a, b] = ["a", "b"].map(|node| Store::start(&place(&server, node, LEASE), &[NOTES]).unwrap());
    let mut heard = b.changes();
    let listening = tokio::spawn(async move { (keys(&mut heard).await, heard) });
    until("touch is held while the server is there", || b.is_in_touch()).await;

    let stop = Arc::new(AtomicBool::new(false));
    let writers: Vec<_> = (0..4)
        .map(|writer| {
            let (a, stop) = (a.clone(), stop.clone());
            tokio::spawn(async move {
                let mut answered = Vec::new();
                for number in (0_i64..).take_while(|_| !stop.load(Ordering::Relaxed)) {
                    let id = writer * 1_000_000 + number;
                    match a.write_telling(vec![insert(id, "text")], telling(id.to_string())).await {
                        Ok(changed) => {
                            assert_eq!(changed, [1]);
                            answered.push(id);
                        }
                        Err(StoreError::Away { .. }) => tokio::time::sleep(Duration::from_millis(10)).await,
                        Err(other) => panic!("{other:?}"),
                    }
                }
                answered
            })
        })
        .collect();
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(300)).await;
        tokio::task::block_in_place(|| server.kill());
        let killed = Instant::now();
        let error = until_refused(&a).await;
        assert!(error.to_string().starts_with("the store cannot be reached: "), "{error}");
        until("touch is lost", || !b.is_in_touch()).await;
        assert!(killed.elapsed() < LEASE + Duration::from_millis(500), "{:?}", killed.elapsed());
        tokio::task::block_in_place(|| server.resume());
        until("touch is regained", || b.is_in_touch()).await;
    }
    tokio::time::sleep(Duration::from_millis(300)).await;
    stop.store(true, Ordering::Relaxed);
    let mut answered = BTreeSet::new();
    for writer in writers {
        answered.extend(writer.await.unwrap());
    }
    let end = async {
        // Whoever has asked last while it was away may be told so once more.
        while let Err(error) = a.write_telling(Vec::new(), telling("end")).await {
            assert!(matches!(error, StoreError::Away { .. }), "{error:?}");
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    tokio::time::timeout(LEASE, end).await.unwrap();
    let (told, _heard) = listening.await.unwrap();
    let told_once: BTreeSet<i64> = told.iter().map(|key| key.parse().unwrap()).collect();
    assert_eq!(told_once.len(), told.len(), "none is told twice");
    let rows = b.read(&Statement::new("SELECT id FROM note ORDER BY id")).unwrap();
    let there: BTreeSet<i64> = rows.iter().map(|row| row.integer(0).unwrap()).collect();
    assert!(answered.is_subset(&there), "what was answered stands");
    assert_eq!(told_once, there, "whatever stands was told");
    assert!(answered.len() > 10, "{}", answered.len());
}

/// The first error of a write that changes nothing.
async fn until_refused(store: &Store) -> StoreError {
    loop {
        match store.write(vec![Statement::new("DELETE FROM note WHERE id = $1").with(-1)]).await {
            Ok(_) => tokio::time::sleep(Duration::from_millis(5)).await,
            Err(error) => return error,
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn while_nobody_acts_on_changes_there_is_no_touch() {
    let Some(server) = Server::start() else { return };
    let store = Store::start(&place(&server, "a", Duration::from_secs(1)), &[NOTES]).unwrap();
    assert!(store.is_in_touch(), "what it reads at its start is all there is");
    until("the lease ends", || !store.is_in_touch()).await;
    let mut heard = store.changes();
    let listening = tokio::spawn(async move { heard.next().await });
    until("touch comes with whoever acts", || store.is_in_touch()).await;
    listening.abort();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_node_that_hangs_while_it_writes_holds_the_others_up_for_a_moment_only() {
    let Some(server) = Server::start() else { return };
    let store = Store::start(&place(&server, "a", Duration::from_secs(3)), &[NOTES]).unwrap();
    let mut hanging = tokio_postgres::Config::new();
    hanging.host_path(server.folder()).user("leastway").dbname("postgres");
    hanging.options("-c idle_in_transaction_session_timeout=3000");
    let (client, connection) = hanging.connect(tokio_postgres::NoTls).await.unwrap();
    tokio::spawn(async move { drop(connection.await) });
    client.batch_execute(super::super::postgres::BEGIN).await.unwrap();
    let began = Instant::now();
    assert_eq!(store.write(vec![insert(1, "one")]).await.unwrap(), [1]);
    assert!(began.elapsed() > Duration::from_secs(1), "it did wait for the lock");
}
