//! The request's side: what would make the reply uncountable is taken out before it is sent.

use http::HeaderMap;
use http::header::{ACCEPT_ENCODING, HeaderName, HeaderValue, IF_RANGE, RANGE};

/// Instance manipulations (RFC 3229): they ask for a reply that is a difference.
const A_IM: HeaderName = HeaderName::from_static("a-im");

/// Prepares the headers of a request whose reply is counted or taken away; others stay as they are.
///
/// A part of a reply says nothing of the whole: `Range`, `If-Range` and `A-IM` go. `Accept-Encoding`
/// keeps what the caller accepts and we decode, or becomes `identity`: an application may otherwise choose freely.
pub fn admit(headers: &mut HeaderMap, counted: bool) {
    if !counted {
        return;
    }
    headers.remove(RANGE);
    headers.remove(IF_RANGE);
    headers.remove(A_IM);
    let accepted = HeaderValue::try_from(decodable(headers)).ok().filter(|accepted| !accepted.is_empty());
    headers.insert(ACCEPT_ENCODING, accepted.unwrap_or(HeaderValue::from_static("identity")));
}

/// What the caller accepts of what we decode; empty where there is nothing.
fn decodable(headers: &HeaderMap) -> String {
    let mut accepted = String::new();
    let lists = headers.get_all(ACCEPT_ENCODING).iter().filter_map(|value| value.to_str().ok());
    for item in lists.flat_map(|list| list.split(',')) {
        let item = item.trim();
        let coding = item.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
        let kept = match coding.as_str() {
            "gzip" | "x-gzip" | "deflate" | "br" | "zstd" | "identity" => item.to_owned(),
            "*" => item.replacen('*', "gzip", 1),
            _ => continue,
        };
        if !accepted.is_empty() {
            accepted.push_str(", ");
        }
        accepted.push_str(&kept);
    }
    accepted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_codings_that_we_decode_are_asked_for() {
        struct Case {
            name: &'static str,
            asked: &'static [&'static str],
            forwarded: &'static str,
        }
        let cases = [
            Case { name: "nothing said", asked: &[], forwarded: "identity" },
            Case {
                name: "a browser",
                asked: &["gzip, deflate, br, zstd"],
                forwarded: "gzip, deflate, br, zstd",
            },
            Case { name: "weights stay", asked: &["br;q=0.5, gzip;q=0"], forwarded: "br;q=0.5, gzip;q=0" },
            Case { name: "unknown only", asked: &["compress, dcb"], forwarded: "identity" },
            Case { name: "anything", asked: &["*;q=0.1"], forwarded: "gzip;q=0.1" },
            Case { name: "two lines", asked: &["lzma", "GZIP"], forwarded: "GZIP" },
        ];
        for case in cases {
            let mut headers = HeaderMap::new();
            for value in case.asked {
                headers.append(ACCEPT_ENCODING, HeaderValue::from_static(value));
            }
            admit(&mut headers, true);
            assert_eq!(headers.get(ACCEPT_ENCODING).unwrap(), case.forwarded, "{}", case.name);
            assert_eq!(headers.get_all(ACCEPT_ENCODING).iter().count(), 1, "{}", case.name);
        }
    }

    #[test]
    fn nobody_takes_a_counted_reply_in_parts() {
        let mut headers = HeaderMap::new();
        headers.insert(RANGE, HeaderValue::from_static("bytes=0-1023"));
        headers.insert(IF_RANGE, HeaderValue::from_static("\"tag\""));
        headers.insert(A_IM, HeaderValue::from_static("vcdiff"));
        let untouched = headers.clone();
        admit(&mut headers, false);
        assert_eq!(headers, untouched);
        admit(&mut headers, true);
        assert_eq!(headers.keys().collect::<Vec<_>>(), [ACCEPT_ENCODING]);
    }
}
