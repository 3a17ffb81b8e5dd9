//! Literals are found in pieces of any size as in the whole, and only the beginning of one ever waits.
#![no_main]

use std::sync::Arc;

use leastway::features::rewrite::literal::{Literals, Search};
use leastway::features::rewrite::settings::Literal;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &[u8])| {
    let (cut, text) = input;
    let literal =
        |(find, replace): (&str, &str)| Literal { find: find.to_owned(), replace: replace.to_owned() };
    let literals = [("http://a", "https://bb"), ("aaab", ""), ("//a/", "http://a")].map(literal);
    let literals = Arc::new(Literals::new(&literals));
    let through = |size: usize| {
        let mut search = Search::new(literals.clone());
        let mut out = Vec::new();
        for piece in text.chunks(size.max(1)) {
            out.extend_from_slice(&search.push(piece.to_vec().into()));
        }
        out.extend_from_slice(&search.finish());
        assert!(search.is_settled());
        out
    };
    assert_eq!(through(usize::from(cut)), through(text.len()));
});
