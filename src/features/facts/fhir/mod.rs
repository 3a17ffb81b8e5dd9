//! A search of FHIR (R4, R5) as a feed: `CareTeam`, `Encounter` and `Patient` say who cares for whom, `Schedule` and `Slot` who is at
//! work, `PractitionerRole` where somebody works, `Encounter` where a patient is.
//!
//! All pages are one whole: one that is missing, one that leads elsewhere, a resource that cannot be read and a search that says
//! that more was found leave in force what was known before. What was not found is gone: nobody asks what has changed since, since
//! that never tells what was deleted. Whom nobody can name by the declared identifier is left out, and counted.
//!
//! Whether something counts (`status`, `active`, periods) is looked at here, too: a server may pass over what it was asked.

pub mod settings;

mod directory;
mod gathering;
mod pages;
mod period;
mod resource;
mod said;

pub(super) use gathering::Gathering;
pub(super) use pages::{PAGE_BYTES_MAX, read};
