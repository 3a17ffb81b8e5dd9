use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;
use std::task::{Context, Waker};
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use tokio::sync::watch;
use tower::ServiceExt as _;

use super::router::{DIRECTORY, GUARDED, OPEN, PAGES, REQUESTS_MAX, SIGNALS, router};
use super::state::{
    ControlState, DirectoryService, Present, ProviderState, Provisioned, Revoking, SignalsNow,
};
use crate::domain::assurance::Assurance;
use crate::domain::break_glass::{BreakFinding, BreakReason, BreakRelation, BreakReview};
use crate::domain::detection::{Detection, DetectionKind, ReviewFinding, ReviewState, Severity};
use crate::domain::device::{Resume, WhenFull};
use crate::domain::event::{Event, EventKind, Opening, Outcome, Verdict};
use crate::domain::measure::Counted;
use crate::domain::patient::PatientRef;
use crate::domain::purpose::Purpose;
use crate::domain::reason::Reason;
use crate::domain::revocation::{Cause, Revocation, Revoked, Target};
use crate::domain::signal::{SignalKind, SignalStep};
use crate::domain::subject::{Subject, SubjectId};
use crate::domain::told::FeedKind;
use crate::features::audit::events::events_since;
use crate::features::audit::journal::Journal;
use crate::features::audit::seal::Seals;
use crate::features::audit::settings::{
    Fields, JournalSettings, KeepJustification, KeepPatient, KeepQuery, SealSettings, Sync,
};
use crate::features::break_glass::{self, Break, Breaks, Due, Review, Sheet, Standing as Stands};
use crate::features::detect::{self, Detections, Step};
use crate::features::directory::scim::{Asked, Reply};
use crate::features::directory::{Census, DirectoryHeard};
use crate::features::export::ExportNow;
use crate::features::facts::FeedNow;
use crate::features::session::settings::{Concurrent, SessionSettings, Times};
use crate::features::session::{Bond, MIGRATIONS, NewSession, PROGRAM_MIGRATIONS, SessionLimits, Sessions};
use crate::features::signals::{Counts, StreamNow, StreamStatus};
use crate::features::upstream::servers::UpstreamNow;
use crate::features::upstream::settings::Server;
use crate::features::upstream::standing::StandingNow;
use crate::foundation::clock::{TestClock, Timestamp};
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::RequestId;
use crate::foundation::secret::Secret;
use crate::platform::http::body::read_bounded;
use crate::platform::store::{Standing, Store};

pub(super) const TOKEN: &str = "a-token-of-an-operator";
pub(super) const NAME: &str = "Nadia Nurse";
/// The one item for review that there is.
pub(super) const FOUND: &str = "019ca869-5000-7000-8000-0000000000fd";
/// The one emergency access that there is.
pub(super) const BROKEN: &str = "019ca869-5000-7000-8000-0000000000b6";
const DAY: Duration = Duration::from_secs(86_400);
/// Ends a session that nobody has.
const ABSENT: &str = r#"{"session":"019ca869-5000-7000-8000-000000000000","reason":"a trial"}"#;

/// Asks for what an event that is not there keeps under seal.
const REVEALING: &str =
    r#"{"events":["019ca869-5000-7000-8000-000000000000"],"purpose":"operations","why":"a trial"}"#;

/// Asks for an evidence pack.
const PACKING: &str = r#"{"safeguards":["164.312(b)"],"since":"2026-01-01T00:00:00Z"}"#;

/// The control plane of a gateway at which one nurse is signed in.
pub(super) struct House {
    folder: tempfile::TempDir,
    pub(super) state: ControlState,
    pub(super) clock: Arc<TestClock>,
    draining: watch::Sender<bool>,
}

impl House {
    pub(super) async fn open() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (clock, entropy) = (Arc::new(TestClock::at(start())), Arc::new(SystemEntropy));
        let directory = folder.path().join("journal");
        let settings = JournalSettings::usual(directory.clone(), 1 << 20, Sync::BeforeRelease);
        let fields = Fields {
            patient: KeepPatient::Sealed,
            query: KeepQuery::Sealed,
            justification: KeepJustification::Sealed,
        };
        let directory_of_keys = folder.path().join("seals");
        let sealing =
            SealSettings { directory: directory_of_keys, fields, retain_years: 10, legal_hold: Vec::new() };
        let journal = Journal::open(&settings, clock.clone(), entropy.clone()).unwrap();
        let sessions = sessions(&folder.path().join("store.db"), &entropy).await;
        let (draining, seen) = watch::channel(false);
        let sessions = Arc::new(sessions);
        let revoke = revoking(sessions.clone(), journal.clone());
        let state = ControlState {
            journal,
            journal_directory: directory,
            seals: Arc::new(Seals::open(&sealing, start(), entropy.clone()).unwrap()),
            sessions,
            present: Arc::new(present),
            counted: Arc::new(counted),
            reload: Arc::new(|| Box::pin(async { Ok(("5eed".into(), Arc::default())) })),
            revoke,
            detections: Arc::new(detections(&folder.path().join("detections.db"))),
            breaks: Arc::new(breaks(&folder.path().join("breaks.db")).await),
            looked_for: Arc::new(|| Arc::new([])),
            directory: Arc::new(|_| None),
            signals: Arc::new(|_| None),
            draining: seen,
            started: start(),
            token: Some(Secret::new(TOKEN.to_owned())),
            operators: Arc::default(),
            clock: clock.clone(),
            entropy,
        };
        Self { folder, state, clock, draining }
    }

    pub(super) fn router(&self) -> Router {
        router(self.state.clone())
    }

    async fn ask(&self, method: &str, path: &str, token: Option<&str>) -> (StatusCode, String) {
        let mut request = request(method, path, "127.0.0.1:9443");
        if let Some(token) = token {
            request.headers_mut().insert("authorization", format!("Bearer {token}").parse().unwrap());
        }
        self.send(request).await
    }

    async fn send(&self, request: Request<Body>) -> (StatusCode, String) {
        let reply = self.router().oneshot(request).await.unwrap();
        let status = reply.status();
        let body = read_bounded(reply.into_body(), 1024 * 1024).await.unwrap();
        (status, String::from_utf8_lossy(&body).into_owned())
    }

    /// What administrators did, as the journal tells it.
    pub(super) fn administration(&self) -> Vec<Event> {
        let directory = self.folder.path().join("journal");
        let events = events_since(&directory, Timestamp::default()).unwrap().map(Result::unwrap);
        events.filter(|event| event.opening.kind == EventKind::Administration).collect()
    }
}

