//! The demo's passwords are public, so nobody but this machine may reach it.

use std::net::SocketAddr;

use crate::control::settings::ControlSettings;
use crate::gateway::settings::GatewaySettings;

/// An address that others can reach.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("the demo listens on loopback only, because its passwords are printed; {what} asks for {address}")]
pub struct NotLoopback {
    /// What asks for it: a part of the clinic, or a key of the configuration.
    pub what: String,
    /// The address.
    pub address: SocketAddr,
}

/// The address, if it is on loopback.
pub fn only(what: &str, address: SocketAddr) -> Result<SocketAddr, NotLoopback> {
    // An IPv4 address in IPv6 clothes (`::ffff:127.0.0.1`) counts as what it is.
    if address.ip().to_canonical().is_loopback() {
        Ok(address)
    } else {
        Err(NotLoopback { what: what.to_owned(), address })
    }
}

/// Whether Leastway itself, run on these settings, would listen on loopback only.
pub fn only_listeners(gateway: &GatewaySettings, control: &ControlSettings) -> Result<(), NotLoopback> {
    let callers = gateway.listen.iter().map(|address| ("gateway.listen", *address));
    let redirect = gateway.redirect.iter().map(|address| ("gateway.redirect", *address));
    let operators = [("control.listen", control.listen)];
    callers.chain(redirect).chain(operators).try_for_each(|(what, address)| only(what, address).map(drop))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_that_others_can_reach_is_refused() {
        struct Case {
            address: &'static str,
            accepted: bool,
        }

        let cases = [
            Case { address: "127.0.0.1:8443", accepted: true },
            Case { address: "127.8.9.10:1", accepted: true },
            Case { address: "[::1]:8443", accepted: true },
            Case { address: "[::ffff:127.0.0.1]:8443", accepted: true },
            Case { address: "0.0.0.0:8443", accepted: false },
            Case { address: "[::]:8443", accepted: false },
            Case { address: "10.0.0.7:8443", accepted: false },
            Case { address: "[::ffff:10.0.0.7]:8443", accepted: false },
        ];

        for case in cases {
            let outcome = only("gateway.listen", case.address.parse().unwrap());
            assert_eq!(outcome.is_ok(), case.accepted, "{}", case.address);
        }
    }
}
