//! Exports of applications that are not there, such as write into one file, and too many of them.

use super::names::instead;
use crate::config::reading::Reading;
use crate::config::settle::Draft;
use crate::features::export::settings::Target;

pub(super) fn check(reading: &Reading<'_>, draft: &Draft) {
    for (position, export) in draft.exports.iter().enumerate() {
        if position >= EXPORTS_MAX {
            let what = format!("there are {EXPORTS_MAX} exports before it");
            reading.error(
                &export.key,
                what,
                format!("at most {EXPORTS_MAX} exports: each reads the journal"),
            );
        }
        let applications = || draft.application_names.iter().map(|name| name.it.as_str());
        let wanted = &export.it.selection.applications;
        for name in wanted.iter().filter(|name| !applications().any(|it| it == name.as_str())) {
            let what = format!("no application is called `{name}`");
            let key = format!("{}.applications", export.key);
            reading.error(&key, what, instead(name.as_str(), applications()));
        }
        let mut before = draft.exports.iter().take(position);
        let Target::File(file) = &export.it.target else { continue };
        let same =
            before.find(|other| matches!(&other.it.target, Target::File(other) if other.path == file.path));
        if let Some(other) = same {
            let what = format!("`{}` writes into the same file", other.it.name);
            reading.error(&format!("{}.to", export.key), what, "a file of its own");
        }
    }
}

const EXPORTS_MAX: usize = 16;
