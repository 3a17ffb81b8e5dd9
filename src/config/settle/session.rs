//! How long sessions live, and the classes of devices.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};

use super::machine::any_network;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::domain::device::WhenFull;
use crate::features::session::settings::{Concurrent, SessionSettings, Shorter, Times};
use crate::gateway::devices::{CertificateName, DeviceSettings};

/// Reads `[session]` and `[device.NAME]`: the times, and how a device's class is told. Callers may be asked for
/// certificates or not.
pub(in crate::config) fn sessions(
    main: &Reader<'_>,
    devices: &[(String, Reader<'_>)],
    asks_for_certificates: bool,
) -> Option<(SessionSettings, Vec<DeviceSettings>)> {
    let session = main.table("session");
    let written = session.as_ref().and_then(times);
    let bound_to = session.as_ref().and_then(|reader| reader.list("bound_to"));
    let device_proof = session.as_ref().and_then(|reader| reader.duration("device_proof"));
    let detect_polling = session.as_ref().and_then(|reader| reader.yes_no("detect_polling"));
    let outage_extension = session.as_ref().and_then(|reader| reader.duration("outage_extension"));
    let most = session.as_ref().and_then(concurrent);
    let when_full = session.as_ref().and_then(|reader| reader.parsed("when_full"));
    let by_class =
        devices.iter().filter_map(|(name, reader)| Some((name.parse().ok()?, concurrent(reader)??)));
    let by_class = by_class.collect();
    let devices = collect_all(devices.iter().map(|(name, reader)| {
        let settings = device(name, reader);
        if !asks_for_certificates && reader.has("certificate") {
            let right = "`[gateway.client_certificate]` with the authorities that vouch for them";
            reader.error("certificate", "nobody is asked for one, so no device is ever of this class", right);
        }
        let times = written.and_then(|otherwise| times_or(reader, otherwise));
        Some((settings?, times?))
    }));
    let (devices, all): (Vec<_>, Vec<_>) = devices?.into_iter().unzip();
    let of_class = |(device, times): (&DeviceSettings, Times)| (device.class.clone(), times);
    let concurrent = Concurrent { most: most?, devices: by_class, when_full: when_full? };
    warn_of_no_way_in(main, written?, &all, &concurrent);
    let settings = SessionSettings {
        times: written?,
        devices: devices.iter().zip(all).map(of_class).collect(),
        applications: BTreeMap::new(),
        concurrent,
        bound_to: bound_to?,
        device_proof: device_proof?,
        detect_polling: detect_polling?,
        outage_extension: outage_extension?,
    };
    Some((settings, devices))
}

/// Where nothing is locked, whoever has left another computer is let in nowhere until their session there is over.
fn warn_of_no_way_in(main: &Reader<'_>, times: Times, of_classes: &[Times], concurrent: &Concurrent) {
    let is_bounded = concurrent.most.is_some() || !concurrent.devices.is_empty();
    let locks = times.locks() && of_classes.iter().all(|times| times.locks());
    if concurrent.when_full == WhenFull::Refuse && is_bounded && !locks {
        let what = "no session is locked where `lock` is not below `idle`: whoever has left another computer is not let in";
        main.reading().warning("session.when_full", what, "a `lock` less than `idle`, or `end_oldest`");
    }
}

/// Reads `[application.NAME.session]`: the times of which less is asked for.
pub(super) fn shorter(reader: &Reader<'_>) -> Option<Shorter> {
    let time = |name| if reader.has(name) { reader.duration(name).map(Some) } else { Some(None) };
    let (lock, idle, absolute) = (time("lock"), time("idle"), time("absolute"));
    Some(Shorter { lock: lock?, idle: idle?, absolute: absolute? })
}

/// How many; none where nothing is written.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn concurrent(reader: &Reader<'_>) -> Option<Option<usize>> {
    if !reader.has("concurrent") {
        return Some(None);
    }
    reader.whole("concurrent").map(|most| usize::try_from(most).ok())
}

fn times(reader: &Reader<'_>) -> Option<Times> {
    let (lock, idle) = (reader.duration("lock"), reader.duration("idle"));
    let (absolute, resume) = (reader.duration("absolute"), reader.parsed("resume"));
    fitting(reader, Times { lock: lock?, idle: idle?, absolute: absolute?, resume: resume? })
}

/// The times of a class; what is not written is as in `[session]`.
fn times_or(reader: &Reader<'_>, otherwise: Times) -> Option<Times> {
    let or = |name, otherwise| {
        if reader.has(name) { reader.duration(name) } else { Some(otherwise) }
    };
    let (lock, idle) = (or("lock", otherwise.lock), or("idle", otherwise.idle));
    let absolute = or("absolute", otherwise.absolute);
    let resume = if reader.has("resume") { reader.parsed("resume") } else { Some(otherwise.resume) };
    fitting(reader, Times { lock: lock?, idle: idle?, absolute: absolute?, resume: resume? })
}

/// The times, if each can come to pass.
fn fitting(reader: &Reader<'_>, times: Times) -> Option<Times> {
    if times.absolute < times.idle {
        let what = "a session would end before it can be idle for as long as `idle` says";
        reader.error("absolute", what, "no less than `idle`");
        return None;
    }
    if reader.has("lock") && !times.locks() {
        let what = "a session ends before it could be locked: there is no lock";
        let right = "less than `idle`, or no `lock` where sessions are to end without one";
        reader.reading().warning(&reader.key_of("lock"), what, right);
    }
    Some(times)
}

fn device(name: &str, reader: &Reader<'_>) -> Option<DeviceSettings> {
    let class = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `ward`");
    });
    let networks =
        if reader.has("networks") { reader.list_with("networks", any_network) } else { Some(vec![]) };
    let headers = headers(reader);
    let certificates = if reader.has("certificate") {
        reader.list_with("certificate", certificate_name)
    } else {
        Some(vec![])
    };
    let proof_lasts = reader.duration("step_up_max_age");
    let (networks, headers, certificates) = (networks?, headers?, certificates?);
    Some(DeviceSettings { class: class.ok()?, networks, headers, certificates, proof_lasts })
}

fn certificate_name(text: &str) -> Result<CertificateName, Mistake> {
    let right = "a DNS name or a URI such as `\"*.ward.clinic.example\"`";
    let what = || Mistake::new(format!("`{text}` is no name that a certificate could be for"), right);
    CertificateName::new(text).ok_or_else(what)
}

fn headers(reader: &Reader<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    if !reader.has("header") {
        return Some(Vec::new());
    }
    collect_all(reader.map("header")?.into_iter().map(|(name, value)| {
        let header = name.parse::<HeaderName>().ok().filter(|it| it.as_str().starts_with("x-"));
        let Some(header) = header else {
            reader.error(
                "header",
                format!("`{name}` is not a header of the proxy's own"),
                "a name such as `x-workstation`",
            );
            return None;
        };
        let Some(value) = HeaderValue::from_str(&value).ok() else {
            reader.error(
                "header",
                format!("`{name}` cannot have this value"),
                "a text without control characters",
            );
            return None;
        };
        Some((header, value))
    }))
}
