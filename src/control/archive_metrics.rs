//! Metrics of the journal's archive: what waits for it, since when, and how often something could not be done.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::metrics::Encoded;
use crate::features::audit::archive::ArchiveNow;
use crate::foundation::clock::Timestamp;

pub(super) fn encode(
    archive: Option<&ArchiveNow>,
    now: Timestamp,
    encoder: &mut DescriptorEncoder<'_>,
) -> Encoded {
    let Some(ArchiveNow { archived, waiting, waiting_since, failures, .. }) = archive else { return Ok(()) };
    let oldest = waiting_since.map_or(0, |since| now.since(since).as_secs());
    let gauges = [
        ("journal_archive_segments", "Segments of the journal that are in the archive", *archived),
        ("journal_archive_waiting", "Full segments of the journal that are not in the archive yet", *waiting),
        (
            "journal_archive_waiting_seconds",
            "How long a full segment has been waiting for the archive",
            oldest,
        ),
    ];
    for (name, help, value) in gauges {
        let gauge = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        ConstGauge::new(value).encode(gauge)?;
    }
    let counter = encoder.encode_descriptor(
        "journal_archive_failures",
        "How often something could not be archived",
        None,
        MetricType::Counter,
    )?;
    ConstCounter::new(*failures).encode(counter)
}
