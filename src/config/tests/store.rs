//! Where the store is.

use std::path::Path;
use std::time::Duration;

use super::Folder;
use super::catalogue::{MAIN, case, check};
use crate::platform::store::{Host, Place, ServerSettings, StoreSettings};

fn settled(store: &str) -> StoreSettings {
    let folder = Folder::good();
    folder.write("secret", "hunter2\n");
    folder.change(MAIN, "[gateway]", &format!("[store]\n{store}\n[gateway]"));
    folder.load().unwrap_or_else(|_| panic!("{}", folder.report())).settings.store
}

fn server(store: &str) -> ServerSettings {
    match settled(store).place {
        Place::Server(server) => *server,
        Place::File(_) => panic!("not a server"),
    }
}

#[test]
fn a_file_is_for_one_node_and_its_folder_is_the_nodes() {
    let StoreSettings { place, directory } = settled("url = \"state/a.db\"");
    assert!(matches!(place, Place::File(path) if path.ends_with("state/a.db")));
    assert!(directory.ends_with("state"));
    assert!(settled("url = \"state/a.db\"\ndirectory = \"keys\"").directory.ends_with("keys"));
}

#[test]
fn a_server_elsewhere_has_to_show_who_it_is() {
    let store = settled("url = \"postgres://leastway@db.clinic.example/pep\"\npassword = \"file:secret\"");
    assert!(store.directory.ends_with("data"));
    let text = format!("{store:?} {}", store.place);
    assert!(text.ends_with(" postgres://leastway@db.clinic.example:5432/pep") && !text.contains("hunter2"));
    let elsewhere = server("url = \"postgres://leastway@db.clinic.example/pep\"\npassword = \"file:secret\"");
    assert!(
        elsewhere.tls.is_some_and(|trust| trust.authorities.is_none() && !trust.insecure_any_certificate)
    );
    assert_eq!(elsewhere.password.unwrap().reveal(), "hunter2");
    assert_eq!(elsewhere.lease, Duration::from_secs(3));
    assert!(!elsewhere.node.is_empty());
    let authority = "url = \"postgresql://a@10.0.0.5:6432/b?sslmode=verify-full\"\nauthorities = \"file:certs/gateway.pem\"\nnode = \"n1\"\nlease = \"10s\"";
    let authority = server(authority);
    assert!(authority.tls.is_some_and(|trust| trust.authorities.is_some()));
    assert_eq!((authority.host, authority.port), (Host::Network("10.0.0.5".to_owned()), 6432));
    assert_eq!((&*authority.node, authority.lease), ("n1", Duration::from_secs(10)));
}

#[test]
fn a_server_on_this_machine_is_asked_as_it_is() {
    for url in
        ["postgres://a@localhost/b", "postgres://a@127.0.0.1/b", "postgres://a@[::1]/b?sslmode=disable"]
    {
        assert!(server(&format!("url = \"{url}\"")).tls.is_none(), "{url}");
    }
    assert!(server("url = \"postgres://a@localhost/b?sslmode=verify-full\"").tls.is_some());
    let socket = server("url = \"postgres:///b?host=/run/postgresql&user=a&port=5433\"");
    assert_eq!(socket.host, Host::Socket(Path::new("/run/postgresql").to_owned()));
    assert_eq!((&*socket.user, socket.port, socket.tls.is_none()), ("a", 5433, true));
    assert_eq!(socket.to_string(), "postgres:///b?host=/run/postgresql&port=5433&user=a");
}

#[test]
fn what_is_no_place_for_a_store_is_refused() {
    const fn url(new: &'static str, problem: &'static str) -> super::catalogue::Case {
        case(MAIN, "[gateway]", new, problem)
    }
    check(&[
        url(
            "[store]\nurl = \"mysql://a@b/c\"\n[gateway]",
            "store.url: that is neither a path nor an address of PostgreSQL",
        ),
        url(
            "[store]\nurl = \"postgres://a:secret@b/c\"\n[gateway]",
            "store.url: a password stands in the URL",
        ),
        url(
            "[store]\nurl = \"postgres://a@b\"\n[gateway]",
            "store.url: the database is missing, or not a plain name",
        ),
        url(
            "[store]\nurl = \"postgres://a@b/c%20d\"\n[gateway]",
            "store.url: the database is missing, or not a plain name",
        ),
        url("[store]\nurl = \"postgres:///c?user=a\"\n[gateway]", "store.url: the host is missing"),
        url("[store]\nurl = \"postgres://a@b:x/c\"\n[gateway]", "store.url: that is no URL"),
        url(
            "[store]\nurl = \"postgres://a@b/c?host=/run\"\n[gateway]",
            "store.url: a host and a socket are two servers",
        ),
        url(
            "[store]\nurl = \"postgres://a@b/c?options=x\"\n[gateway]",
            "store.url: a parameter does not belong here",
        ),
        url(
            "[store]\nurl = \"postgres://a@b/c?sslmode=require\"\n[gateway]",
            "store.url: that `sslmode` does not make sure who answers",
        ),
        url(
            "[store]\nurl = \"postgres://a@b/c?sslmode=disable\"\n[gateway]",
            "store.url: the server is not on this machine, and not encrypted",
        ),
        url(
            "[store]\nurl = \"postgres:///c?host=/run&user=a&sslmode=verify-full\"\n[gateway]",
            "store.url: TLS is not spoken on a Unix socket",
        ),
        url("[store]\nnode = \"a\"\n[gateway]", "store.node: the store is a file"),
        url("[store]\nlease = \"5s\"\n[gateway]", "store.lease: the store is a file"),
        url(
            "[store]\nurl = \"postgres://a@b/c\"\nlease = \"5m\"\n[gateway]",
            "store.lease: `5m` is out of range",
        ),
        url(
            "[store]\nurl = \"postgres://a@b/c\"\nnode = \"a b\"\n[gateway]",
            "store.node: the name of the node is missing, or not a plain name",
        ),
        url(
            "[store]\nurl = \"postgres://a@localhost/c\"\nauthorities = \"file:certs/gateway.pem\"\n[gateway]",
            "store.authorities: nobody shows a certificate without TLS",
        ),
    ]);
}
