//! How long sessions live, and the classes of devices.

use std::collections::BTreeMap;

use http::{HeaderName, HeaderValue};

use super::machine::any_network;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::domain::device::DeviceClass;
use crate::features::session::settings::{SessionSettings, Times};
use crate::gateway::devices::{CertificateName, DeviceSettings};

/// Reads `[session]` and `[device.NAME]`: the times, and how a device's class is told. Callers may be asked for
/// certificates or not.
pub(in crate::config) fn sessions(
    main: &Reader<'_>,
    devices: &[(String, Reader<'_>)],
    asks_for_certificates: bool,
) -> Option<(SessionSettings, Vec<DeviceSettings>)> {
    let written = main.table("session").and_then(|reader| times(&reader));
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
    let by_class: BTreeMap<DeviceClass, Times> = devices.iter().zip(all).map(of_class).collect();
    Some((SessionSettings { times: written?, devices: by_class }, devices))
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
    let (networks, headers, certificates) = (networks?, headers?, certificates?);
    if networks.is_empty() && headers.is_empty() && certificates.is_empty() {
        let right = "`networks`, `header` or `certificate`";
        reader.reading().error(reader.key(), "nothing tells a device of this class", right);
        return None;
    }
    Some(DeviceSettings { class: class.ok()?, networks, headers, certificates })
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