pub(super) fn start() -> Timestamp {
    "2026-03-01T08:00:00Z".parse().unwrap()
}

/// One emergency access, of the same person.
async fn breaks(path: &Path) -> Breaks {
    let breaks = Breaks::load(Store::open(path, &[break_glass::MIGRATIONS]).unwrap()).unwrap();
    let patient = PatientRef::new("ehr".parse().unwrap(), "100021".to_owned());
    let due = Due { triage: start().plus(DAY), close: start().plus(DAY * 5) };
    let it = Break {
        id: BROKEN.parse().unwrap(),
        person: SubjectId { issuer: "https://id.clinic.example".into(), sub: "subject-of-nadia".into() },
        name: NAME.to_owned(),
        roles: vec!["nurse".parse().unwrap()],
        session: "01980000-0000-7000-8000-000000000001".parse().unwrap(),
        application: "ehr".parse().unwrap(),
        patient: patient.digest(&DigestKey::from_bytes(&[7; 32])),
        reason: BreakReason::Emergency,
        relation: BreakRelation::None,
        relationships: Vec::new(),
        joins: None,
        began: start(),
        until: start().plus(DAY),
        standing: Stands::Active,
        text_due: None,
        sheet: Sheet::NotNeeded,
        explained: false,
        review: Review::open(due),
        untold: None,
    };
    breaks.begin(it, async { Ok::<_, std::convert::Infallible>(()) }).await.unwrap();
    breaks
}

/// One item for review.
fn detections(path: &Path) -> Detections {
    let detections = Detections::load(Store::open(path, &[detect::MIGRATIONS]).unwrap()).unwrap();
    let found = Detection {
        id: FOUND.parse().unwrap(),
        rule: "mass-export".parse().unwrap(),
        kind: DetectionKind::MassExport,
        severity: Severity::High,
        person: SubjectId { issuer: "https://id.clinic.example".into(), sub: "subject-of-nadia".into() },
        name: NAME.to_owned(),
        since: start(),
        until: start(),
        count: 412,
        usual: Some(30),
        why: "412 records were taken away in 20 minutes; usual 30; flagged above 100 in 60 minutes"
            .to_owned(),
        requests: Vec::new(),
        raises: false,
    };
    detections.take(vec![Step::Found(found)]);
    detections
}

async fn sessions(path: &Path, entropy: &Arc<SystemEntropy>) -> Sessions {
    let store = Store::open(path, &[MIGRATIONS, PROGRAM_MIGRATIONS]).unwrap();
    let (idle, absolute) = (Duration::from_secs(900), Duration::from_secs(43_200));
    let times = Times { lock: idle, idle, absolute, resume: Resume::Login };
    let concurrent = Concurrent { most: None, devices: BTreeMap::new(), when_full: WhenFull::EndOldest };
    let settings = SessionSettings {
        times,
        devices: BTreeMap::new(),
        applications: BTreeMap::new(),
        concurrent,
        bound_to: Vec::new(),
        device_proof: Duration::from_secs(600),
        detect_polling: true,
        outage_extension: Duration::ZERO,
    };
    let sessions =
        Sessions::load(store, &settings, SessionLimits::default(), entropy.clone(), start()).unwrap();
    let subject = Subject {
        issuer: "https://id.clinic.example".into(),
        sub: "subject-of-nadia".into(),
        name: NAME.into(),
        groups: vec!["nurses".to_owned()],
        attributes: BTreeMap::new(),
    };
    let sign_in = NewSession {
        bond: Bond::default(),
        host: "ehr.clinic.example".into(),
        provider: "clinic".parse().unwrap(),
        subject,
        assurance: Assurance { auth_time: start(), ..Assurance::default() },
        purpose: Purpose::Treatment,
        device: None,
        authenticated: None,
        provider_sid: None,
        id_token: None,
        begun: start(),
    };
    sessions.create(sign_in, start()).await.unwrap();
    sessions
}

/// One server that is out, and the requests that wait for it.
fn servers() -> UpstreamNow {
    let server = Server { tls: false, host: "::1".to_owned(), port: 8080 };
    let standing = StandingNow { is_in: false, in_flight: 4, requests: 90, failed: 5, put_out: 1 };
    UpstreamNow { servers: vec![(server, standing)], waiting: 2, overloaded: 6 }
}

fn present() -> Present {
    let mut counts = Counts::new();
    counts.insert((Some(SignalKind::SessionRevoked), SignalStep::CarriedOut), 5);
    counts.insert((None, SignalStep::Refused), 1);
    let stream = StreamNow { heard: start(), is_silent: true, status: StreamStatus::Paused, counts };
    Present {
        signals: vec![SignalsNow { provider: "clinic".parse().unwrap(), stream, barred: 2 }],
        directories: vec![("clinic".parse().unwrap(), Census { active: 7, disabled: 2, groups: 3 })],
        directories_heard: vec![DirectoryHeard {
            provider: "clinic".parse().unwrap(),
            age_seconds: Some(90),
            stale: false,
        }],
        feeds: vec![feed()],
        exports: vec![export()],
        store: Standing { waiting: 6, behind: 7, is_writable: true },
        upstreams: vec![("ehr".parse().unwrap(), servers())],
        rules_version: "c0ffee".into(),
        is_in_touch: true,
        reload_succeeded: false,
        reloaded: start(),
        needs_restart: Arc::default(),
        connections: 3,
        spilled: 5,
        providers: vec![clinic()],
    }
}

