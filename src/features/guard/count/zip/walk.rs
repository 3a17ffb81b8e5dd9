//! Walks through a ZIP archive from its first byte to its last, and hands on what each file in it holds.
//!
//! Most readers begin at the directory behind the files; this begins in front. Both find the same, or the archive is not
//! counted: each file has to be listed with the place, the name, the sizes and the checksum that it was found to have, and
//! each that is listed has to have been found. Nothing may stand in front of the first file, between two, or behind the end.
//! What is kept is one record of the archive at a time, and a sum over keyed hashes in place of a list of all files.

use std::hash::{BuildHasher as _, RandomState};

use flate2::Crc;

use super::broken;
use super::record::{
    BEHIND, Described, Directory, END, END64, LISTED, LOCAL, LOCATED, Listed, Local, Method,
};
use crate::domain::count::WhyUnknown;
use crate::features::guard::count::inflate::Inflater;

/// What is told of an archive, in its order.
pub(in crate::features::guard::count) trait Inside {
    /// A file begins.
    fn begin(&mut self, name: &[u8]) -> Result<(), WhyUnknown>;
    /// What it holds, unpacked.
    fn push(&mut self, piece: &[u8]) -> Result<(), WhyUnknown>;
    /// It is complete.
    fn end(&mut self) -> Result<(), WhyUnknown>;
}

/// The state between two pieces.
#[derive(Debug)]
pub(in crate::features::guard::count) struct Walk {
    place: Place,
    /// How many bytes came before.
    at: u64,
    /// What came of the record that is being read, and how long it will be.
    record: Vec<u8>,
    length: usize,
    inflater: Inflater,
    checksum: Crc,
    /// Bytes of this file, packed and unpacked.
    packed: u64,
    size: u64,
    found: Sum,
    listed: Sum,
    directory_at: u64,
    /// Where the end of ZIP64 is and what it says, and whether that was pointed to.
    wide: Option<(u64, Directory)>,
    located: bool,
}

#[derive(Debug)]
enum Place {
    /// Before a record.
    Signature,
    /// In a record that begins with this.
    Record([u8; 4]),
    /// In what a file holds.
    Content { file: Local },
    /// In the sizes behind a file.
    Behind { file: Local },
    /// The archive has ended.
    Over,
}

/// A longer record, with its name, comment and fields, is refused.
const RECORD_BYTES_MAX: usize = 16 * 1024;

impl Walk {
    /// A walk through an archive of which a byte becomes no more than `ratio_max` after the first MiB.
    pub(in crate::features::guard::count) fn new(ratio_max: u32) -> Self {
        let keys = [RandomState::new(), RandomState::new()];
        Self {
            place: Place::Signature,
            at: 0,
            record: Vec::new(),
            length: 4,
            inflater: Inflater::new(false, ratio_max),
            checksum: Crc::new(),
            packed: 0,
            size: 0,
            found: Sum::new(keys.clone()),
            listed: Sum::new(keys),
            directory_at: 0,
            wide: None,
            located: false,
        }
    }

    /// Whether nothing came at all.
    pub(in crate::features::guard::count) const fn is_empty(&self) -> bool {
        self.at == 0
    }

    /// Reads the next piece.
    pub(in crate::features::guard::count) fn push(
        &mut self,
        piece: &[u8],
        inside: &mut dyn Inside,
    ) -> Result<(), WhyUnknown> {
        let mut rest = piece;
        while !rest.is_empty() {
            let taken = match std::mem::replace(&mut self.place, Place::Over) {
                Place::Content { file } => self.content(rest, file, inside)?,
                Place::Over => return Err(broken()),
                place @ (Place::Signature | Place::Record(_) | Place::Behind { .. }) => {
                    self.gather(rest, place, inside)?
                }
            };
            self.at += taken as u64;
            rest = rest.get(taken..).unwrap_or_default();
        }
        Ok(())
    }

