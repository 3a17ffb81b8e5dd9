//! How a caller wants to be answered: as a person who looks at a page, or as a program.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, HOST, HeaderName, REFERER};
use http::{HeaderMap, Method, Request};

use super::normalize::cookies;
use crate::foundation::secret::Secret;
use crate::platform::page::language::Language;

/// How a caller wants to be answered.
#[derive(Clone, Debug)]
pub struct Manner {
    /// As whom.
    pub audience: Audience,
    /// Whether the same request can be asked for again by following a link.
    pub repeatable: bool,
    /// Whether no body is wanted (HEAD).
    pub head_only: bool,
    /// The language of pages.
    pub language: Language,
    /// The host and port that the caller asked for, as they came. Used only once they were normalized.
    pub authority: String,
    /// Path and query, as they came. Used only once they were normalized.
    pub target: String,
    /// Where a person came from, if that is a page of the same origin: where to lead them back.
    pub came_from: String,
    /// The cookie that binds a sign-in to its browser.
    pub binding: Option<Secret>,
}

/// Who is answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Audience {
    /// A person, by a page or a redirect.
    Person,
    /// A program, by 401 or 403 and `application/problem+json`; never by a redirect to a page.
    Program,
    /// A program that speaks FHIR, by an `OperationOutcome`.
    FhirProgram,
}

impl Manner {
    /// For a caller of whom nothing has been read.
    pub fn unknown() -> Self {
        Self {
            audience: Audience::Program,
            repeatable: false,
            head_only: false,
            language: Language::English,
            authority: String::new(),
            target: String::from("/"),
            came_from: String::from("/"),
            binding: None,
        }
    }

    /// Read off a request.
    pub fn of<B>(request: &Request<B>) -> Self {
        let (method, headers) = (request.method(), request.headers());
        let repeatable = matches!(*method, Method::GET | Method::HEAD);
        let authority = request.uri().authority().map(http::uri::Authority::as_str);
        let authority = authority.or_else(|| text(headers, &HOST)).unwrap_or_default().to_owned();
        let target = request.uri().path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned();
        let came_from = if repeatable { target.clone() } else { referring_page(headers, &authority) };
        Self {
            audience: audience(headers),
            repeatable,
            head_only: *method == Method::HEAD,
            language: Language::preferred(text(headers, &ACCEPT_LANGUAGE).unwrap_or_default()),
            authority,
            target,
            came_from,
            binding: cookies::find(headers, cookies::BINDING_COOKIE).value().cloned(),
        }
    }
}

/// The page of the same origin that a form was on; the first page if the browser does not say.
fn referring_page(headers: &HeaderMap, authority: &str) -> String {
    text(headers, &REFERER)
        .and_then(|referer| referer.strip_prefix("https://")?.strip_prefix(authority))
        .filter(|path| path.starts_with('/') && !path.starts_with("//"))
        .unwrap_or("/")
        .to_owned()
}

/// A browser says by `Sec-Fetch-Mode` whether somebody navigates or a script fetches. Whoever does
/// not say is a person if they would take HTML and nothing says that a script asks.
fn audience(headers: &HeaderMap) -> Audience {
    let accepts = |media_type: &str| text(headers, &ACCEPT).is_some_and(|accept| accept.contains(media_type));
    let navigates = match text(headers, &SEC_FETCH_MODE) {
        Some(mode) => mode == "navigate",
        None => accepts("text/html") && !headers.contains_key(&X_REQUESTED_WITH),
    };
    match (navigates, accepts("application/fhir+json")) {
        (true, _) => Audience::Person,
        (false, true) => Audience::FhirProgram,
        (false, false) => Audience::Program,
    }
}

/// Whether a request that changes something comes from a page of the same origin, or from no page
/// at all: what our own forms ask for.
pub fn is_same_origin(headers: &HeaderMap, authority: &str) -> bool {
    if let Some(site) = text(headers, &SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    match text(headers, &http::header::ORIGIN) {
        Some(origin) => {
            origin.strip_prefix("https://").is_some_and(|host| host.eq_ignore_ascii_case(authority))
        }
        None => true,
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_SITE: HeaderName = HeaderName::from_static("sec-fetch-site");
const X_REQUESTED_WITH: HeaderName = HeaderName::from_static("x-requested-with");

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs.iter().map(|(name, value)| (HeaderName::from_static(name), value.parse().unwrap())).collect()
    }

    #[test]
    fn a_script_is_a_program_even_if_it_would_take_html() {
        type Pairs = &'static [(&'static str, &'static str)];
        let cases: [(&str, Pairs, Audience); 5] = [
            ("navigation", &[("sec-fetch-mode", "navigate"), ("accept", "text/html,*/*")], Audience::Person),
            ("fetch", &[("sec-fetch-mode", "cors"), ("accept", "text/html,*/*")], Audience::Program),
            ("old browser", &[("accept", "text/html,*/*;q=0.8")], Audience::Person),
            (
                "old script",
                &[("accept", "text/html"), ("x-requested-with", "XMLHttpRequest")],
                Audience::Program,
            ),
            ("FHIR client", &[("accept", "application/fhir+json")], Audience::FhirProgram),
        ];
        for (name, pairs, expected) in cases {
            assert_eq!(audience(&headers(pairs)), expected, "{name}");
        }
    }

    #[test]
    fn a_form_of_another_site_is_told_apart() {
        let same =
            |pairs: &[(&'static str, &'static str)]| is_same_origin(&headers(pairs), "ehr.example:8443");
        assert!(same(&[("sec-fetch-site", "same-origin")]));
        assert!(!same(&[("sec-fetch-site", "cross-site")]));
        assert!(!same(&[("sec-fetch-site", "same-site")]));
        assert!(same(&[("origin", "https://ehr.example:8443")]));
        assert!(!same(&[("origin", "https://evil.example")]));
        assert!(!same(&[("origin", "null")]));
    }
}
