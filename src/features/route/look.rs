//! What a route looks like, in one line: for people who compare two configurations.

use std::fmt;

use super::settings::{Condition, Match, Test};

impl fmt::Display for Match {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Taken apart, so that what is added cannot be forgotten here.
        let Self { methods, path, query, form, json, calls, header } = self;
        let methods: Vec<_> = methods.iter().map(http::Method::as_str).collect();
        let methods = if methods.is_empty() { "any method".to_owned() } else { methods.join(",") };
        write!(f, "{methods} {path}")?;
        for (kind, conditions) in
            [("query", query), ("form", form), ("json", json), ("calls", calls), ("header", header)]
        {
            conditions.iter().try_for_each(|condition| write!(f, ", {kind} {condition}"))?;
        }
        Ok(())
    }
}

impl fmt::Display for Condition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let key = self.key.escape_debug();
        match &self.test {
            Test::Present => write!(f, "{key} present"),
            Test::Absent => write!(f, "{key} absent"),
            Test::Equals(value) => write!(f, "{key}={}", value.escape_debug()),
            Test::OneOf(values) => {
                let values: Vec<_> = values.iter().map(|value| value.escape_debug().to_string()).collect();
                write!(f, "{key}={}", values.join("|"))
            }
        }
    }
}
