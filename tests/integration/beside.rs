//! What people notice in their browsers beside pages: requests by script of other origins, the script that signs in
//! beside a page, and how applications are signed out.

use std::collections::BTreeSet;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::response::IntoResponse as _;
use base64::Engine as _;
use http::{HeaderMap, Method, Request};
use leastway::app::reload::Reloaded;
use leastway::domain::application::ProviderName;
use leastway::domain::event::Event;
use leastway::domain::event::EventKind;
use leastway::domain::reason::Reason;
use leastway::domain::revocation::Cause;
use leastway::foundation::clock::{Clock as _, SystemClock, TestClock};
use serde_json::Value;
use tokio::net::TcpListener;

use crate::framing::OPEN;
use crate::house::{House, Neighbors, append, edit};
use crate::line::{Came, Protocol};

const MINUTE: Duration = Duration::from_secs(60);
const PORTAL: &str = "https://portal.clinic.example";
const JSON: (&str, &str) = ("accept", "application/json");

/// What reached an application: method, path and query, cookies and body.
type Reached = Arc<Mutex<Vec<(Method, String, String, String)>>>;

/// An application with pages and a session of its own.
async fn application() -> (SocketAddr, Reached) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    let reached = Reached::default();
    let kept = reached.clone();
    let router = Router::new().fallback(move |request: Request<Body>| async move {
        let cookie = request.headers().get("cookie").map_or("", |cookie| cookie.to_str().unwrap()).to_owned();
        let (path, method) = (request.uri().to_string(), request.method().clone());
        let body = axum::body::to_bytes(request.into_body(), 1024).await.unwrap();
        let body = String::from_utf8(body.to_vec()).unwrap();
        kept.lock().unwrap().push((method, path.clone(), cookie, body));
        let page = "<!doctype html><html><head><title>EHR</title></head><body>a page</body></html>";
        let policy = if path == "/open/strict" { "script-src 'none'" } else { "frame-ancestors 'self'" };
        let head = [
            ("content-type", "text/html; charset=utf-8"),
            ("etag", "\"1\""),
            ("content-security-policy", policy),
            ("set-cookie", "JSESSIONID=theirs; Path=/; HttpOnly"),
        ];
        (head, page).into_response()
    });
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (address, reached)
}

/// With these keys of the EHR, and these tables.
async fn house(neighbors: Neighbors, keys: &str, tables: &str) -> House {
    House::furnish(neighbors, |directory| declare(directory.root(), keys, tables)).await
}

fn declare(root: &std::path::Path, keys: &str, tables: &str) {
    let file = root.join("applications/ehr.toml");
    edit(&file, "unmatched = \"deny\"", &format!("{keys}\nunmatched = \"deny\""));
    append(&file, &format!("{tables}\n{OPEN}"));
}

const CORS: &str = "[application.ehr.cors]\norigins = [\"https://portal.clinic.example\"]\n";
const SIGN_OUT: &str = "[application.ehr.sign_out]\npath = \"/open/logout\"\ncookies = [\"JSESSIONID\"]\n";

fn header<'a>(reply: &'a HeaderMap, name: &str) -> &'a str {
    reply.get(name).map_or("", |value| value.to_str().unwrap())
}

