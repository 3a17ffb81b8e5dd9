//! ZIP archives as they are, and as nobody packs them; against the crate `zip`.

use std::io::{Cursor, Read as _, Write as _};

use ::zip::write::SimpleFileOptions;
use ::zip::{CompressionMethod, ZipArchive, ZipWriter};

use super::properties::cut;
use super::*;
use crate::domain::reply_shape::{ArchiveShape, FileNames};

pub(super) type File<'a> = (&'a str, &'a [u8]);

fn options(method: CompressionMethod) -> SimpleFileOptions {
    SimpleFileOptions::default().compression_method(method)
}

/// An archive as writers make it that can go back to the header.
pub(super) fn pack(files: &[File<'_>]) -> Vec<u8> {
    pack_with(options(CompressionMethod::Deflated), files)
}

fn pack_with(options: SimpleFileOptions, files: &[File<'_>]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

/// An archive as writers make it that cannot go back: sizes stand behind the files.
fn stream(options: SimpleFileOptions, files: &[File<'_>]) -> Vec<u8> {
    let mut writer = ZipWriter::new_stream(Vec::new());
    for (name, bytes) in files {
        writer.start_file(*name, options).unwrap();
        writer.write_all(bytes).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

fn files(entries: &str, besides: &[&str], of: Option<ReplyKind>) -> ReplyKind {
    let names = FileNames::any_of(besides.iter().copied());
    ReplyKind::Zip(ArchiveShape {
        entries: FileNames::any_of([entries]),
        besides: names,
        of: of.map(Box::new),
    })
}

fn rows_in(entries: &str) -> ReplyKind {
    files(entries, &["read me.txt"], Some(CSV))
}

const PATIENTS: File<'_> = ("patients.csv", b"ID,n\n1,a\n2,b\n3,c\n");
const VISITS: File<'_> = ("2026/visits.CSV", b"ID;n\n3;a\n4;b\n");

fn unknown(why: WhyUnknown) -> Count {
    Count::Unknown(why)
}

#[test]
fn rows_of_all_files_in_an_archive_are_counted_and_each_patient_once() {
    let exactly = Tally { records: Count::Exactly(5), patients: Count::Exactly(4) };
    let both = [PATIENTS, VISITS];
    let deflated = options(CompressionMethod::Deflated);
    let stored = options(CompressionMethod::Stored);
    let archives = [
        ("deflated", pack(&both)),
        ("stored", pack_with(stored, &both)),
        ("streamed", stream(deflated, &both)),
        ("ZIP64", pack_with(deflated.large_file(true), &both)),
        ("ZIP64, stored", pack_with(stored.large_file(true), &both)),
        ("ZIP64, streamed", stream(deflated.large_file(true), &both)),
        ("aligned", pack_with(stored.with_alignment(64), &both)),
    ];
    for (name, archive) in archives {
        assert_eq!(count(&rows_in("*.csv"), Some(&column("ID")), archive), exactly, "{name}");
    }
}

#[test]
fn files_are_records_where_nothing_is_said_of_what_they_hold() {
    let letters: Vec<String> = (0..7).map(|number| format!("letters/{number}.pdf")).collect();
    let mut all: Vec<File<'_>> = letters.iter().map(|name| (name.as_str(), &b"%PDF-1.7"[..])).collect();
    all.push(("letters/", b""));
    let archive = pack(&all);
    assert_eq!(records(&files("*.pdf", &[], None), &archive), Count::Exactly(7));
    assert_eq!(count(&files("*", &[], None), None, &archive).patients, Count::NotCounted);
}

#[test]
fn what_is_in_an_archive_besides_is_expected_or_the_number_is_unknown() {
    let with = |name| pack(&[PATIENTS, (name, b"ID,n\n1,a\n")]);
    assert_eq!(records(&rows_in("*.csv"), with("Read Me.TXT")), Count::Exactly(3));
    assert_eq!(
        records(&rows_in("*.csv"), with("folder/")),
        unknown(WhyUnknown::Mismatch),
        "a folder with content"
    );
    assert_eq!(records(&rows_in("*.csv"), with("notes.txt")), unknown(WhyUnknown::Mismatch));
    assert_eq!(records(&rows_in("*.csv"), with("patients.csv.bak")), unknown(WhyUnknown::Mismatch));
}

#[test]
fn an_archive_without_files_holds_none() {
    assert_eq!(records(&rows_in("*"), pack(&[])), Count::Exactly(0));
    assert_eq!(records(&rows_in("*"), b""), Count::Exactly(0));
    let nobody = count(&rows_in("*"), Some(&column("ID")), pack(&[]));
    assert_eq!(nobody.patients, Count::Exactly(0));
}

#[test]
fn an_archive_within_an_archive_is_not_counted() {
    let inner = pack(&[PATIENTS]);
    for (name, bytes) in [
        ("ZIP", &*inner),
        ("an empty ZIP", &pack(&[])),
        ("gzip", b"\x1F\x8B\x08\0\0"),
        ("xz", b"\xFD7zXZ\0"),
        ("7z", b"7z\xBC\xAF\x27\x1C"),
        ("RAR", b"Rar!\x1A\x07"),
        ("bzip2", b"BZh91AY"),
        ("zstd", b"\x28\xB5\x2F\xFD\0"),
    ] {
        for method in [CompressionMethod::Stored, CompressionMethod::Deflated] {
            let archive = pack_with(options(method), &[("a.csv", bytes)]);
            assert_eq!(records(&files("*", &[], None), archive), UNPARSABLE, "{name}");
        }
        let beside = pack(&[PATIENTS, ("read me.txt", bytes)]);
        assert_eq!(records(&rows_in("*.csv"), beside), UNPARSABLE, "{name}, beside");
    }
}

#[test]
fn what_grows_beyond_measure_is_not_read() {
    let zeros = vec![b'\n'; 8 * 1024 * 1024];
    let archive = pack(&[("a.csv", &zeros)]);
    assert!(archive.len() < 16 * 1024);
    let mut counter = Counter::new(&rows_in("*"), None).unwrap();
    counter.push(&archive);
    assert_eq!(counter.so_far().records, unknown(WhyUnknown::Undecodable));
    assert_eq!(counter.finish().records, unknown(WhyUnknown::Undecodable));
    let stored = pack_with(options(CompressionMethod::Stored), &[("a.csv", &zeros)]);
    let mut counter = Counter::new(&rows_in("*"), None).unwrap();
    stored.chunks(64 * 1024).for_each(|piece| counter.push(piece));
    assert_eq!(counter.finish().records, Count::Exactly(0), "blank lines are no rows");
}

/// Where a record with this signature is, from the end.
fn last(archive: &[u8], signature: &[u8]) -> usize {
    archive.windows(4).rposition(|four| four == signature).unwrap()
}

fn with(archive: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let mut changed = archive.to_vec();
    changed[at..at + bytes.len()].copy_from_slice(bytes);
    changed
}

/// `archive` with `bytes` put in at `at`; what the end says of the directory is moved with it.
fn insert(archive: &[u8], at: usize, bytes: &[u8]) -> Vec<u8> {
    let end = last(archive, b"PK\x05\x06");
    let directory = u32::from_le_bytes(archive[end + 16..end + 20].try_into().unwrap());
    let moved = directory + u32::try_from(bytes.len()).unwrap();
    let changed = with(archive, end + 16, &moved.to_le_bytes());
    [&changed[..at], bytes, &changed[at..]].concat()
}

const LOCAL: &[u8; 4] = b"PK\x03\x04";
const LISTED: &[u8; 4] = b"PK\x01\x02";
const END: &[u8; 4] = b"PK\x05\x06";

#[test]
fn an_archive_that_readers_take_differently_is_not_counted() {
    let archive = pack_with(options(CompressionMethod::Stored), &[PATIENTS, VISITS]);
    let (second, listed, end) = (last(&archive, LOCAL), last(&archive, LISTED), last(&archive, END));
    let directory = archive.windows(4).position(|four| four == LISTED).unwrap();
    let hidden = pack_with(options(CompressionMethod::Stored), &[("b.csv", b"ID\n9\n")]);
    let hidden = &hidden[..hidden.windows(4).position(|four| four == LISTED).unwrap()];
    let mut unlisted = [&archive[..listed], &archive[end..]].concat();
    let count = unlisted.len();
    let shorter = u32::try_from(end - listed).unwrap();
    let size = u32::from_le_bytes(unlisted[count - 10..count - 6].try_into().unwrap()) - shorter;
    unlisted.splice(count - 14..count - 6, [&[1, 0, 1, 0][..], &size.to_le_bytes()].concat());
    let mut commented = archive.clone();
    commented.truncate(commented.len() - 2);
    commented.extend_from_slice(&22_u16.to_le_bytes());
    commented.extend_from_slice(&archive[end..]);

    let (mismatch, undecodable) = (unknown(WhyUnknown::Mismatch), unknown(WhyUnknown::Undecodable));
    let cases = [
        ("something in front", [b"MZ", &*archive].concat(), mismatch),
        ("something in front of which the directory knows", insert(&archive, 0, b"#!/bin/sh\n"), mismatch),
        ("something behind", [&*archive, b"\n"].concat(), UNPARSABLE),
        ("another archive behind", [&*archive, &*archive].concat(), UNPARSABLE),
        ("something between two files", insert(&archive, second, b"ID,n\n"), UNPARSABLE),
        ("a file that the directory does not list", insert(&archive, directory, hidden), mismatch),
        ("a file that only a header in front lists", unlisted, mismatch),
        ("a file listed twice", insert(&archive, listed, &archive[listed..end]), mismatch),
        ("another name in the directory", with(&archive, listed + 46, b"2027"), mismatch),
        ("another name in front", with(&archive, second + 30, b"2027"), mismatch),
        ("another checksum in the directory", with(&archive, listed + 16, b"abcd"), mismatch),
        ("another size in the directory", with(&archive, listed + 24, &[1]), mismatch),
        ("another place in the directory", with(&archive, listed + 42, &[0]), mismatch),
        ("another method in the directory", with(&archive, listed + 10, &[8]), mismatch),
        ("a wrong checksum", with(&archive, second + 14, b"abcd"), undecodable),
        ("a smaller size in front", with(&archive, second + 18, &[3, 0, 0, 0, 3]), undecodable),
        ("fewer files in the end", with(&archive, end + 8, &[1, 0, 1, 0]), mismatch),
        ("the directory elsewhere", with(&archive, end + 16, &[0]), mismatch),
        ("one of several volumes", with(&archive, end + 4, &[1]), mismatch),
        ("an end within the comment", commented, mismatch),
        ("encrypted", with(&archive, second + 6, &[1]), unknown(WhyUnknown::Coding)),
        ("strongly encrypted", with(&archive, second + 6, &[0x41]), unknown(WhyUnknown::Coding)),
        ("LZMA", with(&archive, second + 8, &[14]), unknown(WhyUnknown::Coding)),
        ("the directory alone", archive[directory..].to_vec(), mismatch),
        ("cut in a file", archive[..second - 3].to_vec(), unknown(WhyUnknown::Incomplete)),
        ("without its end", archive[..end].to_vec(), unknown(WhyUnknown::Incomplete)),
        ("a name with a zero byte", with(&archive, second + 31, &[0]), UNPARSABLE),
        ("no archive", b"ID,n\n1,a\n".to_vec(), mismatch),
    ];
    for (name, body, expected) in cases {
        assert_eq!(records(&rows_in("*.csv"), body), expected, "{name}");
    }
}

#[test]
fn packed_bytes_end_where_the_stream_ends() {
    let archive = pack(&[("a.csv", PATIENTS.1)]);
    let packed = u32::from_le_bytes(archive[18..22].try_into().unwrap());
    let directory = last(&archive, LISTED);
    let behind = insert(&archive, directory, b"\0\0");
    let longer = (packed + 2).to_le_bytes();
    let behind = with(&behind, 18, &longer);
    let behind = with(&behind, directory + 2 + 20, &longer);
    assert_eq!(records(&rows_in("*"), behind), UNPARSABLE, "bytes behind the stream");
    let streamed = stream(options(CompressionMethod::Deflated), &[("a.csv", PATIENTS.1)]);
    let sizes = last(&streamed, b"PK\x07\x08");
    assert_eq!(records(&rows_in("*"), with(&streamed, sizes + 8, &[0])), UNPARSABLE, "another packed size");
    let size = with(&streamed, sizes + 12, &[0]);
    assert_eq!(records(&rows_in("*"), size), unknown(WhyUnknown::Undecodable), "another size");
    let unsigned = [&streamed[..sizes], &streamed[sizes + 4..]].concat();
    let end = last(&unsigned, END);
    let directory = u32::try_from(last(&unsigned, LISTED)).unwrap();
    let unsigned = with(&unsigned, end + 16, &directory.to_le_bytes());
    assert_eq!(records(&rows_in("*"), unsigned), Count::Exactly(3), "sizes without a signature");
}

#[test]
fn a_file_whose_kind_does_not_fit_makes_the_whole_unknown() {
    let broken = pack(&[PATIENTS, ("b.csv", b"ID,n\n1,\"a\n")]);
    assert_eq!(records(&rows_in("*.csv"), broken), UNPARSABLE);
    let no_column = pack(&[PATIENTS, ("b.csv", b"n\na\n")]);
    let tally = count(&rows_in("*.csv"), Some(&column("ID")), no_column);
    assert_eq!(tally, Tally { records: Count::Exactly(4), patients: UNPARSABLE });
}

/// An archive of one file as Apache Commons Compress streams it (Apache POI's large workbooks): all that can be said by
/// ZIP64 is.
fn as_java_streams(name: &str, bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::DeflateEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(bytes).unwrap();
    let packed = encoder.finish().unwrap();
    let mut checksum = flate2::Crc::new();
    checksum.update(bytes);
    let checksum = checksum.sum().to_le_bytes();
    let sizes = [(packed.len() as u64).to_le_bytes(), (bytes.len() as u64).to_le_bytes()];
    let name_length = u8::try_from(name.len()).unwrap();
    let common = [45, 0, 8, 8, 8, 0, 0, 0, 0, 0];
    let wide = [0xFF; 8];
    let mut body = [&LOCAL[..], &common, &[0; 4], &wide, &[name_length, 0, 20, 0], name.as_bytes()].concat();
    body.extend([&[1, 0, 16, 0][..], &[0; 16], &packed, b"PK\x07\x08", &checksum, &sizes.concat()].concat());
    let directory = body.len() as u64;
    let lengths = [name_length, 0, 32, 0, 0, 0, 0xFF, 0xFF, 0, 0, 0, 0, 0, 0];
    body.extend(
        [&LISTED[..], &[45, 0], &common, &checksum, &wide, &lengths, &[0xFF; 4], name.as_bytes()].concat(),
    );
    body.extend([&[1, 0, 28, 0][..], &sizes[1], &sizes[0], &[0; 8], &[0; 4]].concat());
    let end = body.len() as u64;
    let one = 1_u64.to_le_bytes();
    body.extend([&b"PK\x06\x06\x2C\0\0\0\0\0\0\0\x2D\0\x2D\0"[..], &[0; 8], &one, &one].concat());
    body.extend([(end - directory).to_le_bytes(), directory.to_le_bytes()].concat());
    body.extend([&b"PK\x06\x07"[..], &[0; 4], &end.to_le_bytes(), &[1, 0, 0, 0]].concat());
    body.extend([&END[..], &[0xFF; 16], &[0; 2]].concat());
    body
}

#[test]
fn an_archive_that_says_all_by_zip64_is_read() {
    let archive = as_java_streams("patients.csv", PATIENTS.1);
    assert_eq!(rows_by_crates(&archive), Some(3));
    assert_eq!(records(&rows_in("*.csv"), &archive), Count::Exactly(3));
    let end64 = last(&archive, b"PK\x06\x06");
    let mismatch = unknown(WhyUnknown::Mismatch);
    assert_eq!(
        records(&rows_in("*.csv"), with(&archive, end64 + 32, &[2])),
        UNPARSABLE,
        "two numbers of files"
    );
    assert_eq!(records(&rows_in("*.csv"), with(&archive, end64 + 48, &[0])), mismatch, "another place");
    let locator = last(&archive, b"PK\x06\x07");
    assert_eq!(records(&rows_in("*.csv"), with(&archive, locator + 8, &[0])), mismatch, "located elsewhere");
    let unlocated = [&archive[..locator], &archive[locator + 20..]].concat();
    assert_eq!(records(&rows_in("*.csv"), unlocated), UNPARSABLE, "not located");
}

/// How many rows the crates `zip` and `csv` find; none if they do not read the archive.
fn rows_by_crates(archive: &[u8]) -> Option<u64> {
    let mut archive = ZipArchive::new(Cursor::new(archive)).ok()?;
    let mut rows = 0;
    for index in 0..archive.len() {
        let mut bytes = Vec::new();
        archive.by_index(index).ok()?.read_to_end(&mut bytes).ok()?;
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(&*bytes);
        rows += (reader.byte_records().count() as u64).saturating_sub(1);
    }
    Some(rows)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn an_archive_is_counted_as_the_crate_zip_reads_it(
        tables in proptest::collection::vec("([a-d,\n ]{0,8}|a,b\n){0,20}", 0..5),
        (deflated, wide, streamed) in any::<(bool, bool, bool)>(),
        change in proptest::option::of((any::<proptest::sample::Index>(), 1_u8..)),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let names: Vec<String> = (0..tables.len()).map(|number| format!("table {number}.csv")).collect();
        let files: Vec<File<'_>> = names.iter().zip(&tables).map(|(name, text)| (&**name, text.as_bytes())).collect();
        let deflated = deflated || streamed;
        let method = if deflated { CompressionMethod::Deflated } else { CompressionMethod::Stored };
        let options = options(method).large_file(wide);
        let mut archive = if streamed { stream(options, &files) } else { pack_with(options, &files) };
        if let Some((at, bits)) = &change {
            let at = at.index(archive.len());
            archive[at] ^= bits;
        }
        let kind = ReplyKind::Csv { delimiter: Some(b','), header: true };
        let kind = self::files("*.csv", &[], Some(kind));
        let whole = count_in_pieces(&kind, None, &archive, archive.len());
        let mut counter = Counter::new(&kind, None).unwrap();
        cut(&archive, &sizes).for_each(|piece| counter.push(piece));
        prop_assert_eq!(counter.finish(), whole);
        match whole.records {
            Count::Exactly(number) => prop_assert_eq!(Some(number), rows_by_crates(&archive)),
            other @ (Count::Unknown(_) | Count::AtLeast(_) | Count::NotCounted) => {
                prop_assert!(change.is_some(), "{other:?}");
            }
        }
    }
}
