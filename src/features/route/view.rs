//! What a request looks like to this feature: plain words, filled in by the gateway.

use http::{HeaderMap, Method};

use super::fields::Fields;

/// A request as it was normalized, and as it will be forwarded.
#[derive(Clone, Copy)]
pub struct RequestView<'a> {
    /// Its path.
    pub path: PathView<'a>,
    /// Its method.
    pub method: &'a Method,
    /// The parameters of its query.
    pub query: &'a Fields,
    /// Those of its headers that the application will see.
    pub headers: &'a HeaderMap,
}

impl std::fmt::Debug for RequestView<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestView").field("method", self.method).finish_non_exhaustive()
    }
}

/// The segments of a path, twice: a trailing slash adds none.
#[derive(Clone, Copy, Debug)]
pub struct PathView<'a> {
    /// As they are compared: letter case folded where the application folds it.
    pub matched: Segments<'a>,
    /// As they were written, decoded: what a capture takes.
    pub decoded: Segments<'a>,
}

/// Segments of a path: places in one text. Prints nothing of it, for a path may name a patient.
#[derive(Clone, Copy)]
pub struct Segments<'a> {
    text: &'a str,
    spans: &'a [Span],
}

impl<'a> Segments<'a> {
    /// The places `spans` of `text`.
    pub const fn new(text: &'a str, spans: &'a [Span]) -> Self {
        Self { text, spans }
    }

    /// The segment at `position`.
    pub fn get(&self, position: usize) -> Option<&'a str> {
        self.spans.get(position).map(|span| span.of(self.text))
    }

    /// How many there are; none in `/`.
    pub const fn len(&self) -> usize {
        self.spans.len()
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// All but the last.
    #[must_use]
    pub fn without_last(&self) -> Self {
        Self { text: self.text, spans: self.spans.split_last().map_or(&[], |(_, before)| before) }
    }

    /// All of them, from the left.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a str> + use<'a> {
        let text = self.text;
        self.spans.iter().map(move |span| span.of(text))
    }
}

impl std::fmt::Debug for Segments<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Segments({})", self.spans.len())
    }
}

/// A place in a text of at most 4 GiB.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    start: u32,
    end: u32,
}

impl Span {
    /// From `start` until just before `end`. A place beyond 4 GiB is empty: every text that is read
    /// here is bounded far below.
    pub fn new(start: usize, end: usize) -> Self {
        match (u32::try_from(start), u32::try_from(end)) {
            (Ok(start), Ok(end)) => Self { start, end },
            _ => Self { start: 0, end: 0 },
        }
    }

    /// What stands there in `text`.
    pub fn of(self, text: &str) -> &str {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}
