//! How long the gateway takes to start on a journal: until it says that it is ready.

use std::fs;
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::leastway;
use crate::measured::{Measured, pause};

/// Starts the gateway, waits until it is ready, and ends it.
pub(crate) fn until_ready(directory: &Path) -> anyhow::Result<Measured> {
    configure(directory)?;
    let mut command = Command::new(leastway());
    command.args(["serve", "--config"]).arg(directory.join("leastway.toml"));
    command.stdout(Stdio::null()).stderr(fs::File::create(directory.join("serve.log"))?);
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let measured = wait(&child, begin);
    let asked = Command::new("kill").arg(child.id().to_string()).status();
    let ended = child.wait();
    asked.context("kill")?;
    ended?;
    measured.with_context(|| format!("see {}", directory.join("serve.log").display()))
}

fn wait(child: &Child, begin: Instant) -> anyhow::Result<Measured> {
    let mut measured = Measured::default();
    while !is_ready() {
        anyhow::ensure!(!measured.look(child, begin)?, "the gateway has ended");
        anyhow::ensure!(begin.elapsed() < PATIENCE, "the gateway is not ready");
        pause();
    }
    measured.look(child, begin)?;
    Ok(measured)
}

fn is_ready() -> bool {
    let asked = || {
        let mut stream = TcpStream::connect(CONTROL).ok()?;
        stream.write_all(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").ok()?;
        let mut reply = String::new();
        stream.read_to_string(&mut reply).ok()?;
        Some(reply)
    };
    asked().is_some_and(|reply| reply.starts_with("HTTP/1.1 200"))
}

/// The least that a gateway starts with: it has a certificate and a journal, and a provider that nobody asks.
fn configure(directory: &Path) -> anyhow::Result<()> {
    let made = rcgen::generate_simple_self_signed(["ehr.clinic.example".to_owned()])?;
    fs::write(directory.join("gateway.pem"), made.cert.pem())?;
    fs::write(directory.join("gateway.key"), made.signing_key.serialize_pem())?;
    fs::write(directory.join("secret"), "a secret that opens nothing at all\n")?;
    let control = CONTROL;
    fs::write(
        directory.join("leastway.toml"),
        format!(
            r#"version = 1

[gateway]
listen = ["127.0.0.1:19443"]

[[gateway.certificate]]
chain = "gateway.pem"
key = "file:gateway.key"

[control]
listen = "{control}"
token = "file:secret"

[store]
url = "leastway.db"

[journal]
directory = "journal"

[[provider]]
name = "clinic"
issuer = "https://id.clinic.example"
client_id = "leastway"
client_secret = "file:secret"

[application.ehr]
host = "ehr.clinic.example"
upstream = ["http://127.0.0.1:9"]
"#
        ),
    )?;
    Ok(())
}

const CONTROL: &str = "127.0.0.1:19444";
const PATIENCE: Duration = Duration::from_secs(600);
