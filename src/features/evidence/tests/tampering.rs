//! What somebody could do to a pack, and that it is seen.

use std::io::{Read as _, Write as _};

use proptest::prelude::*;
use zip::write::SimpleFileOptions;
use zip::{ZipArchive, ZipWriter};

use super::super::check::unpack;
use super::super::manifest::{MANIFEST, SIGNATURE};
use super::*;

/// The files of a pack.
fn unpacked(pack: &[u8]) -> Vec<(String, Vec<u8>)> {
    let mut archive = ZipArchive::new(Cursor::new(pack)).unwrap();
    let read = |index| {
        let mut file = archive.by_index(index).unwrap();
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes).unwrap();
        (file.name().unwrap().into_owned(), bytes)
    };
    (0..FILES.len() + 3).map(read).collect()
}

/// An archive of these files.
fn packed(files: &[(String, Vec<u8>)]) -> Vec<u8> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(name.as_str(), SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[test]
fn a_change_of_any_file_names_the_file() {
    let key = key();
    let files = unpacked(&pack(&key));
    assert!(checked(&packed(&files), &key).is_ok(), "packed anew by another hand, it is the same");
    for place in 0..files.len() {
        let mut changed = files.clone();
        changed[place].1[0] ^= 1;
        let error = checked(&packed(&changed), &key).unwrap_err();
        let expected = match files[place].0.as_str() {
            MANIFEST => CheckError::OtherManifest,
            SIGNATURE => CheckError::Unsigned,
            path => CheckError::Changed(path.to_owned()),
        };
        assert!(error == expected || files[place].0 == SIGNATURE, "{error} for {}", files[place].0);

        let mut longer = files.clone();
        longer[place].1.push(b'\n');
        assert!(checked(&packed(&longer), &key).is_err(), "{} with a byte more", files[place].0);

        let mut without = files.clone();
        let (gone, _) = without.remove(place);
        let error = checked(&packed(&without), &key).unwrap_err();
        assert_eq!(error, CheckError::Missing(gone));
    }
}

#[test]
fn what_the_manifest_does_not_name_is_told() {
    let key = key();
    let mut files = unpacked(&pack(&key));
    files.push(("events/more.csv".to_owned(), b"time".to_vec()));
    let error = checked(&packed(&files), &key).unwrap_err();
    assert_eq!(error, CheckError::Unlisted("events/more.csv".to_owned()));
}

#[test]
fn a_pack_that_somebody_else_has_signed_is_not_believed() {
    let own = key();
    let same_name = signing_key("leastway.clinic.example/gateway-1", 2);
    assert_eq!(checked(&pack(&same_name), &own).unwrap_err(), CheckError::Unsigned);
    assert!(checked(&pack(&same_name), &same_name).is_ok());
    assert_eq!(check(Cursor::new(pack(&own)), &[]).unwrap_err(), CheckError::Unsigned);
    // A checkpoint of the same key is no signature of a manifest.
    let mut files = unpacked(&pack(&own));
    let note =
        crate::platform::signed_note::Note::sign("leastway.clinic.example/gateway-1\n7\nAAAA\n", &[&own]);
    for (name, bytes) in &mut files {
        if name == SIGNATURE {
            *bytes = note.clone().into_bytes();
        }
    }
    assert_eq!(checked(&packed(&files), &own).unwrap_err(), CheckError::OtherManifest);
}

#[test]
fn what_programs_could_read_differently_is_refused() {
    let key = key();
    let pack = pack(&key);
    let before = [b"MZ".as_slice(), &pack].concat();
    let behind = [&pack, b"more".as_slice()].concat();
    for hidden in [before, behind] {
        assert!(checked(&hidden, &key).is_err(), "bytes that belong to no file");
    }
    // Beside its bytes the first file has another name than in the list at the end.
    let mut renamed = pack.clone();
    let first = renamed.windows(7).position(|window| window == b"events/").unwrap();
    renamed[first] = b'E';
    let error = checked(&renamed, &key).unwrap_err();
    assert_eq!(error, CheckError::TwoNames(FILES[0].0.to_owned()));
    // Two files of one name: some programs read the first, some the last.
    let two = [("aaaa".to_owned(), b"1".to_vec()), ("bbbb".to_owned(), b"2".to_vec())];
    let mut twice = packed(&two);
    while let Some(place) = twice.windows(4).position(|window| window == b"bbbb") {
        twice[place..place + 4].copy_from_slice(b"aaaa");
    }
    assert_eq!(checked(&twice, &key).unwrap_err(), CheckError::Twice);
}

#[test]
fn what_is_no_pack_is_told_as_that() {
    let key = key();
    for nothing in [b"".as_slice(), b"PK", b"not a ZIP", &packed(&[])] {
        assert!(checked(nothing, &key).is_err());
    }
    let pack = pack(&key);
    assert!(checked(&pack[..pack.len() / 2], &key).is_err());
}

proptest! {
    #[test]
    fn whatever_byte_is_changed_either_it_is_told_or_nobody_reads_anything_else(
        place in any::<prop::sample::Index>(),
        by in 1_u8..,
    ) {
        let key = key();
        let whole = pack(&key);
        let mut changed = whole.clone();
        let place = place.index(changed.len());
        changed[place] ^= by;
        if checked(&changed, &key).is_ok() {
            prop_assert_eq!(unpacked(&changed), unpacked(&whole));
        }
    }
}

/// The list's record of the first file, and the end of the archive: where they begin.
fn list_and_end(pack: &[u8]) -> (usize, usize) {
    let at = |mark: &[u8]| pack.windows(4).position(|four| four == mark).unwrap();
    (at(b"PK\x01\x02"), at(b"PK\x05\x06"))
}

fn add(pack: &mut [u8], at: usize, more: u32) {
    let number = u32::from_le_bytes(pack[at..at + 4].try_into().unwrap()) + more;
    pack[at..at + 4].copy_from_slice(&number.to_le_bytes());
}

#[test]
fn what_stands_beside_the_bytes_is_what_the_list_says() {
    let key = key();
    let whole = pack(&key);
    // Sizes behind the bytes, another method, another checksum, another length.
    for (place, bit) in [(6, 1 << 3), (8, 8), (9, 1), (14, 1), (18, 1), (22, 1)] {
        let mut changed = whole.clone();
        changed[place] ^= bit;
        let error = checked(&changed, &key).unwrap_err();
        assert_eq!(error, CheckError::Hidden, "byte {place}");
    }
}

#[test]
fn nothing_is_behind_what_a_file_is_packed_in() {
    let text = "The journal fits, every byte of it.\n".repeat(40);
    let files = [("README.txt".to_owned(), text.clone().into_bytes())];
    let mut bytes = packed(&files);
    let hidden = b"PK\x03\x04 another file, for some";
    let more = u32::try_from(hidden.len()).unwrap();
    let (list, _) = list_and_end(&bytes);
    bytes.splice(list..list, hidden.iter().copied());
    let (list, end) = list_and_end(&bytes);
    add(&mut bytes, 18, more);
    add(&mut bytes, list + 20, more);
    add(&mut bytes, end + 16, more);
    // What reads by the list alone finds nothing wrong with it.
    assert_eq!(read_first(&bytes), text);
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let unpacked = unpack(&mut archive, "README.txt", 10_000, |_| ());
    assert_eq!(unpacked, Err(CheckError::Hidden));
}

fn read_first(bytes: &[u8]) -> String {
    let mut archive = ZipArchive::new(Cursor::new(bytes)).unwrap();
    let mut text = String::new();
    archive.by_index(0).unwrap().read_to_string(&mut text).unwrap();
    text
}
