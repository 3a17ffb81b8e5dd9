//! The journal and its witnesses.

use std::path::Path;

use super::{Finding, OURS_TO_WRITE, chain_of, probe};
use crate::features::audit::ReadError;
use crate::features::audit::settings::{JournalSettings, WitnessPlace, WitnessSettings};
use crate::features::audit::verify::{Expectations, verify};
use crate::platform::disk::room;

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
