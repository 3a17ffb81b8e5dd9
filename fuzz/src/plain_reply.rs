//! Another reader of replies by HTTP/1.1 (RFC 9112): the whole at once, lenient wherever somebody is, and
//! with a note of whether it had to be.

/// A reply as a lenient reader finds it.
pub struct Plain {
    pub status: u16,
    pub headers: Vec<(String, Vec<u8>)>,
    pub body: Vec<u8>,
    pub trailers: Vec<(String, Vec<u8>)>,
    pub end: End,
    /// Whether another reply may follow on the connection (9.3).
    pub keeps: bool,
    /// Whether all of it is as the grammar wants it, so that nobody may refuse it.
    pub is_strict: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// It ends here.
    At(usize),
    /// It ends with the connection.
    Closed,
    /// More has to come.
    Open,
}

impl Plain {
    /// By name. Where an encoding frames the body, nobody is told of a length (6.3).
    pub fn framed_headers(&self) -> Vec<(String, Vec<u8>)> {
        let is_encoded = self.headers.iter().any(|(name, _)| name == "transfer-encoding");
        let mut headers = self.headers.clone();
        headers.retain(|(name, _)| !is_encoded || name != "content-length");
        headers.sort_by(|one, other| one.0.cmp(&other.0));
        headers
    }

    /// By name.
    pub fn sorted_trailers(&self) -> Vec<(String, Vec<u8>)> {
        let mut trailers = self.trailers.clone();
        trailers.sort_by(|one, other| one.0.cmp(&other.0));
        trailers
    }
}