    /// The archive has ended.
    pub(in crate::features::guard::count) const fn finish(&self) -> Result<(), WhyUnknown> {
        match self.place {
            Place::Over => Ok(()),
            Place::Signature | Place::Record(_) | Place::Content { .. } | Place::Behind { .. } => {
                Err(WhyUnknown::Incomplete)
            }
        }
    }

    /// Takes what the record lacks, and reads it once it is whole.
    fn gather(&mut self, rest: &[u8], place: Place, inside: &mut dyn Inside) -> Result<usize, WhyUnknown> {
        let missing = self.length.saturating_sub(self.record.len());
        let part = rest.get(..missing).unwrap_or(rest);
        self.record.extend_from_slice(part);
        self.place = place;
        if self.record.len() == self.length {
            let record = std::mem::take(&mut self.record);
            let begin = (self.at + part.len() as u64).saturating_sub(record.len() as u64);
            let kept = self.advance(&record, begin, inside)?;
            self.record = record;
            if !kept {
                self.record.clear();
            }
            if self.length > RECORD_BYTES_MAX {
                return Err(broken());
            }
        }
        Ok(part.len())
    }

    /// What was gathered is long enough to be read; whether it is only the beginning of a record.
    fn advance(&mut self, record: &[u8], begin: u64, inside: &mut dyn Inside) -> Result<bool, WhyUnknown> {
        let length = self.length;
        match std::mem::replace(&mut self.place, Place::Signature) {
            Place::Signature => {
                let signature: [u8; 4] = record.try_into().map_err(|_| broken())?;
                self.length = self.record_length(signature, begin)?;
                self.place = Place::Record(signature);
                Ok(true)
            }
            Place::Record(signature) => {
                let whole = match &signature {
                    LOCAL => Local::length(record),
                    LISTED => Listed::length(record),
                    END => Directory::end_length(record),
                    _ => Some(length),
                };
                let whole = whole.ok_or(broken())?;
                if whole > length {
                    self.length = whole;
                    self.place = Place::Record(signature);
                    return Ok(true);
                }
                self.length = 4;
                self.read(signature, record, begin, inside)?;
                Ok(false)
            }
            Place::Behind { file } => {
                if length == 4 {
                    self.length = file.behind_length(record == BEHIND);
                    self.place = Place::Behind { file };
                    return Ok(true);
                }
                self.length = 4;
                self.end_file(&file.completed(record).ok_or(broken())?, inside)?;
                Ok(false)
            }
            Place::Content { .. } | Place::Over => Err(broken()),
        }
    }

    /// How long the fixed part of a record is that may stand here.
    fn record_length(&mut self, signature: [u8; 4], begin: u64) -> Result<usize, WhyUnknown> {
        let (in_files, in_directory) = (self.directory_at == 0, self.wide.is_none());
        match &signature {
            LOCAL if in_files => Ok(Local::FIXED),
            LISTED if in_directory => {
                if in_files {
                    self.directory_at = begin;
                }
                Ok(Listed::FIXED)
            }
            END64 if in_directory && !in_files => Ok(Directory::END64_FIXED),
            LOCATED if !in_directory && !self.located => Ok(Directory::LOCATOR),
            END if in_directory || self.located => Ok(Directory::END_FIXED),
            _ if begin == 0 => Err(WhyUnknown::Mismatch),
            _ => Err(broken()),
        }
    }

    fn read(
        &mut self,
        signature: [u8; 4],
        record: &[u8],
        begin: u64,
        inside: &mut dyn Inside,
    ) -> Result<(), WhyUnknown> {
        match &signature {
            LOCAL => self.begin(Local::read(record, begin)?, inside),
            LISTED => {
                self.listed.add(&Listed::read(record)?);
                Ok(())
            }
            END64 => {
                let wide = Directory::read_wide(record).ok_or(broken())?;
                if wide != self.directory(begin) {
                    return Err(WhyUnknown::Mismatch);
                }
                self.wide = Some((begin, wide));
                Ok(())
            }
            LOCATED => {
                self.located = self.wide.is_some_and(|(at, _)| Directory::is_located(record, at));
                if self.located { Ok(()) } else { Err(WhyUnknown::Mismatch) }
            }
            _ => {
                let wide = self.wide.map(|(_, wide)| wide);
                let directory = wide.unwrap_or_else(|| self.directory(begin));
                if !self.found.agrees_with(&self.listed) || !directory.is_told_by(record, wide) {
                    return Err(WhyUnknown::Mismatch);
                }
                self.place = Place::Over;
                Ok(())
            }
        }
    }

