//! The control listener of the gateway that runs, as its own command line asks it.

use std::net::SocketAddr;
use std::time::Duration;

use http::header::AUTHORIZATION;
use http::{HeaderValue, Method, Request, Response, StatusCode};

use crate::control::settings::ControlSettings;
use crate::platform::http::fetch::{AuthoritiesError, Fetch, FetchError};

/// Asks the gateway that runs.
#[derive(Debug)]
pub struct ControlClient {
    fetch: Fetch,
    address: SocketAddr,
    /// Marked as sensitive: it is never printed.
    authorization: HeaderValue,
}

/// Why it cannot be asked.
#[derive(Debug, thiserror::Error)]
pub enum UnreachableError {
    /// Nobody may ask it.
    #[error("set `control.token`: the gateway answers to nobody without a token")]
    NoToken,
    /// It does not answer.
    #[error("the gateway does not answer at {address} ({cause})")]
    Silent {
        /// Where.
        address: SocketAddr,
        /// Why.
        cause: FetchError,
    },
    /// It has no client.
    #[error(transparent)]
    Client(#[from] AuthoritiesError),
}

impl ControlClient {
    /// For the gateway that runs on these settings; its answers are waited for so long.
    pub fn new(control: &ControlSettings, patience: Duration) -> Result<Self, UnreachableError> {
        let token = control.token.as_ref().ok_or(UnreachableError::NoToken)?;
        // A token that no header can carry is none.
        let authorization = HeaderValue::from_str(&format!("Bearer {}", token.reveal()));
        let mut authorization = authorization.map_err(|_| UnreachableError::NoToken)?;
        authorization.set_sensitive(true);
        Ok(Self { fetch: Fetch::of_this_machine(patience)?, address: control.listen, authorization })
    }

    /// The same, which takes answers of so many bytes.
    #[must_use]
    pub fn with_reply_bytes(self, most: usize) -> Self {
        Self { fetch: self.fetch.with_reply_bytes(most), ..self }
    }

    /// Asks it; what it answers is for whoever asks to read.
    pub async fn ask(
        &self,
        method: Method,
        target: &str,
        body: Vec<u8>,
    ) -> Result<Response<Vec<u8>>, UnreachableError> {
        let silent = |cause| UnreachableError::Silent { address: self.address, cause };
        let url = format!("http://{}{target}", self.address);
        let mut request = Request::new(body);
        *request.method_mut() = method;
        *request.uri_mut() = url.parse().map_err(|_| silent(FetchError::Url { url }))?;
        request.headers_mut().insert(AUTHORIZATION, self.authorization.clone());
        self.fetch.send(request).await.map_err(silent)
    }
}

/// What a refusal means that is the same whatever was asked.
pub const fn meaning(status: StatusCode) -> Option<&'static str> {
    match status {
        StatusCode::UNAUTHORIZED => Some("its token is not `control.token`"),
        StatusCode::NOT_FOUND => Some("it is of an earlier version"),
        _ => None,
    }
}
