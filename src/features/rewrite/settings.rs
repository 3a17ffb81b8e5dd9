//! What is rewritten in an application's replies.

/// What is rewritten in an application's replies.
#[derive(Clone, Debug)]
pub struct RewriteSettings {
    /// Whether `Location`, `Content-Location` and `Refresh` that point at its own servers are turned to
    /// the address that callers know. Default yes.
    pub locations: bool,
    /// Its cookies.
    pub cookies: CookieRewrite,
    /// What is looked for in its pages. Default nothing, at most 8.
    pub literals: Vec<Literal>,
}

/// What is changed of the cookies that an application sets.
#[derive(Clone, Debug)]
pub struct CookieRewrite {
    /// Which `Domain` is taken away.
    pub domain: CookieDomain,
    /// The `Path` that every cookie gets; `None`: as it came.
    pub path: Option<String>,
    /// Whether `Secure` is added: callers only ever come by TLS. Default yes.
    pub secure: bool,
    /// The `SameSite` of cookies that say none; `None`: they go on saying none.
    pub same_site: Option<SameSite>,
}

crate::domain::closed_list! {
    /// Which `Domain` of a cookie is taken away, so that it stays with the host that callers see.
    CookieDomain {
        /// One that names the application's own servers.
        Own = "own",
        /// Any.
        Any = "any",
        /// None.
        None = "none",
    }
}

crate::domain::closed_list! {
    /// When a cookie is sent along from other sites.
    SameSite {
        /// Never.
        Strict = "strict",
        /// When somebody follows a link.
        Lax = "lax",
        /// Always.
        None = "none",
    }
}

/// A text that is looked for in pages.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Literal {
    /// What is looked for: 4 to 256 bytes.
    pub find: String,
    /// What is put in its place: at most 256 bytes.
    pub replace: String,
}
