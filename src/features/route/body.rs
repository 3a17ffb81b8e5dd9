//! The body of a request, where a route depends on it, read whole within bounds: a form, JSON, XML-RPC
//! or GraphQL, and what it calls by name.
//!
//! Fails closed: a body that cannot be read, or that an application could read as something else
//! than its media type says, is refused as `body-unreadable`. The body forwarded is the body judged:
//! what is compressed is judged by a decoded copy.

use std::borrow::Cow;

use http::HeaderMap;

use super::call::{Call, Calls};
use super::fields::{Fields, FieldsFault};
use super::media_type::MediaType;
use super::{graphql, json, multipart, xml_rpc};
use crate::platform::http::coding::{Coding, Decoder};

/// The body of a request. Prints none of it.
#[derive(Clone, Debug)]
pub struct Body {
    content: Content,
    calls: Vec<Call>,
    answers: BodyNeeds,
}

/// What a body holds.
#[derive(Clone)]
pub enum Content {
    /// Nothing.
    Empty,
    /// The fields of a form, URL-encoded or multipart.
    Form(Fields),
    /// A JSON document without duplicate keys.
    Json(serde_json::Value),
    /// Text of which only its calls are told: XML-RPC, or GraphQL alone.
    Calls,
}

impl std::fmt::Debug for Content {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Empty => "Empty",
            Self::Form(_) => "Form(..)",
            Self::Json(_) => "Json(..)",
            Self::Calls => "Calls",
        })
    }
}

/// Which kinds of body the routes ask about that a request may be.
#[expect(clippy::struct_excessive_bools, reason = "a set of four, each by its name")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct BodyNeeds {
    /// The fields of a form.
    pub form: bool,
    /// The members of a JSON document.
    pub json: bool,
    /// The methods of JSON-RPC or XML-RPC.
    pub rpc: bool,
    /// The operations of GraphQL, in the body or in the query.
    pub graphql: bool,
}

/// How much of a body is read.
#[derive(Clone, Copy, Debug)]
pub struct BodyLimits {
    /// How large it may be, decoded.
    pub bytes_max: usize,
    /// How many bytes one compressed byte may become after the first MiB.
    pub ratio_max: u32,
}

/// Why a body cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BodyFault {
    /// Its media type is missing, repeated, malformed or not one that the routes ask about.
    #[error("the body's media type is not one that the route can be told by")]
    MediaType,
    /// Its content coding is one that we do not decode, it does not decode, or it is of a kind that
    /// applications read without decoding.
    #[error("the body has a content coding that is not read")]
    Coding,
    /// It is larger than the bound when it is decoded.
    #[error("the body is too large when it is decoded")]
    TooLarge,
    /// It says a character encoding that is not a superset of ASCII.
    #[error("the body's character encoding is not one that we read")]
    Charset,
    /// The fields of a form are malformed.
    #[error("{0}")]
    Fields(#[from] FieldsFault),
    /// A form begins like a document of another kind.
    #[error("the form could be read as a document of another kind")]
    Lookalike,
    /// A multipart body is malformed, or more lenient readers would read it differently.
    #[error("the multipart body is malformed")]
    Multipart,
    /// JSON is malformed, has duplicate keys or is too deep.
    #[error("the JSON body is malformed, has duplicate keys or is too deep")]
    Json,
    /// XML is not a call of XML-RPC with one reading.
    #[error("the XML body is not XML-RPC with one reading")]
    Xml,
    /// A call by name is malformed, calls within calls, or there are too many.
    #[error("the body's calls are malformed, nested or too many")]
    Calls,
    /// GraphQL is malformed, or servers would run different things.
    #[error("the GraphQL request is malformed, too deep or can be read in two ways")]
    Graphql,
    /// A GraphQL query is named and not written, and no route is for that.
    #[error("the GraphQL query is persisted, and no route says `persisted`")]
    Persisted,
    /// It is not a batch or transaction of FHIR with one reading.
    #[error("the body is not a FHIR batch or transaction with one reading")]
    Bundle,
}

impl BodyNeeds {
    /// Whether nothing is asked.
    pub const fn is_nothing(self) -> bool {
        !(self.form || self.json || self.rpc || self.graphql)
    }

    /// What either asks.
    #[must_use]
    pub const fn and(self, other: Self) -> Self {
        Self {
            form: self.form || other.form,
            json: self.json || other.json,
            rpc: self.rpc || other.rpc,
            graphql: self.graphql || other.graphql,
        }
    }

    /// Whether it asks for all that `other` asks.
    pub fn covers(self, other: Self) -> bool {
        self.and(other) == self
    }
}

impl Body {
    /// There is none. Of GraphQL the query may still speak.
    pub const fn none() -> Self {
        let answers = BodyNeeds { form: true, json: true, rpc: true, graphql: false };
        Self { content: Content::Empty, calls: Vec::new(), answers }
    }

    /// The body of an entry of a batch, which was read with the batch.
    pub fn of_entry(resource: Option<serde_json::Value>) -> Self {
        let answers = BodyNeeds { form: true, json: true, rpc: false, graphql: false };
        Self { content: resource.map_or(Content::Empty, Content::Json), calls: Vec::new(), answers }
    }

