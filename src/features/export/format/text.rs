//! Texts as receivers can read them: callers and providers may have put anything into theirs.

use crate::foundation::clock::Timestamp;

/// The text in one line, without control characters and what XML cannot hold: each is a space. None if nothing is left of it.
pub(super) fn line(text: &str) -> Option<String> {
    let is_odd = |c: char| {
        c.is_control() || matches!(c, '\u{2028}' | '\u{2029}' | '\u{fffe}' | '\u{ffff}' | '\u{feff}')
    };
    let line: String = text.chars().map(|c| if is_odd(c) || c.is_whitespace() { ' ' } else { c }).collect();
    let line = line.trim();
    (!line.is_empty()).then(|| line.to_owned())
}

/// The text as an identifier that holds no white space, as `uri` of FHIR has it: what may not be there is percent-encoded.
pub(super) fn uri(text: &str) -> Option<String> {
    let uri = text.chars().fold(String::with_capacity(text.len()), |mut uri, c| {
        if c.is_whitespace() || c.is_control() || matches!(c, '\u{fffe}' | '\u{ffff}' | '\u{feff}') {
            let mut bytes = [0; 4];
            for byte in c.encode_utf8(&mut bytes).bytes() {
                uri.push('%');
                uri.extend([byte >> 4, byte & 15].map(hexadecimal));
            }
        } else {
            uri.push(c);
        }
        uri
    });
    (!uri.is_empty()).then_some(uri)
}

fn hexadecimal(half: u8) -> char {
    char::from_digit(u32::from(half), 16).unwrap_or('0').to_ascii_uppercase()
}

/// The moment in RFC 3339. A clock that is off by centuries shows as the first or the last moment that every receiver reads.
pub(super) fn instant(moment: Timestamp) -> String {
    let is_usual = moment.rfc3339().is_some();
    let usual =
        if is_usual { moment } else { Timestamp::from_millis(if moment.as_millis() < 0 { 0 } else { LAST }) };
    usual.to_string()
}

/// The moment in milliseconds since 1970, within the same bounds.
pub(super) fn millis(moment: Timestamp) -> u64 {
    u64::try_from(moment.as_millis().min(LAST)).unwrap_or(0)
}

/// 9999-12-29T23:59:59.999Z: from the next day on a moment is written another way.
const LAST: i64 = 253_402_127_999_999;
