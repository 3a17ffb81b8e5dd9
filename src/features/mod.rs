//! One feature, one folder; features never import features. In the order of a request:

// What is asked.
pub mod route;
// Who asks.
pub mod authn;
pub mod client;
pub mod directory;
pub mod facts;
pub mod session;
pub mod signals;
// May they, and what is asked of them besides.
pub mod policy;
pub mod risk;
// What opens in an emergency.
pub mod break_glass;
// What passes.
pub mod given;
pub mod guard;
pub mod rewrite;
pub mod upstream;
// What stands beside it in the browser.
pub mod browser;
// What could not pass yet.
pub mod hold;
// What is kept.
pub mod audit;
// What is told of it elsewhere.
pub mod export;
// What somebody should look at.
pub mod detect;
// What officers and patients are told of it.
pub mod report;
// What auditors are handed.
pub mod evidence;
