//! The one lock that whoever writes holds until it has committed.
//!
//! Because of it two batches never wait for rows of one another (a deadlock, which PostgreSQL would end by failing
//! one), and a change with a higher number is never visible before one with a lower. A node that is stopped while it
//! holds the lock loses it with its connection, which the server closes when it has been idle for too long
//! ([`Purpose`](super::connect::Purpose)).

/// Begins a transaction that holds the lock. The number is the word `leastway` in ASCII; locks of this kind belong to
/// one database.
pub(in crate::platform::store) const BEGIN: &str = "BEGIN; SELECT pg_advisory_xact_lock(7810756277247107449)";

#[cfg(test)]
mod tests {
    #[test]
    fn the_lock_is_the_name() {
        let number = i64::from_be_bytes(*b"leastway");
        assert!(super::BEGIN.ends_with(&format!("({number})")));
    }
}
