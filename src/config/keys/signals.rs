//! What providers signal of their people.

use super::{Absent, Kind, Table, key};

pub(super) static SIGNALS: Table = Table {
    header: "[provider.signals]",
    doc: "What the provider, or somebody in its place, signals of its people (Shared Signals: CAEP and RISC). Pushed to \
          `/.leastway/ssf/events` on the host of any application or to `/ssf/events` on the control listener (`token`), \
          asked for (`poll`), or both.",
    keys: &[
        key(
            "issuer",
            Kind::Text("https://id.clinic.example"),
            Absent::Means("the provider's"),
            "The issuer URL of the transmitter, exactly as in its metadata at `/.well-known/ssf-configuration`.",
        ),
        key(
            "audience",
            Kind::Texts("https://ehr.clinic.example"),
            Absent::Refused,
            "What the transmitter calls us in `aud`, as it says where the stream is set up.",
        ),
        key(
            "jwks_uri",
            Kind::Text("https://id.clinic.example/keys"),
            Absent::Means("as the transmitter's metadata say"),
            "Where its keys are.",
        ),
        key(
            "token",
            Kind::Secret,
            Absent::Means("nothing may be pushed"),
            "The bearer token that the transmitter brings: 32 characters at least, and its own.",
        ),
        key(
            "poll",
            Kind::Text("https://id.clinic.example/ssf/poll"),
            Absent::Means("the transmitter is not asked"),
            "Where the transmitter is asked for signals.",
        ),
        key(
            "poll_every",
            Kind::Duration("1s", "15m"),
            Absent::Is("\"10s\""),
            "How soon it is asked again where nothing came, at the earliest.",
        ),
        key(
            "long_poll",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether it may keep a question for a minute until there is something. Otherwise a signal is as late as \
             `poll_every` is long.",
        ),
        key(
            "transmitter_token",
            Kind::Secret,
            Absent::Means("none"),
            "The bearer token that we bring to the transmitter, for `poll` and `stream`.",
        ),
        key(
            "stream",
            Kind::Text("f67e39a0a4d34d56b3aa1bc4cff0069f"),
            Absent::Means("that is not asked"),
            "What the transmitter calls our stream (`stream_id`): then it is asked for a verification where nothing was \
             heard for five minutes, so that a silence means something.",
        ),
        key(
            "email",
            Kind::Text("email"),
            Absent::Means("whoever is named by e-mail is nobody"),
            "The attribute of a person, by our word in `provider.claims`, that is compared with an e-mail address. Only \
             where the provider lets nobody choose their own.",
        ),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the provider's"),
            "Certificates in PEM of the authorities that vouch for the transmitter.",
        ),
    ],
};
