//! What the targets of redaction share: a body comes out alike however it is cut.

use leastway::features::guard::redact::{Fault, Redaction};
use leastway::features::guard::settings::GuardSettings;

use crate::input::pieces;

pub const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1 << 20, decompression_ratio: 20, request_body_bytes: 1024 };

/// What `begin` leaves of `body`, whole and cut by `cut`; `None` where it cannot be redacted.
pub fn redacted(begin: impl Fn() -> Redaction, body: &[u8], cut: u8) -> Option<Vec<u8>> {
    let whole = through(begin(), [body]);
    let in_pieces = through(begin(), pieces(body, cut));
    assert_eq!(whole.is_ok(), in_pieces.is_ok(), "{whole:?} {in_pieces:?}");
    let (whole, in_pieces) = (whole.ok()?, in_pieces.ok()?);
    assert_eq!(whole, in_pieces);
    Some(whole)
}

fn through<'a>(
    mut redaction: Redaction,
    pieces: impl IntoIterator<Item = &'a [u8]>,
) -> Result<Vec<u8>, Fault> {
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&redaction.push(piece)?);
    }
    out.extend_from_slice(&redaction.finish()?);
    Ok(out)
}
