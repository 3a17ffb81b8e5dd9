//! Exports that are longer than memory may hold: of one beyond its limit not one byte leaves, one within it comes whole.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use http_body_util::BodyExt as _;
use leastway::domain::count::Count;
use leastway::domain::event::{Closing, Event, Outcome};
use leastway::domain::limit::LimitName;
use leastway::domain::reason::Reason;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::alone::is_alone;
use crate::house::{House, Neighbors, append, edit};
use crate::line::{Line, Protocol};

const ROUTE: &str = r#"
[[application.ehr.route]]
name = "long"
match = { method = ["GET"], path = "/long/{rows}" }
action = "export"
category = ["demographics"]
reply = { kind = "csv", patient = "column:MRN" }
"#;

/// Bytes of a row: 500 of them, which are allowed, are more than 20 MiB.
const ROW_BYTES: usize = 42 * 1024;
const HEADER: &str = "MRN,note\n";

fn row(number: usize) -> String {
    let mrn = format!("MRN-{number:06},");
    let note = char::from(b'a' + u8::try_from(number % 26).unwrap()).to_string();
    format!("{mrn}{}\n", note.repeat(ROW_BYTES - mrn.len() - 1))
}

fn length(rows: usize) -> usize {
    HEADER.len() + rows * ROW_BYTES
}

/// An application that answers with as many rows as it is asked for, and tells how many it could send.
async fn application() -> (SocketAddr, Arc<AtomicU64>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let (address, sent) = (listener.local_addr().unwrap(), Arc::new(AtomicU64::new(0)));
    let told = sent.clone();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let told = told.clone();
            tokio::spawn(async move {
                let mut head = Vec::new();
                while !head.ends_with(b"\r\n\r\n") {
                    let Ok(byte) = stream.read_u8().await else { return };
                    head.push(byte);
                }
                let head = String::from_utf8(head).unwrap();
                let path = head.split(' ').nth(1).unwrap();
                let Some(rows) = path.strip_prefix("/long/").map(|rows| rows.parse().unwrap()) else {
                    let page = "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 6\r\n\
                                connection: close\r\n\r\na page";
                    return stream.write_all(page.as_bytes()).await.unwrap();
                };
                told.store(0, Ordering::Relaxed);
                let length = length(rows);
                let head = format!(
                    "HTTP/1.1 200 OK\r\ncontent-type: text/csv\r\netag: \"1\"\r\ncontent-length: {length}\r\n\
                     connection: close\r\n\r\n{HEADER}"
                );
                let _broken = stream.write_all(head.as_bytes()).await;
                for number in 0..rows {
                    if stream.write_all(row(number).as_bytes()).await.is_err() {
                        return;
                    }
                    told.fetch_add(1, Ordering::Relaxed);
                }
            });
        }
    });
    (address, sent)
}

/// With these keys of `[guard]`.
async fn house(address: SocketAddr, guard: &str) -> House {
    House::furnish(Neighbors::Application(address), |directory| {
        append(&directory.root().join("applications/ehr.toml"), ROUTE);
        append(&directory.configuration(), &format!("[guard]\n{guard}"));
    })
    .await
}

/// How the exports ended, in their order.
fn endings(events: &[Event]) -> Vec<&Closing> {
    let is_long = |event: &&Event| event.opening.route.as_ref().is_some_and(|name| name.as_str() == "long");
    events.iter().filter(is_long).map(|event| event.closing.as_ref().unwrap()).collect()
}

