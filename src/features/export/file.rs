//! A file of lines: whole lines only, on the disk before they count as taken, and put aside once it is large.

use std::fs::{File, OpenOptions};
use std::io::{self, Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use super::settings::FileTarget;
use crate::foundation::clock::Timestamp;

/// Appends `lines`, and returns when they are on the disk. The file is opened each time, so that somebody else may put it aside
/// by renaming it. Blocks.
pub(super) fn append(target: &FileTarget, lines: &[u8], now: Timestamp) -> io::Result<()> {
    let FileTarget { path, rotate_bytes } = target;
    let mut file = open(path)?;
    // Two of ours may write into one file: neither takes what the other has not ended for half a line.
    file.lock()?;
    let length = cut_half_line(&mut file)?;
    if length > 0 && length.saturating_add(lines.len() as u64) > *rotate_bytes {
        std::fs::rename(path, aside(path, now))?;
        file = open(path)?;
        file.lock()?;
    }
    let is_new = file.metadata()?.len() == 0;
    file.write_all(lines)?;
    file.sync_data()?;
    if is_new { sync_folder(path) } else { Ok(()) }
}

/// A line of a document: what breaks a line in it would end it.
pub(super) fn line(document: &[u8], lines: &mut Vec<u8>) {
    let broken = |byte: &u8| matches!(byte, b'\n' | b'\r');
    lines.extend(document.iter().map(|byte| if broken(byte) { b' ' } else { *byte }));
    lines.push(b'\n');
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)
}

/// Cuts what a crash has left of a line: nobody was told that it was taken, so it comes again. Gives the length.
fn cut_half_line(file: &mut File) -> io::Result<u64> {
    let length = file.metadata()?.len();
    let mut end = length;
    let mut piece = Vec::new();
    while end > 0 {
        let begin = end.saturating_sub(PIECE_BYTES);
        file.seek(SeekFrom::Start(begin))?;
        piece.clear();
        file.take(end.saturating_sub(begin)).read_to_end(&mut piece)?;
        if let Some(last) = memchr::memrchr(b'\n', &piece) {
            end = begin.saturating_add(last as u64).saturating_add(1);
            break;
        }
        end = begin;
    }
    if end < length {
        file.set_len(end)?;
    }
    Ok(end)
}

/// The name under which a file is put aside: its own and the moment. Nothing that was put aside is overwritten.
fn aside(path: &Path, now: Timestamp) -> PathBuf {
    let moment = now.to_string().replace(':', "");
    let named = |suffix: String| {
        let mut name = path.as_os_str().to_owned();
        name.push(format!(".{moment}{suffix}"));
        PathBuf::from(name)
    };
    let further = (2..u32::MAX).map(|number| named(format!("-{number}")));
    let mut all = std::iter::once(named(String::new())).chain(further);
    all.find(|name| !name.exists()).unwrap_or_else(|| named(String::new()))
}

fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    File::open(folder)?.sync_all()
}

const PIECE_BYTES: u64 = 64 * 1024;

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_seconds(1_772_352_000);

    fn lines(documents: &[&str]) -> Vec<u8> {
        let mut lines = Vec::new();
        for document in documents {
            line(document.as_bytes(), &mut lines);
        }
        lines
    }

    fn target(folder: &Path, rotate_bytes: u64) -> FileTarget {
        FileTarget { path: folder.join("events.ndjson"), rotate_bytes }
    }

    #[test]
    fn what_a_crash_has_left_of_a_line_is_cut_and_whole_lines_stay() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path(), 1 << 20);
        let long = "x".repeat(200_000);
        for (before, kept) in [
            ("", ""),
            ("half", ""),
            ("one\n", "one\n"),
            ("one\ntw", "one\n"),
            (&*format!("one\n{long}"), "one\n"),
            (&*format!("{long}\nhalf"), &*format!("{long}\n")),
        ] {
            std::fs::write(&target.path, before).unwrap();
            append(&target, &lines(&["two"]), NOW).unwrap();
            assert_eq!(std::fs::read_to_string(&target.path).unwrap(), format!("{kept}two\n"));
        }
    }

    #[test]
    fn a_large_file_is_put_aside_whole_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path(), 10);
        for text in ["a-line", "b-line", "c-line", "a-line-that-is-longer-than-the-bound"] {
            append(&target, &lines(&[text]), NOW).unwrap();
        }
        let mut all: Vec<_> =
            std::fs::read_dir(folder.path()).unwrap().map(|it| it.unwrap().path()).collect();
        all.sort();
        let texts: Vec<_> = all.iter().map(|path| std::fs::read_to_string(path).unwrap()).collect();
        assert_eq!(
            texts,
            ["a-line-that-is-longer-than-the-bound\n", "a-line\n", "b-line\n", "c-line\n"],
            "{all:?}"
        );
    }

    #[test]
    fn a_document_is_one_line_whatever_is_in_it_and_the_file_is_ours_alone() {
        use std::os::unix::fs::PermissionsExt as _;
        let folder = tempfile::tempdir().unwrap();
        let target = target(folder.path(), 1 << 20);
        append(&target, &lines(&["<a>\r\n</a>", "b"]), NOW).unwrap();
        assert_eq!(std::fs::read_to_string(&target.path).unwrap(), "<a>  </a>\nb\n");
        assert_eq!(std::fs::metadata(&target.path).unwrap().permissions().mode() & 0o777, 0o600);
    }
}
