//! The chunks of a reply (RFC 9112 7.1), strictly: lines end with both bytes, sizes are hexadecimal digits.

use bytes::{Buf as _, Bytes, BytesMut};
use http_body::Frame;

use super::LinkFault;
use super::reply::trailers;

/// Where in its chunks a body is.
#[derive(Debug)]
pub(in super::super) struct Chunks {
    at: At,
    /// Bytes of extensions so far, which mean nothing to us.
    extensions: usize,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum At {
    /// Before the line with the size of a chunk.
    Size,
    /// In a chunk of which so much is to come.
    Data(u64),
    /// Before the end of the line after a chunk.
    DataEnd,
    /// After the last chunk.
    Trailers,
    /// Nothing more is to come.
    Over,
}

impl Default for Chunks {
    /// Before the first.
    fn default() -> Self {
        Self { at: At::Size, extensions: 0 }
    }
}

impl Chunks {
    /// Whether nothing more is to come.
    pub(super) fn is_over(&self) -> bool {
        self.at == At::Over
    }

    /// How many bytes are to come at least.
    pub(super) fn wanted(&self) -> usize {
        match self.at {
            At::Data(left) => usize::try_from(left).unwrap_or(usize::MAX).saturating_add(LINE_END.len()),
            At::Size | At::DataEnd | At::Trailers | At::Over => LINE_END.len(),
        }
    }

    /// Takes the next data or the trailers from what has come; `None`: it is over, or more has to come.
    pub(super) fn next(&mut self, input: &mut BytesMut) -> Result<Option<Frame<Bytes>>, LinkFault> {
        loop {
            match self.at {
                At::Size => {
                    let Some(line) = line(input)? else { return Ok(None) };
                    let size = self.size(&line)?;
                    self.at = if size == 0 { At::Trailers } else { At::Data(size) };
                }
                At::Data(_) if input.is_empty() => return Ok(None),
                At::Data(left) => {
                    let now = usize::try_from(left).unwrap_or(usize::MAX).min(input.len());
                    let left = left - now as u64;
                    self.at = if left == 0 { At::DataEnd } else { At::Data(left) };
                    return Ok(Some(Frame::data(input.split_to(now).freeze())));
                }
                At::DataEnd => {
                    if !takes_line_end(input)? {
                        return Ok(None);
                    }
                    self.at = At::Size;
                }
                At::Trailers => return self.last(input),
                At::Over => return Ok(None),
            }
        }
    }

    /// The size of a chunk, from its line.
    fn size(&mut self, line: &[u8]) -> Result<u64, LinkFault> {
        let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
        let (size, rest) = line.split_at(digits);
        let size = std::str::from_utf8(size).ok().and_then(|size| u64::from_str_radix(size, 16).ok());
        let rest = rest.trim_ascii_start();
        if !rest.is_empty() && !rest.starts_with(b";") || rest.contains(&b'\r') {
            return Err(LinkFault::Malformed("a chunk has no size"));
        }
        self.extensions += rest.len();
        if self.extensions > LINE_BYTES_MAX {
            return Err(LinkFault::Malformed("its chunks have too many extensions"));
        }
        size.ok_or(LinkFault::Malformed("a chunk has no size"))
    }

    /// What comes after the last chunk: nothing in most cases.
    fn last(&mut self, input: &mut BytesMut) -> Result<Option<Frame<Bytes>>, LinkFault> {
        if !input.starts_with(b"\r") {
            let end = memchr::memmem::find(input, END_OF_TRAILERS);
            // All but the last byte of the end may be there.
            within_bounds(end.unwrap_or((input.len() + 1).saturating_sub(END_OF_TRAILERS.len())))?;
            let end = end.map(|end| end + END_OF_TRAILERS.len());
            ends_lines(input.get(..end.unwrap_or(input.len())).unwrap_or_default())?;
            let Some(end) = end else { return Ok(None) };
            self.at = At::Over;
            return Ok(Some(Frame::trailers(trailers(&input.split_to(end).freeze())?)));
        }
        if takes_line_end(input)? {
            self.at = At::Over;
        }
        Ok(None)
    }
}

/// Takes a whole line, without its end.
fn line(input: &mut BytesMut) -> Result<Option<BytesMut>, LinkFault> {
    let end = memchr::memchr(b'\n', input);
    within_bounds(end.unwrap_or(input.len()))?;
    let Some(end) = end else { return Ok(None) };
    let mut line = input.split_to(end + 1);
    ends_lines(&line)?;
    line.truncate(end + 1 - LINE_END.len());
    Ok(Some(line))
}

/// Takes the end of a line, if it is there.
fn takes_line_end(input: &mut BytesMut) -> Result<bool, LinkFault> {
    if !input.iter().zip(LINE_END).all(|(came, expected)| came == expected) {
        return Err(LinkFault::Malformed("a chunk is longer than it says"));
    }
    let is_there = input.len() >= LINE_END.len();
    if is_there {
        input.advance(LINE_END.len());
    }
    Ok(is_there)
}

/// Whether every line feed ends a line, with a carriage return before it.
fn ends_lines(input: &[u8]) -> Result<(), LinkFault> {
    let mut ends = memchr::memchr_iter(b'\n', input);
    if ends.all(|end| input.get(..=end).is_some_and(|line| line.ends_with(LINE_END))) {
        return Ok(());
    }
    Err(LinkFault::Malformed("a line does not end as it has to"))
}

fn within_bounds(length: usize) -> Result<(), LinkFault> {
    if length > LINE_BYTES_MAX {
        return Err(LinkFault::Malformed("a line of its chunks is too long"));
    }
    Ok(())
}

const LINE_END: &[u8] = b"\r\n";
const END_OF_TRAILERS: &[u8] = b"\r\n\r\n";
/// Of one line, of all extensions, and of the trailers.
const LINE_BYTES_MAX: usize = 16 * 1024;
