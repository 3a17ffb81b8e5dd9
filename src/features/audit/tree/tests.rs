//! The tree against the known vectors of RFC 6962 and against another implementation, of the same forms.

use std::convert::Infallible;

use proptest::prelude::*;
use signed_note::{Note as OtherNote, StandardVerifier, VerifierList};
use tlog_tiles::{Checkpoint as OtherCheckpoint, Hash, Tile as OtherTile};

use super::checkpoint::{Checkpoint, Signed, split};
use super::edge::Edge;
use super::hash::{empty, leaf, node};
use super::keys::{announcement, successor};
use super::proof::{Hashes, consistency, inclusion, is_consistent, is_included, root_of};
use super::tile::{TILE_WIDTH, Tile, Tiles, Writing, read_edge};
use crate::features::audit::Head;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::SeededEntropy;
use crate::foundation::timekeeping::Synchronization;
use crate::platform::signed_note::{KeyName, Note, SigningKey, VerifierKey};

/// The leaves of the test vectors of Certificate Transparency.
const LEAVES: [&[u8]; 8] = [
    b"",
    &[0x00],
    &[0x10],
    &[0x20, 0x21],
    &[0x30, 0x31],
    &[0x40, 0x41, 0x42, 0x43],
    &[0x50, 0x51, 0x52, 0x53, 0x54, 0x55, 0x56, 0x57],
    &[0x60, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0x6a, 0x6b, 0x6c, 0x6d, 0x6e, 0x6f],
];

/// The roots of the trees of their first one to eight.
const ROOTS: [&str; 8] = [
    "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    "d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
    "4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
    "76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
    "ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
    "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
];

/// All leaves in memory.
struct Leaves(Vec<Digest>);

impl Leaves {
    fn numbered(size: u64) -> Self {
        Self((0..size).map(|number| leaf(&number.to_be_bytes())).collect())
    }

    fn root(&mut self, size: u64) -> Digest {
        match root_of(self, size) {
            Ok(root) => root,
            Err(never) => match never {},
        }
    }
}

impl Hashes for Leaves {
    type Error = Infallible;

    fn subtree(&mut self, height: u8, index: u64) -> Result<Digest, Infallible> {
        if height == 0 {
            return Ok(self.0[usize::try_from(index).unwrap()]);
        }
        Ok(node(self.subtree(height - 1, 2 * index)?, self.subtree(height - 1, 2 * index + 1)?))
    }
}

fn hash(digest: Digest) -> Hash {
    Hash(*digest.as_bytes())
}

fn path(digests: &[Digest]) -> Vec<Hash> {
    digests.iter().copied().map(hash).collect()
}

fn grown(leaves: &[Digest]) -> Edge {
    let mut edge = Edge::default();
    for leaf in leaves {
        edge.append(*leaf, |_, _| {});
    }
    edge
}

#[test]
fn the_roots_of_the_known_leaves_are_the_known_ones() {
    assert_eq!(
        empty().to_string(),
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        "a tree without leaves"
    );
    let mut edge = Edge::default();
    assert_eq!(edge.root(), empty());
    for (bytes, root) in LEAVES.iter().zip(ROOTS) {
        edge.append(leaf(bytes), |_, _| panic!("a tile of eight leaves is not full"));
        assert_eq!(edge.root().to_string(), root, "{} leaves", edge.size());
    }
}

