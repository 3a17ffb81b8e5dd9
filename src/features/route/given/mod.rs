//! What a route's replies hand out, and what its requests need to have been given: an indirect object reference is
//! taken from nobody but whom it was handed to.
//!
//! This only reads: [`reply`] finds what a reply hands out, [`request`] what a request brings and which patient it
//! names. What was handed to whom is kept elsewhere (`features/given`), as digests.

pub mod link;
pub mod reply;
pub mod request;
pub mod settings;
mod tell;

#[cfg(test)]
mod tests;
