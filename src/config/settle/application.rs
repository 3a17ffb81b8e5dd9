//! Applications and how they are reached.

use std::sync::Arc;

use super::ApplicationDraft;
use super::browser::browser;
use super::given;
use super::hold::hold;
use super::journal::optional;
use super::rewrite::rewrite;
use super::route::route;
use super::session::shorter;
use super::upstream::upstream;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::{ApplicationName, NameError, ProviderName};
use crate::features::browser::settings::BrowserSettings;
use crate::features::route::given::settings::GivenSettings;
use crate::features::route::pattern::{PathPattern, Segment};
use crate::features::route::settings::{ApplicationSettings, Downtime, RouteSettings, Unmatched};
use crate::features::upstream::settings::Cookies;

/// Reads `[application.NAME]`. `only_provider` is whose people sign in where nothing is written.
pub(in crate::config) fn application(
    name: &str,
    reader: &Reader<'_>,
    only_provider: Option<&str>,
) -> Option<ApplicationDraft> {
    let application = name
        .parse::<ApplicationName>()
        .map_err(|error| reader.reading().error(reader.key(), error.to_string(), "a name such as `ehr`"))
        .ok();
    let tables = reader.tables("route", 1);
    let upstream = upstream(application.as_ref(), reader, &tables);
    let rewrite = reader.table("rewrite").and_then(|reader| rewrite(&reader));
    let hold = reader.table("hold").and_then(|reader| hold(&reader));
    let session = reader.table("session").and_then(|reader| shorter(&reader));
    let hosts = reader.list_with("host", host);
    let path = reader.text_with("path", base_path);
    let browser = browser(reader, path.as_deref());
    let providers = providers(reader, PROVIDER, only_provider);
    let unmatched = reader.text_with("unmatched", unmatched);
    let idle_ignore = reader.list("idle_ignore");
    let quirks = reader.list("quirks");
    let downtime = if reader.has("downtime") {
        reader.table("downtime").and_then(|reader| downtime(&reader)).map(Some)
    } else {
        Some(None)
    };
    let (given, patient_unknown) = (given::kinds(reader), reader.parsed("patient_unknown"));
    let routes = routes(name, reader, &tables, given.as_deref());

    let (hosts, path, routes) = (hosts?, path?, routes?);
    refuse_same_host(reader, &hosts);
    let (upstream, browser) = (upstream?, browser?);
    warn_of_unseen_cookies(reader, &browser, upstream.cookies);
    let settings = ApplicationSettings {
        name: application?,
        hosts,
        path,
        providers: providers?,
        unmatched: unmatched?,
        idle_ignore: idle_ignore?,
        quirks: quirks?,
        given: given?,
        patient_unknown: patient_unknown?,
        downtime: downtime?,
        routes,
    };
    Some(ApplicationDraft { settings, upstream, rewrite: rewrite?, hold: hold?, session: session?, browser })
}

/// Reads `[application.NAME.downtime]`.
fn downtime(reader: &Reader<'_>) -> Option<Arc<Downtime>> {
    let instructions = optional(reader, "instructions", |reader| {
        reader.text_with("instructions", |text| {
            let is_one = !text.trim().is_empty() && text.chars().count() <= INSTRUCTIONS_CHARACTERS_MAX;
            if is_one && !text.chars().any(char::is_control) {
                return Ok(text.trim().to_owned());
            }
            Err(Mistake::new(
                "that is no paragraph that people could read",
                "at most 1000 characters, without line breaks",
            ))
        })
    });
    let read_only = optional(reader, "read_only", |reader| reader.text_with("read_only", secure_address));
    let (instructions, read_only) = (instructions?, read_only?);
    if instructions.is_none() && read_only.is_none() {
        let right = "`instructions`, `read_only` or both";
        reader.reading().error(reader.key(), "nothing says what people do meanwhile", right);
        return None;
    }
    Some(Arc::new(Downtime { instructions, read_only }))
}

/// An address that a browser opens, by TLS.
fn secure_address(text: &str) -> Result<String, Mistake> {
    let right = "an address such as `\"https://records.clinic.example/\"`";
    match text.parse::<url::Url>() {
        Ok(url) if url.scheme() == "https" && url.username().is_empty() && url.password().is_none() => {
            Ok(url.to_string())
        }
        Ok(_) | Err(_) => Err(Mistake::new(format!("`{text}` is not an `https` address"), right)),
    }
}

