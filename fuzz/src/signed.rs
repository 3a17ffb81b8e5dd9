//! What somebody brings to have checked: checkpoints of witnesses, keys and proofs. None is believed that was not signed,
//! and whatever is read is written the same way again.

use std::sync::LazyLock;

use leastway::features::audit::prove::check as check_proof;
use leastway::features::audit::tree::checkpoint::{Checkpoint, Signed, split};
use leastway::foundation::entropy::SeededEntropy;
use leastway::platform::signed_note::{Note, SigningKey, VerifierKey};

static KEY: LazyLock<SigningKey> = LazyLock::new(|| {
    let name = "leastway.clinic.example/fuzz".parse().expect("a name");
    SigningKey::generate(name, &SeededEntropy::new(1)).expect("a key")
});

pub fn check(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else { return };
    let keys = [KEY.verifier().clone()];
    if let Ok(note) = Note::parse(text) {
        assert!(text.starts_with(note.text()), "a note has another text than its own");
    }
    if let Ok(signed) = text.parse::<Signed>() {
        assert!(!signed.is_signed_by(&keys), "nobody has that key");
    }
    if let Ok(checkpoint) = text.parse::<Checkpoint>() {
        let again: Checkpoint = checkpoint.text().parse().expect("what is written can be read");
        assert_eq!(again, checkpoint);
        let signed: Signed = checkpoint.sign(&KEY).parse().expect("what is signed can be read");
        assert_eq!(signed.is_signed_by(&keys), checkpoint.origin == "leastway.clinic.example/fuzz");
    }
    if let Ok(key) = text.parse::<VerifierKey>() {
        assert_eq!(key.to_string(), text);
    }
    assert!(check_proof(text, &keys).is_err(), "nobody has that key");
    assert!(split(text).map(str::len).sum::<usize>() <= text.len());
}