    /// Reads a whole body, of which `needs` says what the routes ask about. `query` are the parameters
    /// of the request's query, for GraphQL is asked there as well.
    pub fn read(
        headers: &HeaderMap,
        query: &Fields,
        bytes: &[u8],
        needs: BodyNeeds,
        limits: BodyLimits,
    ) -> Result<Self, BodyFault> {
        let mut calls = Calls::default();
        let is_in_query = needs.graphql && graphql::add_fields(query, &mut calls)?;
        let content = if bytes.is_empty() {
            Content::Empty
        } else {
            content(headers, bytes, needs, limits, &mut calls)?
        };
        // Of a query in the address and another in the body, servers run the one or the other.
        if is_in_query && !bytes.is_empty() {
            return Err(BodyFault::Graphql);
        }
        Ok(Self { content, calls: calls.into_vec(), answers: needs })
    }

    /// What it holds.
    pub const fn content(&self) -> &Content {
        &self.content
    }

    /// What it calls by name.
    pub fn calls(&self) -> &[Call] {
        &self.calls
    }

    /// What it was read for.
    pub(super) const fn answers(&self) -> BodyNeeds {
        self.answers
    }
}

fn content(
    headers: &HeaderMap,
    bytes: &[u8],
    needs: BodyNeeds,
    limits: BodyLimits,
    calls: &mut Calls,
) -> Result<Content, BodyFault> {
    let media_type = MediaType::of(headers).ok_or(BodyFault::MediaType)?;
    if !media_type.has_known_charset() {
        return Err(BodyFault::Charset);
    }
    let coding = Coding::read(headers);
    let may_form = needs.form || needs.graphql;
    if media_type.is_json() && (needs.json || needs.rpc || needs.graphql) {
        let document = json::parse(&decoded(coding, bytes, limits)?).ok_or(BodyFault::Json)?;
        if needs.rpc || needs.graphql {
            calls.add_document(&document, needs)?;
        }
        return Ok(Content::Json(document));
    }
    if media_type.is_xml() && needs.rpc {
        let method = xml_rpc::method(&decoded(coding, bytes, limits)?).ok_or(BodyFault::Xml)?;
        calls.add(method)?;
        return Ok(Content::Calls);
    }
    // Applications of old take a form as it comes, whatever its coding says. A name in the head of a gzip
    // file can hold fields that the decoded form does not.
    if coding != Coding::Identity {
        return Err(BodyFault::Coding);
    }
    if media_type.is("application/graphql") && needs.graphql {
        graphql::add_text(bytes, calls)?;
        return Ok(Content::Calls);
    }
    let fields = if media_type.is_url_encoded() && may_form {
        check_lookalike(bytes, needs)?;
        Fields::parse(bytes)?
    } else if media_type.is_multipart() && may_form {
        let boundary = media_type.parameter("boundary").ok_or(BodyFault::Multipart)?;
        multipart::parse(boundary, bytes)?
    } else {
        return Err(BodyFault::MediaType);
    };
    if needs.graphql {
        graphql::add_fields(&fields, calls)?;
    }
    Ok(Content::Form(fields))
}

/// The bytes that a coded body stands for, within its bounds. The coded bytes must not begin like text,
/// so that an application which does not decode can make nothing of them.
fn decoded(coding: Coding, bytes: &[u8], limits: BodyLimits) -> Result<Cow<'_, [u8]>, BodyFault> {
    if coding == Coding::Identity {
        return Ok(bytes.into());
    }
    if begins_like_a_document(bytes) {
        return Err(BodyFault::Coding);
    }
    let mut decoder = Decoder::new(coding, limits.ratio_max).map_err(|_| BodyFault::Coding)?;
    let (mut whole, mut is_too_large) = (Vec::new(), false);
    // In pieces, so that what is too large is not decoded to its end.
    for piece in bytes.chunks(PIECE_BYTES) {
        let pushed = decoder.push(piece, &mut |plain| {
            is_too_large |= whole.len() + plain.len() > limits.bytes_max;
            if !is_too_large {
                whole.extend_from_slice(plain);
            }
        });
        if is_too_large {
            return Err(BodyFault::TooLarge);
        }
        pushed.map_err(|_| BodyFault::Coding)?;
    }
    decoder.finish().map_err(|_| BodyFault::Coding)?;
    Ok(whole.into())
}

const PIECE_BYTES: usize = 1024;

/// Some applications look at how a body begins rather than at its type.
fn check_lookalike(bytes: &[u8], needs: BodyNeeds) -> Result<(), BodyFault> {
    let others = needs.json || needs.rpc || needs.graphql;
    if others && begins_like_a_document(bytes) { Err(BodyFault::Lookalike) } else { Ok(()) }
}

fn begins_like_a_document(bytes: &[u8]) -> bool {
    let first = bytes.iter().find(|byte| !byte.is_ascii_whitespace() && **byte != 0);
    matches!(first, None | Some(b'{' | b'[' | b'"' | b'<' | 0xef | 0xfe | 0xff))
        || bytes.first().is_some_and(u8::is_ascii_whitespace)
}
