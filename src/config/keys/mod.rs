//! The one list of what may be written. The reader, the published schema and `config/README.md` are
//! made from it, so they cannot disagree.

mod access;
mod application;
mod ask;
mod break_glass;
mod browser;
mod category;
mod client;
mod credential;
mod detect;
mod directory;
mod export;
mod feed;
mod field;
mod given;
mod help;
mod hold;
mod journal;
mod limits;
mod machine;
mod provider;
mod purpose;
mod reply;
mod rewrite;
mod risk;
mod session;
mod signals;
mod store;
mod upstream;

pub(in crate::config) use reply::{ENCODINGS, INNER_KINDS, REPLY_KINDS};

use super::spelling::nearest;
use journal::JOURNAL;
use machine::{CONTROL, GATEWAY, GUARD};
use provider::PROVIDER;
use session::{DEVICE, SESSION};
use store::STORE;

/// The keys of one table.
#[derive(Debug)]
pub(super) struct Table {
    /// How the table is written, for the reference: `[gateway]`.
    pub(super) header: &'static str,
    /// What it is about.
    pub(super) doc: &'static str,
    /// Its keys.
    pub(super) keys: &'static [Key],
}

/// A key.
#[derive(Debug)]
pub(super) struct Key {
    pub(super) name: &'static str,
    pub(super) kind: Kind,
    pub(super) absent: Absent,
    /// What it means.
    pub(super) doc: &'static str,
}

