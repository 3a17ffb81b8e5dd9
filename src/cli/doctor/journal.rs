//! The journal, its witnesses and its archive.

use std::path::Path;

use super::{Finding, OURS_TO_WRITE, chain_of, probe};
use crate::features::audit::ReadError;
use crate::features::audit::archive::{Archive, Examination};
use crate::features::audit::settings::{ArchivePlace, JournalSettings, WitnessPlace, WitnessSettings};
use crate::features::audit::spool::spooled;
use crate::features::audit::verify::{Expectations, verify};
use crate::foundation::clock::{Clock as _, SystemClock};
use crate::platform::disk::room;
use crate::platform::objects::{Bucket, BucketSettings, Examined};

/// Whether the journal can be written, and fits.
pub(super) fn journal(directory: &Path) -> [Finding; 2] {
    let what = format!("journal {}", directory.display());
    let writable = match probe(directory) {
        Ok(()) => Finding::ok(what.clone(), "can be written"),
        Err(error) => Finding::fail(what.clone(), error.to_string(), OURS_TO_WRITE),
    };
    let verified = match verify(directory, &Expectations::default()) {
        Ok(report) => match report.first_fault() {
            None => {
                Finding::ok(what, format!("{} entries fit, the head is {}", report.entries, report.head()))
            }
            Some(fault) => Finding::fail(
                what,
                fault,
                "keep the files as they are, and find out who changed them (`leastway audit verify`)",
            ),
        },
        Err(ReadError::Absent { .. }) => Finding::ok(what, "nothing written yet"),
        Err(_) if !directory.exists() => Finding::ok(what, "not there yet, will be made"),
        Err(error) => Finding::fail(what, chain_of(&error), "see that it can be read"),
    };
    [writable, verified]
}

/// Whether some entries are in the spool.
pub(super) fn spool(directory: &Path) -> Option<Finding> {
    let what = "spool";
    match spooled(directory) {
        Ok(None) => None,
        Ok(Some(spooled)) => Some(Finding::warn(
            what,
            spooled.to_string(),
            "see to the journal's disk: they come home when it takes entries again",
        )),
        Err(error) => Some(Finding::fail(what, chain_of(&error), "see that it can be read")),
    }
}

/// Whether the disks of the journal and of its spool have room.
pub(super) fn room_for_events(settings: &JournalSettings) -> Vec<Finding> {
    let spool = settings.outage.spool.iter().map(|spool| ("room of the spool", spool));
    let folders = std::iter::once(("room of the journal", &settings.directory)).chain(spool);
    let wanted = settings.outage.warn_free_percent;
    folders
        // One that is not there yet is made below one that is.
        .filter_map(|(what, folder)| Some((what, folder.ancestors().find(|folder| folder.is_dir())?)))
        .map(|(what, folder)| match room(folder) {
            Ok(room) if room.free_percent() < wanted => Finding::warn(
                what,
                format!("{} % free, {} MiB", room.free_percent(), room.free_bytes / MIB),
                "make room: without any, nothing is let through",
            ),
            Ok(room) => {
                Finding::ok(what, format!("{} % free, {} MiB", room.free_percent(), room.free_bytes / MIB))
            }
            Err(error) => Finding::fail(what, error.to_string(), "see that its disk is mounted"),
        })
        .collect()
}

const MIB: u64 = 1024 * 1024;

/// Whether the journal is the one that a witness has noted, where that can be read here.
pub(super) fn witness(settings: &WitnessSettings, journal: &Path) -> Option<Finding> {
    let WitnessPlace::File(file) = &settings.place else { return None };
    let what = format!("witness {}", settings.name);
    let text = match std::fs::read_to_string(file) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            let folder = file.parent().unwrap_or(Path::new("."));
            return Some(if folder.is_dir() {
                Finding::ok(what, "has noted nothing yet")
            } else {
                let found = format!("{} is not there", folder.display());
                Finding::fail(what, found, "see that its media are mounted")
            });
        }
        Err(error) => return Some(Finding::fail(what, error.to_string(), OURS_TO_WRITE)),
    };
    let expectations = Expectations { witnessed: vec![text], ..Expectations::default() };
    Some(match verify(journal, &expectations) {
        Ok(report) => match report.contradictions.first() {
            None => Finding::ok(what, format!("{} of its checkpoints fit", report.witnessed)),
            Some(contradiction) => Finding::fail(
                what,
                contradiction.to_string(),
                "keep the files as they are, and find out who changed them (`leastway audit verify --checkpoint`)",
            ),
        },
        Err(error) => Finding::fail(what, chain_of(&error), "see that the journal can be read"),
    })
}

