//! Towards applications: several servers, accounts of ours, and the assertion that owners verify.

use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use axum::body::Bytes;
use http::HeaderMap;
use leastway::app::reload::Reloaded;
use leastway::domain::reason::Reason;
use tokio::net::TcpListener;

use crate::alone::is_alone;
use crate::house::{House, Neighbors, append, edit};
use crate::line::{Protocol, raw};
use crate::traces::{Log, files_below, find};

/// A server of an application that answers with its name and the cookies that reached it.
async fn named(name: &'static str) -> SocketAddr {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let answer = move |headers: HeaderMap| async move {
        let cookie = headers.get("cookie").map_or("none", |cookie| cookie.to_str().unwrap());
        format!("{name}, cookies: {cookie}")
    };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    address
}

/// Changes what stands in the application's first lines, and reloads.
async fn change(house: &House, from: &str, to: &str) {
    edit(&house.file("applications/ehr.toml"), from, to);
    let reloaded = house.running.reload().await;
    assert!(matches!(reloaded, Reloaded::Swapped(_)), "{reloaded:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_caller_stays_at_the_server_that_a_cookie_of_ours_names_and_no_server_sees_it() {
    let house = House::open(Neighbors::All).await;
    let (a, b) = (named("a").await, named("b").await);
    let provider = "provider = \"clinic\"\n";
    let more = format!("{provider}balance = {{ sticky = \"own_cookie\" }}\n");
    change(&house, provider, &more).await;
    let file = std::fs::read_to_string(house.file("applications/ehr.toml")).unwrap();
    let one = file.lines().find(|line| line.starts_with("upstream = ")).unwrap().to_owned();
    change(&house, &one, &format!("upstream = [\"http://{a}\", \"http://{b}\"]")).await;

    let mut line = house.line("ehr.localhost", Protocol::Http2).await;
    let first = line.ask("/static/a.css", &[]).await;
    let set = first.headers.get("set-cookie").unwrap().to_str().unwrap().to_owned();
    let (cookie, attributes) = set.split_once(';').unwrap();
    assert!(cookie.starts_with("__Host-leastway-at-ehr="), "{set}");
    assert_eq!(attributes, " Path=/; Secure; HttpOnly; SameSite=Lax");
    for _ in 0..6 {
        let again = line.ask("/static/a.css", &[("cookie", &format!("{cookie}; theme=dark"))]).await;
        assert_eq!(
            again.text,
            first.text.replace("none", "theme=dark"),
            "the same server, without our cookie"
        );
        assert!(again.headers.get("set-cookie").is_none());
    }
    let forged = line.ask("/static/a.css", &[("cookie", "__host-LEASTWAY-at-ehr=ffff")]).await;
    assert!(forged.text.ends_with("cookies: none") && forged.headers.contains_key("set-cookie"));

    let (_, metrics) = house.control("/metrics").await;
    for server in [a, b] {
        let series = format!("leastway_upstream_in{{application=\"ehr\",server=\"{server}\"}} 1");
        assert!(metrics.contains(&series), "{metrics}");
    }
    assert_eq!(house.metric("leastway_upstream_requests_total").await, 8);
    let reloaded = house.running.reload().await;
    assert!(matches!(reloaded, Reloaded::Swapped(_)), "{reloaded:?}");
    assert_eq!(house.metric("leastway_upstream_requests_total").await, 8, "how servers stand is kept");
    assert_eq!(house.metric("leastway_upstream_in_flight").await, 0);
    house.stop().await;
}

const PASSWORD: &str = "Zebra-7-Quartz";
/// `leastway:Zebra-7-Quartz` in base64.
const BASIC: &str = "bGVhc3R3YXk6WmVicmEtNy1RdWFydHo=";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_account_of_ours_reaches_the_application_and_nothing_else() {
    if !is_alone("upstream::an_account_of_ours_reaches_the_application_and_nothing_else") {
        return;
    }
    let log = Log::keep();
    let house = House::open(Neighbors::All).await;
    std::fs::write(house.file("ehr-password"), PASSWORD).unwrap();
    let provider = "provider = \"clinic\"\n";
    let more = format!(
        "{provider}default_credential = \"reader\"\n\
         credential.reader = {{ kind = \"basic\", user = \"leastway\", secret = \"file:../ehr-password\" }}\n"
    );
    change(&house, provider, &more).await;

    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let forged = [("cookie", cookie.as_str()), ("authorization", "Basic Zm9yZ2VkOmZvcmdlZA==")];
    let signed_in = line.ask("/", &forged).await;
    assert_eq!(signed_in.text.matches("authorization: ").count(), 1, "{}", signed_in.text);
    assert!(signed_in.text.contains(&format!("authorization: Basic {BASIC}\n")), "{}", signed_in.text);
    let public = line.ask("/static/a.css", &forged).await;
    assert!(!public.text.contains("authorization: "), "everybody's routes have no account: {}", public.text);

    // Also when something is wrong: a server that is down, a configuration that is refused.
    let down = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap().local_addr().unwrap();
    let file = std::fs::read_to_string(house.file("applications/ehr.toml")).unwrap();
    let one = file.lines().find(|line| line.starts_with("upstream = ")).unwrap().to_owned();
    change(&house, &one, &format!("upstream = [\"http://{down}\"]")).await;
    let failed = line.ask("/", &forged).await;
    assert_eq!((failed.status.as_u16(), failed.reason()), (502, "upstream-unreachable"));
    edit(&house.file("applications/ehr.toml"), "user = \"leastway\"", "user = \"least:way\"");
    let refused = house.running.reload().await;
    let Reloaded::Refused(problems) = &refused else { panic!("{refused:?}") };
    let (_, metrics) = house.control("/metrics").await;
    let printed = format!("{problems:?} {refused:?} {metrics} {:?} {:?}", house.running, failed.headers);
    let mut places = vec![("printed".to_owned(), printed.into_bytes())];
    files_below(house.directory.root(), &mut places);

    let events = house.stop().await;
    let used: Vec<_> = events.iter().filter_map(|event| event.opening.credential.as_ref()).collect();
    assert!(used.len() >= 2 && used.iter().all(|name| name.as_str() == "reader"), "{used:?}");
    let public = events.iter().filter(|event| event.opening.reasons.contains(&Reason::PublicRoute));
    assert_eq!(public.filter(|event| event.opening.credential.is_none()).count(), 1);
    places.push(("log".to_owned(), log.bytes()));
    assert!(
        places.iter().any(|(_, bytes)| find(bytes, PASSWORD)),
        "the file with the secret is looked at, too"
    );
    for (place, bytes) in places.iter().filter(|(place, _)| !place.ends_with("ehr-password")) {
        assert!(!find(bytes, PASSWORD) && !find(bytes, BASIC), "a secret stands in {place}");
    }
    assert!(find(&log.bytes(), "upstream-unreachable"), "the log was kept");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_puts_a_server_out_by_sending_slowly() {
    let house = House::furnish(Neighbors::All, |directory| {
        append(&directory.configuration(), "[gateway.limits]\nbody_grace = \"2s\"\n");
    })
    .await;
    let provider = "provider = \"clinic\"\n";
    let more = format!("{provider}reply_timeout = \"1s\"\nhealth = {{ failures = 1 }}\n");
    change(&house, provider, &more).await;
    let cookie = house.cookie_of("nurse").await;
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let reading = listener.local_addr().unwrap();
    // It answers when it has read everything.
    let answer = |body: Bytes| async move { body.len().to_string() };
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(answer)).await });
    let file = std::fs::read_to_string(house.file("applications/ehr.toml")).unwrap();
    let one = file.lines().find(|line| line.starts_with("upstream = ")).unwrap().to_owned();
    change(&house, &one, &format!("upstream = [\"http://{reading}\"]")).await;
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let host = format!("ehr.localhost:{}", house.ports.gateway);
    let request = format!(
        "POST /patients/100001/notes HTTP/1.1\r\nhost: {host}\r\norigin: https://{host}\r\ncookie: {cookie}\r\n\
         content-type: text/plain\r\ncontent-length: 1000\r\nconnection: close\r\n\r\nand then"
    );
    let status = raw(&authority, "ehr.localhost", house.ports.gateway, request.as_bytes()).await;
    assert_eq!(status, 408, "it was sent on, and given up");
    assert_eq!(house.metric("leastway_upstream_failed_total").await, 0, "which is not the server's fault");
    assert_eq!(house.metric("leastway_upstream_all_out").await, 0);
    house.stop().await;
}

