//! What stands before the value of an element (PS3.5 section 7.1).

/// How elements are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Syntax {
    /// Little endian, with the kind of each value.
    Explicit,
    /// Little endian, where the tag tells the kind.
    Implicit,
}

/// Which element comes, and how long its value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// Group and element.
    pub(super) tag: (u16, u16),
    /// None: it ends with a mark.
    pub(super) length: Option<u32>,
    /// Its value are items that are read as the whole is.
    pub(super) is_sequence: bool,
}

/// The syntax with this identifier (PS3.5 annex A); none for big endian, and for what is deflated as a whole. All others
/// compress the picture alone.
pub(super) fn syntax(identifier: &[u8]) -> Option<Syntax> {
    match identifier {
        b"1.2.840.10008.1.2" => Some(Syntax::Implicit),
        b"1.2.840.10008.1.2.2" | b"1.2.840.10008.1.2.1.99" => None,
        known if known.starts_with(b"1.2.840.10008.1.2.") => Some(Syntax::Explicit),
        _ => None,
    }
}

/// The header that these bytes are, if they are a whole one.
pub(super) fn read_header(bytes: &[u8], syntax: Syntax) -> Option<Header> {
    let tag = (u16_at(bytes, 0)?, u16_at(bytes, 2)?);
    // Items have no kind in either syntax (section 7.5).
    if tag.0 == 0xFFFE || syntax == Syntax::Implicit {
        let length = length(u32_at(bytes, 4)?);
        return Some(Header { tag, length, is_sequence: length.is_none() });
    }
    let kind = bytes.get(4..6)?;
    if !LONG.contains(&kind) {
        return Some(Header { tag, length: Some(u32::from(u16_at(bytes, 6)?)), is_sequence: false });
    }
    Some(Header { tag, length: length(u32_at(bytes, 8)?), is_sequence: kind == b"SQ" })
}

/// The kinds of values whose length takes four bytes behind two that are reserved (section 7.1.2).
const LONG: [&[u8]; 13] =
    [b"OB", b"OD", b"OF", b"OL", b"OV", b"OW", b"SQ", b"SV", b"UC", b"UN", b"UR", b"UT", b"UV"];

const fn length(written: u32) -> Option<u32> {
    if written == u32::MAX { None } else { Some(written) }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}
