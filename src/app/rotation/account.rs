//! The account whose secret is rotated: where its secret stands, what it would be with another, and what the
//! application's servers say to it.

use std::fmt;
use std::path::{Path, PathBuf};

use http::uri::PathAndQuery;

use crate::config::{Instead, Loaded, Locations, Problems, SecretPlace, load, load_instead};
use crate::domain::application::{ApplicationName, CredentialName};
use crate::features::upstream::credential::Credential;
use crate::features::upstream::settings::UpstreamSettings;
use crate::features::upstream::trial::{Answer, Trial, TrialError};
use crate::foundation::clock::{Clock as _, SystemClock};
use crate::foundation::entropy::SystemEntropy;
use crate::foundation::id::RequestId;
use crate::foundation::secret::Secret;

/// An account of ours at an application.
#[derive(Debug)]
pub struct Account {
    config: PathBuf,
    /// The application.
    pub application: ApplicationName,
    /// The account.
    pub name: CredentialName,
    /// The configuration as it stands.
    pub loaded: Loaded,
    test: PathAndQuery,
    host: String,
}

/// Why an account can be neither tested nor rotated.
#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The configuration cannot be used.
    #[error("the configuration cannot be used:\n{0}")]
    Configuration(#[from] Problems),
    /// There is no such application, or it has no such account.
    #[error("`{application}` has no credential `{account}`; there are: {known}")]
    Unknown {
        /// The application.
        application: ApplicationName,
        /// The account.
        account: CredentialName,
        /// Those that there are.
        known: String,
    },
    /// Nothing tells whether the application accepts it.
    #[error(
        "`{key}` has no `test`: name a path that answers 2xx to this account and turns strangers away, such as \
         `test = \"/api/system\"`"
    )]
    NoTest {
        /// The account's key.
        key: String,
    },
    /// The secret is not in a file.
    #[error(
        "the secret is in the variable `{variable}` of the gateway's environment, which nobody can change while it \
         runs. Either set it where the gateway is started (its unit, its container), and restart the gateway; or write \
         the secret into a file, refer to that by `secret = \"file:PATH\"`, and rotate it there from then on"
    )]
    Variable {
        /// The variable.
        variable: String,
    },
    /// The file is another's, too.
    #[error("`{}` is the secret of `{other}`, too: give each a file of its own", file.display())]
    Shared {
        /// The file.
        file: PathBuf,
        /// The other's key.
        other: String,
    },
}

impl Account {
    /// Finds an account, and what it is tested by.
    pub fn find(
        config: &Path,
        application: &ApplicationName,
        name: &CredentialName,
    ) -> Result<Self, AccountError> {
        let loaded = load(config)?;
        let unknown = |known: Vec<String>| AccountError::Unknown {
            application: application.clone(),
            account: name.clone(),
            known: if known.is_empty() { "none".to_owned() } else { known.join(", ") },
        };
        let named = loaded.settings.applications.iter().find(|known| known.name == *application);
        let upstream = upstream(&loaded, application);
        let (Some(named), Some(upstream)) = (named, upstream) else { return Err(unknown(accounts(&loaded))) };
        if !upstream.credentials.by_name.contains_key(name) {
            return Err(unknown(accounts(&loaded)));
        }
        let key = Locations::secret_of(application, name);
        let no_test = || AccountError::NoTest { key: key.trim_end_matches(".secret").to_owned() };
        let test = upstream.credentials.tests.get(name).cloned().ok_or_else(no_test)?;
        let host = named.hosts.first().cloned().unwrap_or_default();
        let (application, name) = (application.clone(), name.clone());
        Ok(Self { config: config.to_owned(), application, name, loaded, test, host })
    }

    /// The file that holds its secret and no other's.
    pub fn file(&self) -> Result<PathBuf, AccountError> {
        let key = Locations::secret_of(&self.application, &self.name);
        let secrets = self.loaded.locations.secrets();
        let file = match secrets.get(&key) {
            Some(SecretPlace::File(file)) => file,
            Some(SecretPlace::Variable(variable)) => {
                return Err(AccountError::Variable { variable: variable.clone() });
            }
            // An account without a secret is not settled.
            None => return Err(AccountError::NoTest { key }),
        };
        let same = |other: &SecretPlace| match other {
            SecretPlace::File(other) => other.canonicalize().ok() == file.canonicalize().ok(),
            SecretPlace::Variable(_) => false,
        };
        match secrets.iter().find(|(other, place)| **other != key && same(place)) {
            Some((other, _)) => Err(AccountError::Shared { file: file.clone(), other: other.clone() }),
            None => Ok(file.clone()),
        }
    }

    /// The account as the gateway has it now.
    pub fn present(&self) -> Option<Credential> {
        self.credential(&self.loaded)
    }

    /// The account as the gateway would have it with this secret in `file`, or all that would be wrong.
    pub fn with(&self, file: &Path, secret: &Secret) -> Result<Credential, Problems> {
        let loaded = load_instead(&self.config, Some(Instead { file, secret }))?;
        self.credential(&loaded).ok_or(Problems(Vec::new()))
    }

    fn credential(&self, loaded: &Loaded) -> Option<Credential> {
        upstream(loaded, &self.application)?.credentials.by_name.get(&self.name).cloned()
    }

