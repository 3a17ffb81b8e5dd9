//! Cross-origin requests by script, where an application declares whose: their preflights, which no session comes with,
//! and what their pages may read of our refusals. See `features/browser/cors.rs`.

use bytes::Bytes;
use http::header::ORIGIN;
use http::request::Parts;
use http::uri::PathAndQuery;
use http::{HeaderMap, Response, StatusCode};

use super::handle::Moment;
use super::manner::Manner;
use super::normalize::{self, Normalized};
use super::reply::own_head;
use super::sought::Part;
use crate::features::browser::cors::is_preflight;
use crate::features::browser::settings::CorsSettings;
use crate::features::route::settings::Access;

/// The answer to a preflight of a declared origin. None where it is none, or where a route for everybody takes it on
/// to the application.
pub fn preflight(
    moment: &Moment,
    normalized: &Normalized,
    parts: &Parts,
    part: Option<&Part>,
) -> Option<Response<Bytes>> {
    if !is_preflight(&parts.method, &parts.headers) {
        return None;
    }
    let settings = of(moment, normalized.application.index)?;
    let origin = parts.headers.get(ORIGIN).filter(|origin| settings.allows(origin))?;
    let route = part.and_then(|part| part.route.as_ref());
    if route.is_some_and(|route| route.access == Access::Public) {
        return None;
    }
    let mut reply = own_head(StatusCode::NO_CONTENT, None, moment.event);
    settings.answer(origin, reply.headers_mut());
    Some(reply.map(|()| Bytes::new()))
}

/// Lets the page that asks read a refusal, if its origin is declared by the application that it is about.
pub fn tell(moment: &Moment, manner: &Manner, reply: &mut HeaderMap) {
    let Ok(target) = manner.target().parse::<PathAndQuery>() else { return };
    let host = manner.authority().split(':').next().unwrap_or_default().to_ascii_lowercase();
    let located = normalize::locate(&moment.current.rules.routes, &host, &target);
    if let Some(settings) = located.ok().and_then(|(application, _)| of(moment, application.index)) {
        settings.tell(manner.origin(), reply);
    }
}

fn of(moment: &Moment, application: usize) -> Option<&CorsSettings> {
    moment.current.rules.browsers.get(application)?.cors.as_ref()
}
