//! HTTP/1.1 as it comes from the socket: where each message begins and ends, read strictly (RFC 9112).
//!
//! The HTTP library is lenient where the standard lets it be: a bare LF ends a line, a `Content-Length`
//! beside a `Transfer-Encoding` is dropped, a fragment is cut off. Whoever stands in front of us may read
//! the same bytes otherwise, and then one connection carries two different rows of requests. So the bytes
//! are looked at before the library sees them. Nothing is changed, and of a line that is not yet complete
//! only its beginning is kept; what is odd ends the connection.

#[cfg(test)]
mod tests;

use super::fault::Fault;

/// Looks at the bytes of one connection, in pieces of any size.
#[derive(Debug)]
pub struct Wire {
    state: State,
    line: Line,
    head: HeadSoFar,
    head_bytes: usize,
    head_bytes_max: usize,
}

/// What was found in a piece, and how many of its bytes come before the place where it was found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing that matters: all of the piece may go on.
    Nothing,
    /// A head ends here.
    Head(usize, Head),
    /// What follows cannot be read in one way only.
    Broken(usize, Fault),
}

/// A head that has ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// It has one reading, and its body is looked at next.
    Clean,
    /// It has one reading, and asks for another protocol on the connection: what follows is looked at
    /// once it is known which it is. Until then [`Wire::read`] must not be asked.
    Upgrade,
    /// It can be read in two ways: nothing that follows may go on.
    Odd(Fault),
}

#[derive(Clone, Copy, Debug)]
enum State {
    /// The request line, or an empty line before it.
    Start {
        empty_lines: u8,
    },
    Fields,
    Body {
        rest: u64,
    },
    ChunkSize,
    Chunk {
        rest: u64,
    },
    ChunkEnd,
    Trailers,
    /// Nothing goes on.
    Over,
}

/// What the lines of a head said so far.
#[derive(Clone, Copy, Debug, Default)]
struct HeadSoFar {
    fault: Option<Fault>,
    is_old: bool,
    length: Option<u64>,
    is_chunked: bool,
    /// By an upgrade or by CONNECT.
    asks_other_protocol: bool,
}

/// A line that came in several pieces.
#[derive(Debug, Default)]
struct Line(Vec<u8>);

impl Wire {
    /// A connection of which nothing has come. A head is at most `head_bytes_max` bytes long.
    pub fn new(head_bytes_max: usize) -> Self {
        let state = State::Start { empty_lines: 0 };
        Self { state, line: Line::default(), head: HeadSoFar::default(), head_bytes: 0, head_bytes_max }
    }

    /// Looks at a piece, as far as the next thing that matters; what follows that is asked for again.
    pub fn read(&mut self, piece: &[u8]) -> Found {
        let mut at = 0;
        while let Some(rest) = piece.get(at..).filter(|rest| !rest.is_empty()) {
            if let Some(left) = self.body_left() {
                let taken = usize::try_from(left).map_or(rest.len(), |left| left.min(rest.len()));
                at += taken;
                self.take(taken as u64);
                continue;
            }
            if matches!(self.state, State::Over) {
                return Found::Broken(at, ENDED);
            }
            let end = memchr::memchr(b'\n', rest).map(|end| end + 1);
            let (part, is_whole) = rest
                .split_at_checked(end.unwrap_or(rest.len()))
                .map_or((rest, false), |it| (it.0, end.is_some()));
            let room = self.head_bytes_max.saturating_sub(self.head_bytes);
            if part.len() > room {
                return self.broken(at + room, Fault::too_large("headers: too large"));
            }
            at += part.len();
            self.head_bytes += part.len();
            if !is_whole {
                self.line.0.extend_from_slice(part);
                break;
            }
            let ended = if self.line.0.is_empty() {
                self.end_line(part)
            } else {
                let mut line = std::mem::take(&mut self.line.0);
                line.extend_from_slice(part);
                self.end_line(&line)
            };
            match ended {
                Ok(None) => {}
                Ok(Some(head)) => return Found::Head(at, head),
                Err(fault) => return self.broken(at, fault),
            }
        }
        Found::Nothing
    }

    fn broken(&mut self, at: usize, fault: Fault) -> Found {
        self.state = State::Over;
        self.line = Line::default();
        Found::Broken(at, fault)
    }

    /// How many bytes come before the next line.
    const fn body_left(&self) -> Option<u64> {
        match self.state {
            State::Body { rest } | State::Chunk { rest } => Some(rest),
            State::Start { .. }
            | State::Fields
            | State::ChunkSize
            | State::ChunkEnd
            | State::Trailers
            | State::Over => None,
        }
    }

