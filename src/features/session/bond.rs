//! What a session is bound to beside its cookie, so that a copy of the cookie is worth little elsewhere.
//!
//! Best is a key that the browser keeps in the device and proves to have every few minutes (`device_key.rs`): no copy of
//! what the browser sends is good for longer than that. Where the browser offers none, what was seen at sign-in has to be
//! seen again. Whoever comes without it is nobody, and told so; the session itself stays as it is.

use std::net::IpAddr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::device_key::{DeviceKey, Vouched};
use crate::domain::device::BoundTo;
use crate::domain::network::Network;

/// What a request shows of where it comes from.
#[derive(Clone, Copy, Debug)]
pub struct Shows<'a> {
    /// The thumbprint of the certificate on its connection, if that is believed.
    pub certificate: Option<&'a str>,
    /// `User-Agent`; empty where there is none.
    pub browser: &'a str,
    /// The caller's address.
    pub client: IpAddr,
}

/// What a session is bound to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Bond {
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub(super) key: Option<Arc<DeviceKey>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    certificate: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    browser: Option<Arc<str>>,
    #[serde(skip_serializing_if = "Option::is_none", default)]
    site: Option<Site>,
}

/// Where somebody is, as far as they may move about: inside, where addresses are nobody's of the Internet, or in a network of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Site {
    Inside,
    Network(Network),
}

impl Site {
    fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let is_inside = match address {
            IpAddr::V4(address) => address.is_private() || address.is_loopback() || address.is_link_local(),
            IpAddr::V6(address) => {
                address.is_unique_local() || address.is_loopback() || address.is_unicast_link_local()
            }
        };
        if is_inside { Self::Inside } else { Self::Network(Network::of(address)) }
    }
}

impl Bond {
    /// A bond to what a sign-in shows, of what sessions are to be bound to.
    pub(super) fn of(shows: &Shows<'_>, bound_to: &[BoundTo]) -> Self {
        let asks = |what: BoundTo| bound_to.contains(&what);
        let browser: Arc<str> = shows.browser.chars().take(BROWSER_CHARACTERS_MAX).collect::<String>().into();
        Self {
            key: None,
            certificate: shows.certificate.filter(|_| asks(BoundTo::Certificate)).map(Arc::from),
            browser: asks(BoundTo::Browser).then_some(browser),
            site: asks(BoundTo::Network).then(|| Site::of(shows.client)),
        }
    }

    /// The key of the device, if the session is bound to one.
    pub fn key(&self) -> Option<&DeviceKey> {
        self.key.as_deref()
    }

    /// What the session is bound to and a request does not show; `vouched` says what is known of its device. A key that is
    /// proven is more than all the rest, and the rest is not asked for then.
    pub fn misses(&self, shows: &Shows<'_>, vouched: impl FnOnce(&DeviceKey) -> Vouched) -> Option<BoundTo> {
        match self.key().map(vouched) {
            Some(Vouched::HasKey) => return None,
            Some(Vouched::Not) => return Some(BoundTo::DeviceKey),
            Some(Vouched::NotYet) | None => {}
        }
        let differs = |what: BoundTo, is_same: bool| (!is_same).then_some(what);
        let certificate = self
            .certificate
            .as_deref()
            .and_then(|certificate| differs(BoundTo::Certificate, shows.certificate == Some(certificate)));
        let browser = || {
            let browser = self.browser.as_deref()?;
            differs(BoundTo::Browser, is_same_browser(browser, shows.browser))
        };
        let site = || differs(BoundTo::Network, self.site? == Site::of(shows.client));
        certificate.or_else(browser).or_else(site)
    }

    /// Whether it counts only on a connection on which a certificate was shown.
    pub fn is_to_certificate(&self) -> bool {
        self.key.is_none() && self.certificate.is_some()
    }

    /// What holds now, for whoever looks at the session.
    pub fn holds(&self) -> Vec<BoundTo> {
        let rest = [
            (BoundTo::Certificate, self.certificate.is_some()),
            (BoundTo::Browser, self.browser.is_some()),
            (BoundTo::Network, self.site.is_some()),
        ];
        match self.key {
            Some(_) => vec![BoundTo::DeviceKey],
            None => rest.into_iter().filter_map(|(what, is_so)| is_so.then_some(what)).collect(),
        }
    }
}

/// Whether both are the same kind of browser on the same kind of system. Numbers are not compared: browsers update
/// themselves under a session.
fn is_same_browser(at_sign_in: &str, now: &str) -> bool {
    fn words(text: &str) -> impl Iterator<Item = char> + '_ {
        let is_version = |letter: &char| letter.is_ascii_digit() || matches!(letter, '.' | '_');
        text.chars().take(BROWSER_CHARACTERS_MAX).filter(move |letter| !is_version(letter))
    }
    at_sign_in == now || words(at_sign_in).eq(words(now)) || is_its_player(at_sign_in, now)
}

