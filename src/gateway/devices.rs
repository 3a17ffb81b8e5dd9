//! What kind of device a caller is at: by their network, by what a trusted proxy says in a header of its own, and by the
//! certificate of the device.
//!
//! The first class fits whose conditions all hold, in the order in which they are written. A header counts only from a
//! trusted proxy, and is taken off every request, in every spelling: no caller can claim a class, and no application
//! reads what a caller claimed.

use std::net::IpAddr;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::normalize::fault::Fault;
use crate::domain::device::DeviceClass;
use crate::platform::tls::front::CallerCertificate;

/// A class of devices, and how one of them is told.
#[derive(Clone, Debug)]
pub struct DeviceSettings {
    /// Its name.
    pub class: DeviceClass,
    /// The caller is in one of these; empty: anywhere.
    pub networks: Vec<IpNet>,
    /// The trusted proxy says all of these.
    pub headers: Vec<(HeaderName, HeaderValue)>,
    /// The caller's certificate is for one of these names; empty: none is asked for. Never all three are empty.
    pub certificates: Vec<CertificateName>,
    /// How long a proof counts there; none: as long as the rules say. 1 min to 12 h.
    pub proof_lasts: Option<Duration>,
}

/// Names in certificates: one, or (`*.ward.clinic.example`) all that end so. One with a colon is a URI, others are DNS
/// names: an authority that may vouch for certain DNS names may vouch for any URI.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateName(String);

impl CertificateName {
    /// A DNS name or a URI; a `*` at its beginning stands for what is not empty.
    pub fn new(text: &str) -> Option<Self> {
        let rest = text.strip_prefix('*').unwrap_or(text);
        let is_sound = !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'*');
        is_sound.then(|| Self(text.to_ascii_lowercase()))
    }

    fn is_of(&self, shown: &CallerCertificate) -> bool {
        let names = if self.0.contains(':') { &shown.uris } else { &shown.hosts };
        names.iter().any(|name| self.fits(name))
    }

    fn fits(&self, name: &str) -> bool {
        match self.0.strip_prefix('*') {
            Some(end) => name.len() > end.len() && name.ends_with(end),
            None => self.0 == name,
        }
    }
}

/// Where a request comes from.
#[derive(Clone, Copy, Debug)]
pub struct At<'a> {
    /// The caller's address.
    pub client: IpAddr,
    /// Whether a trusted proxy has sent it.
    pub by_trusted_proxy: bool,
    /// The certificate that the caller has shown, and that holds.
    pub certificate: Option<&'a CallerCertificate>,
}

/// The classes of devices.
#[derive(Clone, Debug, Default)]
pub struct Devices(Vec<DeviceSettings>);

impl Devices {
    /// These classes; the first that fits counts.
    pub const fn new(classes: Vec<DeviceSettings>) -> Self {
        Self(classes)
    }

    /// The class of a device there, whose request came with these headers.
    pub fn class(&self, headers: &HeaderMap, at: At<'_>) -> Option<DeviceClass> {
        let says = |(name, value): &(HeaderName, HeaderValue)| {
            at.by_trusted_proxy && headers.get(name).is_some_and(|said| said == value)
        };
        let is_named = |sought: &CertificateName| at.certificate.is_some_and(|shown| sought.is_of(shown));
        let fits = |it: &&DeviceSettings| {
            (it.networks.is_empty() || it.networks.iter().any(|network| network.contains(&at.client)))
                && it.headers.iter().all(says)
                && (it.certificates.is_empty() || it.certificates.iter().any(is_named))
        };
        self.0.iter().find(fits).map(|it| it.class.clone())
    }

    /// Whether a device is of this class by its certificate.
    pub fn rests_on_certificate(&self, class: &DeviceClass) -> bool {
        self.0.iter().any(|it| it.class == *class && !it.certificates.is_empty())
    }

    /// Takes off a request whatever could tell a class. What a trusted proxy says twice can be read in two ways.
    pub fn take_off(&self, headers: &mut HeaderMap, by_trusted_proxy: bool) -> Result<(), Fault> {
        for (name, _) in self.0.iter().flat_map(|it| &it.headers) {
            if by_trusted_proxy && headers.get_all(name).iter().count() > 1 {
                return Err(Fault::malformed("device: a header of the proxy comes twice"));
            }
            let spelled: Vec<HeaderName> =
                headers.keys().filter(|other| is_spelling(other.as_str(), name.as_str())).cloned().collect();
            for name in spelled {
                headers.remove(name);
            }
        }
        Ok(())
    }
}

