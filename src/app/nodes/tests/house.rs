//! Two gateways in one process on one store, behind a balancer that keeps nobody at one of them.

use std::net::{Ipv4Addr, TcpListener as StdListener};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU32, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};

use crate::app::running::{Running, Succession};
use crate::app::store::PARTS;
use crate::demo::browser::{Browser, Reply, form_fields};
use crate::demo::people::Person;
use crate::demo::{Clinic, Ports, WorkDirectory};
use crate::domain::event::Event;
use crate::features::audit::events::events_since;
use crate::features::session::SESSION_COOKIE;
use crate::foundation::clock::{Clock, SystemClock, Timestamp};
use crate::foundation::entropy::SystemEntropy;
use crate::platform::store::Store;

/// Where the balancer leads new connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum To {
    A,
    B,
    /// To one after the other.
    Both,
}

pub(super) struct House {
    pub(super) nodes: [Running; 2],
    pub(super) stores: [Store; 2],
    pub(super) ports: Ports,
    directories: [WorkDirectory; 2],
    to: Arc<AtomicU8>,
    clinic: Clinic,
    balancer: tokio::task::JoinHandle<()>,
    _folder: tempfile::TempDir,
}

impl House {
    pub(super) async fn open() -> Self {
        Self::furnish(|_| {}).await
    }

    /// With a configuration of both that `change` has changed.
    pub(super) async fn furnish(change: impl FnOnce(&Path)) -> Self {
        let (folder, clock) = (tempfile::tempdir().unwrap(), Arc::new(SystemClock));
        let entropy = Arc::new(SystemEntropy);
        let first = WorkDirectory::prepare(&folder.path().join("a"), &*clock, &*entropy).unwrap();
        let (ports, nodes_ports) = free_ports();
        write_ports(first.root(), ports);
        change(first.root());
        copy(first.root(), &folder.path().join("b"));
        let second = WorkDirectory::prepare(&folder.path().join("b"), &*clock, &*entropy).unwrap();
        let directories = [first, second];
        for (directory, [gateway, control]) in directories.iter().zip(nodes_ports) {
            let file = directory.configuration();
            edit(&file, &format!("127.0.0.1:{}", ports.gateway), &format!("127.0.0.1:{gateway}"));
            edit(&file, &format!("127.0.0.1:{}", ports.control), &format!("127.0.0.1:{control}"));
        }
        let clinic = Clinic::open(&directories[0], ports, clock.clone(), entropy.clone()).await.unwrap();
        let stores = Store::pair(&folder.path().join("shared.db"), &PARTS).unwrap();
        let start = async |number: usize| {
            let succession = Succession { store: Some(stores[number].clone()), ..Succession::default() };
            let file = directories[number].configuration();
            Running::succeed(succession, &file, clock.clone(), entropy.clone()).await.unwrap()
        };
        let nodes = [start(0).await, start(1).await];
        let to = Arc::new(AtomicU8::new(To::Both as u8));
        let balancer = balance(ports.gateway, nodes_ports.map(|[gateway, _]| gateway), to.clone()).await;
        Self { nodes, stores, ports, directories, to, clinic, balancer, _folder: folder }
    }

    /// Leads new connections there.
    pub(super) fn lead(&self, to: To) {
        self.to.store(to as u8, Ordering::SeqCst);
    }

    pub(super) fn browser(&self) -> Browser {
        Browser::new(&self.directories[0], Arc::new(SystemEntropy)).unwrap()
    }

    pub(super) fn ehr(&self) -> String {
        format!("https://ehr.localhost:{}", self.ports.gateway)
    }

    /// Fills in the provider's page, and gives what comes at last.
    pub(super) async fn enter(&self, browser: &mut Browser, page: &Reply, username: &str) -> Reply {
        let ticket = form_fields(&page.text(), "/sign-in").unwrap_or_else(|| panic!("{}", page.text()));
        let person = Person::named(username).unwrap();
        let fields =
            [("username", person.username), ("password", person.password), ("ticket", &ticket["ticket"])];
        let provider = format!("https://id.localhost:{}/sign-in", self.ports.provider);
        browser.submit(&provider, &fields).await.unwrap()
    }

