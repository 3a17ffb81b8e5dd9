//! Literals are found in pieces of any size as a plain reading of the whole finds them, leftmost first.

use std::sync::{Arc, LazyLock};

use leastway::features::rewrite::literal::{Literals, Search};
use leastway::features::rewrite::settings::Literal;

use crate::input::{Input, pieces};

const PAIRS: [(&str, &str); 3] = [("http://a", "https://bb"), ("aaab", ""), ("//a/", "http://a")];

static LITERALS: LazyLock<Arc<Literals>> = LazyLock::new(|| {
    let literal =
        |(find, replace): (&str, &str)| Literal { find: find.to_owned(), replace: replace.to_owned() };
    Arc::new(Literals::new(&PAIRS.map(literal)))
});

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let cut = input.byte();
    let text = input.rest();
    let expected = plain(text);
    assert_eq!(through(pieces(text, cut)), expected);
    assert_eq!(through([text].into_iter()), expected);
}

fn through<'a>(pieces: impl Iterator<Item = &'a [u8]>) -> Vec<u8> {
    let mut search = Search::new(LITERALS.clone());
    let mut out = Vec::new();
    for piece in pieces {
        out.extend_from_slice(&search.push(piece.to_vec().into()));
    }
    out.extend_from_slice(&search.finish());
    assert!(search.is_settled());
    out
}

fn plain(mut rest: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    while let Some(first) = rest.first() {
        match PAIRS.iter().find(|(find, _)| rest.starts_with(find.as_bytes())) {
            Some((find, replace)) => {
                out.extend_from_slice(replace.as_bytes());
                rest = &rest[find.len()..];
            }
            None => {
                out.push(*first);
                rest = &rest[1..];
            }
        }
    }
    out
}
