//! What a route hands out and needs, in words.

use super::settings::{PatientSource, RouteGiven};

impl RouteGiven {
    /// A line for each thing that it needs, hands out, or has to do with the patient of a session.
    pub fn told(&self) -> Vec<String> {
        let context = match self.patient {
            PatientSource::Session => {
                Some("it is about the patient whose record is open in the session".to_owned())
            }
            PatientSource::Path | PatientSource::At(_) => self
                .sets_patient
                .then(|| "it opens the record of the patient for those that follow".to_owned()),
        };
        let needs = self.needs.iter().map(|need| {
            format!("`{}` has to be a `{}` that was given to whoever asks", need.at.name(), need.name)
        });
        let mut given: Vec<String> =
            self.gives.iter().map(|give| format!("its reply gives a `{}`", give.name)).collect();
        given.dedup();
        context.into_iter().chain(needs).chain(given).collect()
    }
}
