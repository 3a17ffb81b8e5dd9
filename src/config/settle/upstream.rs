//! How an application is reached, and which of its servers takes a request.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::HeaderValue;
use http::uri::PathAndQuery;
use rustls::pki_types::ServerName;
use url::{Host, Url};

use super::credential::credentials;
use crate::config::certificate::{authorities, client_certificate};
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::application::ApplicationName;
use crate::features::upstream::settings::{
    BalanceSettings, CheckSettings, Cookies, HealthSettings, SERVERS_MAX, Server, StatusSet, Sticky,
    UpstreamSettings,
};
use crate::foundation::digest::Digest;
use crate::platform::tls::client::Trust;

/// Reads how an application is reached. `routes` are its routes' tables.
pub(super) fn upstream(
    name: Option<&ApplicationName>,
    reader: &Reader<'_>,
    routes: &[Reader<'_>],
) -> Option<UpstreamSettings> {
    let servers = reader.list_with("upstream", server);
    let protocol = reader.parsed("protocol");
    let authorities_pem = authorities(reader);
    let tls = reader.table("tls").and_then(|reader| tls(&reader));
    let connect_timeout = reader.duration("connect_timeout");
    let reply_timeout = reader.duration("reply_timeout");
    let reply_idle = reader.duration("reply_idle");
    let keep_alive = reader.duration("keep_alive");
    let preserve_host = reader.yes_no("preserve_host");
    let identity_headers = reader.list("identity_headers");
    let connections = reader.parsed("connections");
    let cookies: Option<Cookies> = reader.parsed("cookies");
    let credentials = credentials(reader, routes);
    let balance = reader.table("balance").and_then(|reader| balance(&reader));
    let health = reader.table("health").and_then(|reader| health(&reader));
    let by_cookie = balance.as_ref().is_some_and(|it| matches!(it.sticky, Sticky::ApplicationCookie(_)));
    if cookies == Some(Cookies::Keep) && by_cookie {
        let what = "callers are bound to servers by a cookie that they would never have";
        reader.error("cookies", what, "`balance.sticky = \"own_cookie\"`, or `\"browser\"`");
    }
    let servers = servers?;
    if authorities_pem.is_some() && servers.iter().all(|server| !server.tls) {
        reader.reading().warning(
            &reader.key_of("authorities"),
            "no server of this application speaks TLS, so nobody is vouched for",
            "`https` in `upstream`, or no `authorities`",
        );
    }
    refuse_same_or_many(reader, &servers);
    let tls = tls?;
    Some(UpstreamSettings {
        application: name?.clone(),
        servers,
        protocol: protocol?,
        trust: Trust { authorities: authorities_pem, ..tls.trust },
        server_name: tls.server_name,
        connect_timeout: connect_timeout?,
        reply_timeout: reply_timeout?,
        reply_idle: reply_idle?,
        keep_alive: keep_alive?,
        preserve_host: preserve_host?,
        identity_headers: identity_headers?,
        connections: connections?,
        cookies: cookies?,
        balance: balance?,
        health: health?,
        credentials: credentials?,
    })
}

// A URL may hold a password, so it is not quoted.
fn server(text: &str) -> Result<Server, Mistake> {
    let wrong = |what: &str| {
        Mistake::new(
            what,
            "such as `\"http://10.0.0.7:8080\"` or `\"https://ehr.internal\"`, and nothing more",
        )
    };
    let url = Url::parse(text).map_err(|error| wrong(&format!("not a URL: {error}")))?;
    let tls = match url.scheme() {
        "http" => false,
        "https" => true,
        _ => return Err(wrong("an application is reached by `http` or `https`")),
    };
    let bare = url.username().is_empty()
        && url.password().is_none()
        && url.path() == "/"
        && url.query().is_none()
        && url.fragment().is_none();
    if !bare {
        return Err(wrong("a server is only a scheme, a host and a port"));
    }
    let host = match url.host() {
        Some(Host::Domain(name)) => name.to_owned(),
        Some(Host::Ipv4(address)) => address.to_string(),
        Some(Host::Ipv6(address)) => address.to_string(),
        None => return Err(wrong("the URL has no host")),
    };
    let port = url.port_or_known_default().filter(|port| *port > 0);
    Ok(Server { tls, host, port: port.ok_or_else(|| wrong("the URL has no port"))? })
}

struct TlsDraft {
    trust: Trust,
    server_name: Option<String>,
}

fn tls(reader: &Reader<'_>) -> Option<TlsDraft> {
    let server_name = reader.text_with("server_name", |text| {
        let right = "a host name such as `\"ehr.internal\"`, or an address";
        ServerName::try_from(text)
            .map(|_| text.to_owned())
            .map_err(|_| Mistake::new(format!("`{text}` is not a name that TLS can ask for"), right))
    });
    let pins = reader.list_with("pins", pin);
    let certificate = reader.optional_table("client_certificate").map(|reader| client_certificate(&reader));
    let insecure_any_certificate = reader.yes_no("insecure_any_certificate");
    let (pins, insecure_any_certificate) = (pins?, insecure_any_certificate?);
    if insecure_any_certificate && pins.is_empty() {
        reader.reading().warning(
            &reader.key_of("insecure_any_certificate"),
            "whoever answers at its address is taken for the application, and is sent patients' data",
            "`authorities` or, for a certificate that nobody vouches for, `pins` beside it",
        );
    }
    let identity = match certificate {
        Some(certificate) => Some(certificate?),
        None => None,
    };
    Some(TlsDraft {
        trust: Trust { authorities: None, pins, identity, insecure_any_certificate },
        server_name,
    })
}

fn pin(text: &str) -> Result<Digest, Mistake> {
    let bytes = STANDARD.decode(text.strip_prefix("sha256/").unwrap_or(text)).ok();
    let bytes = bytes.and_then(|bytes| <[u8; 32]>::try_from(bytes).ok());
    bytes.map(Digest::from_bytes).ok_or_else(|| {
        let right = "a SHA-256 digest of a public key in base64: 44 characters";
        Mistake::new(format!("`{text}` is not a pin"), right)
    })
}

fn refuse_same_or_many(reader: &Reader<'_>, servers: &[Server]) {
    for (position, server) in (1..).zip(servers) {
        if servers.iter().skip(position).any(|other| other == server) {
            reader.error("upstream", format!("`{server}` is listed twice"), "each server once");
        }
    }
    if servers.len() > SERVERS_MAX {
        let what = format!("{} servers are too many for one application", servers.len());
        reader.error("upstream", what, format!("at most {SERVERS_MAX}"));
    }
}

fn balance(reader: &Reader<'_>) -> Option<BalanceSettings> {
    let sticky = sticky(reader);
    let requests = reader.whole("requests");
    let waiting = reader.whole("waiting");
    let wait = reader.duration("wait");
    let slow_start = reader.duration("slow_start");
    if requests.is_none() {
        for name in ["waiting", "wait"].into_iter().filter(|name| reader.has(name)) {
            reader.error(name, "without a limit nothing waits", "`requests` beside it");
        }
    }
    Some(BalanceSettings {
        sticky: sticky?,
        requests_max: requests.map(count),
        waiting_max: count(waiting?),
        wait_max: wait?,
        slow_start: slow_start?,
    })
}

fn sticky(reader: &Reader<'_>) -> Option<Sticky> {
    let right = "one of no, own_cookie, application_cookie";
    let sticky = reader.text_with("sticky", |text| match text {
        "no" => Ok(Sticky::No),
        "own_cookie" => Ok(Sticky::OwnCookie),
        "application_cookie" => Ok(Sticky::ApplicationCookie(String::new())),
        _ => Err(Mistake::new(format!("`{text}` is not {right}"), right)),
    });
    let cookie = reader.text_with("cookie", cookie);
    match sticky? {
        Sticky::ApplicationCookie(_) if !reader.has("cookie") => {
            reader.error("sticky", "it is not said which cookie", "`cookie` beside it");
            None
        }
        Sticky::ApplicationCookie(_) => cookie.map(Sticky::ApplicationCookie),
        other @ (Sticky::No | Sticky::OwnCookie) => {
            if reader.has("cookie") {
                let right = "only for `sticky = \"application_cookie\"`";
                reader.error("cookie", "no cookie of the application is looked at", right);
            }
            Some(other)
        }
    }
}

/// The name of a cookie (RFC 6265 section 4.1.1: a token).
fn cookie(text: &str) -> Result<String, Mistake> {
    let known = |byte: u8| byte.is_ascii_graphic() && !b"()<>@,;:\\\"/[]?={}".contains(&byte);
    if text.is_empty() || !text.bytes().all(known) {
        let what = format!("`{text}` is not the name of a cookie");
        return Err(Mistake::new(what, "such as `\"JSESSIONID\"`"));
    }
    if text.to_ascii_lowercase().starts_with("__host-leastway") {
        return Err(Mistake::new(format!("`{text}` is one of ours"), "a cookie of the application"));
    }
    Ok(text.to_owned())
}

fn health(reader: &Reader<'_>) -> Option<HealthSettings> {
    let failures = reader.whole("failures");
    let failure_status = reader.list("failure_status");
    let out = reader.duration("out");
    let out_max = reader.duration("out_max");
    let check = reader.optional_table("check").map(|reader| check(&reader));
    let (out, out_max) = (out?, out_max?);
    if out_max < out {
        reader.error("out_max", "a server would be out for longer than at most", "no less than `out`");
        return None;
    }
    Some(HealthSettings {
        failures: number(failures?),
        failure_status: StatusSet::new(failure_status?),
        out,
        out_max,
        check: match check {
            Some(check) => Some(check?),
            None => None,
        },
    })
}

fn check(reader: &Reader<'_>) -> Option<CheckSettings> {
    let path = reader.text_with("path", |text| {
        let wrong = || Mistake::new(format!("`{text}` is not a path"), "such as `\"/health\"`");
        let begins = text.starts_with('/');
        text.parse::<PathAndQuery>().ok().filter(|_| begins).ok_or_else(wrong)
    });
    let host = reader.text_with("host", |text| {
        let wrong = || Mistake::new(format!("`{text}` is not a host"), "such as `\"ehr.clinic.example\"`");
        let known =
            |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b':' | b'[' | b']');
        let fits = !text.is_empty() && text.bytes().all(known);
        HeaderValue::from_str(text).ok().filter(|_| fits).ok_or_else(wrong)
    });
    let status = reader.list("status");
    let interval = reader.duration("interval");
    let timeout = reader.duration("timeout");
    let down_after = reader.whole("down_after");
    let up_after = reader.whole("up_after");
    let (interval, timeout) = (interval?, timeout?);
    if timeout > interval {
        reader.error(
            "timeout",
            "the next check would begin before this one has ended",
            "not above `interval`",
        );
        return None;
    }
    Some(CheckSettings {
        path: path?,
        host,
        status: StatusSet::new(status?),
        interval,
        timeout,
        down_after: number(down_after?),
        up_after: number(up_after?),
    })
}

fn number(number: u64) -> u32 {
    u32::try_from(number).unwrap_or(u32::MAX)
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
