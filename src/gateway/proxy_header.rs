//! The PROXY protocol, versions 1 and 2: how a load balancer that passes TLS on unread says who is at the
//! other end of its connection.
//!
//! Believed from the networks that are named for it, and from nobody else: who comes from there has to say
//! it, and from elsewhere the same bytes are a broken TLS handshake. Read byte by byte as far as the header
//! goes, so that nothing of what follows is taken away.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use tokio::io::{AsyncRead, AsyncReadExt as _};

/// Who is at the other end of a load balancer's connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Told {
    /// This caller.
    Caller(SocketAddr),
    /// The load balancer itself, which looks whether we are there.
    Itself,
}

/// Why a header is not understood.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProxyHeaderError {
    /// It does not begin as one.
    #[error("the connection does not begin with a PROXY header")]
    Missing,
    /// It is longer than it may be.
    #[error("the PROXY header is too long")]
    TooLong,
    /// It is malformed, or of a kind that no connection of ours is.
    #[error("the PROXY header is malformed")]
    Malformed,
    /// The connection ended within it.
    #[error("the connection ended within the PROXY header")]
    Ended,
}

/// Reads the header, and nothing after it.
pub async fn read(stream: &mut (impl AsyncRead + Unpin)) -> Result<Told, ProxyHeaderError> {
    let mut header = Vec::with_capacity(V1_BYTES_MAX);
    loop {
        let more = match parse(&header)? {
            Step::Done(told) => return Ok(told),
            Step::Needs(more) => more,
        };
        let have = header.len();
        header.resize(have + more, 0);
        let space = header.get_mut(have..).unwrap_or_default();
        stream.read_exact(space).await.map_err(|_| ProxyHeaderError::Ended)?;
    }
}

/// How far a header has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    /// It is complete.
    Done(Told),
    /// So many bytes more belong to it at least.
    Needs(usize),
}

/// Reads as much of a header as has come, which is never more than belongs to it.
pub fn parse(header: &[u8]) -> Result<Step, ProxyHeaderError> {
    if header.len() < V2_SIGNATURE.len() {
        let is_beginning = V2_SIGNATURE.starts_with(header) || begins_as_v1(header);
        let missing = V2_SIGNATURE.len().saturating_sub(header.len());
        return if is_beginning { Ok(Step::Needs(missing)) } else { Err(ProxyHeaderError::Missing) };
    }
    if header.starts_with(&V2_SIGNATURE) {
        return version_2(header);
    }
    if begins_as_v1(header) { version_1(header) } else { Err(ProxyHeaderError::Missing) }
}

fn begins_as_v1(header: &[u8]) -> bool {
    let length = header.len().min(V1_BEGINNING.len());
    header.get(..length) == V1_BEGINNING.get(..length)
}

/// `PROXY TCP4 source destination port port` and CRLF, at most 107 bytes.
fn version_1(header: &[u8]) -> Result<Step, ProxyHeaderError> {
    let Some(line) = header.strip_suffix(b"\r\n") else {
        if header.len() >= V1_BYTES_MAX {
            return Err(ProxyHeaderError::TooLong);
        }
        // The end of a line is looked for byte by byte, because what follows it is not ours to take.
        return Ok(Step::Needs(1));
    };
    let text = std::str::from_utf8(line).map_err(|_| ProxyHeaderError::Malformed)?;
    let mut words = text.split(' ').skip(1);
    let family = words.next();
    if family == Some("UNKNOWN") {
        // What follows is to be ignored.
        return Ok(Step::Done(Told::Itself));
    }
    let all = (words.next(), words.next(), words.next(), words.next(), words.next());
    let (Some(source), Some(destination), Some(port), Some(other_port), None) = all else {
        return Err(ProxyHeaderError::Malformed);
    };
    let addresses = match family {
        Some("TCP4") => {
            let address = |text: &str| text.parse::<Ipv4Addr>().ok().map(IpAddr::from);
            (address(source), address(destination))
        }
        Some("TCP6") => {
            let address = |text: &str| text.parse::<Ipv6Addr>().ok().map(IpAddr::from);
            (address(source), address(destination))
        }
        Some(_) | None => return Err(ProxyHeaderError::Malformed),
    };
    let (Some(source), Some(_), Some(port), Some(_)) =
        (addresses.0, addresses.1, plain_port(port), plain_port(other_port))
    else {
        return Err(ProxyHeaderError::Malformed);
    };
    Ok(Step::Done(Told::Caller(SocketAddr::new(source.to_canonical(), port))))
}

