//! Rotates the secret of an account at an application: `leastway credential rotate`.
//!
//! Prove the new secret → write it down → put it into its file → have the gateway take it → see the old one
//! dead. Until the new secret is proven nothing changes. After the switch, whatever goes wrong leads back to
//! the old secret, as long as the application accepts that: else going back would only make it worse. The old
//! secret is kept beside the file until the application refuses it. A rotation that was interrupted is ended,
//! or taken back, by the next one ([`files`] tells how far it had come).

pub mod account;
pub mod files;
pub mod gateway;

use std::fmt;
use std::path::PathBuf;

use account::{Account, AccountError, Asked, TestError, said};
use files::{FileError, Held, SecretFile};
use gateway::{Gateway, GatewayError};

use crate::config::Problems;
use crate::control::rotation::Step;
use crate::features::upstream::credential::Credential;
use crate::features::upstream::trial::Answer;
use crate::foundation::secret::Secret;

/// How a rotation ended.
#[must_use]
#[derive(Debug)]
pub enum Ending {
    /// The new secret is in force, and the application refuses the old one.
    Rotated,
    /// The new secret is in force; the application does not refuse the old one, which is kept in this file.
    OldRemains(Answer, PathBuf),
    /// The old secret is in force, as before.
    Unchanged(Why),
    /// The old secret is in force again.
    RolledBack(Why),
    /// It stopped on its way; the next run goes on from here.
    Halfway(Why),
}

/// Why a rotation did not end as it was meant to.
#[derive(Debug, thiserror::Error)]
pub enum Why {
    /// The application does not accept the new secret.
    #[error("the application does not accept the new secret ({})", said(*.0))]
    New(Answer),
    /// It accepts neither.
    #[error(
        "the application refuses the old secret and does not accept the new one: give it another by --from"
    )]
    Neither,
    /// It is the old one.
    #[error("the new secret is the one that is in force")]
    Same,
    /// Nothing is under way, and there is no new secret.
    #[error("no rotation is under way: name the file of the new secret by --from, or `-` for standard input")]
    NothingToDo,
    /// The last rotation is not ended.
    #[error("the last rotation comes first: {0}")]
    LastOne(Box<Ending>),
    /// The test.
    #[error(transparent)]
    Test(#[from] TestError),
    /// The configuration with the new secret.
    #[error("with the new secret the configuration cannot be used:\n{0}")]
    Configuration(#[from] Problems),
    /// A file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// A rotation.
pub struct Rotation<'a> {
    account: Account,
    /// As the reference leads to it.
    named: PathBuf,
    file: SecretFile,
    gateway: Gateway,
    /// Whether the new secret was found beside the old one: whoever gave it may not have it any more.
    is_found: bool,
    tell: &'a mut dyn FnMut(&str),
}

impl fmt::Debug for Rotation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Rotation").field("file", &self.file).finish_non_exhaustive()
    }
}

