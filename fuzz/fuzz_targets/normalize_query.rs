//! A query that is accepted holds no control character in a name, and no more than its bound.
#![no_main]

use leastway::features::route::fields::Fields;
use leastway::gateway::normalize::query::Query;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|raw: &str| {
    let Ok(target) = format!("/?{raw}").parse() else { return };
    let Ok(query) = Query::read(&target) else { return };
    assert!(query.fields().iter().count() <= Fields::COUNT_MAX);
    assert!(query.keys().iter().all(|key| !key.bytes().any(|byte| byte.is_ascii_control())));
});
