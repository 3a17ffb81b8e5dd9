//! An address that is turned points at us and nowhere else, and is not turned a second time.
#![no_main]

use leastway::features::rewrite::location::{Origin, turned, turned_refresh};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|value: &str| {
    let own = [Origin { host: "a".to_owned(), port: 80 }];
    if let Some(turned_to) = turned(value, &own, "ehr.example") {
        assert!(turned_to.starts_with("https://ehr.example/"), "{turned_to}");
        assert_eq!(turned(&turned_to, &own, "ehr.example"), None);
    }
    if let Some(refresh) = turned_refresh(value, &own, "ehr.example") {
        assert!(refresh.contains("https://ehr.example/"), "{refresh}");
    }
});
