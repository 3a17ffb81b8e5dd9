//! A configuration whose texts were kept: what was in force, as it was written then.

use std::path::Path;

use super::load::{Loaded, Surroundings, load_in};
use super::problem::Problems;
use super::stand_in::StandIn;
use crate::domain::rulebook::Rulebook;
use crate::foundation::clock::{Clock as _, SystemClock};

/// Loads the texts of a rulebook, to look at what they say: secrets and certificates need not be there. None where there is no text.
pub fn load_kept(book: &Rulebook) -> Option<Result<Loaded, Problems>> {
    let main = book.texts.first()?;
    let made_up = |name: &str| Some(StandIn::text(name.as_bytes()));
    let surroundings = Surroundings {
        now: SystemClock.now(),
        variable: &made_up,
        instead: None,
        stand_in: StandIn::make(),
        kept: Some(book),
    };
    Some(load_in(Path::new(&main.path), &surroundings))
}
