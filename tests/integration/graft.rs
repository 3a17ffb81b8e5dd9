//! A form that was kept is sent with the mark that its application makes anew for each page, or not at all.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Form, State};
use axum::response::{Html, IntoResponse as _, Response};
use axum::routing::{get, post};
use http::header::{COOKIE, SET_COOKIE};
use http::{HeaderMap, StatusCode};
use leastway::demo::browser::{Browser, Reply};
use leastway::domain::application::RouteName;
use leastway::domain::event::Event;
use leastway::domain::event::HoldStep::{Held, Offered, Sent};
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use tokio::net::TcpListener;
use tokio::sync::Notify;

use crate::house::{House, Neighbors, append, edit, without_lock};
use crate::line::Protocol;

const CHART: &str = "/patients/100001";
const NOTES: &str = "/patients/100001/notes";
/// A page of another application of the same host, and one that does something; both have the mark too.
const LETTERS: &str = "/letters/100001";
const NEXT: &str = "/patients/100001/next";

/// An application that takes a form only with the mark of the page that it was given last.
#[derive(Clone, Default)]
struct Chart {
    pages: Arc<AtomicUsize>,
    taken: Arc<AtomicUsize>,
    /// How it is.
    mood: Arc<AtomicUsize>,
    /// A page was asked for that it does not give.
    asked: Arc<Notify>,
}

const AS_EVER: usize = 0;
/// Its pages have no form any more.
const BARE: usize = 1;
/// It takes no form.
const SHUT: usize = 2;
/// It gives no page.
const SILENT: usize = 3;

impl Chart {
    async fn open(&self) -> SocketAddr {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let pages = Router::new().route(CHART, get(page)).route(LETTERS, get(page)).route(NEXT, get(page));
        let router = pages.route(NOTES, post(take)).with_state(self.clone());
        tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        address
    }
}

async fn page(State(chart): State<Chart>) -> Response {
    let mood = chart.mood.load(Ordering::SeqCst);
    if mood == SILENT {
        chart.asked.notify_one();
        std::future::pending::<()>().await;
    }
    let number = chart.pages.fetch_add(1, Ordering::SeqCst) + 1;
    let field = format!("<input type=hidden name=csrf value=\"mark&#32;{number}\">");
    let field = if mood == BARE { String::new() } else { field };
    let html = Html(format!("<form method=post action=notes>{field}<textarea name=text></textarea></form>"));
    ([(SET_COOKIE, format!("CHART={number}; Path=/; HttpOnly"))], html).into_response()
}

async fn take(
    State(chart): State<Chart>,
    headers: HeaderMap,
    Form(form): Form<Vec<(String, String)>>,
) -> Response {
    if chart.mood.load(Ordering::SeqCst) == SHUT {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    }
    let number = chart.pages.load(Ordering::SeqCst);
    let cookies: Vec<_> = headers.get_all(COOKIE).iter().map(|line| line.to_str().unwrap()).collect();
    let value = |name: &str| form.iter().find(|(known, _)| known == name).map(|(_, value)| value.clone());
    let has_cookie = cookies.join("; ").split("; ").any(|crumb| crumb == format!("CHART={number}"));
    if !has_cookie || value("csrf") != Some(format!("mark {number}")) {
        return (StatusCode::FORBIDDEN, format!("{cookies:?} {form:?}")).into_response();
    }
    chart.taken.fetch_add(1, Ordering::SeqCst);
    value("text").unwrap_or_default().into_response()
}

struct Scene {
    house: House,
    clock: Arc<TestClock>,
    chart: Chart,
    browser: Browser,
}

impl Scene {
    /// Somebody has the form before them.
    async fn open() -> Self {
        let (chart, clock) = (Chart::default(), Arc::new(TestClock::at(SystemClock.now())));
        let address = chart.open().await;
        let neighbors = Neighbors::Application(address);
        let house = House::open_at(clock.clone(), neighbors, |clinic| {
            without_lock(clinic);
            let name = "name = \"note.create\"";
            let fresh = format!("{name}\nfresh_fields = [\"csrf\"]");
            edit(&clinic.root().join("applications/ehr.toml"), name, &fresh);
            append(&clinic.root().join("applications/ehr.toml"), &more(address));
        })
        .await;
        let mut browser = house.browser();
        let page = browser.open(&format!("{}{CHART}", house.ehr())).await.unwrap();
        let page = house.enter(&mut browser, &page, "nurse").await;
        assert_eq!(page.status, 200, "{}", page.text());
        Self { house, clock, chart, browser }
    }

