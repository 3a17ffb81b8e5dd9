//! The files: as written → as settled, or every problem at once.

pub mod settings;