/// A browser brings a cookie to what is below its `Path`, and our own sign-out and the way back from the provider are not.
fn warn_of_unseen_cookies(reader: &Reader<'_>, browser: &BrowserSettings, cookies: Cookies) {
    let Some(sign_out) = &browser.sign_out else { return };
    let is_everywhere = sign_out.cookie_paths.iter().all(|path| path == "/");
    if sign_out.cookies.is_empty() || is_everywhere || cookies == Cookies::Keep {
        return;
    }
    let what = "where these cookies have another `Path` than `/`, we never see them: they are taken away, and the \
                application is not asked to end its session";
    let right =
        "`cookies = \"keep\"` of the application, or `cookie_path = [\"/\"]` if that is how it sets them";
    reader.reading().warning(&format!("{}.sign_out.cookies", reader.key()), what, right);
}

fn routes(
    application: &str,
    reader: &Reader<'_>,
    tables: &[Reader<'_>],
    given: Option<&[GivenSettings]>,
) -> Option<Vec<RouteSettings>> {
    let all = collect_all(tables.iter().map(|table| Some((table.key_of("name"), route(table)?))))?;
    for (position, (key, route)) in all.iter().enumerate() {
        if all.iter().take(position).any(|(_, earlier)| earlier.name == route.name) {
            let what = format!("`{application}` has another route `{}`", route.name);
            reader.reading().error(key, what, "a name of its own for each route");
        }
    }
    for (table, (_, route)) in tables.iter().zip(&all) {
        reader.reading().locate_route(application, route.name.as_str(), table.key());
    }
    let written: Vec<_> = tables.iter().zip(all.iter().map(|(_, route)| route)).collect();
    given::check(reader, given.unwrap_or_default(), &written);
    Some(all.into_iter().map(|(_, route)| route).collect())
}

/// Whose people are meant, of an application or of a role: who is not said is nobody, as soon as there are several.
pub(super) fn providers(
    reader: &Reader<'_>,
    (key, right): (&str, &str),
    only_provider: Option<&str>,
) -> Option<Vec<ProviderName>> {
    if reader.has(key) {
        return reader.list_with(key, |text| {
            text.parse().map_err(|error: NameError| Mistake::new(error.to_string(), right))
        });
    }
    let Some(name) = only_provider else {
        reader.error(key, format!("`{key}` is missing, and there is not exactly one to take"), right);
        return None;
    };
    // A name that cannot be one is a problem of the provider's already.
    name.parse().ok().map(|name| vec![name])
}

/// A host name, in lower case.
pub(super) fn host(text: &str) -> Result<String, Mistake> {
    let right = "a host name such as `\"ehr.clinic.example\"`, without scheme, port and `*`";
    let lower = text.to_ascii_lowercase();
    let known = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.');
    let label = |label: &str| {
        !label.is_empty() && label.len() <= 63 && !label.starts_with('-') && !label.ends_with('-')
    };
    if lower.len() > 253 || !lower.bytes().all(known) || !lower.split('.').all(label) {
        return Err(Mistake::new(format!("`{text}` is not a host name"), right));
    }
    Ok(lower)
}

fn base_path(text: &str) -> Result<String, Mistake> {
    let right = "a path such as `\"/ehr/\"` that begins and ends in `/`";
    let pattern = text.parse::<PathPattern>().map_err(|error| Mistake::new(error.to_string(), right))?;
    let literal = pattern.segments().iter().all(|segment| matches!(segment, Segment::Literal(_)));
    if !text.ends_with('/') || !literal {
        return Err(Mistake::new(format!("`{text}` is not a plain path that ends in `/`"), right));
    }
    Ok(text.to_owned())
}

fn unmatched(text: &str) -> Result<Unmatched, Mistake> {
    match text {
        "deny" => Ok(Unmatched::Deny),
        "observe" => Ok(Unmatched::Observe),
        _ => Err(Mistake::new(format!("`{text}` is not one of deny, observe"), "one of deny, observe")),
    }
}

fn refuse_same_host(reader: &Reader<'_>, hosts: &[String]) {
    for (position, host) in (1..).zip(hosts) {
        if hosts.iter().skip(position).any(|other| other == host) {
            reader.error("host", format!("`{host}` is listed twice"), "each host once");
        }
    }
}

/// The key that names them, and what would be right.
const INSTRUCTIONS_CHARACTERS_MAX: usize = 1000;
const PROVIDER: (&str, &str) = ("provider", "the names of the providers at which its people sign in");
