//! The journal's checkpoints, one by one: a journal of years has millions of them.

use std::fs::File;
use std::io::{self, BufRead as _, BufReader, Read as _, Take};
use std::path::Path;

/// Reads notes that stand behind one another. Bounded memory: a note that is larger than any of ours is cut.
#[derive(Debug)]
pub(in crate::features::audit) struct Notes(Option<BufReader<Take<File>>>, Vec<u8>);

impl Notes {
    /// Those that are in the file now; none where there is no file.
    pub(in crate::features::audit) fn open(path: &Path) -> io::Result<Self> {
        match File::open(path) {
            Ok(file) => {
                let bytes = file.metadata()?.len();
                Ok(Self(Some(BufReader::new(file.take(bytes))), Vec::new()))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Self(None, Vec::new())),
            Err(error) => Err(error),
        }
    }

    /// The next one, or what stands in its place.
    pub(in crate::features::audit) fn next(&mut self) -> io::Result<Option<String>> {
        let Self(Some(file), line) = self else { return Ok(None) };
        let mut note = Vec::new();
        let mut part = Part::Text;
        loop {
            if line.is_empty() && file.by_ref().take(LINE_BYTES_MAX).read_until(b'\n', line)? == 0 {
                break;
            }
            part = match (part, line.as_slice()) {
                (Part::Text, b"\n") if note.is_empty() => Part::Text,
                (Part::Text, b"\n") => Part::Signatures,
                (Part::Text, _) => Part::Text,
                (Part::Signatures, line) if line.starts_with("—".as_bytes()) => Part::Signatures,
                // The next one begins.
                (Part::Signatures, _) => break,
            };
            if !(note.is_empty() && line.as_slice() == b"\n") {
                note.append(line);
            }
            line.clear();
            if note.len() > NOTE_BYTES_MAX {
                break;
            }
        }
        Ok((!note.is_empty()).then(|| String::from_utf8_lossy(&note).into_owned()))
    }
}

enum Part {
    Text,
    Signatures,
}

const LINE_BYTES_MAX: u64 = 16 * 1024;
const NOTE_BYTES_MAX: usize = 64 * 1024;
