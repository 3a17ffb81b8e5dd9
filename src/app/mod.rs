//! Puts the house together: wiring, reload, shutdown.
