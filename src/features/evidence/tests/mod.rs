//! Packs: what is in the catalogue, that the same files give the same bytes, and that no change goes unseen.

mod extracts;
mod tampering;

use std::collections::BTreeSet;
use std::io::Cursor;

use super::check::{CheckError, Checked, check};
use super::manifest::{FORM, Journal};
use super::safeguard::exhibits_of;
use super::versions::changes;
use super::words::Words;
use super::*;
use crate::domain::rulebook::RuleText;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::SeededEntropy;
use crate::platform::page::language::Language;
use crate::platform::page::messages::read;
use crate::platform::signed_note::{SigningKey, VerifierKey};

pub(super) fn signing_key(name: &str, chance: u64) -> SigningKey {
    SigningKey::generate(name.parse().unwrap(), &SeededEntropy::new(chance)).unwrap()
}

pub(super) fn key() -> SigningKey {
    signing_key("leastway.clinic.example/gateway-1", 1)
}

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().unwrap()
}

pub(super) fn manifest(key: &VerifierKey) -> Manifest {
    Manifest {
        form: FORM.to_owned(),
        made_by: "leastway 0.0.0".to_owned(),
        journal: Journal {
            origin: key.name().to_string(),
            key: key.to_string(),
            first: Some(1),
            last: Some("2:00".to_owned()),
            checkpoint: None,
            is_sound: true,
            fault: None,
        },
        since: at("2026-01-01T00:00:00Z"),
        until: at("2026-02-01T00:00:00Z"),
        language: "en".to_owned(),
        safeguards: vec![Safeguard::AuditControls, Safeguard::MinimumNecessary],
        rules: vec!["0011223344556677".to_owned()],
        shown: vec![
            Shown {
                exhibit: Exhibit::Withheld,
                files: vec!["events/withheld.csv".to_owned()],
                rows: Some(1),
                left_out: 0,
            },
            Shown {
                exhibit: Exhibit::Verification,
                files: vec!["verification/verification.txt".to_owned()],
                rows: None,
                left_out: 0,
            },
        ],
        files: Vec::new(),
    }
}

pub(super) const FILES: [(&str, &str); 3] = [
    ("events/withheld.csv", "time,event\r\n"),
    ("verification/verification.txt", "The journal fits, every byte of it.\n"),
    ("policies/0001-0011223344556677/01-leastway.toml", "version = 1\n"),
];

/// A pack of these files.
pub(super) fn pack(key: &SigningKey) -> Vec<u8> {
    let mut packing = Packing::new(Cursor::new(Vec::new()), u64::MAX);
    for (path, text) in FILES {
        packing.add(path, text.as_bytes()).unwrap();
    }
    packing.finish(manifest(key.verifier()), key).unwrap().0.into_inner()
}

pub(super) fn checked(pack: &[u8], key: &SigningKey) -> Result<Checked, CheckError> {
    check(Cursor::new(pack), &[key.verifier().clone()])
}

#[test]
fn both_languages_are_complete() {
    for language in Language::ALL {
        read::<Words>(language.messages()).map(drop).unwrap();
    }
}

#[test]
fn every_safeguard_shows_something_and_every_exhibit_is_shown() {
    let mut shown: BTreeSet<Exhibit> = BTreeSet::new();
    for safeguard in Safeguard::ALL {
        assert!(!safeguard.exhibits().is_empty(), "{safeguard}");
        let unique: BTreeSet<_> = safeguard.exhibits().iter().collect();
        assert_eq!(unique.len(), safeguard.exhibits().len(), "{safeguard}");
        shown.extend(safeguard.exhibits());
    }
    for exhibit in Exhibit::ALL {
        assert!(shown.contains(exhibit) || exhibit.is_in_every_pack(), "{exhibit} is in no pack");
    }
    assert_eq!(exhibits_of(Safeguard::ALL), Exhibit::ALL);
    let few = exhibits_of(&[Safeguard::Accounting]);
    assert_eq!(few, [Exhibit::Disclosures, Exhibit::Policies, Exhibit::Verification, Exhibit::Checkpoints]);
}

#[test]
fn a_pack_is_what_was_signed_and_the_same_files_give_the_same_bytes() {
    let key = key();
    let one = pack(&key);
    assert_eq!(one, pack(&key));
    let Checked { manifest, key: by } = checked(&one, &key).unwrap();
    assert_eq!(by, *key.verifier());
    let paths: Vec<&str> = manifest.files.iter().map(|file| file.path.as_str()).collect();
    assert_eq!(paths, [FILES[0].0, FILES[1].0, FILES[2].0, "README.txt"]);
    assert_eq!(manifest.files[2].bytes, 12);
    let digest = crate::foundation::digest::Digest::of(FILES[2].1.as_bytes()).to_string();
    assert_eq!(manifest.files[2].sha256, digest);
}

#[test]
fn a_pack_has_no_more_files_and_bytes_than_it_may() {
    let mut packing = Packing::new(Cursor::new(Vec::new()), 10);
    packing.add("one", b"0123456789").unwrap();
    assert!(matches!(packing.add("two", b"0"), Err(PackError::TooLarge { most: 10 })));
}

#[test]
fn the_page_says_what_is_done_what_shows_it_and_what_cannot_be_shown_in_both_languages() {
    let mut told = manifest(key().verifier());
    told.shown[0].left_out = 7;
    for language in Language::ALL {
        let page = index(&told, *language).unwrap();
        let about = Words::of(*language);
        for safeguard in &told.safeguards {
            let about = about.evidence.safeguards.of(*safeguard);
            for text in [&about.title, &about.does, &about.cannot] {
                let escaped = text.as_str().replace('\'', "&#39;");
                assert!(page.contains(&escaped), "`{escaped}` in {page}");
            }
            assert!(page.contains(&safeguard.citation()));
        }
        let left_out = about.evidence.left_out.of(7, &about.number);
        assert!(page.contains("href=\"events/withheld.csv\"") && page.contains(&left_out), "{page}");
        assert!(!page.contains("<script") && !page.contains("http-equiv=\"refresh"));
        told.journal.is_sound = false;
        told.journal.fault = Some("<b>entry 7</b>".to_owned());
        let page = index(&told, *language).unwrap();
        assert!(page.contains(about.evidence.unsound.as_str()) && !page.contains("<b>entry"), "{page}");
        told.journal.is_sound = true;
        told.journal.fault = None;
    }
}

#[test]
fn changes_name_files_that_were_added_removed_and_altered_and_no_others() {
    let text = |path: &str, text: &str| RuleText { path: path.to_owned(), text: text.to_owned() };
    let old = [text("a.toml", "one\ntwo\n"), text("b.toml", "same\n"), text("c.toml", "gone\n")];
    let new = [text("a.toml", "one\nthree\n"), text("b.toml", "same\n"), text("d.toml", "new\n")];
    let expected = "--- a.toml\n+++ a.toml\n@@ -1,2 +1,2 @@\n one\n-two\n+three\n\
                    --- c.toml\n+++ /dev/null\n@@ -1 +0,0 @@\n-gone\n\
                    --- /dev/null\n+++ d.toml\n@@ -0,0 +1 @@\n+new\n";
    assert_eq!(changes(&old, &new), expected);
    assert_eq!(changes(&old, &old), "");
}
