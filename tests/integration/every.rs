//! Whatever is asked, however it is answered and whenever its caller leaves: each request has one event, which begins before it ends.

use std::collections::HashMap;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use leastway::domain::event::{Entry, EventKind};
use leastway::features::audit::read::Reader;
use leastway::features::audit::verify::{Expectations, verify};
use leastway::foundation::id::RequestId;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use crate::house::{House, Neighbors};
use crate::line::{Protocol, connect};

/// Who asks.
#[derive(Clone, Copy, Debug)]
enum Who {
    Nobody,
    Nurse,
}

/// What the application does once it has the head.
#[derive(Clone, Copy, Debug)]
enum Does {
    AnswersWhole,
    HangsUp,
    BreaksOff,
    SaysNonsense,
    SaysTooMuchInItsHead,
    GoesOnForEver,
    SaysNothing,
}

impl Does {
    const ALL: [Self; 7] = [
        Self::AnswersWhole,
        Self::HangsUp,
        Self::BreaksOff,
        Self::SaysNonsense,
        Self::SaysTooMuchInItsHead,
        Self::GoesOnForEver,
        Self::SaysNothing,
    ];

    const fn name(self) -> &'static str {
        match self {
            Self::AnswersWhole => "whole",
            Self::HangsUp => "hangs-up",
            Self::BreaksOff => "breaks-off",
            Self::SaysNonsense => "nonsense",
            Self::SaysTooMuchInItsHead => "too-much",
            Self::GoesOnForEver => "for-ever",
            Self::SaysNothing => "nothing",
        }
    }

    const fn ends(self) -> bool {
        !matches!(self, Self::GoesOnForEver | Self::SaysNothing)
    }
}

/// When the caller leaves.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// Once all has come, where anything ends.
    AtTheEnd,
    /// Once the first bytes have come, or the application was reached.
    Early,
    /// At once, without looking.
    AtOnce,
}

#[derive(Clone, Debug)]
struct Asked {
    who: Who,
    method: &'static str,
    place: &'static str,
    does: Does,
    leaves: Leaves,
    /// Of the body that it says is coming, how much comes.
    body: Option<(usize, usize)>,
}

fn asked() -> impl Strategy<Value = Asked> {
    let who = prop_oneof![Just(Who::Nobody), Just(Who::Nurse)];
    let method = prop_oneof![
        6 => Just("GET"), 1 => Just("HEAD"), 2 => Just("POST"), 1 => Just("PUT"), 1 => Just("DELETE"), 1 => Just("OPTIONS"),
    ];
    // Of a public page, a record, a form, nothing that there is, a page of ours, and what is no path.
    let place = prop_oneof![
        3 => Just("/static/"),
        3 => Just("/patients/"),
        1 => Just("/patients/7/notes?"),
        1 => Just("/nowhere/"),
        1 => Just("/.leastway/me?"),
        1 => Just("/static/..%2f"),
    ];
    let leaves =
        prop_oneof![3 => Just(Leaves::AtTheEnd), 2 => Just(Leaves::Early), 1 => Just(Leaves::AtOnce)];
    let body = prop_oneof![
        4 => Just(None),
        2 => (0..3000_usize).prop_map(|bytes| Some((bytes, bytes))),
        1 => (1..3000_usize).prop_map(|bytes| Some((bytes, bytes / 2))),
    ];
    (who, method, place, prop::sample::select(&Does::ALL[..]), leaves, body)
        .prop_map(|(who, method, place, does, leaves, body)| Asked { who, method, place, does, leaves, body })
}

/// An application of which nothing can be relied on; it ends with the test.
struct Unreliable {
    address: SocketAddr,
    reached: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Unreliable {
    async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let reached = Arc::new(AtomicUsize::new(0));
        let counted = reached.clone();
        let task = tokio::spawn(async move {
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                // Whoever hangs up on it is the gateway's to tell.
                let counted = counted.clone();
                tokio::spawn(async move { drop(misbehave(stream, &counted).await) });
            }
        });
        Self { address, reached, task }
    }
}

