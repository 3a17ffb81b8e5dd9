//! The administration console of the clinic's interface engine: queues of messages, a live log over a
//! WebSocket, and a configuration that can be taken away.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, State};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::routing::{get, post};
use serde::Deserialize;
use serde_json::json;

use super::deliver::{Content, deliver, person_corner};
use super::files::push_row;
use super::html::{Site, icon, style};

const SITE: Site = Site {
    name: "Interface console",
    class: "console",
    links: &[("Home", "/"), ("Queues", "/queues"), ("Live log", "/live")],
};

/// The queues, and how many failed messages each has at the start.
const QUEUES: [(&str, u32); 4] = [("admissions", 12), ("billing", 45), ("laboratory", 30), ("radiology", 53)];

/// How large a message of the live log may be.
const SOCKET_MESSAGE_BYTES: usize = 4_096;

/// How often the live log has something to say.
const LOG_EVERY: Duration = Duration::from_secs(5);

#[derive(Debug)]
struct Console {
    queues: Mutex<BTreeMap<&'static str, u32>>,
}

type Shared = State<Arc<Console>>;

/// All of its pages.
pub(super) fn router() -> axum::Router {
    let console = Console { queues: Mutex::new(QUEUES.into_iter().collect()) };
    axum::Router::new()
        .route("/", get(home))
        .route("/queues", get(queues))
        .route("/queues/{queue}/delete", post(delete))
        .route("/messages.csv", get(messages))
        .route("/live", get(live))
        .route("/live/socket", get(socket))
        .route("/configuration.json", get(configuration))
        .route("/static/console.js", get(script))
        .route("/static/clinic.css", get(style))
        .route("/static/clinic.svg", get(icon))
        .with_state(Arc::new(console))
}

impl Console {
    fn queues(&self) -> BTreeMap<&'static str, u32> {
        self.queues.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

fn page(headers: &HeaderMap, title: &str, body: &str) -> Response {
    let bytes = SITE.page(title, &person_corner(headers), body).into_bytes();
    deliver(headers, Content { kind: "text/html; charset=utf-8", file: None, bytes })
}

async fn home(headers: HeaderMap) -> Response {
    let body = "<section><p>Messages between the EHR and the other systems pass through here.</p>\
                <a class=\"button\" href=\"/queues\">Queues</a> <a class=\"button\" href=\"/live\">Live log</a>\
                <a class=\"button\" href=\"/configuration.json\">Export the configuration</a></section>";
    page(&headers, "Interface engine", body)
}

async fn queues(State(console): Shared, headers: HeaderMap) -> Response {
    let mut body = "<p>Failed messages: <a href=\"/messages.csv\">all as CSV</a></p>\
                    <table><tr><th>Queue<th>Failed<th>Save<th>Delete</tr>"
        .to_owned();
    for (name, failed) in console.queues() {
        // Writing to a `String` cannot fail.
        write!(
            body,
            "<tr><td>{name}<td class=\"number\">{failed}<td><a href=\"/messages.csv?queue={name}\">CSV</a>\
             <td><form method=\"post\" action=\"/queues/{name}/delete\"><button class=\"quiet\">Delete all</button></form></tr>"
        )
        .unwrap_or_default();
    }
    body.push_str("</table>");
    page(&headers, "Queues", &body)
}

async fn delete(State(console): Shared, Path(queue): Path<String>) -> Response {
    let mut queues = console.queues.lock().unwrap_or_else(PoisonError::into_inner);
    match queues.get_mut(queue.as_str()) {
        Some(failed) => *failed = 0,
        None => return StatusCode::NOT_FOUND.into_response(),
    }
    Redirect::to("/queues").into_response()
}

#[derive(Deserialize)]
struct MessagesQuery {
    queue: Option<String>,
}

async fn messages(
    State(console): Shared,
    Query(query): Query<MessagesQuery>,
    headers: HeaderMap,
) -> Response {
    let mut text = String::new();
    push_row(&mut text, &["Message", "Queue", "MRN", "Error"]);
    for (name, failed) in console.queues() {
        if query.queue.as_deref().is_some_and(|queue| queue != name) {
            continue;
        }
        for number in 1..=failed {
            let mrn = (100_001 + number * 91).to_string();
            push_row(
                &mut text,
                &[&format!("{name}-{number:05}"), name, &mrn, "refused by the receiver, 3 times"],
            );
        }
    }
    let content =
        Content { kind: "text/csv; charset=utf-8", file: Some("messages.csv"), bytes: text.into_bytes() };
    deliver(&headers, content)
}

async fn configuration(headers: HeaderMap) -> Response {
    let channels: Vec<_> = QUEUES
        .into_iter()
        .map(|(name, _)| json!({ "name": name, "protocol": "mllp", "to": format!("{name}.clinic.example:2575") }))
        .collect();
    let bytes = json!({ "engine": "demo", "channels": channels }).to_string().into_bytes();
    deliver(&headers, Content { kind: "application/json", file: Some("configuration.json"), bytes })
}

async fn live(headers: HeaderMap) -> Response {
    let body = "<p>What the engine does, and an echo of what you write.</p><pre id=\"log\" aria-live=\"polite\"></pre>\
                <form id=\"say\"><label for=\"text\">Say something</label><input id=\"text\" name=\"text\" autocomplete=\"off\">\
                <button>Send</button></form><script src=\"/static/console.js\" defer></script>";
    page(&headers, "Live log", body)
}

async fn script() -> Response {
    let script = include_str!("console.js");
    ([(CONTENT_TYPE, "text/javascript; charset=utf-8"), (CACHE_CONTROL, "max-age=300")], script)
        .into_response()
}

async fn socket(State(console): Shared, upgrade: WebSocketUpgrade) -> Response {
    upgrade
        .max_message_size(SOCKET_MESSAGE_BYTES)
        .max_frame_size(SOCKET_MESSAGE_BYTES)
        .on_upgrade(async move |socket| talk(socket, &console).await)
}

/// Talks until either side has had enough.
async fn talk(mut socket: WebSocket, console: &Console) {
    let mut every = tokio::time::interval(LOG_EVERY);
    loop {
        let line = tokio::select! {
            _ = every.tick() => {
                let failed: u32 = console.queues().values().sum();
                format!("engine: 4 channels are up, {failed} messages have failed")
            }
            received = socket.recv() => match received {
                Some(Ok(Message::Text(text))) => format!("echo: {text}"),
                Some(Ok(Message::Binary(_) | Message::Ping(_) | Message::Pong(_))) => continue,
                Some(Ok(Message::Close(_)) | Err(_)) | None => return,
            },
        };
        if socket.send(Message::Text(line.into())).await.is_err() {
            return;
        }
    }
}
