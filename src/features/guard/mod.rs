//! What may pass in each direction: counting and limits, the minimum necessary (45 CFR 164.502(b)).

pub mod settings;
