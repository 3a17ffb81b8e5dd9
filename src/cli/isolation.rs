//! Whether an application can be reached, and whether it can be reached past us.
//!
//! A gateway in front of a door is worth nothing if there is another door. What can be proven from here is
//! proven: whether the application answers whoever asks it without our assertion, and whether a server
//! that is meant for this machine alone also listens to others. What cannot be seen from here (who else
//! is in that network) is said in plain words, with what to do about it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, ToSocketAddrs as _, UdpSocket};

use http::StatusCode;

use super::doctor::{Finding, chain_of};
use crate::features::upstream::check::ask_past_us;
use crate::features::upstream::servers::Upstream;
use crate::features::upstream::settings::{Server, UpstreamSettings};

/// Looks at every server of every application.
pub(super) async fn applications(all: &[UpstreamSettings]) -> Vec<Finding> {
    looked_at(all, &own_addresses()).await
}

/// The same, from a machine that others reach at `own`.
async fn looked_at(all: &[UpstreamSettings], own: &[IpAddr]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for settings in all {
        let Ok(upstream) = Upstream::new(settings.clone()) else { continue };
        for server in &settings.servers {
            let what = format!("application {} at {server}", settings.application);
            match ask_past_us(&upstream, server, None).await {
                Err(error) => {
                    let to_do = "start it, or see the route to it, its firewall and its TLS";
                    findings.push(Finding::fail(what, chain_of(&error), to_do));
                }
                Ok(status) => {
                    findings.push(Finding::ok(what.clone(), "can be reached"));
                    let stands = stands(&upstream, server, status, own).await;
                    findings.extend(isolation(&what, server, stands));
                }
            }
        }
    }
    findings
}

/// Where a server stands, as seen from here, and what it answers to whoever has no assertion of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stands {
    /// On this machine, for this machine: at `asked`, where others would ask, nothing answers.
    Here { asked: IpAddr },
    /// On this machine, and who else reaches it cannot be told: no address is known at which others would ask.
    HereUnasked,
    /// On this machine, for everybody who reaches it at `asked`.
    HereForAll { asked: IpAddr, answer: StatusCode },
    /// In a network of our own (RFC 1918, RFC 4193, link-local, RFC 6598).
    Private { answer: StatusCode },
    /// Where the whole internet may be.
    Public { answer: StatusCode },
}

/// `answer` is what the server's own address has answered, which on loopback is no answer to others: an
/// application may tell them apart.
async fn stands(upstream: &Upstream, server: &Server, answer: StatusCode, own: &[IpAddr]) -> Stands {
    let addresses = (server.host.as_str(), server.port).to_socket_addrs();
    let addresses: Vec<IpAddr> = addresses.into_iter().flatten().map(|address| address.ip()).collect();
    if !addresses.iter().all(IpAddr::is_loopback) {
        return elsewhere(&addresses, answer);
    }
    let Some(&first) = own.first() else { return Stands::HereUnasked };
    let mut stands = Stands::Here { asked: first };
    for &asked in own {
        let Ok(answer) = ask_past_us(upstream, server, Some(asked)).await else { continue };
        stands = Stands::HereForAll { asked, answer };
        if !misses_something(answer) {
            break;
        }
    }
    stands
}

fn elsewhere(addresses: &[IpAddr], answer: StatusCode) -> Stands {
    if addresses.iter().all(|address| is_private(*address)) {
        return Stands::Private { answer };
    }
    Stands::Public { answer }
}

/// Whether the answer says that something is missing: our assertion, or a password of the application's own.
const fn misses_something(answer: StatusCode) -> bool {
    matches!(answer, StatusCode::UNAUTHORIZED | StatusCode::FORBIDDEN)
}

fn isolation(what: &str, server: &Server, stands: Stands) -> Vec<Finding> {
    let what = format!("{what}, past us");
    let mut findings = vec![verdict(what.clone(), stands, server.port)];
    if !server.tls && matches!(stands, Stands::Private { .. } | Stands::Public { .. }) {
        findings.push(Finding::warn(
            what,
            "what passes between Leastway and it is not encrypted: patients' data, and our assertion",
            "use `https` in `upstream`, or a link that nobody else is on",
        ));
    }
    findings
}

