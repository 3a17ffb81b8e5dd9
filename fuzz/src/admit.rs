//! A request whose reply is counted asks for no part, and for no coding that we do not decode; twice is once.

use http::header::{ACCEPT_ENCODING, IF_RANGE, RANGE};
use leastway::features::guard::admit::admit;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut headers = Input::new(bytes).headers();
    let came = headers.clone();
    admit(&mut headers, false);
    assert_eq!(headers, came);
    admit(&mut headers, true);
    assert!(!headers.contains_key(RANGE) && !headers.contains_key(IF_RANGE) && !headers.contains_key("a-im"));
    let mut lines = headers.get_all(ACCEPT_ENCODING).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { panic!("one line") };
    for item in line.to_str().expect("text").split(',') {
        let coding = item.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let known = ["gzip", "x-gzip", "deflate", "br", "zstd", "identity"];
        assert!(known.contains(&coding.as_str()), "{coding}");
    }
    let once = headers.clone();
    admit(&mut headers, true);
    assert_eq!(headers, once);
}
