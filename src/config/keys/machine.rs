//! Listeners and bounds.

use super::limits::LIMITS;
use super::{Absent, Kind, Table, key};

const DEFAULT_WORKERS: Absent = Absent::Means("one per core");

pub(super) static GATEWAY: Table = Table {
    header: "[gateway]",
    doc: "The data plane: where callers are served.",
    keys: &[
        key("listen", Kind::Texts("0.0.0.0:8443"), Absent::Refused, "Where callers are served, by TLS."),
        key(
            "redirect",
            Kind::Text("0.0.0.0:8080"),
            Absent::Means("no such port"),
            "A plain port that only redirects to the TLS one.",
        ),
        key("certificate", Kind::Tables(&CERTIFICATE), Absent::Refused, "Certificates, chosen by SNI."),
        key(
            "client_certificate",
            Kind::Table(&CLIENT_CERTIFICATE),
            Absent::Means("nobody is asked for one"),
            "Which certificates of callers are believed.",
        ),
        key(
            "trusted_proxies",
            Kind::Texts("10.0.0.0/8"),
            Absent::Is("[]"),
            "Networks of the proxies whose `X-Forwarded-For` is believed. None: what callers send is dropped.",
        ),
        key(
            "proxy_protocol",
            Kind::Texts("10.0.0.5"),
            Absent::Is("[]"),
            "Networks of the load balancers that begin each connection with a PROXY header, version 1 or 2. From there \
             it is required, and says who the caller is; from elsewhere it is refused.",
        ),
        key("workers", Kind::Whole(1, 256), DEFAULT_WORKERS, "Worker threads."),
        key("connections", Kind::Whole(1, 1_000_000), Absent::Is("10000"), "Connections at once, in all."),
        key(
            "requests",
            Kind::Whole(16, 100_000),
            Absent::Is("8192"),
            "Requests at once on one worker; more are shed, and those of callers who are not signed in before others.",
        ),
        key(
            "handshake_timeout",
            Kind::Duration("1s", "60s"),
            Absent::Is("\"10s\""),
            "How long a TLS handshake may take.",
        ),
        key(
            "head_timeout",
            Kind::Duration("1s", "120s"),
            Absent::Is("\"15s\""),
            "How long the head of a request may take.",
        ),
        key(
            "head_bytes",
            Kind::Size("8KiB", "1MiB"),
            Absent::Is("\"64KiB\""),
            "How large the head of a request may be.",
        ),
        key(
            "hsts",
            Kind::Text("365d"),
            Absent::Is("\"365d\""),
            "How long a browser that has been here asks for these hosts by TLS only, on whatever port \
             (`Strict-Transport-Security`, RFC 6797), from `1d` to `730d`; `none`: an application's own word passes. \
             A browser does not forget: `none` as long as a host may have to go back to plain HTTP.",
        ),
        key(
            "drain",
            Kind::Duration("0s", "1h"),
            Absent::Is("\"30s\""),
            "How long a stop waits for requests under way.",
        ),
        key("limits", Kind::Table(&LIMITS), Absent::Means("its defaults"), "How much one caller may take."),
    ],
};

static CERTIFICATE: Table = Table {
    header: "[[gateway.certificate]]",
    doc: "A certificate and its key. The names it is for are read from it; both files are reloaded when they change.",
    keys: &[
        key("chain", Kind::Path("certs/gateway.pem"), Absent::Refused, "The chain in PEM, leaf first."),
        key(
            "key",
            Kind::File("file:certs/gateway.key"),
            Absent::Refused,
            "The private key in PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.",
        ),
    ],
};

static CLIENT_CERTIFICATE: Table = Table {
    header: "[gateway.client_certificate]",
    doc: "Certificates of callers: of devices (`device.NAME.certificate`), and of programs whose tokens are bound to one \
          (RFC 8705). Whoever shows none, or one that is not believed, is met as a caller without one. Whom one of \
          `trusted_proxies` stands in front of has none. One that says nothing of its use (no extended key usage) is one of \
          a caller, too.",
    keys: &[
        key(
            "authorities",
            Kind::File("file:certs/devices-ca.pem"),
            Absent::Refused,
            "Certificates in PEM of the authorities that vouch for them.",
        ),
        key(
            "hosts",
            Kind::Texts("api.clinic.example"),
            Absent::Means("every host"),
            "The hosts that ask for one. A browser may ask its user which to show: only hosts that need it.",
        ),
        key(
            "revoked",
            Kind::File("file:certs/devices.crl"),
            Absent::Means("none is revoked"),
            "Lists in PEM of certificates that are revoked (CRL, RFC 5280), one of each authority, also of those between: \
             what one without a list of now has issued is not believed. Read anew when it changes, and counts at once.",
        ),
    ],
};

pub(super) static CONTROL: Table = Table {
    header: "[control]",
    doc: "The control plane: health, metrics and the API for operators, by plain HTTP on a loopback address.",
    keys: &[
        key(
            "listen",
            Kind::Text("127.0.0.1:9443"),
            Absent::Is("\"127.0.0.1:9443\""),
            "Where operators are served; a loopback address.",
        ),
        key(
            "token",
            Kind::Secret,
            Absent::Means("none"),
            "The bearer token that `/api/v1` asks for, and the page `/sessions`.",
        ),
    ],
};

pub(super) static GUARD: Table = Table {
    header: "[guard]",
    doc: "Bounds of what is held and looked at.",
    keys: &[
        key(
            "hold",
            Kind::Size("64KiB", "256MiB"),
            Absent::Is("\"16MiB\""),
            "How much of a reply is held in memory until it is known to be within its limit. What is longer waits on the disk.",
        ),
        key(
            "spill",
            Kind::Path("/var/spool/leastway-spill"),
            Absent::Means("`spill` in `store.directory`"),
            "The folder where the rest of such a reply waits, made if it is not there. It is sealed under a key that is in memory \
             alone, in a file without a name, so nothing is ever left there. Better not the journal's disk; the last 5 per \
             cent of a disk are left free, 2 GiB at most.",
        ),
        key(
            "spill_max",
            Kind::Size("1MiB", "1024GiB"),
            Absent::Is("\"1GiB\""),
            "How much of one reply waits there. A longer one stays here (`reply-too-long`).",
        ),
        key(
            "spill_total",
            Kind::Size("1MiB", "16384GiB"),
            Absent::Is("\"4GiB\""),
            "How much of all replies together waits there. What finds no room stays here (`reply-too-long`).",
        ),
        key(
            "decompression_ratio",
            Kind::Whole(10, 10_000),
            Absent::Is("200"),
            "How many bytes one compressed byte may become after the first MiB.",
        ),
        key(
            "request_body",
            Kind::Size("1KiB", "64MiB"),
            Absent::Is("\"1MiB\""),
            "How much of a request's body is read where a route depends on it.",
        ),
    ],
};