    async fn write(&mut self) -> Reply {
        self.write_on(CHART).await
    }

    /// They write for too long on a page, and sign in again: gives the page of what is kept.
    async fn write_on(&mut self, page: &str) -> Reply {
        let old = format!("text=walks+again&csrf=mark+{}", self.chart.pages.load(Ordering::SeqCst));
        self.clock.advance(Duration::from_secs(16 * 60));
        let cookie = |name: &str| format!("{name}={}", self.browser.cookie("ehr.localhost", name).unwrap());
        let cookies = ["__Host-leastway", "__Host-leastway-b", "CHART"].map(cookie).join("; ");
        let page = format!("{}{page}", self.house.ehr());
        let mut line = self.house.line("ehr.localhost", Protocol::Http1).await;
        let fields = [
            ("cookie", &*cookies),
            ("referer", &*page),
            ("accept", "text/html"),
            ("sec-fetch-mode", "navigate"),
            ("sec-fetch-site", "same-origin"),
            ("content-type", "application/x-www-form-urlencoded"),
        ];
        let told = line.post(NOTES, &fields, old.as_bytes()).await;
        assert_eq!(told.reason(), "session-expired", "{}", told.text);
        let way = attribute(&told.text, "href=\"", "/.leastway/sign-in");
        let page = self.browser.open(&format!("{}{way}", self.house.ehr())).await.unwrap();
        // The provider may know them still.
        if page.url.host_str() == Some("ehr.localhost") {
            return page;
        }
        self.house.enter(&mut self.browser, &page, "nurse").await
    }

    async fn send(&mut self, page: &Reply) -> Reply {
        let action = attribute(&page.text(), "action=\"", NOTES);
        self.browser.submit(&format!("{}{action}", self.house.ehr()), &[]).await.unwrap()
    }
}

fn more(address: SocketAddr) -> String {
    format!(
        r#"
[[application.ehr.route]]
name = "patient.next"
match = {{ method = ["GET"], path = "/patients/{{patient}}/next" }}
action = "create"
category = ["clinical"]

[application.letters]
host = "ehr.localhost"
path = "/letters/"
upstream = ["http://{address}"]
provider = "clinic"

[[application.letters.route]]
name = "letter.open"
match = {{ method = ["GET"], path = "/letters/100001" }}
action = "view"
access = "public"
"#
    )
}

/// The first attribute that begins like this.
fn attribute(text: &str, name: &str, begins: &str) -> String {
    let (_, rest) = text.split_once(&format!("{name}{begins}")).unwrap_or_else(|| panic!("{text}"));
    format!("{begins}{}", rest.split('"').next().unwrap()).replace("&amp;", "&").replace("&#38;", "&")
}

