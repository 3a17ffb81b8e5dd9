//! XML-RPC: the one method that a document calls.
//!
//! Entity-free: a document type, a processing instruction, a comment or a reference to an entity other
//! than XML's own five is refused, so there is nothing to expand and nothing to fetch. What stands
//! around the method's name has one form.

use quick_xml::Reader;
use quick_xml::events::{BytesDecl, BytesRef, BytesStart, Event};

use super::call::{Call, method_named};
use super::media_type::is_known_charset;

/// How deep elements may stand in each other.
const DEPTH_MAX: usize = 64;

/// The method that a document calls; `None` if it is not XML-RPC with one reading.
pub(super) fn method(bytes: &[u8]) -> Option<Call> {
    let text = std::str::from_utf8(bytes).ok().filter(|text| !text.starts_with('\u{feff}'))?;
    // XML has no other control characters (XML 1.0 section 2.2), wherever they stand.
    if text.bytes().any(|byte| byte < 0x20 && !b"\t\r\n".contains(&byte)) {
        return None;
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut document = Document::default();
    let mut is_first = true;
    loop {
        match reader.read_event().ok()? {
            Event::Decl(declaration) if is_first => is_plain(&declaration).then_some(())?,
            Event::Start(start) => document.open(&start)?,
            Event::Empty(start) => {
                document.open(&start)?;
                document.close()?;
            }
            Event::End(_) => document.close()?,
            Event::Text(text) => document.text(&text)?,
            Event::CData(text) => document.data(&text)?,
            Event::GeneralRef(reference) => document.reference(&reference)?,
            Event::Eof => return document.method(),
            Event::Decl(_) | Event::Comment(_) | Event::PI(_) | Event::DocType(_) => return None,
        }
        is_first = false;
    }
}

/// `<methodCall>`, in it `<methodName>` and then perhaps `<params>`.
#[derive(Default)]
struct Document {
    depth: usize,
    place: Place,
    name: String,
}

#[derive(Clone, Copy, Default, PartialEq, Eq)]
enum Place {
    #[default]
    Before,
    InCall,
    InName,
    AfterName,
    InParams,
    AfterParams,
    End,
}

impl Document {
    fn open(&mut self, start: &BytesStart<'_>) -> Option<()> {
        self.depth += 1;
        if self.depth > DEPTH_MAX {
            return None;
        }
        self.place = match (self.place, start.name().as_ref()) {
            (Place::Before, "methodCall") => Place::InCall,
            (Place::InCall, "methodName") => Place::InName,
            (Place::AfterName, "params") => Place::InParams,
            // Of what is called with, only that it is well formed matters; a second name is somebody's first.
            (Place::InParams, name) if !name.contains("methodName") => Place::InParams,
            _ => return None,
        };
        start.attributes_raw().trim().is_empty().then_some(())
    }

    fn close(&mut self) -> Option<()> {
        self.depth = self.depth.checked_sub(1)?;
        self.place = match self.place {
            Place::InName => Place::AfterName,
            Place::InParams if self.depth == 1 => Place::AfterParams,
            Place::InParams => Place::InParams,
            Place::AfterName | Place::AfterParams if self.depth == 0 => Place::End,
            Place::Before | Place::InCall | Place::AfterName | Place::AfterParams | Place::End => {
                return None;
            }
        };
        Some(())
    }

    fn text(&mut self, text: &str) -> Option<()> {
        let plain = !text.chars().any(|character| character.is_control() && !"\t\r\n".contains(character));
        match self.place {
            Place::InName => self.name.push_str(text),
            Place::InParams => {}
            Place::Before | Place::InCall | Place::AfterName | Place::AfterParams | Place::End => {
                return text.bytes().all(|byte| byte.is_ascii_whitespace()).then_some(());
            }
        }
        plain.then_some(())
    }

    fn data(&self, text: &str) -> Option<()> {
        (self.place == Place::InParams && !text.contains('\0')).then_some(())
    }

    fn reference(&self, reference: &BytesRef<'_>) -> Option<()> {
        let is_plain = match reference.resolve_char_ref().ok()? {
            Some(character) => !character.is_control() || "\t\r\n".contains(character),
            None => matches!(&**reference, "amp" | "lt" | "gt" | "quot" | "apos"),
        };
        (self.place == Place::InParams && is_plain).then_some(())
    }

    fn method(self) -> Option<Call> {
        let named = |byte: u8| byte.is_ascii_alphanumeric() || b"_.:/-".contains(&byte);
        (self.place == Place::End && self.name.bytes().all(named)).then_some(())?;
        method_named(&self.name).ok()
    }
}

/// An XML declaration that says no other encoding than one we read.
fn is_plain(declaration: &BytesDecl<'_>) -> bool {
    let version = declaration.version().is_ok_and(|version| version == "1.0");
    // What does not look for the end of the declaration would find an element in it.
    version
        && !declaration.contains('<')
        && match declaration.encoding() {
            None => true,
            Some(encoding) => encoding.is_ok_and(|encoding| is_known_charset(&encoding)),
        }
}