#[test]
fn the_proofs_of_the_known_leaves_are_accepted_by_another_implementation() {
    let mut leaves = Leaves(LEAVES.iter().map(|bytes| leaf(bytes)).collect());
    for size in 1..=8 {
        let root = leaves.root(size);
        for index in 0..size {
            let proof = inclusion(&mut leaves, index, size).unwrap();
            let leaf = leaves.0[usize::try_from(index).unwrap()];
            assert!(is_included(&proof, index, leaf, size, root), "{index} of {size}");
            tlog_tiles::check_record(&path(&proof), size, hash(root), index, hash(leaf)).unwrap();
        }
        for old in 1..=size {
            let (before, proof) = (leaves.root(old), consistency(&mut leaves, old, size).unwrap());
            assert!(is_consistent(&proof, (old, before), (size, root)), "{old} of {size}");
            tlog_tiles::check_tree(&path(&proof), size, hash(root), old, hash(before)).unwrap();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn a_proof_holds_for_its_leaf_and_tree_and_no_other(size in 1_u64..700, at in any::<prop::sample::Index>(), bit in 0_usize..256) {
        let mut leaves = Leaves::numbered(size);
        let index = at.index(usize::try_from(size).unwrap()) as u64;
        let root = leaves.root(size);
        prop_assert_eq!(grown(&leaves.0).root(), root);
        let proof = inclusion(&mut leaves, index, size).unwrap();
        let leaf = leaves.0[usize::try_from(index).unwrap()];
        prop_assert!(is_included(&proof, index, leaf, size, root));
        tlog_tiles::check_record(&path(&proof), size, hash(root), index, hash(leaf)).unwrap();
        prop_assert!(!is_included(&proof, index, flipped(leaf, bit), size, root));
        prop_assert!(!is_included(&proof, index, leaf, size, flipped(root, bit)));
        prop_assert!(!is_included(&proof, index + 1, leaf, size, root));
        prop_assert!(!is_included(&proof, size, leaf, size, root));
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place] = flipped(changed[place], bit);
            prop_assert!(!is_included(&changed, index, leaf, size, root));
            changed.remove(place);
            prop_assert!(!is_included(&changed, index, leaf, size, root));
        }
        let longer = [proof.as_slice(), &[leaf]].concat();
        prop_assert!(!is_included(&longer, index, leaf, size, root));
    }

    #[test]
    fn a_tree_is_the_beginning_of_a_later_one_and_of_no_other(new in 1_u64..700, at in any::<prop::sample::Index>(), bit in 0_usize..256) {
        let mut leaves = Leaves::numbered(new);
        let old = at.index(usize::try_from(new).unwrap()) as u64 + 1;
        let (before, after) = (leaves.root(old), leaves.root(new));
        let proof = consistency(&mut leaves, old, new).unwrap();
        prop_assert!(is_consistent(&proof, (old, before), (new, after)));
        tlog_tiles::check_tree(&path(&proof), new, hash(after), old, hash(before)).unwrap();
        prop_assert!(!is_consistent(&proof, (old, flipped(before, bit)), (new, after)));
        prop_assert!(!is_consistent(&proof, (old, before), (new, flipped(after, bit))) );
        prop_assert!(old == new || !is_consistent(&proof, (new, after), (old, before)));
        for place in 0..proof.len() {
            let mut changed = proof.clone();
            changed[place] = flipped(changed[place], bit);
            prop_assert!(!is_consistent(&changed, (old, before), (new, after)));
        }
    }

    #[test]
    fn tiles_on_the_disk_give_edge_and_proofs_back(size in 1_u64..1400, at in any::<prop::sample::Index>()) {
        let mut leaves = Leaves::numbered(size);
        let directory = tempfile::tempdir().unwrap();
        let mut writing = Writing::new(directory.path());
        let mut edge = Edge::default();
        for leaf in &leaves.0 {
            edge.append(*leaf, |tile, hashes| writing.add(tile, hashes).unwrap());
        }
        for (tile, hashes) in edge.partial() {
            writing.add(tile, hashes).unwrap();
        }
        writing.finish().unwrap();
        prop_assert_eq!(read_edge(directory.path(), size).unwrap(), Some(edge));
        let index = at.index(usize::try_from(size).unwrap()) as u64;
        let mut tiles = Tiles::new(directory.path(), size);
        prop_assert_eq!(inclusion(&mut tiles, index, size).unwrap(), inclusion(&mut leaves, index, size).unwrap());
        prop_assert_eq!(consistency(&mut tiles, index, size).unwrap(), consistency(&mut leaves, index, size).unwrap());
        prop_assert_eq!(root_of(&mut tiles, size).unwrap(), leaves.root(size));
    }

    #[test]
    fn whatever_is_read_as_a_note_or_checkpoint_is_read_or_refused(text in "\\PC{0,80}(\n\\PC{0,40}){0,6}\n\n(— \\PC{1,10} [A-Za-z0-9+/=]{0,100}\n){0,3}") {
        if let Ok(note) = Note::parse(&text) {
            prop_assert!(text.starts_with(note.text()));
        }
        if let Ok(signed) = text.parse::<Signed>() {
            prop_assert!(!signed.is_signed_by(&[key(1).verifier().clone()]));
        }
        prop_assert!(split(&text).map(str::len).sum::<usize>() <= text.len());
    }
}

