//! Listeners and bounds.

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;

use super::limits::limits;
use crate::config::certificate::{Certificate, authorities, certificate};
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::config::units;
use crate::control::settings::ControlSettings;
use crate::features::guard::settings::{GuardSettings, SpillSettings};
use crate::gateway::settings::{ClientCertificateSettings, GatewaySettings, HelpSettings};
use crate::platform::tls::front::Vouchers;

const WORKERS_MAX: usize = 256;
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(in crate::config) fn gateway(reader: &Reader<'_>) -> Option<(GatewaySettings, Vec<Certificate>)> {
    let listen = reader.list_with("listen", address);
    let redirect = reader.text_with("redirect", address);
    let certificates = collect_all(reader.tables("certificate", 1).iter().map(certificate));
    let client_certificate =
        reader.optional_table("client_certificate").map(|reader| client_certificate(&reader));
    let trusted_proxies = reader.list_with("trusted_proxies", network);
    let proxy_protocol = reader.list_with("proxy_protocol", network);
    let workers = reader.whole("workers").map(count);
    let connections = reader.whole("connections").map(count);
    let requests = reader.whole("requests").map(count);
    let handshake_timeout = reader.duration("handshake_timeout");
    let head_timeout = reader.duration("head_timeout");
    let head_bytes = reader.size("head_bytes").map(count);
    let hsts = reader.text_with("hsts", hsts);
    let drain = reader.duration("drain");
    let limits = reader.table("limits").and_then(|reader| limits(&reader));

    let (listen, certificates) = (listen?, certificates?);
    refuse_same_address(reader, &listen, redirect);
    let settings = GatewaySettings {
        listen,
        redirect,
        certificates: certificates.iter().map(|certificate| certificate.settings.clone()).collect(),
        client_certificate: match client_certificate {
            Some(settings) => Some(settings?),
            None => None,
        },
        trusted_proxies: trusted_proxies?,
        proxy_protocol: proxy_protocol?,
        workers: workers.unwrap_or_else(workers_by_cores),
        connections: connections?,
        requests: requests?,
        handshake_timeout: handshake_timeout?,
        head_timeout: head_timeout?,
        head_bytes: head_bytes?,
        hsts: hsts?,
        limits: limits?,
        drain: drain?,
    };
    Some((settings, certificates))
}

fn client_certificate(reader: &Reader<'_>) -> Option<ClientCertificateSettings> {
    let authorities = authorities(reader);
    let hosts = if reader.has("hosts") { reader.texts("hosts") } else { Some(vec![]) };
    let revoked = if reader.has("revoked") { revocation_lists(reader).map(Some) } else { Some(None) };
    let (authorities, hosts, revoked) = (authorities?, hosts?, revoked?);
    if let Err(error) = Vouchers::new(&authorities, None) {
        reader.error("authorities", error.to_string(), "certificates of authorities in PEM");
        return None;
    }
    match Vouchers::new(&authorities, revoked.as_deref()) {
        Ok(vouchers) => {
            let now = reader.reading().surroundings.now;
            if let Some(due) = vouchers.due().filter(|due| *due <= now) {
                let what = format!(
                    "a list was to be followed by a newer one at {due}: what it is for is not believed"
                );
                reader.reading().warning(&reader.key_of("revoked"), what, "the lists of now");
            }
        }
        Err(error) => {
            reader.error("revoked", error.to_string(), "the authorities' lists in PEM (`BEGIN X509 CRL`)");
            return None;
        }
    }
    Some(ClientCertificateSettings { authorities, hosts, revoked })
}

fn revocation_lists(reader: &Reader<'_>) -> Option<Arc<[u8]>> {
    let path = reader.file_reference("revoked")?;
    Some(reader.reading().file(&reader.key_of("revoked"), &path)?.into())
}

pub(in crate::config) fn control(reader: &Reader<'_>) -> Option<ControlSettings> {
    let token = reader.secret("token");
    let listen = reader.text_with("listen", |text| {
        let listen = address(text)?;
        if listen.ip().is_loopback() {
            return Ok(listen);
        }
        Err(Mistake::new(
            format!("`{text}` is reachable from elsewhere, and the control plane speaks plain HTTP"),
            "a loopback address such as `\"127.0.0.1:9443\"`",
        ))
    });
    Some(ControlSettings { listen: listen?, token })
}

pub(in crate::config) fn guard(reader: &Reader<'_>) -> Option<GuardSettings> {
    let hold_bytes = reader.size("hold").map(count);
    let decompression_ratio = reader.whole("decompression_ratio");
    let request_body_bytes = reader.size("request_body").map(count);
    Some(GuardSettings {
        hold_bytes: hold_bytes?,
        decompression_ratio: u32::try_from(decompression_ratio?).unwrap_or(u32::MAX),
        request_body_bytes: request_body_bytes?,
    })
}

