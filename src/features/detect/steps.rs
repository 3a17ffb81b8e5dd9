//! Patients who are asked for by numbers that follow one another. A number is kept until the next one, in memory only; what leaves
//! is how many there were.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use crate::domain::application::ApplicationName;
use crate::domain::patient::{PatientRef, STEPS_MIN};
use crate::domain::phi::Phi;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;

/// What each person last asked for, at each application.
#[derive(Debug, Default)]
pub struct Steps(Mutex<HashMap<(SubjectId, ApplicationName), Run>>);

/// Numbers at equal steps.
#[derive(Debug)]
struct Run {
    last: Phi<i64>,
    /// None as long as there was but one.
    step: Option<Phi<i64>>,
    patients: u32,
    at: Timestamp,
}

impl Steps {
    /// Somebody asks for a patient. How many they have asked for at equal steps, from [`STEPS_MIN`] on; a patient who is asked for
    /// again is no step.
    pub fn follow(&self, person: &SubjectId, patient: &PatientRef, now: Timestamp) -> Option<u32> {
        let number = number(patient.id().reveal())?;
        let mut runs = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (person.clone(), patient.application().clone());
        let begun = Run { last: Phi::new(number), step: None, patients: 1, at: now };
        let Some(run) = runs.get_mut(&key) else {
            make_room(&mut runs, now);
            runs.insert(key, begun);
            return None;
        };
        if now.since(run.at) >= FORGOTTEN_AFTER {
            *run = begun;
            return None;
        }
        run.at = now;
        let step = number.checked_sub(*run.last.reveal())?;
        if step == 0 {
            return None;
        }
        let goes_on = run.step.as_ref().is_some_and(|known| *known.reveal() == step);
        run.patients = if goes_on { run.patients.saturating_add(1) } else { 2 };
        (run.last, run.step) = (Phi::new(number), Some(Phi::new(step)));
        Some(run.patients).filter(|patients| *patients >= STEPS_MIN)
    }
}

/// The number at the end of an identifier, if it ends in one that is a number to us.
fn number(id: &str) -> Option<i64> {
    let digits = id.len() - id.trim_end_matches(|letter: char| letter.is_ascii_digit()).len();
    let (_, number) = id.split_at_checked(id.len() - digits.min(DIGITS_MAX))?;
    number.parse().ok()
}

fn make_room(runs: &mut HashMap<(SubjectId, ApplicationName), Run>, now: Timestamp) {
    if runs.len() < RUNS_MAX {
        return;
    }
    runs.retain(|_, run| now.since(run.at) < FORGOTTEN_AFTER);
    if runs.len() >= RUNS_MAX {
        // More people at once than a house has: whoever goes on is counted anew.
        runs.clear();
    }
}

const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);
/// People and applications at once: of 200 bytes each.
const RUNS_MAX: usize = 20_000;
/// As many digits as fit.
const DIGITS_MAX: usize = 18;
