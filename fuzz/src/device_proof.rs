//! A proof that a device has a key, made up: it begins no session, shows no key, and none of its challenges is ours.

use leastway::features::session::device_key::{DeviceFault, DeviceProof};
use leastway::foundation::clock::Timestamp;
use leastway::foundation::digest::DigestKey;

use super::signed_token::token;

pub fn check(bytes: &[u8]) {
    let (key, now) = (DigestKey::from_bytes(&[7; 32]), Timestamp::from_seconds(1_772_352_000));
    let bare = token(bytes);
    for sent in [bare.clone(), format!("\"{bare}\""), format!(" {bare} ")] {
        let Ok(proof) = DeviceProof::read(&sent) else {
            assert!(DeviceProof::read(&bare).is_err(), "quotes and spaces around a token change nothing");
            continue;
        };
        assert_eq!(proof.begins(&key, now), Err(DeviceFault::Challenge), "we have asked nothing");
        let fault = proof.shown(now).expect_err("nobody has signed it");
        assert!(matches!(fault, DeviceFault::Key | DeviceFault::Signature), "{fault}");
    }
}
