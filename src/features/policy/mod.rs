//! Decides whether an identity may do what it asks for: the policy decision point (PDP).
//!
//! Pure: no I/O and no clock of its own. Whatever is neither a permit nor a challenge is a deny; so is
//! a rule that forbids and cannot be evaluated, or that depends on what nobody has told us.
//!
//! One engine, Cedar, decides all of it. Each `may` of a role is one Cedar rule (`wording`), Cedar files
//! add to them, and all are validated against one schema (`schema`, `bundle`, `check`). Each route has
//! its slice of the rules (`slice`), asked about what is known of the person (`world`, `condition`).
//! An answer that is no is asked again with the person stepped up, justified, elsewhere or in another
//! role (`ladder`): the cheapest step that turns it is the challenge, or the way on that the denial
//! offers. In an emergency, the rules of roles that break the glass go on without a relationship (`emergency`). What the law of a kind of data forbids is a rule of its own beside them (`law`). Answers are remembered for as long as nothing that they depend on changes (`memory`). Last, a risk that stands
//! may make a step-up of a yes (`raise`).
//!
//! Rules can be tried before they count: in the `shadow` of those in force, on what was recorded (`replay`), or by what
//! changes with them in words (`diff`). What they can never permit is proven (`prove`).
//!
//! Start at [`decide`].

#![expect(clippy::similar_names, reason = "a rule and a role are two words of the house")]

pub mod bundle;
pub mod cases;
pub mod catalog;
pub mod decide;
pub mod diff;
pub mod explain;
pub mod memory;
pub mod person;
pub mod problem;
pub mod prove;
pub mod replay;
pub mod settings;
pub mod shadow;
pub mod stated;
pub mod tighten;

pub use bundle::Rules;
pub use memory::Memory;

mod check;
mod condition;
mod draft;
mod emergency;
mod ladder;
mod law;
mod lawful;
mod proof_age;
mod raise;
mod reads;
mod reasons;
mod rule;
mod schema;
mod slice;
mod statement;
#[cfg(test)]
mod tests;
mod told;
mod validity;
mod withhold;
mod wording;
mod world;
