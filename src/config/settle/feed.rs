//! Feeds: where rows come from, how they are read, and what they say.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use http::HeaderName;

use super::fhir;
use super::provider::signing_key;
use super::signals::address;
use crate::config::certificate::authorities;
use crate::config::reader::{Reader, collect_all};
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::domain::told::FeedKind;
use crate::features::facts::settings::{
    ClientSettings, Column, Credential, DeviceBy, DeviceSettings, FeedSettings, Format, FormatName, Source,
    UrlSettings,
};

/// What is meant where nothing is written.
#[derive(Clone, Copy, Debug)]
pub(in crate::config) struct Usual<'u> {
    /// The only provider.
    pub(in crate::config) provider: Option<&'u str>,
    /// The only application.
    pub(in crate::config) application: Option<&'u str>,
    /// The gateway's time zone.
    pub(in crate::config) time_zone: &'u str,
}

/// Reads `[feed.NAME]`.
pub(in crate::config) fn feed(name: &str, reader: &Reader<'_>, usual: Usual<'_>) -> Option<FeedSettings> {
    let name = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `care-team`");
    });
    let kind: Option<FeedKind> = reader.parsed("kind");
    let source = source(reader);
    let format_name = format_name(reader);
    let fhir_written = fhir::Written::read(reader);
    let provider = match kind {
        Some(FeedKind::Device) => Some(None),
        Some(FeedKind::Relationship | FeedKind::Shift | FeedKind::Person | FeedKind::Patient) | None => {
            only(reader, "provider", usual.provider).map(|list| list.into_iter().next())
        }
    };
    let devices = devices(reader, kind);
    let person = reader.text("person");
    let listed = if reader.has("applications") { reader.list("applications")? } else { Vec::new() };
    let written = if reader.has("columns") { reader.map("columns") } else { Some(Vec::new()) };
    let relationships = relationships(reader, kind);
    let flags = if reader.has("flags") { reader.map("flags") } else { Some(Vec::new()) };
    let (after, max_age) = (reader.duration("after"), reader.duration("max_age"));
    let (rows_max, bytes_max) = (reader.whole("rows_max"), reader.size("bytes_max"));
    let (kind, relationships, flags) = (kind?, relationships?, flags?);
    if reader.has("after") && kind != FeedKind::Relationship {
        reader.error(
            "after",
            "only relationships last beyond their end",
            "`kind = \"relationship\"`, or no such key",
        );
    }
    let (columns, format) = match format_name? {
        FormatName::Csv => (columns(reader, kind, written?)?, Format::Csv),
        FormatName::Json => (columns(reader, kind, written?)?, Format::Json),
        FormatName::Ndjson => (columns(reader, kind, written?)?, Format::Ndjson),
        FormatName::Fhir => {
            let (columns, settings) = fhir::search(reader, kind, fhir_written?, written?)?;
            (columns, Format::Fhir(settings))
        }
    };
    if !matches!(format, Format::Fhir(_)) {
        fhir::refuse(reader);
    }
    fits(reader, kind, &columns, &relationships, &flags)?;
    let devices = devices?;
    if let Some(devices) = &devices {
        fits_devices(reader, &columns, devices)?;
    }
    let names_patients =
        [Column::Patient, Column::OwnPatient, Column::Household].iter().any(|it| columns.contains_key(it));
    let applications = if names_patients && listed.is_empty() {
        only(reader, "applications", usual.application)?
    } else {
        listed
    };
    Some(FeedSettings {
        name: name.ok()?,
        kind,
        source: source?,
        format,
        provider: provider?,
        person: person.filter(|word| word != "sub"),
        applications,
        columns,
        relationships,
        flags,
        devices,
        after: after?,
        max_age: max_age?,
        rows_max: rows_max?,
        bytes_max: bytes_max?,
        time_zone: usual.time_zone.to_owned(),
    })
}

/// A file that is to come is no error: what it would tell is unknown until then, and unknown opens nothing.
fn look_for(reader: &Reader<'_>, path: &Path) {
    let is_kept = reader.reading().surroundings.kept.is_some();
    if !is_kept && !path.exists() {
        let what =
            format!("`{}` is not there: until it is, all that it would tell is unknown", path.display());
        reader.reading().warning(
            &reader.key_of("file"),
            what,
            "the path of a file, relative to the file that names it",
        );
    }
}

