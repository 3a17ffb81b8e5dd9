//! How long sessions live, and the classes of devices on which they live differently.

use super::{Absent, Key, Kind, Table, key, words};
use crate::domain::device::{BoundTo, Resume, WhenFull};

const AS_SESSIONS: Absent = Absent::Means("as in `[session]`");

pub(super) static SESSION: Table = Table {
    header: "[session]",
    doc: "How long sessions live, on devices of no class.",
    keys: &[
        lock(Absent::Is("\"15m\"")),
        idle(Absent::Is("\"4h\"")),
        absolute(Absent::Is("\"12h\"")),
        resume(Absent::Is("\"login\"")),
        concurrent("How many sessions one person may have at once on one host."),
        key(
            "when_full",
            Kind::Word(words!(WhenFull)),
            Absent::Is("\"end_oldest\""),
            "What happens beyond `concurrent`. `end_oldest`: one that is locked ends, else the one that was not used for \
             longest, as by every revocation (cause `too-many`). `refuse`: the person is not signed in (`too-many-sessions`) until they have ended another, or one is locked: not where \
             somebody may have to leave one computer for another.",
        ),
        key(
            "bound_to",
            Kind::Words(words!(BoundTo)),
            Absent::Is("[\"device_key\", \"certificate\", \"browser\"]"),
            "What a session is bound to beside its cookie, so that a copy of the cookie is worth little elsewhere. `device_key`: a \
             key that the browser keeps in the device, where it offers that (W3C Device Bound Session Credentials; Chromium does); proven \
             every 10 min, and the rest is not asked for then. Else what was seen at sign-in has to be seen again: `certificate`, \
             the one that was shown; `browser`, the kind of browser and system (`User-Agent` without its numbers); `network`, the \
             addresses that are nobody's of the Internet taken as one, any other as a /24 (IPv6: /48). Whoever does not show it is \
             asked to sign in (`session-elsewhere`); the session goes on where it is. `cookie` alone: to nothing else. Sessions keep what they were begun with.",
        ),
        key(
            "device_proof",
            Kind::Duration("5m", "1h"),
            Absent::Is("\"10m\""),
            "How long a browser is believed to have the key that a session is bound to, before it has to prove it again; a copy of \
             all its cookies is good for as long, and a minute. Chromium proves it 2 min before, and only so often in a while.",
        ),
        key(
            "detect_polling",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether a GET or HEAD that comes again and again at equal intervals, eight at least, is no sign of the person, as what \
             applications declare as `background` or `idle_ignore` is none. The first that comes at another is one again.",
        ),
        key(
            "outage_extension",
            Kind::Duration("0s", "12h"),
            Absent::Is("\"4h\""),
            "For how long a session goes on beyond `absolute` while its provider does not answer, and has not for half a minute: \
             nobody can sign in anew then. Each request by it is marked in its event (`outage_extension`); `lock` and `idle` hold as ever, and once the \
             provider answers the session is over.",
        ),
    ],
};

pub(super) static DEVICE: Table = Table {
    header: "[device.NAME]",
    doc: "A class of devices. A feed of devices tells which one a device is of; else the first fits whose conditions all hold, in \
          the order in which they are written. A session \
          keeps the class at which its person signed in; of that and the class of the request, the stricter times hold.",
    keys: &[
        key(
            "networks",
            Kind::Texts("10.20.0.0/16"),
            Absent::Means("anywhere"),
            "The caller is in one of these networks: the address that `trusted_proxies` tell, or the peer's.",
        ),
        key(
            "header",
            Kind::Map("x-workstation"),
            Absent::Means("none is asked for"),
            "Names and values that one of `trusted_proxies` says, all of them. Names begin with `x-`. From nobody else are \
             they believed, and they are taken off every request.",
        ),
        key(
            "certificate",
            Kind::Texts("*.ward.clinic.example"),
            Absent::Means("none is asked for"),
            "The device has shown a certificate (`gateway.client_certificate`) that is for one of these: a DNS name or a URI, \
             in which a `*` at the beginning stands for the rest. At least one of `networks`, `header` and `certificate`, or a feed that \
             tells the class (`feed.NAME.classes`).",
        ),
        lock(AS_SESSIONS),
        idle(AS_SESSIONS),
        absolute(AS_SESSIONS),
        resume(AS_SESSIONS),
        key(
            "step_up_max_age",
            Kind::Duration("1m", "12h"),
            Absent::Means("as long as the rules say"),
            "How long a proof counts on devices of this class, whatever longer time rules and limits allow.",
        ),
        concurrent("How many of them one person may have at once on devices of this class."),
    ],
};

const AS_ELSEWHERE: Absent = Absent::Means("as elsewhere");

pub(super) static APPLICATION_SESSION: Table = Table {
    header: "[application.NAME.session]",
    doc: "Shorter times at one application: of these and those of `[session]` and `[device.NAME]`, the stricter hold. A session \
          that is found locked or over here is so everywhere. On our own pages the strictest of a host's applications holds.",
    keys: &[lock(AS_ELSEWHERE), idle(AS_ELSEWHERE), absolute(AS_ELSEWHERE)],
};

const fn concurrent(doc: &'static str) -> Key {
    key("concurrent", Kind::Whole(1, 1000), Absent::Means("as many as they like, up to 64 in all"), doc)
}

const fn lock(absent: Absent) -> Key {
    key(
        "lock",
        Kind::Duration("1m", "24h"),
        absent,
        "Until a session is locked, without a request by the person (automatic logoff, 45 CFR 164.312(a)(2)(iii)). Nothing is \
         decided under it then, what goes on by it is cut, and only the same person resumes it. Where it is not below `idle`, \
         sessions end without being locked.",
    )
}

const fn idle(absent: Absent) -> Key {
    key("idle", Kind::Duration("1m", "24h"), absent, "Until it ends, without a request by the person.")
}

const fn absolute(absent: Absent) -> Key {
    key("absolute", Kind::Duration("5m", "7d"), absent, "Until it ends in any case; not below `idle`.")
}

const fn resume(absent: Absent) -> Key {
    key(
        "resume",
        Kind::Word(words!(Resume)),
        absent,
        "What unlocks a session. `login`: the person authenticates at the provider once more, which its `auth_time` has to \
         say; a provider that sends none unlocks nothing. `sso`: the provider's own session is enough, so whoever is at the \
         computer unlocks it as long as that lasts: only where the computer itself locks, or the provider's session is as \
         short.",
    )
}