impl Drop for Unreliable {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn misbehave(mut stream: TcpStream, reached: &AtomicUsize) -> std::io::Result<()> {
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        head.push(stream.read_u8().await?);
    }
    reached.fetch_add(1, Ordering::SeqCst);
    let line = String::from_utf8_lossy(&head).lines().next().unwrap_or_default().to_owned();
    let Some(does) = Does::ALL.into_iter().find(|does| line.contains(does.name())) else { return Ok(()) };
    match does {
        Does::AnswersWhole => {
            stream
                .write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 7\r\n\r\na chart")
                .await?;
        }
        Does::HangsUp => {}
        Does::BreaksOff => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 7000\r\n\r\na ch").await?,
        Does::SaysNonsense => stream.write_all(b"what is it you want?\r\n\r\n").await?,
        Does::SaysTooMuchInItsHead => {
            let head = format!("HTTP/1.1 200 OK\r\nx-long: {}\r\n\r\n", "x".repeat(1 << 20));
            stream.write_all(head.as_bytes()).await?;
        }
        Does::GoesOnForEver => {
            stream.write_all(b"HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'x'; 1024]).await?;
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        }
        // Until the gateway leaves.
        Does::SaysNothing => while stream.read(&mut [0; 1024]).await? > 0 {},
    }
    stream.flush().await
}

/// Asks, and leaves as it is to; gives the reference in the reply, if one came.
async fn ask(house: &House, application: &Unreliable, cookie: &str, asked: &Asked) -> Option<RequestId> {
    let authority = std::fs::read(house.directory.authority()).unwrap();
    let mut stream = connect(&authority, "ehr.localhost", house.ports.gateway, b"http/1.1").await;
    let here = format!("ehr.localhost:{}", house.ports.gateway);
    let Asked { who, method, place, does, leaves, body } = asked;
    let session = match who {
        Who::Nobody => String::new(),
        Who::Nurse => format!("cookie: {cookie}\r\norigin: https://{here}\r\n"),
    };
    let (length, comes) =
        body.map_or_else(Default::default, |(bytes, comes)| (format!("content-length: {bytes}\r\n"), comes));
    let head = format!(
        "{method} {place}{} HTTP/1.1\r\nhost: {here}\r\nconnection: close\r\n{session}{length}\r\n",
        does.name()
    );
    let before = application.reached.load(Ordering::SeqCst);
    // It may have refused and hung up by then.
    drop(stream.write_all(head.as_bytes()).await);
    drop(stream.write_all(&vec![b'x'; comes]).await);
    drop(stream.flush().await);
    let is_whole = body.is_none_or(|(bytes, comes)| bytes == comes);
    let mut came = Vec::new();
    match leaves {
        Leaves::AtTheEnd if does.ends() && is_whole => {
            let reading = stream.read_to_end(&mut came);
            drop(
                tokio::time::timeout(Duration::from_secs(20), reading)
                    .await
                    .expect("it neither ends nor breaks off"),
            );
        }
        Leaves::AtTheEnd | Leaves::Early => {
            let reached = async {
                while application.reached.load(Ordering::SeqCst) == before {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
            };
            let mut piece = vec![0; 4096];
            tokio::select! {
                read = stream.read(&mut piece) => came.extend_from_slice(&piece[..read.unwrap_or(0)]),
                () = reached => {}
                // Half a body, for which whoever has to read it waits.
                () = tokio::time::sleep(Duration::from_millis(300)) => {}
            }
        }
        Leaves::AtOnce => {}
    }
    let text = String::from_utf8_lossy(&came);
    let mut lines = text.lines().take_while(|line| !line.is_empty());
    lines.find_map(|line| line.strip_prefix("x-request-id: ")?.parse().ok())
}

/// Once all has ended, there are as many events as requests.
async fn settled(house: &House) -> (u64, u64) {
    let mut counted = (0, 0);
    for _ in 0..400 {
        counted =
            (house.metric("leastway_requests_total").await, house.metric("leastway_events_total").await);
        if counted.0 == counted.1 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    counted
}

async fn each_has_one_event(all: Vec<Asked>) {
    let application = Unreliable::start().await;
    let house = House::open(Neighbors::Application(application.address)).await;
    let cookie = nurse(&house).await;
    let mut referred = Vec::new();
    for asked in &all {
        referred.extend(ask(&house, &application, &cookie, asked).await);
    }
    // What was asked at once has come by now, or never does.
    let _last = house.line("ehr.localhost", Protocol::Http1).await.ask("/nowhere", &[]).await;
    let (requests, events) = settled(&house).await;
    assert_eq!(requests, events);
    assert!(referred.len() as u64 <= requests);

    let journal = house.directory.journal();
    house.running.stop().await.unwrap();
    let report = verify(&journal, &Expectations::default()).unwrap();
    assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
    let mut entries: HashMap<RequestId, (usize, usize)> = HashMap::new();
    let mut begun = 0;
    for stored in Reader::open(&journal).unwrap() {
        match stored.unwrap().entry {
            Entry::Opening(opening) => {
                let is_request = matches!(
                    opening.kind,
                    EventKind::Request | EventKind::Authentication | EventKind::OwnPath
                );
                begun += u64::from(is_request);
                let found = entries.entry(opening.event).or_default();
                assert_eq!(*found, (0, 0), "one opening, before any closing");
                found.0 += 1;
            }
            Entry::Closing(closing) => {
                let found = entries.entry(closing.event).or_default();
                assert_eq!(*found, (1, 0), "one closing, after its opening");
                found.1 += 1;
            }
        }
    }
    assert_eq!(begun, requests);
    assert!(entries.values().all(|found| *found == (1, 1)), "each has ended");
    referred.sort_unstable();
    referred.dedup_by(|one, other| {
        assert_ne!(one, other, "one reference for each");
        false
    });
    assert!(referred.iter().all(|event| entries.contains_key(event)), "each reply leads to its event");
}

/// Signs a nurse in by the provider's pages; the way back leads to a page that is nowhere.
async fn nurse(house: &House) -> String {
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/patients/whole", house.ehr())).await.unwrap();
    house.enter(&mut browser, &page, "nurse").await;
    let name = leastway::features::session::SESSION_COOKIE;
    format!("{name}={}", browser.cookie("ehr.localhost", name).unwrap())
}

#[test]
fn each_of_any_requests_has_one_event_that_begins_before_it_ends_and_the_journal_verifies() {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
    let mut runner = TestRunner::new(Config {
        cases: 6,
        max_shrink_iters: 20,
        failure_persistence: None,
        ..Config::default()
    });
    let sequence = prop::collection::vec(asked(), 1..40);
    let held = runner.run(&sequence, |all| {
        runtime.block_on(each_has_one_event(all));
        Ok(())
    });
    held.unwrap();
}