fn source(reader: &Reader<'_>) -> Option<Source> {
    let file = reader.path("file");
    let url = reader.text_with("url", address);
    let every = reader.duration("every");
    let authorities = optional(reader, "authorities", authorities);
    let token = optional(reader, "token", |reader| reader.secret("token"));
    let username = optional(reader, "username", |reader| reader.text("username"));
    let password = optional(reader, "password", |reader| reader.secret("password"));
    let client = optional(reader, "client", client);
    match (reader.has("file"), reader.has("url")) {
        (true, false) => {
            for key in ["every", "authorities", "token", "username", "password", "client"] {
                if reader.has(key) {
                    reader.error(key, "nothing is asked where there is a `file`", "`url`, or no such key");
                }
            }
            if let Some(path) = &file {
                look_for(reader, path);
            }
            return file.map(Source::File);
        }
        (false, true) => {}
        (true, true) => {
            reader.error("url", "there is a `file`, too", "one of `file` and `url`");
            return None;
        }
        (false, false) => {
            let right = "`file` or `url`";
            reader.reading().error(reader.key(), "nothing says where its rows come from", right);
            return None;
        }
    }
    let credential = match (token?, username?, password?, client?) {
        (None, None, None, None) => None,
        (Some(token), None, None, None) => Some(Credential::Bearer(token)),
        (None, Some(name), Some(password), None) => Some(Credential::Basic(name, password)),
        (None, None, None, Some(client)) => Some(Credential::Client(client)),
        (_, name, password, _) => {
            let key = match (name, password) {
                (Some(_), _) => "username",
                (None, Some(_)) => "password",
                (None, None) => "client",
            };
            reader.error(key, "it cannot be brought so", "`token`, `username` and `password`, or `client`");
            return None;
        }
    };
    let (url, every, authorities) = (url?, every?, authorities?);
    let timeout = ANSWERED_WITHIN;
    Some(Source::Url(Box::new(UrlSettings { url, every, timeout, authorities, credential })))
}

/// A client of ours, as which we are given tokens.
fn client(reader: &Reader<'_>) -> Option<ClientSettings> {
    let table = reader.optional_table("client")?;
    let token_url = table.text_with("token_url", address);
    let id = table.text("id");
    let key = signing_key(&table);
    let key_id = optional(&table, "key_id", |table| table.text("key_id"));
    let scope = optional(&table, "scope", |table| table.text("scope"));
    Some(ClientSettings { token_url: token_url?, id: id?, key: key?, key_id: key_id?, scope: scope? })
}

/// As it is written, or as the name of the file or address ends.
fn format_name(reader: &Reader<'_>) -> Option<FormatName> {
    if reader.has("format") {
        return reader.parsed("format");
    }
    let name = reader.peek("file").or(reader.peek("url"))?;
    let name = name.split('?').next().unwrap_or(name);
    let ending = Path::new(name).extension().and_then(|ending| ending.to_str()).unwrap_or_default();
    let found = ending.to_ascii_lowercase().parse().ok();
    if found.is_none() {
        let what = "its name does not say how its rows are written";
        reader.reading().error(reader.key(), what, "`format`: csv, json, ndjson or fhir");
    }
    found
}

/// The names under a key, or the only one that there is.
fn only<T>(reader: &Reader<'_>, key: &str, only: Option<&str>) -> Option<Vec<T>>
where
    T: std::str::FromStr<Err = NameError>,
{
    if reader.has(key) {
        return reader.list(key);
    }
    let Some(name) = only else {
        let what = format!("`{key}` is missing, and there is not exactly one to take");
        reader.error(key, what, "a name that is declared");
        return None;
    };
    // A name that cannot be one is a problem of its own already.
    name.parse().ok().map(|name| vec![name])
}

fn relationships(reader: &Reader<'_>, kind: Option<FeedKind>) -> Option<Vec<(String, Option<String>)>> {
    let one = optional(reader, "relationship", |reader| reader.text("relationship"))?;
    let several = if reader.has("relationships") { reader.map("relationships")? } else { Vec::new() };
    if kind.is_some_and(|kind| kind != FeedKind::Relationship) {
        for key in ["relationship", "relationships"].into_iter().filter(|key| reader.has(key)) {
            reader.error(
                key,
                "only rows of relationships tell that",
                "`kind = \"relationship\"`, or no such key",
            );
        }
        return Some(Vec::new());
    }
    match (one, several.is_empty()) {
        (Some(word), true) => Some(vec![(word, None)]),
        (None, false) => Some(several.into_iter().map(|(word, text)| (word, Some(text))).collect()),
        (Some(_), false) => {
            reader.error("relationship", "there are `relationships`, too", "one of them");
            None
        }
        (None, true) => {
            let what = "nothing says what its people and patients have to do with each other";
            reader.reading().error(reader.key(), what, "`relationship`, or `relationships` and their column");
            None
        }
    }
}

/// How its rows name devices, where they are about these.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn devices(reader: &Reader<'_>, kind: Option<FeedKind>) -> Option<Option<DeviceSettings>> {
    let by = optional(reader, "device", |reader| reader.text_with("device", device_by));
    let classes = if reader.has("classes") { reader.map("classes") } else { Some(Vec::new()) };
    let in_use = if reader.has("in_use") { reader.texts("in_use") } else { Some(Vec::new()) };
    let (by, classes, in_use) = (by?, classes?, in_use?);
    match kind? {
        FeedKind::Device => {
            for key in ["provider", "person", "applications"].into_iter().filter(|key| reader.has(key)) {
                reader.error(key, "devices are nobody's", "no such key in a feed of devices");
            }
        }
        FeedKind::Relationship | FeedKind::Shift | FeedKind::Person | FeedKind::Patient => {
            for key in ["device", "classes", "in_use"].into_iter().filter(|key| reader.has(key)) {
                reader.error(key, "only rows about devices tell that", "`kind = \"device\"`, or no such key");
            }
            return Some(None);
        }
    }
    let Some(by) = by else {
        let what = "nothing says what of a device is compared with its names";
        reader.reading().error(&reader.key_of("device"), what, DEVICE_BY);
        return None;
    };
    let class = |(class, text): (String, String)| match class.parse() {
        Ok(class) => Some((class, text)),
        Err(error) => {
            let error: NameError = error;
            reader.error("classes", error.to_string(), "names of `[device.NAME]`");
            None
        }
    };
    let classes = collect_all(classes.into_iter().map(class))?;
    Some(Some(DeviceSettings { by, classes, in_use }))
}

