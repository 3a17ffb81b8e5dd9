//! Ships the journal's full segments to their archive, and removes what is kept there long enough. Beside everything else: nobody
//! waits for it, and each step is an event before it counts.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use crate::domain::event::{Closing, EventKind, Opening, Outcome, Verdict};
use crate::domain::note::{
    SEGMENT_ARCHIVED, SEGMENT_HELD, SEGMENT_RELEASED, SEGMENT_REMOVED, SEGMENT_RETIRED,
};
use crate::features::audit::archive::{Archive, ArchiveError, Receipt, told};
use crate::features::export::settings::Beginning;
use crate::foundation::id::RequestId;
use crate::gateway::rules::Shared;

/// Goes on until it is dropped; at once where there is no archive.
pub async fn run(shared: Arc<Shared>) {
    let Some(archive) = shared.journal.archive().cloned() else { return };
    let _goes_on = archive.goes_on();
    let mut wait = LOOKED_EVERY;
    loop {
        match round(&shared, &archive).await {
            Ok(()) => {
                if archive.note_success() {
                    tracing::info!("segments of the journal are archived again");
                }
                wait = LOOKED_EVERY;
            }
            Err(error) => {
                if archive.note_failure(&error) {
                    tracing::error!(
                        %error,
                        "segments of the journal cannot be archived: they stay, and it is tried again"
                    );
                }
                wait = wait.saturating_mul(2).min(TRIED_AGAIN_MAX);
            }
        }
        rest(&archive, wait).await;
    }
}

/// Until it is time again, or somebody asks for it.
async fn rest(archive: &Archive, wait: Duration) {
    let begin = Instant::now();
    while begin.elapsed() < wait && !archive.take_wish() {
        sleep(WISHES_SEEN_EVERY.min(wait)).await;
    }
}

/// All that is to be done now.
async fn round(shared: &Shared, archive: &Archive) -> Result<(), ArchiveError> {
    ship(shared, archive).await?;
    hold(shared, archive).await?;
    remove(shared, archive).await?;
    retire(shared, archive).await
}

async fn ship(shared: &Shared, archive: &Archive) -> Result<(), ArchiveError> {
    for due in archive.due(shared.clock.now()).await? {
        let receipt = archive.ship(&due, &shared.seals.held(), shared.clock.now()).await?;
        record(shared, SEGMENT_ARCHIVED, &receipt).await?;
        archive.keep(receipt).await?;
    }
    // Counted anew, now that it is done.
    archive.due(shared.clock.now()).await.map(drop)
}

async fn hold(shared: &Shared, archive: &Archive) -> Result<(), ArchiveError> {
    for (receipt, is_held) in archive.unlike(&shared.seals.held()).await? {
        record(shared, if is_held { SEGMENT_HELD } else { SEGMENT_RELEASED }, &receipt).await?;
        archive.hold(&receipt, is_held, shared.clock.now()).await?;
    }
    Ok(())
}

/// What is removed is told first, and stands under a checkpoint: a journal without its beginning says itself where that is.
async fn remove(shared: &Shared, archive: &Archive) -> Result<(), ArchiveError> {
    let needed_from = needed_from(shared).await;
    let held = shared.seals.held();
    let mut told = Vec::new();
    for receipt in archive.removable(shared.clock.now(), needed_from, &held).await? {
        archive.prove(&receipt).await?;
        record(shared, SEGMENT_REMOVED, &receipt).await?;
        told.push(receipt);
    }
    if told.is_empty() {
        return Ok(());
    }
    shared.journal.signed().await;
    for receipt in &told {
        archive.remove(receipt, shared.clock.now()).await?;
    }
    Ok(())
}

async fn retire(shared: &Shared, archive: &Archive) -> Result<(), ArchiveError> {
    for receipt in archive.ended(shared.clock.now(), &shared.seals.held()).await? {
        archive.prove_over(&receipt, shared.clock.now()).await?;
        record(shared, SEGMENT_RETIRED, &receipt).await?;
        archive.retire(&receipt, shared.clock.now()).await?;
    }
    Ok(())
}

/// The first entry that an export has still to read. Where that is not known, none may go.
async fn needed_from(shared: &Shared) -> u64 {
    let exports = shared.rules.load().exports.clone();
    let mut first = u64::MAX;
    for settings in exports.iter() {
        let resumes = match (shared.exports.position(&settings.name).await, settings.from) {
            (Ok(Some(place)), _) => place.position.resumes,
            // It has not begun yet.
            (Ok(None), Beginning::Now) => shared.journal.head().sequence,
            (Ok(None), Beginning::Start) | (Err(_), _) => 1,
        };
        first = first.min(resumes);
    }
    first
}

async fn record(shared: &Shared, what: &str, receipt: &Receipt) -> Result<(), ArchiveError> {
    let now = shared.clock.now();
    let event = RequestId::new(now, &*shared.entropy);
    let opening = Opening {
        verdict: Verdict::Permit,
        note: Some(told(what, receipt)),
        ..Opening::begin(event, EventKind::Lifecycle, now)
    };
    let closing = Closing::of(event, now, Outcome::Completed);
    shared.journal.record_durably(&opening, Some(&closing)).await?;
    tracing::info!(
        archive.segment = %receipt.segment(),
        archive.entries = receipt.through.sequence.saturating_sub(receipt.before.sequence),
        archive.bytes = receipt.packed.bytes,
        "{what}"
    );
    Ok(())
}

/// How soon a full segment is shipped, once it is indexed.
const LOOKED_EVERY: Duration = Duration::from_secs(30);
const WISHES_SEEN_EVERY: Duration = Duration::from_secs(1);
/// Twice as long after each failure, up to this.
const TRIED_AGAIN_MAX: Duration = Duration::from_secs(600);
