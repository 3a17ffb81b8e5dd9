//! The head of a reply, and how its body ends: where it could end in two places, it is no reply.

use std::mem::MaybeUninit;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::{CONNECTION, CONTENT_LENGTH, HeaderName, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version};
use http_body::{Frame, SizeHint};
use hyper::ext::ReasonPhrase;

use super::chunks::Chunks;
use super::{Link, LinkFault, READ_BYTES, Socket};

/// The head of a reply.
#[derive(Debug)]
pub(in super::super) struct Head {
    pub(in super::super) reply: Response<()>,
    pub(in super::super) content: Content,
    /// Whether another request may follow on the connection.
    pub(in super::super) keeps: bool,
}

/// What is still to come of a body, and how it ends.
#[derive(Debug)]
pub(in super::super) enum Content {
    /// Nothing.
    None,
    /// So many bytes, more than none.
    Length(u64),
    /// Chunks (RFC 9112 7.1).
    Chunked(Chunks),
    /// Whatever comes until the connection is closed.
    UntilClosed,
}

/// Takes the head of a reply from what has come, if all of it has. `looked_at` bytes hold no end of it.
pub(super) fn split_head(input: &mut BytesMut, looked_at: &mut usize) -> Result<Option<Bytes>, LinkFault> {
    let begins_well = input.iter().zip(BEGINNING).all(|(came, expected)| came == expected);
    if !begins_well {
        return Err(LinkFault::Malformed("it does not begin with HTTP/1."));
    }
    let end = end_of_head(input, *looked_at);
    if end.unwrap_or(input.len()) > HEAD_BYTES_MAX {
        return Err(LinkFault::Malformed("its head is too large"));
    }
    let Some(end) = end else {
        // The last two bytes may be a part of the end.
        *looked_at = input.len().saturating_sub(2);
        return Ok(None);
    };
    *looked_at = 0;
    Ok(Some(input.split_to(end).freeze()))
}

/// After the first empty line. Lines end as the parser lets them: with or without a carriage return.
fn end_of_head(bytes: &[u8], from: usize) -> Option<usize> {
    memchr::memchr_iter(b'\n', bytes.get(from..)?).find_map(|position| {
        let after = from + position + 1;
        match bytes.get(after..)? {
            [b'\n', ..] => Some(after + 1),
            [b'\r', b'\n', ..] => Some(after + 2),
            _ => None,
        }
    })
}

/// Reads the head of a reply to a request of this method; `None`: an interim one.
pub(super) fn read(bytes: &Bytes, method: &Method) -> Result<Option<Head>, LinkFault> {
    let mut space = [const { MaybeUninit::uninit() }; HEADERS_MAX];
    let mut parsed = httparse::Response::new(&mut []);
    let length =
        httparse::ParserConfig::default().parse_response_with_uninit_headers(&mut parsed, bytes, &mut space);
    if length != Ok(httparse::Status::Complete(bytes.len())) {
        return Err(LinkFault::Malformed("its head cannot be read"));
    }
    let status = parsed.code.and_then(|code| StatusCode::from_u16(code).ok());
    let status = status.ok_or(LinkFault::Malformed("its status is none"))?;
    if status.is_informational() && status != StatusCode::SWITCHING_PROTOCOLS {
        return Ok(None);
    }
    let mut reply = Response::new(());
    *reply.status_mut() = status;
    *reply.version_mut() = if parsed.version == Some(1) { Version::HTTP_11 } else { Version::HTTP_10 };
    if let Some(reason) = parsed.reason.filter(|reason| Some(*reason) != status.canonical_reason())
        && let Ok(reason) = ReasonPhrase::try_from(reason.as_bytes())
    {
        reply.extensions_mut().insert(reason);
    }
    let mut framing = Framing::default();
    let headers = reply.headers_mut();
    headers.reserve(parsed.headers.len());
    for header in parsed.headers.iter() {
        let malformed = || LinkFault::Malformed("a header is none");
        let name = HeaderName::from_bytes(header.name.as_bytes()).map_err(|_| malformed())?;
        let value = HeaderValue::from_maybe_shared(bytes.slice_ref(header.value)).map_err(|_| malformed())?;
        framing.note(&name, &value)?;
        headers.append(name, value);
    }
    let keeps = framing.keeps(reply.version());
    let content = framing.content(method, &reply)?;
    let keeps =
        keeps && !matches!(content, Content::UntilClosed) && status != StatusCode::SWITCHING_PROTOCOLS;
    if framing.encoding.is_some() {
        // The encoding frames it (RFC 9112 6.3).
        reply.headers_mut().remove(CONTENT_LENGTH);
    }
    Ok(Some(Head { reply, content, keeps }))
}

/// What the headers say of where the body ends, and of what follows.
#[derive(Debug, Default)]
struct Framing {
    length: Option<u64>,
    encoding: Option<Encoding>,
    closes: bool,
    keeps_alive: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Encoding {
    Chunked,
    /// Of old servers; means nothing (RFC 2616 3.6).
    Identity,
}

impl Framing {
    fn note(&mut self, name: &HeaderName, value: &HeaderValue) -> Result<(), LinkFault> {
        let mut options = value.as_bytes().split(|byte| *byte == b',').map(<[u8]>::trim_ascii);
        if *name == CONTENT_LENGTH {
            for length in options {
                let length = number(length).ok_or(LinkFault::Malformed("its length is no number"))?;
                if self.length.is_some_and(|other| other != length) {
                    return Err(LinkFault::Malformed("it has two lengths"));
                }
                self.length = Some(length);
            }
        } else if *name == TRANSFER_ENCODING {
            let encoding = match (options.next(), options.next()) {
                (Some(one), None) if one.eq_ignore_ascii_case(b"chunked") => Encoding::Chunked,
                (Some(one), None) if one.eq_ignore_ascii_case(b"identity") => Encoding::Identity,
                _ => return Err(LinkFault::Malformed("its transfer encoding is unknown")),
            };
            if self.encoding.replace(encoding).is_some() {
                return Err(LinkFault::Malformed("it has two transfer encodings"));
            }
        } else if *name == CONNECTION {
            for option in options {
                self.closes |= option.eq_ignore_ascii_case(b"close");
                self.keeps_alive |= option.eq_ignore_ascii_case(b"keep-alive");
            }
        }
        Ok(())
    }