/// Asks for so many rows, and compares what comes with what the application sent.
async fn takes(line: &mut Line, session: &[(&str, &str)], rows: usize) {
    let reply = line.begin(&format!("/long/{rows}"), session).await;
    assert_eq!(reply.status(), 200);
    assert_eq!(reply.headers()["content-length"], length(rows).to_string());
    assert_eq!(reply.headers()["etag"], "\"1\"");
    let (mut body, mut number, mut kept) = (reply.into_body(), 0, Vec::new());
    let mut header = HEADER.as_bytes();
    while let Some(frame) = body.frame().await {
        kept.extend_from_slice(&frame.unwrap().into_data().unwrap());
        if !header.is_empty() && kept.len() >= header.len() {
            assert!(kept.drain(..header.len()).eq(std::mem::take(&mut header).iter().copied()));
        }
        while header.is_empty() && kept.len() >= ROW_BYTES {
            let rest = kept.split_off(ROW_BYTES);
            assert!(std::mem::replace(&mut kept, rest) == row(number).as_bytes(), "row {number}");
            number += 1;
        }
    }
    assert_eq!((number, kept.len()), (rows, 0));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_long_export_beyond_its_limit_is_a_page_and_within_it_comes_byte_for_byte() {
    let (address, sent) = application().await;
    let house = house(address, "hold = \"16MiB\"").await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "text/html")];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let beyond = line.ask("/long/100000", &session).await;
        assert_eq!((beyond.status.as_u16(), beyond.reason()), (403, "export-over-request-limit"));
        assert!(beyond.text.contains("500") && !beyond.text.contains("MRN-"), "not one byte of it");
        let read = sent.load(Ordering::Relaxed);
        assert!(read < 1500, "{read} rows were read for 500 that may pass");
        takes(&mut house.line("ehr.localhost", protocol).await, &session, 500).await;
    }
    assert_eq!(house.metric("leastway_replies_withheld_total").await, 2);
    assert_eq!(house.metric("leastway_replies_spilled_bytes").await, 0);
    let folder = house.file("data/spill");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0, "{}", folder.display());
    let events = house.stop().await;
    let endings = endings(&events);
    for (position, ending) in endings.iter().enumerate() {
        if position % 2 == 0 {
            let exceeded = ending.exceeded.unwrap();
            assert_eq!((ending.outcome, exceeded.limit), (Outcome::Withheld, LimitName::RecordsPerExport));
            assert!(exceeded.allowed == 500 && (501..550).contains(&exceeded.actual), "{exceeded:?}");
            assert_eq!(ending.reason, Some(Reason::ExportOverRequestLimit));
        } else {
            assert_eq!((ending.outcome, ending.records), (Outcome::Completed, Count::Exactly(500)));
            assert_eq!((ending.exceeded, ending.bytes_out), (None, length(500) as u64));
        }
    }
    assert_eq!(endings.len(), 4);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_for_which_there_is_no_room_stays_here_with_a_way_on() {
    let (address, _) = application().await;
    let house = house(address, "hold = \"1MiB\"\nspill_max = \"4MiB\"").await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str()), ("accept", "text/html")];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let long = line.ask("/long/200", &session).await;
    assert_eq!((long.status.as_u16(), long.reason()), (403, "reply-too-long"));
    assert!(long.text.contains("Ask for less at a time") && !long.text.contains("MRN-"), "{}", long.text);
    takes(&mut house.line("ehr.localhost", Protocol::Http1).await, &session, 100).await;

    // A folder that cannot be made takes nothing, and nothing passes for that.
    let spill = house.file("data/spill");
    std::fs::remove_dir(&spill).unwrap();
    std::fs::write(&spill, "no folder").unwrap();
    let failed = house.line("ehr.localhost", Protocol::Http1).await.ask("/long/100", &session).await;
    assert_eq!((failed.status.as_u16(), failed.reason()), (503, "reply-too-long"));
    assert!(!failed.text.contains("MRN-"));
    let events = house.stop().await;
    let outcomes: Vec<_> = endings(&events).iter().map(|ending| (ending.outcome, ending.reason)).collect();
    let withheld = (Outcome::Withheld, Some(Reason::ReplyTooLong));
    assert_eq!(outcomes, [withheld, (Outcome::Completed, None), withheld]);
}

/// Memory of this process, in bytes.
fn resident() -> u64 {
    let statm = std::fs::read_to_string("/proc/self/statm").unwrap();
    statm.split(' ').nth(1).unwrap().parse::<u64>().unwrap() * 4096
}

/// What the whole process, both ends included, may grow by.
const GROWS: u64 = 64 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_export_that_waits_does_not_take_its_length_of_memory() {
    if !is_alone("spilling::an_export_that_waits_does_not_take_its_length_of_memory") {
        return;
    }
    let (address, _) = application().await;
    let limits = |directory: &leastway::demo::WorkDirectory| {
        append(&directory.root().join("applications/ehr.toml"), ROUTE);
        append(&directory.configuration(), "[guard]\nhold = \"4MiB\"");
        edit(&directory.root().join("roles.toml"), "records_per_export = 500", "records_per_export = 5000");
    };
    let house = House::furnish(Neighbors::Application(address), limits).await;
    let cookie = house.cookie_of("registrar").await;
    let session = [("cookie", cookie.as_str())];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    // The first export makes what stays.
    takes(&mut line, &session, 200).await;
    let before = resident();
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    // The head comes once all 195 MiB are here and counted.
    let reply = line.begin("/long/4872", &session).await;
    assert_eq!(reply.status(), 200);
    assert!(house.metric("leastway_replies_spilled_bytes").await > 180 * 1024 * 1024);
    let mut most = resident();
    let (mut body, mut came) = (reply.into_body(), 0);
    while let Some(frame) = body.frame().await {
        came += frame.unwrap().into_data().unwrap().len();
        most = most.max(resident());
    }
    assert_eq!(came, length(4872));
    let grown = most.saturating_sub(before);
    assert!(grown < GROWS, "grew by {grown} bytes");

    // Whoever leaves before the end leaves nothing behind.
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    drop(line.begin("/long/1000", &session).await);
    drop(line);
    for _ in 0..200 {
        if house.metric("leastway_replies_spilled_bytes").await == 0 {
            break;
        }
        tokio::time::sleep(std::time::Duration::from_millis(25)).await;
    }
    assert_eq!(house.metric("leastway_replies_spilled_bytes").await, 0);
    house.stop().await;
}
