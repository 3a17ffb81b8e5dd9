//! The frames of a WebSocket (RFC 6455 5.2), read as they pass: where each begins and ends, whether it
//! carries data, and whether it may be.
//!
//! Nothing is changed and no payload is kept or unmasked. An incomplete header is not cleared to go on,
//! so that of a frame that may not be nothing has passed, and a frame of ours can always follow.

/// Which side frames come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The caller, whose frames are masked.
    Caller,
    /// The application, whose frames are not.
    Application,
}

/// Reads the frames of one side.
#[derive(Debug)]
pub struct Frames {
    side: Side,
    /// Whether an extension was agreed on, which may use a reserved bit.
    is_extended: bool,
    bytes_max: u64,
    /// Bytes of the present frame that are still to come.
    rest: u64,
    /// Whether the present frame carries data.
    carries_data: bool,
    /// Whether a message is in pieces, and its last is to come.
    is_in_message: bool,
}

/// What a piece holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Seen {
    /// How many of its bytes may go on; the others are the beginning of a header, or of a frame that
    /// may not be.
    pub cleared: usize,
    /// Whether data is among them, rather than only pings, pongs and closes.
    pub data: bool,
    /// What is wrong with the frame after those bytes. Nothing is read after it.
    pub fault: Option<FrameFault>,
}

/// Why a frame may not be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum FrameFault {
    /// A reserved bit is set, and no extension was agreed on.
    #[error("a frame has a reserved bit")]
    Reserved,
    /// It is of no kind that there is.
    #[error("a frame is of no known kind")]
    Kind,
    /// It is masked and should not be, or the other way round.
    #[error("a frame is not masked as its side has to")]
    Mask,
    /// A ping, pong or close is in pieces or longer than 125 bytes.
    #[error("a control frame is too long or in pieces")]
    Control,
    /// Its length is not written in the shortest way.
    #[error("a frame's length is not written as it has to be")]
    Length,
    /// It goes on with a message that was not begun, or begins one within another.
    #[error("a frame does not fit the message")]
    Message,
    /// It is longer than the route lets it be.
    #[error("a frame is too large")]
    TooLarge,
}

impl FrameFault {
    /// The code that a close frame gives for it (RFC 6455 7.4.1).
    pub const fn code(self) -> u16 {
        match self {
            Self::TooLarge => 1009,
            Self::Reserved | Self::Kind | Self::Mask | Self::Control | Self::Length | Self::Message => 1002,
        }
    }
}

struct Header {
    bytes: usize,
    is_last: bool,
    kind: u8,
    payload: u64,
}

impl Frames {
    /// The frames of a side. `is_extended` says whether an extension was agreed on.
    pub const fn new(side: Side, is_extended: bool, bytes_max: u64) -> Self {
        Self { side, is_extended, bytes_max, rest: 0, carries_data: false, is_in_message: false }
    }

    /// Whether what was cleared ends with a frame.
    pub const fn is_between(&self) -> bool {
        self.rest == 0
    }

    /// Reads a piece. Its bytes that were not cleared begin the next piece.
    pub fn read(&mut self, piece: &[u8]) -> Seen {
        let mut seen = Seen { cleared: 0, data: false, fault: None };
        while let Some(left) = piece.get(seen.cleared..).filter(|left| !left.is_empty()) {
            if self.rest > 0 {
                let taken = usize::try_from(self.rest).map_or(left.len(), |rest| rest.min(left.len()));
                self.rest -= taken as u64;
                seen.cleared += taken;
                seen.data |= self.carries_data;
                continue;
            }
            match self.header(left) {
                Ok(Some(header)) => {
                    seen.cleared += header.bytes;
                    self.begin(&header);
                    seen.data |= self.carries_data;
                }
                Ok(None) => break,
                Err(fault) => {
                    seen.fault = Some(fault);
                    break;
                }
            }
        }
        seen
    }

    fn begin(&mut self, header: &Header) {
        self.rest = header.payload;
        self.carries_data = header.kind < CLOSE;
        if self.carries_data {
            self.is_in_message = !header.is_last;
        }
    }

