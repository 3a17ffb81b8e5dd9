//! What a process has spent, as the kernel tells: read again and again while it runs, and once more when it has ended and nobody
//! has taken its leave yet.

use std::fs;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::Context as _;

use crate::leastway;

/// What a process has spent.
#[derive(Debug, Default)]
pub(crate) struct Measured {
    pub(crate) wall: Duration,
    /// In user and kernel mode, of all its threads.
    pub(crate) processor: Duration,
    /// The most that was resident.
    pub(crate) peak_kib: u64,
    /// What it read from files, out of the page cache or not.
    pub(crate) read_bytes: u64,
}

/// Runs the binary on a journal, and waits for its end.
pub(crate) fn measure(words: &[String], journal: &Path) -> anyhow::Result<Measured> {
    let mut command = Command::new(leastway());
    command.args(words).arg("--journal").arg(journal).stdout(Stdio::null());
    let begin = Instant::now();
    let mut child = command.spawn()?;
    let mut measured = Measured::default();
    while !measured.look(&child, begin)? {
        pause();
    }
    let status = child.wait()?;
    anyhow::ensure!(status.success(), "{words:?} has ended with {status}");
    Ok(measured)
}

impl Measured {
    /// Takes in what is known by now; whether the process has ended.
    pub(crate) fn look(&mut self, child: &Child, begin: Instant) -> anyhow::Result<bool> {
        self.wall = begin.elapsed();
        let process = Path::new("/proc").join(child.id().to_string());
        let status = fs::read_to_string(process.join("status"))?;
        let io = fs::read_to_string(process.join("io"))?;
        self.peak_kib = self.peak_kib.max(field(&status, "VmHWM:").unwrap_or(0));
        self.read_bytes = self.read_bytes.max(field(&io, "rchar:").unwrap_or(0));
        self.processor =
            processor(&fs::read_to_string(process.join("stat"))?).context("/proc tells nothing")?;
        Ok(status.lines().any(|line| line.starts_with("State:\tZ")))
    }
}

/// The number behind a word at the beginning of a line.
fn field(text: &str, name: &str) -> Option<u64> {
    let line = text.lines().find_map(|line| line.strip_prefix(name))?;
    line.split_whitespace().next()?.parse().ok()
}

/// User and kernel time: the 14th and 15th field (proc(5)), in hundredths of a second.
fn processor(stat: &str) -> Option<Duration> {
    let (_, behind) = stat.rsplit_once(')')?;
    let mut fields = behind.split_whitespace().skip(11);
    let ticks: u64 = fields.next()?.parse::<u64>().ok()? + fields.next()?.parse::<u64>().ok()?;
    Some(Duration::from_millis(ticks * 10))
}

#[expect(clippy::disallowed_methods, reason = "a bench looks at another process now and then")]
pub(crate) fn pause() {
    std::thread::sleep(Duration::from_millis(2));
}