    /// What the directory was found to be that ends here.
    fn directory(&self, end: u64) -> Directory {
        // Without files there is none, and it is where it ends.
        let offset = if self.listed.number == 0 { end } else { self.directory_at };
        Directory { entries: self.listed.number, size: end.saturating_sub(offset), offset }
    }

    fn begin(&mut self, file: Local, inside: &mut dyn Inside) -> Result<(), WhyUnknown> {
        inside.begin(&file.described.name)?;
        self.checksum.reset();
        self.inflater.restart(false);
        (self.packed, self.size) = (0, 0);
        if file.packed() == Some(0) {
            return self.end_content(file, inside);
        }
        self.place = Place::Content { file };
        Ok(())
    }

    /// Takes what belongs to the file.
    fn content(&mut self, rest: &[u8], file: Local, inside: &mut dyn Inside) -> Result<usize, WhyUnknown> {
        let left = file.packed().map(|packed| packed.saturating_sub(self.packed));
        let most = left.map_or(rest.len(), |left| usize::try_from(left).unwrap_or(usize::MAX));
        let part = rest.get(..most).unwrap_or(rest);
        let (checksum, size) = (&mut self.checksum, &mut self.size);
        let mut look = |piece: &[u8]| {
            checksum.update(piece);
            *size += piece.len() as u64;
            inside.push(piece)
        };
        let (read, ended) = match file.described.method {
            Method::Stored => {
                look(part)?;
                (part.len(), left == Some(part.len() as u64))
            }
            Method::Deflated => {
                let inflated = self.inflater.push(part, &mut look)?;
                (inflated.read, inflated.ended)
            }
        };
        self.packed += read as u64;
        let has_more = left.map(|left| left > read as u64);
        match (ended, has_more) {
            (true, None | Some(false)) => self.end_content(file, inside)?,
            (false, None | Some(true)) => self.place = Place::Content { file },
            // Packed bytes behind the end of the stream, or a stream behind the end of the packed bytes.
            (true, Some(true)) | (false, Some(false)) => return Err(broken()),
        }
        Ok(read)
    }

    /// The last packed byte came, if there are any.
    fn end_content(&mut self, file: Local, inside: &mut dyn Inside) -> Result<(), WhyUnknown> {
        if file.sizes_behind {
            self.place = Place::Behind { file };
            return Ok(());
        }
        self.place = Place::Signature;
        self.end_file(&file.described, inside)
    }

    fn end_file(&mut self, described: &Described, inside: &mut dyn Inside) -> Result<(), WhyUnknown> {
        if described.packed != self.packed {
            return Err(broken());
        }
        if described.checksum != self.checksum.sum() || described.size != self.size {
            return Err(WhyUnknown::Undecodable);
        }
        self.found.add(described);
        inside.end()
    }
}

/// Which files there are, in any order: a sum over hashes that nobody outside can foresee.
#[derive(Debug)]
struct Sum {
    keys: [RandomState; 2],
    hashes: [u64; 2],
    number: u64,
}

impl Sum {
    fn new(keys: [RandomState; 2]) -> Self {
        Self { keys, hashes: [0; 2], number: 0 }
    }

    fn add(&mut self, file: &Described) {
        for (hash, key) in self.hashes.iter_mut().zip(&self.keys) {
            *hash = hash.wrapping_add(key.hash_one(file));
        }
        self.number += 1;
    }

    fn agrees_with(&self, other: &Self) -> bool {
        self.number == other.number && self.hashes == other.hashes
    }
}
