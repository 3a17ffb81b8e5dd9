//! Exports: where each leads, and what it needs for that.

use std::path::Path;

use http::{HeaderName, HeaderValue};
use url::{Host, Url};

use super::signals::address;
use crate::config::certificate::{authorities, client_certificate};
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::features::export::Shape;
use crate::features::export::format::Format;
use crate::features::export::settings::{
    ExportSettings, FileTarget, HttpTarget, Protocol, Selection, SigningSecret, Target,
};
use crate::foundation::secret::Secret;
use crate::platform::syslog::SyslogTarget;
use crate::platform::tls::client::Trust;

/// Reads `[export.NAME]`. What is refused is kept in `folder` where nothing else is written.
pub(in crate::config) fn export(name: &str, reader: &Reader<'_>, folder: &Path) -> Option<ExportSettings> {
    let parsed = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `siem`");
    });
    let format = reader.text_with("format", |text| {
        let words: Vec<&str> = Format::ALL.iter().map(|format| format.as_str()).collect();
        Format::parse(text).ok_or_else(|| {
            Mistake::new(format!("`{text}` is no format"), format!("one of {}", words.join(", ")))
        })
    });
    let target = target(reader, format);
    let selection = selection(reader);
    let (from, batch, every) = (reader.parsed("from"), reader.whole("batch"), reader.duration("every"));
    let (timeout, on_refused) = (reader.duration("timeout"), reader.parsed("on_refused"));
    let refused = if reader.has("refused") {
        reader.path("refused")
    } else {
        Some(folder.join(format!("{name}.refused.ndjson")))
    };
    Some(ExportSettings {
        name: parsed.ok()?,
        target: target?,
        format: format?,
        selection: selection?,
        from: from?,
        batch: usize::try_from(batch?).ok()?,
        every: every?,
        timeout: timeout?,
        on_refused: on_refused?,
        refused: refused?,
    })
}

fn selection(reader: &Reader<'_>) -> Option<Selection> {
    let kinds = if reader.has("kinds") { reader.list("kinds") } else { Some(Vec::new()) };
    let applications =
        if reader.has("applications") { reader.list("applications") } else { Some(Vec::new()) };
    let only = if reader.has("only") { reader.list("only") } else { Some(Vec::new()) };
    Some(Selection { kinds: kinds?, applications: applications?, only: only? })
}

/// Where `to` leads, as far as its beginning says it.
enum Way {
    File(String),
    Syslog { host: String, port: u16, tls: bool },
    Http(String),
}

impl Way {
    /// The keys that belong to this way alone or with others.
    const fn keys(&self) -> &'static [&'static str] {
        match self {
            Self::File(_) => &["rotate"],
            Self::Syslog { tls: true, .. } => &["authorities", "client_certificate", "timeout"],
            Self::Syslog { tls: false, .. } => &["insecure_plain", "timeout"],
            Self::Http(_) => {
                &["as", "headers", "token", "secret", "authorities", "client_certificate", "timeout"]
            }
        }
    }
}

/// What stands beside `to`. All of it is read wherever that leads, so that one run finds all that is wrong.
struct Beside {
    rotate_bytes: u64,
    insecure_plain: bool,
    protocol: Option<Protocol>,
    trust: Trust,
    headers: Vec<(HeaderName, HeaderValue)>,
    token: Option<Secret>,
    signing: Option<SigningSecret>,
}

impl Beside {
    fn read(reader: &Reader<'_>) -> Option<Self> {
        let (rotate_bytes, insecure_plain) = (reader.size("rotate"), reader.yes_no("insecure_plain"));
        let protocol = optional(reader, "as", |reader| reader.parsed("as"));
        let (trust, headers) = (trust(reader), headers(reader));
        let token = optional(reader, "token", |reader| reader.secret("token"));
        let signing = optional(reader, "secret", signing);
        Some(Self {
            rotate_bytes: rotate_bytes?,
            insecure_plain: insecure_plain?,
            protocol: protocol?,
            trust: trust?,
            headers: headers?,
            token: token?,
            signing: signing?,
        })
    }
}

