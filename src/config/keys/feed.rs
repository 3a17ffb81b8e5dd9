//! Facts about people, patients and devices from declared feeds.

use super::{Absent, Kind, Table, key, words};
use crate::domain::told::FeedKind;
use crate::features::facts::fhir::settings::ResourceType;
use crate::features::facts::settings::FormatName;

pub(super) static FEED: Table = Table {
    header: "[feed.NAME]",
    doc: "What is known of people, patients and devices: who cares for whom, who is at work, where somebody works, where a patient \
          is, of which class a device is and where it stands. \
          Taken whole or not at all: a row that cannot be read leaves in force what was known before.",
    keys: &[
        key("kind", Kind::Word(words!(FeedKind)), Absent::Refused, "What its rows are about."),
        key(
            "file",
            Kind::Path("feeds/care-team.csv"),
            Absent::Means("`url`"),
            "The file with its rows, read again when it has changed. Put a new one in its place by renaming it: half a file \
             may look whole. Its time of writing says how old it is.",
        ),
        key(
            "url",
            Kind::Text("https://ehr.clinic.example/care-team.csv"),
            Absent::Means("`file`"),
            "The address that is asked for them; no redirect is followed. `Last-Modified`, or else `Date`, says how old they \
             are; of a search of FHIR, the `Date` of its first page.",
        ),
        key("every", Kind::Duration("10s", "1d"), Absent::Is("\"5m\""), "How often `url` is asked."),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `url`.",
        ),
        key("token", Kind::Secret, Absent::Means("none"), "The bearer token that is brought to `url`."),
        key(
            "username",
            Kind::Text("leastway"),
            Absent::Means("none"),
            "The name that is brought to `url` with `password`.",
        ),
        key("password", Kind::Secret, Absent::Means("none"), "The password for `username`."),
        key(
            "format",
            Kind::Word(words!(FormatName)),
            Absent::Means("as the name ends"),
            "How rows are written. In CSV a cell that holds several has them between semicolons. `fhir`: `url` is a search of FHIR \
             (R4, R5), all of whose pages are read, or `file` a Bundle.",
        ),
        key(
            "resource",
            Kind::Word(words!(ResourceType)),
            Absent::Means("as the path of `url` ends"),
            "What is searched, with `format = \"fhir\"`. `CareTeam`, `Encounter` and `Patient` (by `generalPractitioner`) tell \
             relationships, `Schedule` and `Slot` shifts, `PractitionerRole` people, `Encounter` patients. Let the search include \
             whom they name: `_include=CareTeam:participant`.",
        ),
        key(
            "person_system",
            Kind::Text("urn:clinic:login"),
            Absent::Means("the logical id of `Practitioner`"),
            "The system of the identifier by which a `Practitioner` is the person of a session.",
        ),
        key(
            "patient_system",
            Kind::Text("urn:clinic:mrn"),
            Absent::Means("the logical id of `Patient`"),
            "The system of the identifier by which the applications call a patient.",
        ),
        key(
            "client",
            Kind::Table(&CLIENT),
            Absent::Means("none"),
            "A client of ours, as which we are given tokens for `url`, in place of `token` (SMART Backend Services).",
        ),
        key(
            "provider",
            Kind::Text("clinic"),
            Absent::Means("the only provider"),
            "Whose people it names; of devices, nobody's.",
        ),
        key(
            "person",
            Kind::Text("email"),
            Absent::Is("\"sub\""),
            "What of a person is compared with its names: `sub`, or an attribute by our word in `provider.claims`.",
        ),
        key(
            "applications",
            Kind::Texts("ehr"),
            Absent::Means("the only application"),
            "Whose patients it names: as these applications call them in `{patient}`.",
        ),
        key(
            "columns",
            Kind::Map("person"),
            Absent::Means("those that the kind needs, under our words"),
            "Where each thing stands: our word = the column. `person`, `patient`, `relationship`, `from`, `until`; `location`, \
             `department`, `facility`; `own_patient`, `household`; `flags`; `device`, `class`, `status`; `as_of`, when the rows were made. A moment has an \
             offset or is in the `time_zone`; `until` is the first at which it holds no more, and of a day it is its end. With \
             `fhir` only places are written, as elements: `department = \"serviceProvider\"`. A place is told by the id of what is \
             referred to, or by a code.",
        ),
        key(
            "relationship",
            Kind::Text("treatment_team"),
            Absent::Means("`relationships`"),
            "What a person and a patient of a row have to do with each other, where no column says it.",
        ),
        key(
            "relationships",
            Kind::Map("attending"),
            Absent::Means("`relationship`"),
            "Our words = what stands in the column `relationship`; with `fhir`, a code of `participant.role` or \
             `participant.type`. Other rows are left out, and counted.",
        ),
        key(
            "flags",
            Kind::Map("vip"),
            Absent::Means("none"),
            "Our words = what stands in the column `flags`. Whoever is not listed has none.",
        ),
        key(
            "device",
            Kind::Text("certificate"),
            Absent::Means("a problem, in a feed of devices"),
            "What of a device is compared with the names in the column `device`: `certificate`, a DNS name or URI that its \
             certificate is for (`gateway.client_certificate`); `thumbprint`, that of its certificate as events tell it (SHA-256 in \
             base64url); `address`, its address or a network, the smallest of which counts; or a header of `trusted_proxies` such as \
             `x-asset`, which is taken off every request. An address and a header show a device, a certificate proves it. Of several \
             feeds that know a device the first counts; one that withdraws it does in any case.",
        ),
        key(
            "classes",
            Kind::Map("ward"),
            Absent::Means("none is told"),
            "Our classes (`[device.NAME]`) = what stands in the column `class`. A class that is told so counts before the conditions \
             of `[device.NAME]`; other texts are left out, and counted. Sessions have its times even where the feed is too old; for \
             rules it is not told then.",
        ),
        key(
            "in_use",
            Kind::Texts("in service"),
            Absent::Means("all are"),
            "What stands in the column `status` of devices that are in use. Where anything else stands there, the device is withdrawn: \
             of no class, whatever conditions hold, and at no place; at once, also for what goes on, and however old the feed is.",
        ),
        key(
            "after",
            Kind::Duration("0s", "90d"),
            Absent::Is("\"0s\""),
            "How long a relationship lasts beyond its end: letters are written after a patient has left.",
        ),
        key(
            "max_age",
            Kind::Duration("1s", "3650d"),
            Absent::Is("\"24h\""),
            "How old it may be. What is older counts as not told (`attribute-stale`); under a treatment purpose a reason makes \
             up for it.",
        ),
        key("rows_max", Kind::Whole(1, 20_000_000), Absent::Is("2000000"), "The most rows that are taken."),
        key(
            "bytes_max",
            Kind::Size("1KiB", "2GiB"),
            Absent::Is("\"256MiB\""),
            "The most bytes that are read.",
        ),
    ],
};

static CLIENT: Table = Table {
    header: "[feed.NAME.client]",
    doc: "A client of ours at the authorization server of a feed, which knows our public key (SMART Backend Services, \
          `client_credentials` with `private_key_jwt`).",
    keys: &[
        key(
            "token_url",
            Kind::Text("https://fhir.clinic.example/oauth/token"),
            Absent::Refused,
            "Where tokens are given.",
        ),
        key("id", Kind::Text("leastway"), Absent::Refused, "What we are called there."),
        key(
            "key",
            Kind::File("file:secrets/feed.key"),
            Absent::Refused,
            "Our private key in PEM, not encrypted: P-384 (`ES384`), P-256 or Ed25519 in PKCS#8, or RSA of 2048 bits or more \
             (`RS384`).",
        ),
        key(
            "key_id",
            Kind::Text("leastway-2026"),
            Absent::Means("none is sent"),
            "What it calls the key (`kid`).",
        ),
        key(
            "scope",
            Kind::Text("system/CareTeam.rs system/Practitioner.rs"),
            Absent::Means("none is sent"),
            "What is asked for: reading, and nothing more.",
        ),
    ],
};
