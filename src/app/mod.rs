//! Puts the house together: wiring, reload, shutdown.
//!
//! Decides nothing about a request. [`wiring`] is the one place where features meet.

pub mod administer;
pub mod archive;
mod breaks;
pub mod control_client;
pub mod control_plane;
pub mod detections;
mod disks;
mod exports;
pub mod feeds;
pub mod heartbeat;
pub mod held;
pub mod indexes;
mod nodes;
mod providers;
pub mod reload;
pub mod resolve;
mod retention;
pub mod rotation;
pub mod running;
pub mod signals;
pub mod sockets;
pub mod store;
pub mod summary;
pub mod wiring;
pub mod witness;
pub mod workers;
