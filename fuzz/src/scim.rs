//! What a provider says by SCIM: a filter holds or its contrary does, and what a PATCH leaves of a user is what could
//! have been sent whole.

/// Reads the bytes as a filter and as the body of a PATCH.
pub fn check(bytes: &[u8]) {
    leastway::features::directory::scim::try_out(bytes);
}
