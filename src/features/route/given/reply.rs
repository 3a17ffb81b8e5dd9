//! What a reply hands out: in headers, links and bodies.

use std::ops::Range;

use http::HeaderMap;
use http::header::{CONTENT_ENCODING, CONTENT_TYPE, LINK};
use memchr::memmem;
use serde_json::value::RawValue;

use super::link::targets;
use super::settings::{Elsewhere, Give, ReplyPlace, RouteGiven};
use crate::domain::reply_shape::{RecordsPointer, Segment};

/// Something that a reply hands out. Prints none of it.
pub struct Gift<'g> {
    /// As what.
    pub give: &'g Give,
    /// The thing, or the address of a request that brings it.
    pub text: String,
    /// Where it stands in a JSON body, quotes and all.
    pub span: Option<Range<usize>>,
}

impl std::fmt::Debug for Gift<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gift").field("name", &self.give.name).finish_non_exhaustive()
    }
}

/// What a body that should hand something out is, where nothing can be found in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReplyFault {
    /// It says that it is JSON, and is not.
    #[error("a reply that hands something out is not JSON")]
    NotJson,
    /// It is compressed although that was not asked for.
    #[error("a reply that hands something out is compressed")]
    Coded,
    /// It is longer than what is held of a reply.
    #[error("a reply that hands something out is too long")]
    TooLong,
    /// It hands out more than [`GIFTS_MAX`] things.
    #[error("a reply hands out more than {GIFTS_MAX} things")]
    TooMany,
}

/// How many things one reply may hand out.
pub const GIFTS_MAX: usize = 10_000;
/// How long one of them may be: scroll identifiers of search engines grow with their shards.
pub const GIFT_BYTES_MAX: usize = 16 * 1024;

impl RouteGiven {
    /// Whether something is looked for in bodies of replies.
    pub fn reads_replies(&self) -> bool {
        self.gives.iter().any(|give| match give.at {
            ReplyPlace::Json(_) | ReplyPlace::Text(_) => true,
            ReplyPlace::Header(_) | ReplyPlace::Link(_) => false,
        })
    }

    /// Whether something may stand in the body of a reply with these headers: a file is not read for what JSON would
    /// hand out.
    pub fn reads_reply_of(&self, headers: &HeaderMap) -> bool {
        self.gives.iter().any(|give| match give.at {
            ReplyPlace::Json(_) => may_be_json(headers),
            ReplyPlace::Text(_) => true,
            ReplyPlace::Header(_) | ReplyPlace::Link(_) => false,
        })
    }

    /// Whether what is in a body that cannot be read may lead elsewhere, so that it is withheld.
    pub fn refuses_unread(&self) -> bool {
        let leads = |give: &Give| give.is_address && give.elsewhere == Elsewhere::Refuse;
        self.gives.iter().any(|give| leads(give) && matches!(give.at, ReplyPlace::Json(_)))
    }

    /// What headers hand out.
    pub fn in_headers(&self, headers: &HeaderMap) -> Result<Vec<Gift<'_>>, ReplyFault> {
        let mut gifts = Gifts(Vec::new());
        for give in &self.gives {
            match &give.at {
                ReplyPlace::Header(name) => {
                    for value in headers.get_all(name).iter().filter_map(|value| value.to_str().ok()) {
                        gifts.add(give, value.trim(), None)?;
                    }
                }
                ReplyPlace::Link(relation) => {
                    let values = headers.get_all(LINK).iter().filter_map(|value| value.to_str().ok());
                    for target in values.filter_map(|value| targets(value, relation).ok()).flatten() {
                        gifts.add(give, target, None)?;
                    }
                }
                ReplyPlace::Json(_) | ReplyPlace::Text(_) => {}
            }
        }
        Ok(gifts.0)
    }

    /// What a whole body hands out, under these headers.
    pub fn in_body(&self, headers: &HeaderMap, body: &[u8]) -> Result<Vec<Gift<'_>>, ReplyFault> {
        let mut gifts = Gifts(Vec::new());
        if body.is_empty() {
            return Ok(gifts.0);
        }
        if headers.get(CONTENT_ENCODING).is_some_and(|it| !it.as_bytes().eq_ignore_ascii_case(b"identity")) {
            return Err(ReplyFault::Coded);
        }
        for give in &self.gives {
            match &give.at {
                ReplyPlace::Json(pointer) if holds_json(headers, body) => {
                    gifts.add_json(give, pointer, body)?;
                }
                ReplyPlace::Text(mark) => gifts.add_texts(give, mark, body)?,
                ReplyPlace::Json(_) | ReplyPlace::Header(_) | ReplyPlace::Link(_) => {}
            }
        }
        Ok(gifts.0)
    }
}

/// Whether a reply says that it is JSON, or may be JSON under a type that some applications give it.
fn may_be_json(headers: &HeaderMap) -> bool {
    let essence = essence(headers);
    is_json(&essence)
        || matches!(&*essence, "" | "text/json" | "text/html" | "text/plain" | "application/octet-stream")
}

