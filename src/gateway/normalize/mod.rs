//! One reading: a request as it came becomes a request that can be read in one way only.
//!
//! What is matched, decided, journaled and forwarded is this one value. What can be read in two ways
//! is refused; nothing is repaired. Whatever must not reach the application (hop-by-hop fields, names
//! that only we may set, our cookies) is gone from the head afterwards, so that no route is told by a
//! header that the application never sees.

pub mod client;
pub mod cookies;
pub mod fault;
pub mod framing;
pub mod headers;
pub mod host;
pub mod path;
pub mod query;
pub mod wire;

#[cfg(test)]
mod tests;

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;

use http::header::COOKIE;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Method};
use ipnet::IpNet;

use self::cookies::{OwnCookie, SESSION_COOKIE};
use self::fault::Fault;
use self::framing::{BodyLength, Upgrade};
use self::host::Authority;
use self::path::{CanonicalPath, PathFault};
use self::query::Query;
use crate::features::route::quirks::Quirks;
use crate::features::route::table::{Application, RouteTable};
use crate::features::route::view::RequestView;

/// What the connection knows of a request on it.
#[derive(Clone, Copy, Debug)]
pub struct ConnectionFacts<'a> {
    /// Who is at the other end.
    pub peer: SocketAddr,
    /// The name that the TLS handshake asked for.
    pub sni: Option<&'a str>,
    /// Proxies that are believed.
    pub trusted_proxies: &'a [IpNet],
    /// How large the head of a request may be.
    pub head_bytes_max: usize,
}

/// The head of a request, but for its path: what can be known before the application is.
#[derive(Clone, Debug)]
pub struct Head {
    /// The one host.
    pub authority: Authority,
    /// The caller's address.
    pub client: IpAddr,
    /// How long the body is.
    pub body: BodyLength,
    /// What the connection is to become.
    pub upgrade: Option<Upgrade>,
    /// The session cookie.
    pub session: OwnCookie,
    /// The cookies that bind to servers: applications with values.
    pub servers: Vec<(String, String)>,
    target: PathAndQuery,
}

/// A request with one reading.
#[derive(Clone, Debug)]
pub struct Normalized {
    /// Its head.
    pub head: Head,
    /// The application that it is for.
    pub application: Arc<Application>,
    /// Its path.
    pub path: CanonicalPath,
    /// Its query.
    pub query: Query,
}

/// Reads a request for one of the table's applications, and strips its head.
pub fn normalize(
    parts: &mut Parts,
    connection: &ConnectionFacts<'_>,
    table: &RouteTable,
) -> Result<Normalized, Fault> {
    head(parts, connection)?.resolve(table)
}

/// Reads the head of a request, and strips it: afterwards `parts.headers` holds what may go on.
pub fn head(parts: &mut Parts, connection: &ConnectionFacts<'_>) -> Result<Head, Fault> {
    headers::check_size(&parts.headers, connection.head_bytes_max)?;
    let extended = framing::extended_connect(parts)?;
    framing::check_method(&parts.method)?;
    framing::check_values(parts)?;
    framing::check_expectation(&parts.headers)?;
    let authority = host::authority(parts, connection.sni)?;
    let body = framing::body_length(parts)?;
    let upgrade = extended.or(framing::upgrade(parts)?);
    let client = client::address(&parts.headers, connection.peer, connection.trusted_proxies);
    let session = cookies::find(parts.headers.get_all(COOKIE), SESSION_COOKIE);
    let servers = cookies::find_servers(&parts.headers);
    let target = parts.uri.path_and_query().cloned().ok_or(Fault::malformed("target: none"))?;
    let peer = connection.peer.ip().to_canonical();
    headers::strip(&mut parts.headers, client::is_trusted(peer, connection.trusted_proxies));
    Ok(Head { authority, client, body, upgrade, session, servers, target })
}

/// Finds the application at a host and target, and reads the path as that application reads it.
pub fn locate<'t>(
    table: &'t RouteTable,
    host: &str,
    target: &PathAndQuery,
) -> Result<(&'t Arc<Application>, CanonicalPath), Fault> {
    // Which application it is, is found as widely as any of the host's applications would read.
    let quirks: Quirks = table.quirks(host).ok_or(Fault::misdirected("host: none of ours"))?;
    let path = CanonicalPath::read(target, quirks)?;
    if is_own(&path) {
        return Err(PathFault::OwnPath.into());
    }
    let application = table
        .application(host, path.view().matched)
        .ok_or(Fault::misdirected("host: no application at this path"))?;
    if application.quirks == quirks {
        return Ok((application, path));
    }
    Ok((application, CanonicalPath::read(target, application.quirks)?))
}

/// The path of a request to ourselves, whichever host it is for. No other spelling of these paths is ours,
/// nor any application's.
pub fn own_path(target: &PathAndQuery) -> Option<&str> {
    let path = target.path();
    OWN_PREFIXES.iter().find(|prefix| path.starts_with(**prefix))?;
    CanonicalPath::read(target, Quirks::STRICT).ok().map(|_| path)
}

/// The paths below which we answer ourselves.
const OWN_PREFIXES: [&str; 2] = ["/.leastway/", "/.well-known/leastway/"];

/// Whether an application could take a path for one of ours.
fn is_own(path: &CanonicalPath) -> bool {
    let decoded = path.view().decoded;
    let begins = |own: &&str| {
        let mut names = decoded.iter().flat_map(|segment| segment.split('/'));
        own.trim_matches('/')
            .split('/')
            .all(|own| names.next().is_some_and(|name| name.eq_ignore_ascii_case(own)))
    };
    OWN_PREFIXES.iter().any(begins)
}

impl Normalized {
    /// What the routes see of it.
    pub fn view<'a>(&'a self, method: &'a Method, headers: &'a HeaderMap) -> RequestView<'a> {
        RequestView { path: self.path.view(), method, query: self.query.fields(), headers }
    }

    /// Path and query, byte for byte as they came: what is forwarded.
    pub fn target(&self) -> &PathAndQuery {
        &self.head.target
    }
}

impl Head {
    /// Finds the application, and reads path and query.
    pub fn resolve(self, table: &RouteTable) -> Result<Normalized, Fault> {
        let (application, path) = locate(table, &self.authority.host, &self.target)?;
        let query = Query::read(&self.target)?;
        Ok(Normalized { application: Arc::clone(application), head: self, path, query })
    }

    /// The same head for another path and query.
    #[must_use]
    pub fn at(self, target: PathAndQuery) -> Self {
        Self { target, ..self }
    }

    /// Path and query as they came.
    pub const fn target(&self) -> &PathAndQuery {
        &self.target
    }
}
