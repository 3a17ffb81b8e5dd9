//! PDF documents as programs write them, and as none should.

use std::fmt::Write as _;
use std::io::Write as _;

use flate2::Compression;
use flate2::write::ZlibEncoder;

use super::properties::cut;
use super::*;
use crate::domain::reply_shape::PdfRecord;

const PAGES: ReplyKind = ReplyKind::Pdf { record: PdfRecord::Page };
const DOCUMENT: ReplyKind = ReplyKind::Pdf { record: PdfRecord::Document };

fn deflated(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

/// A document of these objects, whose table nobody reads here.
pub(super) fn document(objects: &[Vec<u8>]) -> Vec<u8> {
    let mut body = b"%PDF-1.7\n%\xE2\xE3\xCF\xD3\n1 0 obj\n<</Type/Catalog/Pages 2 0 R>>\nendobj\n".to_vec();
    for (number, object) in objects.iter().enumerate() {
        body.extend(format!("{} 0 obj\n", number + 2).into_bytes());
        body.extend(object);
        body.extend(b"\nendobj\n");
    }
    body.extend(b"xref\n0 2\n0000000000 65535 f \n0000000015 00000 n \ntrailer\n<</Size 2/Root 1 0 R/ID[<00ff>(a\\)b)]>>\n");
    body.extend(b"startxref\n9\n%%EOF\n");
    body
}

pub(super) fn tree(count: usize) -> Vec<u8> {
    format!("<</Type/Pages/Kids[3 0 R]/Count {count}>>").into_bytes()
}

pub(super) fn page() -> Vec<u8> {
    b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Contents 9 0 R /Resources <</Font <</F1 4 0 R>>>> >>".to_vec()
}

fn stream(keys: &str, length: Option<usize>, bytes: &[u8]) -> Vec<u8> {
    let length = length.map_or("77 0 R".to_owned(), |length| length.to_string());
    [format!("<<{keys}/Length {length}>>\nstream\r\n").as_bytes(), bytes, b"\nendstream"].concat()
}

/// A stream of so many page objects.
fn packed(pages: usize, length: bool) -> Vec<u8> {
    let mut header = String::new();
    let mut objects = String::new();
    for number in 0..pages {
        write!(header, "{} {} ", number + 20, objects.len()).unwrap();
        objects.push_str("<</Type/Page/Parent 2 0 R/Annots[]>>\n");
    }
    let bytes = deflated(format!("{header}\n{objects}").as_bytes());
    let keys = format!("/Type/ObjStm/N {pages}/First {}/Filter/FlateDecode", header.len() + 1);
    stream(&keys, length.then_some(bytes.len()), &bytes)
}

fn pages_of(objects: &[Vec<u8>]) -> Count {
    records(&PAGES, document(objects))
}

#[test]
fn pages_are_counted_wherever_they_stand() {
    let text = b"BT (not /Type /Page) Tj ET << /Type /Page >> (";
    let noise = b"\0\x01endstrea endstendstr \xFF)";
    let cases = [
        ("plain", vec![tree(2), page(), page()], 2),
        (
            "names with spaces, comments and escapes",
            vec![tree(1), b"<</Typ#65 % a comment\n/P#61ge/Count 9>>".to_vec()],
            1,
        ),
        ("beside contents", vec![tree(1), page(), stream("", Some(text.len()), text)], 1),
        ("beside contents of unknown length", vec![tree(1), page(), stream("", None, noise)], 1),
        ("compressed", vec![tree(5), packed(5, true)], 5),
        ("compressed, of unknown length", vec![tree(5), packed(5, false)], 5),
        ("in several streams", vec![tree(7), packed(3, true), packed(4, false)], 7),
        (
            "a stream that is not compressed",
            vec![tree(1), stream("/Type/ObjStm/N 1/First 5", Some(26), b"20 0 <</Type/Page/X (>>)>>")],
            1,
        ),
        ("an empty stream", vec![tree(1), page(), stream("", Some(0), b"")], 1),
        ("a tree of trees", vec![tree(3), tree(2), page(), page(), page()], 3),
        ("one that an update replaced", vec![tree(1), page(), page()], 2),
        ("the count elsewhere", vec![b"<</Type/Pages/Count 5 0 R/Kids[]>>".to_vec(), page()], 1),
        ("a list of one filter", vec![tree(1), page(), stream("/Filter[/FlateDecode]", Some(3), b"abc")], 1),
    ];
    for (name, objects, expected) in cases {
        assert_eq!(pages_of(&objects), Count::Exactly(expected), "{name}");
    }
    assert_eq!(records(&DOCUMENT, document(&[tree(40)])), Count::Exactly(1));
    assert_eq!(records(&PAGES, ""), Count::Exactly(0));
}

#[test]
fn a_document_that_may_hold_more_than_is_seen_is_not_counted() {
    let unknown = Count::Unknown;
    let attached = || b"<</Type/Filespec/EF<</F 5 0 R>>>>".to_vec();
    let broken = |text: &str| text.as_bytes().to_vec();
    let deep = format!("{}{}", "[".repeat(200), "]".repeat(200));
    let cases = [
        ("fewer pages than the tree says", vec![tree(3), page()], UNPARSABLE),
        ("no pages", vec![tree(0)], UNPARSABLE),
        ("encrypted", vec![tree(1), page(), broken("<</Encrypt 9 0 R>>")], unknown(WhyUnknown::Coding)),
        ("a file attached", vec![tree(1), page(), attached()], unknown(WhyUnknown::Mismatch)),
        (
            "a file in it",
            vec![tree(1), page(), stream("/Type/EmbeddedFile", Some(1), b"a")],
            unknown(WhyUnknown::Mismatch),
        ),
        (
            "a list of files",
            vec![tree(1), page(), broken("<</Names<</EmbeddedFiles 4 0 R>>>>")],
            unknown(WhyUnknown::Mismatch),
        ),
        ("a length that is none", vec![tree(1), page(), stream("", Some(2), b"abcdef")], UNPARSABLE),
        (
            "a predictor",
            vec![
                tree(1),
                page(),
                stream("/Type/ObjStm/Filter/FlateDecode/DecodeParms<</Predictor 12>>", Some(1), b"a"),
            ],
            unknown(WhyUnknown::Coding),
        ),
        (
            "two filters",
            vec![tree(1), page(), stream("/Type/ObjStm/Filter[/ASCIIHexDecode/FlateDecode]", Some(1), b"a")],
            unknown(WhyUnknown::Coding),
        ),
        (
            "another filter",
            vec![tree(1), page(), stream("/Type/ObjStm/Filter/LZWDecode", Some(1), b"a")],
            unknown(WhyUnknown::Coding),
        ),
        (
            "no stream",
            vec![tree(1), page(), stream("/Type/ObjStm/Filter/FlateDecode", Some(4), b"abcd")],
            unknown(WhyUnknown::Undecodable),
        ),
        (
            "objects that break off",
            vec![tree(1), page(), stream("/Type/ObjStm", Some(8), b"1 0 <</A")],
            UNPARSABLE,
        ),
        ("crossed", vec![tree(1), page(), broken("<</A[>>]")], UNPARSABLE),
        ("an end too many", vec![tree(1), page(), broken(">>")], UNPARSABLE),
        ("an object in another", vec![tree(1), page(), broken("<</A 9 0 obj>>")], UNPARSABLE),
        ("an open string", vec![tree(1), page(), broken("(a")], unknown(WhyUnknown::Incomplete)),
        ("too deep", vec![tree(1), page(), deep.into_bytes()], UNPARSABLE),
        ("no hexadecimal", vec![tree(1), page(), broken("<zz>")], UNPARSABLE),
    ];
    for (name, objects, expected) in cases {
        assert_eq!(pages_of(&objects), expected, "{name}");
    }
    let whole = document(&[tree(1), page()]);
    assert_eq!(records(&PAGES, &whole[..whole.len() - 7]), unknown(WhyUnknown::Incomplete), "no end");
    assert_eq!(
        records(&PAGES, [&*whole, b"<</Type/Catalog>>"].concat()),
        unknown(WhyUnknown::Incomplete),
        "more behind it"
    );
    assert_eq!(
        records(&PAGES, [b"GIF", &*whole].concat()),
        unknown(WhyUnknown::Mismatch),
        "something in front"
    );
    assert_eq!(records(&PAGES, "%PD"), unknown(WhyUnknown::Mismatch));
    assert_eq!(records(&DOCUMENT, "<html>"), unknown(WhyUnknown::Mismatch));
}

#[test]
fn a_stream_of_objects_that_grows_beyond_measure_is_not_read() {
    let spaces = deflated(&vec![b' '; 8 * 1024 * 1024]);
    let body =
        document(&[tree(1), page(), stream("/Type/ObjStm/Filter/FlateDecode", Some(spaces.len()), &spaces)]);
    let mut counter = Counter::new(&PAGES, None).unwrap();
    counter.push(&body);
    assert_eq!(counter.finish().records, Count::Unknown(WhyUnknown::Undecodable));
}

proptest! {
    #[test]
    fn pages_are_counted_as_they_were_written(
        objects in proptest::collection::vec((0_usize..4, any::<bool>(), proptest::collection::vec(any::<u8>(), 0..40)), 1..8),
        sizes in proptest::collection::vec(1_usize..90, 1..8),
    ) {
        let mut expected = 1;
        let mut all = vec![page()];
        for (number, known, bytes) in &objects {
            expected += number;
            all.extend((0..*number).map(|_| page()));
            if *known {
                expected += 2;
                all.push(packed(2, number % 2 == 0));
            }
            all.push(stream("/Filter/DCTDecode", Some(bytes.len()), bytes));
        }
        all.push(tree(expected));
        let body = document(&all);
        let mut counter = Counter::new(&PAGES, None).unwrap();
        cut(&body, &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish().records, Count::Exactly(expected as u64));
    }

    #[test]
    fn a_document_that_was_changed_is_read_alike_however_it_is_cut(
        at in any::<proptest::sample::Index>(),
        byte in any::<u8>(),
        sizes in proptest::collection::vec(1_usize..90, 1..8),
    ) {
        let mut body = document(&[tree(3), page(), packed(2, false), stream("", None, b"abc")]);
        let at = at.index(body.len());
        body[at] = byte;
        let mut counter = Counter::new(&PAGES, None).unwrap();
        cut(&body, &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish(), count_in_pieces(&PAGES, None, &body, body.len()));
    }
}
