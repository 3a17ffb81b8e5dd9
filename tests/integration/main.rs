//! The gateway as it is run, on real sockets, between the clinic's provider and an application that
//! tells what reached it.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod application;
mod down;
mod events;
mod house;
mod limits;
mod line;
mod pace;
mod reload;
mod restart;
mod sessions;
mod stop;
mod trust;