fn target(reader: &Reader<'_>, format: Option<Format>) -> Option<Target> {
    let (way, beside) = (reader.text_with("to", way), Beside::read(reader));
    let (way, beside, format) = (way?, beside?, format?);
    let vain: Vec<_> = OF_SOME.iter().filter(|key| reader.has(key) && !way.keys().contains(key)).collect();
    for key in &vain {
        reader.error(key, "it means nothing for where `to` leads", "no such key");
    }
    if !vain.is_empty() {
        return None;
    }
    match way {
        Way::File(path) => {
            let path = reader.source().folder.join(path);
            Some(Target::File(FileTarget { path, rotate_bytes: beside.rotate_bytes }))
        }
        Way::Syslog { host, port, tls } => {
            suits(reader, "format", format, is_for_syslog, "syslog")?;
            if !tls && !beside.insecure_plain {
                let what = "without TLS whoever is on the way reads and changes what passes";
                reader.error("to", what, "`syslog+tls://…`, or `insecure_plain = true` beside it");
                return None;
            }
            Some(Target::Syslog(SyslogTarget { host, port, trust: tls.then_some(beside.trust) }))
        }
        Way::Http(url) => http(reader, url, format, beside).map(|target| Target::Http(Box::new(target))),
    }
}

fn http(reader: &Reader<'_>, url: String, format: Format, beside: Beside) -> Option<HttpTarget> {
    let Beside { protocol, trust, headers, token, signing, rotate_bytes: _, insecure_plain: _ } = beside;
    let Some(protocol) = protocol else {
        reader.error("to", "it is not said how events are brought there", "`as` beside it");
        return None;
    };
    suits(reader, "as", format, |shape| carries(protocol, shape), protocol.as_str())?;
    match (protocol, &signing) {
        (Protocol::Webhook, None) => {
            let right = "`secret` beside it, or `as = \"json\"`";
            reader.error("as", "a webhook is signed, and there is nothing to sign it with", right);
            None
        }
        (Protocol::Json | Protocol::Fhir | Protocol::Otlp, Some(_)) => {
            reader.error("secret", "only a webhook is signed", "`as = \"webhook\"`, or no `secret`");
            None
        }
        (Protocol::Webhook, Some(_)) | (Protocol::Json | Protocol::Fhir | Protocol::Otlp, None) => {
            Some(HttpTarget { url, protocol, trust, headers, token, signing })
        }
    }
}

/// Whether a protocol carries documents of that shape.
const fn carries(protocol: Protocol, shape: Shape) -> bool {
    match protocol {
        Protocol::Webhook | Protocol::Json => shape.is_json(),
        Protocol::Fhir => matches!(shape, Shape::Resource),
        Protocol::Otlp => matches!(shape, Shape::LogRecord),
    }
}

/// Whether a message of syslog carries documents of that shape.
const fn is_for_syslog(shape: Shape) -> bool {
    match shape {
        Shape::Object | Shape::Text | Shape::AuditMessage => true,
        Shape::Resource | Shape::LogRecord => false,
    }
}

fn suits(
    reader: &Reader<'_>,
    key: &str,
    format: Format,
    carries: impl Fn(Shape) -> bool,
    by: &str,
) -> Option<()> {
    if carries(Shape::of(format)) {
        return Some(());
    }
    let fitting: Vec<&str> =
        Format::ALL.iter().filter(|format| carries(Shape::of(**format))).map(|it| it.as_str()).collect();
    let right = if fitting.is_empty() {
        "another way".to_owned()
    } else {
        format!("`format` as one of {}", fitting.join(", "))
    };
    reader.error(key, format!("`{by}` does not carry the format `{}`", format.as_str()), right);
    None
}

