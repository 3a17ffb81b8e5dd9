//! What a receiver will never take, kept in a file with the reason: nothing is dropped.

use std::io;
use std::path::PathBuf;

use serde::Serialize;

use super::answer::Refusal;
use super::document::Document;
use super::file;
use super::settings::{ExportName, FileTarget};
use crate::foundation::clock::Timestamp;
use crate::foundation::id::RequestId;

/// The file of what was refused.
#[derive(Clone, Debug)]
pub(super) struct Letters {
    export: ExportName,
    path: PathBuf,
}

/// What stands in it, line by line.
#[derive(Serialize)]
struct Letter<'a> {
    export: &'a ExportName,
    refused_at: Timestamp,
    why: &'a str,
    #[serde(skip_serializing_if = "str::is_empty")]
    said: &'a str,
    event: RequestId,
    sequence: u64,
    document: &'a str,
}

impl Letters {
    pub(super) const fn new(export: ExportName, path: PathBuf) -> Self {
        Self { export, path }
    }

    /// Keeps these; returns when they are on the disk. An error means that they have to be offered again.
    pub(super) async fn keep(
        &self,
        documents: &[Document],
        refusal: &Refusal,
        now: Timestamp,
    ) -> io::Result<()> {
        let mut lines = Vec::new();
        for document in documents {
            let text = String::from_utf8_lossy(&document.bytes);
            let Refusal { why, said } = refusal;
            let letter = Letter {
                export: &self.export,
                refused_at: now,
                why,
                said,
                event: document.event,
                sequence: document.sequence,
                document: &text,
            };
            file::line(&serde_json::to_vec(&letter)?, &mut lines);
        }
        let path = self.path.clone();
        tokio::task::spawn_blocking(move || {
            let taken = std::fs::metadata(&path).map_or(0, |file| file.len());
            // Where so much was refused, it is no accident of single documents: somebody has to look before there is more.
            if taken.saturating_add(lines.len() as u64) > KEPT_BYTES_MAX {
                return Err(io::Error::other(format!(
                    "`{}` has a GiB: look at it and put it aside",
                    path.display()
                )));
            }
            file::append(&FileTarget { path, rotate_bytes: u64::MAX }, &lines, now)
        })
        .await
        .map_err(io::Error::other)?
    }
}

const KEPT_BYTES_MAX: u64 = 1 << 30;
