//! Where callers come from, as far as one caller can choose it.

use std::net::{IpAddr, Ipv6Addr};

/// One place that callers come from: an IPv4 address, or an IPv6 network of 64 bits, for whoever has one
/// address of such a network has all of them (RFC 6177, RFC 8981).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Source(IpAddr);

impl Source {
    /// Where `address` comes from. An IPv4 address that is written as IPv6 is an IPv4 address.
    pub fn of(address: IpAddr) -> Self {
        match address.to_canonical() {
            IpAddr::V4(address) => Self(address.into()),
            IpAddr::V6(address) => Self(Ipv6Addr::from_bits(address.to_bits() & NETWORK).into()),
        }
    }
}

const NETWORK: u128 = u128::MAX << 64;
