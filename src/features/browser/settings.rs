//! What is declared of an application's pages.

use std::time::Duration;

use http::Method;
use http::uri::PathAndQuery;

/// What is declared of one application's pages.
#[derive(Clone, Debug)]
pub struct BrowserSettings {
    /// Which other origins may ask it by script, where the application does not answer for that itself. Default none.
    pub cors: Option<CorsSettings>,
    /// The script beside its pages. Default none.
    pub script: ScriptUse,
    /// How it is signed out. Default: it is not, and its cookies stay.
    pub sign_out: Option<SignOutSettings>,
}

/// Which other origins may read what we refuse, and ask first whether they may send (Fetch standard, 3.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CorsSettings {
    /// Origins as browsers write them: `https://host`, with a port if it is not 443. Compared byte for byte.
    pub origins: Vec<String>,
    /// Whether their scripts may send the browser's cookies. Default yes: without, nobody is signed in.
    pub credentials: bool,
    /// The methods that they may use beside GET, HEAD and POST.
    pub methods: Vec<Method>,
    /// The headers that they may send beside the plain ones; lower case.
    pub headers: Vec<String>,
    /// How long a browser may remember it. 0 s to 24 h, default 10 min.
    pub max_age: Duration,
}

crate::domain::closed_list! {
    /// Whether our script stands beside an application's pages.
    ScriptUse {
        /// It is not to be had.
        None = "none",
        /// Whoever makes the pages puts it there.
        Serve = "serve",
        /// We put it there.
        Inject = "inject",
    }
}

/// How an application is signed out.
#[derive(Clone, Debug)]
pub struct SignOutSettings {
    /// By which request: GET or POST.
    pub method: Method,
    /// For what: a path of the application, with a query if it needs one.
    pub path: PathAndQuery,
    /// The cookies that are its session. Taken away from the browser; where a request brings none of them there is
    /// nothing to be signed out. Empty: it is always asked, and none is taken away.
    pub cookies: Vec<String>,
    /// The `Path`s with which the application may have set them.
    pub cookie_paths: Vec<String>,
    /// The `Domain`s with which it may have.
    pub cookie_domains: Vec<String>,
    /// What else the browser forgets of the host (`Clear-Site-Data`). Default cache and storage.
    pub clear: Vec<Clear>,
    /// Whether somebody who asks for `path` is signed out here and at the provider too.
    pub ends_session: bool,
}

crate::domain::closed_list! {
    /// What a browser keeps of a host beside cookies.
    Clear {
        /// Pages and pictures.
        Cache = "cache",
        /// What scripts have kept.
        Storage = "storage",
    }
}
