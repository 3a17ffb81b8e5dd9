//! What an application says of its own address holds for callers, and what it says of others stays.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::response::{AppendHeaders, IntoResponse as _};
use http::{Request, StatusCode};
use tokio::net::TcpListener;

use crate::framing::OPEN;
use crate::house::{House, Neighbors, append};
use crate::line::{Came, Protocol};

/// An application that names its own address wherever it can.
async fn application() -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(move |request: Request<axum::body::Body>| async move {
        let own = format!("http://{address}");
        let text = format!("{{\"self\":\"{own}/a\",\"other\":\"http://192.0.2.1/b\"}}");
        match request.uri().path() {
            "/open/move" => (
                StatusCode::FOUND,
                AppendHeaders([
                    ("location", format!("{own}/open/there?a=1")),
                    ("content-location", format!("{own}/open/here")),
                    ("refresh", format!("3; url={own}/open/later")),
                    ("set-cookie", "theirs=1; Domain=127.0.0.1; Path=/x".to_owned()),
                    ("set-cookie", "__Host-leastway=forged; Path=/; Secure".to_owned()),
                ]),
            )
                .into_response(),
            "/open/away" => {
                (StatusCode::FOUND, AppendHeaders([("location", "https://other.example/")])).into_response()
            }
            "/open/asked" => {
                let asked = request.headers().get("accept-encoding").unwrap().to_str().unwrap().to_owned();
                asked.into_response()
            }
            "/open/data" => ([("content-type", "application/json")], text).into_response(),
            _ => ([("content-type", "text/plain"), ("strict-transport-security", "max-age=0")], text)
                .into_response(),
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    address
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn redirects_cookies_and_declared_literals_point_at_the_gateway() {
    let address = application().await;
    let house = House::furnish(Neighbors::Application(address), |directory| {
        let file = directory.root().join("applications/ehr.toml");
        let literal = format!(
            "[[application.ehr.rewrite.literal]]\nfind = \"http://{address}\"\nreplace = \"https://ehr.localhost\""
        );
        append(&file, &format!("[application.ehr.rewrite]\ncookie_same_site = \"lax\"\n{literal}\n{OPEN}"));
    })
    .await;
    let here = format!("https://ehr.localhost:{}", house.ports.gateway);
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let moved = line.ask("/open/move", &[]).await;
        let header = |name: &str| moved.headers[name].to_str().unwrap().to_owned();
        assert_eq!(header("location"), format!("{here}/open/there?a=1"));
        assert_eq!(header("content-location"), format!("{here}/open/here"));
        assert_eq!(header("refresh"), format!("3; url={here}/open/later"));
        let cookies: Vec<_> = moved.headers.get_all("set-cookie").iter().collect();
        assert_eq!(cookies, ["theirs=1; Path=/x; Secure; SameSite=Lax"]);
        assert_eq!(line.ask("/open/away", &[]).await.headers["location"], "https://other.example/");
        assert_eq!(line.ask("/open/asked", &[("accept-encoding", "gzip")]).await.text, "identity");

        let data = line.ask("/open/data", &[]).await.text;
        assert_eq!(data, "{\"self\":\"https://ehr.localhost/a\",\"other\":\"http://192.0.2.1/b\"}");
        let plain = line.ask("/open/plain", &[]).await.text;
        assert!(plain.contains(&format!("http://{address}/a")), "no page, and not touched: {plain}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn browsers_are_told_to_come_by_tls_whoever_replies() {
    struct Case {
        key: &'static str,
        by_the_application: &'static [&'static str],
        by_us: &'static [&'static str],
    }
    const YEAR: &[&str] = &["max-age=31536000"];
    let cases = [
        Case { key: "", by_the_application: YEAR, by_us: YEAR },
        Case { key: "hsts = \"30d\"", by_the_application: &["max-age=2592000"], by_us: &["max-age=2592000"] },
        Case { key: "hsts = \"none\"", by_the_application: &["max-age=0"], by_us: &[] },
    ];
    for Case { key, by_the_application, by_us } in cases {
        let house = House::furnish(Neighbors::Application(application().await), |directory| {
            append(&directory.root().join("applications/ehr.toml"), OPEN);
            let main = directory.configuration();
            let written = std::fs::read_to_string(&main).unwrap();
            std::fs::write(&main, written.replace("[gateway]\n", &format!("[gateway]\n{key}\n"))).unwrap();
        })
        .await;
        for protocol in [Protocol::Http1, Protocol::Http2] {
            let mut line = house.line("ehr.localhost", protocol).await;
            assert_eq!(hsts(&line.ask("/open/plain", &[]).await), by_the_application, "{key}");
            assert_eq!(hsts(&line.ask("/patients", &[]).await), by_us, "{key}");
        }
        house.stop().await;
    }
}

fn hsts(reply: &Came) -> Vec<&str> {
    reply.headers.get_all("strict-transport-security").iter().map(|value| value.to_str().unwrap()).collect()
}
