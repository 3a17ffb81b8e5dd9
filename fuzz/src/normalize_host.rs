//! A host that is accepted is in lower case, has no trailing dot, reads the same a second time, and is the host that
//! common readers of addresses find.

use leastway::gateway::normalize::host::Authority;

pub fn check(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(authority) = Authority::parse(raw) else { return };
    assert!(!authority.host.bytes().any(|byte| byte.is_ascii_uppercase() || b"@/?#% ".contains(&byte)));
    assert!(!authority.host.is_empty() && !authority.host.ends_with('.'));
    assert_eq!(Authority::parse(authority.as_str()).expect("what is canonical stays so"), authority);
    let other: http::uri::Authority = raw.parse().expect("a common reader reads it too");
    assert_eq!(
        (other.host().to_ascii_lowercase(), other.port_u16()),
        (authority.host.to_string(), authority.port)
    );
    // A browser may read a name of digits as an address, or refuse it; a name that it takes is the same.
    if let Ok(url) = url::Url::parse(&format!("https://{raw}/"))
        && let Some(url::Host::Domain(name)) = url.host()
    {
        assert_eq!(*name, *authority.host);
    }
}
