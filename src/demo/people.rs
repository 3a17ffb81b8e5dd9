//! The four people of the clinic, and their second factor (TOTP, RFC 6238).
//!
//! Their passwords and secrets are the same on every machine, so that a page can name them and an
//! authenticator app keeps working: one more reason why the demo never leaves loopback.

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;

/// Somebody who works at the clinic.
#[derive(Debug, PartialEq, Eq)]
pub struct Person {
    /// What they type to sign in; also their `sub`.
    pub username: &'static str,
    /// Their password.
    pub password: &'static str,
    /// Their name.
    pub name: &'static str,
    /// The provider's groups that they are in.
    pub groups: &'static [&'static str],
    /// Where they work.
    pub location: &'static str,
    /// What they do, in a few words.
    pub work: &'static str,
}

/// Everybody.
pub static PEOPLE: [Person; 4] = [
    Person {
        username: "registrar",
        password: "front-desk-7",
        name: "Rosa Delgado",
        groups: &["clinic-front-desk"],
        location: "front desk",
        work: "front desk; saves 500 records at the most",
    },
    Person {
        username: "nurse",
        password: "night-shift-4",
        name: "Noah Okafor",
        groups: &["clinic-nursing"],
        location: "ward",
        work: "ward; reads charts, writes notes, saves nothing",
    },
    Person {
        username: "analyst",
        password: "good-numbers-9",
        name: "Amara Lindqvist",
        groups: &["clinic-quality"],
        location: "office",
        work: "quality; saves 500 records, with a code",
    },
    Person {
        username: "administrator",
        password: "quiet-queues-2",
        name: "Ines Keller",
        groups: &["clinic-interfaces"],
        location: "office",
        work: "interfaces; changes things with a code",
    },
];

/// How long a code is shown.
const STEP_SECONDS: u64 = 30;

impl Person {
    /// The person who signs in as `username`.
    pub fn named(username: &str) -> Option<&'static Self> {
        PEOPLE.iter().find(|person| person.username == username)
    }

    /// The secret that this person's authenticator holds.
    fn totp_secret(&self) -> Digest {
        Digest::of_parts(&[b"leastway demo, second factor of ", self.username.as_bytes()])
    }

    /// The secret as an authenticator app wants it typed.
    pub fn totp_secret_text(&self) -> String {
        base32(self.totp_secret().as_bytes())
    }

    /// The code of one step.
    pub fn totp(&self, step: u64) -> String {
        totp(self.totp_secret().as_bytes(), step)
    }
}

/// The step in which `now` lies.
pub fn totp_step(now: Timestamp) -> u64 {
    u64::try_from(now.as_seconds()).unwrap_or(0) / STEP_SECONDS
}

/// For how many seconds the code of `now` is still shown.
pub fn totp_seconds_left(now: Timestamp) -> u64 {
    STEP_SECONDS - u64::try_from(now.as_seconds()).unwrap_or(0) % STEP_SECONDS
}

/// The code of `secret` in `step`: HMAC-SHA-1, six digits, truncated as RFC 4226 section 5.3 says.
fn totp(secret: &[u8], step: u64) -> String {
    use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};

    let tag = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, secret), &step.to_be_bytes());
    let tag = tag.as_ref();
    let offset = usize::from(tag.last().copied().unwrap_or(0) & 0x0f);
    let number = tag.iter().skip(offset).take(4).fold(0_u32, |number, byte| number << 8 | u32::from(*byte))
        & 0x7fff_ffff;
    format!("{:06}", number % 1_000_000)
}

/// RFC 4648 base 32 without padding.
fn base32(bytes: &[u8]) -> String {
    const ALPHABET: [char; 32] = [
        'A', 'B', 'C', 'D', 'E', 'F', 'G', 'H', 'I', 'J', 'K', 'L', 'M', 'N', 'O', 'P', 'Q', 'R', 'S', 'T',
        'U', 'V', 'W', 'X', 'Y', 'Z', '2', '3', '4', '5', '6', '7',
    ];
    let mut text = String::new();
    for group in bytes.chunks(5) {
        let bits = group.iter().fold(0_u64, |bits, byte| bits << 8 | u64::from(*byte));
        let bits = bits << (8 * (5 - group.len()));
        let digits = (group.len() * 8).div_ceil(5);
        text.extend((0..digits).filter_map(|digit| ALPHABET.get((bits >> (35 - 5 * digit) & 31) as usize)));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_those_of_rfc_6238() {
        let cases = [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ];
        for (seconds, code) in cases {
            let step = totp_step(Timestamp::from_seconds(seconds));
            assert_eq!(totp(b"12345678901234567890", step), code, "at {seconds} s");
        }
    }

    #[test]
    fn secrets_are_written_as_rfc_4648_says() {
        let cases = [
            ("", ""),
            ("f", "MY"),
            ("fo", "MZXQ"),
            ("foo", "MZXW6"),
            ("foob", "MZXW6YQ"),
            ("foobar", "MZXW6YTBOI"),
        ];
        for (bytes, text) in cases {
            assert_eq!(base32(bytes.as_bytes()), text);
        }
    }

    #[test]
    fn everybody_has_a_secret_of_their_own() {
        let secrets: std::collections::BTreeSet<_> = PEOPLE.iter().map(Person::totp_secret_text).collect();
        assert_eq!(secrets.len(), PEOPLE.len());
    }
}
