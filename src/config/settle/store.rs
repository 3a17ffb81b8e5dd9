//! Where the store is: a file, or a database of PostgreSQL.

use std::net::IpAddr;
use std::path::{Path, PathBuf};

use url::Url;

use crate::config::certificate::authorities;
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::platform::store::{Host, Place, ServerSettings, StoreSettings};
use crate::platform::tls::client::Trust;

/// What `url` says.
enum Address {
    File(String),
    Server { host: Host, port: u16, user: String, database: String, tls: bool },
}

/// Reads `[store]`.
pub(in crate::config) fn store(reader: &Reader<'_>) -> Option<StoreSettings> {
    let address = reader.text_with("url", address);
    let password = optional(reader, "password", |reader| reader.secret("password"));
    let authorities = optional(reader, "authorities", authorities);
    let node = optional(reader, "node", |reader| reader.text_with("node", node));
    let lease = reader.duration("lease");
    let directory = optional(reader, "directory", |reader| reader.path("directory"));
    let folder = &reader.source().folder;
    match address? {
        Address::File(path) => {
            of_server_alone(reader)?;
            let path = folder.join(path);
            let beside = || path.parent().map_or_else(PathBuf::new, Path::to_owned);
            Some(StoreSettings { directory: directory?.unwrap_or_else(beside), place: Place::File(path) })
        }
        Address::Server { host, port, user, database, tls } => {
            let authorities = authorities?;
            if authorities.is_some() && !tls {
                reader.error(
                    "authorities",
                    "nobody shows a certificate without TLS",
                    "`sslmode=verify-full`",
                );
                return None;
            }
            let tls = tls.then(|| Trust { authorities, ..Trust::default() });
            let node = node?.unwrap_or_else(machine);
            let (password, lease) = (password?, lease?);
            let server = ServerSettings { host, port, user, database, password, tls, node, lease };
            let directory = directory?.unwrap_or_else(|| folder.join("data"));
            Some(StoreSettings { directory, place: Place::Server(Box::new(server)) })
        }
    }
}

/// What would be written in vain.
fn of_server_alone(reader: &Reader<'_>) -> Option<()> {
    let vain = ["password", "authorities", "node", "lease"].into_iter().filter(|key| reader.has(key));
    let vain: Vec<_> = vain.collect();
    for key in &vain {
        reader.error(key, "the store is a file", "a `url` of PostgreSQL, or no such key");
    }
    vain.is_empty().then_some(())
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

const RIGHT: &str = "the path of a file, or `\"postgres://leastway@db.clinic.example/leastway\"`";

// The text may hold a password, so no message quotes it.
fn address(text: &str) -> Result<Address, Mistake> {
    match text.split_once("://") {
        None if text.is_empty() => Err(Mistake::new("the path is empty", RIGHT)),
        None => Ok(Address::File(text.to_owned())),
        Some(("postgres" | "postgresql", _)) => server(text),
        Some(_) => Err(Mistake::new("that is neither a path nor an address of PostgreSQL", RIGHT)),
    }
}

fn server(text: &str) -> Result<Address, Mistake> {
    let url = Url::parse(text).map_err(|_| Mistake::new("that is no URL", RIGHT))?;
    if url.password().is_some() {
        let right = "`password = \"file:…\"` or `\"env:…\"` beside it";
        return Err(Mistake::new("a password stands in the URL", right));
    }
    let mut asked = Asked { user: url.username().to_owned(), port: url.port(), ..Asked::default() };
    for (name, value) in url.query_pairs() {
        asked.take(&name, &value)?;
    }
    if url.fragment().is_some() {
        return Err(Mistake::new("there is a `#` in the URL", RIGHT));
    }
    let host = match (url.host(), asked.socket) {
        (None, Some(folder)) => Host::Socket(folder),
        (Some(url::Host::Domain(name)), None) if !name.is_empty() => Host::Network(name.to_owned()),
        (Some(url::Host::Ipv4(address)), None) => Host::Network(address.to_string()),
        (Some(url::Host::Ipv6(address)), None) => Host::Network(address.to_string()),
        (Some(url::Host::Domain(_)) | None, None) => return Err(Mistake::new("the host is missing", RIGHT)),
        (Some(_), Some(_)) => {
            return Err(Mistake::new("a host and a socket are two servers", "one of them"));
        }
    };
    Ok(Address::Server {
        tls: encrypts(&host, asked.encrypts)?,
        port: asked.port.unwrap_or(5432),
        user: plain(asked.user, "user")?,
        database: plain(url.path().trim_start_matches('/').to_owned(), "database")?,
        host,
    })
}

/// What stands before the host, or as parameters.
#[derive(Default)]
struct Asked {
    user: String,
    port: Option<u16>,
    socket: Option<PathBuf>,
    encrypts: Option<bool>,
}

impl Asked {
    fn take(&mut self, name: &str, value: &str) -> Result<(), Mistake> {
        match name {
            "sslmode" => self.encrypts = Some(sslmode(value)?),
            "host" if value.starts_with('/') => self.socket = Some(PathBuf::from(value)),
            "host" => {
                return Err(Mistake::new(
                    "`host=` is for a Unix socket",
                    "its folder: `?host=/run/postgresql`",
                ));
            }
            "user" if self.user.is_empty() => value.clone_into(&mut self.user),
            "port" => {
                let port =
                    value.parse().map_err(|_| Mistake::new("that is no port", "a number such as 5432"))?;
                self.port = Some(port);
            }
            _ => {
                let right = "`sslmode`, and for a Unix socket `host`, `port` and `user`";
                return Err(Mistake::new("a parameter does not belong here", right));
            }
        }
        Ok(())
    }
}

fn sslmode(word: &str) -> Result<bool, Mistake> {
    match word {
        "verify-full" => Ok(true),
        "disable" => Ok(false),
        _ => Err(Mistake::new(
            "that `sslmode` does not make sure who answers",
            "`verify-full`, or on this machine `disable`",
        )),
    }
}

/// Whether TLS is spoken. Sessions, names and a password do not cross a network in clear text.
fn encrypts(host: &Host, asked: Option<bool>) -> Result<bool, Mistake> {
    match host {
        Host::Socket(_) if asked == Some(true) => {
            Err(Mistake::new("TLS is not spoken on a Unix socket", "no `sslmode`"))
        }
        Host::Socket(_) => Ok(false),
        Host::Network(name) => {
            let is_here =
                name == "localhost" || name.parse().is_ok_and(|address: IpAddr| address.is_loopback());
            match asked {
                Some(false) if !is_here => Err(Mistake::new(
                    "the server is not on this machine, and not encrypted",
                    "`sslmode=verify-full`",
                )),
                _ => Ok(asked.unwrap_or(!is_here)),
            }
        }
    }
}

/// A name that means the same in a URL, in SQL and in a log.
fn plain(name: String, what: &str) -> Result<String, Mistake> {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.');
    if !name.is_empty() && name.len() < 64 && name.bytes().all(is_plain) {
        return Ok(name);
    }
    Err(Mistake::new(
        format!("the {what} is missing, or not a plain name"),
        "letters, digits, `_`, `-` and `.`",
    ))
}

fn node(text: &str) -> Result<String, Mistake> {
    plain(text.to_owned(), "name of the node")
}

/// The name of this machine, in a container that of the container.
fn machine() -> String {
    let name = std::fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default();
    plain(name.trim().to_owned(), "name of the machine").unwrap_or_else(|_| "node".to_owned())
}
