//! What an application's pages and the browser around them have to do with us: which other origins may read our
//! refusals (CORS), the script that signs in beside a page, and how the application itself is signed out.
//!
//! Pure: it says what is to be told and when; the gateway tells it. It opens no door: whatever a page sends
//! afterwards is decided as any other request.

pub mod cors;
pub mod script;
pub mod settings;
pub mod sign_out;
