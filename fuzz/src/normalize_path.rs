//! A path that is accepted goes on as it came and has one reading: each segment is what a common decoder makes of it,
//! a browser finds nothing to resolve in it, and reading or folding twice is once.

use leastway::features::route::quirks::{Quirks, fold};
use leastway::features::route::settings::Quirk;
use leastway::gateway::normalize::path::CanonicalPath;
use percent_encoding::percent_decode_str;
use url::Url;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let bits = input.byte();
    let Some(raw) = input.text() else { return };
    let chosen = Quirk::ALL.iter().enumerate().filter(|(at, _)| bits & (1 << at) != 0);
    let quirks: Quirks = chosen.map(|(_, quirk)| *quirk).collect();
    let Ok(path) = CanonicalPath::parse(raw, quirks) else { return };
    assert_eq!(path.as_str(), raw);
    let twice = CanonicalPath::parse(path.as_str(), quirks).expect("what is canonical stays so");
    assert!(path.view().matched.iter().eq(twice.view().matched.iter()));

    let body = raw.strip_prefix('/').expect("a path");
    let body = body.strip_suffix('/').unwrap_or(body);
    let mut written = body.split('/').filter(|_| !body.is_empty());
    for (decoded, matched) in path.view().decoded.iter().zip(path.view().matched.iter()) {
        let part = written.next().expect("as many segments as were written");
        let name = part.split(';').next().unwrap_or_default();
        assert_eq!(percent_decode_str(name).decode_utf8().expect("UTF-8"), decoded);
        assert!(decoded.split('/').all(|name| !matches!(name, "" | "." | "..")));
        assert!(!decoded.contains(['\\', '\0', '?', '#', ';']));
        assert!(!decoded.contains('/') || quirks.has(Quirk::EncodedSlash));
        assert!(!part.contains(';') || quirks.has(Quirk::PathParameters));
        // Whoever decodes once more finds the same.
        assert_eq!(percent_decode_str(decoded).decode_utf8().expect("UTF-8"), decoded);
        if quirks.has(Quirk::FoldsCase) {
            assert_eq!((fold(decoded), fold(matched)), (matched.to_owned(), matched.to_owned()));
            assert_eq!(fold(&decoded.to_uppercase()), matched, "{decoded}");
            assert_eq!(fold(&decoded.to_lowercase()), matched, "{decoded}");
        } else {
            assert_eq!(matched, decoded);
        }
    }
    assert_eq!(written.next(), None);
    let read = Url::parse("https://own.invalid/").expect("a URL").join(raw).expect("a place");
    assert_eq!((read.path(), read.host_str()), (raw, Some("own.invalid")));
}
