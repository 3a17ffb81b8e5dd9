//! Objects of DICOM, alone and in archives.

use super::archives::{File, pack};
use super::properties::cut;
use super::*;
use crate::domain::reply_shape::{ArchiveShape, FileNames};

pub(super) const EXPLICIT: &str = "1.2.840.10008.1.2.1";
const IMPLICIT: &str = "1.2.840.10008.1.2";
const JPEG: &str = "1.2.840.10008.1.2.4.50";

/// An element with the kind of its value, which is padded to an even length.
fn explicit(group: u16, element: u16, kind: &str, value: &[u8]) -> Vec<u8> {
    let mut value = value.to_vec();
    if value.len() % 2 == 1 {
        value.push(if kind == "UI" { 0 } else { b' ' });
    }
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend_from_slice(kind.as_bytes());
    if matches!(kind, "OB" | "OW" | "SQ" | "UN" | "UT") {
        bytes.extend_from_slice(&[0, 0]);
        bytes.extend_from_slice(&u32::try_from(value.len()).unwrap().to_le_bytes());
    } else {
        bytes.extend_from_slice(&u16::try_from(value.len()).unwrap().to_le_bytes());
    }
    bytes.extend(value);
    bytes
}

/// An element of which only the tag tells the kind; without a value its length is unknown.
fn implicit(group: u16, element: u16, value: Option<&[u8]>) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    let length = value.map_or(u32::MAX, |value| u32::try_from(value.len()).unwrap());
    bytes.extend_from_slice(&length.to_le_bytes());
    bytes.extend_from_slice(value.unwrap_or_default());
    bytes
}

/// A sequence whose items and end are marked.
fn marked(group: u16, element: u16, inside: &[u8]) -> Vec<u8> {
    let mut bytes = [group.to_le_bytes(), element.to_le_bytes()].concat();
    bytes.extend_from_slice(b"SQ\0\0\xFF\xFF\xFF\xFF");
    bytes.extend(implicit(0xFFFE, 0xE000, None));
    bytes.extend_from_slice(inside);
    bytes.extend(implicit(0xFFFE, 0xE00D, Some(b"")));
    bytes.extend(implicit(0xFFFE, 0xE0DD, Some(b"")));
    bytes
}

fn object(syntax: &str, elements: &[Vec<u8>]) -> Vec<u8> {
    let mut bytes = vec![0; 128];
    bytes.extend_from_slice(b"DICM");
    bytes.extend(explicit(2, 0, "UL", &4_u32.to_le_bytes()));
    bytes.extend(explicit(2, 1, "OB", &[0, 1]));
    bytes.extend(explicit(2, 0x10, "UI", syntax.as_bytes()));
    bytes.extend(elements.concat());
    bytes
}

pub(super) fn of(syntax: &str, id: &str) -> Vec<u8> {
    let elements = if syntax == IMPLICIT {
        [implicit(8, 0x20, Some(b"20260101")), implicit(0x10, 0x20, Some(id.as_bytes()))]
    } else {
        [explicit(8, 0x20, "DA", b"20260101"), explicit(0x10, 0x20, "LO", id.as_bytes())]
    };
    let picture = if syntax == IMPLICIT {
        implicit(0x7FE0, 0x10, Some(&[7; 40]))
    } else {
        explicit(0x7FE0, 0x10, "OW", &[7; 40])
    };
    object(syntax, &[elements.concat(), picture])
}

fn tally(body: &[u8]) -> Tally {
    count(&ReplyKind::Dicom, None, body)
}

fn one_of(patients: Count) -> Tally {
    Tally { records: Count::Exactly(1), patients }
}

#[test]
fn an_object_is_one_record_of_one_patient() {
    for syntax in [EXPLICIT, IMPLICIT, JPEG] {
        assert_eq!(tally(&of(syntax, "MRN-17")), one_of(Count::Exactly(1)), "{syntax}");
    }
    assert_eq!(tally(b""), Tally { records: Count::Exactly(0), patients: Count::Exactly(0) });
}

#[test]
fn sequences_on_the_way_are_passed_over_with_all_that_is_in_them() {
    let other = explicit(0x10, 0x20, "LO", b"OTHER");
    let id = explicit(0x10, 0x20, "LO", b"1");
    let nested = marked(8, 0x1115, &marked(8, 0x1199, &other));
    let whole = explicit(8, 0x1140, "SQ", &[implicit(0xFFFE, 0xE000, Some(&other))].concat());
    let empty = explicit(8, 0x1111, "SQ", b"");
    let body = object(EXPLICIT, &[empty, nested, whole, id]);
    assert_eq!(tally(&body), one_of(Count::Exactly(1)));
    let items = [
        implicit(0xFFFE, 0xE000, None),
        implicit(0x10, 0x20, Some(b"OTHER ")),
        implicit(0xFFFE, 0xE00D, Some(b"")),
    ];
    let sequence = [implicit(8, 0x1115, None), items.concat(), implicit(0xFFFE, 0xE0DD, Some(b""))].concat();
    let body = object(IMPLICIT, &[sequence, implicit(0x10, 0x20, Some(b"1 "))]);
    assert_eq!(tally(&body), one_of(Count::Exactly(1)));
}

