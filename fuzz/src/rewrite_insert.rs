//! A tag is put into a page at one place, the same however the page comes in pieces, and nothing of the page is lost.

use leastway::features::rewrite::insert::Insertion;

use crate::input::{Input, pieces};

const TAG: &[u8] = b"<script src=x></script>";

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cut = input.byte();
    let page = input.rest();
    let whole = through([page].into_iter());
    assert_eq!(through(pieces(page, cut)), whole);
    if whole.len() > page.len() {
        assert_eq!(whole.len(), page.len() + TAG.len());
        let mut places = (0..=page.len()).filter(|at| whole[*at..].starts_with(TAG));
        assert!(places.any(|at| whole[..at] == page[..at] && whole[at + TAG.len()..] == page[at..]));
    } else {
        assert_eq!(whole, page);
    }
}

fn through<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut insertion = Insertion::new(bytes::Bytes::from_static(TAG));
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&insertion.push(piece.to_vec().into()));
    }
    out.extend_from_slice(&insertion.finish());
    assert!(insertion.is_settled());
    out
}
