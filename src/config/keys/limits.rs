//! How much one caller may take, and how slow it may be.

use super::{Absent, Kind, Table, key};

pub(super) static LIMITS: Table = Table {
    header: "[gateway.limits]",
    doc: "How much one caller may take, and how slow it may be. A rate is a number and the time in which as many come \
          back, such as `1000/10s`: so many at once, and never more than twice as many in that time; `none` is no \
          limit. An address is an IPv4 address or an IPv6 network of 64 bits. A reload changes all of these; those of a \
          connection hold for new ones.",
    keys: &[
        key(
            "connections_per_address",
            Kind::Whole(1, 1_000_000),
            Absent::Is("2000"),
            "Connections at once from one address, unless it is one of `trusted_proxies`. Those on which somebody who is \
             signed in has asked do not count, so that thousands of people may work behind one address (NAT, terminal \
             servers): the number bounds those who have not signed in yet. `gateway.connections` bounds all together.",
        ),
        key(
            "connections_per_person",
            Kind::Whole(1, 1_000_000),
            Absent::Is("100"),
            "Connections at once of one person who is signed in, from wherever, that do not count at their address; \
             further ones do.",
        ),
        key(
            "new_connections_per_address",
            Kind::Text("1000/10s"),
            Absent::Is("\"1000/10s\""),
            "New connections from one address, unless it is one of `trusted_proxies`.",
        ),
        key(
            "requests_per_address",
            Kind::Text("2000/10s"),
            Absent::Is("\"2000/10s\""),
            "Requests from one address by callers who are not signed in.",
        ),
        key(
            "requests_per_person",
            Kind::Text("2000/10s"),
            Absent::Is("\"2000/10s\""),
            "Requests by one person who is signed in, from wherever.",
        ),
        key(
            "sign_ins_per_address",
            Kind::Text("300/1m"),
            Absent::Is("\"300/1m\""),
            "Sign-ins that are begun or come back from the provider, and logout tokens that do not hold, from one address.",
        ),
        key(
            "refused_events",
            Kind::Text("100/10s"),
            Absent::Is("\"100/10s\""),
            "Requests refused as too many, or because of overload, that leave an event of their own; the others are \
             counted in an event every few seconds.",
        ),
        key(
            "reserved",
            Kind::Whole(0, 90),
            Absent::Is("25"),
            "The part of `requests`, in hundredths, that only people who are signed in may use.",
        ),
        key(
            "idle",
            Kind::Duration("5s", "1h"),
            Absent::Is("\"75s\""),
            "How long a connection may stand without a request.",
        ),
        key(
            "unread",
            Kind::Duration("5s", "1h"),
            Absent::Is("\"60s\""),
            "How long a caller may take nothing of a reply that is there for it; then its connection is cut.",
        ),
        key(
            "body_rate",
            Kind::Size("1B", "1MiB"),
            Absent::Is("\"256B\""),
            "How much of a request's body has to come in each second of waiting for it, after `body_grace`; but for calls of \
             gRPC in HTTP/2.",
        ),
        key(
            "body_grace",
            Kind::Duration("1s", "10m"),
            Absent::Is("\"20s\""),
            "How long a request's body may be waited for, in all, without anything coming.",
        ),
        key(
            "streams",
            Kind::Whole(1, 1000),
            Absent::Is("100"),
            "HTTP/2: requests at once on one connection.",
        ),
        key(
            "resets",
            Kind::Whole(1, 1000),
            Absent::Is("20"),
            "HTTP/2: requests that were reset before they were begun with; beyond, the connection ends.",
        ),
        key(
            "control_frames",
            Kind::Text("1000/10s"),
            Absent::Is("\"1000/10s\""),
            "HTTP/2: frames on one connection that carry nothing (SETTINGS, PING, RST_STREAM, PRIORITY, WINDOW_UPDATE, \
             empty ones), beyond one for each 64 bytes that were sent; beyond, the connection ends.",
        ),
    ],
};
