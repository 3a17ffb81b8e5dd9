//! The gateway that runs, by its control listener: it writes each step down, and takes the files.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, StatusCode};
use serde::Deserialize;

use crate::config::Loaded;
use crate::control::rotation::Step;
use crate::domain::application::{ApplicationName, CredentialName};
use crate::foundation::secret::Secret;
use crate::platform::http::fetch::{AuthoritiesError, Fetch, FetchError};

/// The gateway that runs.
#[derive(Debug)]
pub struct Gateway {
    fetch: Fetch,
    address: SocketAddr,
    token: Secret,
    /// The version that it has to be on.
    version: String,
}

/// What cannot be done with it.
#[derive(Debug, thiserror::Error)]
pub enum GatewayError {
    /// Nobody may ask it.
    #[error("set `control.token`: a rotation is written down by the gateway that runs, and taken by it")]
    NoToken,
    /// It does not answer.
    #[error(
        "the gateway does not answer at {address} ({cause}): a rotation needs it, to be written down and taken. Where \
         it is meant to stand still, write the new secret into the file: it is read at the start"
    )]
    Silent {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: FetchError,
    },
    /// It has no client.
    #[error(transparent)]
    Client(#[from] AuthoritiesError),
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
    #[error("the gateway answers {status}{hint}")]
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
        let control = &loaded.settings.control;
        Ok(Self {
            // A reload reads every file and compiles the policy.
            fetch: Fetch::of_this_machine(Duration::from_secs(60))?,
            address: control.listen,
            token: control.token.clone().ok_or(GatewayError::NoToken)?,
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
        // A token that no header can carry is none.
        let request = self.request(method, target).ok_or(GatewayError::NoToken)?;
        let silent = |cause| GatewayError::Silent { address: self.address, cause };
        let reply = self.fetch.send(request).await.map_err(silent)?;
        let (status, body) = (reply.status(), reply.body());
        match status {
            StatusCode::OK => self.is_ours(body),
            StatusCode::UNPROCESSABLE_ENTITY => {
                let refused = serde_json::from_slice::<Refused>(body);
                Err(GatewayError::Refused { problems: refused.map(|it| it.problems).unwrap_or_default() })
            }
            StatusCode::UNAUTHORIZED => Err(Self::answer(status, ": its token is not `control.token`")),
            StatusCode::NOT_FOUND => Err(Self::answer(status, ": it is of an earlier version")),
            StatusCode::SERVICE_UNAVAILABLE => {
                Err(Self::answer(status, ": it cannot write its journal, or has too much to do"))
            }
            _ => Err(Self::answer(status, "")),
        }
    }

    fn request(&self, method: Method, target: &str) -> Option<Request<Vec<u8>>> {
        let mut token = HeaderValue::from_str(&format!("Bearer {}", self.token.reveal())).ok()?;
        token.set_sensitive(true);
        let request = Request::builder().method(method).uri(format!("http://{}{target}", self.address));
        request.header(AUTHORIZATION, token).body(Vec::new()).ok()
    }

    fn is_ours(&self, body: &[u8]) -> Result<(), GatewayError> {
        let Ok(Version { rules_version: theirs }) = serde_json::from_slice(body) else {
            return Err(Self::answer(StatusCode::OK, ", but is not ours"));
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
