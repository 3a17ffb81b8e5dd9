//! Counts the frames of an HTTP/2 connection (RFC 9113 section 4.1) that carry nothing: SETTINGS, PING,
//! `RST_STREAM`, PRIORITY, `WINDOW_UPDATE`, unknown ones, and empty DATA and CONTINUATION.
//!
//! The library answers each and keeps little, but a caller that sends millions of them keeps a core busy
//! (CVE-2019-9512, -9514, -9515, -9518) and asks for nothing that a limit on requests would see.

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
}

impl Default for Frames {
    /// Before the preface.
    fn default() -> Self {
        Self { preface: PREFACE_BYTES, head: [0; HEAD_BYTES], filled: 0, payload: 0 }
    }
}

impl Frames {
    /// How many frames that carry nothing begin in these bytes, which follow those before.
    pub fn read(&mut self, mut bytes: &[u8]) -> u32 {
        let mut found = 0;
        bytes = skip(bytes, &mut self.preface);
        loop {
            bytes = skip(bytes, &mut self.payload);
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
                found += u32::from(self.begin());
            }
        }
    }

    /// A frame begins; whether it carries nothing.
    fn begin(&mut self) -> bool {
        let [high, middle, low, kind, flags, ..] = self.head;
        let length = u32::from_be_bytes([0, high, middle, low]);
        self.payload = usize::try_from(length).unwrap_or(usize::MAX);
        match kind {
            DATA => length == 0 && flags & END_STREAM == 0,
            HEADERS => false,
            CONTINUATION => length == 0,
            _ => true,
        }
    }
}

fn skip<'a>(bytes: &'a [u8], left: &mut usize) -> &'a [u8] {
    let (skipped, rest) = bytes.split_at((*left).min(bytes.len()));
    *left -= skipped.len();
    rest
}

const PREFACE_BYTES: usize = 24;
const HEAD_BYTES: usize = 9;
const DATA: u8 = 0x0;
const HEADERS: u8 = 0x1;
const CONTINUATION: u8 = 0x9;
const END_STREAM: u8 = 0x1;

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
            let found: u32 = bytes.chunks(size).map(|chunk| frames.read(chunk)).sum();
            assert_eq!(found, expected, "in pieces of {size}");
        }
    }
}
