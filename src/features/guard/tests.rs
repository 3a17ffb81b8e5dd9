//! The guard against what would get around it.