fn feed() -> FeedNow {
    FeedNow {
        feed: "care-team".parse().unwrap(),
        kind: FeedKind::Relationship,
        rows: Some(12),
        left_out: Some(1),
        as_of: Some(start()),
        age_seconds: Some(90_000),
        stale: true,
        taken: Some(start()),
        fault: Some("line 3, column `patient`: is empty".to_owned()),
        failures: 4,
    }
}

fn export() -> ExportNow {
    ExportNow {
        export: "siem".parse().unwrap(),
        to: "https://siem.clinic.example".to_owned(),
        format: "json".to_owned(),
        delivered: 40,
        failed: 3,
        refused: 2,
        missed: 1,
        position: 90,
        lag_entries: 10,
        lag_seconds: 60,
        delivered_at: Some(start()),
        fault: Some("it answered 503".to_owned()),
    }
}

fn clinic() -> ProviderState {
    let issuer = "https://id.clinic.example".into();
    ProviderState {
        provider: "clinic".parse().unwrap(),
        issuer,
        usable: true,
        clock_offset: Some(-2),
        silent_since: None,
    }
}

/// As the gateway does it, without workers.
fn revoking(
    sessions: Arc<Sessions>,
    journal: Arc<Journal>,
) -> Arc<dyn Fn(Revocation) -> Revoking + Send + std::marker::Sync> {
    Arc::new(move |revocation| {
        let (sessions, journal) = (sessions.clone(), journal.clone());
        Box::pin(async move {
            let ended = sessions.end(&revocation.target, start());
            let event = RequestId::new(start(), &SystemEntropy);
            let opening = Opening {
                revocation: Some(Box::new(revocation)),
                ..Opening::begin(event, EventKind::Revocation, start())
            };
            journal.record(&opening, None).await.map_err(|error| error.to_string())?;
            Ok(Revoked { sessions: ended.len() as u64, ..Revoked::default() })
        })
    })
}

fn counted() -> Counted {
    let mut counted = Counted::default();
    let key = (Some("ehr".parse().unwrap()), Verdict::Deny, Reason::NoRuleMatched);
    counted.requests.insert(key, 7);
    counted.events.insert(Outcome::Refused, 7);
    counted.duration.observe(Duration::from_millis(3));
    counted.duration.observe(Duration::from_secs(60));
    counted
}

fn request(method: &str, path: &str, host: &str) -> Request<Body> {
    let method = Method::from_bytes(method.as_bytes()).unwrap();
    let body = match path {
        _ if path.ends_with("/revoke") => ABSENT,
        _ if path.ends_with("/reveal") => REVEALING,
        _ if path.ends_with("/destroy") => r#"{"period":"1999-01","why":"a trial"}"#,
        _ if path.ends_with("/renew-patients") => r#"{"why":"a trial"}"#,
        _ if path.ends_with(BROKEN) => r#"{"state":"triaged","reviewer":"Petra"}"#,
        _ if path.ends_with(FOUND) => r#"{"state":"seen","note":"asked the desk"}"#,
        _ if path.ends_with("/evidence") => PACKING,
        _ => "",
    };
    Request::builder().method(method).uri(path).header("host", host).body(Body::from(body)).unwrap()
}

/// A path of the router with the question that it needs.
fn asked(path: &str) -> String {
    let needed = if path.ends_with("/rotation") { "?application=ehr&account=reader&step=begun" } else { "" };
    let id = if path.contains("/break-glass") { BROKEN } else { FOUND };
    format!("{}{needed}", path.replace("{id}", id).replace("{name}", "coverage"))
}

/// The value of the one sample of that name and labels.
fn sample<'m>(metrics: &'m str, series: &str) -> &'m str {
    let found = metrics.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    found.unwrap_or_else(|| panic!("no `{series}` in\n{metrics}"))
}

