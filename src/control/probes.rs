//! Health and readiness.

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::state::ControlState;
use crate::features::audit::archive::ArchiveNow;
use crate::features::audit::space::DiskNow;
use crate::features::export::ExportNow;

/// The process lives.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// Whether requests can be served: the journal can be written, or the settings let some go on without; it is known what other nodes have changed, and nobody has
/// asked to stop. A provider
/// that cannot be used, a store that takes no writes and an export whose receiver takes nothing are told, but do not make the
/// gateway unready: whoever is signed in works on, and events wait in the journal.
pub async fn readyz(State(state): State<ControlState>) -> Response {
    let present = (state.present)();
    let (journal, draining) = (state.journal.is_writable(), *state.draining.borrow());
    let ready = (journal || state.journal.lets_through()) && present.is_in_touch && !draining;
    let status = if ready { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let head = state.journal.head().sequence;
    let witnesses: Vec<_> = state.journal.witnesses().iter().map(|witness| witness.now()).collect();
    let witnesses: Vec<_> = witnesses
        .iter()
        .map(|now| {
            json!({
                "name": now.name,
                "behind": head.saturating_sub(now.size),
                "told": now.told,
                "fault": now.fault.as_ref().map(ToString::to_string),
            })
        })
        .collect();
    let disks: Vec<_> = state.journal.disks().iter().map(disk).collect();
    let counters = state.journal.counters();
    let body = json!({
        "ready": ready,
        "journal_writable": journal,
        "journal_goes_to": state.journal.standing().name(),
        "journal_spooled": counters.spooled,
        "journal_gap_requests": counters.gap_requests,
        "disks": disks,
        "journal_unsigned": counters.unsigned,
        "witnesses": witnesses,
        "archive": state.journal.archive().map(|it| archive(&it.now())),
        "store_in_touch": present.is_in_touch,
        "store_writable": present.store.is_writable,
        "draining": draining,
        "rules_version": &*present.rules_version,
        "providers": present.providers,
        "exports": present.exports.iter().map(export).collect::<Vec<_>>(),
    });
    (status, Json(body)).into_response()
}

fn disk(now: &DiskNow) -> serde_json::Value {
    json!({
        "disk": now.disk,
        "free_bytes": now.room.map(|room| room.free_bytes),
        "full_in_seconds": now.full_in.map(|time| time.as_secs()),
        "short": now.is_short,
    })
}

/// Without where it leads and what is wrong there, which is for operators.
fn archive(now: &ArchiveNow) -> serde_json::Value {
    let ArchiveNow { archived, waiting, archived_to, waiting_since, failures: _, fault } = now;
    json!({
        "archived": archived,
        "archived_to": archived_to,
        "waiting": waiting,
        "waiting_since": waiting_since,
        "failing": fault.is_some(),
    })
}

/// Without where it leads and what is wrong there, which is for operators.
fn export(now: &ExportNow) -> serde_json::Value {
    let ExportNow { export, fault, lag_entries, lag_seconds, .. } = now;
    json!({ "export": export, "failing": fault.is_some(), "lag_entries": lag_entries, "lag_seconds": lag_seconds })
}
