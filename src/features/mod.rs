//! One feature, one folder; features never import features. In the order of a request:

// What is asked.
pub mod route;
// Who asks.
pub mod authn;
pub mod client;
pub mod directory;
pub mod session;
// May they.
pub mod policy;
// What passes.
pub mod guard;
pub mod rewrite;
pub mod upstream;
// What could not pass yet.
pub mod hold;
// What is kept.
pub mod audit;
