//! A host that is accepted is in lower case, has no trailing dot, and reads the same a second time.
#![no_main]

use leastway::gateway::normalize::host::Authority;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let Ok(authority) = Authority::parse(raw) else { return };
    assert!(!authority.host.bytes().any(|byte| byte.is_ascii_uppercase() || b"@/?#% ".contains(&byte)));
    assert!(!authority.host.is_empty() && !authority.host.ends_with('.'));
    let text = match authority.port {
        Some(port) => format!("{}:{port}", authority.host),
        None => authority.host.clone(),
    };
    assert_eq!(Authority::parse(&text).expect("what is canonical stays so"), authority);
});