fn flipped(digest: Digest, bit: usize) -> Digest {
    let mut bytes = *digest.as_bytes();
    bytes[bit / 8] ^= 1 << (bit % 8);
    Digest::from_bytes(bytes)
}

#[test]
fn tiles_have_the_paths_of_another_implementation() {
    for (level, index, width) in
        [(0, 0, 256), (0, 0, 1), (1, 999, 256), (2, 1000, 255), (0, 1_234_067, 256), (3, 1_234_067, 7)]
    {
        let other = OtherTile::new(8, level, index, width, false).path();
        let path = Tile { level, index }.path(usize::try_from(width).unwrap());
        assert_eq!(path.to_str().unwrap(), other.replacen("tile/8/", "tile/", 1));
    }
}

#[test]
fn a_full_tile_takes_the_place_of_narrower_ones() {
    let directory = tempfile::tempdir().unwrap();
    let tile = Tile { level: 0, index: 0 };
    let leaves = Leaves::numbered(256).0;
    for width in [3, TILE_WIDTH] {
        let mut writing = Writing::new(directory.path());
        writing.add(tile, &leaves[..width]).unwrap();
        writing.finish().unwrap();
    }
    assert!(!directory.path().join("tile/0/000.p").exists());
    assert_eq!(tile.read(directory.path(), 3).unwrap().unwrap(), leaves[..3]);
    // What is no tile is none.
    std::fs::write(directory.path().join("tile/0/000"), [0; 8191]).unwrap();
    assert_eq!(tile.read(directory.path(), 3).unwrap(), None);
}

#[test]
fn a_tile_that_two_checkpoints_need_is_written_once() {
    let directory = tempfile::tempdir().unwrap();
    let tile = Tile { level: 1, index: 0 };
    let hashes = Leaves::numbered(3).0;
    let mut writing = Writing::new(directory.path());
    for _ in 0..2 {
        writing.add(tile, &hashes).unwrap();
    }
    writing.finish().unwrap();
    assert_eq!(tile.read(directory.path(), 3).unwrap().unwrap(), hashes);
}

fn key(seed: u64) -> SigningKey {
    SigningKey::generate("leastway.clinic.example/one".parse().unwrap(), &SeededEntropy::new(seed)).unwrap()
}

fn checkpoint() -> Checkpoint {
    Checkpoint {
        origin: "leastway.clinic.example/one".to_owned(),
        size: 8,
        root: ROOTS[7].parse().unwrap(),
        clock: Some(Synchronization::Synchronized),
        time: Some(Timestamp::from_seconds(1_772_352_000)),
        head: Some(Head { sequence: 8, hash: Digest::of(b"head") }),
    }
}

#[test]
fn another_implementation_reads_and_believes_our_checkpoints() {
    let key = key(1);
    let note = checkpoint().sign(&key);
    let other = OtherNote::from_bytes(note.as_bytes()).unwrap();
    let verifier = StandardVerifier::new(&key.verifier().to_string()).unwrap();
    let (right, others) = other.verify(&VerifierList::new(vec![Box::new(verifier)])).unwrap();
    assert_eq!((right.len(), others.len()), (1, 0));
    let read = OtherCheckpoint::from_bytes(other.text()).unwrap();
    assert_eq!((read.origin(), read.size()), ("leastway.clinic.example/one", 8));
    assert_eq!(read.hash().0, *checkpoint().root.as_bytes());

    let ours: Signed = note.parse().unwrap();
    assert_eq!(ours.checkpoint, checkpoint());
    assert!(ours.is_signed_by(&[key.verifier().clone()]));
}

