//! The records that a ZIP archive is made of beside its contents (APPNOTE 6.3.10, section 4.3).

use super::broken;
use crate::domain::count::WhyUnknown;

/// A field is as large as it can be: its value is in the ZIP64 field (section 4.5.3).
const IN_ZIP64: u32 = u32::MAX;

/// Beside the bits that only say how hard the packer tried (1, 2) and that names are UTF-8 (11), that sizes come behind.
const FLAGS_KNOWN: u16 = 0b1000_0000_1110;

const SIZES_BEHIND: u16 = 0b1000;

/// Bits and methods of encryption: 0, 6 and 13.
const FLAGS_ENCRYPTED: u16 = 0b0010_0000_0100_0001;

const ZIP64: u16 = 0x0001;

/// A second spelling of the name, which some readers prefer (section 4.6.9).
const UNICODE_NAME: u16 = 0x7075;

/// How the content of a file is packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Method {
    Stored,
    Deflated,
}

/// What is said of a file, in front of it and in the directory. Where both agree, readers that go by one and by the other
/// find the same.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Described {
    /// Where its header is, from the beginning of the archive.
    pub(super) offset: u64,
    pub(super) method: Method,
    pub(super) checksum: u32,
    pub(super) packed: u64,
    pub(super) size: u64,
    pub(super) name: Vec<u8>,
}

/// The header in front of a file.
#[derive(Debug)]
pub(super) struct Local {
    /// Where sizes come behind, these are not known yet.
    pub(super) described: Described,
    pub(super) sizes_behind: bool,
    /// Sizes are of eight bytes.
    pub(super) is_wide: bool,
}

impl Local {
    /// Its length without the name and the fields behind it.
    pub(super) const FIXED: usize = 30;

    /// How long the whole header is, of which this is the beginning.
    pub(super) fn length(fixed: &[u8]) -> Option<usize> {
        Some(Self::FIXED + usize::from(u16_at(fixed, 26)?) + usize::from(u16_at(fixed, 28)?))
    }

    pub(super) fn read(record: &[u8], offset: u64) -> Result<Self, WhyUnknown> {
        let flags = u16_at(record, 6).ok_or(broken())?;
        let (packed, size) = (u32_at(record, 18).ok_or(broken())?, u32_at(record, 22).ok_or(broken())?);
        let (name, extra) = names(record, Self::FIXED, 26).ok_or(broken())?;
        let mut wide = Wide::read(extra, &name)?;
        let is_wide = wide.is_there;
        let size = wide.value(size)?;
        let packed = wide.value(packed)?;
        let described = Described {
            offset,
            method: method(flags, u16_at(record, 8).ok_or(broken())?)?,
            checksum: u32_at(record, 14).ok_or(broken())?,
            packed,
            size,
            name,
        };
        Ok(Self { described, sizes_behind: flags & SIZES_BEHIND != 0, is_wide })
    }

    /// How many packed bytes follow; none if that is not known. Where stored bytes end nothing says but their size.
    pub(super) const fn packed(&self) -> Option<u64> {
        match self.described.method {
            Method::Deflated if self.sizes_behind && self.described.packed == 0 => None,
            Method::Stored | Method::Deflated => Some(self.described.packed),
        }
    }

    /// How long the sizes behind a file are (section 4.3.9), whose signature may be left out.
    pub(super) const fn behind_length(&self, is_signed: bool) -> usize {
        (if is_signed { 8 } else { 4 }) + (if self.is_wide { 16 } else { 8 })
    }

    /// What is known of the file once the sizes behind it were read.
    pub(super) fn completed(self, behind: &[u8]) -> Option<Described> {
        let is_signed = behind.len() == self.behind_length(true);
        let fields = if is_signed { behind.get(4..)? } else { behind };
        let checksum = u32_at(fields, 0)?;
        let (packed, size) = if self.is_wide {
            (u64_at(fields, 4)?, u64_at(fields, 12)?)
        } else {
            (u64::from(u32_at(fields, 4)?), u64::from(u32_at(fields, 8)?))
        };
        Some(Described { checksum, packed, size, ..self.described })
    }
}

/// What the directory says of a file.
pub(super) struct Listed;

impl Listed {
    pub(super) const FIXED: usize = 46;

    pub(super) fn length(fixed: &[u8]) -> Option<usize> {
        let behind = [28, 30, 32].iter().map(|at| u16_at(fixed, *at).map(usize::from));
        Some(Self::FIXED + behind.sum::<Option<usize>>()?)
    }

    pub(super) fn read(record: &[u8]) -> Result<Described, WhyUnknown> {
        let flags = u16_at(record, 8).ok_or(broken())?;
        let field = |at| u32_at(record, at).ok_or(broken());
        let (name, extra) = names(record, Self::FIXED, 28).ok_or(broken())?;
        let mut wide = Wide::read(extra, &name)?;
        let size = wide.value(field(24)?)?;
        let packed = wide.value(field(20)?)?;
        let offset = wide.value(field(42)?)?;
        let volume = match u16_at(record, 34) {
            Some(u16::MAX) if wide.is_there => u32_at(wide.values, 0),
            written => written.map(u32::from),
        };
        // A volume of several is a part of an archive.
        if volume != Some(0) {
            return Err(broken());
        }
        let method = method(flags, u16_at(record, 10).ok_or(broken())?)?;
        Ok(Described { offset, method, checksum: field(16)?, packed, size, name })
    }
}

/// Where the directory is and how many files it lists.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Directory {
    pub(super) entries: u64,
    pub(super) size: u64,
    pub(super) offset: u64,
}