    /// The header at the start of `bytes`; none if it is not complete. What can be seen to be wrong is
    /// seen at once.
    fn header(&self, bytes: &[u8]) -> Result<Option<Header>, FrameFault> {
        let Some(first) = bytes.first() else { return Ok(None) };
        let (is_last, reserved, kind) = (first & 0x80 != 0, first & 0x70, first & 0x0f);
        // Only the first reserved bit is used by an extension that is deployed (RFC 7692).
        if reserved & 0x30 != 0 || reserved != 0 && !self.is_extended {
            return Err(FrameFault::Reserved);
        }
        let is_control = kind >= CLOSE;
        match kind {
            CONTINUATION if !self.is_in_message => return Err(FrameFault::Message),
            TEXT | BINARY if self.is_in_message => return Err(FrameFault::Message),
            CONTINUATION | TEXT | BINARY | CLOSE | PING | PONG => {}
            _ => return Err(FrameFault::Kind),
        }
        if is_control && !is_last {
            return Err(FrameFault::Control);
        }
        let Some(second) = bytes.get(1) else { return Ok(None) };
        let is_masked = second & 0x80 != 0;
        if is_masked != (self.side == Side::Caller) {
            return Err(FrameFault::Mask);
        }
        if is_control && second & 0x7f > CONTROL_BYTES_MAX {
            return Err(FrameFault::Control);
        }
        let mask_bytes = if is_masked { 4 } else { 0 };
        let (length_bytes, payload) = match second & 0x7f {
            126 => match bytes.get(2..4).map(number) {
                Some(payload @ 126..) => (2, payload),
                Some(_) => return Err(FrameFault::Length),
                None => return Ok(None),
            },
            127 => match bytes.get(2..10).map(number) {
                Some(payload) if payload > 0xffff && payload >> 63 == 0 => (8, payload),
                Some(_) => return Err(FrameFault::Length),
                None => return Ok(None),
            },
            short => (0, u64::from(short)),
        };
        if payload > self.bytes_max {
            return Err(FrameFault::TooLarge);
        }
        let header_bytes = 2 + length_bytes + mask_bytes;
        let is_complete = bytes.len() >= header_bytes;
        Ok(is_complete.then_some(Header { bytes: header_bytes, is_last, kind, payload }))
    }
}

/// A number with its first byte first.
fn number(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0, |sum, byte| sum << 8 | u64::from(*byte))
}

/// A close frame (RFC 6455 5.5.1) of ours toward `side`. `mask` is used toward the application, which
/// takes us for the caller.
pub fn close(toward: Side, code: u16, mask: [u8; 4]) -> Vec<u8> {
    let [high, low] = code.to_be_bytes();
    match toward {
        Side::Caller => vec![0x80 | CLOSE, 2, high, low],
        Side::Application => {
            let [first, second, third, fourth] = mask;
            vec![0x80 | CLOSE, 0x82, first, second, third, fourth, high ^ first, low ^ second]
        }
    }
}

