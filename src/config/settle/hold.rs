//! What is kept of forms that could not be sent.

use crate::config::reader::Reader;
use crate::features::hold::settings::HoldSettings;

pub(super) fn hold(reader: &Reader<'_>) -> Option<HoldSettings> {
    let (enabled, body, lifetime) =
        (reader.yes_no("enabled"), reader.size("body"), reader.duration("lifetime"));
    Some(HoldSettings {
        enabled: enabled?,
        body_bytes: usize::try_from(body?).unwrap_or(usize::MAX),
        lifetime: lifetime?,
    })
}
