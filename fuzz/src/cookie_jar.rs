//! The application's cookies stay on our side: no cookie of the application passes to the browser unless it is the
//! browser's own, none of the browser's passes to the application in its place, and the jar has bounds.

use http::header::{COOKIE, HeaderMap, HeaderValue, SET_COOKIE};
use leastway::features::upstream::jar::Jar;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let browsers = ["XSRF-TOKEN".to_owned()];
    let mut input = Input::new(bytes);
    let path = input.text_line().filter(|path| path.starts_with('/')).unwrap_or("/");
    let from_browser = input.line();
    let mut jar = Jar::default();
    for line in input.rest().split(|byte| *byte == b'\n') {
        let Ok(value) = HeaderValue::from_bytes(line) else { continue };
        let mut reply: HeaderMap = [(SET_COOKIE, value.clone())].into_iter().collect();
        jar.take(&mut reply, path, &browsers);
        let name = line.split(|byte| *byte == b'=').next().unwrap_or_default().trim_ascii();
        if let Some(passed) = reply.get(SET_COOKIE) {
            assert_eq!((passed, name), (&value, browsers[0].as_bytes()));
        }
    }
    let write = |cookies: &[u8]| {
        let mut headers = HeaderMap::new();
        if let Ok(value) = HeaderValue::from_bytes(cookies) {
            headers.insert(COOKIE, value);
        }
        jar.write(&mut headers, path, &browsers);
        assert!(headers.get_all(COOKIE).iter().count() <= 1);
        headers.get(COOKIE).map_or(Vec::new(), |value| value.as_bytes().to_vec())
    };
    let ours = write(b"");
    assert!(ours.len() <= 16 * 1024 + 50 * 3, "{}", ours.len());
    let both = write(from_browser);
    // What the browser sent stands before, under its own names only.
    let theirs = both.strip_suffix(&ours[..]).expect("ours are all there");
    for crumb in theirs.split(|byte| *byte == b';').map(<[u8]>::trim_ascii).filter(|crumb| !crumb.is_empty())
    {
        assert!(crumb.starts_with(b"XSRF-TOKEN="));
    }
}
