//! How many files and connections this process may have open at once.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit to the hard one, and gives what then holds; `None` stands for no limit. The soft
/// limit is kept low by tradition, for programs that use `select`; we do not.
pub fn raise() -> Option<u64> {
    let Rlimit { current, maximum } = getrlimit(Resource::Nofile);
    if current == maximum {
        return current;
    }
    match setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }) {
        Ok(()) => maximum,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            current
        }
    }
}

/// How many descriptors so many connections of callers may need: one for each, another to the application,
/// and what else there is.
pub const fn needed(connections: usize) -> u64 {
    (connections as u64).saturating_mul(2).saturating_add(OTHERS)
}

const OTHERS: u64 = 256;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_soft_limit_becomes_the_hard_one() {
        let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
        let low = maximum.unwrap_or(4096).min(512);
        setrlimit(Resource::Nofile, Rlimit { current: Some(low), maximum }).unwrap();
        assert_eq!(raise(), maximum);
        assert_eq!(getrlimit(Resource::Nofile).current, maximum);
        assert_eq!(needed(10_000), 20_256);
    }
}
