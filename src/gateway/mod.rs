//! DATA PLANE: the policy enforcement point (PEP). Start reading at `handle.rs`.
//!
//! A worker is a thread with a runtime and a listener of its own; it keeps what a request needs and
//! shares none of it. **Rules** are immutable and swapped whole; **state** is kept.

pub mod access;
mod asking;
pub mod back_channel;
pub mod bells;
pub mod beside;
mod beyond;
pub mod callback;
pub mod certificate;
pub mod challenge;
pub mod chooser;
pub mod connection;
pub mod cors;
mod deciding;
pub mod device_key;
pub mod devices;
pub mod draft;
pub mod frames;
pub mod handle;
pub mod hold;
pub mod leaving;
pub mod limits;
pub mod listener;
pub mod manner;
pub mod metrics;
pub mod metronome;
pub mod minutes;
pub mod my_sessions;
pub mod normalize;
pub mod own_paths;
pub mod pages;
pub mod passage;
pub mod program;
pub mod provisioning;
pub mod proxy_header;
pub mod pulse;
pub mod refusal;
pub mod reply;
pub mod respond;
pub mod revocation;
pub mod risk;
pub mod room;
pub mod rules;
pub mod settings;
pub mod sieve;
pub mod signals;
pub mod sought;
pub mod subject;
pub mod toward;
pub mod turnstile;
pub mod unlock;
pub mod unread;
pub mod upgrade;
pub mod watched;
pub mod worker;
