//! Whose browser this is, and for how long: server-side sessions behind one opaque cookie.
//!
//! Memory is the truth for reading; what must survive a crash is in the store before it is
//! answered. A [`Session`] never changes: a change puts another one in its place, under the same
//! id and a higher version, and the old one knows that it is replaced. So a worker may keep what
//! it has seen in a [`SessionDesk`] of its own and ask nobody, and still an ended session is gone
//! at once everywhere.
//!
//! Whoever is away for a while finds their session locked ([`Locked`]), and whoever is away for long finds none.
//!
//! A program that comes with an access token has a session too, so that all that asks about people asks about it alike:
//! in memory only, under the token's digest, as long as the token ([`Program`]).

mod bond;
mod change;
mod desk;
pub mod device_key;
mod ended;
mod ending;
mod finding;
mod full;
mod id_token;
mod listing;
mod locked;
mod lookup;
mod nodes;
mod program;
#[expect(clippy::module_inception, reason = "a file per idea, and the idea is the session")]
mod session;
mod sessions;
pub mod settings;
mod standing;
mod store;
mod table;
mod token;
mod upkeep;
mod usual;
mod weaken;

#[cfg(test)]
mod tests;

pub use bond::{Bond, Shows};
pub use desk::SessionDesk;
pub use ended::PROGRAM_MIGRATIONS;
pub use locked::Locked;
pub use nodes::{PROGRAM_PART, SEEN_PART, SESSION_PART};
pub use program::{NewProgram, Program};
pub use session::{NewSession, Renewal, Session, SessionSummary};
pub use sessions::{SessionError, SessionLimits, Sessions};
pub use standing::{Ends, Found};
pub use store::MIGRATIONS;
pub use token::{SESSION_COOKIE, SessionToken};