// A URL may hold a password, so it is not quoted.
fn way(text: &str) -> Result<Way, Mistake> {
    let right = "such as `\"file:PATH\"`, `\"syslog+tls://HOST:6514\"` or `\"https://HOST/PATH\"`";
    if let Some(path) = text.strip_prefix("file:").filter(|path| !path.trim().is_empty()) {
        return Ok(Way::File(path.to_owned()));
    }
    let url = Url::parse(text).map_err(|error| Mistake::new(format!("not a URL: {error}"), right))?;
    let tls = match url.scheme() {
        "https" | "http" => return address(text).map(Way::Http),
        "syslog+tls" => true,
        "syslog+tcp" => false,
        _ => return Err(Mistake::new("nothing is handed on that way", right)),
    };
    let host = receiver(&url)
        .ok_or_else(|| Mistake::new("a receiver of syslog is only a scheme, a host and a port", right))?;
    let port = url.port().or(tls.then_some(SYSLOG_TLS_PORT));
    let port = port.ok_or_else(|| Mistake::new("the URL has no port", "`syslog+tcp://HOST:PORT`"))?;
    Ok(Way::Syslog { host, port, tls })
}

/// The host of a receiver of syslog, whose address says nothing but that and a port.
pub(super) fn receiver(url: &Url) -> Option<String> {
    let is_bare = url.username().is_empty()
        && url.password().is_none()
        && matches!(url.path(), "" | "/")
        && url.query().is_none()
        && url.fragment().is_none();
    match url.host().filter(|_| is_bare)? {
        Host::Domain(name) => (!name.is_empty()).then(|| name.to_owned()),
        Host::Ipv4(address) => Some(address.to_string()),
        Host::Ipv6(address) => Some(address.to_string()),
    }
}

fn trust(reader: &Reader<'_>) -> Option<Trust> {
    let authorities = optional(reader, "authorities", authorities);
    let identity = optional(reader, "client_certificate", |reader| {
        reader.optional_table("client_certificate").and_then(|table| client_certificate(&table))
    });
    Some(Trust { authorities: authorities?, identity: identity?, ..Trust::default() })
}

fn headers(reader: &Reader<'_>) -> Option<Vec<(HeaderName, HeaderValue)>> {
    if !reader.has("headers") {
        return Some(Vec::new());
    }
    let written = reader.map("headers")?;
    collect_all(written.into_iter().map(|(name, value)| {
        let parsed = HeaderName::try_from(&name).ok().filter(|name| !is_ours(name));
        let pair = parsed.zip(HeaderValue::try_from(value).ok());
        if pair.is_none() {
            let right = "a header field that is not `authorization` (see `token`) and not one of HTTP's or the protocol's own";
            reader.error("headers", format!("`{name}` cannot be sent so"), right);
        }
        pair
    }))
}

/// Whether a field is set by us or by HTTP itself.
fn is_ours(name: &HeaderName) -> bool {
    OURS.contains(&name.as_str()) || name.as_str().starts_with("webhook-")
}

fn signing(reader: &Reader<'_>) -> Option<SigningSecret> {
    let secret = reader.secret("secret")?;
    SigningSecret::parse(secret.reveal())
        .map_err(|error| reader.error("secret", "it is no secret of a webhook", error.to_string()))
        .ok()
}

/// What `read` makes of a key that may be absent.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn optional<'r, T>(
    reader: &Reader<'r>,
    name: &str,
    read: impl FnOnce(&Reader<'r>) -> Option<T>,
) -> Option<Option<T>> {
    if reader.has(name) { read(reader).map(Some) } else { Some(None) }
}

/// Keys that mean something for some ways only.
const OF_SOME: [&str; 9] = [
    "rotate",
    "as",
    "headers",
    "token",
    "secret",
    "authorities",
    "client_certificate",
    "insecure_plain",
    "timeout",
];
const OURS: [&str; 9] = [
    "authorization",
    "connection",
    "content-length",
    "content-type",
    "host",
    "prefer",
    "transfer-encoding",
    "upgrade",
    "user-agent",
];
/// RFC 5425, 4.1.
pub(super) const SYSLOG_TLS_PORT: u16 = 6514;
