//! Behind a load balancer that passes TLS on unread and says by the PROXY protocol who calls.

use std::net::Ipv4Addr;

use leastway::platform::tls::client::client;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use crate::framing::OPEN;
use crate::house::{House, Neighbors, append, edit};
use crate::recorder::Recorder;

const VERSION_1: &[u8] = b"PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n";
const VERSION_2: &[u8] =
    b"\r\n\r\n\0\r\nQUIT\n\x21\x11\0\x10\xc0\0\x02\x09\x0a\0\0\x01\xdc\x04\x01\xbb\x04\0\x01\0";
const ITSELF: &[u8] = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0";

/// What comes back to a request behind `header`; none where there is no TLS.
async fn ask(house: &House, header: &[u8], more: &str) -> Option<String> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let connector = TlsConnector::from(client(Some(&authority), &[b"http/1.1"]).unwrap());
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, house.ports.gateway)).await.unwrap();
    stream.write_all(header).await.unwrap();
    let name = ServerName::try_from("ehr.localhost").unwrap();
    let mut stream = connector.connect(name, stream).await.ok()?;
    let request = format!(
        "GET /open/a HTTP/1.1\r\nhost: ehr.localhost:{}\r\n{more}connection: close\r\n\r\n",
        house.ports.gateway
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut came = Vec::new();
    let _ended = stream.read_to_end(&mut came).await;
    Some(String::from_utf8_lossy(&came).into_owned())
}

async fn furnished(networks: &str) -> (House, Recorder) {
    let (address, recorder) = Recorder::start().await;
    let house = House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), OPEN);
        let keys = format!("trusted_proxies = [\"192.0.2.9\"]\nproxy_protocol = [\"{networks}\"]");
        edit(&directory.root().join("leastway.toml"), "trusted_proxies = []", &keys);
    })
    .await;
    (house, recorder)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_load_balancer_says_who_calls() {
    let (house, recorder) = furnished("127.0.0.0/8").await;
    let forwarded = "x-forwarded-for: 198.51.100.1, 203.0.113.4\r\n";
    let cases = [
        ("version 1", VERSION_1, "", "192.0.2.7"),
        ("version 1, and a caller who makes up more", VERSION_1, forwarded, "192.0.2.7"),
        ("version 2", VERSION_2, "", "192.0.2.9"),
        ("version 2, and the caller is a proxy that is believed", VERSION_2, forwarded, "203.0.113.4"),
        ("the load balancer itself", ITSELF, "", "127.0.0.1"),
    ];
    for (name, header, more, client) in cases {
        let came = ask(&house, header, more).await.unwrap();
        assert!(came.starts_with("HTTP/1.1 200 "), "{name}: {came}");
        assert_eq!(recorder.last().header("x-forwarded-for"), Some(client), "{name}");
    }
    let refused: [(&str, &[u8]); 4] = [
        ("no header", b""),
        ("another protocol", b"PROXY UDP4 192.0.2.7 10.0.0.1 1 443\r\n"),
        ("an address that is none", b"PROXY TCP4 192.0.2.700 10.0.0.1 1 443\r\n"),
        ("a header without an end", &[b'P'; 200]),
    ];
    for (name, header) in refused {
        assert_eq!(ask(&house, header, "").await, None, "{name}");
    }
    assert_eq!(recorder.count(), cases.len());

    let events = house.stop().await;
    let of_route =
        events.iter().filter(|event| event.opening.route.as_ref().is_some_and(|it| it.as_str() == "open"));
    let told: Vec<String> = of_route.map(|event| event.opening.client_ip.unwrap().to_string()).collect();
    assert_eq!(told, cases.map(|(_, _, _, client)| client));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_elsewhere_nobody_says_who_calls() {
    let (house, recorder) = furnished("198.51.100.0/24").await;
    assert_eq!(ask(&house, VERSION_1, "").await, None);
    assert_eq!(ask(&house, VERSION_2, "").await, None);
    assert!(ask(&house, b"", "").await.is_some_and(|came| came.starts_with("HTTP/1.1 200 ")));
    assert_eq!(recorder.last().header("x-forwarded-for"), Some("127.0.0.1"));
    assert_eq!(recorder.count(), 1);
    house.stop().await;
}
