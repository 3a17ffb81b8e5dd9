//! A file that was read, and how a position in its text becomes a line and a column.

use std::fs::File;
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::locations::Place;

/// The most that one file may hold.
pub(super) const FILE_BYTES_MAX: u64 = 4 << 20;

/// A configuration file with its text.
#[derive(Debug)]
pub(super) struct Source {
    /// The file, as it was named.
    pub(super) name: Arc<str>,
    /// The folder that its relative paths start from.
    pub(super) folder: PathBuf,
    /// What stands in it.
    pub(super) text: String,
    line_starts: Vec<usize>,
}

impl Source {
    pub(super) fn new(path: &Path, text: String) -> Self {
        let after = |(position, _)| position + 1;
        let line_starts = std::iter::once(0).chain(text.match_indices('\n').map(after)).collect();
        let folder = path.parent().map(Path::to_path_buf).unwrap_or_default();
        Self { name: path.to_string_lossy().into(), folder, text, line_starts }
    }

    /// The line and the column of a position in the text.
    pub(super) fn place(&self, position: usize) -> Place {
        let line = self.line_starts.partition_point(|start| *start <= position);
        let start = line.checked_sub(1).and_then(|line| self.line_starts.get(line)).copied().unwrap_or(0);
        let column = self.text.get(start..position).map_or(0, |before| before.chars().count()) + 1;
        let number = |number| u32::try_from(number).unwrap_or(u32::MAX);
        Place { file: self.name.clone(), line: number(line), column: number(column) }
    }
}

/// The bytes of a file, if they are no more than `max`.
pub(super) fn read_bounded(path: &Path, max: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(path)?.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > max {
        return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it is larger than {max} bytes")));
    }
    Ok(bytes)
}

/// Why a file could not be read, in words.
pub(super) fn why(error: &io::Error) -> String {
    if error.kind() == io::ErrorKind::NotFound {
        "there is no such file".to_owned()
    } else {
        error.to_string()
    }
}
