//! A journal whose beginning is in an archive alone, for tests of what is typed.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use crate::domain::event::{Closing, EventKind, Opening, Outcome};
use crate::domain::note::SEGMENT_REMOVED;
use crate::features::audit::archive::{Archive, told};
use crate::features::audit::index::{Look, make_missing};
use crate::features::audit::journal::Journal;
use crate::features::audit::settings::{ArchivePlace, ArchiveSettings, JournalSettings, Sync};
use crate::foundation::clock::{TestClock, Timestamp};
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::RequestId;

/// The configuration that names both, and the first event, which is not in the journal's folder any more.
pub(super) fn archived(home: &Path, now: Timestamp) -> (PathBuf, RequestId) {
    let settings = JournalSettings::usual(home.join("journal"), 8192, Sync::BeforeRelease);
    let elsewhere = home.join("elsewhere");
    std::fs::create_dir_all(&elsewhere).unwrap();
    let configuration = home.join("leastway.toml");
    let text = format!(
        "version = 1\n[journal]\ndirectory = \"journal\"\n[journal.archive]\nto = \"file:{}\"\n",
        elsewhere.display()
    );
    std::fs::write(&configuration, text).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let begun = now.minus(Duration::from_secs(60 * 24 * 60 * 60));
    let tell = |notes: Vec<String>, now: Timestamp| {
        let journal =
            Journal::open(&settings, Arc::new(TestClock::at(now)), Arc::new(SystemEntropy)).unwrap();
        let mut events = Vec::new();
        for note in notes {
            let event = RequestId::new(now, &SystemEntropy);
            let opening = Opening { note: Some(note), ..Opening::begin(event, EventKind::Lifecycle, now) };
            let closing = Closing::of(event, now, Outcome::Completed);
            runtime.block_on(journal.record_durably(&opening, Some(&closing))).unwrap();
            events.push(event);
        }
        journal.close();
        events
    };
    let first = tell((0..40).map(|number| format!("something was done: {number}")).collect(), begun)[0];
    make_missing(&settings.directory, Look::AtEach, &SystemEntropy, &|| true).unwrap();
    let place = ArchivePlace::Directory(elsewhere);
    let kept = Duration::from_secs(30 * 24 * 60 * 60);
    let archiving = ArchiveSettings { place, keep_local: kept, retain_years: 10 };
    let archive = Archive::new(settings.directory.clone(), archiving).unwrap();
    let going = runtime.block_on(async {
        for due in archive.due(now).await.unwrap() {
            let receipt = archive.ship(&due, &[], now).await.unwrap();
            archive.keep(receipt).await.unwrap();
        }
        archive.removable(now, u64::MAX, &[]).await.unwrap()
    });
    assert!(going.len() > 1);
    tell(going.iter().map(|receipt| told(SEGMENT_REMOVED, receipt)).collect(), now);
    for receipt in &going {
        runtime.block_on(archive.remove(receipt, now)).unwrap();
    }
    (configuration, first)
}
