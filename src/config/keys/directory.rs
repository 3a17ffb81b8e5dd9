//! Directories that providers keep here.

use super::{Absent, Kind, Table, key, words};
use crate::features::directory::settings::{GroupName, GroupUse, MatchBy};

pub(super) static SCIM: Table = Table {
    header: "[provider.scim]",
    doc: "The directory that the provider keeps here by SCIM 2.0, at `/.leastway/scim/v2` on the host of any application \
          and at `/scim/v2` on the control listener. Whose account it disables or deletes is out at once.",
    keys: &[
        key(
            "token",
            Kind::Secret,
            Absent::Refused,
            "The bearer token that the provider brings: 32 characters at least, and its own.",
        ),
        key(
            "networks",
            Kind::Texts("192.0.2.0/24"),
            Absent::Is("[]"),
            "From where it may come. None: from anywhere.",
        ),
        key(
            "match",
            Kind::Word(words!(MatchBy)),
            Absent::Is("\"external_id\""),
            "By which attribute of a user they are found who sign in: `externalId`, `userName` (in any case) or `id`.",
        ),
        key(
            "claim",
            Kind::Text("object_id"),
            Absent::Is("\"sub\""),
            "What of a person is compared with it: `sub`, or an attribute by our word in `provider.claims`. Whoever comes \
             without it is `account-unknown`.",
        ),
        key(
            "required",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether only those whom the directory knows may sign in. Otherwise it keeps out whose account is disabled \
             or deleted.",
        ),
        key(
            "groups",
            Kind::Word(words!(GroupUse)),
            Absent::Is("\"ignore\""),
            "What its groups are for: nothing, to be added to those of the ID token, or to replace them. With `add` and \
             `replace` a token that leaves groups out (`groups-incomplete`) is enough for whom the directory knows.",
        ),
        key(
            "group_name",
            Kind::Word(words!(GroupName)),
            Absent::Is("\"display_name\""),
            "What roles know a group by: `displayName` or `externalId`.",
        ),
        key(
            "attributes",
            Kind::Map("department"),
            Absent::Means("none"),
            "Our word for an attribute = what of a user tells it, in place of a claim under the same word: `title`, `userType`, or of \
             the enterprise extension `employeeNumber`, `costCenter`, `organization`, `division`, `department`. It counts from the \
             person's next request.",
        ),
        key(
            "max_age",
            Kind::Duration("1h", "3650d"),
            Absent::Is("\"30d\""),
            "How long the provider may not be heard of, by a change or a question that brings the token, before `attributes` are too \
             old: then they count as not told (`attribute-stale`); under a treatment purpose a reason makes up for it. Groups, and \
             who is out, hold however long that is. A provider that only tells changes is silent while there are none: it is to be \
             longer than the longest such time.",
        ),
    ],
};
