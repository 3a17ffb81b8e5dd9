//! Our own paths, one row each: with which methods it is asked, who comes there, and as what an event tells of it. What is not in
//! the table is not there; whoever adds a row has said all of it, and `own_paths.rs` has to answer it.

use http::Method;

use super::callback::{self, CALLBACK_PATH};
use super::device_key::DEVICE_KEY_PATH;
use super::leaving::SIGNED_OUT_PATH;
use super::pages::{
    BREAK_GLASS_END_PATH, BREAK_GLASS_PATH, BREAK_GLASS_TEXT_PATH, HELD_DISCARD_PATH, HELD_PATH,
    HELD_SHOW_PATH, JUSTIFY_PATH, ME_END_PATH, ME_FORGET_PATH, ME_PATH, PURPOSE_PATH, SIGN_IN_PATH,
    SIGN_OUT_PATH, STEP_UP_PATH, STYLESHEET_PATH,
};
use super::provisioning::{self, SCIM_PATH};
use super::signals::SIGNALS_PATH;
use crate::domain::event::EventKind;
use crate::domain::own_path::BACK_CHANNEL_PATH;
use crate::features::browser::script::{SCRIPT_PATH, SESSION_PATH, SIGNED_IN_PATH};

/// What is asked for at a path of ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum OwnPath {
    BackChannel,
    Beside,
    BreakGlass,
    BreakGlassEnd,
    BreakGlassText,
    Callback,
    DeviceKey,
    Held,
    Justify,
    Keys,
    Me,
    MeEnd,
    MeForget,
    Purpose,
    Scim,
    SignIn,
    SignOut,
    Signals,
    SignedOut,
    StepUp,
    Stylesheet,
}

/// A path of ours.
#[derive(Debug)]
pub(super) struct Row {
    path: &'static str,
    pub(super) is: OwnPath,
    takes: Takes,
    comer: Comer,
    pub(super) kind: EventKind,
}

/// With which methods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Takes {
    /// GET and HEAD.
    Get,
    Post,
    GetAndPost,
    /// Whatever is asked: it answers for itself.
    Any,
}

/// Who comes there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comer {
    /// A browser, by its cookies: what it posts has to come from a page of this host.
    Browser,
    /// Whoever brings a token, or an answer to what we have asked, by which alone they are known: no other site has a browser
    /// bring that.
    Bearer,
    /// Anybody: all are told the same.
    Anybody,
}

const ROWS: [Row; 25] = {
    use self::OwnPath as Is;
    use Comer::{Anybody, Bearer, Browser};
    use EventKind::{Administration, Authentication, OwnPath as Own, Provisioning};
    use Takes::{Any, Get, GetAndPost, Post};
    [
        row(BACK_CHANNEL_PATH, Is::BackChannel, Post, Bearer, Authentication),
        row(BREAK_GLASS_END_PATH, Is::BreakGlassEnd, Post, Browser, Own),
        row(BREAK_GLASS_PATH, Is::BreakGlass, GetAndPost, Browser, Own),
        row(BREAK_GLASS_TEXT_PATH, Is::BreakGlassText, Post, Browser, Own),
        row(CALLBACK_PATH, Is::Callback, Get, Browser, Authentication),
        row(DEVICE_KEY_PATH, Is::DeviceKey, Post, Bearer, Authentication),
        row(HELD_DISCARD_PATH, Is::Held, Post, Browser, Own),
        row(HELD_PATH, Is::Held, Get, Browser, Own),
        row(HELD_SHOW_PATH, Is::Held, Post, Browser, Own),
        row(JUSTIFY_PATH, Is::Justify, GetAndPost, Browser, Own),
        row(KEYS_PATH, Is::Keys, Get, Anybody, Own),
        row(ME_END_PATH, Is::MeEnd, Post, Browser, Authentication),
        row(ME_FORGET_PATH, Is::MeForget, Post, Browser, Own),
        row(ME_PATH, Is::Me, Get, Browser, Own),
        row(PURPOSE_PATH, Is::Purpose, GetAndPost, Browser, Own),
        row(SCIM_PATH, Is::Scim, Any, Bearer, Provisioning),
        row(SCRIPT_PATH, Is::Beside, Get, Anybody, Own),
        row(SESSION_PATH, Is::Beside, GetAndPost, Browser, Own),
        row(SIGNALS_PATH, Is::Signals, Post, Bearer, Administration),
        row(SIGNED_IN_PATH, Is::Beside, Get, Browser, Own),
        row(SIGNED_OUT_PATH, Is::SignedOut, Get, Browser, Own),
        row(SIGN_IN_PATH, Is::SignIn, GetAndPost, Browser, Authentication),
        row(SIGN_OUT_PATH, Is::SignOut, GetAndPost, Browser, Authentication),
        row(STEP_UP_PATH, Is::StepUp, Get, Browser, Authentication),
        row(STYLESHEET_PATH, Is::Stylesheet, Get, Anybody, Own),
    ]
};

