//! What kind of device a caller is at: by what a feed tells of it, by their network, by what a trusted proxy says in a header
//! of its own, and by the certificate of the device.
//!
//! What a feed tells of the one device counts before what holds of all that are like it: its class, or that it is withdrawn and
//! so of none. Else the first class fits whose conditions all hold, in the order in which they are written. A header counts only from a
//! trusted proxy, and is taken off every request, in every spelling: no caller can claim a class, and no application
//! reads what a caller claimed.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use ipnet::IpNet;

use super::normalize::fault::Fault;
use crate::domain::device::{DeviceClass, DeviceFacts};
use crate::features::facts::devices::DeviceSeen;
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
    /// The caller's certificate is for one of these names; empty: none is asked for. Where all three are empty, only a feed tells
    /// a device of this class.
    pub certificates: Vec<CertificateName>,
    /// How long a proof counts there; none: as long as the rules say. 1 min to 12 h.
    pub proof_lasts: Option<Duration>,
}

impl DeviceSettings {
    /// Whether it has no conditions of its own.
    pub const fn is_told_by_feeds_only(&self) -> bool {
        self.networks.is_empty() && self.headers.is_empty() && self.certificates.is_empty()
    }
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
#[derive(Clone, Debug)]
pub struct At {
    /// The caller's address.
    pub client: IpAddr,
    /// Whether a trusted proxy has sent it.
    pub by_trusted_proxy: bool,
    /// The certificate that the caller has shown, and that holds.
    pub certificate: Option<Arc<CallerCertificate>>,
}

/// What is seen of a caller's device: kept as long as anything goes on for them, so that its class can be told anew.
#[derive(Clone, Debug)]
pub struct Seen {
    client: IpAddr,
    certificate: Option<Arc<CallerCertificate>>,
    /// What a trusted proxy has said of it, and nothing else.
    said: HeaderMap,
}

impl Seen {
    /// The same, with a certificate that is believed no more.
    #[must_use]
    pub fn without_certificate(&self) -> Self {
        Self { certificate: None, ..self.clone() }
    }

    /// As feeds know devices.
    pub fn device(&self) -> DeviceSeen<'_> {
        DeviceSeen { address: self.client, certificate: self.certificate.as_deref(), said: &self.said }
    }
}

/// The classes of devices, and what tells a device.
#[derive(Clone, Debug, Default)]
pub struct Devices {
    classes: Vec<DeviceSettings>,
    /// The headers of trusted proxies that tell a class, or which device it is.
    headers: Vec<HeaderName>,
}

