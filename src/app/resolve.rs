//! Which route a method and a URL lead to, found as for a request: by the same reading and the same table.

use http::header::CONTENT_TYPE;
use http::uri::PathAndQuery;
use http::{HeaderMap, HeaderValue, Method};

use crate::domain::patient::PatientRef;
use crate::features::policy::person::ResolvedRoute;
use crate::features::route::ask::Asking;
use crate::features::route::given::request::NamedPatient;
use crate::features::route::recognize::{Matched, Recognized};
use crate::features::route::table::Application;
use crate::features::route::view::RequestView;
use crate::gateway::normalize::host::Authority;
use crate::gateway::normalize::locate;
use crate::gateway::normalize::query::Query;
use crate::gateway::rules::Rules;

/// The route of `method` and `url`, with the fields of a posted form as `NAME=VALUE`; or why there is none.
pub fn resolve(rules: &Rules, method: &Method, url: &str, form: &[String]) -> Result<ResolvedRoute, String> {
    let (authority, target) = split(url)?;
    let authority = Authority::parse(authority).map_err(|fault| fault.to_string())?;
    let (application, path) =
        locate(&rules.routes, &authority.host, &target).map_err(|fault| fault.to_string())?;
    let query = Query::read(&target).map_err(|fault| fault.to_string())?;
    let (headers, body) = posted(form);
    let view = RequestView { path: path.view(), method, query: query.fields(), headers: &headers };
    let (recognized, _) =
        rules.routes.recognize_whole(application, &view, body.as_bytes(), rules.body_limits());
    match recognized {
        Recognized::Route(matched) => {
            let (quirks, captures) = (application.quirks, &*matched.route.captures);
            let asking = Asking { target: &target, view: &view, bytes: body.as_bytes(), quirks, captures };
            Ok(ResolvedRoute {
                application: application.name.clone(),
                route: matched.route.index,
                patient: patient(rules, application, &matched, &asking)?,
            })
        }
        Recognized::NoRoute | Recognized::Unmatched => {
            Err(format!("no route of `{}` matches", application.name))
        }
        Recognized::NeedsBody(_) => {
            Err("the body tells the routes apart; name its fields with --form".to_owned())
        }
        Recognized::BodyUnreadable(fault) => Err(format!("{fault}; name the fields of a form with --form")),
        Recognized::Mixed => Err("it calls several things that are not the same route".to_owned()),
        Recognized::Ambiguous => Err("several routes match, and none is the most specific".to_owned()),
        Recognized::MethodOverride => Err("a parameter overrides the method".to_owned()),
    }
}

/// The patient whom a request names, in its path or where its route says.
fn patient(
    rules: &Rules,
    application: &Application,
    matched: &Matched<'_>,
    asking: &Asking<'_>,
) -> Result<Option<PatientRef>, String> {
    let Some(given) = &matched.route.given else { return Ok(matched.patient.clone()) };
    match given.read(asking, rules.body_limits()).map_err(|fault| fault.to_string())?.patient {
        NamedPatient::Nobody => Ok(matched.patient.clone()),
        NamedPatient::One(id) => Ok(Some(PatientRef::new(application.name.clone(), id))),
        NamedPatient::Unclear => Err("the patient is named in two ways".to_owned()),
    }
}

fn split(url: &str) -> Result<(&str, PathAndQuery), String> {
    let looks_like = || format!("a URL looks like `https://ehr.clinic.example/patients/7`, not `{url}`");
    let rest = url.strip_prefix("https://").ok_or_else(looks_like)?;
    let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
    let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
    path.parse().map(|target| (authority, target)).map_err(|_| looks_like())
}

fn posted(form: &[String]) -> (HeaderMap, String) {
    let mut headers = HeaderMap::new();
    if form.is_empty() {
        return (headers, String::new());
    }
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-www-form-urlencoded"));
    let fields = form.iter().map(|field| field.split_once('=').unwrap_or((field, "")));
    (headers, url::form_urlencoded::Serializer::new(String::new()).extend_pairs(fields).finish())
}