/// Whether a server that passes headers as variables takes one name for the other.
fn is_spelling(one: &str, other: &str) -> bool {
    let folded = |byte: u8| if byte.is_ascii_alphanumeric() { byte.to_ascii_lowercase() } else { b'-' };
    one.len() == other.len()
        && one.bytes().zip(other.bytes()).all(|(one, other)| folded(one) == folded(other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::foundation::clock::Timestamp;

    const HEADER: HeaderName = HeaderName::from_static("x-workstation");

    fn devices() -> Devices {
        let class = |name: &str, networks: &[&str], value: Option<&'static str>| DeviceSettings {
            class: name.parse().unwrap(),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            headers: value.map(|value| (HEADER, HeaderValue::from_static(value))).into_iter().collect(),
            certificates: Vec::new(),
            proof_lasts: None,
        };
        Devices::new(vec![
            class("kiosk", &["10.9.0.0/16"], None),
            class("operating-room", &["10.0.0.0/8"], Some("or")),
            class("badge", &[], Some("badge")),
            class("ward", &["10.0.0.0/8", "fd00::/8"], None),
        ])
    }

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        let pair = |(name, value): &(&'static str, &'static str)| {
            (HeaderName::from_static(name), HeaderValue::from_static(value))
        };
        pairs.iter().map(pair).collect()
    }

    #[test]
    fn the_first_class_that_fits_counts_and_a_header_only_from_a_trusted_proxy() {
        type Case = (&'static str, Option<&'static str>, bool, Option<&'static str>);
        let cases: [Case; 10] = [
            ("10.9.1.1", None, false, Some("kiosk")),
            ("10.9.1.1", Some("badge"), true, Some("kiosk")),
            ("10.1.1.1", None, false, Some("ward")),
            ("fd00::1", None, false, Some("ward")),
            ("10.1.1.1", Some("or"), true, Some("operating-room")),
            ("10.1.1.1", Some("or"), false, Some("ward")),
            ("192.0.2.1", Some("or"), true, None),
            ("192.0.2.1", Some("badge"), true, Some("badge")),
            ("192.0.2.1", Some("badge"), false, None),
            ("192.0.2.1", Some("Badge"), true, None),
        ];
        for (client, said, trusted, expected) in cases {
            let said: Vec<_> = said.map(|value| ("x-workstation", value)).into_iter().collect();
            let at = At { client: client.parse().unwrap(), by_trusted_proxy: trusted, certificate: None };
            let class = devices().class(&headers(&said), at);
            assert_eq!(class.as_ref().map(DeviceClass::as_str), expected, "{client} {said:?} {trusted}");
        }
    }

    #[test]
    fn no_spelling_of_a_class_goes_on_and_what_is_said_twice_is_refused() {
        let names = [
            ("x-workstation", "badge"),
            ("x_workstation", "or"),
            ("x.workstation", "or"),
            ("x-workstations", "kept"),
        ];
        for trusted in [false, true] {
            let mut came = headers(&names);
            devices().take_off(&mut came, trusted).unwrap();
            assert_eq!(came, headers(&[("x-workstations", "kept")]));
        }
        let mut twice = headers(&[("x-workstation", "or")]);
        twice.append(HEADER, HeaderValue::from_static("badge"));
        assert!(devices().take_off(&mut twice.clone(), true).is_err());
        assert!(devices().take_off(&mut twice, false).is_ok() && twice.is_empty());
    }

    #[test]
    fn a_certificate_tells_a_class_by_the_names_it_is_for() {
        let class = |name: &str, certificates: &[&str], networks: &[&str]| DeviceSettings {
            class: name.parse().unwrap(),
            networks: networks.iter().map(|network| network.parse().unwrap()).collect(),
            headers: Vec::new(),
            proof_lasts: None,
            certificates: certificates.iter().map(|name| CertificateName::new(name).unwrap()).collect(),
        };
        let devices = Devices::new(vec![
            class("cart", &["Cart-7.ward.example", "urn:clinic:cart"], &[]),
            class("ward", &["*.ward.example"], &["10.0.0.0/8"]),
        ]);
        let cases: [(&[&str], &str, Option<&str>); 9] = [
            (&["x://y/pc-3.ward.example"], "10.1.1.1", None),
            (&["cart-7.ward.example"], "192.0.2.1", Some("cart")),
            (&["urn:clinic:cart"], "192.0.2.1", Some("cart")),
            (&["pc-3.ward.example"], "10.1.1.1", Some("ward")),
            (&["elsewhere.example", "pc-3.ward.example"], "10.1.1.1", Some("ward")),
            (&["pc-3.ward.example"], "192.0.2.1", None),
            (&[".ward.example"], "10.1.1.1", None),
            (&["ward.example", "pc-3.ward.example.org"], "10.1.1.1", None),
            (&[], "10.1.1.1", None),
        ];
        for (names, client, expected) in cases {
            let names = names.iter().map(|name| (*name).to_owned());
            let (uris, hosts) = names.partition(|name| name.contains(':'));
            let shown = CallerCertificate { thumbprint: "t".into(), hosts, uris, ends: Timestamp::default() };
            let client = client.parse().unwrap();
            let at = At { client, by_trusted_proxy: false, certificate: Some(&shown) };
            let class = devices.class(&HeaderMap::new(), at);
            assert_eq!(class.as_ref().map(DeviceClass::as_str), expected, "{shown:?} {client}");
            assert_eq!(devices.class(&HeaderMap::new(), At { certificate: None, ..at }), None);
        }
        for wrong in ["", "*", "a*.example", "**.example", "two words"] {
            assert_eq!(CertificateName::new(wrong), None, "{wrong}");
        }
    }
}