impl Devices {
    /// These classes; the first that fits counts. Feeds name devices by these headers of trusted proxies.
    pub fn new<'h>(classes: Vec<DeviceSettings>, of_feeds: impl Iterator<Item = &'h HeaderName>) -> Self {
        let of_classes = classes.iter().flat_map(|it| &it.headers).map(|(name, _)| name.clone());
        let headers = of_classes.chain(of_feeds.cloned()).collect();
        Self { classes, headers }
    }

    /// What is seen of a device there, whose request came with these headers.
    pub fn see(&self, headers: &HeaderMap, at: At) -> Seen {
        let At { client, by_trusted_proxy, certificate } = at;
        let told = self.headers.iter().filter(|_| by_trusted_proxy);
        let said = told.filter_map(|name| Some((name.clone(), headers.get(name)?.clone()))).collect();
        Seen { client, certificate, said }
    }

    /// The class of a device of which this is seen, and feeds tell that.
    pub fn class(&self, seen: &Seen, facts: Option<&DeviceFacts>) -> Option<DeviceClass> {
        match facts {
            Some(facts) if facts.is_withdrawn() => None,
            Some(facts) if facts.class().is_some() => facts.class().cloned(),
            Some(_) | None => self.fitting(seen),
        }
    }

    /// The first class whose conditions all hold.
    fn fitting(&self, seen: &Seen) -> Option<DeviceClass> {
        let says = |(name, value): &(HeaderName, HeaderValue)| seen.said.get(name) == Some(value);
        let is_named =
            |sought: &CertificateName| seen.certificate.as_ref().is_some_and(|shown| sought.is_of(shown));
        let fits = |it: &&DeviceSettings| {
            !it.is_told_by_feeds_only()
                && (it.networks.is_empty()
                    || it.networks.iter().any(|network| network.contains(&seen.client)))
                && it.headers.iter().all(says)
                && (it.certificates.is_empty() || it.certificates.iter().any(is_named))
        };
        self.classes.iter().find(fits).map(|it| it.class.clone())
    }

    /// Takes off a request whatever could tell a device. What a trusted proxy says twice can be read in two ways.
    pub fn take_off(&self, headers: &mut HeaderMap, by_trusted_proxy: bool) -> Result<(), Fault> {
        for name in &self.headers {
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
    use crate::domain::device::DeviceState;
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
        let classes = vec![
            class("kiosk", &["10.9.0.0/16"], None),
            class("operating-room", &["10.0.0.0/8"], Some("or")),
            class("badge", &[], Some("badge")),
            class("of-the-feed", &[], None),
            class("ward", &["10.0.0.0/8", "fd00::/8"], None),
        ];
        Devices::new(classes, [HeaderName::from_static("x-asset")].iter())
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
            let class = devices().class(&devices().see(&headers(&said), at), None);
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
            ("x-asset", "pc-17"),
            ("x_asset", "pc-18"),
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
    fn what_a_feed_tells_of_a_device_counts_before_what_holds_of_its_like() {
        let facts = |state| DeviceFacts {
            feed: "inventory".parse().unwrap(),
            age: Duration::ZERO,
            is_aged: false,
            state,
        };
        let in_use = |class: Option<&str>| {
            let class = class.map(|class| class.parse().unwrap());
            facts(DeviceState::InUse { class, places: Arc::default() })
        };
        let at = At { client: "10.1.1.1".parse().unwrap(), by_trusted_proxy: false, certificate: None };
        let seen = devices().see(&HeaderMap::new(), at);
        let class = |facts: Option<&DeviceFacts>| {
            devices().class(&seen, facts).map(|class| class.as_str().to_owned())
        };
        assert_eq!(class(None).as_deref(), Some("ward"));
        assert_eq!(class(Some(&in_use(None))).as_deref(), Some("ward"));
        assert_eq!(class(Some(&in_use(Some("of-the-feed")))).as_deref(), Some("of-the-feed"));
        assert_eq!(class(Some(&facts(DeviceState::Withdrawn))), None, "whatever network it is in");
    }

    #[test]
    fn a_device_is_named_by_a_header_of_a_trusted_proxy_only() {
        let said = headers(&[("x-asset", "pc-17"), ("x-other", "kept out")]);
        for by_trusted_proxy in [true, false] {
            let at = At { client: "10.1.1.1".parse().unwrap(), by_trusted_proxy, certificate: None };
            let seen = devices().see(&said, at);
            let expected = if by_trusted_proxy { headers(&[("x-asset", "pc-17")]) } else { HeaderMap::new() };
            assert_eq!(*seen.device().said, expected);
        }
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
        let classes = vec![
            class("cart", &["Cart-7.ward.example", "urn:clinic:cart"], &[]),
            class("ward", &["*.ward.example"], &["10.0.0.0/8"]),
        ];
        let devices = Devices::new(classes, std::iter::empty());
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
            let at = At { client, by_trusted_proxy: false, certificate: Some(Arc::new(shown.clone())) };
            let seen = devices.see(&HeaderMap::new(), at);
            let class = devices.class(&seen, None);
            assert_eq!(class.as_ref().map(DeviceClass::as_str), expected, "{shown:?} {client}");
            assert_eq!(devices.class(&seen.without_certificate(), None), None);
        }
        for wrong in ["", "*", "a*.example", "**.example", "two words"] {
            assert_eq!(CertificateName::new(wrong), None, "{wrong}");
        }
    }
}
