//! The store.

use super::{Absent, Key, Kind, Table, key};

pub(super) static STORE: Table = Table {
    header: "[store]",
    doc: "Where sessions, what was revoked and other state are kept: in a file, for one node, or in PostgreSQL, for several.",
    keys: KEYS,
};

const KEYS: &[Key] = &[
    key(
        "url",
        Kind::Path("data/leastway.db"),
        Absent::Is("\"data/leastway.db\""),
        "The file of the embedded store, made if it is not there; or `postgres://USER@HOST:PORT/DATABASE`, a database of PostgreSQL 13 or later that all nodes share. `?sslmode=verify-full` is meant where nothing is said, `?sslmode=disable` for a loopback address; `postgres:///DATABASE?host=/run/postgresql&user=USER` is a Unix socket.",
    ),
    key(
        "password",
        Kind::Secret,
        Absent::Means("none, as the server asks for none"),
        "The password of the user at PostgreSQL.",
    ),
    key(
        "authorities",
        Kind::File("file:database-ca.pem"),
        Absent::Means("the system's"),
        "Certificates in PEM of the authorities that vouch for the server of PostgreSQL.",
    ),
    key(
        "node",
        Kind::Text("gateway-1"),
        Absent::Means("the name of the machine"),
        "What this node is called at PostgreSQL, among the nodes that share it.",
    ),
    key(
        "lease",
        Kind::Duration("1s", "1m"),
        Absent::Is("\"3s\""),
        "For how long a node that hears nothing of the others by PostgreSQL goes on by what it knows.",
    ),
    key(
        "directory",
        Kind::Path("data"),
        Absent::Means("the folder of the file; `data` with PostgreSQL"),
        "The folder of what is this node's alone, made if it is not there: the key that it signs assertions with.",
    ),
];
