//! A restart of the process under load: no connection is refused, and what is under way comes to its end.

use std::net::{Ipv4Addr, TcpListener};
use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use leastway::demo::{Ports, WorkDirectory};
use leastway::features::audit::events::events_since;
use leastway::foundation::clock::{SystemClock, Timestamp};
use leastway::foundation::entropy::SystemEntropy;
use leastway::platform::http::body::read_bounded;

use crate::application::{Application, PIECE, PIECES};
use crate::house::{append, free_ports, write_ports};
use crate::line::{Line, Protocol};

/// The files of a gateway that processes of their own run on.
struct Place {
    directory: WorkDirectory,
    ports: Ports,
    authority: Vec<u8>,
    _application: Application,
    _folder: tempfile::TempDir,
}

impl Place {
    async fn prepare() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let directory =
            WorkDirectory::prepare(&folder.path().join("clinic"), &SystemClock, &SystemEntropy).unwrap();
        let ports = free_ports();
        let application = Application::start().await;
        write_ports(&directory, ports, application.address.port());
        append(&directory.configuration(), "[gateway.limits]\nnew_connections_per_address = \"none\"");
        let authority = std::fs::read(directory.authority()).unwrap();
        Self { directory, ports, authority, _application: application, _folder: folder }
    }

    async fn line(&self, protocol: Protocol) -> Line {
        Line::open(&self.authority, "ehr.localhost", self.ports.gateway, protocol).await
    }

    fn logged(&self, text: &str) -> bool {
        std::fs::read_to_string(self.directory.root().join("log")).unwrap().contains(text)
    }

    fn log(&self) -> std::fs::File {
        let path = self.directory.root().join("log");
        std::fs::OpenOptions::new().append(true).create(true).open(path).unwrap()
    }

    /// Starts a process; with `socket` as systemd hands it over (`sd_listen_fds(3)`).
    fn start(&self, socket: Option<&TcpListener>, more: &[&str]) -> Process {
        let script = "exec 3<&0 </dev/null; export LISTEN_FDS=1 LISTEN_PID=$$; exec \"$@\"";
        let mut command = match socket {
            Some(socket) => {
                let mut shell = Command::new("sh");
                shell.args(["-c", script, "sh", BINARY]);
                shell.stdin(Stdio::from(OwnedFd::from(socket.try_clone().unwrap())));
                shell
            }
            None => Command::new(BINARY),
        };
        let main = self.directory.configuration();
        command.args(["serve", "--config"]).arg(&main).args(more);
        Process(command.stdout(self.log()).stderr(self.log()).spawn().unwrap())
    }
}

const BINARY: &str = env!("CARGO_BIN_EXE_leastway");

struct Process(Child);

impl Process {
    fn terminate(&self) {
        let ended = Command::new("kill").args(["-TERM", &self.0.id().to_string()]).status().unwrap();
        assert!(ended.success());
    }

    async fn end(mut self) {
        for _ in 0..600 {
            if let Some(status) = self.0.try_wait().unwrap() {
                assert!(status.success(), "{status}");
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        panic!("it does not end");
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // After a failed test; a process that has ended is not there to be killed.
        drop(self.0.kill());
    }
}

/// Callers who each make one connection after the other, until they are told to stop; the first that fails
/// fails the test.
fn load(
    place: &Arc<Place>,
    stop: &Arc<AtomicBool>,
    served: &Arc<AtomicUsize>,
) -> Vec<tokio::task::JoinHandle<()>> {
    let caller = |number: usize| {
        let (place, stop, served) = (place.clone(), stop.clone(), served.clone());
        tokio::spawn(async move {
            let protocol = if number.is_multiple_of(2) { Protocol::Http1 } else { Protocol::Http2 };
            while !stop.load(Ordering::Relaxed) {
                let mut line = place.line(protocol).await;
                let Some(came) = line.ask_unless_told_to_go("/static/a.css").await else { continue };
                assert_eq!(came.status, 200, "{}", came.text);
                served.fetch_add(1, Ordering::Relaxed);
            }
        })
    };
    (0..6).map(caller).collect()
}

async fn until(served: &AtomicUsize, number: usize) {
    while served.load(Ordering::Relaxed) < number {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn events(directory: &Path) -> usize {
    let events = events_since(directory, Timestamp::default()).unwrap().map(Result::unwrap);
    events.filter(|event| event.opening.route.is_some() && event.closing.is_some()).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restart_on_a_socket_that_was_handed_over_loses_no_request() {
    let place = Arc::new(Place::prepare().await);
    let socket = TcpListener::bind((Ipv4Addr::LOCALHOST, place.ports.gateway)).unwrap();
    let mut process = place.start(Some(&socket), &[]);
    let (stop, served) = (Arc::default(), Arc::default());
    let callers = load(&place, &stop, &served);
    for round in 1..=3 {
        until(&served, 50 * round).await;
        let slow = place.line(Protocol::Http1).await.begin("/static/slow", &[]).await;
        process.terminate();
        let whole = read_bounded(slow.into_body(), 1024 * 1024).await.unwrap();
        assert_eq!(whole.len(), PIECES * PIECE.len(), "what is under way comes whole");
        process.end().await;
        process = place.start(Some(&socket), &[]);
    }
    until(&served, 200).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    process.terminate();
    process.end().await;
    let recorded = events(&place.directory.journal());
    assert_eq!(recorded, served.load(Ordering::Relaxed) + 3, "each is in the journal, by whichever process");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_process_that_takes_over_begins_when_the_one_before_has_ended() {
    let place = Arc::new(Place::prepare().await);
    let first = place.start(None, &[]);
    let (stop, served) = (Arc::default(), Arc::default());
    while tokio::net::TcpStream::connect(("127.0.0.1", place.ports.gateway)).await.is_err() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    // Without being told to take over, a second process changes nothing for the first.
    let mut second = place.start(None, &[]);
    while second.0.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!second.0.wait().unwrap().success());
    let callers = load(&place, &stop, &served);
    until(&served, 50).await;

    let next = place.start(None, &["--take-over"]);
    while !place.logged("waiting for the process before") {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    first.terminate();
    first.end().await;
    until(&served, served.load(Ordering::Relaxed) + 50).await;
    stop.store(true, Ordering::Relaxed);
    for caller in callers {
        caller.await.unwrap();
    }
    next.terminate();
    next.end().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_that_no_setting_names_is_an_error() {
    let place = Place::prepare().await;
    let other = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
    let mut process = place.start(Some(&other), &[]);
    while process.0.try_wait().unwrap().is_none() {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(!process.0.wait().unwrap().success());
    assert!(place.logged("was handed over"));
}
