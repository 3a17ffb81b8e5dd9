//! The files: as written → as settled, or every problem at once.
//!
//! [`load()`] reads the main file and all that it names, and answers with settings in which nothing is
//! left to check, or with every problem of every file. Never half a configuration.
//!
//! `keys` is the one list of what may be written; the reader, the published JSON schema and
//! `config/README.md` are all made from it. Problems never quote a secret, nor a line that may hold one.

mod at_start;
mod certificate;
mod check;
mod files;
mod kept;
mod keys;
mod load;
mod locations;
mod paths;
mod problem;
mod publish;
mod reader;
mod reading;
mod secrets;
mod settle;
mod shadow;
mod source;
mod spelling;
mod stand_in;
mod units;

pub mod settings;

pub use at_start::needs_restart;
pub use kept::load_kept;
pub use load::{
    Instead, Loaded, Surroundings, control_of, journal_of, load, load_in, load_instead, load_to_look_at,
    look_through,
};
pub use locations::{Locations, Place, SecretPlace};
pub use problem::{Problem, Problems, Severity};
pub use publish::{json_schema, reference};
pub use secrets::without_line_end;
pub use stand_in::StandIn;

#[cfg(test)]
mod tests;
