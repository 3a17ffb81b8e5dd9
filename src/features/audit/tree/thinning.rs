//! Checkpoints, thinned out: one each second would be nine gigabytes a year, which nobody compares.
//!
//! Of those older than an hour one is kept for each minute, of those older than thirty days one for each hour; and every one that a
//! witness was told, that ended a segment, that tells another state of the clock than the one before it, that is the last, or that
//! cannot be read. Nothing depends on those that are removed:
//! each that is kept covers all entries before it.

use std::collections::BTreeSet;
use std::fs::{File, OpenOptions};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::Duration;

use super::checkpoint::Signed;
use super::notes::Notes;
use super::resume::CHECKPOINTS;
use crate::features::audit::directory::beside;
use crate::features::audit::disk::sync_directory;
use crate::foundation::clock::Timestamp;
use crate::foundation::timekeeping::Synchronization;

/// Keeps the checkpoint of `size` entries whenever others are removed. It is on the disk when this returns.
pub(in crate::features::audit) fn keep(directory: &Path, size: u64) -> io::Result<()> {
    let path = directory.join(KEPT);
    let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
    // Two may write at once: each writes a whole line.
    file.write_all(format!("{size}\n").as_bytes())?;
    file.sync_data()
}

/// Removes what need not be kept: how many. The file is replaced whole, or not at all.
pub(super) fn thin(directory: &Path, now: Timestamp) -> io::Result<u64> {
    let path = directory.join(CHECKPOINTS);
    let mut rule = Rule { now, kept: kept(&directory.join(KEPT))?, minute: None, hour: None, clock: None };
    let unfinished = beside(&path, "unfinished");
    let file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&unfinished)?;
    let mut out = BufWriter::new(file);
    let mut notes = Notes::open(&path)?;
    let (mut removed, mut is_first) = (0, true);
    let mut next = notes.next()?;
    while let Some(note) = next {
        next = notes.next()?;
        if !rule.keeps(&note) && next.is_some() {
            removed += 1;
            continue;
        }
        let before = if is_first { "" } else { "\n\n" };
        write!(out, "{before}{note}")?;
        is_first = false;
    }
    if removed == 0 {
        return std::fs::remove_file(&unfinished).map(|()| 0);
    }
    out.into_inner().map_err(io::IntoInnerError::into_error)?.sync_all()?;
    std::fs::rename(&unfinished, &path)?;
    sync_directory(directory)?;
    Ok(removed)
}

/// Which are kept, asked in the order in which they stand.
#[derive(Debug)]
struct Rule {
    now: Timestamp,
    kept: BTreeSet<u64>,
    /// The minute, and the hour, of which one is kept already.
    minute: Option<i64>,
    hour: Option<i64>,
    /// The state of the clock that the one before told.
    clock: Option<Synchronization>,
}

impl Rule {
    fn keeps(&mut self, note: &str) -> bool {
        // What cannot be read is for the verification to tell, and evidence until then.
        let Ok(signed) = note.parse::<Signed>() else { return true };
        let Some(time) = signed.checkpoint.time else { return true };
        let (age, seconds) = (self.now.since(time), time.as_seconds());
        let is_of_another_clock = std::mem::replace(&mut self.clock, signed.checkpoint.clock) != self.clock;
        let (last, span) = if age <= ALL_WITHIN {
            return true;
        } else if age <= EACH_MINUTE_WITHIN {
            (&mut self.minute, MINUTE)
        } else {
            (&mut self.hour, HOUR)
        };
        let of = seconds.div_euclid(span);
        let is_first = last.replace(of) != Some(of);
        is_first || is_of_another_clock || self.kept.contains(&signed.checkpoint.size)
    }
}

/// The sizes of those that are kept whatever their age.
fn kept(path: &Path) -> io::Result<BTreeSet<u64>> {
    let mut text = String::new();
    match File::open(path) {
        Ok(file) => file.take(KEPT_BYTES_MAX).read_to_string(&mut text)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(BTreeSet::new()),
        Err(error) => return Err(error),
    };
    // Half a line, of a crash, names nothing that was told.
    Ok(text.lines().filter_map(|line| line.parse().ok()).collect())
}