/// Where replies wait that are longer than memory may hold: beside the store, unless it is said.
pub(in crate::config) fn spill(reader: &Reader<'_>, store: Option<&Path>) -> Option<SpillSettings> {
    let directory = if reader.has("spill") {
        reader.path("spill")
    } else {
        store.map(|directory| directory.join("spill"))
    };
    let (reply_bytes_max, bytes_max) = (reader.size("spill_max"), reader.size("spill_total"));
    Some(SpillSettings { directory: directory?, reply_bytes_max: reply_bytes_max?, bytes_max: bytes_max? })
}

/// Reads `[help]`.
pub(in crate::config) fn help(reader: &Reader<'_>) -> Option<HelpSettings> {
    let contact = reader.text_with("contact", line);
    let answer_within = reader.duration("answer_within");
    let risk = reader.text_with("risk", line);
    if reader.has("contact") && contact.is_none()
        || reader.has("answer_within") && answer_within.is_none()
        || reader.has("risk") && risk.is_none()
    {
        return None;
    }
    Some(HelpSettings { contact, answer_within, risk })
}

/// Who approved what is written.
pub(in crate::config) fn approved_by(reader: &Reader<'_>) -> Option<Vec<Arc<str>>> {
    reader.list_with("approved_by", line)
}

fn line(text: &str) -> Result<Arc<str>, Mistake> {
    let is_line = !text.trim().is_empty() && text.len() <= LINE_BYTES_MAX;
    if is_line && !text.chars().any(char::is_control) {
        return Ok(text.trim().into());
    }
    Err(Mistake::new("that is no line that people could read", "one line of at most 200 bytes"))
}

const LINE_BYTES_MAX: usize = 200;

/// The time zone that is written, or else the system's.
pub(in crate::config) fn time_zone(reader: &Reader<'_>) -> Option<String> {
    if !reader.has("time_zone") {
        return Some(jiff::tz::TimeZone::system().iana_name().unwrap_or("UTC").to_owned());
    }
    reader.text_with("time_zone", |text| match jiff::tz::TimeZone::get(text) {
        Ok(zone) => Ok(zone.iana_name().unwrap_or(text).to_owned()),
        Err(_) => Err(Mistake::new(
            format!("`{text}` is no time zone that this machine knows"),
            "an IANA name such as `\"Europe/Madrid\"` or `\"UTC\"`",
        )),
    })
}

fn address(text: &str) -> Result<SocketAddr, Mistake> {
    text.parse().map_err(|_| {
        Mistake::new(
            format!("`{text}` is not an address and a port"),
            "such as `\"0.0.0.0:8443\"` or `\"[::]:8443\"`",
        )
    })
}

/// A network, or an address as one.
pub(super) fn any_network(text: &str) -> Result<IpNet, Mistake> {
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    let right = "networks such as `\"10.0.0.0/8\"`, or addresses";
    text.parse().or_else(|_| one()).map_err(|_| Mistake::new(format!("`{text}` is not a network"), right))
}

fn network(text: &str) -> Result<IpNet, Mistake> {
    let network = any_network(text)?;
    if network.prefix_len() == 0 {
        return Err(Mistake::new(
            format!("`{text}` is everybody: any caller could claim any address"),
            "only the networks of your own proxies",
        ));
    }
    Ok(network)
}

fn hsts(text: &str) -> Result<Option<Duration>, Mistake> {
    if text == "none" {
        return Ok(None);
    }
    let within = DAY..=DAY * 730;
    units::duration(text).filter(|time| within.contains(time)).map(Some).ok_or_else(|| {
        let what = format!("`{text}` is not how long a browser may remember");
        Mistake::new(what, "a duration from `\"1d\"` to `\"730d\"`, or `\"none\"`")
    })
}

fn refuse_same_address(reader: &Reader<'_>, listen: &[SocketAddr], redirect: Option<SocketAddr>) {
    for (position, address) in (1..).zip(listen) {
        if listen.iter().skip(position).any(|other| other == address) {
            reader.error("listen", format!("`{address}` is listed twice"), "each address once");
        }
    }
    if let Some(redirect) = redirect.filter(|redirect| listen.contains(redirect)) {
        let what = format!("`{redirect}` is where TLS is spoken");
        reader.error("redirect", what, "a port of its own");
    }
}

fn workers_by_cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from).min(WORKERS_MAX)
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
