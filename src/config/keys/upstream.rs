//! How an application's servers are used.

use super::{Absent, Kind, Table, key};

pub(super) static BALANCE: Table = Table {
    header: "[application.NAME.balance]",
    doc: "Which server takes a request, and how many at once.",
    keys: &[
        key(
            "sticky",
            Kind::Word(|| vec!["no", "own_cookie", "application_cookie"]),
            Absent::Is("\"no\""),
            "What binds a caller to a server: nothing, a cookie of ours that the application never sees, or the \
             application's own `cookie`. Who is bound to a server that is out goes to another.",
        ),
        key(
            "cookie",
            Kind::Text("JSESSIONID"),
            Absent::Means("none"),
            "For `sticky = \"application_cookie\"`: its name. Which server set which value is kept in memory.",
        ),
        key(
            "requests",
            Kind::Whole(1, 100_000),
            Absent::Means("as many as come"),
            "Requests in flight at one server; a WebSocket counts until it ends.",
        ),
        key(
            "waiting",
            Kind::Whole(0, 100_000),
            Absent::Is("100"),
            "Requests that wait where `requests` is reached; more get 503 `upstream-overloaded`.",
        ),
        key(
            "wait",
            Kind::Duration("0s", "60s"),
            Absent::Is("\"5s\""),
            "How long one waits before it gets 503 `upstream-overloaded`.",
        ),
        key(
            "slow_start",
            Kind::Duration("0s", "10m"),
            Absent::Is("\"0s\""),
            "How long a server that is back takes less than its share, growing to all of it.",
        ),
    ],
};

pub(super) static HEALTH: Table = Table {
    header: "[application.NAME.health]",
    doc: "When a server is out. Where all are out, all are tried.",
    keys: &[
        key(
            "failures",
            Kind::Whole(1, 100),
            Absent::Is("5"),
            "Requests that fail in a row by a server's fault (no connection, no reply in time, a reply that is no HTTP \
             or has a status of `failure_status`) and put it out.",
        ),
        key(
            "failure_status",
            Kind::Texts("503"),
            Absent::Is("[\"502\", \"503\", \"504\"]"),
            "Statuses that are a server's fault: `503`, or a class such as `5xx`.",
        ),
        key(
            "out",
            Kind::Duration("1s", "10m"),
            Absent::Is("\"10s\""),
            "How long it is out; twice as long each time, until it was well for as long as it was out.",
        ),
        key("out_max", Kind::Duration("1s", "1h"), Absent::Is("\"5m\""), "How long it is out at most."),
        key(
            "check",
            Kind::Table(&CHECK),
            Absent::Means("no checks"),
            "What is asked of each server now and then.",
        ),
    ],
};

static CHECK: Table = Table {
    header: "[application.NAME.health.check]",
    doc: "A GET to each server now and then, by the gateway itself, once for the whole process and without anybody's \
          identity.",
    keys: &[
        key("path", Kind::Text("/health"), Absent::Refused, "Path and query."),
        key(
            "host",
            Kind::Text("ehr.clinic.example"),
            Absent::Means("the server's own"),
            "The host that is asked for.",
        ),
        key(
            "status",
            Kind::Texts("2xx"),
            Absent::Is("[\"2xx\"]"),
            "Statuses that are well: `204`, or a class such as `2xx`.",
        ),
        key("interval", Kind::Duration("1s", "10m"), Absent::Is("\"10s\""), "How often."),
        key(
            "timeout",
            Kind::Duration("100ms", "60s"),
            Absent::Is("\"2s\""),
            "How long an answer may take, the connection included; not above `interval`.",
        ),
        key(
            "down_after",
            Kind::Whole(1, 10),
            Absent::Is("2"),
            "Failed checks in a row that put a server out.",
        ),
        key("up_after", Kind::Whole(1, 10), Absent::Is("2"), "Passed checks in a row that let it in again."),
    ],
};

pub(super) static TLS: Table = Table {
    header: "[application.NAME.tls]",
    doc: "How `https` servers are greeted: TLS 1.2 and 1.3 only.",
    keys: &[
        key(
            "server_name",
            Kind::Text("ehr.internal"),
            Absent::Means("the host in `upstream`"),
            "The name that is asked for (SNI) and that the certificate has to be for.",
        ),
        key(
            "pins",
            Kind::Texts("sha256/xpO5…WKcM="),
            Absent::Is("[]"),
            "The SHA-256 digests of the public keys that a server may have, in base64; an authority has to vouch for it as \
             well. `openssl x509 -in server.pem -pubkey -noout | openssl pkey -pubin -outform DER | openssl dgst -sha256 \
             -binary | base64` tells one.",
        ),
        key(
            "client_certificate",
            Kind::Table(&CLIENT_CERTIFICATE),
            Absent::Means("none"),
            "Our own certificate, for servers that ask for one.",
        ),
        key(
            "insecure_any_certificate",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether nobody has to vouch for a server. With `pins` its key alone tells who it is; without, whoever answers \
             there is believed.",
        ),
    ],
};

static CLIENT_CERTIFICATE: Table = Table {
    header: "[application.NAME.tls.client_certificate]",
    doc: "A certificate of ours and its key; both files are reloaded when they change.",
    keys: &[
        key("chain", Kind::Path("certs/leastway.pem"), Absent::Refused, "The chain in PEM, leaf first."),
        key(
            "key",
            Kind::File("file:certs/leastway.key"),
            Absent::Refused,
            "The private key in PEM (PKCS#8, PKCS#1 or SEC1), not encrypted.",
        ),
    ],
};
