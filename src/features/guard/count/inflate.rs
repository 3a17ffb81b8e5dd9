//! DEFLATE (RFC 1951) inside of files, decoded in pieces and within bounds.

use flate2::{Decompress, FlushDecompress, Status};

use crate::domain::count::WhyUnknown;

/// Decodes one stream after the other.
pub(super) struct Inflater {
    machine: Decompress,
    output: Box<[u8]>,
    growth: Growth,
}

/// How much came out of what was read, of all streams together.
#[derive(Debug, Clone, Copy)]
pub(super) struct Growth {
    read: u64,
    written: u64,
    ratio_max: u64,
}

/// How far a piece was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Inflated {
    /// Bytes of the piece that belong to the stream.
    pub(super) read: usize,
    /// Whether the stream has ended.
    pub(super) ended: bool,
}

/// Up to here a file may grow however it likes, as a content coding may.
const FREE_BYTES: u64 = 1024 * 1024;

const OUTPUT_BYTES: usize = 16 * 1024;

impl std::fmt::Debug for Inflater {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Inflater").field("growth", &self.growth).finish_non_exhaustive()
    }
}

impl Inflater {
    /// An inflater of which a byte becomes no more than `ratio_max` after the first MiB; with the header and checksum of
    /// zlib (RFC 1950) if `zlib`.
    pub(super) fn new(zlib: bool, ratio_max: u32) -> Self {
        Self {
            machine: Decompress::new(zlib),
            output: vec![0; OUTPUT_BYTES].into_boxed_slice(),
            growth: Growth { read: 0, written: 0, ratio_max: u64::from(ratio_max) },
        }
    }

    /// Another stream begins.
    pub(super) fn restart(&mut self, zlib: bool) {
        self.machine.reset(zlib);
    }

    /// Decodes the next piece of the stream and hands what it means to `look`. What is behind its end is not read.
    pub(super) fn push(
        &mut self,
        piece: &[u8],
        look: &mut dyn FnMut(&[u8]) -> Result<(), WhyUnknown>,
    ) -> Result<Inflated, WhyUnknown> {
        let mut taken = 0;
        loop {
            let rest = piece.get(taken..).unwrap_or_default();
            let (read_before, written_before) = (self.machine.total_in(), self.machine.total_out());
            let status = self.machine.decompress(rest, &mut self.output, FlushDecompress::None);
            let (read, written) =
                (self.machine.total_in() - read_before, self.machine.total_out() - written_before);
            self.growth.read += read;
            self.growth.written += written;
            if self.growth.is_absurd() {
                return Err(WhyUnknown::Undecodable);
            }
            let (read, written) = (bytes(read), bytes(written));
            taken += read;
            // What came out before the stream breaks is looked at too, so that it is told alike however it was cut.
            if written > 0 {
                look(self.output.get(..written).unwrap_or_default())?;
            }
            let status = status.map_err(|_| WhyUnknown::Undecodable)?;
            match status {
                Status::StreamEnd => return Ok(Inflated { read: taken, ended: true }),
                // A full buffer may hide more.
                Status::Ok | Status::BufError if taken == piece.len() && written < self.output.len() => {
                    return Ok(Inflated { read: taken, ended: false });
                }
                Status::Ok | Status::BufError if read == 0 && written == 0 => {
                    return Err(WhyUnknown::Undecodable);
                }
                Status::Ok | Status::BufError => {}
            }
        }
    }
}

impl Growth {
    const fn is_absurd(self) -> bool {
        self.written.saturating_sub(FREE_BYTES) > self.read.saturating_mul(self.ratio_max)
    }
}

/// No more than a piece or the output has.
fn bytes(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