/// What it means that a key is absent.
#[derive(Clone, Copy, Debug)]
pub(super) enum Absent {
    /// It has to be there, and a list must not be empty.
    Refused,
    /// As if this had been written, in TOML.
    Is(&'static str),
    /// In words.
    Means(&'static str),
}

/// What kind of value a key takes.
#[derive(Clone, Copy, Debug)]
pub(super) enum Kind {
    /// A text like this example.
    Text(&'static str),
    /// A text like this example, or a list of such texts.
    Texts(&'static str),
    /// A word of a closed list.
    Word(fn() -> Vec<&'static str>),
    /// A word of a closed list, or a list of such words.
    Words(fn() -> Vec<&'static str>),
    /// A whole number between these.
    Whole(u64, u64),
    /// `true` or `false`.
    YesNo,
    /// A duration between these.
    Duration(&'static str, &'static str),
    /// A size between these.
    Size(&'static str, &'static str),
    /// The path of a file or folder.
    Path(&'static str),
    /// A reference to a secret: `file:` or `env:`.
    Secret,
    /// A reference to a file: `file:`.
    File(&'static str),
    /// A table of our words to texts.
    Map(&'static str),
    /// A table of names to `true` (present), `false` (absent), a text (equals) or a list (one of).
    Conditions(&'static str),
    /// A table.
    Table(&'static Table),
    /// A list of tables.
    Tables(&'static Table),
    /// A table of tables, each under a name that the operator gives.
    Named(&'static Table),
}

impl Table {
    /// The key of that name.
    pub(super) fn key(&self, name: &str) -> Option<&'static Key> {
        self.keys.iter().find(|key| key.name == name)
    }
}

impl Kind {
    /// The word of a closed list that was probably meant.
    pub(super) fn meant(self, text: &str) -> Option<&'static str> {
        let (Self::Word(words) | Self::Words(words)) = self else { return None };
        nearest(text, words().into_iter())
    }

    /// What would be right, in words.
    pub(super) fn right(self) -> String {
        match self {
            Self::Text(example) => format!("a text such as `\"{example}\"`"),
            Self::Texts(example) => format!("texts such as `[\"{example}\"]`"),
            Self::Word(words) => format!("one of {}", words().join(", ")),
            Self::Words(words) => format!("some of {}", words().join(", ")),
            Self::Whole(min, max) if min == max => format!("`{min}`"),
            Self::Whole(min, max) => format!("a whole number from {min} to {max}"),
            Self::YesNo => "`true` or `false`".to_owned(),
            Self::Duration(min, max) => format!("a duration from `\"{min}\"` to `\"{max}\"`"),
            Self::Size(min, max) => format!("a size from `\"{min}\"` to `\"{max}\"`"),
            Self::Path(example) => format!("a path such as `\"{example}\"`"),
            Self::Secret => "a reference: `\"env:NAME\"` or `\"file:PATH\"`".to_owned(),
            Self::File(example) => format!("a reference such as `\"{example}\"`"),
            Self::Map(example) => format!("a table such as `{{ {example} = \"…\" }}`"),
            Self::Conditions(example) => format!("a table such as `{{ \"{example}\" = true }}`"),
            Self::Table(table) | Self::Tables(table) | Self::Named(table) => format!("`{}`", table.header),
        }
    }
}

const fn key(name: &'static str, kind: Kind, absent: Absent, doc: &'static str) -> Key {
    Key { name, kind, absent, doc }
}

/// The spellings of a closed list.
macro_rules! words {
    ($list:ty) => {
        || <$list>::ALL.iter().map(|word| word.as_str()).collect()
    };
}
use words;

/// The main file, `leastway.toml`.
pub(super) static MAIN: Table = Table {
    header: "",
    doc: "The main file. Everything else is named by it.",
    keys: &[
        key("version", Kind::Whole(1, 1), Absent::Refused, "The version of this format."),
        key(
            "include",
            Kind::Texts("applications/*.toml"),
            Absent::Is("[]"),
            "Further files, with `application`, `role`, `purpose`, `category`, `risk`, `detect`, `feed`, `export`, `client` and `provider` tables; `*` stands for any part of a name.",
        ),
        key(
            "policies",
            Kind::Texts("policies/*.cedar"),
            Absent::Is("[]"),
            "Cedar files with rules beyond the roles'; `*` stands for any part of a name.",
        ),
        key(
            "time_zone",
            Kind::Text("Europe/Madrid"),
            Absent::Means("the system's"),
            "The IANA time zone in which `hours` are meant.",
        ),
        key(
            "approved_by",
            Kind::Texts("privacy:m.ortiz"),
            Absent::Means("nobody, which `validate` warns of"),
            "Who approved what is written here: two people at the least, each as `OFFICE:PERSON` or by name. Kept with the rules \
             of each version, so that an auditor reads who stood for what was in force.",
        ),
        key("gateway", Kind::Table(&GATEWAY), Absent::Refused, "The data plane."),
        key("control", Kind::Table(&CONTROL), Absent::Means("its defaults"), "The control plane."),
        key("store", Kind::Table(&STORE), Absent::Means("its defaults"), "Where state is kept."),
        key("journal", Kind::Table(&JOURNAL), Absent::Means("its defaults"), "Where events are kept."),
        key("session", Kind::Table(&SESSION), Absent::Means("its defaults"), "How long sessions live."),
        key(
            "device",
            Kind::Named(&DEVICE),
            Absent::Means("none: `[session]` holds for all"),
            "Classes of devices, such as wards and kiosks.",
        ),
        key(
            "shadow",
            Kind::Table(&access::SHADOW),
            Absent::Means("nothing is tried"),
            "Rules that are tried.",
        ),
        key("guard", Kind::Table(&GUARD), Absent::Means("its defaults"), "Bounds of what is looked at."),
        key(
            "break_glass",
            Kind::Table(&break_glass::BREAK_GLASS),
            Absent::Means("its defaults"),
            "How roles with `break_glass` open a chart in an emergency.",
        ),
        key("help", Kind::Table(&help::HELP), Absent::Means("its defaults"), "Whom refused people ask."),
        PROVIDERS,
        APPLICATIONS,
        ROLES,
        PURPOSES,
        CATEGORIES,
        RISKS,
        DETECTIONS,
        FEEDS,
        EXPORTS,
        CLIENTS,
    ],
};

/// A file that the main file includes.
pub(super) static PART: Table = Table {
    header: "",
    doc: "A file that the main file includes.",
    keys: &[PROVIDERS, APPLICATIONS, ROLES, PURPOSES, CATEGORIES, RISKS, DETECTIONS, FEEDS, EXPORTS, CLIENTS],
};

/// A file with roles that are tried.
pub(super) static SHADOW_PART: Table =
    Table { header: "", doc: "A file with roles that are tried.", keys: &[ROLES] };

const PROVIDERS: Key = key(
    "provider",
    Kind::Tables(&PROVIDER),
    Absent::Means("none"),
    "OpenID providers; at least one over all files.",
);
const APPLICATIONS: Key = key(
    "application",
    Kind::Named(&application::APPLICATION),
    Absent::Means("none"),
    "What is protected; at least one over all files.",
);
const ROLES: Key = key(
    "role",
    Kind::Named(&access::ROLE),
    Absent::Means("none: nobody may do anything"),
    "Who may do what.",
);
const PURPOSES: Key = key(
    "purpose",
    Kind::Named(&purpose::PURPOSE),
    Absent::Means("none: pages have words for each purpose"),
    "What pages call a purpose, by its name.",
);
const CATEGORIES: Key = key(
    "category",
    Kind::Named(&category::CATEGORY),
    Absent::Means("those that are built in"),
    "Kinds of data, with what protects them.",
);
const RISKS: Key = key(
    "risk",
    Kind::Named(&risk::RISK),
    Absent::Means("none: what the rules ask for is enough"),
    "What makes it more that is asked of a person.",
);
const DETECTIONS: Key = key(
    "detect",
    Kind::Named(&detect::DETECT),
    Absent::Means("none: nothing is looked for"),
    "What somebody should look at.",
);
const FEEDS: Key = key(
    "feed",
    Kind::Named(&feed::FEED),
    Absent::Means("none: nothing is known but what providers tell"),
    "What is known of people and patients.",
);
const EXPORTS: Key = key(
    "export",
    Kind::Named(&export::EXPORT),
    Absent::Means("none: events stay in the journal"),
    "To whom events are handed on.",
);
const CLIENTS: Key = key(
    "client",
    Kind::Named(&client::CLIENT),
    Absent::Means("none: no access token is taken, and `Authorization` is the applications' alone"),
    "Programs that come with an access token of their own.",
);