const CONTINUATION: u8 = 0;
const TEXT: u8 = 1;
const BINARY: u8 = 2;
const CLOSE: u8 = 8;
const PING: u8 = 9;
const PONG: u8 = 10;
const CONTROL_BYTES_MAX: u8 = 125;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn caller() -> Frames {
        Frames::new(Side::Caller, false, 1 << 20)
    }

    fn application() -> Frames {
        Frames::new(Side::Application, false, 1 << 20)
    }

    #[test]
    fn data_is_told_from_pings_and_closes() {
        let masked = |kind: u8| vec![0x80 | kind, 0x81, 1, 2, 3, 4, b'x'];
        for (kind, data) in [(TEXT, true), (BINARY, true), (CLOSE, false), (PING, false), (PONG, false)] {
            let seen = caller().read(&masked(kind));
            assert_eq!(seen, Seen { cleared: 7, data, fault: None }, "{kind}");
        }
        let mut frames = application();
        assert!(frames.read(&[TEXT, 1, b'a', 0x80 | PING, 0, 0x80, 1, b'b']).data);
        assert!(frames.is_between() && !frames.is_in_message);
    }

    #[test]
    fn a_frame_that_may_not_be_does_not_pass_by_a_byte() {
        use FrameFault::{Control, Kind, Length, Mask, Message, Reserved, TooLarge};
        let large = [0x82, 127, 0, 0, 0, 0, 0, 0x10, 0, 1];
        let cases: [(&str, &[u8], FrameFault); 14] = [
            ("a reserved bit", &[0xc1, 0], Reserved),
            ("another reserved bit", &[0xa1, 0], Reserved),
            ("a kind of data that is none", &[0x83, 0], Kind),
            ("a kind of control that is none", &[0x8b, 0], Kind),
            ("masked by the application", &[0x81, 0x80], Mask),
            ("a ping in pieces", &[0x09, 0], Control),
            ("a long ping", &[0x89, 126], Control),
            ("a longer close", &[0x88, 127], Control),
            ("a length that is too long by two bytes", &[0x81, 126, 0, 125], Length),
            ("a length that is too long by eight bytes", &[0x81, 127, 0, 0, 0, 0, 0, 0, 0xff, 0xff], Length),
            ("a length beyond 63 bits", &[0x81, 127, 0x80, 0, 0, 0, 0, 0, 0, 0], Length),
            ("the middle of nothing", &[0x80, 0], Message),
            ("a message within a message", &[0x01, 0, 0x81, 0], Message),
            ("more than the route lets pass", &large, TooLarge),
        ];
        for (name, bytes, fault) in cases {
            let mut frames = application();
            let seen = frames.read(bytes);
            let cleared = if name == "a message within a message" { 2 } else { 0 };
            assert_eq!((seen.fault, seen.cleared), (Some(fault), cleared), "{name}");
            assert!(frames.is_between(), "{name}");
        }
        assert_eq!(caller().read(&[0x81, 0]).fault, Some(Mask), "the caller does not mask");
        let mut extended = Frames::new(Side::Application, true, 10);
        assert_eq!(extended.read(&[0xc1, 0]).fault, None);
    }

    #[test]
    fn our_own_close_is_a_frame() {
        for side in [Side::Caller, Side::Application] {
            // What goes to one side is read by it as coming from the other.
            let from = if side == Side::Caller { Side::Application } else { Side::Caller };
            let bytes = close(side, 1008, [7, 8, 9, 10]);
            let mut frames = Frames::new(from, false, 125);
            assert_eq!(frames.read(&bytes), Seen { cleared: bytes.len(), data: false, fault: None });
            assert!(frames.is_between());
        }
        assert_eq!(close(Side::Caller, 1008, [0; 4]), [0x88, 2, 3, 0xf0]);
        assert_eq!(close(Side::Application, 1008, [1, 2, 3, 4]), [0x88, 0x82, 1, 2, 3, 4, 3 ^ 1, 0xf0 ^ 2]);
    }

    /// Reads `bytes` in pieces as a tunnel does: what is not cleared begins the next piece.
    fn in_pieces(mut frames: Frames, bytes: &[u8], cuts: &[usize]) -> (Vec<u8>, bool, Option<FrameFault>) {
        let (mut passed, mut data, mut kept, mut rest) = (Vec::new(), false, Vec::new(), bytes);
        let mut cuts = cuts.iter().copied().cycle();
        while !rest.is_empty() {
            let (piece, after) = rest.split_at(cuts.next().unwrap_or(1).clamp(1, rest.len()));
            rest = after;
            kept.extend_from_slice(piece);
            let seen = frames.read(&kept);
            passed.extend(kept.drain(..seen.cleared));
            data |= seen.data;
            assert!(kept.len() < 14 || seen.fault.is_some(), "only a header waits");
            if seen.fault.is_some() {
                return (passed, data, seen.fault);
            }
        }
        (passed, data, None)
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_say_the_same(
            bytes in prop::collection::vec(prop_oneof![Just(0x81_u8), Just(0x02), Just(0x80), Just(126), Just(127), Just(0), any::<u8>()], 0..200),
            cuts in prop::collection::vec(1_usize..20, 1..8),
            masked: bool,
        ) {
            let side = if masked { Side::Caller } else { Side::Application };
            let frames = || Frames::new(side, false, 1000);
            let whole = frames().read(&bytes);
            let (passed, data, fault) = in_pieces(frames(), &bytes, &cuts);
            prop_assert_eq!(&passed[..], &bytes[..whole.cleared]);
            prop_assert_eq!((data, fault), (whole.data, whole.fault));
        }

        #[test]
        fn what_is_well_formed_passes_unchanged(
            messages in prop::collection::vec((0_usize..70_000, prop_oneof![Just(TEXT), Just(BINARY), Just(PING)]), 1..6),
            cuts in prop::collection::vec(1_usize..9000, 1..6),
        ) {
            let mut bytes = Vec::new();
            for (length, kind) in &messages {
                let length = if *kind == PING { length % 126 } else { *length };
                bytes.push(0x80 | kind);
                if let Ok(short @ 0..=125) = u8::try_from(length) {
                    bytes.push(0x80 | short);
                } else if let Ok(medium) = u16::try_from(length) {
                    bytes.push(0xfe);
                    bytes.extend(medium.to_be_bytes());
                } else {
                    bytes.push(0xff);
                    bytes.extend((length as u64).to_be_bytes());
                }
                bytes.extend([1, 2, 3, 4]);
                bytes.extend(std::iter::repeat_n(b'x', length));
            }
            let (passed, _, fault) = in_pieces(caller(), &bytes, &cuts);
            prop_assert_eq!(fault, None);
            prop_assert!(passed == bytes);
        }
    }
}