fn device_by(text: &str) -> Result<DeviceBy, Mistake> {
    match text {
        "certificate" => Ok(DeviceBy::Certificate),
        "thumbprint" => Ok(DeviceBy::Thumbprint),
        "address" => Ok(DeviceBy::Address),
        header => {
            let header = header.parse::<HeaderName>().ok().filter(|it| it.as_str().starts_with("x-"));
            let what = || Mistake::new(format!("by `{text}` no device is told from another"), DEVICE_BY);
            header.map(DeviceBy::Header).ok_or_else(what)
        }
    }
}

/// What is declared of devices, and what could say it.
fn fits_devices(
    reader: &Reader<'_>,
    columns: &BTreeMap<Column, String>,
    devices: &DeviceSettings,
) -> Option<()> {
    if columns.contains_key(&Column::Class) == devices.classes.is_empty() {
        let right = "a column `class` and the table `classes`, or neither";
        reader.error("classes", "of which class a device is takes a column and our words for it", right);
        return None;
    }
    if columns.contains_key(&Column::Status) == devices.in_use.is_empty() {
        let right = "a column `status` and the texts `in_use`, or neither";
        reader.error(
            "in_use",
            "which devices are withdrawn takes a column and what stands there for the others",
            right,
        );
        return None;
    }
    Some(())
}

/// Where each thing stands: what the kind needs, under our words if nothing else is written.
fn columns(
    reader: &Reader<'_>,
    kind: FeedKind,
    written: Vec<(String, String)>,
) -> Option<BTreeMap<Column, String>> {
    let (needed, further) = Column::of(kind);
    let mut columns: BTreeMap<_, _> = needed.iter().map(|column| (*column, column.to_string())).collect();
    if kind == FeedKind::Relationship && reader.has("relationships") {
        columns.insert(Column::Relationship, Column::Relationship.to_string());
    }
    let mut is_right = true;
    for (word, name) in written {
        let known = needed.iter().chain(further).find(|column| column.as_str() == word);
        if let Some(column) = known {
            columns.insert(*column, name);
            continue;
        }
        let words: Vec<&str> = needed.iter().chain(further).map(|column| column.as_str()).collect();
        let what = format!("`{word}` is nothing that rows about a {kind} tell");
        reader.error("columns", what, format!("some of {}", words.join(", ")));
        is_right = false;
    }
    is_right.then_some(columns)
}

/// What is declared, and what could say it.
fn fits(
    reader: &Reader<'_>,
    kind: FeedKind,
    columns: &BTreeMap<Column, String>,
    relationships: &[(String, Option<String>)],
    flags: &[(String, String)],
) -> Option<()> {
    let by_column = relationships.iter().any(|(_, text)| text.is_some());
    if columns.contains_key(&Column::Relationship) && !by_column && kind == FeedKind::Relationship {
        let what = "nobody has said what stands in the column `relationship`";
        reader.error("columns", what, "`relationships`, or no such column");
        return None;
    }
    if columns.contains_key(&Column::Flags) == flags.is_empty() {
        let right = "a column `flags` and the table `flags`, or neither, in a feed about patients";
        reader.error("flags", "what is marked of a patient takes a column and our words for it", right);
        return None;
    }
    let told = columns.keys().filter(|column| **column != Column::AsOf);
    if matches!(kind, FeedKind::Person | FeedKind::Patient | FeedKind::Device) && told.count() < 2 {
        let right = "further `columns`, such as `department`";
        reader.reading().error(reader.key(), "its rows tell nothing but a name", right);
        return None;
    }
    Some(())
}

/// What `read` makes of a key that may be absent.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
pub(super) fn optional<'r, T>(
    reader: &Reader<'r>,
    name: &str,
    read: impl FnOnce(&Reader<'r>) -> Option<T>,
) -> Option<Option<T>> {
    if reader.has(name) { read(reader).map(Some) } else { Some(None) }
}

const DEVICE_BY: &str =
    "`certificate`, `thumbprint`, `address`, or a header of the proxy's own such as `x-asset`";
/// A file of many megabytes takes its time.
const ANSWERED_WITHIN: Duration = Duration::from_secs(60);
