//! Metrics of feeds: how old each is, how much it says, and whether it can be taken.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Unit;

use super::metrics::Encoded;
use crate::features::facts::FeedNow;

pub(super) fn encode(all: &[FeedNow], encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    gauge(all, encoder, ("feed_rows", None), "Rows of a feed; absent before it was first taken", |it| {
        it.rows
    })?;
    gauge(
        all,
        encoder,
        ("feed_age", Some(&Unit::Seconds)),
        "How old is what a feed tells; absent before it was first taken",
        |it| it.age_seconds,
    )?;
    gauge(all, encoder, ("feed_stale", None), "Whether a feed is too old, or was never taken", |it| {
        Some(u64::from(it.stale || it.rows.is_none()))
    })?;
    gauge(
        all,
        encoder,
        ("feed_faulty", None),
        "Whether what a feed has been last could not be taken",
        |it| Some(u64::from(it.fault.is_some())),
    )?;
    let mut failures = encoder.encode_descriptor(
        "feed_failures",
        "How often a feed could not be taken",
        None,
        MetricType::Counter,
    )?;
    for now in all {
        let labels = [("feed", now.feed.as_str())];
        ConstCounter::new(now.failures).encode(failures.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauge(
    all: &[FeedNow],
    encoder: &mut DescriptorEncoder<'_>,
    (name, unit): (&str, Option<&Unit>),
    help: &str,
    number: impl Fn(&FeedNow) -> Option<u64>,
) -> Encoded {
    let mut metric = encoder.encode_descriptor(name, help, unit, MetricType::Gauge)?;
    for now in all {
        let labels = [("feed", now.feed.as_str())];
        if let Some(number) = number(now) {
            ConstGauge::new(number).encode(metric.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
