//! The little HTML that the clinic's pages need.

use std::fmt;

use axum::http::HeaderValue;
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::response::{IntoResponse as _, Response};

/// A text as it may stand in an element or a quoted attribute.
pub(super) struct Text<'a>(pub(super) &'a str);

impl fmt::Display for Text<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for character in self.0.chars() {
            match character {
                '&' => f.write_str("&amp;")?,
                '<' => f.write_str("&lt;")?,
                '>' => f.write_str("&gt;")?,
                '"' => f.write_str("&quot;")?,
                '\'' => f.write_str("&#39;")?,
                other => fmt::Write::write_char(f, other)?,
            }
        }
        Ok(())
    }
}

/// What every page of one site shares.
pub(super) struct Site {
    /// Its name, at the top of each page.
    pub(super) name: &'static str,
    /// The class of the page's body: gives the site its color.
    pub(super) class: &'static str,
    /// Links at the top: label and path.
    pub(super) links: &'static [(&'static str, &'static str)],
}

impl Site {
    /// A whole page. `person` is HTML as well; both are made by the caller from escaped parts.
    pub(super) fn page(&self, title: &str, person: &str, body: &str) -> String {
        let link = |(label, path): &(&str, &str)| format!("<a href=\"{path}\">{label}</a>");
        let links = self.links.iter().map(link).collect::<Vec<_>>().concat();
        format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\">\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
             <title>{title} · {name}</title>\
             <link rel=\"icon\" href=\"/static/clinic.svg\"><link rel=\"stylesheet\" href=\"/static/clinic.css\"></head>\
             <body class=\"{class}\"><header><strong>{name}</strong><nav>{links}</nav>{person}</header>\
             <main><h1>{title}</h1>{body}</main>\
             <footer>Everybody in here is made up.</footer></body></html>",
            title = Text(title),
            name = self.name,
            class = self.class,
        )
    }
}

/// A page as a reply that nobody keeps.
pub(super) fn reply(page: String) -> Response {
    let mut response = page.into_response();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The style that all sites share.
pub(super) async fn style() -> Response {
    let style = include_str!("clinic.css");
    ([(CONTENT_TYPE, "text/css; charset=utf-8"), (CACHE_CONTROL, "max-age=300")], style).into_response()
}

/// The icon that all sites share.
pub(super) async fn icon() -> Response {
    let icon = include_str!("clinic.svg");
    ([(CONTENT_TYPE, "image/svg+xml"), (CACHE_CONTROL, "max-age=300")], icon).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_cannot_become_markup() {
        assert_eq!(Text("<a href='x'>\"&").to_string(), "&lt;a href=&#39;x&#39;&gt;&quot;&amp;");
    }
}
