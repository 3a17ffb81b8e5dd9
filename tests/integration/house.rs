//! A gateway on ports of its own, on the shipped configuration.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use leastway::app::running::Running;
use leastway::demo::browser::{Browser, Caller, Reply, form_fields};
use leastway::demo::people::Person;
use leastway::demo::{Clinic, Ports, WorkDirectory};
use leastway::domain::event::Event;
use leastway::features::audit::events::events_since;
use leastway::features::audit::verify::{Expectations, verify};
use leastway::features::session::SESSION_COOKIE;
use leastway::foundation::clock::{Clock, SystemClock, Timestamp};
use leastway::foundation::entropy::SystemEntropy;

use crate::application::Application;
use crate::line::{Came, Line, Protocol, raw};

/// Who else is there.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Neighbors {
    /// The provider, and an application that tells what reached it in place of the EHR.
    All,
    /// The provider, and this application in place of the EHR.
    Application(SocketAddr),
    /// Nobody: neither applications nor the provider listen.
    None,
}

/// A gateway that runs, and those around it.
pub(crate) struct House {
    pub(crate) running: Running,
    pub(crate) ports: Ports,
    pub(crate) directory: WorkDirectory,
    clock: Arc<dyn Clock>,
    clinic: Option<Clinic>,
    application: Option<Application>,
    _folder: tempfile::TempDir,
}

impl House {
    pub(crate) async fn open(neighbors: Neighbors) -> Self {
        Self::furnish(neighbors, |_| {}).await
    }

    /// With a configuration that `change` has changed before it is read.
    pub(crate) async fn furnish(neighbors: Neighbors, change: impl FnOnce(&WorkDirectory)) -> Self {
        Self::open_at(Arc::new(SystemClock), neighbors, change).await
    }

    /// The same, with a clock of the test's own.
    pub(crate) async fn open_at(
        clock: Arc<dyn Clock>,
        neighbors: Neighbors,
        change: impl FnOnce(&WorkDirectory),
    ) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let entropy = Arc::new(SystemEntropy);
        let directory = WorkDirectory::prepare(&folder.path().join("clinic"), &*clock, &*entropy).unwrap();
        let ports = free_ports();
        let (mut clinic, mut application, mut upstream) = (None, None, ports.ehr);
        if neighbors != Neighbors::None {
            clinic = Some(Clinic::open(&directory, ports, clock.clone(), entropy.clone()).await.unwrap());
        }
        match neighbors {
            Neighbors::All => {
                let started = Application::start().await;
                upstream = started.address.port();
                application = Some(started);
            }
            Neighbors::Application(address) => upstream = address.port(),
            Neighbors::None => {}
        }
        write_ports(&directory, ports, upstream);
        change(&directory);
        let running = Running::start(&directory.configuration(), clock.clone(), entropy).await.unwrap();
        Self { running, ports, directory, clock, clinic, application, _folder: folder }
    }

    /// With these routes of the EHR besides, which is taken for a server of FHIR.
    pub(crate) async fn with_routes(routes: &str, change: impl FnOnce(&WorkDirectory)) -> Self {
        Self::furnish(Neighbors::All, |clinic| {
            let file = clinic.root().join("applications/ehr.toml");
            let headers = "identity_headers = [\"remote_user\"]";
            edit(&file, headers, &format!("{headers}\nquirks = [\"fhir_search\"]"));
            append(&file, routes);
            change(clinic);
        })
        .await
    }

    /// Stops the gateway, and starts it again on the same files.
    pub(crate) async fn restart(self) -> Self {
        self.restart_after(|| {}).await
    }

    /// The same, with something that happens while it is down.
    pub(crate) async fn restart_after(self, change: impl FnOnce()) -> Self {
        self.running.stop().await.unwrap();
        change();
        let (clock, entropy) = (self.clock.clone(), Arc::new(SystemEntropy));
        let running = Running::start(&self.directory.configuration(), clock, entropy).await.unwrap();
        Self { running, ..self }
    }

    /// The provider stops; nobody listens there any more.
    pub(crate) async fn stop_clinic(&mut self) {
        self.clinic.take().unwrap().close().await;
    }

    /// The provider stops, and starts again with other keys.
    pub(crate) async fn restart_clinic(&mut self) {
        self.stop_clinic().await;
        let (clock, entropy) = (self.clock.clone(), Arc::new(SystemEntropy));
        self.clinic = Some(Clinic::open(&self.directory, self.ports, clock, entropy).await.unwrap());
    }

    /// How many requests have reached the application.
    pub(crate) fn reached(&self) -> usize {
        self.application.as_ref().map_or(0, Application::reached)
    }

    /// Sends these bytes to a host on a connection of their own, and gives the status that comes back.
    pub(crate) async fn raw(&self, host: &str, bytes: &str) -> u16 {
        let authority = std::fs::read(self.directory.authority()).unwrap();
        raw(&authority, host, self.ports.gateway, bytes.as_bytes()).await
    }

    /// Signs somebody out, at the EHR.
    pub(crate) async fn sign_out(&self, cookie: &str) {
        let here = format!("ehr.localhost:{}", self.ports.gateway);
        let head = format!("host: {here}\r\norigin: https://{here}\r\ncookie: {cookie}\r\nconnection: close");
        let form = format!("POST /.leastway/sign-out HTTP/1.1\r\n{head}\r\ncontent-length: 0\r\n\r\n");
        assert_eq!(self.raw("ehr.localhost", &form).await, 303);
    }

    pub(crate) fn ehr(&self) -> String {
        format!("https://ehr.localhost:{}", self.ports.gateway)
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.directory.root().join(name)
    }

    pub(crate) fn browser(&self) -> Browser {
        Browser::new(&self.directory, Arc::new(SystemEntropy)).unwrap()
    }

    pub(crate) async fn line(&self, host: &str, protocol: Protocol) -> Line {
        let authority = std::fs::read(self.directory.authority()).unwrap();
        Line::open(&authority, host, self.ports.gateway, protocol).await
    }

    /// Signs somebody in at the EHR, and gives the session's cookie.
    pub(crate) async fn cookie_of(&self, username: &str) -> String {
        let mut browser = self.browser();
        let page = browser.open(&format!("{}/", self.ehr())).await.unwrap();
        let back = self.enter(&mut browser, &page, username).await;
        assert_eq!(back.status, 200, "{}", back.text());
        let value = browser.cookie("ehr.localhost", SESSION_COOKIE).unwrap();
        format!("{SESSION_COOKIE}={value}")
    }

    /// Fills in the provider's page, and gives what comes at last.
    pub(crate) async fn enter(&self, browser: &mut Browser, page: &Reply, username: &str) -> Reply {
        let ticket = form_fields(&page.text(), "/sign-in").unwrap_or_else(|| panic!("{}", page.text()));
        let person = Person::named(username).unwrap();
        let fields =
            [("username", person.username), ("password", person.password), ("ticket", &ticket["ticket"])];
        let provider = format!("https://id.localhost:{}/sign-in", self.ports.provider);
        browser.submit(&provider, &fields).await.unwrap()
    }

    /// What the control listener answers: status and text.
    pub(crate) async fn control(&self, path: &str) -> (u16, String) {
        let url = format!("http://127.0.0.1:{}{path}", self.ports.control);
        let reply = self.browser().once(Caller::Program, &url).await.unwrap();
        (reply.status.as_u16(), reply.text())
    }

    /// The sum over all series of one metric.
    pub(crate) async fn metric(&self, name: &str) -> u64 {
        let (_, text) = self.control("/metrics").await;
        let of = |line: &str| {
            let rest = line.strip_prefix(name)?;
            if !rest.starts_with(['{', ' ']) {
                return None;
            }
            rest.rsplit_once(' ')?.1.parse::<u64>().ok()
        };
        text.lines().filter_map(of).sum()
    }

    /// Asks as this session until the journal, whose segments are of 1 MiB, cannot be written any more: how many times
    /// that took, and what came then.
    pub(crate) async fn fail_journal(&self, cookie: &str) -> (usize, Came) {
        take_next_segment(&self.directory.journal()).await;
        let mut line = self.line("ehr.localhost", Protocol::Http1).await;
        // Long names of parameters make long entries, until the segment is full.
        let page = format!("/?{}=1", "k".repeat(4000));
        for asked in 1..1000 {
            let came = line.ask(&page, &[("cookie", cookie)]).await;
            if came.status != 200 {
                return (asked, came);
            }
            assert!(came.text.contains("x-leastway-assertion"));
        }
        panic!("the journal never failed");
    }

    /// Stops the gateway, and gives what its journal holds, which verifies.
    pub(crate) async fn stop(self) -> Vec<Event> {
        self.running.stop().await.unwrap();
        if let Some(clinic) = self.clinic {
            clinic.close().await;
        }
        let report = verify(&self.directory.journal(), &Expectations::default()).unwrap();
        assert!(report.is_sound() && report.signed_through == report.last_sequence, "{report:?}");
        let events = events_since(&self.directory.journal(), Timestamp::default()).unwrap();
        events.map(Result::unwrap).collect()
    }
}

