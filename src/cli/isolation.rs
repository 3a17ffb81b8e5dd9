//! Whether an application can be reached, and whether it can be reached past us.
//!
//! A gateway in front of a door is worth nothing if there is another door. What can be proven from here is
//! proven: whether the application answers whoever asks it without our assertion, and whether a server
//! that is meant for this machine alone also listens to others. What cannot be seen from here (who else
//! is in that network) is said in plain words, with what to do about it.

use std::net::{IpAddr, SocketAddr, TcpStream, ToSocketAddrs as _, UdpSocket};
use std::time::Duration;

use http::StatusCode;

use super::doctor::{Finding, chain_of};
use crate::features::upstream::check::ask_past_us;
use crate::features::upstream::servers::Upstream;
use crate::features::upstream::settings::{Server, UpstreamSettings};

/// Looks at every server of every application.
pub(super) async fn applications(all: &[UpstreamSettings]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for settings in all {
        let Ok(upstream) = Upstream::new(settings.clone()) else { continue };
        for (position, server) in settings.servers.iter().enumerate() {
            let what = format!("application {} at {server}", settings.application);
            match ask_past_us(&upstream, position).await {
                Err(error) => {
                    let to_do = "start it, or see the route to it, its firewall and its TLS";
                    findings.push(Finding::fail(what, chain_of(&error), to_do));
                }
                Ok(status) => {
                    findings.push(Finding::ok(what.clone(), "can be reached"));
                    findings.extend(isolation(&what, server, status));
                }
            }
        }
    }
    findings
}

/// Where a server stands, as seen from here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// On this machine, for this machine.
    Here,
    /// On this machine, for everybody who reaches it.
    HereForAll,
    /// In a network of our own (RFC 1918, RFC 4193, link-local, RFC 6598).
    Private,
    /// Where the whole internet may be.
    Public,
}

fn isolation(what: &str, server: &Server, status: StatusCode) -> Vec<Finding> {
    let addresses = (server.host.as_str(), server.port).to_socket_addrs();
    let addresses: Vec<IpAddr> = addresses.into_iter().flatten().map(|address| address.ip()).collect();
    let stands = stands(&addresses, || own_address().is_some_and(|own| answers(own, server.port)));
    let asks_for_us = matches!(status, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN);
    let what = format!("{what}, past us");
    let mut findings = vec![verdict(what.clone(), stands, asks_for_us, status, server.port)];
    if !server.tls && matches!(stands, Stands::Private | Stands::Public) {
        findings.push(Finding::warn(
            what,
            "what passes between Leastway and it is not encrypted: patients' data, and our assertion",
            "use `https` in `upstream`, or a link that nobody else is on",
        ));
    }
    findings
}

fn stands(addresses: &[IpAddr], listens_to_all: impl FnOnce() -> bool) -> Stands {
    if addresses.iter().all(IpAddr::is_loopback) {
        return if listens_to_all() { Stands::HereForAll } else { Stands::Here };
    }
    if addresses.iter().all(|address| is_private(*address)) { Stands::Private } else { Stands::Public }
}

fn verdict(what: String, stands: Stands, asks_for_us: bool, status: StatusCode, port: u16) -> Finding {
    let status = status.as_u16();
    match (stands, asks_for_us) {
        (Stands::Here, _) => Finding::ok(what, "it listens on loopback: only this machine reaches it"),
        (Stands::HereForAll | Stands::Private, true) => Finding::ok(
            what,
            format!(
                "whoever asks without our assertion is answered {status}; if what it misses is a password of its \
                     own, whoever has one still passes Leastway by"
            ),
        ),
        (Stands::Public, true) => Finding::warn(
            what,
            format!("it has a public address; whoever asks without our assertion is answered {status}"),
            format!(
                "let its firewall take connections to port {port} from this machine alone: what it misses may be \
                     a password of its own, and whoever has one passes Leastway by"
            ),
        ),
        (Stands::HereForAll, false) => Finding::fail(
            what,
            format!(
                "it listens on every address of this machine, and answers {status} without our assertion: \
                     whoever reaches this machine passes Leastway by"
            ),
            format!(
                "let it listen on 127.0.0.1 only, or close port {port} to others: \
                     `nft add rule inet filter input iif != lo tcp dport {port} drop`"
            ),
        ),
        (Stands::Private, false) => Finding::warn(
            what,
            format!(
                "it answers {status} without our assertion: every machine that can open a connection to it \
                     passes Leastway by, unrecorded"
            ),
            format!(
                "let its firewall take connections to port {port} from this machine alone (a VLAN or subnet of \
                     its own, or one rule on its host), or let it verify the assertion (README, For application \
                     owners); then try from a workstation: it must not answer"
            ),
        ),
        (Stands::Public, false) => Finding::fail(
            what,
            format!(
                "it has a public address and answers {status} without our assertion: the internet may pass \
                     Leastway by"
            ),
            format!(
                "move it to a private address, or let its firewall take connections to port {port} from this \
                     machine alone"
            ),
        ),
    }
}

const fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            let is_shared = first == 100 && second & 0b1100_0000 == 64;
            address.is_private() || address.is_link_local() || address.is_loopback() || is_shared
        }
        IpAddr::V6(address) => {
            address.is_unique_local() || address.is_unicast_link_local() || address.is_loopback()
        }
    }
}

/// The address of this machine that others see. Nothing is sent: the system only looks up its way.
fn own_address() -> Option<IpAddr> {
    let socket = UdpSocket::bind("0.0.0.0:0").ok()?;
    // RFC 5737: an address of nobody's.
    socket.connect("192.0.2.1:9").ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}

fn answers(address: IpAddr, port: u16) -> bool {
    TcpStream::connect_timeout(&SocketAddr::new(address, port), A_MOMENT).is_ok()
}

const A_MOMENT: Duration = Duration::from_millis(500);

#[cfg(test)]
mod tests {
    use super::super::doctor::Health;
    use super::*;
    use crate::features::upstream::tests::settings_of;

    #[test]
    fn where_a_server_stands_is_told_by_all_its_addresses() {
        let cases: [(&[&str], Stands); 8] = [
            (&["127.0.0.1", "::1"], Stands::Here),
            (&["10.0.0.7"], Stands::Private),
            (&["172.31.0.1", "fd00::7"], Stands::Private),
            (&["100.64.0.1"], Stands::Private),
            (&["172.32.0.1"], Stands::Public),
            (&["203.0.113.7"], Stands::Public),
            (&["10.0.0.7", "2001:db8::7"], Stands::Public),
            (&["127.0.0.1", "10.0.0.7"], Stands::Private),
        ];
        for (addresses, expected) in cases {
            let parsed: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(stands(&parsed, || false), expected, "{addresses:?}");
        }
        assert_eq!(stands(&["::1".parse().unwrap()], || true), Stands::HereForAll);
    }

    #[test]
    fn an_application_that_can_be_talked_to_past_us_is_said_to_be() {
        let cases = [
            (Stands::Here, 200, Health::Ok),
            (Stands::HereForAll, 200, Health::Fail),
            (Stands::HereForAll, 403, Health::Ok),
            (Stands::Private, 302, Health::Warn),
            (Stands::Private, 401, Health::Ok),
            (Stands::Public, 200, Health::Fail),
            (Stands::Public, 403, Health::Warn),
        ];
        for (stands, status, health) in cases {
            let status = StatusCode::from_u16(status).unwrap();
            let asks_for_us = matches!(status.as_u16(), 401 | 403);
            let finding = verdict("ehr".to_owned(), stands, asks_for_us, status, 8080);
            assert_eq!(finding.health, health, "{stands:?} {status}");
        }
    }

    #[tokio::test]
    async fn a_server_that_listens_to_all_is_found_out_and_one_that_is_down_is_said_to_be() {
        let serve = async |address: &str| {
            let listener = tokio::net::TcpListener::bind(address).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let task = tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
            (format!("127.0.0.1:{port}"), task)
        };
        let (here, task) = serve("127.0.0.1:0").await;
        let (for_all, _task) = serve("0.0.0.0:0").await;
        let found = async |address: &str| applications(&[settings_of(&[address.parse().unwrap()])]).await;
        let here_found = found(&here).await;
        assert!(here_found.iter().all(|finding| finding.health == Health::Ok), "{here_found:?}");
        // A machine without a network has nobody to listen to.
        if own_address().is_some() {
            let all_found = found(&for_all).await;
            assert!(all_found.iter().any(|finding| finding.health == Health::Fail), "{all_found:?}");
        }
        task.abort();
        drop(task.await);
        let down = found(&here).await;
        assert_eq!(down[0].health, Health::Fail, "{down:?}");
    }
}
