//! An address that is turned points at us and nowhere else to a browser, with the same path and query as before, and
//! is not turned a second time.

use leastway::features::rewrite::location::{Origin, turned, turned_refresh};
use url::Url;

pub fn check(bytes: &[u8]) {
    // A header's value, as far as it is looked at.
    let is_visible = |byte: &u8| (0x20..0x7f).contains(byte) || *byte == b'\t';
    let Some(value) = std::str::from_utf8(bytes).ok().filter(|_| bytes.iter().all(is_visible)) else {
        return;
    };
    let own = [Origin { host: "a".to_owned(), port: 80 }, Origin { host: "fd00::7".to_owned(), port: 8080 }];
    let ours = Url::parse("https://ehr.example/").expect("a URL");
    if let Some(turned_to) = turned(value, &own, "ehr.example") {
        assert!(turned_to.starts_with("https://ehr.example/"), "{turned_to}");
        assert_eq!(turned(&turned_to, &own, "ehr.example"), None);
        let read = ours.join(&turned_to).expect("a URL");
        assert_eq!(read.origin(), ours.origin());
        // What a browser would have asked the application for, it asks us for.
        if let Ok(before) = Url::parse("http://elsewhere.example/").expect("a URL").join(value) {
            assert_eq!((before.path(), before.query()), (read.path(), read.query()), "{value}");
        }
    }
    if let Some(refresh) = turned_refresh(value, &own, "ehr.example") {
        assert!(refresh.contains("https://ehr.example/"), "{refresh}");
        assert_eq!(turned_refresh(&refresh, &own, "ehr.example"), None);
    }
}
