//! The gateway as it is run, on real sockets, between the clinic's provider and an application that
//! tells what reached it.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that cannot go on has failed"
)]

mod alone;
mod application;
mod asking;
mod back_channel;
mod beside;
mod bodies;
mod bond;
mod break_glass;
mod bypasses;
mod certificates;
mod detections;
mod directory;
mod down;
mod ending;
mod events;
mod every;
mod expiry;
mod exports;
mod feeds;
mod frames;
mod framing;
mod graft;
mod grpc;
mod handing_on;
mod hold;
mod house;
mod journal;
mod laws;
mod limits;
mod line;
mod listed;
mod lock;
mod memory;
mod officers;
mod pace;
mod plain;
mod programs;
mod providers;
mod proxied;
mod purposes;
mod recorder;
mod redaction;
mod reload;
mod restart;
mod revoking;
mod rewriting;
mod risk;
mod rotation;
mod seals;
mod sessions;
mod signals;
mod silence;
mod socket;
mod spilling;
mod stop;
mod streaming;
mod traces;
mod trust;
mod upstream;
mod windows;
