//! CONTROL PLANE: health, metrics and what operators may see, on a listener of its own.

pub mod settings;
