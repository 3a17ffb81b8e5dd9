//! The house keeps its order: who may use whom, and who may make a proof.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::string_slice,
    reason = "a test that cannot read the sources has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

/// The floors from the ground up; rooms on one floor do not use each other.
const FLOORS: [&[&str]; 8] = [
    &["foundation"],
    &["domain", "platform"],
    &["features"],
    &["gateway", "control"],
    &["config", "demo"],
    &["app"],
    &["cli"],
    &["main", "lib"],
];

/// Each proof, and the one file that makes it.
const PROOFS: [(&str, &str); 3] = [
    ("Permit", "features/policy/decide.rs"),
    ("Journaled", "features/audit/journal.rs"),
    ("Durable", "features/audit/journal.rs"),
];

#[test]
fn a_floor_uses_the_floors_below_it() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let room = room_of(&path);
        for used in used_rooms(&text).iter().filter(|used| **used != room) {
            if floor_of(used) >= floor_of(&room) {
                broken.push(format!("{path} uses {used}"));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn features_do_not_use_features() {
    let mut broken = Vec::new();
    for (path, text) in sources() {
        let Some(feature) = path.strip_prefix("features/").and_then(|rest| rest.split('/').next()) else {
            continue;
        };
        for used in paths_below(&text, "crate::features::") {
            if used != feature && feature != "mod.rs" {
                broken.push(format!("{path} uses features::{used}"));
            }
        }
        // A feature reaches its neighbours by `super` only from its own `mod.rs`.
        if path.matches('/').count() == 2 && text.contains("super::super::") {
            broken.push(format!("{path} leaves its folder by super::super"));
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn each_proof_is_made_in_exactly_one_file() {
    let sources = sources();
    for (proof, maker) in PROOFS {
        let call = format!("{proof}::assertion(");
        let makers: Vec<&str> = sources
            .iter()
            .filter(|(path, text)| !is_test(path) && text.contains(&call))
            .map(|(path, _)| path.as_str())
            .collect();
        let is_built = sources.iter().any(|(path, _)| path == maker);
        let expected: &[&str] = if is_built { &[maker] } else { &[] };
        assert_eq!(makers, expected, "{proof} is made by {maker} alone");
    }
    let aliased = sources.iter().filter(|(path, text)| {
        path != "domain/proof.rs"
            && text.matches("assertion(").count()
                != PROOFS.iter().map(|(proof, _)| text.matches(&format!("{proof}::assertion(")).count()).sum()
            && text.contains("domain::proof")
    });
    assert_eq!(
        aliased.map(|(path, _)| path).collect::<Vec<_>>(),
        Vec::<&String>::new(),
        "no other name for it"
    );
}

/// What may pass without an entry is said by the journal alone.
#[test]
fn a_gap_is_passed_in_exactly_one_file() {
    let sources = sources();
    let makers = sources.iter().filter(|(path, text)| !is_test(path) && text.contains("Durable::gap("));
    assert_eq!(makers.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["features/audit/journal.rs"]);
    let asks = sources.iter().filter(|(path, text)| !is_test(path) && text.contains(".pass_in_gap("));
    assert_eq!(asks.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["gateway/draft.rs"]);
}

/// Whoever ends a session must cut what goes on by it, and leave an event.
#[test]
fn sessions_are_ended_in_exactly_one_file() {
    let ends = |text: &str| text.contains("sessions.end(") || text.contains("Sessions::end(");
    let sources = sources();
    let enders = sources.iter().filter(|(path, text)| !is_test(path) && ends(text));
    assert_eq!(enders.map(|(path, _)| path.as_str()).collect::<Vec<_>>(), ["gateway/revocation.rs"]);
}

/// `tests.rs` of a folder, or one of its `tests/`: never in what is built.
fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

#[test]
fn every_folder_opens_with_its_promise() {
    let silent: Vec<String> = sources()
        .into_iter()
        .filter(|(path, text)| path.ends_with("mod.rs") && !text.starts_with("//! "))
        .map(|(path, _)| path)
        .collect();
    assert_eq!(silent, Vec::<String>::new());
}

#[test]
fn the_list_of_features_is_complete() {
    let list = fs::read_to_string(root().join("features/mod.rs")).unwrap();
    let listed: BTreeSet<String> = list
        .lines()
        .filter_map(|line| Some(line.strip_prefix("pub mod ")?.strip_suffix(';')?.to_owned()))
        .collect();
    let folders: BTreeSet<String> = fs::read_dir(root().join("features"))
        .unwrap()
        .map(|entry| entry.unwrap())
        .filter(|entry| entry.path().is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    assert_eq!(listed, folders);
}

#[test]
fn the_check_sees_what_it_forbids() {
    let text = "use crate::{domain::x, features::{route, policy}};\nuse leastway::cli;\n// crate::app\n";
    assert_eq!(used_rooms(text), ["cli", "domain", "features"].map(str::to_owned).into());
    assert_eq!(
        paths_below("crate::features::route::x crate::features::{guard, audit::y}", "crate::features::"),
        ["audit", "guard", "route"].map(str::to_owned).into()
    );
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("src")
}

/// Every source file: its path below `src/`, and its text without comments.
fn sources() -> Vec<(String, String)> {
    let mut found = Vec::new();
    let mut folders = vec![root()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let name = path.strip_prefix(root()).unwrap().to_string_lossy().replace('\\', "/");
                found.push((name, fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

fn room_of(path: &str) -> String {
    path.split('/').next().unwrap().trim_end_matches(".rs").to_owned()
}

fn floor_of(room: &str) -> usize {
    FLOORS.iter().position(|floor| floor.contains(&room)).unwrap_or_else(|| panic!("`{room}` has no floor"))
}

/// The rooms that a file names by `crate::` or, in `main.rs`, by `leastway::`.
fn used_rooms(text: &str) -> BTreeSet<String> {
    let rooms: BTreeSet<&str> = FLOORS.iter().flat_map(|floor| floor.iter().copied()).collect();
    ["crate::", "leastway::"]
        .iter()
        .flat_map(|prefix| paths_below(text, prefix))
        .filter(|name| rooms.contains(name.as_str()))
        .collect()
}

/// The names that stand directly after `prefix`, inside braces too.
fn paths_below(text: &str, prefix: &str) -> BTreeSet<String> {
    let code: String =
        text.lines().filter(|line| !line.trim_start().starts_with("//")).collect::<Vec<_>>().join("\n");
    let mut names = BTreeSet::new();
    for (at, _) in code.match_indices(prefix) {
        let rest = &code[at + prefix.len()..];
        match rest.strip_prefix('{') {
            Some(list) => names.extend(list_heads(list)),
            None => names.extend(word(rest)),
        }
    }
    names
}

/// The first word of each element of a list in braces.
fn list_heads(list: &str) -> Vec<String> {
    let (mut depth, mut heads, mut element) = (0_usize, Vec::new(), String::new());
    for character in list.chars() {
        match character {
            '}' if depth == 0 => break,
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => heads.extend(word(&std::mem::take(&mut element))),
            other => element.push(other),
        }
    }
    heads.extend(word(&element));
    heads
}

fn word(text: &str) -> Option<String> {
    let word: String = text
        .trim_start()
        .chars()
        .take_while(|character| character.is_alphanumeric() || *character == '_')
        .collect();
    (!word.is_empty()).then_some(word)
}