const fn row(path: &'static str, is: OwnPath, takes: Takes, comer: Comer, kind: EventKind) -> Row {
    Row { path, is, takes, comer, kind }
}

/// Where applications find the keys of our assertions.
const KEYS_PATH: &str = "/.well-known/leastway/jwks.json";

impl Row {
    /// The row of a path, if there is one. Below two of them there are more.
    pub(super) fn of(path: &str) -> Option<&'static Self> {
        let path = match path {
            _ if callback::is_own(path) => CALLBACK_PATH,
            _ if provisioning::is_own(path) => SCIM_PATH,
            _ => path,
        };
        ROWS.iter().find(|row| row.path == path)
    }

    /// Whether it is asked with this method.
    pub(super) fn takes(&self, method: &Method) -> bool {
        let (get, post) = (matches!(*method, Method::GET | Method::HEAD), method == Method::POST);
        match self.takes {
            Takes::Get => get,
            Takes::Post => post,
            Takes::GetAndPost => get || post,
            Takes::Any => true,
        }
    }

    /// Whether what is posted there may come from anywhere.
    pub(super) fn minds_no_origin(&self) -> bool {
        match self.comer {
            Comer::Bearer => true,
            Comer::Browser | Comer::Anybody => false,
        }
    }

    /// Whether nothing needs to be known of anybody who asks.
    pub(super) fn asks_of_nobody(&self) -> bool {
        match self.comer {
            Comer::Anybody => true,
            Comer::Browser | Comer::Bearer => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::own_path::OWN_PREFIX;
    use crate::features::authn::ReturnTo;
    use crate::gateway::normalize;

    #[test]
    fn of_what_is_ours_a_sign_in_leads_back_to_pages_alone_that_show_somebody_what_is_theirs() {
        let ours = ROWS.iter().map(|row| row.path).filter(|path| path.starts_with(OWN_PREFIX));
        let back: Vec<_> = ours.filter(|path| ReturnTo::new(path).as_str() == *path).collect();
        assert_eq!(back, [ME_PATH, PURPOSE_PATH, SIGNED_IN_PATH]);
    }

    #[test]
    fn each_path_is_ours_and_there_once() {
        for row in &ROWS {
            assert!(normalize::own_path(&row.path.parse().unwrap()).is_some(), "{}", row.path);
            assert_eq!(ROWS.iter().filter(|other| other.path == row.path).count(), 1, "{}", row.path);
            assert_eq!(Row::of(row.path).map(|found| found.is), Some(row.is), "{}", row.path);
        }
        assert_eq!(Row::of("/.leastway/callback/clinic").map(|row| row.is), Some(OwnPath::Callback));
        assert_eq!(Row::of("/.leastway/scim/v2/Users/7").map(|row| row.is), Some(OwnPath::Scim));
        for none in ["/.leastway/", "/.leastway/scim/v22", "/.leastway/callback/Not a name", "/.leastway/me/"]
        {
            assert!(Row::of(none).is_none(), "{none}");
        }
    }

    #[test]
    fn whatever_changes_something_by_a_cookie_is_posted_from_a_page_of_ours() {
        let bearers = ROWS.iter().filter(|row| row.minds_no_origin()).map(|row| row.path);
        let expected = [BACK_CHANNEL_PATH, DEVICE_KEY_PATH, SCIM_PATH, SIGNALS_PATH];
        assert!(bearers.eq(expected));
        let nobody = ROWS.iter().filter(|row| row.asks_of_nobody()).map(|row| row.path);
        assert!(nobody.eq([KEYS_PATH, SCRIPT_PATH, STYLESHEET_PATH]));
        for row in &ROWS {
            assert!(row.takes == Takes::Any || !row.takes(&Method::PUT), "{}", row.path);
            assert!(!(row.asks_of_nobody() && row.takes(&Method::POST)), "{}", row.path);
        }
    }
}
