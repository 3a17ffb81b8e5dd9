//! How a caller wants to be answered is read from whatever headers there are, and leads to no other host.

use http::{Method, Uri};
use leastway::features::authn::ReturnTo;
use leastway::gateway::manner::{Audience, Manner, is_same_origin};
use leastway::gateway::pages::Language;

use crate::input::Input;

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let method = if input.byte() & 1 == 0 { Method::GET } else { Method::POST };
    let uri: Uri = input.text_line().and_then(|target| target.parse().ok()).unwrap_or_default();
    let headers = input.headers();
    let manner = Manner::of(&method, &uri, &headers);
    let said = |name: &str| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if manner.audience() == Audience::Person {
        assert!(said("sec-fetch-mode") == "navigate" || said("accept").contains("text/html"));
    }
    let names = |tag: &str| {
        let ranges = said("accept-language").split(',');
        ranges.map(|range| range.trim().to_ascii_lowercase()).any(|range| range.starts_with(tag))
    };
    assert!(manner.language() == Language::English || names("es"));
    let back = manner.came_from();
    assert!(back.starts_with('/') || uri.path_and_query().is_some());
    let own = url::Url::parse("https://own.invalid/").expect("a URL");
    let led = own.join(ReturnTo::new(back).as_str()).expect("a place");
    assert_eq!(led.origin(), own.origin());
    if is_same_origin(&headers, "ehr.example") && said("sec-fetch-site").is_empty() {
        let origin = headers.get("origin").map(|origin| origin.to_str().unwrap_or_default());
        assert!(
            origin
                .is_none_or(|origin| origin.is_empty() || origin.eq_ignore_ascii_case("https://ehr.example"))
        );
    }
}
