//! Applications and how they are reached.

use super::ApplicationDraft;
use super::hold::hold;
use super::rewrite::rewrite;
use super::route::route;
use super::upstream::upstream;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::features::route::pattern::{PathPattern, Segment};
use crate::features::route::settings::{ApplicationSettings, RouteSettings, Unmatched};

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
    let hosts = reader.list_with("host", host);
    let path = reader.text_with("path", base_path);
    let provider = provider(reader, only_provider);
    let unmatched = reader.text_with("unmatched", unmatched);
    let idle_ignore = reader.list("idle_ignore");
    let quirks = reader.list("quirks");
    let routes = routes(name, reader, &tables);

    let (hosts, path, routes) = (hosts?, path?, routes?);
    refuse_same_host(reader, &hosts);
    let settings = ApplicationSettings {
        name: application?,
        hosts,
        path,
        provider: provider?,
        unmatched: unmatched?,
        idle_ignore: idle_ignore?,
        quirks: quirks?,
        routes,
    };
    Some(ApplicationDraft { settings, upstream: upstream?, rewrite: rewrite?, hold: hold? })
}

fn routes(application: &str, reader: &Reader<'_>, tables: &[Reader<'_>]) -> Option<Vec<RouteSettings>> {
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
    Some(all.into_iter().map(|(_, route)| route).collect())
}

fn provider(reader: &Reader<'_>, only_provider: Option<&str>) -> Option<ProviderName> {
    if reader.has("provider") {
        return reader.parsed("provider");
    }
    let Some(name) = only_provider else {
        let what = "`provider` is missing, and there is not exactly one to take";
        reader.error("provider", what, "the name of the provider at which its people sign in");
        return None;
    };
    // A name that cannot be one is a problem of the provider's already.
    name.parse().ok()
}

fn host(text: &str) -> Result<String, Mistake> {
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