#[test]
fn an_object_of_which_the_patient_cannot_be_read_is_of_an_unknown_one() {
    let id = || explicit(0x10, 0x20, "LO", b"1");
    let deep = (0..40).fold(id(), |inside, _| marked(8, 0x1115, &inside));
    let cases = [
        ("no identifier", object(EXPLICIT, &[explicit(0x10, 0x30, "DA", b"19700101")])),
        ("one that is blank", object(EXPLICIT, &[explicit(0x10, 0x20, "LO", b"  ")])),
        ("one that is empty", object(EXPLICIT, &[explicit(0x10, 0x20, "LO", b"")])),
        ("one that comes late", object(EXPLICIT, &[explicit(0x10, 0x40, "CS", b"F"), id()])),
        ("big endian", object("1.2.840.10008.1.2.2", &[id()])),
        ("deflated as a whole", object("1.2.840.10008.1.2.1.99", &[id()])),
        ("a syntax of somebody", object("1.3.6.1.4.1", &[id()])),
        ("two syntaxes", object(EXPLICIT, &[explicit(2, 0x10, "UI", IMPLICIT.as_bytes()), id()])),
        ("too deep", object(EXPLICIT, &[deep, id()])),
        ("an end without a beginning", object(EXPLICIT, &[implicit(0xFFFE, 0xE0DD, Some(b"")), id()])),
        ("cut", object(EXPLICIT, &[id()[..7].to_vec()])),
        ("an identifier as long as a letter", object(EXPLICIT, &[explicit(0x10, 0x20, "LO", &[b'1'; 2000])])),
        ("no syntax", [&[0; 128][..], b"DICM", &id()].concat()),
    ];
    for (name, body) in cases {
        assert_eq!(tally(&body), one_of(UNPARSABLE), "{name}");
    }
}

#[test]
fn what_is_no_object_is_not_counted() {
    let mismatch = Tally::unknown(WhyUnknown::Mismatch);
    assert_eq!(tally(&[0; 100]), mismatch);
    assert_eq!(tally(&[0; 140]), mismatch);
    assert_eq!(tally(b"{\"error\":\"not found\"}"), mismatch);
    assert_eq!(tally(&of(EXPLICIT, "1")[..130]), mismatch);
}

#[test]
fn instances_in_an_archive_are_counted_and_their_patients_once() {
    let kind = ReplyKind::Zip(ArchiveShape {
        entries: FileNames::any_of(["*.dcm", "IMAGES/*"]),
        besides: FileNames::any_of(["DICOMDIR"]),
        of: Some(Box::new(ReplyKind::Dicom)),
    });
    let (first, second, third) = (of(EXPLICIT, "1"), of(IMPLICIT, "1 "), of(JPEG, "2"));
    let files: [File<'_>; 4] =
        [("1 ROSA/CT/CT0.dcm", &first), ("IMAGES/IM0", &second), ("DICOMDIR", b"DICM"), ("b.dcm", &third)];
    let tally = count(&kind, None, pack(&files));
    assert_eq!(tally, Tally { records: Count::Exactly(3), patients: Count::Exactly(2) });
    let unnamed = object(EXPLICIT, &[]);
    let tally = count(&kind, None, pack(&[("a.dcm", &first), ("b.dcm", &unnamed)]));
    assert_eq!(tally, Tally { records: Count::Exactly(2), patients: UNPARSABLE });
}

proptest! {
    #[test]
    fn an_object_is_read_alike_however_it_is_cut(
        tail in proptest::collection::vec(any::<u8>(), 0..80),
        implicit in any::<bool>(),
        sizes in proptest::collection::vec(1_usize..60, 1..8),
    ) {
        let body = object(if implicit { IMPLICIT } else { EXPLICIT }, &[tail]);
        let mut counter = Counter::new(&ReplyKind::Dicom, None).unwrap();
        cut(&body, &sizes).for_each(|piece| counter.push(piece));
        let tally = counter.finish();
        prop_assert_eq!(tally, count_in_pieces(&ReplyKind::Dicom, None, &body, body.len()));
        prop_assert_eq!(tally.records, Count::Exactly(1));
    }
}
