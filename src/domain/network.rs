//! Where somebody is, as coarsely as it is remembered: a network rather than an address.

use std::fmt;
use std::net::IpAddr;

use ipnet::IpNet;
use serde::{Deserialize, Serialize};

/// A network as it is remembered: the first 24 bits of an IPv4 address, the first 48 of an IPv6 address, which is what one site
/// has at the most (RFC 6177).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Network(IpNet);

impl Network {
    /// The network of an address. An IPv4 address inside IPv6 is the IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        let address = address.to_canonical();
        let bits = if address.is_ipv4() { 24 } else { 48 };
        Self(IpNet::new(address, bits).map_or_else(|_| address.into(), |network| network.trunc()))
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_network_is_what_one_site_has() {
        let cases = [
            ("10.9.8.7", "10.9.8.0/24"),
            ("::ffff:10.9.8.7", "10.9.8.0/24"),
            ("2001:db8:1:2::9", "2001:db8:1::/48"),
        ];
        for (address, network) in cases {
            assert_eq!(Network::of(address.parse().unwrap()).to_string(), network);
        }
    }
}
