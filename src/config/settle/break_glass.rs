//! How the glass is broken.

use std::sync::Arc;
use std::time::Duration;

use super::Draft;
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::application::Category;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::break_glass::{BreakReason, BreakText};
use crate::features::break_glass::settings::BreakGlassSettings;
use crate::features::policy::settings::EmergencySettings;

/// Reads `[break_glass]`: how it goes, and what the rules have to know of it.
pub(in crate::config) fn break_glass(reader: &Reader<'_>) -> Option<(BreakGlassSettings, EmergencySettings)> {
    let (lasts, memory) = (reader.duration("lasts"), reader.duration("memory"));
    let reasons: Option<Vec<BreakReason>> =
        if reader.has("reasons") { reader.list("reasons") } else { Some(BreakReason::ALL.to_vec()) };
    let (text, text_within) = (reader.parsed::<BreakText>("text"), reader.duration("text_within"));
    let emergency = emergency(reader);
    let discloser = if reader.has("discloser") { discloser(reader).map(Some) } else { Some(None) };
    let days = |name| reader.whole(name).and_then(|days| u8::try_from(days).ok());
    let (triage_days, close_days) = (days("triage_days"), days("close_days"));
    if let (Some(triage), Some(close)) = (triage_days, close_days)
        && triage > close
    {
        let what = "it would be settled before anybody has to look";
        reader.error("close_days", what, "as many days as `triage_days` at the least");
    }
    let settings = BreakGlassSettings {
        lasts: lasts?,
        memory: memory?,
        reasons: reasons?,
        text: text?,
        text_within: text_within?,
        discloser: discloser?,
        triage_days: triage_days?,
        close_days: close_days?,
    };
    Some((settings, emergency?))
}

fn emergency(reader: &Reader<'_>) -> Option<EmergencySettings> {
    let class: Option<AssuranceClass> = reader.parsed("assurance");
    let fresh = reader.duration("fresh");
    let closed: Option<Vec<Category>> = reader.list("closed");
    if reader.has("fresh") && !reader.has("assurance") {
        let what = "`fresh` says how recently `assurance` was proven, and none is asked for";
        reader.error("fresh", what, "`assurance` beside it, such as `\"mfa\"`");
    }
    let assurance = class.map(|class| AssuranceNeed { class, fresh: Some(fresh.unwrap_or(FRESH)) });
    Some(EmergencySettings { assurance, closed: closed? })
}

fn discloser(reader: &Reader<'_>) -> Option<Arc<str>> {
    let line = reader.text_with("discloser", |text| {
        let is_line = (1..=LINE_CHARACTERS_MAX).contains(&text.trim().chars().count());
        if is_line && !text.chars().any(char::is_control) {
            return Ok(text.trim().to_owned());
        }
        Err(Mistake::new("that is no line that people could read", "one line of at most 200 characters"))
    });
    line.map(Arc::from)
}

/// Says to roles that break the glass how they do it. What a category says of itself counts beside what `[break_glass]` says.
pub(in crate::config) fn tell(draft: &mut Draft, mut emergency: EmergencySettings) {
    let closed = draft.categories.iter().filter(|category| category.it.break_glass == Some(false));
    for name in closed.map(|category| &category.it.name) {
        if !emergency.closed.contains(name) {
            emergency.closed.push(name.clone());
        }
    }
    let tried = draft.shadow.iter_mut().flat_map(|shadow| shadow.roles.iter_mut().flatten());
    let roles = draft.roles.iter_mut().map(|role| &mut role.it.settings).chain(tried);
    for role in roles.filter(|role| role.break_glass.is_some()) {
        role.break_glass = Some(emergency.clone());
    }
}

/// How long ago an assurance may have been proven where nothing is written.
const FRESH: Duration = Duration::from_secs(15 * 60);
const LINE_CHARACTERS_MAX: usize = 200;
