//! The caller's address: the peer, or what the trusted proxies in front of us say.

use std::net::{IpAddr, SocketAddr};

use http::HeaderMap;
use ipnet::IpNet;

/// How many hops are followed.
const HOPS_MAX: usize = 32;

/// The caller's address. `X-Forwarded-For` is walked from the right, where the nearest proxy wrote,
/// for as long as trusted proxies stand there; the first address that is none of theirs is the
/// caller's. What stands to the left of it is hearsay, and what is not an address ends the walk.
pub fn address(headers: &HeaderMap, peer: SocketAddr, trusted: &[IpNet]) -> IpAddr {
    let peer = peer.ip().to_canonical();
    let mut nearest = peer;
    if !is_trusted(peer, trusted) {
        return nearest;
    }
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    for hop in lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b',')).take(HOPS_MAX) {
        match parse(hop) {
            Some(address) => nearest = address,
            None => break,
        }
        if !is_trusted(nearest, trusted) {
            break;
        }
    }
    nearest
}

/// Whether an address is that of a trusted proxy.
pub fn is_trusted(address: IpAddr, trusted: &[IpNet]) -> bool {
    trusted.iter().any(|net| net.contains(&address))
}

/// An address, with or without a port, as proxies write it.
fn parse(hop: &[u8]) -> Option<IpAddr> {
    let text = std::str::from_utf8(hop).ok()?.trim();
    let bare = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
    let address: Option<IpAddr> = bare.parse().ok();
    address
        .or_else(|| text.parse::<SocketAddr>().ok().map(|address| address.ip()))
        .map(|address| address.to_canonical())
}
