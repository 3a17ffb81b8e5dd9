//! Feeds, settled.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::Duration;

use http::HeaderName;

use super::fhir::settings::FhirSettings;
use crate::domain::application::{ApplicationName, ProviderName};
use crate::domain::closed_list;
use crate::domain::device::DeviceClass;
use crate::domain::told::{FactWords, FeedKind, FeedName, Place};
use crate::foundation::secret::Secret;
use crate::platform::client_assertion::SigningKey;

closed_list! {
    /// What a column of a feed holds.
    Column {
        /// Who, as `person` of the feed says.
        Person = "person",
        /// Which patient, as the application calls them.
        Patient = "patient",
        /// What they have to do with each other.
        Relationship = "relationship",
        /// From when it holds.
        From = "from",
        /// Until when it holds; then no more.
        Until = "until",
        /// Where exactly.
        Location = "location",
        /// In which department.
        Department = "department",
        /// In which house.
        Facility = "facility",
        /// Which patients the person is.
        OwnPatient = "own_patient",
        /// Which patients belong to the person's household.
        Household = "household",
        /// What is marked of the patient.
        Flags = "flags",
        /// Which device, as `device` of the feed says.
        Device = "device",
        /// Of which class it is.
        Class = "class",
        /// Whether it is in use.
        Status = "status",
        /// When the rows were made.
        AsOf = "as_of",
    }
}

closed_list! {
    /// How a feed is written, by name.
    FormatName {
        /// See [`Format::Csv`].
        Csv = "csv",
        /// See [`Format::Json`].
        Json = "json",
        /// See [`Format::Ndjson`].
        Ndjson = "ndjson",
        /// See [`Format::Fhir`].
        Fhir = "fhir",
    }
}

/// How a feed is written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, with a header; the delimiter is a comma, a semicolon, a tab or a bar.
    Csv,
    /// One list of objects.
    Json,
    /// An object a line.
    Ndjson,
    /// What a search of FHIR (R4, R5) answers, page by page.
    Fhir(FhirSettings),
}

/// A feed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FeedSettings {
    /// Its name.
    pub name: FeedName,
    /// What its rows are about.
    pub kind: FeedKind,
    /// Where they come from.
    pub source: Source,
    /// How they are written.
    pub format: Format,
    /// Whose people it names; none where it names devices.
    pub provider: Option<ProviderName>,
    /// What of a person is compared with its names: an attribute by our word; none: `sub`.
    pub person: Option<String>,
    /// Whose patients it names; never empty where it names any.
    pub applications: Vec<ApplicationName>,
    /// Where each thing stands.
    pub columns: BTreeMap<Column, String>,
    /// Our words for relationships, and what stands in the column for each; a single one with no text where there is no column.
    pub relationships: Vec<(String, Option<String>)>,
    /// Our words for what is marked of a patient, and what stands in the column for each.
    pub flags: Vec<(String, String)>,
    /// How it names devices; none where it names none.
    pub devices: Option<DeviceSettings>,
    /// How long a relationship lasts beyond its end: up to 90 days.
    pub after: Duration,
    /// How old it may be: one second to ten years.
    pub max_age: Duration,
    /// The most rows that it may have.
    pub rows_max: u64,
    /// The most bytes that it may have.
    pub bytes_max: u64,
    /// The IANA time zone of moments that name none.
    pub time_zone: String,
}

/// How a feed names devices, and what its words for them mean.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeviceSettings {
    /// What of a device is compared with its names.
    pub by: DeviceBy,
    /// Our classes, and what stands in the column for each; empty where there is no column.
    pub classes: Vec<(DeviceClass, String)>,
    /// What stands in the column of devices that are in use; empty where there is no column, and all are.
    pub in_use: Vec<String>,
}

/// What of a device is compared with the names of a feed. The key that a browser proves is none: it is made anew with each
/// session, so no inventory could know it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DeviceBy {
    /// A DNS name or URI that its certificate is for.
    Certificate,
    /// Its certificate, by the SHA-256 of its DER in base64url (`x5t#S256`, RFC 8705 section 3.1).
    Thumbprint,
    /// Its address, or the smallest network around that.
    Address,
    /// What a trusted proxy says in a header.
    Header(HeaderName),
}

/// Where rows come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// A file, read again when it has changed.
    File(PathBuf),
    /// An address, asked now and then.
    Url(Box<UrlSettings>),
}

/// An address that is asked.
#[derive(Clone, Debug)]
pub struct UrlSettings {
    /// The URL.
    pub url: String,
    /// How often it is asked.
    pub every: Duration,
    /// How long an answer may take.
    pub timeout: Duration,
    /// Certificates in PEM of the authorities that vouch for it; none: the system's.
    pub authorities: Option<std::sync::Arc<[u8]>>,
    /// What is brought in `Authorization`.
    pub credential: Option<Credential>,
}

/// What is brought in `Authorization`.
#[derive(Clone, Debug)]
pub enum Credential {
    /// A bearer token.
    Bearer(Secret),
    /// A name and a password.
    Basic(String, Secret),
    /// A token that we are given there as a client of our own.
    Client(ClientSettings),
}

/// How we are given a token (SMART Backend Services; RFC 6749 section 4.4 with RFC 7523).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClientSettings {
    /// The token endpoint; also whom our statement is for.
    pub token_url: String,
    /// What we are called there.
    pub id: String,
    /// Our key.
    pub key: SigningKey,
    /// What it is called there (`kid`).
    pub key_id: Option<String>,
    /// What is asked for, such as `system/CareTeam.rs`.
    pub scope: Option<String>,
}

