//! Whether a program that is known may come to where it comes.

use std::net::IpAddr;
use std::sync::Arc;

use crate::domain::application::ApplicationName;
use crate::domain::reason::Reason;
use crate::features::client::bounds::{Outside, Visit};
use crate::features::client::settings::ClientSettings;
use crate::features::session::Session;
use crate::foundation::clock::Timestamp;
use crate::gateway::rules::Rules;
use crate::gateway::sought::Part;

/// Why a program may not come where it comes, whatever the policy says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Strayed {
    /// It is not declared any more.
    #[error("the program is not declared any more, or otherwise")]
    Undeclared,
    /// It is outside its bounds.
    #[error(transparent)]
    Outside(#[from] Outside),
}

impl Strayed {
    /// Why, in the words of events and replies.
    pub const fn reason(self) -> Reason {
        match self {
            Self::Undeclared => Reason::ClientUnknown,
            Self::Outside(_) => Reason::ClientOutOfBounds,
        }
    }
}

/// The program whose session this is, if it is declared as it was when its token was verified.
pub(super) fn declared<'r>(rules: &'r Rules, session: &Session) -> Option<&'r Arc<ClientSettings>> {
    let program = session.program.as_ref()?;
    let client = rules.clients.named(&program.client)?;
    let is_it = client.provider == session.provider
        && client.client_id == program.client_id
        && client.subject == session.subject.sub
        && client.proof.lasts().is_some() == program.token.is_some()
        && client.proof.takes(&program.audiences);
    is_it.then_some(client)
}

/// Why the session's program may not come to these parts of an application, from there, then. People have no such bounds.
pub fn strayed<'p>(
    rules: &Rules,
    session: &Session,
    application: &ApplicationName,
    parts: impl IntoIterator<Item = &'p Part>,
    (client_ip, now): (IpAddr, Timestamp),
) -> Option<Strayed> {
    session.program.as_ref()?;
    let Some(client) = declared(rules, session) else { return Some(Strayed::Undeclared) };
    let zone = rules.policy.zone();
    let outside = |part: &Part| {
        let route = part.route.as_ref().map(|route| &route.name);
        client.outside(&Visit { application, route, client_ip, now, zone })
    };
    parts.into_iter().find_map(outside).map(Strayed::Outside)
}
