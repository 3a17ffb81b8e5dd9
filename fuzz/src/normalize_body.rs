//! Whatever a body says that it is, it is read as that kind or refused: as a form only where its type is a form's
//! to every reader, and alike where the type is written in other letter case.

use http::header::{CONTENT_TYPE, HeaderValue};
use leastway::features::route::body::{Body, BodyLimits, BodyNeeds, Content};
use leastway::features::route::fields::Fields;

use crate::input::Input;

const LIMITS: BodyLimits = BodyLimits { bytes_max: 1024 * 1024, ratio_max: 200 };

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let choice = input.byte();
    let needs = BodyNeeds {
        form: choice & 1 != 0,
        json: choice & 2 != 0,
        rpc: choice & 4 != 0,
        graphql: choice & 8 != 0,
    };
    let mut headers = input.headers();
    let body = input.rest();
    let Ok(read) = Body::read(&headers, &Fields::none(), body, needs, LIMITS) else { return };
    if body.is_empty() {
        return;
    }
    let mut lines = headers.get_all(CONTENT_TYPE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { panic!("one Content-Type") };
    let text = line.to_str().expect("text").to_owned();
    // Readers differ in where a parameter begins and ends: none may hide another.
    let essence = text.split([';', ',', ' ', '\t']).next().unwrap_or_default().to_ascii_lowercase();
    match read.content() {
        Content::Empty => panic!("there is a body"),
        Content::Form(_) => {
            assert!(needs.form || needs.graphql);
            assert!(["application/x-www-form-urlencoded", "multipart/form-data"].contains(&&*essence));
        }
        Content::Json(_) => {
            assert!(needs.json || needs.rpc || needs.graphql);
            assert!(essence.contains("json"), "{essence}");
        }
        Content::Calls => assert!(needs.rpc && essence.contains("xml") || essence == "application/graphql"),
    }
    if essence.starts_with("multipart/") {
        let lower = text.to_ascii_lowercase();
        let (before, after) = lower.split_once("boundary").expect("it has a boundary");
        assert!(before.ends_with([';', ' ', '\t']) && after.starts_with('='), "{text}");
    }
    if !text.contains('=') {
        let upper = HeaderValue::from_str(&text.to_ascii_uppercase()).expect("text");
        headers.insert(CONTENT_TYPE, upper);
        assert!(Body::read(&headers, &Fields::none(), body, needs, LIMITS).is_ok());
    }
}
