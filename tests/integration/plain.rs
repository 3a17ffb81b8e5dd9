//! The plain port leads to TLS, on hosts of ours alone, and does nothing else.

use std::net::{Ipv4Addr, TcpListener};
use std::sync::Arc;

use leastway::foundation::clock::SystemClock;

use crate::house::{House, Neighbors, edit};
use crate::line::plain;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_plain_port_leads_to_tls_and_nowhere_else() {
    let port = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap().local_addr().unwrap().port();
    let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
        let redirect = format!("[gateway]\nredirect = \"127.0.0.1:{port}\"");
        edit(&directory.configuration(), "[gateway]", &redirect);
    })
    .await;
    let here = format!("https://ehr.localhost:{}", house.ports.gateway);
    let cookie = house.cookie_of("nurse").await;
    let reached = house.reached();

    let led = [
        ("GET /patients?page=2 HTTP/1.1", "ehr.localhost", "/patients?page=2"),
        ("GET / HTTP/1.1", &format!("ehr.localhost:{port}"), "/"),
        ("GET / HTTP/1.1", "EHR.LocalHost", "/"),
        ("POST /reports/patients HTTP/1.1", "ehr.localhost", "/reports/patients"),
        ("GET //evil.example/ HTTP/1.1", "ehr.localhost", "//evil.example/"),
        ("GET /%0d%0aset-cookie:%20a=b HTTP/1.1", "ehr.localhost", "/%0d%0aset-cookie:%20a=b"),
        ("GET http://ehr.localhost/chart HTTP/1.1", "ehr.localhost", "/chart"),
        ("GET /.leastway/me HTTP/1.1", "ehr.localhost", "/.leastway/me"),
    ];
    for (line, host, target) in led {
        let head = format!("{line}\r\nhost: {host}\r\ncookie: {cookie}\r\ncontent-length: 0\r\n\r\n");
        let came = plain(port, head.as_bytes()).await;
        assert!(came.starts_with("HTTP/1.1 308 "), "{line}: {came}");
        assert!(came.contains(&format!("\r\nlocation: {here}{target}\r\n")), "{line}: {came}");
        assert!(came.ends_with("\r\n\r\n") && !came.contains("set-cookie: "), "no more than that: {came}");
    }

    let refused = [
        ("a host of nobody's", "GET / HTTP/1.1\r\nhost: evil.example\r\n\r\n", 421),
        (
            "a host that only begins like ours",
            "GET / HTTP/1.1\r\nhost: ehr.localhost.evil.example\r\n\r\n",
            421,
        ),
        ("a trailing dot", "GET / HTTP/1.1\r\nhost: ehr.localhost.\r\n\r\n", 421),
        ("both say another host", "GET http://evil.example/ HTTP/1.1\r\nhost: evil.example\r\n\r\n", 421),
        ("no host", "GET / HTTP/1.1\r\n\r\n", 400),
        ("no host, long ago", "GET / HTTP/1.0\r\n\r\n", 400),
        ("two hosts", "GET / HTTP/1.1\r\nhost: ehr.localhost\r\nhost: evil.example\r\n\r\n", 400),
        ("two targets", "GET http://evil.example/ HTTP/1.1\r\nhost: ehr.localhost\r\n\r\n", 400),
        ("another scheme", "GET ftp://ehr.localhost/ HTTP/1.1\r\nhost: ehr.localhost\r\n\r\n", 400),
        ("a user", "GET / HTTP/1.1\r\nhost: ehr.localhost@evil.example\r\n\r\n", 400),
        (
            "a user in the target",
            "GET http://ehr.localhost@evil.example/ HTTP/1.1\r\nhost: ehr.localhost\r\n\r\n",
            400,
        ),
        ("a fragment", "GET / HTTP/1.1\r\nhost: evil.example#.ehr.localhost\r\n\r\n", 400),
        ("a port that is none", "GET / HTTP/1.1\r\nhost: ehr.localhost:8@evil.example\r\n\r\n", 400),
        ("no path", "OPTIONS * HTTP/1.1\r\nhost: ehr.localhost\r\n\r\n", 400),
        ("a tunnel", "CONNECT ehr.localhost:443 HTTP/1.1\r\nhost: ehr.localhost:443\r\n\r\n", 400),
        ("no request", "\u{16}\u{3}\u{1}\r\n\r\n", 400),
    ];
    for (name, bytes, status) in refused {
        let came = plain(port, bytes.as_bytes()).await;
        assert!(
            came.starts_with(&format!("HTTP/1.1 {status} "))
                || came.starts_with(&format!("HTTP/1.0 {status} ")),
            "{name}: {came}"
        );
        assert!(!came.to_ascii_lowercase().contains("location"), "{name}: {came}");
    }
    assert_eq!(house.reached(), reached, "nothing is forwarded");
    house.stop().await;
}
