//! The routes as a file to be read, corrected and included.

use std::collections::BTreeSet;
use std::fmt::{self, Write as _};

use super::guess::{Guess, guess};
use super::{Learning, Met, Proposal};

impl Learning {
    /// The routes as TOML, each with what speaks for it.
    pub fn propose(self) -> String {
        let mut text = String::new();
        // Writing to a string cannot fail.
        let _written = self.write(&mut text);
        text
    }

    fn write(self, text: &mut String) -> fmt::Result {
        let Self { application, tree, requests, failed, left_out, first, last } = self;
        writeln!(
            text,
            "# Routes of `{application}` as {requests} requests were observed that none matched{}.",
            match (first, last) {
                (Some(first), Some(last)) => format!(", {first} to {last}"),
                (None, _) | (_, None) => String::new(),
            }
        )?;
        writeln!(
            text,
            "# Names, actions and what is counted are guesses: read each before it counts. No role may use the category"
        )?;
        writeln!(text, "# `{CATEGORY}`: write what kind of data it is instead.")?;
        if failed > 0 {
            writeln!(text, "# {failed} requests more were answered by an error, and make no route.")?;
        }
        if left_out > 0 {
            writeln!(
                text,
                "# {left_out} requests more led to paths that are too deep or too many to be told apart."
            )?;
        }
        let mut names = BTreeSet::new();
        for Proposal { pattern, methods } in tree.proposals() {
            for (method, met) in &methods {
                let name = name(&pattern, method, methods.len() > 1, &mut names);
                route(text, application.as_str(), (&name, &pattern), method, met)?;
            }
        }
        Ok(())
    }
}

fn route(
    text: &mut String,
    application: &str,
    (name, pattern): (&str, &str),
    method: &str,
    met: &Met,
) -> fmt::Result {
    let Guess { action, reply, signs } = guess(method, met);
    let (requests, people) =
        (counted(met.requests, "request", "requests"), counted(met.people.len() as u64, "person", "people"));
    write!(text, "\n# {requests} of {people}, at most {} bytes", met.bytes)?;
    if !met.media_types.is_empty() {
        write!(text, "; {}", joined(met.media_types.keys()))?;
    }
    if !met.query_keys.is_empty() {
        write!(text, "; parameters {}", joined(met.query_keys.iter()))?;
    }
    writeln!(text)?;
    if !signs.is_empty() {
        writeln!(text, "# Candidate export: {}", signs.join(", "))?;
    }
    writeln!(text, "[[application.{}.route]]", quoted(application))?;
    writeln!(text, "name = {}", quoted(name))?;
    writeln!(text, "match = {{ method = [{}], path = {} }}", quoted(method), quoted(pattern))?;
    writeln!(text, "action = {}\ncategory = [\"{CATEGORY}\"]", quoted(action.as_str()))?;
    match reply {
        Some(reply) => writeln!(text, "reply = {{ {reply} }}"),
        None => Ok(()),
    }
}

/// A name by the words of the path, that no other route has.
fn name(pattern: &str, method: &str, several: bool, taken: &mut BTreeSet<String>) -> String {
    let known = |symbol: char| symbol.is_ascii_alphanumeric() || matches!(symbol, '-' | '_');
    let words =
        pattern.split('/').map(|word| word.chars().filter(|symbol| known(*symbol)).collect::<String>());
    let mut words: Vec<_> = words.filter(|word| !word.is_empty()).collect();
    if words.is_empty() {
        words.push("home".to_owned());
    }
    if several && method != "GET" {
        words.push(method.to_ascii_lowercase());
    }
    // Names have 64 characters at most, and a number may follow.
    let base: String = words.join(".").chars().take(56).collect();
    let numbered =
        (1_u32..).map(|number| if number == 1 { base.clone() } else { format!("{base}.{number}") });
    let name = numbered.take(usize::MAX).find(|name| !taken.contains(name)).unwrap_or(base);
    taken.insert(name.clone());
    name
}

fn counted(number: u64, one: &str, several: &str) -> String {
    format!("{number} {}", if number == 1 { one } else { several })
}

fn joined<'a>(words: impl Iterator<Item = &'a String>) -> String {
    words.map(String::as_str).collect::<Vec<_>>().join(", ")
}

/// A basic string of TOML.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for symbol in text.chars() {
        if matches!(symbol, '"' | '\\') {
            quoted.push('\\');
        }
        quoted.push(if symbol.is_control() { '?' } else { symbol });
    }
    quoted.push('"');
    quoted
}

/// A category that no role has been given.
const CATEGORY: &str = "to-be-sorted";
