//! Metrics in the text format of `OpenMetrics`: what the workers, the journal and the reloads have counted.
//! No people in labels.

use axum::extract::State;
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse as _, Response};
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric as _};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::counter::ConstCounter;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};

use super::journal_metrics::JournalNow;
use super::state::{ControlState, Present};
use super::{
    archive_metrics, break_glass_metrics, detection_metrics, export_metrics, feed_metrics, journal_metrics,
    signal_metrics, store_metrics, upstream_metrics, witness_metrics,
};
use crate::domain::measure::{BOUNDS, Counted, Histogram};
use crate::features::audit::archive::ArchiveNow;
use crate::features::audit::witness::WitnessNow;
use crate::features::break_glass;
use crate::features::detect::Figures;
use crate::foundation::clock::Timestamp;

/// The metrics, as they are now.
pub async fn metrics(State(state): State<ControlState>) -> Response {
    let mut registry = Registry::with_prefix("leastway");
    registry.register_collector(Box::new(Snapshot {
        counted: (state.counted)(),
        present: (state.present)(),
        journal: JournalNow::of(&state.journal),
        witnesses: state.journal.witnesses().iter().map(|witness| witness.now()).collect(),
        archive: state.journal.archive().map(|archive| archive.now()),
        now: state.clock.now(),
        head: state.journal.head().sequence,
        sessions: state.sessions.len(),
        detections: state.detections.figures(),
        breaks: state.breaks.figures(state.clock.now()),
    }));
    let mut text = String::new();
    match prometheus_client::encoding::text::encode(&mut text, &registry) {
        Ok(()) => ([(CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
            .into_response(),
        Err(_) => StatusCode::INTERNAL_SERVER_ERROR.into_response(),
    }
}

#[derive(Debug)]
struct Snapshot {
    counted: Counted,
    present: Present,
    journal: JournalNow,
    witnesses: Vec<WitnessNow>,
    archive: Option<ArchiveNow>,
    now: Timestamp,
    /// The sequence of the journal's last entry on the disk.
    head: u64,
    sessions: usize,
    detections: Figures,
    breaks: break_glass::Figures,
}

pub(super) type Encoded = Result<(), std::fmt::Error>;

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Encoded {
        self.requests(&mut encoder)?;
        self.decisions(&mut encoder)?;
        journal_metrics::encode(&self.journal, &mut encoder)?;
        witness_metrics::encode(&self.witnesses, self.head, &mut encoder)?;
        archive_metrics::encode(self.archive.as_ref(), self.now, &mut encoder)?;
        self.present(&mut encoder)?;
        self.directories(&mut encoder)?;
        signal_metrics::encode(&self.present.signals, &mut encoder)?;
        store_metrics::encode(self.present.store, &mut encoder)?;
        feed_metrics::encode(&self.present.feeds, &mut encoder)?;
        detection_metrics::encode(&self.detections, &mut encoder)?;
        break_glass_metrics::encode(&self.breaks, &mut encoder)?;
        export_metrics::encode(&self.present.exports, &mut encoder)?;
        upstream_metrics::encode(&self.present.upstreams, &mut encoder)
    }
}

impl Snapshot {
    fn requests(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let mut requests = encoder.encode_descriptor(
            "requests",
            "Requests by application, verdict and most telling reason",
            None,
            MetricType::Counter,
        )?;
        for ((application, verdict, reason), number) in &self.counted.requests {
            let application = application.as_ref().map_or("", |application| application.as_str());
            let labels =
                [("application", application), ("verdict", verdict.as_str()), ("reason", reason.as_str())];
            ConstCounter::new(*number).encode(requests.encode_family(&labels)?)?;
        }
        let mut clients = encoder.encode_descriptor(
            "client_requests",
            "Requests of declared programs by program, verdict and most telling reason",
            None,
            MetricType::Counter,
        )?;
        for ((client, verdict, reason), number) in &self.counted.clients {
            let labels =
                [("client", client.as_str()), ("verdict", verdict.as_str()), ("reason", reason.as_str())];
            ConstCounter::new(*number).encode(clients.encode_family(&labels)?)?;
        }
        let mut events = encoder.encode_descriptor(
            "events",
            "Events that ended, by outcome",
            None,
            MetricType::Counter,
        )?;
        for (outcome, number) in &self.counted.events {
            ConstCounter::new(*number).encode(events.encode_family(&[("outcome", outcome.as_str())])?)?;
        }
        counter(
            encoder,
            "events_lost",
            "Requests refused because their event could not be written",
            self.counted.events_lost,
        )?;
        counter(
            encoder,
            "events_forgone",
            "Requests refused for their number alone that left no event of their own",
            self.counted.events_forgone,
        )?;
        counter(
            encoder,
            "replies_withheld",
            "Replies withheld beyond the minimum necessary",
            self.counted.withheld,
        )?;
        counter(
            encoder,
            "replies_redacted",
            "Replies that passed without fields that are withheld",
            self.counted.redacted,
        )?;
        let mut risks = encoder.encode_descriptor(
            "risks",
            "Events in which a risk stood or was cleared, by risk and what came of it",
            None,
            MetricType::Counter,
        )?;
        for ((rule, step), number) in &self.counted.risks {
            let labels = [("risk", rule.as_str()), ("step", step.as_str())];
            ConstCounter::new(*number).encode(risks.encode_family(&labels)?)?;
        }
        counter(
            encoder,
            "keep_alives_ignored",
            "Requests that came at equal intervals and kept no session alive",
            self.counted.keep_alives_ignored,
        )?;
        histogram(
            encoder,
            "request_duration",
            "From the first byte of a request to the last of its reply",
            &self.counted.duration,
        )?;
        histogram(
            encoder,
            "upstream_duration",
            "Waiting for the head of the application's reply",
            &self.counted.upstream,
        )?;
        histogram(
            encoder,
            "time_to_revoke",
            "From when it was here that sessions are to end until that was done: what went on by them cut, store and journal written",
            &self.counted.revocation,
        )?;
        histogram(
            encoder,
            "time_to_revoke_relayed",
            "From when it was at another node that sessions are to end, by its clock, until that was done here",
            &self.counted.relayed_revocation,
        )
    }

    fn directories(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let mut users = encoder.encode_descriptor(
            "directory_users",
            "Users that a provider keeps here, by whether they may sign in",
            None,
            MetricType::Gauge,
        )?;
        for (provider, census) in &self.present.directories {
            for (standing, number) in [("active", census.active), ("disabled", census.disabled)] {
                let labels = [("provider", provider.as_str()), ("standing", standing)];
                ConstGauge::new(number as u64).encode(users.encode_family(&labels)?)?;
            }
        }
        let mut groups = encoder.encode_descriptor(
            "directory_groups",
            "Groups that a provider keeps here",
            None,
            MetricType::Gauge,
        )?;
        for (provider, census) in &self.present.directories {
            let labels = [("provider", provider.as_str())];
            ConstGauge::new(census.groups as u64).encode(groups.encode_family(&labels)?)?;
        }
        let mut age = encoder.encode_descriptor(
            "directory_age",
            "How long ago a provider that keeps a directory here was heard of; absent if it never was",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for heard in &self.present.directories_heard {
            let labels = [("provider", heard.provider.as_str())];
            if let Some(ago) = heard.age_seconds {
                ConstGauge::new(ago).encode(age.encode_family(&labels)?)?;
            }
        }
        let mut stale = encoder.encode_descriptor(
            "directory_stale",
            "Whether a provider was not heard of for so long that what its directory tells of people is too old",
            None,
            MetricType::Gauge,
        )?;
        for heard in &self.present.directories_heard {
            let labels = [("provider", heard.provider.as_str())];
            ConstGauge::new(u64::from(heard.stale)).encode(stale.encode_family(&labels)?)?;
        }
        Ok(())
    }

    fn decisions(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        counter(encoder, "decisions", "Decisions, remembered ones too", self.counted.decisions_made)?;
        counter(
            encoder,
            "decisions_cached",
            "Decisions that were remembered",
            self.counted.decisions_cached,
        )?;
        let mut shadow = encoder.encode_descriptor(
            "shadow_decisions",
            "What rules in the shadow answered, by their verdict and whether those in force decided otherwise",
            None,
            MetricType::Counter,
        )?;
        for ((application, verdict, differs), number) in &self.counted.shadow {
            let differs = if *differs { "true" } else { "false" };
            let labels =
                [("application", application.as_str()), ("verdict", verdict.as_str()), ("differs", differs)];
            ConstCounter::new(*number).encode(shadow.encode_family(&labels)?)?;
        }
        histogram(encoder, "decision_duration", "Deciding", &self.counted.decision)
    }

    fn present(&self, encoder: &mut DescriptorEncoder<'_>) -> Encoded {
        let present = &self.present;
        counter(encoder, "connections", "Connections that were accepted", self.counted.connections)?;
        counter(
            encoder,
            "connections_refused",
            "Connections that were turned away",
            self.counted.connections_refused,
        )?;
        counter(
            encoder,
            "connections_limited",
            "Connections that were turned away because their address had or made too many",
            self.counted.connections_limited,
        )?;
        counter(
            encoder,
            "connections_cut",
            "Connections that were cut because their caller was too slow or sent too many empty frames",
            self.counted.connections_cut,
        )?;
        gauge(encoder, "connections_open", "Connections of callers", present.connections as u64)?;
        gauge(
            encoder,
            "replies_spilled_bytes",
            "Bytes of replies that wait on the disk until it is known whether they may pass",
            present.spilled,
        )?;
        gauge(encoder, "sessions", "Sessions", self.sessions as u64)?;
        gauge(
            encoder,
            "store_in_touch",
            "Whether it is known here what other nodes have changed",
            u64::from(present.is_in_touch),
        )?;
        gauge(
            encoder,
            "config_last_reload_success",
            "Whether the last reload succeeded",
            u64::from(present.reload_succeeded),
        )?;
        let reloaded = u64::try_from(present.reloaded.as_seconds()).unwrap_or(0);
        gauge(encoder, "config_last_reload_timestamp_seconds", "When the last reload was", reloaded)?;
        let mut rules = encoder.encode_descriptor("rules", "The rules in force", None, MetricType::Gauge)?;
        ConstGauge::new(1_u64).encode(rules.encode_family(&[("version", &*present.rules_version)])?)?;
        let mut providers = encoder.encode_descriptor(
            "provider_usable",
            "Whether a provider's metadata and keys are known",
            None,
            MetricType::Gauge,
        )?;
        for provider in &present.providers {
            let labels = [("provider", provider.provider.as_str())];
            ConstGauge::new(u64::from(provider.usable)).encode(providers.encode_family(&labels)?)?;
        }
        let mut silent = encoder.encode_descriptor(
            "provider_silent",
            "Whether a provider did not answer when it was last asked",
            None,
            MetricType::Gauge,
        )?;
        for provider in &present.providers {
            let labels = [("provider", provider.provider.as_str())];
            ConstGauge::new(u64::from(provider.silent_since.is_some()))
                .encode(silent.encode_family(&labels)?)?;
        }
        let mut offsets = encoder.encode_descriptor(
            "provider_clock_offset",
            "By how much a provider's clock was ahead of ours at the last sign-in",
            Some(&Unit::Seconds),
            MetricType::Gauge,
        )?;
        for provider in &present.providers {
            let labels = [("provider", provider.provider.as_str())];
            if let Some(offset) = provider.clock_offset {
                ConstGauge::new(offset).encode(offsets.encode_family(&labels)?)?;
            }
        }
        Ok(())
    }
}

pub(super) fn counter(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, number: u64) -> Encoded {
    let metric = ConstCounter::new(number);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Counter)?)
}

pub(super) fn gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, number: u64) -> Encoded {
    let metric = ConstGauge::new(number);
    metric.encode(encoder.encode_descriptor(name, help, None, MetricType::Gauge)?)
}

fn histogram(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, histogram: &Histogram) -> Encoded {
    let within: u64 = histogram.buckets.iter().sum();
    let mut buckets: Vec<(f64, u64)> = BOUNDS.into_iter().zip(histogram.buckets).collect();
    buckets.push((f64::INFINITY, histogram.count.saturating_sub(within)));
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    metric.encode_histogram::<[(&str, &str); 0]>(histogram.sum, histogram.count, &buckets, None)
}