/// `None`: there is no whole head, or nobody could read it.
pub fn read(bytes: &[u8], is_head: bool) -> Option<Plain> {
    let (mut reader, mut was_strict) = (Reader { bytes, at: 0, is_strict: true }, true);
    loop {
        let (minor, status) = reader.status_line()?;
        let headers = reader.fields(HEADERS_MAX)?;
        was_strict &= reader.is_strict;
        if (100..200).contains(&status) && status != 101 {
            continue;
        }
        let framing = Framing::of(&headers, minor);
        let mut plain = Plain {
            status,
            keeps: framing.keeps(minor),
            is_strict: was_strict && framing.is_strict,
            headers,
            body: Vec::new(),
            trailers: Vec::new(),
            end: End::Open,
        };
        let how = if is_head || matches!(status, 101 | 204 | 304) { How::Length(0) } else { framing.how };
        plain.keeps &= how != How::UntilClosed && status != 101;
        reader.body(how, &mut plain);
        plain.is_strict &= reader.is_strict;
        return Some(plain);
    }
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum How {
    Length(u64),
    Chunked,
    UntilClosed,
}

/// What the headers say of the body (6.3).
struct Framing {
    how: How,
    has_both: bool,
    closes: bool,
    keeps_alive: bool,
    is_strict: bool,
}

impl Framing {
    fn of(headers: &[(String, Vec<u8>)], minor: u8) -> Self {
        let options = |wanted: &str| -> Vec<String> {
            let values = headers.iter().filter(|(name, _)| name == wanted);
            let options = values.flat_map(|(_, value)| value.split(|byte| *byte == b','));
            options.map(|option| String::from_utf8_lossy(option.trim_ascii()).to_ascii_lowercase()).collect()
        };
        let (lengths, codings) = (options("content-length"), options("transfer-encoding"));
        let connection = options("connection");
        let length = lengths.first().and_then(|length| length.parse().ok());
        let how = match (codings.last(), length) {
            (Some(last), _) if last == "chunked" => How::Chunked,
            (None, Some(length)) => How::Length(length),
            (Some(_), _) | (None, None) => How::UntilClosed,
        };
        let one_length = lengths.len() <= 1 && lengths.iter().all(|length| is_number(length));
        let one_coding = codings.is_empty() || codings == ["chunked"] && minor == 1;
        Self {
            how,
            has_both: !lengths.is_empty() && !codings.is_empty(),
            closes: connection.iter().any(|option| option == "close"),
            keeps_alive: connection.iter().any(|option| option == "keep-alive"),
            is_strict: one_length && one_coding,
        }
    }

    fn keeps(&self, minor: u8) -> bool {
        (minor == 1 || self.keeps_alive) && !self.closes && !self.has_both
    }
}

fn is_number(text: &str) -> bool {
    text.bytes().all(|byte| byte.is_ascii_digit()) && text.parse::<u64>().is_ok()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    is_strict: bool,
}

impl<'a> Reader<'a> {
    fn expect(&mut self, is_as_it_should_be: bool) {
        self.is_strict &= is_as_it_should_be;
    }

    /// The next line, without its end: a line feed, with or without a carriage return.
    fn line(&mut self) -> Option<&'a [u8]> {
        let rest = &self.bytes[self.at..];
        let end = rest.iter().position(|byte| *byte == b'\n')?;
        self.at += end + 1;
        let line = rest[..end].strip_suffix(b"\r");
        self.expect(line.is_some() && end < LINE_BYTES);
        Some(line.unwrap_or(&rest[..end]))
    }

    fn status_line(&mut self) -> Option<(u8, u16)> {
        let began = self.at;
        let line = String::from_utf8_lossy(self.line()?);
        let (version, rest) = line.split_once(' ')?;
        let minor = version.strip_prefix("HTTP/1.")?.parse().ok()?;
        let rest = rest.trim_start_matches(' ');
        let status = rest.get(..3)?.parse().ok()?;
        let reason = rest[3..].strip_prefix(' ');
        self.expect(line == format!("HTTP/1.{minor} {status} {}", reason.unwrap_or("\n")));
        self.expect(matches!(minor, 0 | 1) && (100..1000).contains(&status) && is_text(line.as_bytes()));
        // No head may be longer than this; where it ends is seen below.
        self.expect(self.bytes.len() - began < HEAD_BYTES);
        Some((minor, status))
    }

    /// Lines of `name: value`, up to an empty one.
    fn fields(&mut self, most: usize) -> Option<Vec<(String, Vec<u8>)>> {
        let mut fields: Vec<(String, Vec<u8>)> = Vec::new();
        loop {
            let line = self.line()?;
            if line.is_empty() {
                self.expect(fields.len() <= most);
                return Some(fields);
            }
            self.expect(is_text(line));
            if line[0] == b' ' || line[0] == b'\t' {
                self.is_strict = false;
                if let Some((_, value)) = fields.last_mut() {
                    value.extend_from_slice(&[b" ", line.trim_ascii()].concat());
                }
                continue;
            }
            let Some(colon) = line.iter().position(|byte| *byte == b':') else {
                self.is_strict = false;
                continue;
            };
            let name = &line[..colon];
            self.expect(!name.is_empty() && name.iter().all(|byte| is_token(*byte)));
            let name = String::from_utf8_lossy(name.trim_ascii()).to_ascii_lowercase();
            fields.push((name, trimmed(&line[colon + 1..]).to_vec()));
        }
    }

    fn body(&mut self, how: How, plain: &mut Plain) {
        let rest = &self.bytes[self.at..];
        match how {
            How::Length(length) => {
                let has_all = rest.len() as u64 >= length;
                plain.body = if has_all { rest[..length as usize].to_vec() } else { rest.to_vec() };
                plain.end = if has_all { End::At(self.at + length as usize) } else { End::Open };
            }
            How::UntilClosed => (plain.body, plain.end) = (rest.to_vec(), End::Closed),
            How::Chunked => {
                if self.chunks(plain).is_some() {
                    plain.end = End::At(self.at);
                }
            }
        }
    }

    /// `None`: it is not whole.
    fn chunks(&mut self, plain: &mut Plain) -> Option<()> {
        loop {
            let line = self.line()?;
            let digits = line.iter().take_while(|byte| byte.is_ascii_hexdigit()).count();
            let (size, extension) = line.split_at(digits);
            self.expect((1..=16).contains(&digits) && is_text(extension));
            self.expect(extension.is_empty() || extension.starts_with(b";"));
            let size = u64::from_str_radix(std::str::from_utf8(size).ok()?, 16).ok()?;
            if size == 0 {
                plain.trailers = self.fields(TRAILERS_MAX)?;
                return Some(());
            }
            let rest = &self.bytes[self.at..];
            let now = rest.len().min(usize::try_from(size).unwrap_or(usize::MAX));
            plain.body.extend_from_slice(&rest[..now]);
            self.at += now;
            let after = &rest[now..];
            // Where the end of the chunk is not there, somebody takes what is there for the next chunk.
            let end = if after.starts_with(b"\r\n") { 2 } else { usize::from(after.starts_with(b"\n")) };
            self.expect(end == 2 || b"\r\n".starts_with(after));
            if after.len() < 2 && end == 0 {
                return None;
            }
            self.at += end;
        }
    }
}

fn trimmed(mut value: &[u8]) -> &[u8] {
    while let [b' ' | b'\t', rest @ ..] | [rest @ .., b' ' | b'\t'] = value {
        value = rest;
    }
    value
}

fn is_text(bytes: &[u8]) -> bool {
    bytes.iter().all(|byte| matches!(byte, b'\t' | 0x20..=0x7e | 0x80..))
}

/// RFC 9110 5.6.2.
fn is_token(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

const HEADERS_MAX: usize = 100;
const TRAILERS_MAX: usize = 32;
/// What a line, and what the rest of a connection, may have, so that no bound on lines and heads can be at work.
const LINE_BYTES: usize = 4 * 1024;
const HEAD_BYTES: usize = 16 * 1024;