fn problem(reply: &Came) -> Value {
    serde_json::from_str(&reply.text).unwrap_or_else(|_| panic!("{}", reply.text))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_declared_origin_asks_first_without_a_session_and_reads_refusals_and_no_other_does() {
    let house = house(Neighbors::All, "", CORS).await;
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let before = house.reached();
        let wants = ("access-control-request-method", "DELETE");
        let asked = line.by(Method::OPTIONS, "/patients/100001", &[("origin", PORTAL), wants], b"").await;
        assert_eq!(
            (asked.status.as_u16(), header(&asked.headers, "access-control-allow-origin")),
            (204, PORTAL)
        );
        assert_eq!(header(&asked.headers, "access-control-allow-credentials"), "true");
        assert_eq!(
            header(&asked.headers, "access-control-allow-methods"),
            "GET, HEAD, POST, PUT, PATCH, DELETE"
        );
        assert_eq!(header(&asked.headers, "access-control-max-age"), "600");
        let nowhere = line.by(Method::OPTIONS, "/no/route", &[("origin", PORTAL), wants], b"").await;
        assert_eq!(nowhere.status, 204, "it tells nothing of what is there");
        let evil = [("origin", "https://evil.example"), wants, JSON];
        let asked = line.by(Method::OPTIONS, "/patients/100001", &evil, b"").await;
        assert_eq!(asked.status, 404, "no route takes OPTIONS");
        assert!(!asked.headers.contains_key("access-control-allow-origin"));
        assert_eq!(house.reached(), before, "nothing reaches the application");
        let open = line.by(Method::OPTIONS, "/open/api", &[("origin", PORTAL), wants], b"").await;
        assert!(open.status == 200 && house.reached() == before + 1, "a route for everybody takes it on");

        let refused = line.ask("/patients", &[("origin", PORTAL), JSON]).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (401, "sign-in-required"));
        assert_eq!(header(&refused.headers, "access-control-allow-origin"), PORTAL);
        assert_eq!(header(&refused.headers, "vary"), "Origin");
        assert!(header(&refused.headers, "access-control-expose-headers").contains("X-Leastway-Sign-In"));
        let missing = line.ask("/no/route", &[("origin", PORTAL), JSON]).await;
        assert_eq!(
            (missing.status.as_u16(), header(&missing.headers, "access-control-allow-origin")),
            (404, PORTAL)
        );
        for origin in ["https://evil.example", "null", "https://portal.clinic.example.evil.example"] {
            let refused = line.ask("/patients", &[("origin", origin), JSON]).await;
            assert!(!refused.headers.contains_key("access-control-allow-origin"), "{origin}");
            assert_eq!((refused.status.as_u16(), header(&refused.headers, "vary")), (401, "Origin"));
        }
    }
    let mut console = house.line("console.localhost", Protocol::Http1).await;
    let refused = console.ask("/", &[("origin", PORTAL), JSON]).await;
    assert!(!refused.headers.contains_key("access-control-allow-origin"), "another application's");
    let events = house.stop().await;
    let asked = events.iter().filter(|event| event.opening.method.as_deref() == Some("OPTIONS"));
    assert_eq!(asked.count(), 8, "each is recorded");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_program_is_told_where_its_person_signs_in_and_whether_it_was_sent() {
    let house = house(Neighbors::All, "", "").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let page = format!("{}/patients/100001?tab=notes", house.ehr());
    let refused = line.ask("/patients", &[JSON, ("referer", &page)]).await;
    let way = "/.leastway/sign-in?return_to=%2Fpatients%2F100001%3Ftab%3Dnotes";
    assert_eq!(header(&refused.headers, "x-leastway-sign-in"), way, "to the page, not to what it fetched");
    let told = problem(&refused);
    assert_eq!(told["sign_in"], format!("{}{way}", house.ehr()));
    assert_eq!(told["sent"], false);
    let elsewhere = line.ask("/patients", &[JSON, ("referer", "https://evil.example/x")]).await;
    assert_eq!(header(&elsewhere.headers, "x-leastway-sign-in"), "/.leastway/sign-in?return_to=%2F");

    let cookie = house.cookie_of("analyst").await;
    let form = [JSON, ("cookie", cookie.as_str()), ("content-type", "application/x-www-form-urlencoded")];
    let refused = line.post("/reports/patients", &form, b"ward=&export=csv").await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (401, "acr-insufficient"));
    assert!(header(&refused.headers, "x-leastway-sign-in").starts_with("/.leastway/step-up?class=mfa"));
    assert!(!refused.headers.contains_key("x-leastway-sent"), "the application has not had it");
    house.stop().await;
}

