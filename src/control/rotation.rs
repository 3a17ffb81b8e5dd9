//! The steps of a rotation, told by `leastway credential rotate`, which does the work: each is an event, and
//! those that change a secret's file are followed by a reload.

use axum::Json;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use serde::Deserialize;
use serde_json::json;

use super::api::{self, write_down};
use super::state::ControlState;
use crate::domain::application::{ApplicationName, CredentialName};
use crate::domain::event::Outcome;

crate::domain::closed_list! {
    /// A step of a rotation.
    Step {
        /// The application accepts the new secret, which is about to be put into force.
        Begun = "begun",
        /// The new secret is in its file.
        Switched = "switched",
        /// The application refuses the old secret.
        Ended = "ended",
        /// The application is not known to refuse the old secret.
        OldAccepted = "old_accepted",
        /// The old secret is in its file again.
        RolledBack = "rolled_back",
    }
}

impl Step {
    /// As the event says it.
    const fn note(self) -> &'static str {
        match self {
            Self::Begun => "rotation of a secret begun: the application accepts the new one",
            Self::Switched => "rotation of a secret: the new one is in its file, to be taken",
            Self::Ended => "rotation of a secret ended: the application refuses the old one",
            Self::OldAccepted => {
                "rotation of a secret not ended: the application is not known to refuse the old one"
            }
            Self::RolledBack => "rotation of a secret rolled back: the old one is in its file, to be taken",
        }
    }

    const fn changes_the_file(self) -> bool {
        match self {
            Self::Switched | Self::RolledBack => true,
            Self::Begun | Self::Ended | Self::OldAccepted => false,
        }
    }
}

/// What has come to pass, with which account.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StepTold {
    application: ApplicationName,
    account: CredentialName,
    step: Step,
}

/// Writes a step down, and takes the files where they have changed.
pub async fn rotation(State(state): State<ControlState>, Query(told): Query<StepTold>) -> Response {
    let StepTold { application, account, step } = told;
    let outcome = if step == Step::RolledBack { Outcome::Failed } else { Outcome::Completed };
    let written = write_down(&state, outcome, |opening| {
        opening.note = Some(step.note().to_owned());
        opening.application = Some(application);
        opening.credential = Some(account);
    });
    if let Err(refused) = written.await {
        return refused;
    }
    if !step.changes_the_file() {
        return Json(json!({ "rules_version": &*(state.present)().rules_version })).into_response();
    }
    api::taken(&state).await
}
