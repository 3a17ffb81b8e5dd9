//! A path that is accepted is forwarded as it came, and reads the same a second time.
#![no_main]

use leastway::features::route::quirks::Quirks;
use leastway::features::route::settings::Quirk;
use leastway::gateway::normalize::path::CanonicalPath;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|input: (u8, &str)| {
    let (bits, raw) = input;
    let chosen = Quirk::ALL.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
    let quirks: Quirks = chosen.map(|(_, quirk)| *quirk).collect();
    let Ok(path) = CanonicalPath::parse(raw, quirks) else { return };
    assert_eq!(path.as_str(), raw);
    let twice = CanonicalPath::parse(path.as_str(), quirks).expect("what is canonical stays so");
    assert!(path.view().matched.iter().eq(twice.view().matched.iter()));
    for segment in path.view().decoded.iter() {
        assert!(segment.split('/').all(|name| !matches!(name, "" | "." | "..")));
        assert!(!segment.contains(['\\', '\0', '?', '#', ';']));
        assert!(!segment.contains('/') || quirks.has(Quirk::EncodedSlash));
    }
});
