//! The gateway that runs, by its control listener: it writes each step down, and takes the files.

use std::time::Duration;

use http::{Method, StatusCode};
use serde::Deserialize;

use crate::app::control_client::{ControlClient, UnreachableError, meaning};
use crate::config::Loaded;
use crate::control::rotation::Step;
use crate::domain::application::{ApplicationName, CredentialName};

/// The gateway that runs.
#[derive(Debug)]
pub struct Gateway {
    client: ControlClient,
    /// The version that it has to be on.
    version: String,
}

/// What cannot be done with it.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// It cannot be asked.
    #[error(
        "{0}: a rotation is written down and taken by the gateway that runs. Where it is meant to stand still, write \
         the new secret into the file: it is read at the start"
    )]
    Unreachable(#[from] UnreachableError),
    /// It runs on other files.
    #[error(
        "the gateway runs on version {theirs} of the configuration, and here is {ours}: name the file that it runs on \
         (--config), and see that it has taken the last change"
    )]
    OtherConfiguration {
        /// What it runs on.
        theirs: String,
        /// What stands here.
        ours: String,
    },
    /// It does not take the files.
    #[error("the gateway does not take the files:\n{}", problems.join("\n"))]
    Refused {
        /// What is wrong with them.
        problems: Vec<String>,
    },
    /// It says something else.
    #[error("the gateway answers {status}: {hint}")]
    Answer {
        /// Its status.
        status: StatusCode,
        /// What that means.
        hint: &'static str,
    },
}

#[derive(Deserialize)]
struct Version {
    rules_version: String,
}

#[derive(Deserialize)]
struct Refused {
    problems: Vec<String>,
}

impl Gateway {
    /// The one that runs on this configuration.
    pub fn of(loaded: &Loaded) -> Result<Self, GatewayError> {
        Ok(Self {
            // A reload reads every file and compiles the policy.
            client: ControlClient::new(&loaded.settings.control, Duration::from_secs(60))?,
            version: loaded.settings.version.short(),
        })
    }

    /// Makes sure that it runs, lets us ask, and is on the same configuration.
    pub async fn greet(&self) -> Result<(), GatewayError> {
        self.ask(Method::GET, "/api/v1/status").await
    }

    /// Tells it a step: it writes that down and, where the file was changed, takes the files.
    pub async fn tell(
        &self,
        application: &ApplicationName,
        account: &CredentialName,
        step: Step,
    ) -> Result<(), GatewayError> {
        let told = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("application", application.as_str())
            .append_pair("account", account.as_str())
            .append_pair("step", step.as_str())
            .finish();
        self.ask(Method::POST, &format!("/api/v1/rotation?{told}")).await
    }

    async fn ask(&self, method: Method, target: &str) -> Result<(), GatewayError> {
        let reply = self.client.ask(method, target, Vec::new()).await?;
        let (status, body) = (reply.status(), reply.body());
        match status {
            StatusCode::OK => self.is_ours(body),
            StatusCode::UNPROCESSABLE_ENTITY => {
                let refused = serde_json::from_slice::<Refused>(body);
                Err(GatewayError::Refused { problems: refused.map(|it| it.problems).unwrap_or_default() })
            }
            StatusCode::SERVICE_UNAVAILABLE => {
                Err(Self::answer(status, "it cannot write its journal, or has too much to do"))
            }
            _ => Err(Self::answer(status, meaning(status).unwrap_or("it is not known what that means"))),
        }
    }

    fn is_ours(&self, body: &[u8]) -> Result<(), GatewayError> {
        let Ok(Version { rules_version: theirs }) = serde_json::from_slice(body) else {
            return Err(Self::answer(StatusCode::OK, "it is not ours"));
        };
        if theirs == self.version {
            return Ok(());
        }
        Err(GatewayError::OtherConfiguration { theirs, ours: self.version.clone() })
    }

    const fn answer(status: StatusCode, hint: &'static str) -> GatewayError {
        GatewayError::Answer { status, hint }
    }
}
