//! Documents on their way: to receivers that take, refuse, wait, break off.

mod frames;
mod letters;
mod picks;
mod places;
mod receivers;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::http::HeaderMap;
use axum::response::Response;
use tokio::net::TcpListener;
use tokio::sync::watch;

use super::courier::{Courier, Delivery};
use super::document::{Document, Severity};
use super::format::Format;
use super::settings::{Beginning, ExportSettings, HttpTarget, OnRefused, Protocol, Selection, Target};
use super::standing::Standing;
use crate::domain::event::EventKind;
use crate::foundation::clock::{TestClock, Timestamp};
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::RequestId;
use crate::platform::tls::client::Trust;

/// 2026-03-01T08:00:00Z.
const MORNING: Timestamp = Timestamp::from_seconds(1_772_352_000);

/// A document whose text says which it is.
fn document(number: u64, text: &str) -> Document {
    Document {
        sequence: number,
        event: RequestId::new(MORNING, &SystemEntropy),
        kind: EventKind::Request,
        time: MORNING.plus(Duration::from_secs(number)),
        severity: Severity::Informational,
        bytes: text.as_bytes().to_vec(),
    }
}

/// So many documents of JSON, each with its number.
fn documents(numbers: std::ops::Range<u64>) -> Vec<Document> {
    numbers.map(|number| document(number, &format!("{{\"number\":{number}}}"))).collect()
}

/// What came, request by request.
type Came = Arc<Mutex<Vec<(HeaderMap, String)>>>;

/// A receiver that answers the request of this number and body.
async fn receiver(
    answer: impl Fn(usize, &str) -> Response<String> + Clone + Send + Sync + 'static,
) -> (SocketAddr, Came) {
    let came = Came::default();
    let taken = came.clone();
    let serve = move |headers: HeaderMap, body: Bytes| {
        let (taken, answer) = (taken.clone(), answer.clone());
        async move {
            let body = String::from_utf8(body.to_vec()).unwrap();
            let mut taken = taken.lock().unwrap();
            taken.push((headers, body.clone()));
            answer(taken.len(), &body)
        }
    };
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, Router::new().fallback(serve)).await });
    (address, came)
}

fn status(status: u16, body: &str) -> Response<String> {
    Response::builder().status(status).body(body.to_owned()).unwrap()
}

fn http(folder: &Path, address: SocketAddr, protocol: Protocol) -> ExportSettings {
    let target = HttpTarget {
        url: format!("http://{address}/in"),
        protocol,
        trust: Trust::default(),
        headers: Vec::new(),
        token: None,
        signing: None,
    };
    settings(folder, Target::Http(Box::new(target)))
}

fn settings(folder: &Path, target: Target) -> ExportSettings {
    ExportSettings {
        name: "x".parse().unwrap(),
        target,
        format: Format::Json,
        selection: Selection::default(),
        from: Beginning::Now,
        batch: 100,
        every: Duration::from_secs(1),
        timeout: Duration::from_secs(5),
        on_refused: OnRefused::Keep,
        refused: folder.join("refused.ndjson"),
    }
}

fn courier(settings: ExportSettings) -> (Courier, Arc<Standing>) {
    let standing = Arc::new(Standing::default());
    let clock = Arc::new(TestClock::at(MORNING));
    (Courier::new(settings, "node-1", standing.clone(), clock).unwrap(), standing)
}

/// Hands all over, however long it takes, but not for ever.
async fn deliver(courier: &mut Courier, documents: &[Document]) -> Delivery {
    let (_stop, mut stopped) = watch::channel(false);
    tokio::time::timeout(Duration::from_secs(20), courier.deliver(documents, &mut stopped)).await.unwrap()
}

/// What an export has counted: delivered, failed, refused.
fn counted(standing: &Standing) -> (u64, u64, u64) {
    let now = standing.now("x".parse().unwrap(), 0, MORNING);
    (now.delivered, now.failed, now.refused)
}

/// The numbers of documents in an array, or in lines, of JSON.
fn numbers(body: &str) -> Vec<u64> {
    let number = |value: &serde_json::Value| value["number"].as_u64().unwrap();
    match serde_json::from_str::<Vec<serde_json::Value>>(body) {
        Ok(array) => array.iter().map(number).collect(),
        Err(_) => body.lines().map(|line| number(&serde_json::from_str(line).unwrap())).collect(),
    }
}
