//! Events are handed on to receivers that fail, are slow, go away: each at least once, in order, and on from where it stopped.

use std::collections::HashSet;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::StatusCode;
use leastway::app::administer::Administered;
use leastway::app::reload::Reloaded;
use leastway::config::load;
use leastway::domain::event::Event;
use leastway::features::audit::journal::Journal;
use leastway::features::audit::settings::{JournalSettings, Sync};
use leastway::features::export::ExportNow;
use leastway::foundation::clock::SystemClock;
use leastway::foundation::entropy::SystemEntropy;
use rustls::pki_types::PrivateKeyDer;
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

use crate::house::{House, Neighbors, append};
use crate::line::Protocol;

/// The identifiers of the events that were taken, as they came.
type Taken = Arc<Mutex<Vec<String>>>;

/// A receiver by HTTP whose answer changes.
#[derive(Clone)]
struct Receiver {
    answer: Arc<AtomicU16>,
    taken: Taken,
}

/// Takes what it is sent, and then says nothing.
const HANGS: u16 = 0;

impl Receiver {
    async fn open() -> (SocketAddr, Self) {
        let receiver = Self { answer: Arc::new(AtomicU16::new(200)), taken: Taken::default() };
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = Router::new().fallback(Self::serve).with_state(receiver.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (address, receiver)
    }

    async fn serve(State(receiver): State<Self>, body: Bytes) -> StatusCode {
        let answer = receiver.answer.load(Ordering::Relaxed);
        if answer == HANGS {
            // It has taken them, and the sender does not know.
            take(&receiver.taken, &body);
            tokio::time::sleep(Duration::from_secs(60)).await;
        }
        if answer == 200 {
            take(&receiver.taken, &body);
        }
        StatusCode::from_u16(answer.max(200)).unwrap()
    }

    fn answers(&self, status: u16) {
        self.answer.store(status, Ordering::Relaxed);
    }
}

/// Notes the events of lines of JSON.
fn take(taken: &Taken, lines: &[u8]) {
    let event = |line: &[u8]| {
        let line: serde_json::Value = serde_json::from_slice(line).unwrap();
        line["opening"]["event"].as_str().unwrap().to_owned()
    };
    let lines = lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    taken.lock().unwrap().extend(lines.map(event));
}

async fn open(export: &str) -> House {
    House::furnish(Neighbors::All, |clinic| append(&clinic.root().join("roles.toml"), export)).await
}

/// So many requests, each an event.
async fn work(house: &House, requests: usize) {
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    for _ in 0..requests {
        let refused = line.ask("/patients/100001", &[]).await;
        assert_eq!(refused.reason(), "sign-in-required", "nobody on a request's way waits");
    }
}

/// Waits until an export has handed all on, and gives how it stands.
async fn caught_up(house: &House) -> ExportNow {
    until(house, |now| now.lag_entries == 0 && now.fault.is_none()).await
}

async fn until(house: &House, is_so: impl Fn(&ExportNow) -> bool) -> ExportNow {
    let mut last = None;
    for _ in 0..400 {
        let shared = &house.running.shared;
        let now = shared.exports.now(shared.journal.head().sequence, shared.clock.now());
        match now.into_iter().next() {
            Some(now) if is_so(&now) => return now,
            now => last = now,
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("it never came to that: {last:?}")
}

/// What came, each once, is what ended first, in that order: at least so many.
fn is_the_beginning_of(taken: &[String], events: &[Event], least: usize) {
    let mut seen = HashSet::new();
    let once: Vec<&String> = taken.iter().filter(|event| seen.insert(event.as_str())).collect();
    let ended: Vec<String> = events.iter().map(|event| event.opening.event.to_string()).collect();
    assert!(once.len() >= least, "{} of {}", once.len(), ended.len());
    let expected: Vec<&String> = ended.iter().take(once.len()).collect();
    assert_eq!(once, expected);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_arrives_in_order_through_failures_and_restarts() {
    let (address, receiver) = Receiver::open().await;
    let house = open(&format!(
        "[export.lake]\nto = \"http://{address}/in\"\nas = \"json\"\nfrom = \"start\"\nevery = \"100ms\"\nbatch = 7\ntimeout = \"1s\"\n"
    ))
    .await;
    work(&house, 20).await;
    let now = caught_up(&house).await;
    assert!(now.delivered >= 20 && now.failed == 0, "{now:?}");

    receiver.answers(503);
    work(&house, 20).await;
    let now = until(&house, |now| now.failed > 1).await;
    assert!(now.lag_entries >= 20 && now.fault.as_deref() == Some("it answered 503"), "{now:?}");
    assert!(house.metric("leastway_export_failed_total").await > 1);
    assert!(house.metric("leastway_export_lag_entries").await >= 20);
    let (status, ready) = house.control("/readyz").await;
    assert_eq!(status, 200, "a receiver that is down makes nobody else wait");
    assert!(ready.contains(r#""export":"lake","failing":true"#), "{ready}");

    // Down while it fails, and up again while it still does.
    let house = house.restart().await;
    work(&house, 5).await;
    until(&house, |now| now.failed > 0).await;
    receiver.answers(HANGS);
    until(&house, |now| now.fault.as_deref().is_some_and(|fault| fault.contains("did not answer"))).await;
    let house = house.restart().await;
    receiver.answers(200);
    work(&house, 5).await;
    caught_up(&house).await;
    assert_eq!(house.metric("leastway_export_refused_total").await, 0);

    let control = load(&house.directory.configuration()).unwrap().settings.control;
    let told = Administered::by(&control).unwrap().exports().await.unwrap();
    assert_eq!((told.len(), told[0].export.as_str(), told[0].lag_entries), (1, "lake", 0), "{told:?}");

    let events = house.stop().await;
    is_the_beginning_of(&receiver.taken.lock().unwrap(), &events, 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_file_has_whole_lines_and_goes_on_after_a_crash_left_half_of_one() {
    let house =
        open("[export.file]\nto = \"file:out/events.ndjson\"\nfrom = \"start\"\nevery = \"100ms\"\n").await;
    let file = house.file("out/events.ndjson");
    // Its folder is not there yet: somebody has to make it, and nothing is lost meanwhile.
    work(&house, 3).await;
    until(&house, |now| now.fault.is_some()).await;
    std::fs::create_dir(house.file("out")).unwrap();
    caught_up(&house).await;
    let house = house
        .restart_after(|| {
            use std::io::Write as _;
            let mut file = std::fs::OpenOptions::new().append(true).open(&file).unwrap();
            file.write_all(b"{\"node\":\"half of a li").unwrap();
        })
        .await;
    work(&house, 3).await;
    caught_up(&house).await;
    let taken = Taken::default();
    take(&taken, &std::fs::read(&file).unwrap());
    let events = house.stop().await;
    let taken = taken.lock().unwrap();
    is_the_beginning_of(&taken, &events, 8);
    assert_eq!(
        taken.len(),
        taken.iter().collect::<HashSet<_>>().len(),
        "and none comes twice after a clean stop"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_refused_is_kept_a_reload_keeps_the_place_and_a_new_export_begins_now() {
    let (address, receiver) = Receiver::open().await;
    let house = open("").await;
    work(&house, 4).await;
    let export = format!("[export.hook]\nto = \"http://{address}/\"\nas = \"json\"\nevery = \"100ms\"\n");
    append(&house.file("roles.toml"), &export);
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    let before = caught_up(&house).await.position;
    work(&house, 2).await;
    let now = until(&house, |now| now.lag_entries == 0 && now.position > before).await;
    assert!(now.delivered >= 2 && now.delivered <= 5, "what had ended before is not sent: {now:?}");

    receiver.answers(400);
    work(&house, 3).await;
    let now = until(&house, |now| now.refused >= 3 && now.lag_entries == 0).await;
    assert_eq!(now.fault, None, "what is refused holds nobody up");
    let refused = std::fs::read_to_string(house.file("data/hook.refused.ndjson")).unwrap();
    assert_eq!(refused.lines().count() as u64, now.refused);
    assert!(refused.contains(r#""why":"it answered 400""#), "{refused}");

    // Other settings under the same name: the place is the same.
    receiver.answers(503);
    work(&house, 2).await;
    until(&house, |now| now.fault.is_some()).await;
    crate::house::edit(&house.file("roles.toml"), "every = \"100ms\"", "every = \"200ms\"");
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    let taken_before = receiver.taken.lock().unwrap().len();
    receiver.answers(200);
    caught_up(&house).await;
    let taken = receiver.taken.lock().unwrap()[taken_before..].to_vec();
    let events = house.stop().await;
    let ids: Vec<String> = events.iter().map(|event| event.opening.event.to_string()).collect();
    let first = ids.iter().position(|id| *id == taken[0]).unwrap();
    assert!(taken.len() >= 3, "two requests and the reload");
    assert_eq!(taken, ids[first..first + taken.len()], "nothing between is left out");
    assert!(
        refused.lines().last().unwrap().contains(&ids[first - 1]),
        "and it goes on behind what was refused"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_another_journal_all_is_handed_on_and_that_is_told() {
    let (address, receiver) = Receiver::open().await;
    let house = open(&format!(
        "[export.lake]\nto = \"http://{address}/\"\nas = \"json\"\nevery = \"100ms\"\nfrom = \"start\"\n"
    ))
    .await;
    work(&house, 10).await;
    caught_up(&house).await;
    let (journal, keys) = (house.directory.journal(), house.file("data/seals"));
    let house = house
        .restart_after(|| {
            std::fs::remove_dir_all(&journal).unwrap();
            receiver.taken.lock().unwrap().clear();
            // One that is longer than the place that is kept: its numbers alone do not tell it from the one that was followed.
            let settings =
                JournalSettings { keys, ..JournalSettings::usual(journal, 1 << 20, Sync::BeforeRelease) };
            for _ in 0..60 {
                Journal::open(&settings, Arc::new(SystemClock), Arc::new(SystemEntropy)).unwrap().close();
            }
        })
        .await;
    caught_up(&house).await;
    work(&house, 1).await;
    caught_up(&house).await;
    let events = house.stop().await;
    is_the_beginning_of(&receiver.taken.lock().unwrap(), &events, 3);
    let told = |event: &Event| {
        event.opening.note.as_deref().is_some_and(|note| note.contains("not the one it followed"))
    };
    assert_eq!(events.iter().filter(|event| told(event)).count(), 1);
}

/// A receiver of syslog over TLS: of its first connections it reads only so many frames, of all others everything.
async fn syslog(breaks: usize) -> (u16, String, Taken, Arc<AtomicUsize>) {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = rustls::ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![made.cert.der().clone()], key)
        .unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let (taken, connections) = (Taken::default(), Arc::new(AtomicUsize::new(0)));
    let (to, count) = (taken.clone(), connections.clone());
    tokio::spawn(async move {
        let acceptor = TlsAcceptor::from(Arc::new(config));
        while let Ok((stream, _)) = listener.accept().await {
            let Ok(mut stream) = acceptor.accept(stream).await else { continue };
            let number = count.fetch_add(1, Ordering::Relaxed);
            let mut read = 0;
            while let Some(message) = frame(&mut stream).await {
                let (_, line) = message.split_once('\u{feff}').unwrap();
                take(&to, line.as_bytes());
                read += 1;
                if number < breaks && read == 3 {
                    break;
                }
            }
        }
    });
    (port, made.cert.pem(), taken, connections)
}

async fn frame(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> Option<String> {
    let mut length = 0;
    loop {
        match stream.read_u8().await.ok()? {
            b' ' => break,
            digit => length = length * 10 + usize::from(digit - b'0'),
        }
    }
    let mut message = vec![0; length];
    stream.read_exact(&mut message).await.ok()?;
    String::from_utf8(message).ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn by_syslog_over_tls_what_a_connection_lost_comes_again_and_what_was_read_does_not() {
    let (port, authority, taken, connections) = syslog(2).await;
    let house = House::furnish(Neighbors::All, |clinic| {
        std::fs::write(clinic.root().join("siem.pem"), authority).unwrap();
        let export = format!(
            "[export.siem]\nto = \"syslog+tls://localhost:{port}\"\nauthorities = \"file:siem.pem\"\nfrom = \"start\"\nevery = \"100ms\"\n"
        );
        append(&clinic.root().join("roles.toml"), &export);
    })
    .await;
    work(&house, 12).await;
    until(&house, |now| now.failed >= 2 && now.lag_entries == 0 && now.fault.is_none()).await;
    work(&house, 3).await;
    caught_up(&house).await;
    let house = house.restart().await;
    let taken_before = taken.lock().unwrap().len();
    let connections_before = connections.load(Ordering::Relaxed);
    work(&house, 3).await;
    caught_up(&house).await;
    let events = house.stop().await;
    assert_eq!((connections_before, connections.load(Ordering::Relaxed)), (3, 4));
    let taken = taken.lock().unwrap();
    is_the_beginning_of(&taken, &events, 18);
    let (before, after) = taken.split_at(taken_before);
    assert!(
        after.iter().all(|event| !before.contains(event)),
        "its receiver had read all before the restart"
    );
    assert!(
        before.len() > before.iter().collect::<HashSet<_>>().len(),
        "what two connections lost came again"
    );
}
