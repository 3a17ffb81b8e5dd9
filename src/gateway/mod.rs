//! DATA PLANE: the policy enforcement point (PEP). Start reading at `handle.rs`.

pub mod normalize;
pub mod pages;
pub mod settings;
pub mod metrics;
