//! Whose a session was that is over: what they had typed is kept for them and for nobody else.

use super::sessions::Sessions;
use super::token::SessionToken;
use crate::domain::subject::SubjectId;

impl Sessions {
    /// Whose session the cookie `token` stood for on `host`, if that is over and not yet forgotten. It says nothing
    /// of who asks now: nobody may be shown anything for it.
    pub fn whose(&self, token: &str, host: &str) -> Option<SubjectId> {
        let session = self.table.find(&SessionToken::digest_of(token)?)?;
        (!session.is_live() && *session.host == *host).then(|| session.subject.id())
    }
}
