//! What only PostgreSQL has: several nodes, a server to be signed in at, and what is seen of it without changing it.

use std::sync::Arc;
use std::time::Duration;

use super::super::{Change, Changes, Condition, Place, ServerSettings, StoreError, Told, examine_server};
use super::server::{self, Server};
use super::*;
use crate::foundation::clock::SystemClock;
use crate::foundation::secret::Secret;
use crate::platform::tls::client::Trust;

fn settings(place: &Place) -> &ServerSettings {
    match place {
        Place::Server(settings) => settings,
        Place::File(_) => panic!("not a server"),
    }
}

/// The keys that a node is told, up to the one that says that these were all.
pub(super) async fn keys(changes: &mut Changes) -> Vec<String> {
    let mut keys = Vec::new();
    loop {
        let Told { key, .. } = tokio::time::timeout(Duration::from_secs(30), changes.next()).await.unwrap();
        if key == "end" {
            return keys;
        }
        keys.push(key);
    }
}

pub(super) fn telling(key: impl Into<String>) -> Vec<Change> {
    vec![Change::new("note", key)]
}

#[test]
fn nodes_that_start_together_make_the_schema_once() {
    let Some(place) = server::database() else { return };
    let stores = std::thread::scope(|scope| {
        let starts: Vec<_> = (0..6).map(|_| scope.spawn(|| Store::start(&place, &[NEWER_NOTES]))).collect();
        starts.into_iter().map(|start| start.join().unwrap()).collect::<Vec<_>>()
    });
    assert!(stores.iter().all(Result::is_ok), "{stores:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn each_node_hears_what_the_others_change_in_one_order() {
    const NODES: usize = 8;
    const EACH: usize = 60;
    let Some(place) = server::database() else { return };
    let nodes: Vec<Store> = (0..NODES).map(|_| Store::start(&place, &[NOTES]).unwrap()).collect();
    let listener = Store::start(&place, &[NOTES]).unwrap();
    let mut changes: Vec<Changes> = nodes.iter().map(Store::changes).collect();
    let mut heard = listener.changes();
    let writers = nodes.iter().enumerate().map(|(node, store)| async move {
        for number in 0..EACH {
            let id = i64::try_from(node * EACH + number).unwrap();
            let written =
                store.write_telling(vec![insert(id, "text")], telling(format!("{node}/{number}"))).await;
            assert_eq!(written.unwrap(), [1], "changes are not counted");
        }
    });
    futures_util::future::join_all(writers).await;
    listener.write_telling(Vec::new(), telling("end")).await.unwrap();
    nodes[0].write_telling(Vec::new(), telling("end")).await.unwrap();

    let all = keys(&mut heard).await;
    assert_eq!(all.len(), NODES * EACH, "none is missed, and none comes twice");
    for (node, changes) in changes.iter_mut().enumerate() {
        let own = format!("{node}/");
        let others: Vec<_> = all.iter().filter(|key| !key.starts_with(&own)).cloned().collect();
        assert_eq!(keys(changes).await, others, "node {node} hears the others, in the order that all hear");
    }
}

#[tokio::test]
async fn what_was_not_written_is_not_told() {
    let Some(place) = server::database() else { return };
    let (a, b) = (Store::start(&place, &[NOTES]).unwrap(), Store::start(&place, &[NOTES]).unwrap());
    let mut heard = b.changes();
    let (first, second, third) = tokio::join!(
        a.write_telling(vec![insert(1, "one")], telling("first")),
        a.write_telling(vec![insert(1, "again")], telling("second")),
        a.write_telling(vec![insert(3, "three")], telling("third")),
    );
    assert!(first.is_ok() && second.is_err() && third.is_ok());
    a.write_telling(Vec::new(), telling("end")).await.unwrap();
    assert_eq!(keys(&mut heard).await, ["first", "third"]);
    assert!(a.is_shared() && a.standing().behind == 0);
}

#[tokio::test]
async fn what_was_changed_before_the_listener_came_waits_for_it() {
    let Some(place) = server::database() else { return };
    let (a, b) = (Store::start(&place, &[NOTES]).unwrap(), Store::start(&place, &[NOTES]).unwrap());
    a.write_telling(vec![insert(1, "one")], telling("before")).await.unwrap();
    let mut heard = b.changes();
    a.write_telling(Vec::new(), telling("end")).await.unwrap();
    assert_eq!(keys(&mut heard).await, ["before"]);
    let late = Store::start(&place, &[NOTES]).unwrap();
    let mut heard = late.changes();
    a.write_telling(Vec::new(), telling("end")).await.unwrap();
    assert_eq!(keys(&mut heard).await, Vec::<String>::new(), "what it found when it was opened is not news");
}

#[tokio::test]
async fn who_has_missed_something_is_told_to_read_everything() {
    let Some(server) = Server::start() else { return };
    let place = server.database();
    let (a, b) = (Store::start(&place, &[NOTES]).unwrap(), Store::start(&place, &[NOTES]).unwrap());
    let mut heard = b.changes();
    a.write_telling(Vec::new(), telling("end")).await.unwrap();
    assert_eq!(keys(&mut heard).await, Vec::<String>::new());
    // As after a restore: what b has read last is not there any more.
    server.sql(&settings(&place).database, "DELETE FROM change");
    let told = tokio::time::timeout(Duration::from_secs(10), heard.next()).await.unwrap();
    assert_eq!(told, Told { part: Told::EVERYTHING.to_owned(), key: String::new() });
    a.write_telling(Vec::new(), telling("end")).await.unwrap();
    assert_eq!(keys(&mut heard).await, Vec::<String>::new(), "and then goes on");
}

#[tokio::test]
async fn who_only_looks_is_told_how_the_database_stands() {
    let Some(server) = Server::start() else { return };
    let place = server.database();
    let at = settings(&place);
    let look = async |parts: &'static [Migrations]| examine_server(at, parts, &SystemClock).await;
    let empty = look(&[NOTES]).await.unwrap();
    assert_eq!((empty.condition, empty.may_write, empty.is_encrypted), (Condition::Older, true, false));
    assert!(!empty.is_durable, "a server of the tests does not sync");
    assert!(empty.clock_ahead.abs() < 1_000, "{empty:?}");
    assert_eq!(server.sql(&at.database, "SELECT count(*) FROM pg_tables WHERE schemaname = 'public'"), "0");
    drop(Store::start(&place, &[NOTES]).unwrap());
    assert_eq!(look(&[NOTES]).await.unwrap().condition, Condition::UpToDate);
    assert_eq!(look(&[NEWER_NOTES]).await.unwrap().condition, Condition::Older);
    drop(Store::start(&place, &[NEWER_NOTES]).unwrap());
    assert!(matches!(look(&[NOTES]).await, Err(StoreError::Newer { found: 2, known: 1, .. })));

    server
        .sql(&at.database, "CREATE ROLE reader LOGIN; GRANT SELECT ON ALL TABLES IN SCHEMA public TO reader");
    let lesser = ServerSettings { user: "reader".to_owned(), ..at.clone() };
    assert!(!examine_server(&lesser, &[NEWER_NOTES], &SystemClock).await.unwrap().may_write);
}

#[test]
fn a_database_that_cannot_be_used_is_named_without_the_password() {
    let Some(server) = Server::start() else { return };
    server.sql("postgres", "CREATE DATABASE old ENCODING 'LATIN1' TEMPLATE template0");
    let password = Some(Secret::new("hunter2".to_owned()));
    let at = |database: &str| ServerSettings { password: password.clone(), ..server.settings(database, "a") };
    let nobody = ServerSettings { user: "nobody".to_owned(), ..at("postgres") };
    let nowhere = ServerSettings { port: 5, ..at("postgres") };
    let cases = [
        (at("absent"), "database \"absent\" does not exist"),
        (at("old"), "encoded as LATIN1"),
        (nobody, "role \"nobody\" does not exist"),
        (nowhere, "error connecting to server"),
    ];
    for (settings, expected) in cases {
        let place = Place::Server(Box::new(settings));
        let error = Store::start(&place, &[NOTES]).unwrap_err();
        let text = format!("{error} {error:?} {place} {place:?}");
        assert!(text.contains(expected) && text.contains("cannot be opened"), "{text}");
        assert!(!text.contains("hunter2"), "{text}");
    }
}

/// A server with TLS and passwords, on a port of this machine, and the authority of its certificate.
fn over_tls() -> Option<(Server, Arc<[u8]>)> {
    let port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let authority_key = rcgen::KeyPair::generate().unwrap();
    let mut authority = rcgen::CertificateParams::new(Vec::new()).unwrap();
    authority.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let issuer = rcgen::Issuer::new(authority, authority_key);
    let key = rcgen::KeyPair::generate().unwrap();
    let names = vec!["localhost".to_owned()];
    let certificate = rcgen::CertificateParams::new(names).unwrap().signed_by(&key, &issuer).unwrap();
    let server = Server::with(port, |folder| {
        use std::os::unix::fs::PermissionsExt as _;
        std::fs::write(folder.join("server.pem"), certificate.pem()).unwrap();
        std::fs::write(folder.join("server.key"), key.serialize_pem()).unwrap();
        std::fs::set_permissions(folder.join("server.key"), std::fs::Permissions::from_mode(0o600)).unwrap();
        let rules = "local all all trust\nhostssl all all 127.0.0.1/32 scram-sha-256\n";
        std::fs::write(folder.join("rules"), rules).unwrap();
        vec![
            "listen_addresses=127.0.0.1".to_owned(),
            "ssl=on".to_owned(),
            format!("ssl_cert_file={}", folder.join("server.pem").display()),
            format!("ssl_key_file={}", folder.join("server.key").display()),
            format!("hba_file={}", folder.join("rules").display()),
        ]
    })?;
    Some((server, pem.into_bytes().into()))
}

#[test]
fn a_server_elsewhere_is_believed_by_its_certificate_and_we_by_a_password() {
    let Some((server, authority)) = over_tls() else { return };
    server.sql("postgres", "SET password_encryption = 'scram-sha-256'; ALTER ROLE leastway PASSWORD 'right'");
    let place = |host: &str, password: &str, authorities: Option<Arc<[u8]>>| {
        Place::Server(Box::new(ServerSettings {
            host: super::super::Host::Network(host.to_owned()),
            password: Some(Secret::new(password.to_owned())),
            tls: authorities.map(|pem| Trust { authorities: Some(pem), ..Trust::default() }),
            ..server.settings("postgres", "a")
        }))
    };
    let other = rcgen::generate_simple_self_signed(vec!["localhost".to_owned()]).unwrap().cert.pem();
    let other: Arc<[u8]> = other.into_bytes().into();
    let store = Store::start(&place("localhost", "right", Some(authority.clone())), &[NOTES]).unwrap();
    assert!(store.is_in_touch());
    let cases = [
        (
            "a wrong password",
            place("localhost", "wrong", Some(authority.clone())),
            "password authentication failed",
        ),
        ("another authority", place("localhost", "right", Some(other)), "invalid peer certificate"),
        ("another name", place("127.0.0.1", "right", Some(authority)), "not valid for name"),
        ("no TLS", place("localhost", "right", None), "no pg_hba.conf entry"),
    ];
    for (name, place, expected) in cases {
        let error = Store::start(&place, &[NOTES]).unwrap_err().to_string();
        assert!(error.contains(expected), "{name}: {error}");
        assert!(!error.contains("right"), "{name}: {error}");
    }
}
