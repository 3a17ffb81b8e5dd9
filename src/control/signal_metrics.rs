//! Metrics of signals: what has come, whether their streams are heard, and whose accounts are barred.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::metrics::Encoded;
use super::state::SignalsNow;
use crate::domain::signal::SignalKind;
use crate::features::signals::StreamStatus;

pub(super) fn encode(all: &[SignalsNow], encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let mut came = encoder.encode_descriptor(
        "signals",
        "Signals by provider, what has happened and what was done",
        None,
        MetricType::Counter,
    )?;
    for now in all {
        for ((kind, step), number) in &now.stream.counts {
            let kind = kind.map_or("", SignalKind::as_str);
            let labels = [("provider", now.provider.as_str()), ("kind", kind), ("step", step.as_str())];
            ConstCounter::new(*number).encode(came.encode_family(&labels)?)?;
        }
    }
    let silent = |now: &SignalsNow| u64::from(now.stream.is_silent);
    let enabled = |now: &SignalsNow| u64::from(now.stream.status == StreamStatus::Enabled);
    let heard = |now: &SignalsNow| u64::try_from(now.stream.heard.as_seconds()).unwrap_or(0);
    let barred = |now: &SignalsNow| now.barred as u64;
    let plain = None;
    gauge(all, encoder, ("signals_silent", plain), "Whether nothing was heard for 15 minutes", silent)?;
    gauge(
        all,
        encoder,
        ("signals_enabled", plain),
        "Whether the transmitter says that it sends what there is: neither paused nor disabled",
        enabled,
    )?;
    gauge(
        all,
        encoder,
        ("signals_heard_timestamp", Some(&Unit::Seconds)),
        "When the transmitter was last heard",
        heard,
    )?;
    gauge(
        all,
        encoder,
        ("signals_barred", plain),
        "Names of people who may not sign in until their account is signalled to be enabled",
        barred,
    )
}

fn gauge(
    all: &[SignalsNow],
    encoder: &mut DescriptorEncoder<'_>,
    (name, unit): (&str, Option<&Unit>),
    help: &str,
    number: impl Fn(&SignalsNow) -> u64,
) -> Encoded {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for now in all {
        let labels = [("provider", now.provider.as_str())];
        ConstGauge::new(number(now)).encode(metric.encode_family(&labels)?)?;
    }
    Ok(())
}
