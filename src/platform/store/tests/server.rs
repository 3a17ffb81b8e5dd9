//! A server of PostgreSQL for the tests, from the binaries that this machine has.
//!
//! Each test gets a database of its own in one server of the test process. That server ends with the process, however
//! the process ends: the shell that watches over it reads from a pipe whose other end is ours.

use std::collections::HashSet;
use std::os::unix::fs::chown;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, OnceLock};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::foundation::digest::Digest;
use crate::platform::store::{Host, Place, ServerSettings};

/// Said where there must be a server: tests fail instead of being skipped.
const REQUIRED: &str = "LEASTWAY_POSTGRES";
/// Said to have each test that opens a file open a database instead: `postgres`.
const INSTEAD: &str = "LEASTWAY_TEST_STORE";
/// A number in the name of a socket: in folders of their own all servers may have the same.
const PORT: u16 = 5432;
const STARTED_WITHIN: Duration = Duration::from_secs(60);

/// A database for one test; `None`, and a word about it, where this machine has no server.
pub(super) fn database() -> Option<Place> {
    shared().map(Server::database)
}

/// The database that stands for the file at `path` where tests are to run on PostgreSQL: so whatever a feature keeps
/// is tried on both engines by the same tests.
pub(in crate::platform::store) fn instead_of(path: &Path, node: &str) -> Option<Place> {
    if std::env::var_os(INSTEAD).is_none_or(|store| store != "postgres") {
        return None;
    }
    let server = shared().unwrap_or_else(|| panic!("{INSTEAD} is set, and there is no PostgreSQL here"));
    let name = format!("file_{}", Digest::of(path.as_os_str().as_encoded_bytes()).short());
    Some(server.named(&name, node))
}

fn shared() -> Option<&'static Server> {
    static SHARED: OnceLock<Option<Server>> = OnceLock::new();
    let start = || {
        Server::with(PORT, |folder| {
            // A static is never dropped.
            std::fs::write(folder.join("sweep"), []).unwrap();
            Vec::new()
        })
    };
    SHARED.get_or_init(start).as_ref()
}

/// A server that a test stops and starts.
pub(super) struct Server {
    folder: TempDir,
    binaries: PathBuf,
    port: u16,
    databases: AtomicU32,
    made: Mutex<HashSet<String>>,
    /// Further settings, as `postgres` takes them.
    further: Vec<String>,
    watched: Mutex<Option<Child>>,
}

impl Server {
    pub(super) fn start() -> Option<Self> {
        Self::with(PORT, |_| Vec::new())
    }

    /// A server with further settings, for which `prepare` may put files into its folder.
    pub(super) fn with(port: u16, prepare: impl FnOnce(&Path) -> Vec<String>) -> Option<Self> {
        let Some(binaries) = binaries() else {
            assert!(
                std::env::var_os(REQUIRED).is_none(),
                "{REQUIRED} is set, and there is no PostgreSQL here"
            );
            println!("skipped: there is no PostgreSQL on this machine");
            return None;
        };
        let folder = tempfile::Builder::new().prefix("leastway-pg-").tempdir().unwrap();
        let further = prepare(folder.path());
        for entry in std::fs::read_dir(folder.path()).unwrap() {
            give_away(&entry.unwrap().path());
        }
        give_away(folder.path());
        let server = Self {
            folder,
            binaries,
            port,
            databases: AtomicU32::new(0),
            made: Mutex::default(),
            further,
            watched: Mutex::default(),
        };
        let made = server
            .command("initdb")
            .args(["--auth=trust", "--username=leastway", "--encoding=UTF8", "--locale=C", "--no-sync", "-D"])
            .arg(server.data())
            .output()
            .unwrap();
        assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
        server.resume();
        Some(server)
    }