/// Whether it is what plays sound and pictures for browsers on that system, under a name of its own.
fn is_its_player(at_sign_in: &str, now: &str) -> bool {
    now.starts_with("AppleCoreMedia/")
        && ["iPhone", "iPad", "Mac OS X"].iter().any(|it| at_sign_in.contains(it))
}

const BROWSER_CHARACTERS_MAX: usize = 512;

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [BoundTo; 4] = [BoundTo::DeviceKey, BoundTo::Certificate, BoundTo::Browser, BoundTo::Network];
    const CHROME: &str =
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/150.0.0.0 Safari/537.36";

    fn shows<'a>(certificate: Option<&'a str>, browser: &'a str, client: &str) -> Shows<'a> {
        Shows { certificate, browser, client: client.parse().unwrap() }
    }

    fn misses(bond: &Bond, shows: &Shows<'_>) -> Option<BoundTo> {
        bond.misses(shows, |_| panic!("there is no key"))
    }

    #[test]
    fn what_was_seen_at_sign_in_has_to_be_seen_again() {
        let bond = Bond::of(&shows(Some("print"), CHROME, "10.1.2.3"), &ALL);
        let updated = CHROME.replace("150", "151");
        for (certificate, browser, client, missing) in [
            (Some("print"), CHROME, "10.1.2.3", None),
            (Some("print"), &*updated, "10.200.0.9", None),
            (Some("print"), CHROME, "::ffff:192.168.1.1", None),
            (Some("other"), CHROME, "10.1.2.3", Some(BoundTo::Certificate)),
            (None, CHROME, "10.1.2.3", Some(BoundTo::Certificate)),
            (Some("print"), "AppleCoreMedia/1.0.0 (Macintosh)", "10.1.2.3", Some(BoundTo::Browser)),
            (Some("print"), "curl/8.5.0", "10.1.2.3", Some(BoundTo::Browser)),
            (Some("print"), "", "10.1.2.3", Some(BoundTo::Browser)),
            (Some("print"), CHROME, "203.0.113.9", Some(BoundTo::Network)),
        ] {
            assert_eq!(misses(&bond, &shows(certificate, browser, client)), missing, "{browser} {client}");
        }
    }

    #[test]
    fn what_plays_sound_for_a_browser_is_taken_for_it() {
        let safari =
            "Mozilla/5.0 (iPhone; CPU iPhone OS 26_0 like Mac OS X) AppleWebKit/605.1.15 Safari/604.1";
        let bond = Bond::of(&shows(None, safari, "10.1.2.3"), &[BoundTo::Browser]);
        let player = "AppleCoreMedia/1.0.0.23A341 (iPhone; U; CPU OS 26_0 like Mac OS X; en_us)";
        assert_eq!(misses(&bond, &shows(None, player, "10.1.2.3")), None);
    }

    #[test]
    fn outside_one_moves_within_a_site() {
        let bond = Bond::of(&shows(None, "", "203.0.113.9"), &[BoundTo::Network]);
        for (client, missing) in [
            ("203.0.113.200", None),
            ("203.0.114.9", Some(BoundTo::Network)),
            ("10.0.0.1", Some(BoundTo::Network)),
        ] {
            assert_eq!(misses(&bond, &shows(None, CHROME, client)), missing, "{client}");
        }
    }

    #[test]
    fn nothing_is_asked_for_that_was_not_to_be() {
        let bond = Bond::of(&shows(Some("print"), CHROME, "10.1.2.3"), &[]);
        assert_eq!(bond, Bond::default());
        assert_eq!(misses(&bond, &shows(None, "", "203.0.113.9")), None);
        // Nobody had one to show.
        let bond = Bond::of(&shows(None, CHROME, "10.1.2.3"), &[BoundTo::Certificate]);
        assert_eq!(misses(&bond, &shows(Some("print"), "", "203.0.113.9")), None);
    }

    #[test]
    fn a_bond_is_read_back_as_it_was() {
        for client in ["10.1.2.3", "203.0.113.9", "2001:db8::1"] {
            let bond = Bond::of(&shows(Some("print"), CHROME, client), &ALL);
            let text = serde_json::to_string(&bond).unwrap();
            assert_eq!(serde_json::from_str::<Bond>(&text).unwrap(), bond, "{text}");
        }
        assert_eq!(serde_json::to_string(&Bond::default()).unwrap(), "{}");
    }
}
