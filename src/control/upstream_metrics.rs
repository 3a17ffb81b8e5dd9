//! How the applications' servers stand.

use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;

use super::metrics::Encoded;
use crate::domain::application::ApplicationName;
use crate::features::upstream::servers::UpstreamNow;
use crate::features::upstream::standing::StandingNow;

type Upstreams = [(ApplicationName, UpstreamNow)];

/// Writes a series for each server.
pub(super) fn encode(upstreams: &Upstreams, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
    let each = |standing: &StandingNow| u64::from(standing.is_in);
    gauges(upstreams, encoder, ("upstream_in", "Whether a server is given requests"), each)?;
    let each = |standing: &StandingNow| u64::from(standing.in_flight);
    gauges(upstreams, encoder, ("upstream_in_flight", "Requests in flight at a server"), each)?;
    let each = |standing: &StandingNow| standing.requests;
    counters(upstreams, encoder, ("upstream_requests", "Requests that a server was given"), each)?;
    let each = |standing: &StandingNow| standing.failed;
    counters(upstreams, encoder, ("upstream_failed", "Requests that failed by a server's fault"), each)?;
    let each = |standing: &StandingNow| standing.put_out;
    counters(upstreams, encoder, ("upstream_put_out", "Times that a server was put out"), each)?;

    let mut all_out = encoder.encode_descriptor(
        "upstream_all_out",
        "Whether all servers of an application are out, so that all are tried",
        None,
        MetricType::Gauge,
    )?;
    for (application, now) in upstreams {
        let none_is_in = now.servers.iter().all(|(_, standing)| !standing.is_in);
        let labels = [("application", application.as_str())];
        ConstGauge::new(u64::from(none_is_in)).encode(all_out.encode_family(&labels)?)?;
    }
    let mut waiting = encoder.encode_descriptor(
        "upstream_waiting",
        "Requests that wait for room at an application",
        None,
        MetricType::Gauge,
    )?;
    for (application, now) in upstreams {
        let labels = [("application", application.as_str())];
        ConstGauge::new(now.waiting as u64).encode(waiting.encode_family(&labels)?)?;
    }
    let mut overloaded = encoder.encode_descriptor(
        "upstream_overloaded",
        "Requests turned away because an application had as many as it may have",
        None,
        MetricType::Counter,
    )?;
    for (application, now) in upstreams {
        let labels = [("application", application.as_str())];
        ConstCounter::new(now.overloaded).encode(overloaded.encode_family(&labels)?)?;
    }
    Ok(())
}

fn gauges(
    upstreams: &Upstreams,
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    of: impl Fn(&StandingNow) -> u64,
) -> Encoded {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    for (application, now) in upstreams {
        for (server, standing) in &now.servers {
            let labels = [("application", application.as_str()), ("server", &server.to_string())];
            ConstGauge::new(of(standing)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}

fn counters(
    upstreams: &Upstreams,
    encoder: &mut DescriptorEncoder<'_>,
    (name, help): (&str, &str),
    of: impl Fn(&StandingNow) -> u64,
) -> Encoded {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (application, now) in upstreams {
        for (server, standing) in &now.servers {
            let labels = [("application", application.as_str()), ("server", &server.to_string())];
            ConstCounter::new(of(standing)).encode(family.encode_family(&labels)?)?;
        }
    }
    Ok(())
}
