//! Looks at the frames of an HTTP/2 connection (RFC 9113 section 4.1) for what the library lets pass.
//!
//! Frames that carry nothing are counted: SETTINGS, PING, `RST_STREAM`, PRIORITY, `WINDOW_UPDATE`, unknown ones,
//! and empty DATA and CONTINUATION.
//!
//! The library answers each and keeps little, but a caller that sends millions of them keeps a core busy
//! (CVE-2019-9512, -9514, -9515, -9518) and asks for nothing that a limit on requests would see.
//!
//! Trailers that begin with a pseudo-header are malformed (section 8.1), and the library would drop it and go on. One
//! that stands behind another field it refuses itself. What is named by the dynamic table is not known here: that is
//! dropped, as all trailers of requests are, and reaches nobody.

/// Where in the stream of frames a connection is.
#[derive(Debug)]
pub struct Frames {
    /// What is left of the preface (section 3.4).
    preface: usize,
    head: [u8; HEAD_BYTES],
    /// How much of the head has come.
    filled: usize,
    /// How much of the payload has not come.
    payload: usize,
    /// The last stream that was opened: they are numbered in order (section 5.1.1).
    opened: u32,
    /// How trailers begin, until that is known.
    trailers: Option<Lead>,
}

/// What was found in some bytes.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// How many frames that carry nothing began.
    pub empty: u32,
    /// Whether trailers began with a pseudo-header.
    pub malformed: bool,
}

/// How the payload of a HEADERS frame begins.
#[derive(Debug)]
struct Lead {
    flags: u8,
    bytes: Vec<u8>,
}

impl Default for Frames {
    /// Before the preface.
    fn default() -> Self {
        let head = [0; HEAD_BYTES];
        Self { preface: PREFACE_BYTES, head, filled: 0, payload: 0, opened: 0, trailers: None }
    }
}

impl Frames {
    /// What is in these bytes, which follow those before.
    pub fn read(&mut self, piece: &[u8]) -> Found {
        let mut found = Found::default();
        let (_, mut bytes) = take(piece, &mut self.preface);
        loop {
            let (payload, rest) = take(bytes, &mut self.payload);
            bytes = rest;
            self.look(payload, &mut found);
            if bytes.is_empty() {
                return found;
            }
            let rest = self.head.get_mut(self.filled..).unwrap_or_default();
            let (now, later) = bytes.split_at(rest.len().min(bytes.len()));
            for (place, byte) in rest.iter_mut().zip(now) {
                *place = *byte;
            }
            self.filled += now.len();
            bytes = later;
            if self.filled == HEAD_BYTES {
                self.filled = 0;
                found.empty += u32::from(self.begin());
            }
        }
    }

    /// A frame begins; whether it carries nothing.
    fn begin(&mut self) -> bool {
        let [high, middle, low, kind, flags, stream @ ..] = self.head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.payload = usize::try_from(length).unwrap_or(usize::MAX);
        match kind {
            DATA => length == 0 && flags & END_STREAM == 0,
            HEADERS => {
                let stream = u32::from_be_bytes(stream) & STREAM;
                if stream > self.opened {
                    self.opened = stream;
                } else {
                    self.trailers = Some(Lead { flags, bytes: Vec::new() });
                }
                false
            }
            CONTINUATION => length == 0,
            _ => true,
        }
    }
}

impl Frames {
    /// Looks at more of the payload, if it is that of trailers.
    fn look(&mut self, payload: &[u8], found: &mut Found) {
        let Some(lead) = &mut self.trailers else { return };
        lead.bytes.extend(payload.iter().take(LEAD_BYTES - lead.bytes.len()));
        if self.payload > 0 && lead.bytes.len() < LEAD_BYTES {
            return;
        }
        found.malformed |= lead.is_pseudo();
        self.trailers = None;
    }
}

impl Lead {
    /// Whether the first field is a pseudo-header, by the representations of RFC 7541 section 6.
    fn is_pseudo(&self) -> bool {
        let has = |flag: u8| usize::from(self.flags & flag != 0);
        let skipped = has(PADDED) + has(PRIORITY) * PRIORITY_BYTES;
        let mut block = self.bytes.get(skipped..).unwrap_or_default();
        // Changes of the table's size come first.
        while let [first @ 0x20..=0x3f, rest @ ..] = block {
            let goes_on = |byte: &&u8| **byte & 0x80 != 0;
            let more = if *first == 0x3f { rest.iter().take_while(goes_on).count() + 1 } else { 0 };
            block = rest.get(more..).unwrap_or_default();
        }
        match block {
            [first @ 0x80..=0xff, ..] => PSEUDO_INDEXES.contains(&(first & 0x7f)),
            // A name that is spelled out: in plain, or in Huffman's code, in which a colon is `1011100`.
            [0x00 | 0x10 | 0x40, 0x80..=0xff, name, ..] => name & 0xfe == 0b1011_1000,
            [0x00 | 0x10 | 0x40, _, name, ..] => *name == b':',
            [first @ 0x40..=0xff, ..] => PSEUDO_INDEXES.contains(&(first & 0x3f)),
            [first, ..] => PSEUDO_INDEXES.contains(&(first & 0x0f)),
            [] => false,
        }
    }
}

