//! What whoever brings a token that is bound has to hold, so that a copy of it is good for nothing.

use std::sync::Arc;

/// What whoever brings a token has to hold.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Holder {
    /// The key of this thumbprint (RFC 7638), to be proven with each request (RFC 9449).
    Key(Arc<str>),
    /// The certificate of this thumbprint, shown on the connection (RFC 8705 section 3).
    Certificate(Arc<str>),
}
