//! Risks: what each is told by, where it counts, and what clears it.

use super::machine::any_network;
use super::role::route_pattern;
use crate::config::reader::Reader;
use crate::domain::application::NameError;
use crate::domain::assurance::{AssuranceClass, AssuranceNeed};
use crate::domain::risk::{Sign, Then};
use crate::features::policy::settings::RaiseSettings;
use crate::features::risk::settings::{RiskSettings, When};

/// A risk: for whoever looks for it, and for the policy.
#[derive(Debug)]
pub(in crate::config) struct RiskDraft {
    pub(in crate::config) risk: RiskSettings,
    pub(in crate::config) raise: RaiseSettings,
}

/// Reads `[risk.NAME]`.
pub(in crate::config) fn risk(name: &str, reader: &Reader<'_>) -> Option<RiskDraft> {
    let name = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `new-device`");
    });
    let when = when(reader);
    let need = need(reader);
    let applications = list(reader, "applications");
    let actions = list(reader, "actions");
    let routes = if reader.has("routes") { reader.list_with("routes", route_pattern) } else { Some(vec![]) };
    let unless_device = list(reader, "unless_device");
    let (name, when, need): (crate::domain::risk::RiskName, _, _) = (name.ok()?, when?, need?);
    let raise = RaiseSettings {
        name: name.clone(),
        sign: when.sign(),
        applications: applications?,
        actions: actions?,
        routes: routes?,
        need: need.clone(),
    };
    Some(RiskDraft { risk: RiskSettings { name, when, need, unless_device: unless_device? }, raise })
}

fn when(reader: &Reader<'_>) -> Option<When> {
    let sign: Option<Sign> = reader.parsed("when");
    let networks = reader.list_with("networks", any_network);
    let hours = reader.parsed("hours");
    let (more_than, within, lasts) =
        (reader.whole("more_than"), reader.duration("within"), reader.duration("lasts"));
    let level = reader.parsed("level");
    let sign = sign?;
    for (key, of) in OF_SIGN {
        let is_its = of == sign || (key == "lasts" && sign == Sign::Detection);
        if !is_its && reader.has(key) {
            let what = format!("`{key}` is a matter of `{of}`, and this is told by `{sign}`");
            reader.error(key, what, format!("`when = \"{of}\"`, or no `{key}`"));
        }
    }
    Some(match sign {
        Sign::NewDevice => When::NewDevice,
        Sign::NewNetwork => When::NewNetwork { usual: networks? },
        Sign::UnusualHour if reader.has("hours") => When::UnusualHour { usual: Some(hours?) },
        Sign::UnusualHour => When::UnusualHour { usual: None },
        Sign::Denials => {
            When::Denials { more_than: u8::try_from(more_than?).ok()?, within: within?, lasts: lasts? }
        }
        Sign::Told => When::Told { level: level? },
        Sign::Detection => When::Detection { lasts: lasts? },
    })
}

/// What clears it; none where it is only noted.
#[expect(clippy::option_option, reason = "whether it could be settled, and what it is")]
fn need(reader: &Reader<'_>) -> Option<Option<AssuranceNeed>> {
    let then: Option<Then> = reader.parsed("then");
    let class: Option<AssuranceClass> = reader.parsed("assurance");
    let fresh = reader.duration("fresh");
    match then? {
        Then::StepUp if !reader.has("assurance") => {
            let what = "nothing is said that would clear it";
            reader.error("then", what, "`assurance` beside it, such as `\"mfa\"`, or `then = \"note\"`");
            None
        }
        Then::StepUp => Some(Some(AssuranceNeed { class: class?, fresh: Some(fresh?) })),
        Then::Note => {
            for key in ["assurance", "fresh"].into_iter().filter(|key| reader.has(key)) {
                reader.error(
                    key,
                    "nothing is asked where it is only noted",
                    "`then = \"step_up\"`, or no such key",
                );
            }
            Some(None)
        }
    }
}

fn list<T>(reader: &Reader<'_>, name: &str) -> Option<Vec<T>>
where
    T: std::str::FromStr<Err: std::fmt::Display>,
{
    if reader.has(name) { reader.list(name) } else { Some(Vec::new()) }
}

/// Keys that only one sign has.
const OF_SIGN: [(&str, Sign); 6] = [
    ("networks", Sign::NewNetwork),
    ("hours", Sign::UnusualHour),
    ("more_than", Sign::Denials),
    ("within", Sign::Denials),
    ("lasts", Sign::Denials),
    ("level", Sign::Told),
];
