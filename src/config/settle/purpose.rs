//! Purposes: what pages call them.

use std::sync::Arc;

use crate::config::reader::Reader;
use crate::config::spelling::nearest;
use crate::domain::UnknownWord;
use crate::domain::purpose::Purpose;

/// What pages call a purpose, if operators say it.
#[derive(Debug)]
pub(in crate::config) struct PurposeDraft {
    pub(in crate::config) purpose: Purpose,
    pub(in crate::config) title: Option<Arc<str>>,
}

/// Reads `[purpose.NAME]`.
pub(in crate::config) fn purpose(name: &str, reader: &Reader<'_>) -> Option<PurposeDraft> {
    let purpose = name.parse().map_err(|error: UnknownWord| {
        let known = Purpose::ALL.iter().map(|purpose| purpose.as_str());
        let right = match nearest(name, known) {
            Some(meant) => format!("`[purpose.{meant}]`"),
            None => "a purpose such as `treatment`".to_owned(),
        };
        reader.reading().error(reader.key(), error.to_string(), right);
    });
    let title = reader.text("title");
    Some(PurposeDraft { purpose: purpose.ok()?, title: title.map(Arc::from) })
}