    /// A browser in which somebody has signed in at the EHR.
    pub(super) async fn signed_in(&self, username: &str) -> Browser {
        let mut browser = self.browser();
        let page = browser.open(&format!("{}/", self.ehr())).await.unwrap();
        let back = self.enter(&mut browser, &page, username).await;
        assert_eq!(back.status, 200, "{}", back.text());
        assert!(browser.cookie("ehr.localhost", SESSION_COOKIE).is_some());
        browser
    }

    /// Waits until something holds that one node has heard of the other.
    pub(super) async fn until(what: impl AsyncFn() -> bool) {
        for _ in 0..400 {
            if what().await {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("it has not come to that in four seconds");
    }

    /// Waits until both nodes know as many sessions.
    pub(super) async fn until_both_know(&self, sessions: usize) {
        let know = async |node: &Running| node.shared.sessions.list(100, SystemClock.now()).len() == sessions;
        Self::until(async || know(&self.nodes[0]).await && know(&self.nodes[1]).await).await;
    }

    /// Stops both, and gives what their journals hold.
    pub(super) async fn stop(self) -> [Vec<Event>; 2] {
        self.balancer.abort();
        for node in self.nodes {
            node.stop().await.unwrap();
        }
        self.clinic.close().await;
        self.directories.map(|directory| {
            let events = events_since(&directory.journal(), Timestamp::default()).unwrap();
            events.map(Result::unwrap).collect()
        })
    }
}

async fn balance(port: u16, nodes: [u16; 2], to: Arc<AtomicU8>) -> tokio::task::JoinHandle<()> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port)).await.unwrap();
    let next = AtomicUsize::new(0);
    tokio::spawn(async move {
        while let Ok((mut caller, _)) = listener.accept().await {
            let node = match to.load(Ordering::SeqCst) {
                0 => nodes[0],
                1 => nodes[1],
                _ => nodes[next.fetch_add(1, Ordering::Relaxed) % 2],
            };
            tokio::spawn(async move {
                if let Ok(mut gateway) = TcpStream::connect((Ipv4Addr::LOCALHOST, node)).await {
                    drop(tokio::io::copy_bidirectional(&mut caller, &mut gateway).await);
                }
            });
        }
    })
}

/// Those of everybody, and of each node the port of its gateway and of its control listener: below those that the system
/// gives to whoever connects, and for each house in each process others.
fn free_ports() -> (Ports, [[u16; 2]; 2]) {
    static HOUSES: AtomicU32 = AtomicU32::new(0);
    let place = (std::process::id() + HOUSES.fetch_add(1, Ordering::Relaxed) * 37) % 700;
    let first = 10_240 + u16::try_from(place).unwrap() * 30;
    let is_free = |port: &u16| StdListener::bind((Ipv4Addr::LOCALHOST, *port)).is_ok();
    let mut free = (first..first + 30).filter(is_free);
    let mut port = || free.next().expect("nine of thirty ports are free");
    let ports = Ports { gateway: port(), control: port(), provider: port(), ehr: port(), console: port() };
    (ports, [[port(), port()], [port(), port()]])
}

fn write_ports(root: &Path, ports: Ports) {
    let shipped = Ports::SHIPPED;
    for (name, from, to) in [
        ("leastway.toml", shipped.gateway, ports.gateway),
        ("leastway.toml", shipped.control, ports.control),
        ("leastway.toml", shipped.provider, ports.provider),
        ("applications/ehr.toml", shipped.ehr, ports.ehr),
        ("applications/console.toml", shipped.console, ports.console),
    ] {
        edit(&root.join(name), &format!(":{from}"), &format!(":{to}"));
    }
}

/// Replaces what must be there.
pub(super) fn edit(file: &Path, from: &str, to: &str) {
    let text = std::fs::read_to_string(file).unwrap();
    assert!(text.contains(from), "`{from}` in {}", file.display());
    std::fs::write(file, text.replace(from, to)).unwrap();
}

fn copy(from: &Path, to: &Path) {
    std::fs::create_dir_all(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (source, target) = (entry.path(), to.join(entry.file_name()));
        if source.is_dir() {
            copy(&source, &target);
        } else {
            std::fs::copy(&source, &target).unwrap();
        }
    }
}