/// Which requests of routes came, by method and route, in order.
fn asked(events: &[Event]) -> Vec<(Option<String>, Option<String>)> {
    let mut found: Vec<_> = events.iter().filter(|event| event.opening.route.is_some()).collect();
    found.sort_by_key(|event| event.sequence);
    let told = |event: &'_ Event| {
        let Event { opening, .. } = event;
        (opening.method.as_deref().map(str::to_owned), opening.route.as_ref().map(RouteName::to_string))
    };
    found.into_iter().map(told).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_kept_form_goes_with_the_mark_of_the_page_as_it_is_now() {
    let mut scene = Scene::open().await;
    let held = scene.write().await;
    let pages = scene.chart.pages.load(Ordering::SeqCst);
    let sent = scene.send(&held).await;
    assert_eq!((sent.status.as_u16(), &*sent.text()), (200, "walks again"), "{}", sent.text());
    assert_eq!(scene.chart.pages.load(Ordering::SeqCst), pages + 1, "the page was asked for once");
    assert_eq!(scene.chart.taken.load(Ordering::SeqCst), 1);
    let cookie = scene.browser.cookie("ehr.localhost", "CHART").unwrap();
    assert_eq!(cookie, (pages + 1).to_string(), "the browser goes on with what the page has set");
    let events = scene.house.stop().await;
    let [.., page, form] = &asked(&events)[..] else { panic!() };
    let is = |method: &str, route: &str| (Some(method.to_owned()), Some(route.to_owned()));
    assert_eq!((page, form), (&is("GET", "patient.open"), &is("POST", "note.create")));
    let steps: Vec<_> = events.iter().filter_map(|event| event.opening.hold.as_ref()).collect();
    let has = |step| steps.iter().any(|hold| hold.step == step);
    assert!(has(Held) && has(Offered) && has(Sent));
    let notes: Vec<_> = events.iter().filter_map(|event| event.opening.note.as_deref()).collect();
    assert!(notes.contains(&&*format!("the page of a kept form, for entry {}", steps[0].id)), "{notes:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_of_another_application_or_one_that_does_something_is_not_asked_for() {
    for came_from in [LETTERS, NEXT] {
        let mut scene = Scene::open().await;
        let held = scene.write_on(came_from).await;
        let pages = scene.chart.pages.load(Ordering::SeqCst);
        let told = scene.send(&held).await;
        assert_eq!(told.status, 409, "{came_from} {}", told.text());
        assert_eq!(scene.chart.pages.load(Ordering::SeqCst), pages, "{came_from}");
        assert_eq!(scene.chart.taken.load(Ordering::SeqCst), 0);
        scene.house.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_the_page_sets_is_the_browsers_though_the_form_is_not_taken() {
    let mut scene = Scene::open().await;
    let held = scene.write().await;
    scene.chart.mood.store(SHUT, Ordering::SeqCst);
    let told = scene.send(&held).await;
    assert_eq!(told.status, 500, "{}", told.text());
    let pages = scene.chart.pages.load(Ordering::SeqCst).to_string();
    assert_eq!(scene.browser.cookie("ehr.localhost", "CHART"), Some(&*pages));
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_leaves_while_the_page_is_asked_for_can_still_send() {
    let mut scene = Scene::open().await;
    let held = scene.write().await;
    scene.chart.mood.store(SILENT, Ordering::SeqCst);
    let asked = scene.chart.asked.clone();
    tokio::select! {
        told = scene.send(&held) => panic!("{}", told.text()),
        () = asked.notified() => {}
    }
    scene.chart.mood.store(AS_EVER, Ordering::SeqCst);
    // It is known a moment later that they have left.
    let mut sent = scene.send(&held).await;
    for _ in 0..1000 {
        if sent.status != 409 {
            break;
        }
        sent = scene.send(&held).await;
    }
    assert_eq!((sent.status.as_u16(), &*sent.text()), (200, "walks again"), "{}", sent.text());
    scene.house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_mark_nothing_is_sent_and_it_is_still_there() {
    let mut scene = Scene::open().await;
    let held = scene.write().await;
    scene.chart.mood.store(BARE, Ordering::SeqCst);
    let told = scene.send(&held).await;
    assert_eq!(told.status, 409, "{}", told.text());
    assert!(told.text().contains("Your entry was not sent"), "{}", told.text());
    assert_eq!(scene.chart.taken.load(Ordering::SeqCst), 0);
    let pages = scene.chart.pages.load(Ordering::SeqCst).to_string();
    assert_eq!(
        scene.browser.cookie("ehr.localhost", "CHART"),
        Some(&*pages),
        "the browser has what the page set"
    );
    scene.chart.mood.store(AS_EVER, Ordering::SeqCst);
    let sent = scene.send(&held).await;
    assert_eq!((sent.status.as_u16(), &*sent.text()), (200, "walks again"), "{}", sent.text());
    let events = scene.house.stop().await;
    let sent = events.iter().filter(|event| event.opening.hold.as_ref().is_some_and(|it| it.step == Sent));
    assert_eq!(sent.count(), 1);
}
