//! An evidence pack that somebody brings: an archive of their making, of which nothing is believed that the key has not signed.

use std::io::Cursor;
use std::sync::LazyLock;

use leastway::features::evidence::check::check as check_pack;
use leastway::foundation::entropy::SeededEntropy;
use leastway::platform::signed_note::SigningKey;

/// A key that nobody else has.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let name = "leastway.clinic.example/gateway-1".parse().expect("a name");
    SigningKey::generate(name, &SeededEntropy::new(1)).expect("a key")
});

pub fn check(bytes: &[u8]) {
    let found = check_pack(Cursor::new(bytes), &[KEY.verifier().clone()]);
    assert!(found.is_err(), "nobody has that key");
}
