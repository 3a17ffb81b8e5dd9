//! Those of our own paths by which an event tells what it is about, as its `path` holds them.

/// Where signing in begins.
pub const SIGN_IN_PATH: &str = "/.leastway/sign-in";
/// Where a stronger or fresher sign-in begins.
pub const STEP_UP_PATH: &str = "/.leastway/step-up";
/// Where a person comes back from the provider.
pub const CALLBACK_PATH: &str = "/.leastway/callback";
/// Where a session is ended; POST only.
pub const SIGN_OUT_PATH: &str = "/.leastway/sign-out";
/// Where a person ends another session of theirs; POST only.
pub const ME_END_PATH: &str = "/.leastway/me/end";
/// Where a provider says that somebody has signed out there (OpenID Connect Back-Channel Logout).
pub const BACK_CHANNEL_PATH: &str = "/.leastway/back-channel-logout";

/// What all of them begin with, and nothing of an application's.
pub const OWN_PREFIX: &str = "/.leastway/";