#[tokio::test]
async fn each_path_is_open_or_asks_for_the_token_and_no_other_is_there() {
    struct Row {
        method: &'static str,
        path: &'static str,
        nobody: u16,
        wrong: u16,
        right: u16,
    }
    const fn open(path: &'static str) -> Row {
        Row { method: "GET", path, nobody: 200, wrong: 200, right: 200 }
    }
    const fn guarded(method: &'static str, path: &'static str) -> Row {
        Row { method, path, nobody: 401, wrong: 401, right: 200 }
    }
    const fn page(method: &'static str, path: &'static str, status: u16) -> Row {
        Row { method, path, nobody: status, wrong: status, right: status }
    }
    let rows = [
        open("/healthz"),
        open("/readyz"),
        open("/metrics"),
        guarded("GET", "/api/v1/status"),
        guarded("GET", "/api/v1/sessions"),
        guarded("POST", "/api/v1/sessions/revoke"),
        guarded("GET", "/api/v1/events"),
        guarded("POST", "/api/v1/events/reveal"),
        guarded("GET", "/api/v1/seals"),
        // That month has no key.
        Row { method: "POST", path: "/api/v1/seals/destroy", nobody: 401, wrong: 401, right: 404 },
        guarded("POST", "/api/v1/seals/renew-patients"),
        guarded("GET", "/api/v1/feeds"),
        guarded("GET", "/api/v1/exports"),
        guarded("GET", "/api/v1/detections"),
        guarded("POST", "/api/v1/detections/{id}"),
        guarded("GET", "/api/v1/break-glass"),
        guarded("POST", "/api/v1/break-glass/{id}"),
        guarded("POST", "/api/v1/reports/{name}"),
        guarded("POST", "/api/v1/evidence"),
        guarded("POST", "/api/v1/reload"),
        guarded("POST", "/api/v1/rotation"),
        // An operator's token is no transmitter's.
        Row { method: "POST", path: "/ssf/events", nobody: 400, wrong: 400, right: 400 },
        // A page is for whoever has its cookie, and takes forms of its own only.
        page("GET", "/", 303),
        page("GET", "/page.css", 200),
        page("GET", "/sessions", 401),
        page("GET", "/sessions/end", 401),
        page("POST", "/sessions/end", 403),
        page("GET", "/detections", 401),
        page("POST", "/detections", 403),
        page("GET", "/break-glass", 401),
        page("POST", "/break-glass", 403),
        page("GET", "/reports", 401),
        page("POST", "/reports", 403),
        page("GET", "/evidence", 401),
        page("POST", "/evidence", 403),
        page("GET", "/sign-in", 303),
        page("POST", "/sign-in", 403),
        page("POST", "/sign-out", 403),
    ];
    let open = OPEN.iter().map(|path| ("GET", *path));
    let served: Vec<(&str, &str)> = open.chain(GUARDED).chain([SIGNALS]).chain(PAGES).collect();
    let tabled: Vec<(&str, &str)> = rows.iter().map(|row| (row.method, row.path)).collect();
    assert_eq!(tabled, served, "every path of the router has its row here");

    let house = House::open().await;
    for row in rows {
        for (who, token, expected) in [
            ("nobody", None, row.nobody),
            ("wrong", Some("guess"), row.wrong),
            ("right", Some(TOKEN), row.right),
        ] {
            let (status, body) = house.ask(row.method, &asked(row.path), token).await;
            assert_eq!(status.as_u16(), expected, "{} {} by {who}: {body}", row.method, row.path);
            let tells = body.contains(NAME) || body.contains("subject-of-nadia");
            let is_of_people =
                ["/sessions", "/detections", "/detections/{id}", "/break-glass", "/break-glass/{id}"]
                    .iter()
                    .any(|it| row.path.ends_with(it));
            assert_eq!(tells, is_of_people && expected == 200, "{} by {who}", row.path);
        }
    }
    for path in ["/api/v1", "/api/v1/", "/sessions/", "/api/v1/policies", "/debug", "//metrics"] {
        let (status, _) = house.ask("GET", path, Some(TOKEN)).await;
        assert_eq!(status, StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn the_paths_listed_are_the_paths_that_the_router_has() {
    let source = include_str!("router.rs");
    let (_, body) = source.split_once("pub fn router").unwrap();
    let (body, _) = body.split_once("pub async fn serve").unwrap();
    let merged = [DIRECTORY, SIGNALS.1].len();
    let pages = PAGES.map(|(_, path)| path).into_iter().collect::<BTreeSet<_>>().len();
    assert_eq!(body.matches(".route(").count(), OPEN.len() + merged + GUARDED.len() + pages);
    assert_eq!(body.matches(".nest(").count(), 1);
}

#[tokio::test]
async fn a_token_is_taken_only_as_a_bearer_and_only_whole() {
    let house = House::open().await;
    let wrong = ["", "Bearer", "Bearer ", &format!("Basic {TOKEN}"), &format!("Bearer {TOKEN} "), TOKEN];
    for value in wrong {
        let mut request = request("GET", "/api/v1/status", "localhost");
        request.headers_mut().insert("authorization", value.parse().unwrap());
        let reply = house.router().oneshot(request).await.unwrap();
        assert_eq!(reply.status(), StatusCode::UNAUTHORIZED, "`{value}`");
        assert!(reply.headers().contains_key("www-authenticate"), "`{value}`");
    }
}

#[tokio::test]
async fn without_a_token_in_the_settings_nobody_uses_the_api() {
    let mut house = House::open().await;
    house.state.token = None;
    for (method, path) in GUARDED {
        for token in [None, Some(""), Some(TOKEN)] {
            assert_eq!(house.ask(method, &asked(path), token).await.0, StatusCode::FORBIDDEN, "{path}");
        }
    }
    assert_eq!(house.ask("GET", "/healthz", None).await.0, StatusCode::OK);
    assert!(house.administration().is_empty());
}

#[tokio::test]
async fn a_name_that_somebody_could_point_here_is_refused() {
    let cases = [
        ("127.0.0.1:9443", true),
        ("[::1]:9443", true),
        ("LOCALHOST", true),
        ("localhost:9443", true),
        ("10.0.0.7", true),
        ("evil.example", false),
        ("evil.example:9443", false),
        ("localhost.evil.example", false),
        ("127.0.0.1.evil.example:9443", false),
        ("", false),
    ];
    let house = House::open().await;
    for (host, is_served) in cases {
        for path in ["/metrics", "/api/v1/sessions"] {
            let mut request = request("GET", path, host);
            request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
            let expected = if is_served { StatusCode::OK } else { StatusCode::MISDIRECTED_REQUEST };
            assert_eq!(house.send(request).await.0, expected, "`{host}`");
        }
    }
    let mut two = request("GET", "/healthz", "localhost");
    two.headers_mut().append("host", "evil.example".parse().unwrap());
    assert_eq!(house.send(two).await.0, StatusCode::MISDIRECTED_REQUEST);
}

#[tokio::test]
async fn the_metrics_are_open_metrics_and_name_nobody() {
    let house = House::open().await;
    let (_, text) = house.ask("GET", "/metrics", None).await;
    assert!(text.ends_with("# EOF\n"), "{text}");
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let (series, value) = line.rsplit_once(' ').unwrap();
        assert!(series.starts_with("leastway_"), "{line}");
        assert!(value.parse::<f64>().is_ok(), "{line}");
    }
    for secret in [NAME, "Nadia", "subject-of-nadia", "clinic.example", TOKEN] {
        assert!(!text.contains(secret), "{secret}");
    }
    let refused = r#"leastway_requests_total{application="ehr",verdict="deny",reason="no-rule-matched"}"#;
    assert_eq!(sample(&text, refused), "7");
    assert_eq!(sample(&text, r#"leastway_events_total{outcome="refused"}"#), "7");
    assert_eq!(sample(&text, "leastway_sessions"), "1");
    assert_eq!(sample(&text, "leastway_connections_open"), "3");
    assert_eq!(sample(&text, "leastway_replies_spilled_bytes"), "5");
    assert_eq!(sample(&text, "leastway_store_in_touch"), "1");
    assert_eq!(sample(&text, "leastway_journal_writable"), "1");
    assert_eq!(sample(&text, "leastway_store_waiting"), "6");
    assert_eq!(sample(&text, "leastway_store_writable"), "1");
    assert_eq!(sample(&text, "leastway_store_behind"), "7");
    assert_eq!(sample(&text, "leastway_config_last_reload_success"), "0");
    assert_eq!(sample(&text, r#"leastway_rules{version="c0ffee"}"#), "1");
    for (series, value) in [("in", "0"), ("in_flight", "4"), ("requests_total", "90"), ("failed_total", "5")]
    {
        let series = format!("leastway_upstream_{series}{{application=\"ehr\",server=\"[::1]:8080\"}}");
        assert_eq!(sample(&text, &series), value, "{series}");
    }
    for (series, value) in [("all_out", "1"), ("waiting", "2"), ("overloaded_total", "6")] {
        let series = format!("leastway_upstream_{series}{{application=\"ehr\"}}");
        assert_eq!(sample(&text, &series), value, "{series}");
    }
    assert_eq!(sample(&text, r#"leastway_provider_usable{provider="clinic"}"#), "1");
    assert_eq!(sample(&text, r#"leastway_provider_clock_offset_seconds{provider="clinic"}"#), "-2");
}

#[tokio::test]
async fn the_buckets_of_a_histogram_add_up_to_all_that_was_seen() {
    let house = House::open().await;
    let (_, text) = house.ask("GET", "/metrics", None).await;
    let bucket =
        |bound: &str| sample(&text, &format!("leastway_request_duration_seconds_bucket{{le=\"{bound}\"}}"));
    assert_eq!((bucket("0.0025"), bucket("0.005"), bucket("30.0"), bucket("+Inf")), ("0", "1", "1", "2"));
    assert_eq!(sample(&text, "leastway_request_duration_seconds_count"), "2");
}

#[tokio::test]
async fn the_gateway_is_ready_until_it_drains_or_its_journal_ends() {
    let house = House::open().await;
    assert_eq!(house.ask("GET", "/readyz", None).await.0, StatusCode::OK);
    house.draining.send_replace(true);
    let (status, body) = house.ask("GET", "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains(r#""draining":true"#), "{body}");
    let export = r#""exports":[{"export":"siem","failing":true,"lag_entries":10,"lag_seconds":60}]"#;
    assert!(body.contains(export), "told, and not where it leads: {body}");

    let house = House::open().await;
    house.state.journal.close();
    let (status, body) = house.ask("GET", "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains(r#""journal_writable":false"#), "{body}");
    assert_eq!(house.ask("GET", "/healthz", None).await.0, StatusCode::OK, "the process still lives");

    let mut house = House::open().await;
    house.state.present = Arc::new(|| Present { is_in_touch: false, ..present() });
    let (status, body) = house.ask("GET", "/readyz", None).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(body.contains(r#""store_in_touch":false"#), "{body}");
}

#[tokio::test]
async fn a_store_that_takes_no_writes_is_told_and_the_gateway_stays_ready_for_whoever_is_signed_in() {
    let mut house = House::open().await;
    assert!(house.ask("GET", "/readyz", None).await.1.contains(r#""store_writable":true"#));
    let store = Standing { is_writable: false, ..present().store };
    house.state.present = Arc::new(move || Present { store, ..present() });
    let (status, body) = house.ask("GET", "/readyz", None).await;
    assert_eq!(status, StatusCode::OK);
    assert!(body.contains(r#""store_writable":false"#), "{body}");
    let (_, text) = house.ask("GET", "/metrics", None).await;
    assert_eq!(sample(&text, "leastway_store_writable"), "0");
}

#[tokio::test]
async fn a_limit_is_1_to_1000_and_a_question_that_is_not_understood_is_refused() {
    let cases = [
        ("", 200),
        ("limit=1", 200),
        ("limit=1000", 200),
        ("limit=0", 400),
        ("limit=1001", 400),
        ("limit=-1", 400),
        ("limit=many", 400),
        ("decision=maybe", 400),
        ("since=yesterday", 400),
        ("persn=nadia", 400),
        ("break_glass=any", 200),
        ("break_glass=01980000-0000-7000-8000-000000000000", 200),
        ("break_glass=somebody", 400),
        ("decision=deny&reason=no-rule-matched&since=2026-03-01T00:00:00Z", 200),
    ];
    let house = House::open().await;
    for (query, expected) in cases {
        let (status, body) = house.ask("GET", &format!("/api/v1/events?{query}"), Some(TOKEN)).await;
        assert_eq!(status.as_u16(), expected, "{query}: {body}");
    }
    let (_, one) = house.ask("GET", "/api/v1/events?limit=1", Some(TOKEN)).await;
    assert_eq!(one.lines().count(), 1, "{one}");
}

#[tokio::test]
async fn reading_and_reloading_leave_an_event_and_being_refused_leaves_none() {
    let house = House::open().await;
    for (method, path) in GUARDED {
        house.ask(method, &asked(path), Some("guess")).await;
    }
    house.ask("GET", "/api/v1/events?limit=0", Some(TOKEN)).await;
    assert!(house.administration().is_empty());

    for (method, path) in GUARDED {
        house.ask(method, &asked(path), Some(TOKEN)).await;
    }
    let events = house.administration();
    let notes: Vec<&str> = events.iter().filter_map(|event| event.opening.note.as_deref()).collect();
    let rotation = "rotation of a secret begun: the application accepts the new one";
    let reviewed = "a detection was reviewed: seen";
    let broken = ["emergency access was listed", "an emergency access was reviewed: triaged"];
    let report = "the report coverage was read as html";
    let (revealed, kept) = (
        "what events keep under seal was read",
        "the key of what was sealed in 1999-01 was not destroyed: 1999-01 has no key here",
    );
    let renewed = "patients are to be named by a new key from the next start on: a trial";
    let seen = ["sessions were listed", "events were read", revealed, kept, renewed];
    let pack =
        "an evidence pack was made of 164.312(b), from 2026-01-01T00:00:00.000Z to 2026-03-01T08:00:00.000Z";
    let listed = [&seen[..], &["detections were listed", reviewed], &broken[..], &[report, pack]].concat();
    assert_eq!(notes, [&listed[..], &["a reload was asked for", rotation]].concat());
    assert!(events.iter().all(|event| event.closing.is_some()));

    let (_, lines) = house.ask("GET", "/api/v1/events?limit=1", Some(TOKEN)).await;
    assert!(lines.contains("events were read"), "who reads sees that it is seen: {lines}");
}

#[tokio::test]
async fn nothing_is_read_or_done_that_cannot_be_written_down() {
    let mut house = House::open().await;
    house.state.reload = Arc::new(|| panic!("a reload without its event"));
    house.state.journal.close();
    let tells_of_nobody =
        |path: &str| ["/status", "/feeds", "/exports", "/seals"].iter().any(|it| path.ends_with(it));
    for (method, path) in GUARDED.into_iter().filter(|(_, path)| !tells_of_nobody(path)) {
        let (status, body) = house.ask(method, &asked(path), Some(TOKEN)).await;
        assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{path}");
        assert!(!body.contains(NAME), "{body}");
    }
}

#[tokio::test]
async fn a_review_is_written_down_and_goes_forward_only() {
    let house = House::open().await;
    let path = format!("/api/v1/detections/{FOUND}");
    let say = async |path: &str, body: &'static str| {
        let mut request = request("POST", path, "127.0.0.1:9443");
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        *request.body_mut() = Body::from(body);
        house.send(request).await
    };
    let cases = [
        ("{}", 400, "say as JSON"),
        (r#"{"state":"closed"}"#, 400, "say what was found"),
        (r#"{"state":"open"}"#, 409, "a review goes from"),
        (r#"{"state":"seen","note":"a\nb"}"#, 400, "say as JSON"),
        (r#"{"state":"closed","finding":"fine","note":"the monthly list"}"#, 200, "\"quiet_until\""),
        (r#"{"state":"seen"}"#, 409, "`closed`"),
    ];
    for (body, expected, says) in cases {
        let (status, answer) = say(&path, body).await;
        assert_eq!((status.as_u16(), answer.contains(says)), (expected, true), "{body}: {answer}");
    }
    let absent = "/api/v1/detections/019ca869-5000-7000-8000-000000000000";
    assert_eq!(say(absent, r#"{"state":"seen"}"#).await.0, StatusCode::NOT_FOUND);
    for (query, number) in [("?state=closed", 1), ("?state=open", 0), ("?limit=1", 1)] {
        let (_, answer) = house.ask("GET", &format!("/api/v1/detections{query}"), Some(TOKEN)).await;
        assert_eq!(answer.matches(FOUND).count(), number, "{query}: {answer}");
    }
    for query in ["?limit=0", "?limit=10001", "?state=lost", "?since=1"] {
        let (status, _) = house.ask("GET", &format!("/api/v1/detections{query}"), Some(TOKEN)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let events = house.administration();
    let reviews: Vec<_> = events.iter().filter_map(|event| event.opening.review.as_deref()).collect();
    let [review] = reviews.as_slice() else { panic!("{reviews:?}") };
    assert_eq!((review.state, review.finding), (ReviewState::Closed, Some(ReviewFinding::Fine)));
    assert!(review.quiet_until.is_some() && review.note.is_some());
}

#[tokio::test]
async fn emergency_access_is_reviewed_by_anybody_but_its_person() {
    let house = House::open().await;
    let path = format!("/api/v1/break-glass/{BROKEN}");
    let say = async |path: &str, body: &'static str| {
        let mut request = request("POST", path, "127.0.0.1:9443");
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        *request.body_mut() = Body::from(body);
        house.send(request).await
    };
    let cases = [
        ("{}", 400, "say as JSON"),
        (r#"{"state":"triaged"}"#, 400, "say as JSON"),
        (r#"{"state":"triaged","reviewer":" "}"#, 400, "say who you are"),
        (r#"{"state":"triaged","reviewer":"subject-of-nadia"}"#, 403, "nobody reviews their own"),
        (r#"{"state":"closed","reviewer":"Petra"}"#, 400, "say what was found"),
        (r#"{"state":"closed","reviewer":"Petra","finding":"not-justified"}"#, 400, "in a `note`"),
        (r#"{"state":"triaged","reviewer":"Petra"}"#, 200, "\"triaged\""),
        (r#"{"state":"closed","reviewer":"Petra","finding":"justified"}"#, 200, "\"justified\""),
        (r#"{"state":"triaged","reviewer":"Petra"}"#, 409, "`closed`"),
    ];
    for (body, expected, says) in cases {
        let (status, answer) = say(&path, body).await;
        assert_eq!((status.as_u16(), answer.contains(says)), (expected, true), "{body}: {answer}");
    }
    let absent = "/api/v1/break-glass/019ca869-5000-7000-8000-000000000000";
    assert_eq!(say(absent, r#"{"state":"triaged","reviewer":"Petra"}"#).await.0, StatusCode::NOT_FOUND);
    for (query, number) in [("?state=closed", 1), ("?state=open", 0), ("?limit=1", 1)] {
        let (_, answer) = house.ask("GET", &format!("/api/v1/break-glass{query}"), Some(TOKEN)).await;
        assert_eq!(answer.matches(BROKEN).count(), number, "{query}: {answer}");
    }
    for query in ["?limit=0", "?limit=10001", "?state=lost", "?since=1"] {
        let (status, _) = house.ask("GET", &format!("/api/v1/break-glass{query}"), Some(TOKEN)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
    let events = house.administration();
    let told: Vec<_> = events.iter().filter_map(|event| event.opening.break_glass.as_deref()).collect();
    let said: Vec<_> = told.iter().filter_map(|told| told.review.as_ref()).collect();
    let states: Vec<_> = said.iter().map(|said| (said.state, said.finding)).collect();
    let justified = (BreakReview::Closed, Some(BreakFinding::Justified));
    assert_eq!(
        states,
        [(BreakReview::Triaged, None), justified],
        "what was not taken left no event of a review"
    );
    assert!(told.iter().all(|told| told.person.is_some()));
    let (_, metrics) = house.ask("GET", "/metrics", None).await;
    for line in [
        "leastway_break_glass_steps_total{step=\"started\"} 1",
        "leastway_break_glass_findings{finding=\"justified\"} 1",
        "leastway_break_glass_closed{in_time=\"yes\"} 1",
        "leastway_break_glass_reviews_waiting 0",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
}

#[tokio::test]
async fn a_reload_that_is_refused_says_every_problem() {
    let mut house = House::open().await;
    let (status, body) = house.ask("POST", "/api/v1/reload", Some(TOKEN)).await;
    assert_eq!((status, body.as_str()), (StatusCode::OK, r#"{"rules_version":"5eed","needs_restart":[]}"#));

    let problems = || vec!["roles.toml:3: one".to_owned(), "roles.toml:9: two".to_owned()];
    house.state.reload = Arc::new(move || Box::pin(async move { Err(problems()) }));
    let (status, body) = house.ask("POST", "/api/v1/reload", Some(TOKEN)).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(body, r#"{"problems":["roles.toml:3: one","roles.toml:9: two"]}"#);
    assert_eq!(house.ask("GET", "/api/v1/reload", Some(TOKEN)).await.0, StatusCode::METHOD_NOT_ALLOWED);
}

#[tokio::test]
async fn each_step_of_a_rotation_is_an_event_of_its_account_and_only_a_change_of_the_file_reloads() {
    let mut house = House::open().await;
    house.state.reload = Arc::new(|| Box::pin(async { Ok(("taken".into(), Arc::default())) }));
    let steps = [
        ("begun", "c0ffee", Outcome::Completed),
        ("switched", "taken", Outcome::Completed),
        ("old_accepted", "c0ffee", Outcome::Completed),
        ("rolled_back", "taken", Outcome::Failed),
        ("ended", "c0ffee", Outcome::Completed),
    ];
    for (step, version, _) in steps {
        let path = format!("/api/v1/rotation?application=ehr&account=reader&step={step}");
        let (status, body) = house.ask("POST", &path, Some(TOKEN)).await;
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((status.as_u16(), &told["rules_version"]), (200, &version.into()), "{step}");
    }
    for wrong in [
        "",
        "?step=begun",
        "?application=ehr&account=reader&step=done",
        "?application=%0a&account=r&step=begun",
    ] {
        let (status, _) = house.ask("POST", &format!("/api/v1/rotation{wrong}"), Some(TOKEN)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{wrong}");
    }
    let events = house.administration();
    assert_eq!(events.len(), steps.len());
    for (event, (step, _, outcome)) in events.iter().zip(steps) {
        assert_eq!(event.closing.as_ref().unwrap().outcome, outcome, "{step}");
        assert_eq!(event.opening.application, Some("ehr".parse().unwrap()));
        assert_eq!(event.opening.credential, Some("reader".parse().unwrap()));
        assert!(event.opening.note.as_deref().unwrap().starts_with("rotation of a secret"), "{step}");
    }
}

#[tokio::test]
async fn so_many_questions_at_once_are_answered_and_the_next_is_told_to_come_again() {
    let mut house = House::open().await;
    house.state.reload = Arc::new(|| Box::pin(std::future::pending()));
    let router = house.router();
    let ask = |method: Method, path: &str| {
        let request = Request::builder().method(method).uri(path).header("host", "127.0.0.1");
        let request = request.header("authorization", format!("Bearer {TOKEN}")).body(Body::empty()).unwrap();
        router.clone().oneshot(request)
    };
    let mut waiting = Vec::new();
    for _ in 0..REQUESTS_MAX {
        let mut asked = Box::pin(ask(Method::POST, "/api/v1/reload"));
        assert!(asked.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_pending());
        waiting.push(asked);
    }
    let refused = ask(Method::GET, "/api/v1/status").await.unwrap();
    assert_eq!(refused.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert_eq!(refused.headers().get("retry-after").unwrap(), "5");
    assert_eq!(ask(Method::GET, "/healthz").await.unwrap().status(), StatusCode::OK);
    drop(waiting);
    assert_eq!(ask(Method::GET, "/api/v1/status").await.unwrap().status(), StatusCode::OK);
}

impl House {
    async fn revoke(&self, question: &str) -> (StatusCode, String) {
        let mut request = request("POST", "/api/v1/sessions/revoke", "127.0.0.1");
        request.headers_mut().insert("authorization", format!("Bearer {TOKEN}").parse().unwrap());
        *request.body_mut() = Body::from(question.to_owned());
        self.send(request).await
    }

    pub(super) fn revocations(&self) -> Vec<Revocation> {
        let events = events_since(&self.folder.path().join("journal"), Timestamp::default()).unwrap();
        events.filter_map(|event| event.unwrap().opening.revocation).map(|told| *told).collect()
    }
}

#[tokio::test]
async fn an_administrator_says_which_sessions_end_and_why_and_is_told_how_many() {
    let house = House::open().await;
    let unclear = [
        ("", "as JSON"),
        ("{}", "`reason` is needed"),
        (r#"{"person":"subject-of-nadia"}"#, "`reason` is needed"),
        (r#"{"person":"subject-of-nadia","reason":" "}"#, "`reason` is needed"),
        (r#"{"reason":"left"}"#, "by one of them"),
        (r#"{"person":"a","provider_session":"b","reason":"left"}"#, "by one of them"),
        (r#"{"session":"nadia","reason":"left"}"#, "as JSON"),
        (r#"{"persn":"a","reason":"left"}"#, "unknown field"),
        (r#"{"person":"","reason":"left"}"#, "1 to 255 bytes"),
        (r#"{"person":"a","provider":"elsewhere","reason":"left"}"#, "at which `provider`: clinic"),
    ];
    for (question, expected) in unclear {
        let (status, body) = house.revoke(question).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{question}");
        assert!(body.contains(expected), "{question}: {body}");
    }
    let large = format!(r#"{{"person":"a","reason":"{}"}}"#, "x".repeat(17 * 1024));
    assert_eq!(house.revoke(&large).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(house.revocations().is_empty() && house.state.sessions.list(9, start()).len() == 1);

    let question = r#"{"person":"subject-of-nadia","reason":"has left","asked":"2026-03-01T07:59:00Z"}"#;
    for expected in [1, 0] {
        let (status, body) = house.revoke(question).await;
        assert_eq!(status, StatusCode::OK, "{body}");
        let told: serde_json::Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&told["ended"], &told["streams"]), (&expected.into(), &0.into()), "{body}");
    }
    assert!(house.state.sessions.list(9, start()).is_empty());
    let told = &house.revocations()[0];
    assert_eq!((told.cause, told.why.as_ref().unwrap().as_str()), (Cause::Administrator, "has left"));
    assert!(matches!(&told.target, Target::Person(person) if *person.issuer == *clinic().issuer));
    assert_eq!(told.received.since(told.asked), Duration::from_secs(60));
}

#[tokio::test]
async fn sessions_end_even_where_that_cannot_be_written_down_and_that_is_told() {
    let house = House::open().await;
    house.state.journal.close();
    let (status, body) = house.revoke(r#"{"person":"subject-of-nadia","reason":"has left"}"#).await;
    assert_eq!(status, StatusCode::SERVICE_UNAVAILABLE, "{body}");
    assert!(house.state.sessions.list(9, start()).is_empty());
}

#[tokio::test]
async fn where_there_are_several_providers_one_is_named() {
    let mut house = House::open().await;
    let other =
        || ProviderState { provider: "agency".parse().unwrap(), issuer: "https://b".into(), ..clinic() };
    house.state.present = Arc::new(move || Present { providers: vec![other(), clinic()], ..present() });
    let (status, body) = house.revoke(r#"{"person":"subject-of-nadia","reason":"left"}"#).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(body.contains("agency, clinic"), "{body}");
    for (provider, expected) in [("agency", 0), ("clinic", 1)] {
        let question = format!(r#"{{"person":"subject-of-nadia","provider":"{provider}","reason":"left"}}"#);
        let (_, body) = house.revoke(&question).await;
        assert!(body.contains(&format!(r#""ended":{expected},"#)), "{provider}: {body}");
    }
}

#[tokio::test]
async fn who_is_signed_in_can_be_asked_for_by_person() {
    let house = House::open().await;
    let cases = [
        ("", 1),
        ("?person=nadia", 1),
        ("?person=subject-of-nadia", 1),
        ("?person=subject", 0),
        ("?limit=1", 1),
    ];
    for (query, expected) in cases {
        let (_, body) = house.ask("GET", &format!("/api/v1/sessions{query}"), Some(TOKEN)).await;
        assert_eq!(body.matches(NAME).count(), expected, "{query}: {body}");
    }
    for query in ["?limit=0", "?limit=10001", "?persn=nadia"] {
        let (status, _) = house.ask("GET", &format!("/api/v1/sessions{query}"), Some(TOKEN)).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{query}");
    }
}

#[tokio::test]
async fn a_provider_keeps_its_directory_by_its_own_token() {
    let mut house = House::open().await;
    let path = DIRECTORY.replace("{*path}", "Users?count=1");
    for token in [None, Some(TOKEN)] {
        let (status, body) = house.ask("GET", &path, token).await;
        assert_eq!(status, StatusCode::UNAUTHORIZED);
        assert!(body.contains("urn:ietf:params:scim:api:messages:2.0:Error"), "{body}");
    }
    house.state.directory = Arc::new(|headers| {
        let is_known = headers.get("authorization")? == "Bearer a directory's own";
        let service = |asked: Asked| -> Provisioned {
            assert_eq!((&*asked.path, &*asked.query), ("/Users", "count=1"));
            assert_eq!(asked.base, "http://127.0.0.1:9443/scim/v2");
            let reply = Reply { status: 201, body: None, location: Some(asked.base), allow: None };
            Box::pin(async move { reply })
        };
        is_known.then(|| Box::new(service) as DirectoryService)
    });
    assert_eq!(house.ask("GET", &path, Some(TOKEN)).await.0, StatusCode::UNAUTHORIZED);
    assert_eq!(house.ask("PUT", &path, Some("a directory's own")).await.0, StatusCode::CREATED);
}
