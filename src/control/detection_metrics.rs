//! Metrics of detections: what each rule has found, what waits for review, and whether the reading keeps up.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::metrics::Encoded;
use crate::features::detect::Figures;

pub(super) fn encode(figures: &Figures, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let families = [
        ("detections", "What was found since the start, by rule", &figures.found),
        (
            "detections_quiet",
            "What was not told because a reviewer has said that it is fine, by rule",
            &figures.quiet,
        ),
    ];
    for (name, help, numbers) in families {
        let mut counter = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (rule, number) in numbers {
            ConstCounter::new(*number).encode(counter.encode_family(&[("rule", rule.as_str())])?)?;
        }
    }
    let mut items = encoder.encode_descriptor(
        "detection_items",
        "Items for review, by state",
        None,
        MetricType::Gauge,
    )?;
    for (state, number) in &figures.items {
        ConstGauge::new(*number).encode(items.encode_family(&[("state", state.as_str())])?)?;
    }
    let behind = encoder.encode_descriptor(
        "detection_entries_behind",
        "Entries of the journal that no rule has seen yet",
        None,
        MetricType::Gauge,
    )?;
    ConstGauge::new(figures.behind).encode(behind)
}
