//! What every page that a person sees has in common: the language, the texts, the layout, the looks.
//!
//! Pages work without JavaScript and load nothing but their own stylesheet; one tells another window what it has done. Texts stand in message
//! files, one per language; templates escape whatever is filled in. The layout carries what WCAG 2.2
//! AA asks of every page: language, title, one first heading, landmarks, a way past the header.

use std::fmt;

use serde::Deserialize;

pub mod language;
pub mod messages;
#[cfg(test)]
mod tests;
pub mod time;

use language::Language;

/// The looks of every page, to be served at the path that [`Layout::stylesheet`] names.
pub const STYLESHEET: &str = include_str!("page.css");

/// What `layout.html` shows around a page's content.
#[derive(Debug)]
pub struct Layout<'a> {
    /// The language of the page.
    pub language: Language,
    /// The title; also the page's one first heading.
    pub title: String,
    /// The application that the page speaks of.
    pub application: Option<&'a str>,
    /// Who is signed in.
    pub person: Option<&'a str>,
    /// Where the person finds what concerns them.
    pub person_page: &'a str,
    /// What to name when asking for help; none where nobody else could help.
    pub reference: Option<String>,
    /// Where the stylesheet is.
    pub stylesheet: &'a str,
    /// A script that the page runs, never made of what anybody has entered. Its policy names it by its digest.
    pub script: Option<&'static str>,
    /// The layout's own words.
    pub texts: &'a LayoutTexts,
}

/// The layout's own words.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LayoutTexts {
    /// The link past the header.
    pub skip: String,
    /// Stands before the person's name.
    pub signed_in_as: String,
    /// The link to the person's own page.
    pub my_access: String,
    /// Stands before the reference.
    pub reference: String,
    /// What the reference is good for.
    pub reference_help: String,
    /// What an application is called where its name is not known.
    pub this_application: String,
    /// Whose page this is.
    pub footer: String,
}

impl fmt::Debug for LayoutTexts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("LayoutTexts(..)")
    }
}
