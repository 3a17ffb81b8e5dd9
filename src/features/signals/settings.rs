//! What a provider signals to us, settled.

use std::sync::Arc;
use std::time::Duration;

use crate::domain::application::ProviderName;
use crate::foundation::secret::Secret;

/// The signals that a provider, or somebody in its place, sends of its people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignalSettings {
    /// Whose people they are about.
    pub provider: ProviderName,
    /// That provider's issuer URL: of whom `sub` and `sid` are.
    pub people: Arc<str>,
    /// The transmitter's issuer URL, exactly as it stands in its metadata and tokens. Default: the provider's.
    pub issuer: String,
    /// What the transmitter calls us: `aud` has to name one of them.
    pub audience: Vec<String>,
    /// Where its keys are; none: as its metadata say.
    pub jwks_uri: Option<String>,
    /// What it brings to be believed, at least 32 characters; none: it pushes nothing.
    pub token: Option<Secret>,
    /// How it is asked; none: it is not.
    pub poll: Option<PollSettings>,
    /// What we bring to it.
    pub transmitter_token: Option<Secret>,
    /// What it calls our stream, so that we can ask whether it is there; none: that is not asked.
    pub stream: Option<String>,
    /// The attribute of a person, by our word, that a subject by e-mail is compared with; none: such a subject is nobody.
    pub email: Option<String>,
    /// Certificates, in PEM, of the authorities that vouch for it; `None`: the system's.
    pub authorities: Option<Arc<[u8]>>,
    /// How far its clock may be from ours.
    pub clock_skew: Duration,
    /// How long one request to it may take, beyond what it may make us wait for signals.
    pub timeout: Duration,
    /// Where the provider's host is reached if that is not its address: `host:port`.
    pub connect_to: Option<String>,
}

/// How a transmitter is asked for signals (RFC 8936).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PollSettings {
    /// Where.
    pub endpoint: String,
    /// How soon again where nothing came, at the earliest. Default 10 s, 1 s to 15 min.
    pub every: Duration,
    /// Whether it may make us wait until there is something. Default: yes.
    pub is_long: bool,
}
