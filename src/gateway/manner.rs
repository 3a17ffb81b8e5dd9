//! How a caller wants to be answered: as a person who looks at a page, or as a program.

use http::header::{ACCEPT, ACCEPT_LANGUAGE, COOKIE, HOST, HeaderName, ORIGIN, REFERER};
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method, Uri};

use super::normalize::cookies;
use crate::domain::application::ProviderName;
use crate::features::session::device_key::device_cookie_name;
use crate::foundation::id::SessionId;
use crate::foundation::secret::Secret;
use crate::platform::page::language::Language;

/// How a caller wants to be answered. Kept as it came: nothing of it is read before there is something to
/// tell, since most requests pass.
#[derive(Clone, Debug)]
pub struct Manner {
    method: Method,
    uri: Uri,
    host: Option<HeaderValue>,
    referer: Option<HeaderValue>,
    accept: Option<HeaderValue>,
    accept_language: Option<HeaderValue>,
    fetch_mode: Option<HeaderValue>,
    fetch_dest: Option<HeaderValue>,
    origin: Option<HeaderValue>,
    is_scripted: bool,
    cookies: Vec<HeaderValue>,
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
        Self::of(&Method::POST, &Uri::default(), &HeaderMap::new())
    }

    /// Read off the head of a request.
    pub fn of(method: &Method, uri: &Uri, headers: &HeaderMap) -> Self {
        let field = |name: HeaderName| headers.get(name).cloned();
        Self {
            method: method.clone(),
            uri: uri.clone(),
            host: field(HOST),
            referer: field(REFERER),
            accept: field(ACCEPT),
            accept_language: field(ACCEPT_LANGUAGE),
            fetch_mode: field(SEC_FETCH_MODE),
            fetch_dest: field(SEC_FETCH_DEST),
            origin: field(ORIGIN),
            is_scripted: headers.contains_key(X_REQUESTED_WITH),
            cookies: headers.get_all(COOKIE).iter().cloned().collect(),
        }
    }

    /// As whom. A browser says by `Sec-Fetch-Mode` whether somebody navigates or a script fetches. Whoever
    /// does not say is a person if they would take HTML and nothing says that a script asks.
    pub fn audience(&self) -> Audience {
        let accepts =
            |media_type: &str| text(self.accept.as_ref()).is_some_and(|accept| accept.contains(media_type));
        let navigates = match text(self.fetch_mode.as_ref()) {
            Some(mode) => mode == "navigate",
            None => accepts("text/html") && !self.is_scripted,
        };
        match (navigates, accepts("application/fhir+json")) {
            (true, _) => Audience::Person,
            (false, true) => Audience::FhirProgram,
            (false, false) => Audience::Program,
        }
    }

    /// Whether the same request can be asked for again by following a link.
    pub fn is_repeatable(&self) -> bool {
        matches!(self.method, Method::GET | Method::HEAD)
    }

    /// Whether no body is wanted.
    pub fn wants_head_only(&self) -> bool {
        self.method == Method::HEAD
    }

    /// The language of pages.
    pub fn language(&self) -> Language {
        Language::preferred(text(self.accept_language.as_ref()).unwrap_or_default())
    }

    /// The host and port that the caller asked for, as they came. For use once they were normalized.
    pub fn authority(&self) -> &str {
        let named = self.uri.authority().map(http::uri::Authority::as_str);
        named.or_else(|| text(self.host.as_ref())).unwrap_or_default()
    }

    /// Path and query, as they came. For use once they were normalized.
    pub fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", PathAndQuery::as_str)
    }

    /// Where to lead a person back to: what they asked for, or the page of the same origin that a form was
    /// on; the first page if the browser does not say.
    pub fn came_from(&self) -> &str {
        if self.is_repeatable() {
            return self.target();
        }
        self.page()
    }

    /// The page of the same origin that it comes from; the first page if the browser does not say.
    pub fn page(&self) -> &str {
        text(self.referer.as_ref())
            .and_then(|referer| referer.strip_prefix("https://")?.strip_prefix(self.authority()))
            .filter(|path| path.starts_with('/') && !path.starts_with("//"))
            .unwrap_or("/")
    }

    /// The cookie that names the browser.
    pub fn browser(&self) -> Option<Secret> {
        cookies::find(&self.cookies, cookies::BROWSER_COOKIE).value().cloned()
    }

    /// The cookie that says that the device has the key of this session.
    pub fn device(&self, session: SessionId) -> Option<Secret> {
        cookies::find(&self.cookies, &device_cookie_name(session)).value().cloned()
    }

    /// Whether a browser asks for a page, to show it in a window and not in a frame.
    pub fn is_document(&self) -> bool {
        let is_window = self.fetch_dest.as_ref().is_none_or(|dest| dest == "document");
        self.method == Method::GET && is_window && self.audience() == Audience::Person
    }

    /// The origin whose page asks, where the browser says so.
    pub const fn origin(&self) -> Option<&HeaderValue> {
        self.origin.as_ref()
    }

    /// The cookie that binds a sign-in to its browser.
    pub fn binding(&self) -> Option<Secret> {
        cookies::find(&self.cookies, cookies::BINDING_COOKIE).value().cloned()
    }

    /// The provider by which somebody came last in this browser, by its cookie's word.
    pub fn remembered(&self) -> Option<ProviderName> {
        cookies::find(&self.cookies, cookies::PROVIDER_COOKIE).value()?.reveal().parse().ok()
    }
}

fn text(value: Option<&HeaderValue>) -> Option<&str> {
    value.and_then(|value| value.to_str().ok())
}

/// Whether a request that changes something comes from a page of the same origin, or from no page
/// at all: what our own forms ask for.
pub fn is_same_origin(headers: &HeaderMap, authority: &str) -> bool {
    let field = |name: HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = field(SEC_FETCH_SITE) {
        return matches!(site, "same-origin" | "none");
    }
    match field(ORIGIN) {
        Some(origin) => {
            origin.strip_prefix("https://").is_some_and(|host| host.eq_ignore_ascii_case(authority))
        }
        None => true,
    }
}

const SEC_FETCH_MODE: HeaderName = HeaderName::from_static("sec-fetch-mode");
const SEC_FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");
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
            let manner = Manner::of(&Method::GET, &Uri::default(), &headers(pairs));
            assert_eq!(manner.audience(), expected, "{name}");
        }
    }

    #[test]
    fn a_page_in_a_window_is_told_from_one_in_a_frame_and_from_what_a_script_fetches() {
        let is_document = |method, pairs: &[(&'static str, &'static str)]| {
            Manner::of(&method, &Uri::default(), &headers(pairs)).is_document()
        };
        assert!(is_document(Method::GET, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]));
        assert!(is_document(Method::GET, &[("accept", "text/html")]), "a browser that does not say");
        assert!(!is_document(Method::GET, &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "iframe")]));
        assert!(!is_document(Method::GET, &[("sec-fetch-mode", "cors"), ("sec-fetch-dest", "empty")]));
        assert!(!is_document(
            Method::POST,
            &[("sec-fetch-mode", "navigate"), ("sec-fetch-dest", "document")]
        ));
        assert!(!is_document(Method::GET, &[("accept", "*/*")]));
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
