//! A query that is accepted holds every parameter that a common reader finds in it, whether or not that reader takes
//! `;` for a separator, no control character in a name, and no more than its bound.

use leastway::features::route::fields::Fields;
use leastway::gateway::normalize::query::Query;

pub fn check(bytes: &[u8]) {
    let Ok(raw) = std::str::from_utf8(bytes) else { return };
    let Ok(target) = format!("/?{raw}").parse() else { return };
    let Ok(query) = Query::read(&target) else { return };
    assert_eq!(query.as_str(), target.query());
    assert!(query.keys().iter().all(|key| !key.bytes().any(|byte| byte.is_ascii_control())));
    finds_all(query.fields(), target.query().unwrap_or_default().as_bytes());
}

/// Whether these are all that common readers find in URL-encoded text.
pub fn finds_all(fields: &Fields, raw: &[u8]) {
    assert!(fields.iter().count() <= Fields::COUNT_MAX);
    let semicolons: Vec<u8> = raw.iter().map(|byte| if *byte == b';' { b'&' } else { *byte }).collect();
    for reading in [raw, &semicolons] {
        for (key, value) in url::form_urlencoded::parse(reading) {
            // What is no UTF-8 is read as ISO 8859-1, and by this reader not at all.
            let is_text = !key.contains('\u{fffd}') && !value.contains('\u{fffd}');
            let is_known = || fields.iter().any(|pair| pair == (&*key, &*value));
            assert!(!is_text || is_known(), "{key} = {value}");
        }
    }
}
