//! The gateway as it is run, on real sockets, between the clinic's provider and an application that
//! tells what reached it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod application;
mod bodies;
mod down;
mod events;
mod house;
mod line;
mod reload;
mod sessions;
mod stop;
mod trust;