/// Digits without leading zeros.
fn plain_port(text: &str) -> Option<u16> {
    let is_plain =
        text.bytes().all(|byte| byte.is_ascii_digit()) && (text.len() == 1 || !text.starts_with('0'));
    text.parse().ok().filter(|_| is_plain)
}

/// 12 bytes of signature, version and command, family, the length of the rest, and the rest: addresses, and
/// values that nobody here asks for.
fn version_2(header: &[u8]) -> Result<Step, ProxyHeaderError> {
    let fixed: Option<&[u8; V2_FIXED_BYTES]> = header.first_chunk();
    let Some([.., command, family, high, low]) = fixed else {
        return Ok(Step::Needs(V2_FIXED_BYTES.saturating_sub(header.len())));
    };
    let length = usize::from(u16::from_be_bytes([*high, *low]));
    if length > V2_REST_BYTES_MAX {
        return Err(ProxyHeaderError::TooLong);
    }
    let rest = header.get(V2_FIXED_BYTES..).unwrap_or_default();
    if rest.len() < length {
        return Ok(Step::Needs(length - rest.len()));
    }
    match (command, family) {
        // LOCAL, whatever the family says; UNSPEC, where nothing is known of the caller.
        (0x20, _) | (0x21, 0x00) => Ok(Step::Done(Told::Itself)),
        (0x21, 0x11) => {
            let [source, _destination, ports] = [rest.get(..4), rest.get(4..8), rest.get(8..12)];
            let source = source.and_then(|bytes| <[u8; 4]>::try_from(bytes).ok());
            caller(source.map(IpAddr::from), ports)
        }
        (0x21, 0x21) => {
            let [source, _destination, ports] = [rest.get(..16), rest.get(16..32), rest.get(32..36)];
            let source = source.and_then(|bytes| <[u8; 16]>::try_from(bytes).ok());
            caller(source.map(IpAddr::from), ports)
        }
        _ => Err(ProxyHeaderError::Malformed),
    }
}

fn caller(source: Option<IpAddr>, ports: Option<&[u8]>) -> Result<Step, ProxyHeaderError> {
    let (Some(source), Some([high, low, ..])) = (source, ports) else {
        return Err(ProxyHeaderError::Malformed);
    };
    let port = u16::from_be_bytes([*high, *low]);
    Ok(Step::Done(Told::Caller(SocketAddr::new(source.to_canonical(), port))))
}

