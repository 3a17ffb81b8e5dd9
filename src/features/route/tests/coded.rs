//! Compressed bodies: judged decoded, within bounds; refused where somebody would read them as they come.

use std::io::Write as _;

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
use http::Method;
use proptest::prelude::*;

use super::calls::whole_with;
use super::*;

fn table_by_json() -> RouteTable {
    table(vec![by_json("other", vec![]), by_json("export", vec![equals("/method", "export")])])
}

fn coded(table: &RouteTable, media_type: &str, coding: &str, bytes: &[u8]) -> String {
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_str(media_type).unwrap());
    headers.insert("content-encoding", HeaderValue::from_str(coding).unwrap());
    whole_with(table, &Method::POST, "/do", &headers, bytes)
}

fn gzip(plain: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

fn zlib(plain: &[u8]) -> Vec<u8> {
    let mut encoder = ZlibEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(plain).unwrap();
    encoder.finish().unwrap()
}

const EXPORT: &[u8] = br#"{"method":"export"}"#;

#[test]
fn a_compressed_document_is_judged_by_what_it_stands_for() {
    let table = table_by_json();
    let ask = |coding, bytes: &[u8]| coded(&table, "application/json", coding, bytes);
    assert_eq!(ask("gzip", &gzip(EXPORT)), "export");
    assert_eq!(ask("GZIP", &gzip(br#"{"method":"view"}"#)), "other");
    assert_eq!(ask("x-gzip", &gzip(EXPORT)), "export");
    assert_eq!(ask("deflate", &zlib(EXPORT)), "export");
    assert_eq!(ask("zstd", &zstd::encode_all(EXPORT, 0).unwrap()), "export");
    // `EXPORT`, by a compressor of brotli: one block that is not compressed.
    let brotli = [&[0x0b, 0x09, 0x80][..], EXPORT, &[0x03]].concat();
    assert_eq!(ask("br", &brotli), "export");
    assert_eq!(ask("identity", EXPORT), "export");
}

#[test]
fn a_coding_that_is_not_decoded_to_its_end_is_refused() {
    let table = table_by_json();
    let ask = |coding, bytes: &[u8]| coded(&table, "application/json", coding, bytes);
    let whole = gzip(EXPORT);
    let refused = "BodyUnreadable(Coding)";
    assert_eq!(ask("compress", &whole), refused);
    assert_eq!(ask("gzip, gzip", &gzip(&whole)), refused);
    assert_eq!(ask("gzip, br", &whole), refused);
    assert_eq!(ask("gzip", EXPORT), refused, "it is not compressed");
    assert_eq!(ask("gzip", &whole[..whole.len() - 1]), refused, "it breaks off");
    assert_eq!(ask("gzip", &[&whole[..], b"x"].concat()), refused, "something follows");
    assert_eq!(ask("br", &whole), refused, "it is another coding's");
    let many = gzip(&[&b"{\"a\":\""[..], &vec![b'x'; LIMITS.bytes_max], b"\"}"].concat());
    assert_eq!(ask("gzip", &many), "BodyUnreadable(TooLarge)");
}

#[test]
fn what_grows_beyond_measure_is_refused_before_it_is_held() {
    let bomb = gzip(&vec![b' '; 32 * 1024 * 1024]);
    let mut headers = HeaderMap::new();
    headers.insert("content-type", HeaderValue::from_static("application/json"));
    headers.insert("content-encoding", HeaderValue::from_static("gzip"));
    let limits = BodyLimits { bytes_max: 64 * 1024 * 1024, ratio_max: 200 };
    let read = Body::read(&headers, &Fields::none(), &bomb, BOTH, limits);
    assert_eq!(read.unwrap_err(), BodyFault::Coding);
}

#[test]
fn a_form_is_never_read_compressed() {
    let table = table(vec![by_form("plain", vec![]), by_form("export", vec![equals("export", "csv")])]);
    // To who does not decode, the file name in the head of the gzip file is a field.
    let mut encoder =
        flate2::GzBuilder::new().filename("&export=csv&").write(Vec::new(), Compression::default());
    encoder.write_all(b"a=1").unwrap();
    let trap = encoder.finish().unwrap();
    let form = "application/x-www-form-urlencoded";
    assert_eq!(coded(&table, form, "gzip", &trap), "BodyUnreadable(Coding)");
    assert_eq!(coded(&table, form, "gzip", &gzip(b"export=csv")), "BodyUnreadable(Coding)");
    assert_eq!(coded(&table, form, "identity", b"export=csv"), "export");
}

#[test]
fn coded_bytes_that_begin_like_text_are_refused() {
    let table = table_by_json();
    // A raw deflate stream may begin with any byte, so with a blank.
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::none());
    encoder.write_all(br#"{"method":"view"}"#).unwrap();
    let mut stored = encoder.finish().unwrap();
    assert_eq!(coded(&table, "application/json", "deflate", &stored), "other");
    // Five bits of its first byte mean nothing, so that it can be a tab, which JSON takes for a blank.
    stored[0] = b'\t';
    assert_eq!(coded(&table, "application/json", "deflate", &stored), "BodyUnreadable(Coding)");
}

proptest! {
    #[test]
    fn the_route_of_a_document_is_its_route_compressed(text in "[a-z]{1,12}", level in 0_u32..10) {
        let table = table_by_json();
        let plain = serde_json::json!({ "method": text }).to_string();
        let mut encoder = GzEncoder::new(Vec::new(), Compression::new(level));
        encoder.write_all(plain.as_bytes()).unwrap();
        let zipped = encoder.finish().unwrap();
        let identity = coded(&table, "application/json", "identity", plain.as_bytes());
        prop_assert_eq!(coded(&table, "application/json", "gzip", &zipped), identity);
    }

    #[test]
    fn any_bytes_under_any_coding_are_read_or_refused(
        bytes in proptest::collection::vec(any::<u8>(), 1..300), coding in "gzip|deflate|br|zstd",
    ) {
        let table = table_by_json();
        let told = coded(&table, "application/json", &coding, &bytes);
        prop_assert!(told.starts_with("BodyUnreadable") || told == "other" || told == "export", "{}", told);
    }
}