/// Whether segments can be archived, and are.
pub(super) async fn archive(settings: &JournalSettings) -> Vec<Finding> {
    let Some(archive) = &settings.archive else { return Vec::new() };
    let what = match &archive.place {
        ArchivePlace::Directory(directory) => format!("archive {}", directory.display()),
        ArchivePlace::Bucket(bucket) => format!("archive {} at {}", bucket.bucket, bucket.endpoint),
    };
    let opened = match Archive::new(settings.directory.clone(), archive.clone()) {
        Ok(opened) => opened,
        Err(error) => return vec![Finding::fail(what, error.to_string(), "see to `[journal.archive]`")],
    };
    let place = match opened.examine().await {
        Ok(found) => examined(what.clone(), &archive.place, found),
        Err(error) => {
            let to_do = "see that it is there and that the account may use it: segments stay in the journal's folder until then";
            Finding::fail(what.clone(), error.to_string(), to_do)
        }
    };
    let waiting = match opened.due(SystemClock.now()).await {
        Ok(_) => {
            let now = opened.now();
            Finding::ok(what, format!("{} segments are there, {} wait", now.archived, now.waiting))
        }
        // Of a journal that is not there yet nothing waits.
        Err(_) if !settings.directory.exists() => Finding::ok(what, "nothing waits"),
        Err(error) => {
            Finding::fail(what, error.to_string(), "see that the journal and its receipts can be read")
        }
    };
    vec![place, waiting]
}

fn examined(what: String, place: &ArchivePlace, found: Examination) -> Finding {
    match (found, place) {
        (Examination::Directory { is_beside: true }, _) => {
            let found = "it is on the disk of the journal: one fault takes both";
            Finding::warn(what, found, "mount other media there")
        }
        (Examination::Directory { is_beside: false }, ArchivePlace::Directory(directory)) => {
            match probe(directory) {
                Ok(()) => Finding::ok(what, "can be written"),
                Err(error) => Finding::fail(what, error.to_string(), OURS_TO_WRITE),
            }
        }
        (Examination::Bucket(found), ArchivePlace::Bucket(bucket)) => kept_by(what, bucket, found),
        (Examination::Directory { .. } | Examination::Bucket(_), _) => {
            Finding::fail(what, "it is another place than the settings say", "look at `[journal.archive]`")
        }
    }
}

/// Whether a bucket keeps what is put there.
fn kept_by(what: String, bucket: &BucketSettings, found: Examined) -> Finding {
    match found {
        Examined { lockable: false, .. } if bucket.lock.is_some() => {
            let to_do = "make a bucket with object lock, or say `lock = \"none\"` and do without";
            Finding::fail(what, "objects in this bucket cannot be locked", to_do)
        }
        Examined { versioned: false, .. } => {
            let to_do = "turn versioning on: without it, what is written over is lost";
            Finding::warn(what, "the bucket keeps no versions", to_do)
        }
        Examined { .. } if bucket.lock.is_none() => {
            let to_do =
                "whoever has the account can remove what is there: `lock = \"compliance\"` prevents that";
            Finding::warn(what, "objects are not locked", to_do)
        }
        Examined { .. } => Finding::ok(what, "answers, and locks objects until their retention is over"),
    }
}

/// Whether the buckets of witnesses take checkpoints and keep them.
pub(super) async fn witness_buckets(settings: &JournalSettings) -> Vec<Finding> {
    let mut findings = Vec::new();
    for witness in &settings.witnesses {
        let WitnessPlace::Bucket { bucket, .. } = &witness.place else { continue };
        let what = format!("witness {} at {}", witness.name, bucket.endpoint);
        let examined = match Bucket::new(bucket) {
            Ok(opened) => opened.examine().await,
            Err(error) => Err(error),
        };
        findings.push(match examined {
            Ok(found) => kept_by(what, bucket, found),
            Err(error) => {
                let to_do = "see that the bucket is there and that the account may use it: nothing is noted there until then";
                Finding::fail(what, error.to_string(), to_do)
            }
        });
    }
    findings
}