    /// Whether the connection goes on (RFC 9112 9.3). After a reply that says in two ways how long it is, it
    /// does not (6.3).
    const fn keeps(&self, version: Version) -> bool {
        let is_ambiguous = self.length.is_some() && self.encoding.is_some();
        let goes_on = matches!(version, Version::HTTP_11) || self.keeps_alive;
        goes_on && !self.closes && !is_ambiguous
    }

    /// How the body ends (RFC 9112 6.3).
    fn content(&self, method: &Method, reply: &Response<()>) -> Result<Content, LinkFault> {
        let status = reply.status();
        let has_none = status.is_informational()
            || matches!(status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED)
            || *method == Method::HEAD;
        if has_none {
            return Ok(Content::None);
        }
        Ok(match (self.encoding, self.length) {
            (Some(_), _) if reply.version() == Version::HTTP_10 => {
                return Err(LinkFault::Malformed("HTTP/1.0 has no transfer encoding"));
            }
            (Some(Encoding::Chunked), _) => Content::Chunked(Chunks::default()),
            (None, Some(0)) => Content::None,
            (None, Some(length)) => Content::Length(length),
            (Some(Encoding::Identity), _) | (None, None) => Content::UntilClosed,
        })
    }
}

/// Digits and nothing else.
fn number(digits: &[u8]) -> Option<u64> {
    let digits = std::str::from_utf8(digits).ok()?;
    digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse().ok())?
}

impl Content {
    /// Whether nothing more is to come.
    pub(in super::super) const fn is_over(&self) -> bool {
        matches!(self, Self::None)
    }

    pub(in super::super) fn size_hint(&self) -> SizeHint {
        match self {
            Self::None => SizeHint::with_exact(0),
            Self::Length(length) => SizeHint::with_exact(*length),
            Self::Chunked(_) | Self::UntilClosed => SizeHint::default(),
        }
    }

    /// All of it, where it has come with the head and its length was told there.
    pub(in super::super) fn take_whole<S>(&mut self, link: &mut Link<S>) -> Option<Bytes> {
        let Self::Length(length) = self else { return None };
        let length = usize::try_from(*length).ok().filter(|length| *length <= link.input.len())?;
        *self = Self::None;
        Some(link.input.split_to(length).freeze())
    }

    /// What comes next; `None`: nothing more.
    pub(in super::super) fn poll_frame<S: Socket>(
        &mut self,
        link: &mut Link<S>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, LinkFault>>> {
        match self {
            Self::None => Poll::Ready(None),
            Self::Length(left) => {
                let wanted = usize::try_from(*left).unwrap_or(usize::MAX);
                if link.input.is_empty() {
                    ready!(link.poll_fill(wanted, context))?;
                }
                let data = link.input.split_to(wanted.min(link.input.len())).freeze();
                *left -= data.len() as u64;
                if *left == 0 {
                    *self = Self::None;
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Self::Chunked(chunks) => loop {
                if let Some(frame) = chunks.next(&mut link.input)? {
                    return Poll::Ready(Some(Ok(frame)));
                }
                if chunks.is_over() {
                    *self = Self::None;
                    return Poll::Ready(None);
                }
                ready!(link.poll_fill(chunks.wanted(), context))?;
            },
            Self::UntilClosed => {
                if link.input.is_empty()
                    && ready!(link.poll_more(READ_BYTES, context)).map_err(LinkFault::Broken)? == 0
                {
                    *self = Self::None;
                    return Poll::Ready(None);
                }
                Poll::Ready(Some(Ok(Frame::data(link.input.split().freeze()))))
            }
        }
    }
}

/// Trailer fields (RFC 9110 6.5), with the empty line after them.
pub(super) fn trailers(bytes: &Bytes) -> Result<HeaderMap, LinkFault> {
    let mut space = [httparse::EMPTY_HEADER; TRAILERS_MAX];
    let malformed = || LinkFault::Malformed("its trailers cannot be read");
    let Ok(httparse::Status::Complete((length, fields))) = httparse::parse_headers(bytes, &mut space) else {
        return Err(malformed());
    };
    if length != bytes.len() {
        return Err(malformed());
    }
    let field = |field: &httparse::Header<'_>| {
        let name = HeaderName::from_bytes(field.name.as_bytes()).ok()?;
        Some((name, HeaderValue::from_bytes(field.value).ok()?))
    };
    let mut trailers = HeaderMap::new();
    for found in fields {
        let (name, value) = field(found).ok_or_else(malformed)?;
        trailers.append(name, value);
    }
    Ok(trailers)
}

const BEGINNING: &[u8] = b"HTTP/1.";
/// Of the head of a reply, and of the interim ones before it.
pub(super) const HEAD_BYTES_MAX: usize = 64 * 1024;
const HEADERS_MAX: usize = 100;
const TRAILERS_MAX: usize = 32;