/// Takes away the segment that was made ahead: the step to it will fail.
pub(crate) async fn take_next_segment(journal: &Path) {
    let next = journal.join("next.prepared");
    for _ in 0..200 {
        if std::fs::metadata(&next).is_ok_and(|made| made.len() == 1024 * 1024) {
            return std::fs::remove_file(next).unwrap();
        }
        tokio::time::sleep(Duration::from_millis(25)).await;
    }
    panic!("no segment was made ahead");
}

/// Ports on which nobody listens: below those that the system gives to whoever connects, and for each process and each
/// house in it others, so that nobody takes them before they are used.
pub(crate) fn free_ports() -> Ports {
    static HOUSES: AtomicU32 = AtomicU32::new(0);
    let house = HOUSES.fetch_add(1, Ordering::Relaxed);
    let place = (std::process::id() + house * 37) % 1000;
    let first = 10_240 + u16::try_from(place).unwrap() * 20;
    let is_free = |port: &u16| TcpListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut free = (first..first + 20).filter(is_free);
    let mut port = || free.next().expect("five of twenty ports are free");
    Ports { gateway: port(), control: port(), provider: port(), ehr: port(), console: port() }
}

pub(crate) fn write_ports(directory: &WorkDirectory, ports: Ports, upstream: u16) {
    let shipped = Ports::SHIPPED;
    let changes = [
        ("leastway.toml", shipped.gateway, ports.gateway),
        ("leastway.toml", shipped.control, ports.control),
        ("leastway.toml", shipped.provider, ports.provider),
        ("applications/ehr.toml", shipped.ehr, upstream),
        ("applications/console.toml", shipped.console, ports.console),
    ];
    for (name, from, to) in changes {
        edit(&directory.root().join(name), &format!(":{from}"), &format!(":{to}"));
    }
}

/// Replaces what must be there.
pub(crate) fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "`{from}` in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

/// Has sessions end after fifteen minutes, without being locked first.
pub(crate) fn without_lock(directory: &WorkDirectory) {
    edit(&directory.configuration(), "idle = \"4h\"", "idle = \"15m\"");
}

/// Adds to a file.
pub(crate) fn append(file: &Path, more: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(file, format!("{text}\n{more}\n")).unwrap();
}
