//! Files that are packed as a whole.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::archives::pack;
use super::*;
use crate::domain::reply_shape::{ArchiveShape, Encoding, FileNames, InsideShape, PackedShape, Packing};
use crate::features::guard::tests::codings::zstd;
use crate::features::guard::tests::gzip;

type Pack = fn(&[u8]) -> Vec<u8>;
const PACKINGS: [(Packing, Pack); 2] = [(Packing::Gzip, gzip), (Packing::Zstd, zstd)];

const ROWS: &[u8] = b"ID,n\n1,a\n2,\"b\nc\"\n2,c\n";

fn packed(by: Packing, of: ReplyKind) -> ReplyKind {
    ReplyKind::Packed(PackedShape { by, of: Box::new(of) })
}

const fn unknown(why: WhyUnknown) -> Count {
    Count::Unknown(why)
}

#[test]
fn a_packed_file_is_counted_by_what_it_holds() {
    for (by, encode) in PACKINGS {
        let rows = Tally { records: Count::Exactly(3), patients: Count::Exactly(2) };
        assert_eq!(count(&packed(by, CSV), Some(&column("ID")), encode(ROWS)), rows, "{by:?}");
        let dump = b"-- MySQL dump 10.13\nINSERT INTO p (ID) VALUES (1),(2);\n";
        assert_eq!(records(&packed(by, ReplyKind::Sql), encode(dump)), Count::Exactly(2), "{by:?}");
        let lines = b"{\"p\":1}\n{\"p\":2}\n\n";
        let tally = count(&packed(by, ReplyKind::Ndjson), Some(&member("p")), encode(lines));
        assert_eq!(tally, Tally { records: Count::Exactly(2), patients: Count::Exactly(2) }, "{by:?}");
        assert_eq!(records(&packed(by, CSV), encode(b"")), Count::Exactly(0), "{by:?}, of nothing");
        assert_eq!(records(&packed(by, CSV), b""), Count::Exactly(0), "{by:?}, nothing");
    }
}

#[test]
fn several_members_are_one_file() {
    let (first, second) = ROWS.split_at(11);
    for (by, encode) in PACKINGS {
        let members = [encode(first), encode(b""), encode(second)].concat();
        assert_eq!(records(&packed(by, CSV), members), Count::Exactly(3), "{by:?}");
    }
}

#[test]
fn what_cannot_be_unpacked_whole_and_in_one_way_is_unknown() {
    for (by, encode) in PACKINGS {
        let (file, kind) = (encode(ROWS), packed(by, CSV));
        let cut_off = &file[..file.len() - 1];
        assert_eq!(records(&kind, cut_off), unknown(WhyUnknown::Incomplete), "{by:?}, cut off");
        let behind = [&file, &b"ID,n\n1,a\n"[..]].concat();
        assert_eq!(records(&kind, behind), unknown(WhyUnknown::Undecodable), "{by:?}, more behind");
        assert_eq!(records(&kind, ROWS), unknown(WhyUnknown::Undecodable), "{by:?}, not packed");
        assert_eq!(records(&kind, b"<p>Not today"), unknown(WhyUnknown::Undecodable), "{by:?}, a page");
        for (_, other) in PACKINGS {
            let twice = encode(&other(ROWS));
            assert_eq!(records(&kind, twice), unknown(WhyUnknown::Mismatch), "{by:?}, twice");
        }
        let archive = encode(&pack(&[("a.csv", ROWS)]));
        assert_eq!(records(&kind, archive), unknown(WhyUnknown::Mismatch), "{by:?}, an archive");
        let unclosed = encode(b"ID\n\"1");
        assert_eq!(records(&kind, unclosed), UNPARSABLE, "{by:?}, a quote that never closes");
    }
    let (gzipped, zstandard) = (gzip(ROWS), zstd(ROWS));
    assert_eq!(records(&packed(Packing::Gzip, CSV), zstandard), unknown(WhyUnknown::Undecodable));
    assert_eq!(records(&packed(Packing::Zstd, CSV), gzipped), unknown(WhyUnknown::Undecodable));
}

#[test]
fn what_grows_beyond_measure_is_not_unpacked() {
    let rows = format!("1,{}\n", "x".repeat(97)).repeat(80_000);
    for (by, encode) in PACKINGS {
        let file = encode(rows.as_bytes());
        assert!(file.len() < rows.len() / 40, "{by:?}");
        let mut counter = Counter::bounded(&packed(by, CSV), None, &Label::default(), 20).unwrap();
        file.chunks(1000).for_each(|piece| counter.push(piece));
        assert_eq!(counter.so_far().records, unknown(WhyUnknown::Undecodable), "{by:?}");
        assert_eq!(counter.finish().records, unknown(WhyUnknown::Undecodable), "{by:?}");
        let mut counter = Counter::bounded(&packed(by, CSV), None, &Label::default(), 100_000).unwrap();
        counter.push(&file);
        assert_eq!(counter.finish().records, Count::Exactly(79_999), "{by:?}, where it may");
    }
}

#[test]
fn an_archive_under_the_name_of_rows_is_not_counted() {
    // A name in the header of gzip, so that no byte of its first four is zero.
    let named = [&b"\x1F\x8B\x08\x08"[..], b"....\0\x03a\0", b"1\n2\n3\n"].concat();
    let archive = ArchiveShape {
        entries: FileNames::any_of(["*.csv"]),
        besides: FileNames::default(),
        of: Some(Box::new(CSV)),
    };
    assert_eq!(
        records(&ReplyKind::Zip(archive), pack(&[("a.csv", ROWS), ("b.csv", &named)])),
        unknown(WhyUnknown::Mismatch)
    );
    let at = RecordsPointer::read("/data");
    let inside = InsideShape { at, encoding: Encoding::Base64, of: Box::new(CSV) };
    let body = json!({ "data": STANDARD.encode(&named) }).to_string();
    let tally = count_in_pieces(&ReplyKind::Inside(inside), None, body.as_bytes(), body.len());
    assert!(matches!(tally.records, Count::Unknown(_)), "{tally:?}");
}