    fn take(&mut self, taken: u64) {
        self.head_bytes = 0;
        self.state = match self.state {
            State::Body { rest } if rest <= taken => State::Start { empty_lines: 0 },
            State::Body { rest } => State::Body { rest: rest - taken },
            State::Chunk { rest } if rest <= taken => State::ChunkEnd,
            State::Chunk { rest } => State::Chunk { rest: rest - taken },
            other @ (State::Start { .. }
            | State::Fields
            | State::ChunkSize
            | State::ChunkEnd
            | State::Trailers
            | State::Over) => other,
        };
    }

    /// Reads a line with its end. A fault of a head is kept until the head ends, so that it can be
    /// answered; one of a body ends the connection at once.
    fn end_line(&mut self, line: &[u8]) -> Result<Option<Head>, Fault> {
        let content = content(line);
        match self.state {
            State::Start { empty_lines } => {
                if line == b"\r\n" {
                    // RFC 9112 2.2 asks to bear with one.
                    self.state = State::Start { empty_lines: empty_lines + 1 };
                    return if empty_lines == 0 {
                        Ok(None)
                    } else {
                        Err(Fault::malformed("request line: empty"))
                    };
                }
                self.head = HeadSoFar::default();
                self.state = State::Fields;
                let read = content.and_then(|line| self.head.request_line(line));
                self.head.note(read);
                Ok(None)
            }
            State::Fields => {
                let is_last = matches!(line, b"\r\n" | b"\n");
                let read = content.and_then(|line| if is_last { Ok(()) } else { self.head.field(line) });
                self.head.note(read);
                Ok(is_last.then(|| self.end_head()))
            }
            State::ChunkSize => {
                self.head_bytes = 0;
                let rest = content.and_then(chunk_size)?;
                self.state = if rest == 0 { State::Trailers } else { State::Chunk { rest } };
                Ok(None)
            }
            State::ChunkEnd if line == b"\r\n" => {
                self.state = State::ChunkSize;
                Ok(None)
            }
            State::ChunkEnd => Err(Fault::malformed("framing: chunk longer than it says")),
            State::Trailers => {
                let content = content?;
                if content.is_empty() {
                    self.head_bytes = 0;
                    self.state = State::Start { empty_lines: 0 };
                    return Ok(None);
                }
                field(content).map(|_| None)
            }
            State::Body { .. } | State::Chunk { .. } | State::Over => Err(ENDED),
        }
    }

    fn end_head(&mut self) -> Head {
        self.head_bytes = 0;
        let head = self.head;
        let framed = match head.fault {
            Some(fault) => Err(fault),
            None => head.framing(),
        };
        match framed {
            Err(fault) => {
                self.state = State::Over;
                Head::Odd(fault)
            }
            Ok(next) => {
                self.state = next;
                if head.asks_other_protocol { Head::Upgrade } else { Head::Clean }
            }
        }
    }
}

impl HeadSoFar {
    /// The first fault is the one that is told.
    fn note(&mut self, read: Result<(), Fault>) {
        self.fault = self.fault.or(read.err());
    }

    /// `METHOD SP target SP HTTP/1.x`, with one blank each (RFC 9112 3).
    fn request_line(&mut self, line: &[u8]) -> Result<(), Fault> {
        let mut words = line.split(|byte| *byte == b' ');
        let (Some(method), Some(target), Some(version), None) =
            (words.next(), words.next(), words.next(), words.next())
        else {
            return Err(Fault::malformed("request line: not three words"));
        };
        if !is_token(method) || target.is_empty() || target.contains(&b'\t') {
            return Err(Fault::malformed("request line: malformed"));
        }
        // The library would cut it off, and what is matched would not be what was asked for.
        if target.contains(&b'#') {
            return Err(Fault::malformed("target: fragment"));
        }
        self.asks_other_protocol = method == b"CONNECT";
        match version {
            b"HTTP/1.1" => Ok(()),
            b"HTTP/1.0" => {
                self.is_old = true;
                Ok(())
            }
            _ => Err(Fault::malformed("request line: version")),
        }
    }

