//! Metrics of the journal's witnesses: how far behind each is, and how often it could not be told.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::metrics::Encoded;
use crate::features::audit::witness::WitnessNow;

pub(super) fn encode(all: &[WitnessNow], head: u64, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let mut behind = encoder.encode_descriptor(
        "journal_witness_behind",
        "Entries that no checkpoint names which the witness has noted",
        None,
        MetricType::Gauge,
    )?;
    for now in all {
        let labels = [("witness", now.name.as_str())];
        ConstGauge::new(head.saturating_sub(now.size)).encode(behind.encode_family(&labels)?)?;
    }
    let mut failures = encoder.encode_descriptor(
        "journal_witness_failures",
        "How often a witness could not be told",
        None,
        MetricType::Counter,
    )?;
    for now in all {
        let labels = [("witness", now.name.as_str())];
        ConstCounter::new(now.failures).encode(failures.encode_family(&labels)?)?;
    }
    Ok(())
}
