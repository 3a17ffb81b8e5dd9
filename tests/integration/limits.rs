//! How much one caller may take.

use leastway::demo::WorkDirectory;
use leastway::domain::event::{Event, EventKind, Outcome};
use leastway::domain::reason::Reason;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;

use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Line, Protocol};

const ASSET: &str = "/static/a.css";
const BROWSER: [(&str, &str); 1] = [("accept", "text/html")];

fn limits(lines: &str) -> impl FnOnce(&WorkDirectory) {
    let lines = format!("[gateway.limits]\n{lines}");
    move |directory| append(&directory.configuration(), &lines)
}

async fn asks(line: &mut Line, headers: &[(&str, &str)], number: usize) -> Vec<Came> {
    let mut came = Vec::new();
    for _ in 0..number {
        came.push(line.ask(ASSET, headers).await);
    }
    came
}

fn refused(came: &[Came]) -> usize {
    for reply in came.iter().filter(|reply| reply.status == 429) {
        assert_eq!(reply.reason(), "too-many-requests");
        let after: u64 = reply.headers["retry-after"].to_str().unwrap().parse().unwrap();
        assert!((1..=3600).contains(&after), "{after}");
    }
    assert!(came.iter().all(|reply| reply.status == 429 || reply.status == 200));
    came.iter().filter(|reply| reply.status == 429).count()
}

