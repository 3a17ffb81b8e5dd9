//! Content codings (RFC 9110 section 8.4), decoded in pieces, for looking only: what is forwarded is
//! the original bytes.
//!
//! Exactly one coding. Whatever does not decode to its very end, has something behind its end, or
//! grows beyond measure is not decoded.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};
use http::HeaderMap;
use http::header::CONTENT_ENCODING;
use zstd::stream::raw::{DParameter, Decoder as ZstdDecoder, InBuffer, Operation as _, OutBuffer};

/// The content coding that a message declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coding {
    /// None.
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, and what some servers send in its place: RFC 1951.
    Deflate,
    /// RFC 7932.
    Brotli,
    /// RFC 8878.
    Zstd,
    /// One that we do not decode, or several.
    Foreign,
}

/// Why a body is not decoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum CodingFault {
    /// One that we do not decode, or several one inside the other.
    #[error("a content coding that is not decoded")]
    Foreign,
    /// It does not decode, has something behind its end, or grows beyond measure.
    #[error("the body does not decode")]
    Undecodable,
    /// It ended before it was complete.
    #[error("the body ended before it was complete")]
    Incomplete,
}

impl Coding {
    /// The coding that these headers declare, over all their lines.
    pub fn read(headers: &HeaderMap) -> Self {
        let mut coding = Self::Identity;
        for value in headers.get_all(CONTENT_ENCODING) {
            for name in value.as_bytes().split(|byte| *byte == b',') {
                let name = name.trim_ascii().to_ascii_lowercase();
                let next = match name.as_slice() {
                    b"" | b"identity" => continue,
                    b"gzip" | b"x-gzip" => Self::Gzip,
                    b"deflate" => Self::Deflate,
                    b"br" => Self::Brotli,
                    b"zstd" => Self::Zstd,
                    _ => Self::Foreign,
                };
                coding = if coding == Self::Identity { next } else { Self::Foreign };
            }
        }
        coding
    }
}

/// Decodes one body.
pub struct Decoder {
    machine: Machine,
    output: Box<[u8]>,
    bytes_in: u64,
    bytes_out: u64,
    ratio_max: u64,
}

enum Machine {
    Identity,
    Gzip {
        inflate: Box<Decompress>,
        at: Member,
    },
    /// Zlib, or raw deflate as some servers send: the first byte tells.
    Deflate {
        inflate: Option<Box<Decompress>>,
        ended: bool,
    },
    Brotli {
        state: Box<Brotli>,
        ended: bool,
    },
    Zstd {
        decoder: ZstdDecoder<'static>,
        within_frame: bool,
    },
}

type Brotli = BrotliState<StandardAlloc, StandardAlloc, StandardAlloc>;

/// Where in a sequence of gzip members (RFC 1952 section 2.2).
#[derive(Clone, Copy, PartialEq, Eq)]
enum Member {
    Begin,
    Within,
    End,
}

/// Up to here a body may grow however it likes.
const FREE_BYTES: u64 = 1024 * 1024;

const OUTPUT_BYTES: usize = 32 * 1024;

/// What a browser takes at most (RFC 9659: 8 MiB).
const ZSTD_WINDOW_LOG_MAX: u32 = 23;

const WINDOW_BITS: u8 = 15;

impl std::fmt::Debug for Decoder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Decoder")
            .field("bytes_in", &self.bytes_in)
            .field("bytes_out", &self.bytes_out)
            .finish_non_exhaustive()
    }
}

impl Decoder {
    /// A decoder for `coding`, in which a byte becomes no more than `ratio_max` after the first MiB.
    pub fn new(coding: Coding, ratio_max: u32) -> Result<Self, CodingFault> {
        let machine = match coding {
            Coding::Identity => Machine::Identity,
            Coding::Gzip => {
                Machine::Gzip { inflate: Box::new(Decompress::new_gzip(WINDOW_BITS)), at: Member::Begin }
            }
            Coding::Deflate => Machine::Deflate { inflate: None, ended: false },
            Coding::Brotli => {
                let (bytes, words, codes) =
                    (StandardAlloc::default(), StandardAlloc::default(), StandardAlloc::default());
                Machine::Brotli { state: Box::new(Brotli::new_strict(bytes, words, codes)), ended: false }
            }
            Coding::Zstd => {
                let mut decoder = ZstdDecoder::new().map_err(|_| CodingFault::Undecodable)?;
                decoder
                    .set_parameter(DParameter::WindowLogMax(ZSTD_WINDOW_LOG_MAX))
                    .map_err(|_| CodingFault::Undecodable)?;
                Machine::Zstd { decoder, within_frame: false }
            }
            Coding::Foreign => return Err(CodingFault::Foreign),
        };
        let output = if matches!(machine, Machine::Identity) { Vec::new() } else { vec![0; OUTPUT_BYTES] };
        Ok(Self {
            machine,
            output: output.into_boxed_slice(),
            bytes_in: 0,
            bytes_out: 0,
            ratio_max: u64::from(ratio_max),
        })
    }