async fn session(house: &House, method: Method, headers: &[(&str, &str)]) -> Came {
    house.line("ehr.localhost", Protocol::Http1).await.by(method, "/.leastway/session", headers, b"").await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_learns_how_its_session_stands_and_asking_does_not_extend_it() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        declare(directory.root(), "script = \"serve\"", "");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let with = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let told = problem(&session(&house, Method::GET, &with).await);
    assert_eq!((&told["state"], &told["lock_seconds"]), (&"live".into(), &900.into()));
    assert_eq!(told["warn_seconds"], 120);
    let person = told["person"].as_str().unwrap().to_owned();
    assert!(!told.to_string().contains("Okafor") && person.len() == 16, "{told}");

    clock.advance(14 * MINUTE);
    for _ in 0..2 {
        assert_eq!(problem(&session(&house, Method::GET, &with).await)["lock_seconds"], 60);
    }
    for site in ["cross-site", "same-site"] {
        for method in [Method::GET, Method::POST] {
            let other = [with[0], ("sec-fetch-site", site)];
            assert_eq!(session(&house, method, &other).await.status, 403, "{site}");
        }
    }
    assert_eq!(problem(&session(&house, Method::GET, &with).await)["lock_seconds"], 60);
    assert_eq!(problem(&session(&house, Method::POST, &with).await)["lock_seconds"], 900, "its person stays");

    clock.advance(15 * MINUTE);
    let locked = problem(&session(&house, Method::POST, &with).await);
    assert_eq!((&locked["state"], &locked["person"]), (&"locked".into(), &Value::Null));
    let nobody = problem(&session(&house, Method::GET, &with[1..]).await);
    assert_eq!((&nobody["state"], &nobody["person"]), (&"none".into(), &Value::Null));
    let again = house.cookie_of("nurse").await;
    let other = house.cookie_of("registrar").await;
    let tag = async |cookie: &str| {
        problem(&session(&house, Method::GET, &[("cookie", cookie)]).await)["person"].clone()
    };
    assert_eq!(tag(&again).await, person.as_str(), "the same person, in another session");
    assert_ne!(tag(&other).await, person.as_str());
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_is_only_where_an_application_has_it() {
    let house = house(Neighbors::All, "script = \"serve\"", "").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let script = line.ask("/.leastway/leastway.js", &[]).await;
    assert_eq!(header(&script.headers, "content-type"), "text/javascript; charset=utf-8");
    assert_eq!(header(&script.headers, "cache-control"), "no-cache");
    let landing = line.ask("/.leastway/signed-in", &[("accept", "text/html")]).await;
    let policy = header(&landing.headers, "content-security-policy");
    let source = policy.split_once("script-src '").unwrap().1.split_once('\'').unwrap().0;
    let inline = landing.text.split_once("<script>").unwrap().1.split_once("</script>").unwrap().0;
    let digest = leastway::foundation::digest::Digest::of(inline.as_bytes());
    let digest = base64::engine::general_purpose::STANDARD.encode(digest.as_bytes());
    assert_eq!(source, format!("sha256-{digest}"), "that script and no other");
    let mut console = house.line("console.localhost", Protocol::Http1).await;
    for path in ["/.leastway/leastway.js", "/.leastway/session", "/.leastway/signed-in"] {
        assert_eq!(console.ask(path, &[]).await.status, 404, "{path}");
    }
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_script_is_put_into_pages_that_let_it_run() {
    let (address, _) = application().await;
    let house = house(Neighbors::Application(address), "script = \"inject\"", "").await;
    let window =
        [("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document"), ("accept-encoding", "gzip")];
    for protocol in [Protocol::Http1, Protocol::Http2] {
        let mut line = house.line("ehr.localhost", protocol).await;
        let page = line.ask("/open/page", &window).await;
        let (before, rest) = page.text.split_once("<script src=\"").expect("it stands there");
        assert_eq!(before, "<!doctype html><html><head>");
        let (address, rest) = rest.split_once("\" defer></script>").unwrap();
        assert_eq!(rest, "<title>EHR</title></head><body>a page</body></html>");
        assert!(!page.headers.contains_key("etag"), "it is not what the application has");
        let script = line.ask(address, &[]).await;
        assert_eq!(header(&script.headers, "cache-control"), "public, max-age=31536000, immutable");
        assert!(script.status == 200 && script.text.contains("window.leastway"));

        let frame = [window[0], ("sec-fetch-dest", "iframe")];
        for (path, headers) in [("/open/page", &frame[..]), ("/open/strict", &window[..])] {
            let page = line.ask(path, headers).await;
            assert!(!page.text.contains("leastway") && page.headers.contains_key("etag"), "{path}");
        }
    }
    house.stop().await;
}

fn cookies(reply: &HeaderMap) -> Vec<&str> {
    reply.get_all("set-cookie").iter().map(|line| line.to_str().unwrap()).collect()
}

fn logouts(reached: &Reached) -> Vec<(Method, String)> {
    let all = reached.lock().unwrap();
    let logouts = all.iter().filter(|(_, path, ..)| path == "/open/logout");
    logouts.map(|(method, _, cookie, _)| (method.clone(), cookie.clone())).collect()
}

/// Method, target and body of what reached it beside the first page, which every sign-in leads to.
fn beyond_home(reached: &Reached) -> Vec<(String, String, String)> {
    let all = reached.lock().unwrap().clone().into_iter();
    let beyond = all.filter(|(_, target, ..)| target != "/");
    beyond.map(|(method, target, _, body)| (method.to_string(), target, body)).collect()
}

fn causes(events: &[Event]) -> Vec<Cause> {
    events.iter().filter_map(|event| Some(event.opening.revocation.as_ref()?.cause)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_signs_out_is_signed_out_of_the_application() {
    let (address, reached) = application().await;
    let house = house(Neighbors::Application(address), "", SIGN_OUT).await;
    let cookie = house.cookie_of("nurse").await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let (here, both) = (house.ehr(), format!("{cookie}; JSESSIONID=theirs"));
    let from = [("origin", here.as_str()), ("accept", "text/html"), ("cookie", both.as_str())];
    let out = line.post("/.leastway/sign-out", &from, b"").await;
    assert_eq!(out.status, 303);
    assert!(header(&out.headers, "location").contains("id.localhost"), "{:?}", out.headers);
    assert_eq!(
        logouts(&reached),
        [(Method::GET, "JSESSIONID=theirs".to_owned())],
        "by its cookie, without ours"
    );
    let cookies = cookies(&out.headers);
    assert!(cookies.contains(&"JSESSIONID=; Path=/; Secure; Max-Age=0"), "{cookies:?}");
    assert!(cookies.iter().any(|line| line.starts_with("__Host-leastway=;")), "{cookies:?}");
    assert_eq!(header(&out.headers, "clear-site-data"), "\"cache\", \"storage\"");

    let cookie = house.cookie_of("nurse").await;
    let out = line.post("/.leastway/sign-out", &[from[0], from[1], ("cookie", &cookie)], b"").await;
    assert!(
        out.status == 303 && logouts(&reached).len() == 1,
        "without its cookie there is nothing to sign out"
    );
    assert!(out.headers.contains_key("clear-site-data"), "a cookie of another path would not have come");
    assert_eq!(causes(&house.stop().await), [Cause::SignOut, Cause::SignOut]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_application_that_hangs_keeps_nobody_signed_in() {
    let silent = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
    let address = silent.local_addr().unwrap();
    let another = format!(
        "{SIGN_OUT}[application.lab]\nhost = \"ehr.localhost\"\npath = \"/lab/\"\nupstream = [\"http://{address}\"]\n\
         provider = \"clinic\"\nunmatched = \"deny\"\n[application.lab.sign_out]\npath = \"/lab/out\"\n\
         cookies = [\"JSESSIONID\"]\ncookie_path = [\"/\"]\n"
    );
    let house = house(Neighbors::Application(address), "", &another).await;
    let mut browser = house.browser();
    let page = browser.open(&format!("{}/.leastway/me", house.ehr())).await.unwrap();
    let address = format!("{}/.leastway/sign-in?return_to=%2Fno", house.ehr());
    assert_eq!(page.url.host_str(), Some("id.localhost"), "nobody is signed in");
    let page = browser.open(&address).await.unwrap();
    house.enter(&mut browser, &page, "nurse").await;
    let cookie = format!("__Host-leastway={}", browser.cookie("ehr.localhost", "__Host-leastway").unwrap());
    let (here, both) = (house.ehr(), format!("{cookie}; JSESSIONID=theirs"));
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let mut second = house.line("ehr.localhost", Protocol::Http1).await;
    let began = Instant::now();
    let from = [("origin", here.as_str()), ("accept", "text/html"), ("cookie", both.as_str())];
    let (out, ended) = tokio::join!(line.post("/.leastway/sign-out", &from, b""), async {
        tokio::time::timeout(Duration::from_secs(1), async {
            while !house.running.shared.sessions.list(9, SystemClock.now()).is_empty() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
        })
        .await
        .is_ok()
    });
    assert!(ended, "the session has ended before the application has answered");
    // Two of them hang, for two seconds each.
    assert!(out.status == 303 && began.elapsed() < Duration::from_secs(4), "{:?}", began.elapsed());
    let after = second.ask("/patients", &[JSON, ("cookie", &cookie)]).await;
    assert_eq!((after.status.as_u16(), after.reason()), (401, "session-revoked"));
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_applications_own_logout_signs_out_here_too_where_that_is_declared() {
    let (address, reached) = application().await;
    let tables = format!("{SIGN_OUT}method = \"POST\"\nends_session = true\n");
    let house = house(Neighbors::Application(address), "", &tables).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let cookie = format!("{}; JSESSIONID=theirs", house.cookie_of("nurse").await);
    let held = ("cookie", cookie.as_str());

    let of_another_site = [held, ("sec-fetch-site", "cross-site"), ("accept", "text/html")];
    let passed = line.post("/open/logout", &of_another_site, b"csrf=1").await;
    assert!(passed.status == 200 && passed.text.contains("a page"), "it is the application's alone");
    assert_eq!(line.ask("/open/logout", &[held]).await.status, 200, "and so is another method");
    assert_eq!(line.ask("/.leastway/me", &[held]).await.status, 200);
    let before = logouts(&reached).len();

    let here = [held, ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "navigate")];
    let out = line.post("/open/logout", &here, b"csrf=1").await;
    assert_eq!(out.status, 303);
    assert!(header(&out.headers, "location").contains("id.localhost"));
    assert!(header(&out.headers, "location").contains("id_token_hint="));
    assert_eq!(
        logouts(&reached)[before..],
        [(Method::POST, "JSESSIONID=theirs".to_owned())],
        "once, as it was sent"
    );
    assert_eq!(reached.lock().unwrap().last().unwrap().3, "csrf=1", "and with what everybody may send there");
    assert_eq!(line.ask("/.leastway/me", &[held]).await.status, 401);

    let cookie = house.cookie_of("nurse").await;
    let script = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"), ("sec-fetch-mode", "cors")];
    let out = line.post("/open/logout", &script, b"").await;
    assert_eq!(out.status, 200, "a script follows to no other origin");
    assert!(problem(&out)["continue"].as_str().unwrap().contains("id.localhost"), "{}", out.text);
    assert!(!out.text.contains("id_token_hint"), "who they are is no script's to read: {}", out.text);
    let events = house.stop().await;
    assert_eq!(causes(&events), [Cause::SignOut, Cause::SignOut]);
    let own = events.iter().filter(|event| event.opening.kind == EventKind::Authentication);
    let own = own.filter(|event| event.opening.path.as_deref() == Some("/open/**"));
    assert_eq!(own.count(), 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_very_address_of_a_logout_is_one_and_none_of_a_locked_session() {
    let (address, reached) = application().await;
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::Application(address), |directory| {
        let tables = "[application.ehr.sign_out]\npath = \"/index.php?logout=1\"\nends_session = true\n\
                      [[application.ehr.route]]\nname = \"leave\"\naction = \"view\"\n\
                      match = { method = [\"GET\"], path = \"/index.php\", query = { logout = \"1\", action = false } }\n";
        declare(directory.root(), "", tables);
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let here = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"), JSON];
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let others = ["?action=delete&id=7", "?logout=1&action=delete", "?logout=2", ""];
    for other in others {
        let refused = line.ask(&format!("/index.php{other}"), &here).await;
        assert_eq!(refused.status, 404, "another query is another request: {other}");
    }
    assert_eq!(line.ask("/.leastway/me", &here[..2]).await.status, 200);

    clock.advance(15 * MINUTE);
    let locked = line.ask("/index.php?logout=1", &here).await;
    assert_ne!(locked.status, 200, "whoever stands before it signs out at our own page");
    assert_eq!(beyond_home(&reached), [], "nothing was permitted");

    let cookie = house.cookie_of("nurse").await;
    let out = line.ask("/index.php?logout=1", &[("cookie", &cookie), here[1], JSON]).await;
    assert_eq!(out.status, 200);
    let asked = [("GET".to_owned(), "/index.php?logout=1".to_owned(), String::new())];
    assert_eq!(beyond_home(&reached), asked);
    assert_eq!(causes(&house.stop().await), [Cause::SignOut]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_posted_with_a_logout_goes_where_the_policy_permits_it_and_nowhere_else() {
    let (address, reached) = application().await;
    let tables =
        "[application.ehr.sign_out]\npath = \"/reports/patients\"\nmethod = \"POST\"\nends_session = true\n";
    let house = house(Neighbors::Application(address), "", tables).await;
    let mut line = house.line("ehr.localhost", Protocol::Http1).await;
    let cookie = house.cookie_of("nurse").await;
    let form = ("content-type", "application/x-www-form-urlencoded");
    let here = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin"), JSON, form];
    let out = line.post("/reports/patients", &here, b"ward=&export=csv").await;
    assert_eq!(out.status, 200, "{}", out.text);
    let asked = [("POST".to_owned(), "/reports/patients".to_owned(), String::new())];
    assert_eq!(beyond_home(&reached), asked, "asked, but not with their words");
    assert_eq!(line.ask("/.leastway/me", &here[..2]).await.status, 401);
    assert_eq!(causes(&house.stop().await), [Cause::SignOut]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_next_person_at_a_browser_finds_no_session_of_the_application() {
    let (address, reached) = application().await;
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::Application(address), |directory| {
        declare(directory.root(), "", SIGN_OUT);
    })
    .await;
    let mut browser = house.browser();
    let home = format!("{}/", house.ehr());
    let page = browser.open(&home).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "nurse").await.status, 200);
    assert_eq!(browser.cookie("ehr.localhost", "JSESSIONID"), Some("theirs"));

    clock.advance(15 * MINUTE);
    let unlock = format!("{}/.leastway/sign-in?return_to=%2Fopen%2Fpage", house.ehr());
    let page = browser.open(&unlock).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "nurse").await.status, 200);
    assert!(logouts(&reached).is_empty(), "the same person goes on in the application too");

    clock.advance(15 * MINUTE);
    let page = browser.open(&format!("{unlock}&anew=1")).await.unwrap();
    let landed = house.enter(&mut browser, &page, "registrar").await;
    assert_eq!(landed.status, 200);
    assert_eq!(logouts(&reached), [(Method::GET, "JSESSIONID=theirs".to_owned())]);
    let last = reached.lock().unwrap().last().cloned().unwrap();
    assert_eq!((last.1.as_str(), last.2.as_str()), ("/open/page", ""), "its cookie is gone");
    let events = house.stop().await;
    assert_eq!(causes(&events), [Cause::OtherPerson]);
    assert!(events.iter().all(|event| !event.opening.reasons.contains(&Reason::InternalError)));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_applications_session_is_kept_here_for_its_person_and_for_nobody_else() {
    let (address, reached) = application().await;
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::Application(address), |directory| {
        declare(directory.root(), "cookies = \"keep\"", SIGN_OUT);
    })
    .await;
    let last = || reached.lock().unwrap().last().cloned().unwrap().2;
    let mut browser = house.browser();
    let home = format!("{}/", house.ehr());
    let page = browser.open(&home).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "nurse").await.status, 200);
    assert_eq!(browser.cookie("ehr.localhost", "JSESSIONID"), None, "the browser never gets it");
    browser.open(&home).await.unwrap();
    assert_eq!(last(), "JSESSIONID=theirs");

    clock.advance(15 * MINUTE);
    let unlock = format!("{}/.leastway/sign-in?return_to=%2F", house.ehr());
    let page = browser.open(&unlock).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "nurse").await.status, 200);
    assert_eq!(last(), "JSESSIONID=theirs", "whoever comes back goes on in the application too");

    clock.advance(15 * MINUTE);
    let page = browser.open(&format!("{unlock}&anew=1")).await.unwrap();
    assert_eq!(house.enter(&mut browser, &page, "registrar").await.status, 200);
    assert_eq!(last(), "", "somebody else starts without it");
    assert_eq!(logouts(&reached), [(Method::GET, "JSESSIONID=theirs".to_owned())], "and it is signed out");
    house.stop().await;
}

/// What a page is told of degraded modes.
fn states(told: &Value) -> Vec<&str> {
    let states = told["degraded"]["states"].as_array();
    states.into_iter().flatten().map(|state| state.as_str().unwrap()).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_what_is_degraded_for_its_person_and_of_nobody_else() {
    let clock = Arc::new(TestClock::at(SystemClock.now()));
    let house = House::open_at(clock.clone(), Neighbors::All, |directory| {
        declare(directory.root(), "script = \"serve\"", "");
        edit(&directory.configuration(), "max_age = \"3650d\"", "max_age = \"2h\"");
    })
    .await;
    let cookie = house.cookie_of("nurse").await;
    let with = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    let ask = async |headers: &[(&str, &str)]| problem(&session(&house, Method::GET, headers).await);
    let well = ask(&with).await;
    assert!(well.get("degraded").is_none(), "{well}");

    let shared = &house.running.shared;
    let provider: ProviderName = "clinic".parse().unwrap();
    shared.sessions.note_down(BTreeSet::from([provider.clone()]));
    let down = ask(&with).await;
    assert_eq!((states(&down), &down["degraded"]["color"]), (vec!["provider-down"], &"amber".into()));
    assert_eq!(down["degraded"].as_object().unwrap().len(), 4, "no more than the state: {down}");
    assert!(down["absolute_seconds"].as_u64() > well["absolute_seconds"].as_u64().map(|it| it + 4 * 3500));
    assert!(ask(&with[1..]).await.get("degraded").is_none(), "who is nobody has no provider");
    let spanish = [with[0], with[1], ("accept-language", "es")];
    let told = ask(&spanish).await;
    assert!(told["degraded"]["text"].as_str().unwrap().contains("no responde"), "{told}");
    clock.advance(15 * MINUTE);
    let locked = ask(&with).await;
    assert_eq!((&locked["state"], states(&locked)), (&"locked".into(), vec!["provider-down"]));
    shared.sessions.note_down(BTreeSet::new());

    clock.advance(2 * 60 * MINUTE);
    let cookie = house.cookie_of("nurse").await;
    let with = [("cookie", cookie.as_str()), ("sec-fetch-site", "same-origin")];
    assert_eq!(states(&ask(&with).await), ["feed-stale"]);
    let roles = house.file("roles.toml");
    let good = std::fs::read(&roles).unwrap();
    edit(&roles, "[role.nurse]", "[role.nurse");
    assert!(matches!(house.running.reload().await, Reloaded::Refused(_)));
    let two = ask(&with).await;
    assert_eq!((states(&two), &two["degraded"]["color"]), (vec!["feed-stale", "rules-old"], &"amber".into()));
    std::fs::write(&roles, good).unwrap();
    assert!(matches!(house.running.reload().await, Reloaded::Swapped(_)));
    assert_eq!(states(&ask(&with).await), ["feed-stale"]);

    shared.is_behind.store(true, Ordering::Release);
    let refused = session(&house, Method::GET, &with).await;
    assert_eq!((refused.status.as_u16(), refused.reason()), (503, "store-unavailable"));
    assert_eq!(states(&problem(&refused)), ["out-of-touch"]);
    assert!(problem(&refused).get("words").is_none());
    shared.is_behind.store(false, Ordering::Release);
    assert_eq!(states(&ask(&with).await), ["feed-stale"]);
    house.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_is_told_in_red_that_nothing_can_be_recorded() {
    for gap in ["never", "treatment-reads"] {
        let house = House::open_at(Arc::new(SystemClock), Neighbors::All, |directory| {
            declare(directory.root(), "script = \"serve\"", "");
            edit(&directory.configuration(), "\"8MiB\"", &format!("\"1MiB\"\ngap = \"{gap}\""));
        })
        .await;
        let cookie = house.cookie_of("nurse").await;
        house.fail_journal(&cookie).await;
        let refused = session(&house, Method::GET, &[("cookie", cookie.as_str())]).await;
        assert_eq!((refused.status.as_u16(), refused.reason()), (503, "audit-unavailable"), "{gap}");
        let told = problem(&refused);
        assert_eq!((states(&told), &told["degraded"]["color"]), (vec!["no-event"], &"red".into()), "{gap}");
        assert!(told.get("person").is_none() && told.get("words").is_none(), "{told}");
        house.stop().await;
    }
}