fn is_json(essence: &str) -> bool {
    essence == "application/json" || essence.ends_with("+json")
}

fn essence(headers: &HeaderMap) -> String {
    let kind = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase()
}

/// Whether a body is JSON by its type, or under a type that may hold it by how it begins.
fn holds_json(headers: &HeaderMap, body: &[u8]) -> bool {
    let begins = || matches!(body.trim_ascii_start().first(), Some(b'{' | b'['));
    is_json(&essence(headers)) || may_be_json(headers) && begins()
}

struct Gifts<'g>(Vec<Gift<'g>>);

impl<'g> Gifts<'g> {
    /// What is too long is nothing that anybody could bring back.
    fn add(&mut self, give: &'g Give, text: &str, span: Option<Range<usize>>) -> Result<(), ReplyFault> {
        if text.is_empty() || text.len() > GIFT_BYTES_MAX {
            return Ok(());
        }
        if self.0.len() >= GIFTS_MAX {
            return Err(ReplyFault::TooMany);
        }
        self.0.push(Gift { give, text: text.to_owned(), span });
        Ok(())
    }

    fn add_json(&mut self, give: &'g Give, pointer: &RecordsPointer, body: &[u8]) -> Result<(), ReplyFault> {
        let text = std::str::from_utf8(body).map_err(|_| ReplyFault::NotJson)?;
        let whole: &RawValue = serde_json::from_str(text).map_err(|_| ReplyFault::NotJson)?;
        let mut found = Vec::new();
        collect(whole, pointer.segments(), &mut found)?;
        for value in found {
            let Some(scalar) = scalar(value.get()) else { continue };
            self.add(give, &scalar, place(text, value.get()))?;
        }
        Ok(())
    }

    fn add_texts(&mut self, give: &'g Give, mark: &str, body: &[u8]) -> Result<(), ReplyFault> {
        for start in memmem::find_iter(body, mark).map(|at| at + mark.len()) {
            let after = body.get(start..).unwrap_or_default();
            let end = after.iter().position(|byte| !is_unreserved(*byte)).unwrap_or(after.len());
            let text = after.get(..end).and_then(|text| std::str::from_utf8(text).ok());
            self.add(give, text.unwrap_or_default(), None)?;
        }
        Ok(())
    }
}

/// All that a pointer leads to. A name that is there twice is looked for in both: readers take the one or the other.
fn collect<'v>(
    value: &'v RawValue,
    segments: &[Segment],
    found: &mut Vec<&'v RawValue>,
) -> Result<(), ReplyFault> {
    let Some((segment, rest)) = segments.split_first() else {
        if found.len() >= GIFTS_MAX {
            return Err(ReplyFault::TooMany);
        }
        found.push(value);
        return Ok(());
    };
    let text = value.get();
    if text.starts_with('[') {
        let elements: Vec<&RawValue> = serde_json::from_str(text).map_err(|_| ReplyFault::NotJson)?;
        match segment {
            Segment::Every => elements.into_iter().try_for_each(|it| collect(it, rest, found)),
            Segment::Named { index, .. } => {
                let index = index.and_then(|index| usize::try_from(index).ok());
                index.and_then(|at| elements.get(at)).map_or(Ok(()), |it| collect(it, rest, found))
            }
        }
    } else if text.starts_with('{')
        && let Segment::Named { name, .. } = segment
    {
        let Members(members) = serde_json::from_str(text).map_err(|_| ReplyFault::NotJson)?;
        let named = members.into_iter().filter(|(known, _)| known.as_bytes() == &**name);
        named.map(|(_, member)| member).try_for_each(|it| collect(it, rest, found))
    } else {
        Ok(())
    }
}

/// The members of an object, also where a name is there twice.
struct Members<'v>(Vec<(String, &'v RawValue)>);

impl<'de: 'v, 'v> serde::Deserialize<'de> for Members<'v> {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Visitor;
        impl<'de> serde::de::Visitor<'de> for Visitor {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: serde::de::MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Members(members))
            }
        }
        deserializer.deserialize_map(Visitor)
    }
}

/// The text of a string, or a number as it is written. Nothing else is handed out.
fn scalar(raw: &str) -> Option<String> {
    if raw.starts_with('"') {
        return serde_json::from_str(raw).ok();
    }
    raw.starts_with(|sign: char| sign == '-' || sign.is_ascii_digit()).then(|| raw.to_owned())
}

/// Where `part`, which was cut out of `text`, stands in it.
fn place(text: &str, part: &str) -> Option<Range<usize>> {
    let start = part.as_ptr().addr().checked_sub(text.as_ptr().addr())?;
    let end = start.checked_add(part.len())?;
    (text.get(start..end)? == part).then_some(start..end)
}

const fn is_unreserved(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~')
}
