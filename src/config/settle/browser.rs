//! What is declared of an application's pages.

use http::Method;
use http::header::HeaderName;
use http::uri::PathAndQuery;

use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::features::browser::settings::{BrowserSettings, CorsSettings, SignOutSettings};

/// Reads `cors`, `script` and `sign_out` of `[application.NAME]`, which lives below `base`.
pub(super) fn browser(reader: &Reader<'_>, base: Option<&str>) -> Option<BrowserSettings> {
    let cors = reader.table("cors").and_then(|reader| cors(&reader));
    let script = reader.parsed("script");
    let sign_out = match reader.optional_table("sign_out") {
        Some(table) => sign_out(&table, base.unwrap_or("/")).map(Some),
        None if reader.has("sign_out") => None,
        None => Some(None),
    };
    Some(BrowserSettings { cors: cors?, script: script?, sign_out: sign_out? })
}

/// None where no origin is declared.
#[expect(
    clippy::option_option,
    reason = "the outer one says that it is wrong, the inner one that there is none"
)]
fn cors(reader: &Reader<'_>) -> Option<Option<CorsSettings>> {
    let origins = reader.list_with("origins", origin);
    let credentials = reader.yes_no("credentials");
    let methods = reader.list_with("methods", |text| {
        let right = "methods such as `[\"PUT\"]`, in capitals";
        let is_plain =
            text.bytes().all(|byte| byte.is_ascii_uppercase()) && text != "CONNECT" && text != "TRACE";
        Method::from_bytes(text.as_bytes())
            .ok()
            .filter(|_| is_plain && !text.is_empty())
            .ok_or_else(|| Mistake::new(format!("`{text}` is no method that may be asked for"), right))
    });
    let headers = reader.list_with("headers", |text| {
        text.parse::<HeaderName>()
            .map(|name| name.as_str().to_owned())
            .map_err(|_| Mistake::new(format!("`{text}` is no header"), "names such as `[\"content-type\"]`"))
    });
    let max_age = reader.duration("max_age");
    let settings = CorsSettings {
        origins: origins?,
        credentials: credentials?,
        methods: methods?,
        headers: headers?,
        max_age: max_age?,
    };
    Some((!settings.origins.is_empty()).then_some(settings))
}

/// An origin as browsers write it (RFC 6454 6.1): compared byte for byte, so that no other spelling may stand here.
fn origin(text: &str) -> Result<String, Mistake> {
    let right =
        "an origin such as `\"https://portal.clinic.example\"`: no path, no `*`, no `:443`, lower case";
    let parsed = url::Url::parse(text).ok().filter(|url| url.scheme() == "https");
    match parsed.map(|url| url.origin().ascii_serialization()) {
        Some(serialized) if serialized == text => Ok(serialized),
        Some(_) | None => Err(Mistake::new(format!("`{text}` is not an origin by TLS"), right)),
    }
}

fn sign_out(reader: &Reader<'_>, base: &str) -> Option<SignOutSettings> {
    let path = reader.text_with("path", |text| path(text, base));
    let method = reader.text_with("method", |text| match text {
        "GET" => Ok(Method::GET),
        "POST" => Ok(Method::POST),
        _ => Err(Mistake::new(format!("`{text}` is not one of GET, POST"), "one of GET, POST")),
    });
    let cookies = reader.list_with("cookies", cookie_name);
    let paths = if reader.has("cookie_path") {
        reader.list_with("cookie_path", cookie_path)
    } else {
        let mut paths = vec!["/".to_owned(), base.to_owned(), base.trim_end_matches('/').to_owned()];
        paths.retain(|path| !path.is_empty());
        paths.dedup();
        Some(paths)
    };
    let domains = reader.list_with("cookie_domain", super::application::host);
    let (clear, ends_session) = (reader.list("clear"), reader.yes_no("ends_session"));
    Some(SignOutSettings {
        method: method?,
        path: path?,
        cookies: cookies?,
        cookie_paths: paths?,
        cookie_domains: domains?,
        clear: clear?,
        ends_session: ends_session?,
    })
}

fn path(text: &str, base: &str) -> Result<PathAndQuery, Mistake> {
    let right = format!("a path below `{base}`, with a query if it needs one");
    let is_plain = text.starts_with(base) && !text.contains('#');
    text.parse()
        .ok()
        .filter(|_| is_plain)
        .ok_or_else(|| Mistake::new(format!("`{text}` is no address of the application"), right))
}

fn cookie_name(text: &str) -> Result<String, Mistake> {
    // A token (RFC 9110 5.6.2), as the name of a header is.
    let is_token = text.parse::<HeaderName>().is_ok();
    let is_ours = text.to_ascii_lowercase().starts_with("__host-leastway");
    if !is_token || is_ours {
        return Err(Mistake::new(
            format!("`{text}` is not the name of a cookie of the application"),
            "names such as `[\"JSESSIONID\"]`",
        ));
    }
    Ok(text.to_owned())
}

fn cookie_path(text: &str) -> Result<String, Mistake> {
    let is_plain = |byte: u8| byte.is_ascii_graphic() && byte != b';';
    if !text.starts_with('/') || !text.bytes().all(is_plain) {
        return Err(Mistake::new(
            format!("`{text}` is not the path of a cookie"),
            "paths such as `[\"/ehr\"]`",
        ));
    }
    Ok(text.to_owned())
}
