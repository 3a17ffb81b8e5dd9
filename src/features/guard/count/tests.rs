//! The scanners against their oracles.
