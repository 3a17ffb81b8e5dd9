//! An evidence pack that somebody brings: an archive of their making, of which nothing is believed that the key has not signed.

use std::io::Cursor;
use std::sync::LazyLock;

use leastway::features::evidence::check::check as check_pack;
use leastway::foundation::entropy::SeededEntropy;
use leastway::platform::signed_note::SigningKey;

/// The key of the seed `pack`.
static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let name = "leastway.clinic.example/gateway-1".parse().expect("a name");
    SigningKey::generate(name, &SeededEntropy::new(1)).expect("a key")
});

pub fn check(bytes: &[u8]) {
    let Ok(checked) = check_pack(Cursor::new(bytes), &[KEY.verifier().clone()]) else { return };
    assert_eq!(checked.key, *KEY.verifier());
    assert_eq!(checked.manifest.made_by, "leastway 0.0.0", "nobody has that key, but for the seed");
    assert_eq!(checked.manifest.files.len(), 4, "another manifest was signed by nobody");
}