fn verdict(what: String, stands: Stands, port: u16) -> Finding {
    match stands {
        Stands::Here { asked } => {
            Finding::ok(what, format!("it answers on loopback alone, and nothing at {asked}"))
        }
        Stands::HereUnasked => Finding::warn(
            what,
            "it could not be asked as others would ask: this machine has no address but loopback, or no route out",
            format!("try from a workstation: port {port} of this machine must not answer"),
        ),
        Stands::HereForAll { answer, .. } | Stands::Private { answer } if misses_something(answer) => {
            Finding::ok(
                what,
                format!(
                    "whoever asks without our assertion is answered {}; if what it misses is a password of its \
                     own, whoever has one still passes Leastway by",
                    answer.as_u16()
                ),
            )
        }
        Stands::Public { answer } if misses_something(answer) => Finding::warn(
            what,
            format!(
                "it has a public address; whoever asks without our assertion is answered {}",
                answer.as_u16()
            ),
            format!(
                "let its firewall take connections to port {port} from this machine alone: what it misses may be \
                     a password of its own, and whoever has one passes Leastway by"
            ),
        ),
        Stands::HereForAll { asked, answer } => Finding::fail(
            what,
            format!(
                "asked at {asked}, where others reach this machine, it answers {} without our assertion: whoever \
                     is not kept off by a firewall, which cannot be seen from here, passes Leastway by",
                answer.as_u16()
            ),
            format!(
                "let it listen on 127.0.0.1 only, or close port {port} to others: \
                     `nft add rule inet filter input iif != lo tcp dport {port} drop`"
            ),
        ),
        Stands::Private { answer } => Finding::warn(
            what,
            format!(
                "it answers {} without our assertion: every machine that can open a connection to it \
                     passes Leastway by, unrecorded",
                answer.as_u16()
            ),
            format!(
                "let its firewall take connections to port {port} from this machine alone (a VLAN or subnet of \
                     its own, or one rule on its host), or let it verify the assertion (README, For application \
                     owners); then try from a workstation: it must not answer"
            ),
        ),
        Stands::Public { answer } => Finding::fail(
            what,
            format!(
                "it has a public address and answers {} without our assertion: the internet may pass \
                     Leastway by",
                answer.as_u16()
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

/// The addresses of this machine that others see, of each family at most one. Nothing is sent: the system only
/// looks up its way to an address of nobody's (RFC 5737, RFC 3849).
fn own_addresses() -> Vec<IpAddr> {
    let ways = [
        (IpAddr::from(Ipv4Addr::UNSPECIFIED), IpAddr::from(Ipv4Addr::new(192, 0, 2, 1))),
        (IpAddr::from(Ipv6Addr::UNSPECIFIED), IpAddr::from(Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1))),
    ];
    ways.into_iter().filter_map(|(any, nobody)| own_address(any, nobody)).collect()
}

fn own_address(any: IpAddr, nobody: IpAddr) -> Option<IpAddr> {
    let socket = UdpSocket::bind((any, 0)).ok()?;
    socket.connect((nobody, DISCARD)).ok()?;
    let own = socket.local_addr().ok()?.ip();
    (!own.is_loopback() && !own.is_unspecified()).then_some(own)
}

/// The port of the discard protocol (RFC 863).
const DISCARD: u16 = 9;

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    use tokio::net::TcpListener;

    use super::super::doctor::Health;
    use super::*;
    use crate::features::upstream::tests::settings_of;

    #[test]
    fn where_a_server_elsewhere_stands_is_told_by_all_its_addresses() {
        let answer = StatusCode::OK;
        let (private, public) = (Stands::Private { answer }, Stands::Public { answer });
        let cases: [(&[&str], Stands); 7] = [
            (&["10.0.0.7"], private),
            (&["172.31.0.1", "fd00::7"], private),
            (&["100.64.0.1"], private),
            (&["172.32.0.1"], public),
            (&["203.0.113.7"], public),
            (&["10.0.0.7", "2001:db8::7"], public),
            (&["127.0.0.1", "10.0.0.7"], private),
        ];
        for (addresses, expected) in cases {
            let parsed: Vec<IpAddr> = addresses.iter().map(|address| address.parse().unwrap()).collect();
            assert_eq!(elsewhere(&parsed, answer), expected, "{addresses:?}");
        }
    }

    #[test]
    fn an_application_that_can_be_talked_to_past_us_is_said_to_be() {
        let asked = ELSEWHERE;
        let cases = [
            (Stands::Here { asked }, Health::Ok),
            (Stands::HereUnasked, Health::Warn),
            (Stands::HereForAll { asked, answer: StatusCode::OK }, Health::Fail),
            (Stands::HereForAll { asked, answer: StatusCode::MOVED_PERMANENTLY }, Health::Fail),
            (Stands::HereForAll { asked, answer: StatusCode::FORBIDDEN }, Health::Ok),
            (Stands::Private { answer: StatusCode::FOUND }, Health::Warn),
            (Stands::Private { answer: StatusCode::UNAUTHORIZED }, Health::Ok),
            (Stands::Public { answer: StatusCode::OK }, Health::Fail),
            (Stands::Public { answer: StatusCode::FORBIDDEN }, Health::Warn),
        ];
        for (stands, health) in cases {
            assert_eq!(verdict("ehr".to_owned(), stands, 8080).health, health, "{stands:?}");
        }
    }

    /// An application that tells by the address at which it is asked what it answers. As `own`, another
    /// loopback address stands for what others reach.
    async fn serve(at: &str) -> (String, tokio::task::JoinHandle<()>) {
        let listener = TcpListener::bind(at).await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            loop {
                let (mut stream, _) = listener.accept().await.unwrap();
                let is_near = stream.local_addr().unwrap().ip() == IpAddr::from(Ipv4Addr::LOCALHOST);
                let status = if is_near { "301 Moved Permanently" } else { "401 Unauthorized" };
                assert!(stream.read(&mut [0; 1024]).await.unwrap() > 0);
                let reply = format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n");
                stream.write_all(reply.as_bytes()).await.unwrap();
            }
        });
        (format!("127.0.0.1:{port}"), task)
    }

    async fn found(address: &str, own: &[IpAddr]) -> Vec<Finding> {
        looked_at(&[settings_of(&[address.parse().unwrap()])], own).await
    }

    #[tokio::test]
    async fn what_an_application_answers_to_others_counts_and_not_what_loopback_gets() {
        let (for_all, _task) = serve("0.0.0.0:0").await;
        let told_apart = found(&for_all, &[ELSEWHERE]).await;
        assert!(told_apart.iter().all(|finding| finding.health == Health::Ok), "{told_apart:?}");
        assert!(told_apart[1].found.contains("is answered 401"), "{told_apart:?}");
        // One that answers at any address of several is found out, in any order.
        let near = IpAddr::from(Ipv4Addr::LOCALHOST);
        for own in [[near, ELSEWHERE], [ELSEWHERE, near]] {
            let answered = found(&for_all, &own).await;
            assert_eq!(answered[1].health, Health::Fail, "{answered:?}");
            assert!(answered[1].found.contains("asked at 127.0.0.1"), "{answered:?}");
        }
        let unasked = found(&for_all, &[]).await;
        assert_eq!(unasked[1].health, Health::Warn, "{unasked:?}");
    }

    #[tokio::test]
    async fn a_server_that_listens_to_all_is_found_out_and_one_that_is_down_is_said_to_be() {
        let serve = async |address: &str| {
            let listener = TcpListener::bind(address).await.unwrap();
            let port = listener.local_addr().unwrap().port();
            let task = tokio::spawn(async move { axum::serve(listener, axum::Router::new()).await });
            (format!("127.0.0.1:{port}"), task)
        };
        let (here, task) = serve("127.0.0.1:0").await;
        let (for_all, _task) = serve("0.0.0.0:0").await;
        let here_found = found(&here, &[ELSEWHERE]).await;
        assert!(here_found.iter().all(|finding| finding.health == Health::Ok), "{here_found:?}");
        let all_found = found(&for_all, &[ELSEWHERE]).await;
        assert!(all_found.iter().any(|finding| finding.health == Health::Fail), "{all_found:?}");
        task.abort();
        drop(task.await);
        let down = found(&here, &[ELSEWHERE]).await;
        assert_eq!(down[0].health, Health::Fail, "{down:?}");
    }

    /// On Linux the whole of 127.0.0.0/8 is this machine (RFC 1122, section 3.2.1.3).
    const ELSEWHERE: IpAddr = IpAddr::V4(Ipv4Addr::new(127, 0, 0, 2));
}