const KEPT: &str = "checkpoints.kept";
const ALL_WITHIN: Duration = Duration::from_secs(60 * 60);
const EACH_MINUTE_WITHIN: Duration = Duration::from_secs(30 * 24 * 60 * 60);
const MINUTE: i64 = 60;
const HOUR: i64 = 60 * 60;
/// One each second for a year has half of it.
const KEPT_BYTES_MAX: u64 = 1 << 29;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::features::audit::tree::checkpoint::{Checkpoint, split};
    use crate::foundation::digest::Digest;
    use crate::foundation::entropy::SeededEntropy;
    use crate::platform::signed_note::SigningKey;

    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

    /// Checkpoints of so many seconds ago, the oldest first: their sizes are their places, from 1.
    fn journal(ages: &[u64]) -> tempfile::TempDir {
        let all: Vec<_> = ages.iter().map(|age| (*age, None)).collect();
        journal_by(&all)
    }

    /// The same, with what each tells of the clock.
    fn journal_by(all: &[(u64, Option<Synchronization>)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        let key = SigningKey::generate("clinic".parse().unwrap(), &SeededEntropy::new(1)).unwrap();
        let note = |(size, (age, clock)): (u64, &(u64, Option<Synchronization>))| {
            let time = Some(NOW.minus(Duration::from_secs(*age)));
            let root = Digest::of(b"root");
            let origin = "clinic".to_owned();
            Checkpoint { origin, size, root, time, clock: *clock, head: None }.sign(&key)
        };
        let notes: Vec<String> = (1_u64..).zip(all).map(note).collect();
        std::fs::write(directory.path().join(CHECKPOINTS), notes.join("\n\n")).unwrap();
        directory
    }

    fn sizes(directory: &Path) -> Vec<u64> {
        let text = std::fs::read_to_string(directory.join(CHECKPOINTS)).unwrap();
        split(&text).map(|note| note.parse::<Signed>().unwrap().checkpoint.size).collect()
    }

    #[test]
    fn one_is_kept_for_each_minute_after_an_hour_and_for_each_hour_after_a_month() {
        const DAY: u64 = 24 * 60 * 60;
        let (month, hour) = (40 * DAY, 2 * 60 * 60);
        let ages =
            [month, month - 60, month - 3600, hour + 59, hour + 1, hour, hour - 59, hour - 60, 3600, 3599, 1];
        let directory = journal(&ages);
        assert_eq!(thin(directory.path(), NOW).unwrap(), 3);
        assert_eq!(sizes(directory.path()), [1, 3, 4, 6, 8, 9, 10, 11]);
        assert_eq!(thin(directory.path(), NOW).unwrap(), 0, "thinned once, there is nothing more to remove");
        assert!(!directory.path().join("checkpoints.unfinished").exists());
    }

    #[test]
    fn what_a_witness_was_told_what_cannot_be_read_and_the_last_are_kept() {
        let directory = journal(&[9000, 8999, 8998, 8997, 8996]);
        keep(directory.path(), 3).unwrap();
        let path = directory.path().join(CHECKPOINTS);
        let text = std::fs::read_to_string(&path).unwrap();
        let torn = text.replacen("clinic\n4\n", "clinic\nfour\n", 1);
        std::fs::write(&path, &torn).unwrap();
        assert_eq!(thin(directory.path(), NOW).unwrap(), 1);
        let left = std::fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = split(&left).filter_map(|note| note.lines().nth(1)).collect();
        assert_eq!(lines, ["1", "3", "four", "5"]);
    }

    #[test]
    fn what_tells_another_state_of_the_clock_is_kept() {
        use Synchronization::{Synchronized, Unsynchronized};
        let month = 40 * 24 * 60 * 60;
        let all = [Synchronized, Synchronized, Unsynchronized, Unsynchronized, Synchronized, Synchronized];
        let all: Vec<_> = (0..).zip(all).map(|(later, clock)| (month - later, Some(clock))).collect();
        let directory = journal_by(&all);
        assert_eq!(thin(directory.path(), NOW).unwrap(), 2);
        assert_eq!(sizes(directory.path()), [1, 3, 5, 6]);
        assert_eq!(thin(directory.path(), NOW).unwrap(), 0);
    }

    #[test]
    fn a_clock_that_was_set_back_removes_nothing() {
        let directory = journal(&[9000, 8999]);
        assert_eq!(thin(directory.path(), NOW.minus(Duration::from_secs(9000))).unwrap(), 0);
        assert_eq!(sizes(directory.path()), [1, 2]);
    }
}