/// Why a rotation cannot be begun.
#[derive(Debug, thiserror::Error)]
pub enum BeginError {
    /// The account.
    #[error(transparent)]
    Account(#[from] AccountError),
    /// Its file.
    #[error(transparent)]
    File(#[from] FileError),
    /// The gateway.
    #[error(transparent)]
    Gateway(#[from] GatewayError),
}

/// The old and the new secret's account.
struct Both {
    old: Credential,
    new: Credential,
}

impl<'a> Rotation<'a> {
    /// Takes hold of the secret's file, and greets the gateway. What is done is told line by line.
    pub async fn begin(account: Account, tell: &'a mut dyn FnMut(&str)) -> Result<Self, BeginError> {
        let named = account.file()?;
        let file = SecretFile::take(&named)?;
        let gateway = Gateway::of(&account.loaded)?;
        gateway.greet().await?;
        Ok(Self { account, named, file, gateway, is_found: false, tell })
    }

    /// Ends what is under way; then puts `new` into force, if that is given.
    pub async fn run(mut self, new: Option<Secret>) -> Ending {
        let held = match self.file.held() {
            Ok(held) => held,
            Err(why) => return Ending::Unchanged(why.into()),
        };
        match (held, new) {
            (Held::Switched(old), None) => self.resume(&old).await,
            (Held::Switched(old), Some(new)) => match self.resume(&old).await {
                Ending::Rotated | Ending::RolledBack(_) => self.rotate(&new).await,
                Ending::Halfway(Why::Neither) => match self.file.forget_old() {
                    Ok(()) => self.rotate(&new).await,
                    Err(why) => Ending::Halfway(why.into()),
                },
                unended @ (Ending::OldRemains(..) | Ending::Unchanged(_) | Ending::Halfway(_)) => {
                    Ending::Unchanged(Why::LastOne(Box::new(unended)))
                }
            },
            (Held::Prepared(_) | Held::Settled, Some(new)) => self.rotate(&new).await,
            (Held::Prepared(new), None) => {
                (self.tell)("goes on with the rotation that was interrupted before its switch");
                self.is_found = true;
                self.rotate(&new).await
            }
            (Held::Settled, None) => Ending::Unchanged(Why::NothingToDo),
        }
    }

    async fn rotate(&mut self, new: &Secret) -> Ending {
        let (both, asked) = match self.prove(new).await {
            Ok(proven) => proven,
            Err(why) => return self.undone(why),
        };
        if let Err(why) = self.step(Step::Begun).await {
            return self.undone(why.into());
        }
        if let Err(why) = self.file.switch() {
            if matches!(self.file.held(), Ok(Held::Switched(_))) {
                return self.back(why.into()).await;
            }
            self.took_back().await;
            return self.undone(why.into());
        }
        (self.tell)("the new secret is in its file");
        self.settle(&both, &asked).await
    }

    /// Writes the new secret beside the old one, and sees that the application accepts it.
    async fn prove(&mut self, new: &Secret) -> Result<(Both, Asked), Why> {
        let old = self.file.present()?;
        if old.is(new.reveal()) {
            return Err(Why::Same);
        }
        let both = self.both(&old, new)?;
        if !self.is_found {
            self.file.prepare(new)?;
        }
        let asked = self.ask(&both).await?;
        match asked.least(NEW) {
            Answer::Accepted => Ok((both, asked)),
            other @ (Answer::Refused | Answer::Unclear(_)) => Err(Why::New(other)),
        }
    }

    /// Goes on from the switch: with the new secret in the file, and the old one beside it.
    async fn resume(&mut self, old: &Secret) -> Ending {
        (self.tell)("goes on with the last rotation, from its switch");
        let asked = async {
            let new = self.file.present()?;
            let both = self.both(old, &new)?;
            let asked = self.ask(&both).await?;
            Ok::<_, Why>((both, asked))
        };
        let (both, asked) = match asked.await {
            Ok(asked) => asked,
            Err(why) => return Ending::Halfway(why),
        };
        match asked.least(NEW) {
            Answer::Accepted => self.settle(&both, &asked).await,
            new @ (Answer::Refused | Answer::Unclear(_)) => self.unaccepted(new, asked.most(OLD)).await,
        }
    }

    /// The new secret is in the file and was accepted: has it taken, and sees whether the old one is dead.
    async fn settle(&mut self, both: &Both, before: &Asked) -> Ending {
        let old = before.most(OLD);
        if let Err(why) = self.step(Step::Switched).await {
            return self.failed(why.into(), old).await;
        }
        (self.tell)("the gateway has taken it");
        if old == Answer::Refused {
            return self.ended().await;
        }
        let asked = match self.ask(both).await {
            Ok(asked) => asked,
            Err(why) => return self.failed(why.into(), old).await,
        };
        match (asked.least(NEW), asked.most(OLD)) {
            (Answer::Accepted, Answer::Refused) => self.ended().await,
            (Answer::Accepted, old @ (Answer::Accepted | Answer::Unclear(_))) => {
                match self.step(Step::OldAccepted).await {
                    Ok(()) => Ending::OldRemains(old, self.file.before().to_owned()),
                    Err(why) => Ending::Halfway(why.into()),
                }
            }
            (new @ (Answer::Refused | Answer::Unclear(_)), old) => self.unaccepted(new, old).await,
        }
    }

    /// After the switch, the application does not accept the new secret any more.
    async fn unaccepted(&mut self, new: Answer, old: Answer) -> Ending {
        let why = if old == Answer::Refused { Why::Neither } else { Why::New(new) };
        self.failed(why, old).await
    }

    /// After the switch: back, if that is of any use.
    async fn failed(&mut self, why: Why, old: Answer) -> Ending {
        match old {
            Answer::Accepted => self.back(why).await,
            Answer::Refused | Answer::Unclear(_) => Ending::Halfway(why),
        }
    }

    /// Written down before it is forgotten, so that an interruption between the two says it twice, not never.
    async fn ended(&mut self) -> Ending {
        if let Err(why) = self.step(Step::Ended).await {
            return Ending::Halfway(why.into());
        }
        match self.file.forget_old() {
            Ok(()) => Ending::Rotated,
            Err(why) => Ending::Halfway(why.into()),
        }
    }

    /// After the switch: to the old secret again.
    async fn back(&mut self, why: Why) -> Ending {
        if let Err(why) = self.file.roll_back() {
            return Ending::Halfway(why.into());
        }
        (self.tell)("the old secret is in its file again");
        self.took_back().await;
        Ending::RolledBack(why)
    }

    /// Tells the gateway that the old secret is in the file; where that cannot be told now, it sees it itself.
    async fn took_back(&mut self) {
        match self.step(Step::RolledBack).await {
            Ok(()) => (self.tell)("the gateway has taken it"),
            Err(error) => {
                let later = format!("the gateway takes it when it next looks at its files: {error}");
                (self.tell)(&later);
            }
        }
    }

    /// Before the switch: nothing has changed.
    fn undone(&mut self, why: Why) -> Ending {
        if self.is_found && !matches!(why, Why::New(Answer::Refused) | Why::Same) {
            let kept = format!("the new secret waits in `{}` for the next run", self.file.next().display());
            (self.tell)(&kept);
        } else if let Err(error) = self.file.undo() {
            (self.tell)(&error.to_string());
        }
        Ending::Unchanged(why)
    }

    fn both(&self, old: &Secret, new: &Secret) -> Result<Both, Problems> {
        let with = |secret| self.account.with(&self.named, secret);
        Ok(Both { old: with(old)?, new: with(new)? })
    }

    async fn ask(&mut self, both: &Both) -> Result<Asked, TestError> {
        let asked = self.account.ask(&[&both.old, &both.new]).await?;
        for line in asked.lines(&["old secret", "new secret"]) {
            (self.tell)(&line);
        }
        Ok(asked)
    }

    async fn step(&self, step: Step) -> Result<(), GatewayError> {
        self.gateway.tell(&self.account.application, &self.account.name, step).await
    }
}

impl fmt::Display for Ending {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rotated => f.write_str("rotated: the application refuses the old secret"),
            Self::OldRemains(Answer::Accepted, kept) => write!(
                f,
                "rotated, BUT THE APPLICATION STILL ACCEPTS THE OLD SECRET: end it there, then run this again without \
                 --from. It is kept in `{}` to be tested; where it cannot be ended, remove that file",
                kept.display()
            ),
            Self::OldRemains(answer @ (Answer::Refused | Answer::Unclear(_)), kept) => write!(
                f,
                "rotated, but it is not known whether the application refuses the old secret (it answers {}): see to it \
                 there, then run this again without --from. It is kept in `{}` to be tested",
                said(*answer),
                kept.display()
            ),
            Self::Unchanged(why) => write!(f, "not rotated, nothing has changed: {why}"),
            Self::RolledBack(why) => write!(f, "not rotated, rolled back to the old secret: {why}"),
            Self::Halfway(why @ Why::Neither) => {
                write!(f, "halfway: the new secret is in its file, but {why}")
            }
            Self::Halfway(why) => write!(
                f,
                "halfway: the new secret is in its file, but {why}\nPut that right, then run this again without --from"
            ),
        }
    }
}

const OLD: usize = 0;
const NEW: usize = 1;