    /// Asks each server as a stranger, and then as each of `whom`, in this order: an old secret before a new
    /// one, so that a sign-in that fails is followed by one that does not, and the account is not locked.
    pub async fn ask(&self, whom: &[&Credential]) -> Result<Asked, TestError> {
        let Some(settings) = upstream(&self.loaded, &self.application) else { return Err(TestError::None) };
        let trial = Trial { settings, test: &self.test, host: &self.host };
        let mut asked = Asked { answers: Vec::new(), silent: Vec::new() };
        for (position, server) in settings.servers.iter().enumerate() {
            match ask_server(trial, position, whom).await {
                Ok((Answer::Refused, answers)) => asked.answers.push((server.to_string(), answers)),
                Ok((Answer::Accepted, _)) => {
                    let (test, server) = (self.test.to_string(), server.to_string());
                    return Err(TestError::LetsAnybodyIn { test, server });
                }
                Ok((unclear @ Answer::Unclear(_), _)) => {
                    asked
                        .silent
                        .push((server.to_string(), format!("a stranger is answered {}", said(unclear))));
                }
                Err(error) => asked.silent.push((server.to_string(), with_causes(&error))),
            }
        }
        if asked.answers.is_empty() { Err(TestError::Silent { asked }) } else { Ok(asked) }
    }
}

/// What servers have said.
#[derive(Debug)]
pub struct Asked {
    /// Each server that could be asked, with its answer to each of those whom it was asked as.
    answers: Vec<(String, Vec<Answer>)>,
    /// Those that could not, with the reason.
    silent: Vec<(String, String)>,
}

impl Asked {
    /// What is certain of the one at this position: accepted only where no server says otherwise.
    pub fn least(&self, position: usize) -> Answer {
        self.of(position).min().unwrap_or(Answer::Refused)
    }

    /// What is possible of the one at this position: refused only where no server says otherwise.
    pub fn most(&self, position: usize) -> Answer {
        self.of(position).max().unwrap_or(Answer::Accepted)
    }

    fn of(&self, position: usize) -> impl Iterator<Item = Answer> {
        self.answers.iter().filter_map(move |(_, answers)| answers.get(position)).copied()
    }

    /// A line for each server; `names` are those whom it was asked as.
    pub fn lines(&self, names: &[&str]) -> Vec<String> {
        let told = self.answers.iter().map(|(server, answers)| {
            let each = names.iter().zip(answers).map(|(name, answer)| format!("{name}: {}", said(*answer)));
            format!("{server}: {}", each.collect::<Vec<_>>().join(", "))
        });
        let silent = self.silent.iter().map(|(server, why)| format!("{server}: not asked, for {why}"));
        told.chain(silent).collect()
    }
}

/// Why a test tells nothing.
#[derive(Debug, thiserror::Error)]
pub enum TestError {
    /// No server can be asked.
    #[error("the application cannot be asked ({asked})")]
    Silent {
        /// Each with its reason.
        asked: Asked,
    },
    /// Strangers are answered, too.
    #[error("{server} answers `{test}` to anybody, so it tells nothing: choose another `test`")]
    LetsAnybodyIn {
        /// What was asked for.
        test: String,
        /// The server.
        server: String,
    },
    /// The application is gone from the configuration.
    #[error("the application has no servers")]
    None,
}

impl fmt::Display for Asked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.lines(&[]).join("; "))
    }
}

/// An answer in words.
pub fn said(answer: Answer) -> String {
    match answer {
        Answer::Accepted => "accepted".to_owned(),
        Answer::Refused => "refused".to_owned(),
        Answer::Unclear(status) => format!("{}, which tells nothing", status.as_u16()),
    }
}

async fn ask_server(
    trial: Trial<'_>,
    server: usize,
    whom: &[&Credential],
) -> Result<(Answer, Vec<Answer>), TrialError> {
    let id = || RequestId::new(SystemClock.now(), &SystemEntropy);
    let Some(first) = whom.first() else { return Ok((Answer::Refused, Vec::new())) };
    let stranger = trial.ask_as_stranger(server, first, id()).await?;
    let mut answers = Vec::new();
    if stranger == Answer::Refused {
        for account in whom {
            answers.push(trial.ask_as(server, account, id()).await?);
        }
    }
    Ok((stranger, answers))
}

fn upstream<'l>(loaded: &'l Loaded, application: &ApplicationName) -> Option<&'l UpstreamSettings> {
    loaded.settings.upstreams.iter().find(|upstream| upstream.application == *application)
}

/// Every account, as one would name it.
fn accounts(loaded: &Loaded) -> Vec<String> {
    let of = |upstream: &UpstreamSettings| {
        let named = |name| format!("--application {} --account {name}", upstream.application);
        upstream.credentials.by_name.keys().map(named).collect::<Vec<_>>()
    };
    loaded.settings.upstreams.iter().flat_map(of).collect()
}

/// An error with its causes, in one line.
fn with_causes(error: &dyn std::error::Error) -> String {
    let (mut text, mut cause) = (error.to_string(), error.source());
    while let Some(error) = cause {
        text = format!("{text}: {error}");
        cause = error.source();
    }
    text
}