    /// A database that nobody has used.
    pub(super) fn database(&self) -> Place {
        let name = format!("test_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        self.sql("postgres", &format!("CREATE DATABASE {name}"));
        Place::Server(Box::new(self.settings(&name, "a")))
    }

    /// The database of this name, made where there is none.
    fn named(&self, name: &str, node: &str) -> Place {
        let mut made = self.made.lock().unwrap();
        if made.insert(name.to_owned()) {
            self.sql("postgres", &format!("CREATE DATABASE {name}"));
        }
        Place::Server(Box::new(self.settings(name, node)))
    }

    /// How a node uses a database here.
    pub(super) fn settings(&self, database: &str, node: &str) -> ServerSettings {
        ServerSettings {
            host: Host::Socket(self.folder.path().to_owned()),
            port: self.port,
            user: "leastway".to_owned(),
            database: database.to_owned(),
            password: None,
            tls: None,
            node: node.to_owned(),
            lease: Duration::from_secs(3),
        }
    }

    /// The folder that it is in.
    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Carries SQL out as an administrator would.
    pub(super) fn sql(&self, database: &str, sql: &str) -> String {
        let done = self
            .command("psql")
            .args([
                "-X",
                "-A",
                "-t",
                "-v",
                "ON_ERROR_STOP=1",
                "-U",
                "leastway",
                "-d",
                database,
                "-c",
                sql,
                "-p",
                &self.port.to_string(),
                "-h",
            ])
            .arg(self.folder.path())
            .output()
            .unwrap();
        assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
        String::from_utf8(done.stdout).unwrap().trim().to_owned()
    }

    /// Kills it as a power cut would.
    pub(super) fn kill(&self) {
        let file = std::fs::read_to_string(self.data().join("postmaster.pid")).unwrap();
        let pid = file.lines().next().unwrap();
        assert!(Command::new("kill").args(["-KILL", pid]).status().unwrap().success());
        self.end();
    }

    /// Starts it on what it has on its disk.
    #[expect(clippy::disallowed_methods, reason = "a process has no other way to tell that it is ready")]
    pub(super) fn resume(&self) {
        let deadline = Instant::now() + STARTED_WITHIN;
        let mut shell = self.watched.lock().unwrap();
        while !self.is_ready() {
            assert!(Instant::now() < deadline, "{}", self.log());
            // After a kill, processes of the server before may hold its memory for a moment.
            if shell.as_mut().is_none_or(|shell| shell.try_wait().unwrap().is_some()) {
                *shell = Some(self.spawn());
            }
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    fn spawn(&self) -> Child {
        let log = std::fs::OpenOptions::new().create(true).append(true).open(self.folder.path().join("log"));
        let log = log.unwrap();
        let mut shell = self.as_server("sh");
        shell.args(["-c", WATCH, "sh"]).arg(self.folder.path()).arg(self.binaries.join("postgres"));
        shell
            .arg("-D")
            .arg(self.data())
            .arg("-k")
            .arg(self.folder.path())
            .args(["-p", &self.port.to_string()]);
        for setting in ["fsync=off", "listen_addresses=", "max_connections=200"] {
            shell.args(["-c", setting]);
        }
        for setting in &self.further {
            shell.args(["-c", setting]);
        }
        shell.stdin(Stdio::piped()).stdout(log.try_clone().unwrap()).stderr(log).spawn().unwrap()
    }

    fn end(&self) {
        if let Some(mut shell) = self.watched.lock().unwrap().take() {
            drop(shell.stdin.take());
            shell.wait().unwrap();
        }
    }

    fn is_ready(&self) -> bool {
        let socket = self.folder.path().join(format!(".s.PGSQL.{}", self.port));
        UnixStream::connect(socket).is_ok()
            && self
                .command("psql")
                .args([
                    "-X",
                    "-U",
                    "leastway",
                    "-d",
                    "postgres",
                    "-c",
                    "SELECT 1",
                    "-p",
                    &self.port.to_string(),
                    "-h",
                ])
                .arg(self.folder.path())
                .output()
                .unwrap()
                .status
                .success()
    }

    fn log(&self) -> String {
        std::fs::read_to_string(self.folder.path().join("log")).unwrap_or_default()
    }

    fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    fn command(&self, name: &str) -> Command {
        self.as_server(self.binaries.join(name))
    }

    /// PostgreSQL does not run as root, so that root runs it as the user of its package.
    fn as_server(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = if is_root() {
            let mut command = Command::new("setpriv");
            command.args(["--reuid=postgres", "--regid=postgres", "--clear-groups"]).arg(program);
            command
        } else {
            Command::new(program)
        };
        command.current_dir(self.folder.path()).env("LC_ALL", "C");
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.end();
    }
}

/// Runs the server, `$2` and what follows, until it ends or the pipe is closed. Where the folder `$1` has a file
/// `sweep`, nobody is left then to take the folder away.
const WATCH: &str = r#"
exec 3<&0
folder=$1
shift
"$@" </dev/null &
server=$!
{ cat <&3; kill -QUIT $server; } 2>/dev/null &
wait $server
[ ! -e "$folder/sweep" ] || rm -rf "$folder"
"#;

/// The folder of the newest server that is installed.
fn binaries() -> Option<PathBuf> {
    let installed = std::fs::read_dir("/usr/lib/postgresql").ok()?.filter_map(Result::ok);
    let version =
        |path: &Path| path.file_name().and_then(|name| name.to_str()).and_then(|name| name.parse().ok());
    let newest = installed.map(|entry| entry.path()).max_by_key(|path| version(path).unwrap_or(0_u32))?;
    Some(newest.join("bin")).filter(|folder| folder.join("initdb").exists() && folder.join("psql").exists())
}

fn is_root() -> bool {
    rustix::process::geteuid().is_root()
}

fn give_away(path: &Path) {
    if is_root() {
        let users = std::fs::read_to_string("/etc/passwd").unwrap();
        let user = users.lines().find(|line| line.starts_with("postgres:")).unwrap();
        let numbers: Vec<u32> =
            user.split(':').skip(2).take(2).map(|number| number.parse().unwrap()).collect();
        chown(path, Some(numbers[0]), Some(numbers[1])).unwrap();
    }
}
