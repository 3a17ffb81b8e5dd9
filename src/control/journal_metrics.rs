//! Metrics of the journal: what it has written, where, and how much room there is for more.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::metrics::{Encoded, counter, gauge};
use crate::features::audit::journal::Journal;
use crate::features::audit::space::DiskNow;
use crate::features::audit::{Counters, Standing};

/// How the journal stands.
#[derive(Debug)]
pub(super) struct JournalNow {
    counters: Counters,
    writable: bool,
    standing: Standing,
    disks: Vec<DiskNow>,
}

impl JournalNow {
    pub(super) fn of(journal: &Journal) -> Self {
        Self {
            counters: journal.counters(),
            writable: journal.is_writable(),
            standing: journal.standing(),
            disks: journal.disks(),
        }
    }
}

pub(super) fn encode(now: &JournalNow, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let journal = &now.counters;
    counter(encoder, "journal_entries", "Entries that are on the disk", journal.entries)?;
    counter(encoder, "journal_batches", "Times that the writer took what was waiting", journal.batches)?;
    counter(encoder, "journal_bytes", "Bytes written", journal.bytes)?;
    counter(encoder, "journal_segments", "Segments begun", journal.segments)?;
    counter(
        encoder,
        "journal_closings_lost",
        "Closing entries that could not be written",
        journal.lost_closings,
    )?;
    counter(
        encoder,
        "journal_checkpoints",
        "Checkpoints of the journal that were signed",
        journal.checkpoints,
    )?;
    counter(
        encoder,
        "journal_checkpoint_failures",
        "Times that a checkpoint could not be signed",
        journal.checkpoint_failures,
    )?;
    gauge(encoder, "journal_unsigned", "Entries on the disk that no checkpoint names yet", journal.unsigned)?;
    gauge(
        encoder,
        "journal_spooling",
        "Whether entries go to the spool",
        u64::from(matches!(now.standing, Standing::Spool { .. })),
    )?;
    gauge(encoder, "journal_spooled", "Entries that are in the spool", journal.spooled)?;
    counter(encoder, "audit_gap_requests", "Requests let through without an event", journal.gap_requests)?;
    disks(&now.disks, encoder)?;
    gauge(encoder, "journal_waiting", "Entries that wait for the writer", journal.waiting)?;
    gauge(encoder, "journal_writable", "Whether the journal can be written", u64::from(now.writable))?;
    let buckets: Vec<(f64, u64)> =
        journal.sync_buckets.iter().map(|(most, number)| (most.as_secs_f64(), *number)).collect();
    let buckets = [buckets, vec![(f64::INFINITY, journal.syncs_slower)]].concat();
    let mut append = encoder.encode_descriptor(
        "journal_sync",
        "Syncs of the journal",
        Some(&Unit::Seconds),
        MetricType::Histogram,
    )?;
    append.encode_histogram::<[(&str, &str); 0]>(
        journal.sync_time.as_secs_f64(),
        journal.syncs,
        &buckets,
        None,
    )
}

fn disks(all: &[DiskNow], encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let mut free = encoder.encode_descriptor(
        "disk_free_bytes",
        "Free bytes of disks that take entries",
        None,
        MetricType::Gauge,
    )?;
    for now in all {
        let bytes = now.room.map_or(0, |room| room.free_bytes);
        ConstGauge::new(bytes).encode(free.encode_family(&[("disk", now.disk.as_str())])?)?;
    }
    let mut short = encoder.encode_descriptor(
        "disk_short",
        "Whether a disk that takes entries runs short of room",
        None,
        MetricType::Gauge,
    )?;
    for now in all {
        ConstGauge::new(u64::from(now.is_short))
            .encode(short.encode_family(&[("disk", now.disk.as_str())])?)?;
    }
    let mut hours = encoder.encode_descriptor(
        "disk_full_in_hours",
        "Hours until a disk that takes entries is full, by what was written lately",
        None,
        MetricType::Gauge,
    )?;
    for now in all {
        let Some(time) = now.full_in else { continue };
        ConstGauge::new(time.as_secs() / 3600)
            .encode(hours.encode_family(&[("disk", now.disk.as_str())])?)?;
    }
    Ok(())
}
