//! Reads `[shadow]`: the rules that are tried.

use super::files;
use super::keys::SHADOW_PART;
use super::reader::Reader;
use super::settle::role;
use crate::features::policy::settings::ShadowSettings;

/// What is tried in place of what is in force; `None` where nothing is. `only_provider` is whose groups are meant where nothing
/// is written.
pub(super) fn shadow(main: &Reader<'_>, only_provider: Option<&str>) -> Option<ShadowSettings> {
    let reader = main.optional_table("shadow")?;
    let reading = main.reading();
    let policies = files::policies(reading, &reader);
    let mut tried = Vec::new();
    let sources = files::included(reading, &reader);
    for source in &sources {
        let (table, _) = files::parse(reading, source);
        let part = Reader::open(reading, source, &SHADOW_PART, KEY.to_owned(), Some(table.get_ref()), 0);
        for (name, table) in part.named("role") {
            tried.extend(role::role(&name, &table, only_provider).map(|draft| draft.settings));
        }
    }
    let policies = Some(policies).filter(|files| !files.is_empty());
    Some(ShadowSettings { roles: (!sources.is_empty()).then_some(tried), policies })
}

/// Below this key stands what is tried, so that nobody takes it for what is in force.
const KEY: &str = "shadow";
