//! An application that signs connections in, as IIS does with NTLM: whatever comes on one afterwards is
//! taken for the person who signed it in.

use std::cell::RefCell;
use std::collections::HashMap;

use super::*;

/// Answers 401 until a connection has been signed in by `NTLM three:NAME`; then with the name. A
/// connection on which a handshake was begun takes nothing else.
async fn iis() -> SocketAddr {
    let names: Rc<RefCell<HashMap<usize, String>>> = Rc::default();
    server(move |head, connection| {
        let names = names.clone();
        async move {
            let said = head.lines().find_map(|line| line.strip_prefix("authorization: NTLM "));
            let mut names = names.borrow_mut();
            let known = names.get(&connection).cloned().unwrap_or_default();
            match said.map(|said| said.split_once(':').unwrap_or((said, ""))) {
                Some(("one", _)) => {
                    names.insert(connection, "?".to_owned());
                    challenge("NTLM two")
                }
                Some(("three", name)) if known == "?" => {
                    names.insert(connection, name.to_owned());
                    reply(name)
                }
                Some(_) => challenge("NTLM out-of-order"),
                None if known.is_empty() || known == "?" => challenge("NTLM"),
                None => reply(&known),
            }
        }
    })
    .await
}

fn challenge(scheme: &str) -> String {
    format!("HTTP/1.1 401 X\r\nwww-authenticate: {scheme}\r\ncontent-length: 0\r\n\r\n")
}

fn person(seed: u64, port: u16) -> Errand {
    let session = SessionId::new(Timestamp::from_seconds(1), &SeededEntropy::new(seed));
    Errand { session: Some(session), line: SocketAddr::from(([192, 0, 2, 7], port)), ..NOBODY }
}

async fn say(pool: &Rc<Pool>, errand: &Errand, authorization: Option<&str>) -> (u16, String) {
    let mut request = request(Method::GET, "");
    if let Some(value) = authorization {
        request.headers_mut().insert("authorization", value.parse().unwrap());
    }
    let (status, text) = ask_as(pool, request, errand).await.unwrap();
    (status.as_u16(), String::from_utf8(text.to_vec()).unwrap())
}

async fn sign_in(pool: &Rc<Pool>, errand: &Errand, name: &str) {
    assert_eq!(say(pool, errand, None).await.0, 401);
    assert_eq!(say(pool, errand, Some("NTLM one")).await.0, 401);
    let signed_in = say(pool, errand, Some(&format!("NTLM three:{name}"))).await;
    assert_eq!(signed_in, (200, name.to_owned()));
}

#[tokio::test]
async fn nobody_gets_a_connection_that_somebody_else_has_signed_in() {
    let run = async {
        for connections in [Connections::Shared, Connections::PerPerson] {
            let mut settings = settings_of(&[iis().await]);
            settings.connections = connections;
            let pool = Pool::new(Arc::new(balanced(settings)));
            let (nora, rosa) = (person(1, 1), person(2, 2));
            sign_in(&pool, &nora, "nora").await;
            assert_eq!(say(&pool, &rosa, None).await.0, 401, "{connections:?}");
            sign_in(&pool, &rosa, "rosa").await;
            for _ in 0..5 {
                assert_eq!(say(&pool, &nora, None).await, (200, "nora".to_owned()), "{connections:?}");
                assert_eq!(say(&pool, &rosa, None).await, (200, "rosa".to_owned()), "{connections:?}");
                assert_eq!(say(&pool, &NOBODY, None).await.0, 401, "{connections:?}");
            }
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn two_handshakes_of_one_person_are_not_mixed_up() {
    let run = async {
        let pool = Pool::new(Arc::new(balanced(settings_of(&[iis().await]))));
        let (here, there) = (person(1, 1), person(1, 2));
        assert_eq!(say(&pool, &here, Some("NTLM one")).await.0, 401);
        assert_eq!(say(&pool, &there, Some("NTLM one")).await.0, 401);
        assert_eq!(say(&pool, &here, Some("NTLM three:nora")).await.0, 200);
        assert_eq!(say(&pool, &there, Some("NTLM three:nora")).await.0, 200);
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn a_handshake_stays_with_one_of_several_servers() {
    let run = async {
        let pool = Pool::new(Arc::new(balanced(settings_of(&[iis().await, iis().await]))));
        for seed in 1..5 {
            sign_in(&pool, &person(seed, 1), "somebody").await;
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn per_person_connections_are_never_shared_even_where_nobody_signs_in() {
    let run = async {
        let address = server(|_, connection| async move { reply(&connection.to_string()) }).await;
        let mut settings = settings_of(&[address]);
        settings.connections = Connections::PerPerson;
        let pool = Pool::new(Arc::new(balanced(settings)));
        let (nora, rosa) = (person(1, 1), person(2, 2));
        let mut used = Vec::new();
        for errand in [&nora, &rosa, &nora, &rosa, &NOBODY, &NOBODY] {
            used.push(say(&pool, errand, None).await.1);
        }
        assert_eq!(used, ["0", "1", "0", "1", "2", "3"], "and without a session, each its own");
    };
    LocalSet::new().run_until(run).await;
}