    fn field(&mut self, line: &[u8]) -> Result<(), Fault> {
        let (name, value) = field(line)?;
        if name.eq_ignore_ascii_case(b"content-length") {
            let length = content_length(value).ok_or(Fault::malformed("framing: odd Content-Length"))?;
            if self.length.replace(length).is_some() {
                return Err(Fault::malformed("framing: several Content-Length"));
            }
        } else if name.eq_ignore_ascii_case(b"transfer-encoding") {
            if !value.eq_ignore_ascii_case(b"chunked") {
                return Err(Fault::malformed("framing: Transfer-Encoding other than chunked"));
            }
            if std::mem::replace(&mut self.is_chunked, true) {
                return Err(Fault::malformed("framing: several Transfer-Encoding"));
            }
        } else if name.eq_ignore_ascii_case(b"upgrade") {
            self.asks_other_protocol = true;
        }
        Ok(())
    }

    /// What follows the head.
    const fn framing(&self) -> Result<State, Fault> {
        match (self.is_chunked, self.length) {
            (true, Some(_)) => Err(Fault::malformed("framing: Content-Length with Transfer-Encoding")),
            (true, None) if self.is_old => {
                Err(Fault::malformed("framing: Transfer-Encoding outside HTTP/1.1"))
            }
            (true, None) => Ok(State::ChunkSize),
            (false, Some(rest @ 1..)) => Ok(State::Body { rest }),
            (false, Some(0) | None) => Ok(State::Start { empty_lines: 0 }),
        }
    }
}

/// A line without its end, which is CRLF and nothing else.
fn content(line: &[u8]) -> Result<&[u8], Fault> {
    let content = line.strip_suffix(b"\r\n").ok_or(Fault::malformed("line: ends in a bare LF"))?;
    if memchr::memchr(b'\r', content).is_some() {
        return Err(Fault::malformed("line: a bare CR"));
    }
    // No end before the whole line was looked at: that goes many bytes at a time.
    if content.iter().fold(false, |found, byte| found | is_control(*byte)) {
        return Err(Fault::malformed("line: a control character"));
    }
    Ok(content)
}

const fn is_control(byte: u8) -> bool {
    byte < 0x20 && byte != b'\t' || byte == 0x7f
}

/// Name and value of a field (RFC 9112 5): no fold, and no blank before the colon.
fn field(line: &[u8]) -> Result<(&[u8], &[u8]), Fault> {
    if line.first().is_some_and(|byte| matches!(byte, b' ' | b'\t')) {
        return Err(Fault::malformed("headers: folded line"));
    }
    let colon = memchr::memchr(b':', line).ok_or(Fault::malformed("headers: no colon"))?;
    let (name, rest) = line.split_at_checked(colon).unwrap_or_default();
    if !is_token(name) {
        return Err(Fault::malformed("headers: malformed name"));
    }
    Ok((name, rest.strip_prefix(b":").unwrap_or_default().trim_ascii()))
}

fn is_token(text: &[u8]) -> bool {
    !text.is_empty() && text.iter().all(|byte| is_token_byte(*byte))
}

/// RFC 9110 5.6.2, in the order of the bytes.
const fn is_token_byte(byte: u8) -> bool {
    matches!(byte, b'!' | b'#'..=b'\'' | b'*' | b'+' | b'-' | b'.' | b'0'..=b'9' | b'A'..=b'Z' | b'^'..=b'z' | b'|' | b'~')
}

/// Digits and nothing else: no sign, no list, no blank within.
pub(super) fn content_length(value: &[u8]) -> Option<u64> {
    if value.is_empty() || value.len() > 19 || !value.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(value).ok()?.parse().ok()
}

/// The size of a chunk (RFC 9112 7.1). Extensions are borne with, as the standard asks, if they are
/// plain text; the application never sees them.
fn chunk_size(line: &[u8]) -> Result<u64, Fault> {
    let (digits, extension) = match memchr::memchr(b';', line) {
        Some(at) => line.split_at_checked(at).unwrap_or_default(),
        None => (line, &b""[..]),
    };
    let is_plain = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\t';
    if extension.len() > CHUNK_EXTENSION_BYTES_MAX || !extension.iter().all(is_plain) {
        return Err(Fault::malformed("framing: chunk extension"));
    }
    // More digits than this would not fit; a sign or a prefix is none.
    let is_number = (1..=15).contains(&digits.len()) && digits.iter().all(u8::is_ascii_hexdigit);
    let number = std::str::from_utf8(digits).ok().filter(|_| is_number);
    number
        .and_then(|digits| u64::from_str_radix(digits, 16).ok())
        .ok_or(Fault::malformed("framing: odd chunk size"))
}

const ENDED: Fault = Fault::malformed("framing: bytes after the end");
const CHUNK_EXTENSION_BYTES_MAX: usize = 256;