impl Directory {
    /// The end of an archive (section 4.3.16), without its comment.
    pub(super) const END_FIXED: usize = 22;
    /// The same with ZIP64 (section 4.3.14), without the data that may extend it.
    pub(super) const END64_FIXED: usize = 56;
    pub(super) const LOCATOR: usize = 20;

    /// How long the end is with its comment.
    pub(super) fn end_length(fixed: &[u8]) -> Option<usize> {
        Some(Self::END_FIXED + usize::from(u16_at(fixed, 20)?))
    }

    /// Whether the end says the same, or that ZIP64 says it.
    pub(super) fn is_told_by(self, end: &[u8], wide: Option<Self>) -> bool {
        let short = |at| u16_at(end, at).map(u64::from);
        let long = |at| u32_at(end, at).map(u64::from);
        let says = |told: Option<u64>, most: u64, value: u64| {
            told == Some(value) || told == Some(most) && wide == Some(self)
        };
        let is_first = |at| matches!((u16_at(end, at), wide), (Some(0), _) | (Some(u16::MAX), Some(_)));
        let is_whole = is_first(4) && is_first(6);
        // Whoever looks for the end from behind must not find another in the comment.
        let comment = end.get(Self::END_FIXED..).unwrap_or_default();
        let is_plain = !comment.windows(4).any(|four| four == END);
        is_whole
            && is_plain
            && wide.is_none_or(|wide| wide == self)
            && says(short(8), u64::from(u16::MAX), self.entries)
            && says(short(10), u64::from(u16::MAX), self.entries)
            && says(long(12), u64::from(IN_ZIP64), self.size)
            && says(long(16), u64::from(IN_ZIP64), self.offset)
    }

    /// Reads the end of ZIP64. None if it is extended or of several volumes.
    pub(super) fn read_wide(record: &[u8]) -> Option<Self> {
        let field = |at| u64_at(record, at);
        let is_plain = field(4)? == Self::END64_FIXED as u64 - 12
            && u32_at(record, 16)? == 0
            && u32_at(record, 20)? == 0
            && field(24)? == field(32)?;
        is_plain.then_some(Self { entries: field(32)?, size: field(40)?, offset: field(48)? })
    }

    /// Whether the locator (section 4.3.15) says that the end of ZIP64 is there.
    pub(super) fn is_located(locator: &[u8], offset: u64) -> bool {
        u32_at(locator, 4) == Some(0)
            && u64_at(locator, 8) == Some(offset)
            && u32_at(locator, 16).is_some_and(|volumes| volumes <= 1)
    }
}

/// What begins each record.
pub(super) const LOCAL: &[u8; 4] = b"PK\x03\x04";
pub(super) const LISTED: &[u8; 4] = b"PK\x01\x02";
pub(super) const END64: &[u8; 4] = b"PK\x06\x06";
pub(super) const LOCATED: &[u8; 4] = b"PK\x06\x07";
pub(super) const END: &[u8; 4] = b"PK\x05\x06";
pub(super) const BEHIND: &[u8; 4] = b"PK\x07\x08";

fn method(flags: u16, method: u16) -> Result<Method, WhyUnknown> {
    if flags & FLAGS_ENCRYPTED != 0 || flags & !FLAGS_KNOWN != 0 {
        return Err(WhyUnknown::Coding);
    }
    match method {
        0 => Ok(Method::Stored),
        8 => Ok(Method::Deflated),
        _ => Err(WhyUnknown::Coding),
    }
}

/// The name and the extra fields behind the fixed part; their lengths stand at `lengths`.
fn names(record: &[u8], fixed: usize, lengths: usize) -> Option<(Vec<u8>, &[u8])> {
    let (name, extra) = (usize::from(u16_at(record, lengths)?), usize::from(u16_at(record, lengths + 2)?));
    let (name, rest) = record.get(fixed..)?.split_at_checked(name)?;
    // A zero byte ends a name for some readers.
    let is_one_name = !name.is_empty() && !name.contains(&0);
    is_one_name.then(|| Some((name.to_vec(), rest.get(..extra)?))).flatten()
}

/// The values that do not fit in four bytes, in the order of their fields.
struct Wide<'a> {
    values: &'a [u8],
    is_there: bool,
}

impl<'a> Wide<'a> {
    fn read(extra: &'a [u8], name: &[u8]) -> Result<Self, WhyUnknown> {
        let mut wide = Self { values: &[], is_there: false };
        let mut rest = extra;
        while !rest.is_empty() {
            let (id, length) = u16_at(rest, 0).zip(u16_at(rest, 2)).ok_or(broken())?;
            let (field, after) =
                rest.get(4..).and_then(|rest| rest.split_at_checked(usize::from(length))).ok_or(broken())?;
            match id {
                ZIP64 if wide.is_there => return Err(broken()),
                ZIP64 => wide = Self { values: field, is_there: true },
                UNICODE_NAME if field.get(5..) != Some(name) => return Err(WhyUnknown::Mismatch),
                _ => {}
            }
            rest = after;
        }
        Ok(wide)
    }

    fn value(&mut self, narrow: u32) -> Result<u64, WhyUnknown> {
        if narrow != IN_ZIP64 || !self.is_there {
            return Ok(u64::from(narrow));
        }
        let value = u64_at(self.values, 0).ok_or(broken())?;
        self.values = self.values.get(8..).unwrap_or_default();
        Ok(value)
    }
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    bytes.get(at..)?.first_chunk().map(|two| u16::from_le_bytes(*two))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    bytes.get(at..)?.first_chunk().map(|four| u32::from_le_bytes(*four))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    bytes.get(at..)?.first_chunk().map(|eight| u64::from_le_bytes(*eight))
}