const V1_BEGINNING: &[u8] = b"PROXY ";
const V1_BYTES_MAX: usize = 107;
const V2_SIGNATURE: [u8; 12] = *b"\r\n\r\n\0\r\nQUIT\n";
const V2_FIXED_BYTES: usize = 16;
/// Addresses of 36 bytes, and room for what load balancers tell beside them.
const V2_REST_BYTES_MAX: usize = 2048;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn run(bytes: &[u8]) -> (Result<Told, ProxyHeaderError>, usize) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let mut rest = bytes;
        let told = runtime.block_on(read(&mut rest));
        (told, bytes.len() - rest.len())
    }

    fn version_2_of(command: u8, family: u8, rest: &[u8]) -> Vec<u8> {
        let length = u16::try_from(rest.len()).unwrap().to_be_bytes();
        [&V2_SIGNATURE[..], &[command, family], &length, rest].concat()
    }

    fn caller(text: &str) -> Told {
        Told::Caller(text.parse().unwrap())
    }

    #[test]
    fn version_1_says_who_calls() {
        use ProxyHeaderError::{Ended, Malformed, Missing, TooLong};
        let long = format!("PROXY UNKNOWN {}\r\n", "f".repeat(100));
        let cases = [
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\r\n", Ok(caller("192.0.2.7:56324"))),
            ("PROXY TCP6 2001:db8::7 2001:db8::1 1 443\r\n", Ok(caller("[2001:db8::7]:1"))),
            ("PROXY TCP6 ::ffff:192.0.2.7 ::1 1 443\r\n", Ok(caller("192.0.2.7:1"))),
            ("PROXY UNKNOWN\r\n", Ok(Told::Itself)),
            ("PROXY UNKNOWN ffff:f ffff:f 65535 65535\r\n", Ok(Told::Itself)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 56324 443\n", Err(Ended)),
            ("PROXY TCP4 192.0.2.7  10.0.0.1 56324 443\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 056324 443\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 65536 443\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 +1 443\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.7 10.0.0.1 1 443 9\r\n", Err(Malformed)),
            ("PROXY TCP4 2001:db8::7 10.0.0.1 1 443\r\n", Err(Malformed)),
            ("PROXY TCP4 192.0.2.07 10.0.0.1 1 443\r\n", Err(Malformed)),
            ("PROXY UDP4 192.0.2.7 10.0.0.1 1 443\r\n", Err(Malformed)),
            ("PROXY tcp4 192.0.2.7 10.0.0.1 1 443\r\n", Err(Malformed)),
            (long.as_str(), Err(TooLong)),
            ("proxy UNKNOWN\r\n", Err(Missing)),
            ("GET / HTTP/1.1\r\n\r\n", Err(Missing)),
            ("\u{16}\u{3}\u{1}\u{2}\0\u{1}\0\u{1}\u{fc}\u{3}\u{3}abc", Err(Missing)),
            ("PROXY TC", Err(Ended)),
        ];
        for (text, expected) in cases {
            assert_eq!(run(text.as_bytes()).0, expected, "{text:?}");
        }
    }

    #[test]
    fn version_2_says_who_calls() {
        use ProxyHeaderError::{Ended, Malformed, Missing, TooLong};
        let v4 = [192, 0, 2, 7, 10, 0, 0, 1, 0xdc, 4, 1, 0xbb];
        let mut v6 = [0; 36];
        v6[..4].copy_from_slice(&[0x20, 1, 0x0d, 0xb8]);
        v6[15] = 7;
        v6[33] = 9;
        let cases = [
            ("TCP over IPv4", version_2_of(0x21, 0x11, &v4), Ok(caller("192.0.2.7:56324"))),
            (
                "with values behind",
                version_2_of(0x21, 0x11, &[&v4[..], &[4, 0, 1, 0]].concat()),
                Ok(caller("192.0.2.7:56324")),
            ),
            ("TCP over IPv6", version_2_of(0x21, 0x21, &v6), Ok(caller("[2001:db8::7]:9"))),
            ("itself", version_2_of(0x20, 0x11, &v4), Ok(Told::Itself)),
            ("itself, and nothing more", version_2_of(0x20, 0, &[]), Ok(Told::Itself)),
            ("nobody knows", version_2_of(0x21, 0, &[]), Ok(Told::Itself)),
            ("UDP", version_2_of(0x21, 0x12, &v4), Err(Malformed)),
            ("a path", version_2_of(0x21, 0x31, &[0; 216]), Err(Malformed)),
            ("another command", version_2_of(0x22, 0x11, &v4), Err(Malformed)),
            ("another version", version_2_of(0x11, 0x11, &v4), Err(Malformed)),
            ("too short", version_2_of(0x21, 0x11, &v4[..11]), Err(Malformed)),
            ("shorter than it says", version_2_of(0x21, 0x11, &v4)[..20].to_vec(), Err(Ended)),
            ("longer than may be", version_2_of(0x20, 0, &[0; 2049]), Err(TooLong)),
            ("not quite", b"\r\n\r\n\0\r\nQUIT\r\x21\x11\0\0".to_vec(), Err(Missing)),
        ];
        for (name, bytes, expected) in cases {
            assert_eq!(run(&bytes).0, expected, "{name}");
        }
    }

    proptest! {
        #[test]
        fn nothing_behind_the_header_is_taken(
            source: [u8; 4], port: u16, values in prop::collection::vec(any::<u8>(), 0..300), behind in prop::collection::vec(any::<u8>(), 0..50),
        ) {
            let address = SocketAddr::new(Ipv4Addr::from(source).into(), port);
            let rest = [&source[..], &[10, 0, 0, 1], &port.to_be_bytes(), &[1, 0xbb], &values].concat();
            let first = format!("PROXY TCP4 {} 10.0.0.1 {port} 443\r\n", address.ip()).into_bytes();
            for header in [first, version_2_of(0x21, 0x11, &rest)] {
                let length = header.len();
                let (told, taken) = run(&[header, behind.clone()].concat());
                prop_assert_eq!(told, Ok(Told::Caller(address)));
                prop_assert_eq!(taken, length);
            }
        }

        #[test]
        fn no_bytes_take_more_than_the_bound(bytes in prop::collection::vec(any::<u8>(), 0..400), v2: bool) {
            let bytes = if v2 { [&V2_SIGNATURE[..], &bytes].concat() } else { [V1_BEGINNING, &bytes].concat() };
            let (_, taken) = run(&bytes);
            prop_assert!(taken <= V2_FIXED_BYTES + V2_REST_BYTES_MAX);
        }
    }
}