    /// Decodes the next piece and hands what it means to `look`.
    pub fn push(&mut self, piece: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), CodingFault> {
        self.bytes_in += piece.len() as u64;
        if matches!(self.machine, Machine::Identity) {
            self.bytes_out += piece.len() as u64;
            look(piece);
            return Ok(());
        }
        let mut rest = piece;
        loop {
            let (read, written) =
                self.machine.step(rest, &mut self.output).ok_or(CodingFault::Undecodable)?;
            self.bytes_out += written as u64;
            if self.bytes_out.saturating_sub(FREE_BYTES) > self.bytes_in.saturating_mul(self.ratio_max) {
                return Err(CodingFault::Undecodable);
            }
            if written > 0 {
                look(self.output.get(..written).unwrap_or_default());
            }
            rest = rest.get(read..).unwrap_or_default();
            // A full buffer may hide more; a piece that is neither read nor written from is finished with.
            if (rest.is_empty() && written < self.output.len()) || (read == 0 && written == 0) {
                break;
            }
        }
        if rest.is_empty() { Ok(()) } else { Err(CodingFault::Undecodable) }
    }

    /// How many bytes it was, decoded.
    pub const fn bytes_out(&self) -> u64 {
        self.bytes_out
    }

    /// The body is complete. An empty body is complete in every coding.
    pub fn finish(&self) -> Result<(), CodingFault> {
        let complete = self.bytes_in == 0
            || match &self.machine {
                Machine::Identity => true,
                Machine::Gzip { at, .. } => *at == Member::End,
                Machine::Deflate { ended, .. } | Machine::Brotli { ended, .. } => *ended,
                Machine::Zstd { within_frame, .. } => !within_frame,
            };
        if complete { Ok(()) } else { Err(CodingFault::Incomplete) }
    }
}

impl Machine {
    /// One step: how much of `input` was read and how much of `output` written; none if it does not decode.
    fn step(&mut self, input: &[u8], output: &mut [u8]) -> Option<(usize, usize)> {
        match self {
            Self::Identity => Some((input.len(), 0)),
            Self::Gzip { inflate, at } => gunzip(inflate, at, input, output),
            Self::Deflate { inflate, ended } => {
                if *ended {
                    return input.is_empty().then_some((0, 0));
                }
                // Zlib's first byte names method 8 and a window of at most 32 KiB (RFC 1950 section 2.2). A raw
                // stream that begins so would be a stored block of odd length: nobody sends it.
                let is_zlib = |first: &u8| first & 0x0F == 8 && first >> 4 <= 7;
                let inflate = match (inflate, input.first()) {
                    (Some(inflate), _) => inflate,
                    (none, Some(first)) => none.insert(Box::new(Decompress::new(is_zlib(first)))),
                    (None, None) => return Some((0, 0)),
                };
                let (read, written, end) = inflated(inflate, input, output)?;
                *ended = end;
                Some((read, written))
            }
            Self::Brotli { state, ended } => unbrotli(state, ended, input, output),
            Self::Zstd { decoder, within_frame } => {
                let (mut source, mut sink) = (InBuffer::around(input), OutBuffer::around(output));
                let hint = decoder.run(&mut source, &mut sink).ok()?;
                if source.pos() > 0 || sink.pos() > 0 {
                    *within_frame = hint > 0;
                }
                Some((source.pos(), sink.pos()))
            }
        }
    }
}

fn gunzip(
    inflate: &mut Decompress,
    at: &mut Member,
    input: &[u8],
    output: &mut [u8],
) -> Option<(usize, usize)> {
    if input.is_empty() && *at != Member::Within {
        return Some((0, 0));
    }
    if *at == Member::End {
        // What follows a member has to be another one.
        *inflate = Decompress::new_gzip(WINDOW_BITS);
    }
    let (read, written, end) = inflated(inflate, input, output)?;
    *at = if end { Member::End } else { Member::Within };
    Some((read, written))
}

fn inflated(inflate: &mut Decompress, input: &[u8], output: &mut [u8]) -> Option<(usize, usize, bool)> {
    let (read_before, written_before) = (inflate.total_in(), inflate.total_out());
    let status = inflate.decompress(input, output, FlushDecompress::None).ok()?;
    let read = usize::try_from(inflate.total_in() - read_before).ok()?;
    let written = usize::try_from(inflate.total_out() - written_before).ok()?;
    match status {
        Status::Ok | Status::BufError => Some((read, written, false)),
        Status::StreamEnd => Some((read, written, true)),
    }
}

fn unbrotli(state: &mut Brotli, ended: &mut bool, input: &[u8], output: &mut [u8]) -> Option<(usize, usize)> {
    if *ended {
        return input.is_empty().then_some((0, 0));
    }
    let (mut available_in, mut read) = (input.len(), 0);
    let (mut available_out, mut written, mut total) = (output.len(), 0, 0);
    let result = BrotliDecompressStream(
        &mut available_in,
        &mut read,
        input,
        &mut available_out,
        &mut written,
        output,
        &mut total,
        state,
    );
    match result {
        BrotliResult::ResultSuccess => *ended = true,
        BrotliResult::NeedsMoreInput | BrotliResult::NeedsMoreOutput => {}
        BrotliResult::ResultFailure => return None,
    }
    Some((read, written))
}
