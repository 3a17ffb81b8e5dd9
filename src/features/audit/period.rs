//! What the journal has signed during a period: checkpoints to hand to others.

use std::collections::BTreeMap;
use std::io;
use std::path::Path;

use super::error::ReadError;
use super::format::Head;
use super::tree::checkpoint::Signed;
use super::tree::notes::Notes;
use super::tree::resume::CHECKPOINTS;
use crate::foundation::clock::Timestamp;

/// The checkpoints of a period, as the journal has them: signed notes, of which none was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Noted {
    /// The first of the period.
    pub first: Option<String>,
    /// The last of each day, in UTC.
    pub days: Vec<String>,
    /// The newest of what was read, be it of the period or not.
    pub newest: Option<String>,
}

/// What was signed from `since` on and before `until`, of no more than the entries up to `through`.
pub fn checkpoints(
    directory: &Path,
    (since, until): (Timestamp, Timestamp),
    through: Option<Head>,
) -> Result<Noted, ReadError> {
    let path = directory.join(CHECKPOINTS);
    gather(&path, (since, until), through).map_err(|error| ReadError::disk(&path, error))
}

fn gather(path: &Path, (since, until): (Timestamp, Timestamp), through: Option<Head>) -> io::Result<Noted> {
    let mut all = Notes::open(path)?;
    let (mut noted, mut days) = (Noted::default(), BTreeMap::new());
    while let Some(note) = all.next()? {
        // What cannot be read is for the verification to tell.
        let Ok(signed) = note.parse::<Signed>() else { continue };
        if through.is_some_and(|through| signed.checkpoint.size > through.sequence) {
            break;
        }
        if let Some(time) = signed.checkpoint.time.filter(|time| *time >= since && *time < until) {
            noted.first.get_or_insert_with(|| note.clone());
            let day = time.as_seconds().div_euclid(SECONDS_OF_A_DAY);
            if days.len() < DAYS_MAX || days.contains_key(&day) {
                days.insert(day, note.clone());
            }
        }
        noted.newest = Some(note);
    }
    noted.days = days.into_values().collect();
    Ok(noted)
}

const SECONDS_OF_A_DAY: i64 = 24 * 60 * 60;
/// More than thirty years.
const DAYS_MAX: usize = 11_000;
