//! A tag that is put into a page as it passes: after its `<head>`, or before its first script if that comes earlier.
//!
//! Only the beginning of a page is looked at, and only that is held back until the place is known. Where there is none
//! the page stays as it came. What stands in comments is no place.

use bytes::{Bytes, BytesMut};

/// A tag on its way into one body.
#[derive(Debug)]
pub struct Insertion {
    /// None once it stands, or cannot.
    tag: Option<Bytes>,
    /// The beginning of the page, as long as the place is looked for.
    kept: BytesMut,
}

impl Insertion {
    /// At the beginning of a body.
    pub fn new(tag: Bytes) -> Self {
        Self { tag: Some(tag), kept: BytesMut::new() }
    }

    /// What of the body so far is settled by this piece.
    pub fn push(&mut self, piece: Bytes) -> Bytes {
        let Some(tag) = &self.tag else { return piece };
        self.kept.extend_from_slice(&piece);
        match place(&self.kept) {
            Place::At(at) => {
                let mut settled = self.kept.split_to(at.min(self.kept.len()));
                settled.extend_from_slice(tag);
                settled.unsplit(std::mem::take(&mut self.kept));
                self.tag = None;
                settled.freeze()
            }
            Place::Unknown if self.kept.len() < LOOKED_AT_MAX => Bytes::new(),
            Place::Unknown | Place::Nowhere => {
                self.tag = None;
                std::mem::take(&mut self.kept).freeze()
            }
        }
    }

    /// What is left at the end of the body.
    pub fn finish(&mut self) -> Bytes {
        self.tag = None;
        std::mem::take(&mut self.kept).freeze()
    }

    /// Whether nothing waits.
    pub fn is_settled(&self) -> bool {
        self.kept.is_empty()
    }
}

/// Where the tag goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Place {
    /// Before this byte.
    At(usize),
    /// It has not come yet.
    Unknown,
    /// There is none: the body of the page has begun without a head.
    Nowhere,
}

/// Reads tags one after the other, as an HTML parser does before the head (13.2.6.4 of the standard).
fn place(text: &[u8]) -> Place {
    let mut at = 0;
    while let Some(found) = memchr::memchr(b'<', text.get(at..).unwrap_or_default()) {
        let start = at + found;
        let rest = text.get(start..).unwrap_or_default();
        if rest.starts_with(COMMENT) {
            let Some(end) = memchr::memmem::find(rest, COMMENT_END) else { return Place::Unknown };
            at = start + end + COMMENT_END.len();
            continue;
        }
        let Some(end) = end_of_tag(rest) else { return Place::Unknown };
        match name_of(rest).as_slice() {
            b"head" => return Place::At(start + end),
            b"script" => return Place::At(start),
            b"body" | b"frameset" => return Place::Nowhere,
            _ => at = start + end,
        }
    }
    Place::Unknown
}

/// Where a tag ends, past its `>`. One in the quotes of an attribute does not end it.
fn end_of_tag(tag: &[u8]) -> Option<usize> {
    let mut quote = None;
    for (position, byte) in tag.iter().enumerate() {
        match (quote, byte) {
            (Some(open), byte) if open == byte => quote = None,
            (None, b'"' | b'\'') => quote = Some(byte),
            (None, b'>') => return Some(position + 1),
            (Some(_) | None, _) => {}
        }
    }
    None
}

/// The name of a start tag, in lower case.
fn name_of(tag: &[u8]) -> Vec<u8> {
    let name = tag.iter().skip(1).take_while(|byte| byte.is_ascii_alphanumeric()).take(NAME_BYTES_MAX);
    name.map(u8::to_ascii_lowercase).collect()
}

const COMMENT: &[u8] = b"<!--";
const COMMENT_END: &[u8] = b"-->";
const NAME_BYTES_MAX: usize = 16;
/// A page whose head has not begun by then has none that would be found.
const LOOKED_AT_MAX: usize = 64 * 1024;

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn inserted(page: &str, size: usize) -> String {
        let mut insertion = Insertion::new(Bytes::from_static(b"[TAG]"));
        let mut came = Vec::new();
        for piece in page.as_bytes().chunks(size.max(1)) {
            came.extend_from_slice(&insertion.push(Bytes::copy_from_slice(piece)));
        }
        came.extend_from_slice(&insertion.finish());
        assert!(insertion.is_settled());
        String::from_utf8(came).unwrap()
    }

    #[test]
    fn it_stands_after_the_head_or_before_the_first_script() {
        let cases = [
            ("<!doctype html><html><head><title>x", "<!doctype html><html><head>[TAG]<title>x"),
            ("<HTML>\n<HEAD\n class='a>b'><meta>", "<HTML>\n<HEAD\n class='a>b'>[TAG]<meta>"),
            ("<html><script>a</script><head>", "<html>[TAG]<script>a</script><head>"),
            ("<!-- <head> --><html><head>", "<!-- <head> --><html><head>[TAG]"),
            ("<title>x</title><script src=a></script>", "<title>x</title>[TAG]<script src=a></script>"),
            ("<header>no</header><head>", "<header>no</header><head>[TAG]"),
        ];
        for (page, expected) in cases {
            assert_eq!(inserted(page, page.len()), expected);
        }
        let bare = [
            "",
            "text",
            "<html><body><head>",
            "<frameset><head>",
            "<p>a < b",
            "<head",
            "<!-- <head>",
            "<html",
        ];
        for page in bare {
            assert_eq!(inserted(page, 3), page, "it stays as it came");
        }
    }

    #[test]
    fn a_page_without_a_head_is_held_back_no_further_than_its_beginning() {
        let mut insertion = Insertion::new(Bytes::from_static(b"[TAG]"));
        let piece = Bytes::from(vec![b' '; LOOKED_AT_MAX - 1]);
        assert!(insertion.push(piece).is_empty());
        assert_eq!(insertion.push(Bytes::from_static(b"  ")).len(), LOOKED_AT_MAX + 1);
        assert_eq!(insertion.push(Bytes::from_static(b"<head>")), "<head>");
    }

    proptest! {
        #[test]
        fn pieces_of_any_size_give_the_same_and_nothing_is_lost(page in "[<>a-d!\"' -]{0,40}(<head>|<HEAD x>|)[<a>]{0,9}", size in 1_usize..50) {
            let whole = inserted(&page, usize::MAX);
            prop_assert_eq!(&inserted(&page, size), &whole);
            prop_assert_eq!(whole.replacen("[TAG]", "", 1), page);
        }
    }
}
