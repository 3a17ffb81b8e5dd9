//! Which browsers have shown the token: a cookie each, of which only the digest is kept, in memory, for a while.

use std::collections::VecDeque;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::foundation::clock::Timestamp;
use crate::foundation::digest::Digest;
use crate::foundation::entropy::{Entropy, random_text};
use crate::foundation::secret::Secret;

/// The browsers that have shown the token, and the wrong tokens of the last minute.
#[derive(Default)]
pub struct Operators(Mutex<Book>);

#[derive(Default)]
struct Book {
    signed_in: Vec<SignIn>,
    wrong: VecDeque<Timestamp>,
}

struct SignIn {
    digest: Digest,
    begun: Timestamp,
    used: Timestamp,
}

/// What comes of a token that somebody shows.
#[derive(Debug)]
#[must_use]
pub enum Admission {
    /// It is the one: the cookie's value, 256 random bits.
    Admitted(Secret),
    /// It is another.
    Wrong,
    /// It was not looked at: there were too many wrong ones.
    TooMany {
        /// When one is looked at again.
        wait: Duration,
    },
}

impl Operators {
    /// Lets somebody in who shows the token. Wrong ones count, whoever shows them: beyond
    /// [`WRONG_PER_MINUTE`] none is looked at, the right one neither.
    pub fn sign_in(&self, token: &Secret, shown: &str, now: Timestamp, entropy: &dyn Entropy) -> Admission {
        let mut book = self.book();
        book.wrong.retain(|at| *at <= now && now.since(*at) < MINUTE);
        if let Some(oldest) = book.wrong.front().filter(|_| book.wrong.len() >= WRONG_PER_MINUTE) {
            return Admission::TooMany { wait: oldest.plus(MINUTE).since(now) };
        }
        if !token.is(shown) {
            book.wrong.push_back(now);
            return Admission::Wrong;
        }
        let cookie = random_text::<32>(entropy);
        book.forget_old(now);
        if book.signed_in.len() >= SIGN_INS_MAX {
            let oldest = book.signed_in.iter().map(|it| it.used).min();
            book.signed_in.retain(|it| Some(it.used) != oldest);
        }
        book.signed_in.push(SignIn { digest: Digest::of(cookie.as_bytes()), begun: now, used: now });
        Admission::Admitted(Secret::new(cookie))
    }

    /// Whether a cookie is of somebody who has signed in and is not out yet. To ask is to use it.
    pub fn knows(&self, cookie: &Secret, now: Timestamp) -> bool {
        let mut book = self.book();
        book.forget_old(now);
        let digest = Digest::of(cookie.reveal().as_bytes());
        let found = book.signed_in.iter_mut().find(|it| it.digest == digest);
        found.map(|it| it.used = now).is_some()
    }

    /// Ends the sign-in of a cookie.
    pub fn sign_out(&self, cookie: &Secret) {
        let digest = Digest::of(cookie.reveal().as_bytes());
        self.book().signed_in.retain(|it| it.digest != digest);
    }

    fn book(&self) -> MutexGuard<'_, Book> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Book {
    fn forget_old(&mut self, now: Timestamp) {
        self.signed_in.retain(|it| now.since(it.used) < IDLE && now.since(it.begun) < ABSOLUTE);
    }
}

impl fmt::Debug for Operators {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Operators(..)")
    }
}

/// How many wrong tokens are looked at in a minute.
pub const WRONG_PER_MINUTE: usize = 10;
const MINUTE: Duration = Duration::from_secs(60);
/// When a sign-in ends without use.
pub const IDLE: Duration = Duration::from_secs(15 * 60);
/// When it ends in any case.
pub const ABSOLUTE: Duration = Duration::from_secs(8 * 60 * 60);
/// How many browsers may be signed in; one more puts out the one that was used least lately.
pub const SIGN_INS_MAX: usize = 32;