impl PartialEq for UrlSettings {
    fn eq(&self, other: &Self) -> bool {
        (&self.url, self.every, self.timeout, &self.authorities)
            == (&other.url, other.every, other.timeout, &other.authorities)
            && self.credential == other.credential
    }
}

impl Eq for UrlSettings {}

impl PartialEq for Credential {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Bearer(one), Self::Bearer(two)) => one.reveal() == two.reveal(),
            (Self::Basic(name, one), Self::Basic(other, two)) => {
                name == other && one.reveal() == two.reveal()
            }
            (Self::Client(one), Self::Client(two)) => one == two,
            (Self::Bearer(_) | Self::Basic(..) | Self::Client(_), _) => false,
        }
    }
}

impl Column {
    /// The columns that a kind of feed has to have, and those that it may have.
    pub const fn of(kind: FeedKind) -> (&'static [Self], &'static [Self]) {
        match kind {
            FeedKind::Relationship => {
                (&[Self::Person, Self::Patient], &[Self::Relationship, Self::From, Self::Until, Self::AsOf])
            }
            FeedKind::Shift => (
                &[Self::Person, Self::From, Self::Until],
                &[Self::Location, Self::Department, Self::Facility, Self::AsOf],
            ),
            FeedKind::Person => (
                &[Self::Person],
                &[
                    Self::Location,
                    Self::Department,
                    Self::Facility,
                    Self::OwnPatient,
                    Self::Household,
                    Self::AsOf,
                ],
            ),
            FeedKind::Patient => (
                &[Self::Patient],
                &[Self::Location, Self::Department, Self::Facility, Self::Flags, Self::AsOf],
            ),
            FeedKind::Device => (
                &[Self::Device],
                &[Self::Class, Self::Location, Self::Department, Self::Facility, Self::Status, Self::AsOf],
            ),
        }
    }
}

impl FeedSettings {
    /// Whether it has a column.
    pub fn has(&self, column: Column) -> bool {
        self.columns.contains_key(&column)
    }

    /// What it tells of where people work, patients are or devices stand.
    pub fn places(&self) -> impl Iterator<Item = Place> {
        PLACES.into_iter().filter(|(column, _)| self.has(*column)).map(|(_, place)| place)
    }
}

/// The columns that tell where somebody is.
pub(super) const PLACES: [(Column, Place); 3] = [
    (Column::Location, Place::Location),
    (Column::Department, Place::Department),
    (Column::Facility, Place::Facility),
];

closed_list! {
    /// By what a person is somewhere.
    Presence {
        /// They work there.
        Workplace = "workplace",
        /// They are at work there now.
        Shift = "shift",
        /// The device at which they are stands there.
        Device = "device",
    }
}

impl Presence {
    /// What tells of it.
    pub(super) const fn kind(self) -> FeedKind {
        match self {
            Self::Workplace => FeedKind::Person,
            Self::Shift => FeedKind::Shift,
            Self::Device => FeedKind::Device,
        }
    }

    /// The relationship of a person and a patient who share a place so: `department`, `shift_department` or
    /// `device_department`.
    pub(super) fn word(self, place: Place) -> String {
        match self {
            Self::Workplace => place.to_string(),
            Self::Shift => format!("shift_{place}"),
            Self::Device => place.of_device().to_owned(),
        }
    }
}

/// The words that feeds tell of. A person and a patient are related by a place that is told of both.
pub fn words<'f>(feeds: impl Iterator<Item = &'f FeedSettings>) -> FactWords {
    let feeds: Vec<&FeedSettings> = feeds.collect();
    let of = |kind: FeedKind| feeds.iter().copied().filter(move |feed| feed.kind == kind);
    let people: BTreeSet<Place> = of(FeedKind::Person).flat_map(FeedSettings::places).collect();
    let patients: BTreeSet<Place> = of(FeedKind::Patient).flat_map(FeedSettings::places).collect();
    let devices: BTreeSet<Place> = of(FeedKind::Device).flat_map(FeedSettings::places).collect();
    let declared = feeds.iter().flat_map(|feed| &feed.relationships).map(|(word, _)| word.clone());
    let common = Presence::ALL.iter().flat_map(|presence| {
        let told: BTreeSet<Place> = of(presence.kind()).flat_map(FeedSettings::places).collect();
        told.intersection(&patients).map(|place| presence.word(*place)).collect::<Vec<_>>()
    });
    let relationships: BTreeSet<String> = declared.chain(common).collect();
    let flags: BTreeSet<String> =
        feeds.iter().flat_map(|feed| &feed.flags).map(|(word, _)| word.clone()).collect();
    FactWords {
        relationships: relationships.into_iter().collect(),
        flags: flags.into_iter().collect(),
        places: people.into_iter().collect(),
        device_places: devices.into_iter().collect(),
        // That is the directories' to say.
        kept_attributes: Vec::new(),
        device_classes: of(FeedKind::Device).any(|feed| feed.has(Column::Class)),
        shifts: of(FeedKind::Shift).next().is_some(),
        own_charts: of(FeedKind::Person)
            .any(|feed| feed.has(Column::OwnPatient) || feed.has(Column::Household)),
    }
}