fn take<'a>(bytes: &'a [u8], left: &mut usize) -> (&'a [u8], &'a [u8]) {
    let (taken, rest) = bytes.split_at((*left).min(bytes.len()));
    *left -= taken.len();
    (taken, rest)
}

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
/// The flag of the last frame of a stream, of DATA and HEADERS.
const END_STREAM: u8 = 0x1;
const PADDED: u8 = 0x8;
const PRIORITY: u8 = 0x20;
const PRIORITY_BYTES: usize = 5;
/// The bit before a stream's number means nothing.
const STREAM: u32 = 0x7fff_ffff;
/// `:authority` to `:status` in the static table (RFC 7541 appendix A).
const PSEUDO_INDEXES: std::ops::RangeInclusive<u8> = 1..=14;
/// Padding's length, a priority, two changes of the table's size and the beginning of a field.
const LEAD_BYTES: usize = 24;

#[cfg(test)]
mod tests {
    use super::*;

    fn frame(kind: u8, flags: u8, length: u8) -> Vec<u8> {
        let mut frame = vec![0, 0, length, kind, flags, 0, 0, 0, 1];
        frame.extend(std::iter::repeat_n(0xff, length.into()));
        frame
    }

    #[test]
    fn frames_that_carry_nothing_are_counted_wherever_the_bytes_are_cut() {
        let frames = [
            (frame(0x4, 0, 6), 1),
            (frame(HEADERS, 0, 20), 0),
            (frame(CONTINUATION, 0, 0), 1),
            (frame(CONTINUATION, 4, 5), 0),
            (frame(DATA, 0, 0), 1),
            (frame(DATA, END_STREAM, 0), 0),
            (frame(DATA, 0, 200), 0),
            (frame(0x6, 0, 8), 1),
            (frame(0x8, 0, 4), 1),
            (frame(0x3, 0, 4), 1),
            (frame(0x2, 0, 5), 1),
            (frame(0xfa, 0, 0), 1),
        ];
        let expected: u32 = frames.iter().map(|(_, counts)| counts).sum();
        let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
        bytes.extend(frames.iter().flat_map(|(bytes, _)| bytes));
        for size in 1..=bytes.len() {
            let mut frames = Frames::default();
            let found: u32 = bytes.chunks(size).map(|chunk| frames.read(chunk).empty).sum();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }

    /// A HEADERS frame with this block.
    fn headers(flags: u8, stream: u8, block: &[u8]) -> Vec<u8> {
        let length = u8::try_from(block.len()).unwrap();
        [&[0, 0, length, HEADERS, flags, 0, 0, 0, stream], block].concat()
    }

    #[test]
    fn trailers_that_begin_with_a_pseudo_header_are_found_wherever_the_bytes_are_cut() {
        let cases: [(&str, u8, &[u8], bool); 14] = [
            ("indexed", 5, &[0x84], true),
            ("indexed, and no pseudo-header", 5, &[0x90], false),
            ("a name of the table, added to it", 5, &[0x44, 2, b'/', b'x'], true),
            ("a name of the table, not added", 5, &[0x04, 2, b'/', b'x'], true),
            ("a name of the table, never added", 5, &[0x14, 2, b'/', b'x'], true),
            ("a name beyond the pseudo-headers", 5, &[0x0f, 0x04, 1, b'1'], false),
            ("spelled out", 5, &[0x00, 5, b':', b'p', b'a', b't', b'h', 1, b'/'], true),
            ("in Huffman's code", 5, &[0x40, 0x84, 0xb9, 0x58, 0xd3, 0x3f, 1, b'/'], true),
            ("after a change of the table's size", 5, &[0x20, 0x3f, 0xe1, 0x1f, 0x84], true),
            ("behind padding", 5 | PADDED, &[3, 0x84, 0, 0, 0], true),
            ("behind padding and a priority", 5 | PADDED | PRIORITY, &[0, 0, 0, 0, 0, 9, 0x84], true),
            ("a field", 5, &[0x00, 1, b'x', 1, b'1'], false),
            ("a field in Huffman's code", 5, &[0x00, 0x81, 0xf3, 1, b'1'], false),
            ("nothing", 5, &[], false),
        ];
        for (name, flags, block, malformed) in cases {
            let mut bytes = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec();
            bytes.extend(headers(4, 1, &[0x83, 0x87, 0x84]));
            bytes.extend(frame(DATA, 0, 5));
            bytes.extend(headers(flags, 1, block));
            bytes.extend(headers(5, 3, &[0x82, 0x87, 0x84]));
            for size in 1..=bytes.len() {
                let mut frames = Frames::default();
                let found = bytes.chunks(size).filter(|chunk| frames.read(chunk).malformed).count();
                assert_eq!(found, usize::from(malformed), "{name}, in pieces of {size}");
            }
        }
    }
}