#[test]
fn we_believe_the_notes_of_another_implementation() {
    let mut secret = [7; 32];
    secret[0] = 9;
    let pair = ed25519(&secret);
    let other = signed_note::StandardSigner::new(&pair.reveal()).unwrap();
    let mut note = OtherNote::new(checkpoint().text().as_bytes(), &[]).unwrap();
    note.add_sigs(&[&other]).unwrap();
    let ours: Signed = std::str::from_utf8(&note.to_bytes()).unwrap().parse().unwrap();
    assert!(ours.is_signed_by(&[pair.verifier().clone()]));
    assert!(!ours.is_signed_by(&[key(2).verifier().clone()]));
}

fn ed25519(seed: &[u8; 32]) -> SigningKey {
    #[derive(Debug)]
    struct Given([u8; 32]);
    impl crate::foundation::entropy::Entropy for Given {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.copy_from_slice(&self.0);
        }
    }
    SigningKey::generate("leastway.clinic.example/one".parse().unwrap(), &Given(*seed)).unwrap()
}

#[test]
fn every_changed_character_of_a_checkpoint_is_found() {
    let key = key(1);
    let note = checkpoint().sign(&key);
    let trusted = [key.verifier().clone()];
    for position in 0..note.len() {
        let mut changed = note.clone().into_bytes();
        changed[position] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        let is_believed = changed.parse::<Signed>().is_ok_and(|signed| signed.is_signed_by(&trusted));
        assert!(!is_believed, "character {position}: {changed}");
    }
}

#[test]
fn a_checkpoint_counts_only_under_the_name_of_its_origin() {
    let other: KeyName = "leastway.clinic.example/two".parse().unwrap();
    let key = key(1).named(other).unwrap();
    let signed: Signed = checkpoint().sign(&key).parse().unwrap();
    assert!(!signed.is_signed_by(&[key.verifier().clone()]));
}

#[test]
fn keys_are_read_back_and_slips_are_found() {
    let key = key(3);
    let text = key.verifier().to_string();
    assert_eq!(text.parse::<VerifierKey>().unwrap(), *key.verifier());
    assert_eq!(SigningKey::parse(&format!("{}\n", *key.reveal())).unwrap().verifier(), key.verifier());
    assert!(!format!("{key:?}").contains("PRIVATE"));
    for slip in ["", "a", "a+b+c", "PRIVATE+KEY+a+b+c"] {
        assert!(slip.parse::<VerifierKey>().is_err() && SigningKey::parse(slip).is_err(), "{slip}");
    }
    for position in 0..text.len() {
        let mut changed = text.clone().into_bytes();
        changed[position] ^= 1;
        let Ok(changed) = String::from_utf8(changed) else { continue };
        assert!(changed.parse::<VerifierKey>().is_err(), "{changed}");
    }
    for name in ["", "a b", "a+b", "a\n", &"a".repeat(201)] {
        assert!(name.parse::<KeyName>().is_err(), "{name}");
    }
}

#[test]
fn a_new_key_is_believed_by_the_word_of_the_old_one_only() {
    let (old, new, other) = (key(1), key(2), key(3));
    let told = announcement(old.verifier(), Some(&old), &new);
    assert_eq!(successor(&told, old.verifier()).as_ref(), Some(new.verifier()));
    assert_eq!(successor(&told, other.verifier()), None);
    let alone = announcement(old.verifier(), None, &new);
    assert_eq!(successor(&alone, old.verifier()), None, "the old key has not signed");
    let forged = announcement(old.verifier(), Some(&other), &new);
    assert_eq!(successor(&forged, old.verifier()), None);
}

#[test]
fn notes_behind_one_another_are_told_apart_even_where_one_is_cut_short() {
    let note = checkpoint().sign(&key(1));
    for cut in 0..note.len() {
        let Some(half) = note.get(..cut) else { continue };
        let text = format!("{note}\n\n{half}\n\n{note}");
        let whole = split(&text).filter(|part| part.parse::<Signed>().is_ok()).count();
        assert!(whole >= 2, "cut at {cut}");
        assert_eq!(split(&text).last(), Some(note.as_str()), "cut at {cut}");
    }
}