fn too_many(events: &[Event], kind: EventKind) -> impl Iterator<Item = &Event> {
    let is_it = move |event: &&Event| {
        event.opening.kind == kind && event.opening.reasons.first() == Some(&Reason::TooManyRequests)
    };
    events.iter().filter(is_it)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_flood_from_one_address_stops_nobody_there_who_is_signed_in_and_fills_no_journal() {
    let rules = "requests_per_address = \"40/1h\"\nrefused_events = \"3/1h\"";
    let house = House::furnish(Neighbors::All, limits(rules)).await;
    let cookie = house.cookie_of("nurse").await;
    let mut flood = house.line("ehr.localhost", Protocol::Http2).await;
    let came = asks(&mut flood, &BROWSER, 100).await;
    let turned_away = refused(&came);
    assert!((60..100).contains(&turned_away), "{turned_away}");
    let unread = flood.ask("/static/%2e%2e/a", &[]).await;
    assert_eq!(unread.status, 429, "what cannot be read counts, too");
    let page = came.last().unwrap();
    assert!(page.text.contains("Too many requests at once"), "{}", page.text);

    let mut nurse = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(refused(&asks(&mut nurse, &[("cookie", &cookie)], 60).await), 0);
    let forgone = house.metric("leastway_events_forgone_total").await;
    assert_eq!(forgone, turned_away as u64 + 1 - 3);

    let events = house.stop().await;
    let own: Vec<&Event> = too_many(&events, EventKind::Request).collect();
    assert_eq!(own.len(), 3);
    for event in own {
        let closing = event.closing.as_ref().unwrap();
        assert_eq!((closing.status, closing.outcome), (Some(429), Outcome::Refused));
        assert!(event.opening.client_ip.is_some_and(|client| client.is_loopback()));
    }
    let told: u64 = too_many(&events, EventKind::Lifecycle)
        .map(|event| {
            event.opening.note.as_deref().unwrap().split(' ').next().unwrap().parse::<u64>().unwrap()
        })
        .sum();
    assert_eq!(told, forgone, "each refusal is in the journal, by itself or in a number");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn callers_behind_a_proxy_of_ours_are_told_apart_and_others_cannot_pretend_to_be_many() {
    for trusted in [true, false] {
        let house = House::furnish(Neighbors::All, |directory| {
            limits("requests_per_address = \"10/1h\"\nconnections_per_address = 1")(directory);
            if trusted {
                let main = directory.configuration();
                edit(&main, "trusted_proxies = []", "trusted_proxies = [\"127.0.0.1\"]");
            }
        })
        .await;
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let from = |address: &'static str| [("x-forwarded-for", address)];
        let one = refused(&asks(&mut line, &from("2001:db8::1"), 10).await);
        let neighbor = refused(&asks(&mut line, &from("2001:db8::2"), 10).await);
        let other = refused(&asks(&mut line, &from("198.51.100.7"), 10).await);
        let expected = if trusted { (0, 10, 0) } else { (0, 10, 10) };
        assert_eq!((one, neighbor, other), expected);
        if trusted {
            house.line("ehr.localhost", Protocol::Http1).await.ask(ASSET, &from("198.51.100.8")).await;
        }
        house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_person_has_so_many_requests_over_all_connections_and_another_has_their_own() {
    let house = House::furnish(Neighbors::All, limits("requests_per_person = \"20/1h\"")).await;
    let (nurse, registrar) = (house.cookie_of("nurse").await, house.cookie_of("registrar").await);
    let mut turned_away = 0;
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1] {
        let mut line = house.line("ehr.localhost", protocol).await;
        turned_away += refused(&asks(&mut line, &[("cookie", &nurse)], 12).await);
    }
    assert!((16..20).contains(&turned_away), "{turned_away}");
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(refused(&asks(&mut line, &[("cookie", &registrar)], 12).await), 0);
    // In the midst of it, more is allowed.
    edit(&house.file("leastway.toml"), "\"20/1h\"", "\"none\"");
    house.running.reload().await;
    assert_eq!(refused(&asks(&mut line, &[("cookie", &nurse)], 12).await), 0);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn so_many_sign_ins_are_begun_from_one_address() {
    let house = House::furnish(Neighbors::All, limits("sign_ins_per_address = \"5/1h\"")).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut statuses = Vec::new();
    for path in
        ["/patients", "/.leastway/sign-in?return_to=%2F", "/.leastway/callback?state=a&code=b"].repeat(3)
    {
        let came = line.ask(path, &[("accept", "text/html"), ("sec-fetch-mode", "navigate")]).await;
        statuses.push(came.status.as_u16());
    }
    assert_eq!(statuses, [303, 303, 400, 303, 303, 429, 429, 429, 429]);
    assert_eq!(line.ask(ASSET, &[]).await.status, 200);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_address_has_so_many_connections() {
    let house = House::furnish(Neighbors::All, limits("connections_per_address = 2")).await;
    let first = house.line("ehr.localhost", Protocol::Http1).await;
    let mut second = house.line("ehr.localhost", Protocol::Http2).await;
    let mut third = TcpStream::connect(("127.0.0.1", house.ports.gateway)).await.unwrap();
    assert!(third.read_u8().await.is_err(), "it is closed, without a word");
    assert_eq!(second.ask(ASSET, &[]).await.status, 200);
    assert_eq!(house.metric("leastway_connections_limited_total").await, 1);
    drop(first);
    while house.metric("leastway_connections_open").await > 1 {
        tokio::task::yield_now().await;
    }
    assert_eq!(house.line("ehr.localhost", Protocol::Http1).await.ask(ASSET, &[]).await.status, 200);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_who_are_signed_in_do_not_use_up_their_address() {
    let lines = "connections_per_address = 2\nconnections_per_person = 3";
    let house = House::furnish(Neighbors::All, limits(lines)).await;
    let cookie = house.cookie_of("nurse").await;
    while house.metric("leastway_connections_open").await > 0 {
        tokio::task::yield_now().await;
    }
    let mut hers = Vec::new();
    // Three are hers, and two more count at the address.
    for protocol in [Protocol::Http1, Protocol::Http2, Protocol::Http1, Protocol::Http2, Protocol::Http1] {
        let mut line = house.line("ehr.localhost", protocol).await;
        assert_eq!(line.ask("/patients/100001", &[("cookie", &cookie)]).await.status, 200);
        hers.push(line);
    }
    let mut one_more = TcpStream::connect(("127.0.0.1", house.ports.gateway)).await.unwrap();
    assert!(one_more.read_u8().await.is_err());
    hers.truncate(3);
    while house.metric("leastway_connections_open").await > 3 {
        tokio::task::yield_now().await;
    }
    let mut stranger = house.line("ehr.localhost", Protocol::Http1).await;
    assert_eq!(stranger.ask(ASSET, &[]).await.status, 200);
    drop(hers);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn when_there_is_little_room_people_who_are_signed_in_come_first() {
    let house = House::furnish(Neighbors::All, |directory| {
        edit(&directory.configuration(), "trusted_proxies", "workers = 1\nrequests = 16\ntrusted_proxies");
        limits("reserved = 75")(directory);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let mut waiting = Vec::new();
    for _ in 0..8 {
        let mut line = house.line("ehr.localhost", Protocol::Http1).await;
        let cookie = cookie.clone();
        waiting
            .push(tokio::spawn(async move { line.ask("/static/late", &[("cookie", &cookie)]).await.status }));
    }
    tokio::time::sleep(std::time::Duration::from_millis(500)).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let shed = line.ask(ASSET, &[]).await;
    assert_eq!((shed.status.as_u16(), shed.reason()), (503, "overloaded"));
    assert_eq!(shed.headers["retry-after"], "2");
    assert_eq!(line.ask(ASSET, &[("cookie", &cookie)]).await.status, 200);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap(), 200);
    }
    assert_eq!(line.ask(ASSET, &[]).await.status, 200, "there is room again");
    house.stop().await;
}