/// The verifier that the README gives to owners of applications, run as it stands there.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn owners_of_applications_can_verify_the_assertion_in_ten_lines() {
    let readme = include_str!(concat!(env!("CARGO_MANIFEST_DIR"), "/README.md"));
    let (_, rest) = readme.split_once("```js\n").unwrap();
    let (verifier, _) = rest.split_once("```").unwrap();
    assert!(verifier.lines().count() <= 12, "ten lines and what they need");
    let node = std::process::Command::new("node").arg("--version").output();
    if node.is_err() && std::env::var_os("CI").is_none() {
        // Not everybody who builds this has Node.js; where it is run for everybody it is there.
        return;
    }
    let house = House::open(Neighbors::All).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let seen = line.ask("/", &[("cookie", &cookie)]).await.text;
    let assertion = seen.lines().find_map(|line| line.strip_prefix("x-leastway-assertion: ")).unwrap();
    let keys = line.ask("/.well-known/leastway/jwks.json", &[]).await.text;

    let flipped = if assertion.ends_with('A') { 'B' } else { 'A' };
    let mut forged = assertion.to_owned();
    forged.replace_range(assertion.len() - 20..assertion.len() - 19, &flipped.to_string());
    let unsigned = format!("{}.", assertion.rsplit_once('.').unwrap().0);
    for (name, token, audience, accepted) in [
        ("as it came", assertion, "ehr", true),
        ("for another application", assertion, "console", false),
        ("changed", &forged, "ehr", false),
        ("unsigned", &unsigned, "ehr", false),
        ("none", "", "ehr", false),
    ] {
        let script =
            format!("{verifier}\nconsole.log(person({token:?}, {keys}, {audience:?})?.sub ?? 'nobody')");
        let run = std::process::Command::new("node").args(["-e", &script]).output().unwrap();
        let said = String::from_utf8_lossy(&run.stdout).trim().to_owned();
        let errors = String::from_utf8_lossy(&run.stderr);
        assert!(run.status.success(), "{name}: {errors}");
        assert_eq!(said != "nobody", accepted, "{name}: {said} {errors}");
    }
    house.stop().await;
}
