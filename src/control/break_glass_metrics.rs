//! Metrics of break-glass: how often it is asked for and used, what reviews have found, and whether they are in time.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::metrics::{Encoded, gauge};
use crate::features::break_glass::Figures;

pub(super) fn encode(figures: &Figures, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let help = "Steps of emergency access since the start: asked for, given up, begun, ended";
    let mut steps = encoder.encode_descriptor("break_glass_steps", help, None, MetricType::Counter)?;
    for (step, number) in &figures.steps {
        ConstCounter::new(*number).encode(steps.encode_family(&[("step", step.as_str())])?)?;
    }
    let help = "Emergency access that has ended since the start, by why";
    let mut ends = encoder.encode_descriptor("break_glass_ends", help, None, MetricType::Counter)?;
    for (end, number) in &figures.ends {
        ConstCounter::new(*number).encode(ends.encode_family(&[("end", end.as_str())])?)?;
    }
    let help = "Reviews of emergency access that are settled, by what was found";
    let mut findings = encoder.encode_descriptor("break_glass_findings", help, None, MetricType::Gauge)?;
    for (finding, number) in &figures.findings {
        ConstGauge::new(*number).encode(findings.encode_family(&[("finding", finding.as_str())])?)?;
    }
    let help = "Reviews of emergency access that are settled, by whether that was in time";
    let mut closed = encoder.encode_descriptor("break_glass_closed", help, None, MetricType::Gauge)?;
    for (in_time, number) in [("yes", figures.closed_in_time), ("no", figures.closed_late)] {
        ConstGauge::new(number).encode(closed.encode_family(&[("in_time", in_time)])?)?;
    }
    gauge(encoder, "break_glass_active", "Charts that are open in an emergency", figures.active)?;
    gauge(encoder, "break_glass_reviews_waiting", "Reviews of emergency access that wait", figures.waiting)?;
    gauge(encoder, "break_glass_reviews_overdue", "Of these, those that are overdue", figures.overdue)?;
    gauge(
        encoder,
        "break_glass_owed",
        "Emergency access about which its person still owes words",
        figures.owed,
    )
}
