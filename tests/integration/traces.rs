//! Where a secret would stand if it got out: in the log of this process, or in a file.

use std::io::{ErrorKind, Write};
use std::path::Path;
use std::sync::{Arc, Mutex};

/// What this process logs, at every level.
#[derive(Clone, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<u8>>>);

impl Log {
    /// Keeps it from now on. Once in a process: the test is alone in it.
    pub(crate) fn keep() -> Self {
        let log = Self::default();
        let writer = log.clone();
        tracing_subscriber::fmt()
            .with_max_level(tracing::Level::TRACE)
            .with_writer(move || writer.clone())
            .init();
        log
    }

    pub(crate) fn bytes(&self) -> Vec<u8> {
        self.0.lock().unwrap().clone()
    }
}

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// Adds every file below a folder: its path, and what is in it.
pub(crate) fn files_below(folder: &Path, places: &mut Vec<(String, Vec<u8>)>) {
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            files_below(&path, places);
        } else {
            match std::fs::read(&path) {
                Ok(bytes) => places.push((path.display().to_string(), bytes)),
                // The database folds its log in when its last connection ends, which may be now.
                Err(error) => assert_eq!(error.kind(), ErrorKind::NotFound, "{}", path.display()),
            }
        }
    }
}

/// Whether it stands there.
pub(crate) fn find(bytes: &[u8], text: &str) -> bool {
    memchr::memmem::find(bytes, text.as_bytes()).is_some()
}
