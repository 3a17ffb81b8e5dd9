//! Metrics of exports: what was handed on, what was not, and how far each is behind.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::metrics::Encoded;
use crate::features::export::ExportNow;

/// What is read of one export.
type Number = fn(&ExportNow) -> u64;

pub(super) fn encode(all: &[ExportNow], encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let counters: [(&str, &str, Number); 4] = [
        ("export_delivered", "Documents that an export's receiver took", |it| it.delivered),
        ("export_failed", "Attempts to hand events on that failed", |it| it.failed),
        ("export_refused", "Documents that a receiver will never take: kept in a file", |it| it.refused),
        ("export_entries_missed", "Entries of the journal that were gone before they could be sent", |it| {
            it.missed
        }),
    ];
    for (name, help, number) in counters {
        let mut counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for now in all {
            let labels = [("export", now.export.as_str())];
            ConstCounter::new(number(now)).encode(counter.encode_family(&labels)?)?;
        }
    }
    let gauges: [(&str, Option<&Unit>, &str, Number); 3] = [
        ("export_lag", Some(&Unit::Seconds), "How long ago the event ended that is next", |it| {
            it.lag_seconds
        }),
        ("export_lag_entries", None, "Entries of the journal that were not handed on yet", |it| {
            it.lag_entries
        }),
        ("export_faulty", None, "Whether an export cannot hand anything on", |it| {
            u64::from(it.fault.is_some())
        }),
    ];
    for (name, unit, help, number) in gauges {
        let mut gauge = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
        for now in all {
            let labels = [("export", now.export.as_str())];
            ConstGauge::new(number(now)).encode(gauge.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
