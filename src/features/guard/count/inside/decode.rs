//! What a string of JSON means, and what it holds in base64, in pieces.

use base64::Engine as _;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use crate::domain::count::WhyUnknown;
use crate::domain::reply_shape::Encoding;
use crate::features::guard::count::text::Text;

/// The state between two pieces.
#[derive(Debug)]
pub(super) struct Decode {
    encoding: Encoding,
    /// An escape that is not complete.
    escape: Vec<u8>,
    /// Signs of base64 that do not make three bytes yet.
    signs: Vec<u8>,
    /// Padding came: nothing follows.
    padded: bool,
    /// Decoded text that is handed on together.
    text: Vec<u8>,
}

/// So much is decoded at once; it is a multiple of four.
const SIGNS: usize = 4096;

/// Padded or not, as FHIR has it and as others leave it out.
const ENGINE: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::RequireNone),
);

impl Decode {
    pub(super) const fn new(encoding: Encoding) -> Self {
        Self { encoding, escape: Vec::new(), signs: Vec::new(), padded: false, text: Vec::new() }
    }

    /// Decodes the next part of a string as it is written.
    pub(super) fn push(&mut self, raw: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        let mut rest = raw;
        while let Some((&byte, after)) = rest.split_first() {
            if !self.escape.is_empty() {
                self.escape.push(byte);
                rest = after;
                self.end_escape(look)?;
            } else if byte == b'\\' {
                self.escape.push(byte);
                rest = after;
            } else {
                let end = memchr::memchr(b'\\', rest).unwrap_or(rest.len());
                let (plain, after) = rest.split_at_checked(end).unwrap_or((rest, &[]));
                self.plain(plain, look)?;
                rest = after;
            }
        }
        Ok(())
    }

    /// The string is complete.
    pub(super) fn finish(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        self.padded = false;
        self.flush(look)
    }

    /// Reads the escape once it is complete: a letter, or four digits. A surrogate stands for itself, for it is no sign of
    /// any structure.
    fn end_escape(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        let length = if self.escape.get(1) == Some(&b'u') { 6 } else { 2 };
        if self.escape.len() < length {
            return Ok(());
        }
        let escape = std::mem::take(&mut self.escape);
        self.plain(&Text::new(&escape).decoded(), look)
    }

    fn plain(&mut self, text: &[u8], look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        match self.encoding {
            Encoding::Text => {
                look(text);
                Ok(())
            }
            Encoding::Base64 => text.iter().try_for_each(|sign| self.sign(*sign, look)),
        }
    }

    fn sign(&mut self, sign: u8, look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        let sign = match sign {
            b' ' | b'\t' | b'\r' | b'\n' => return Ok(()),
            b'=' => {
                self.padded = true;
                return Ok(());
            }
            _ if self.padded => return Err(WhyUnknown::Undecodable),
            // RFC 4648 section 5.
            b'-' => b'+',
            b'_' => b'/',
            other => other,
        };
        self.signs.push(sign);
        if self.signs.len() == SIGNS { self.flush(look) } else { Ok(()) }
    }

    fn flush(&mut self, look: &mut dyn FnMut(&[u8])) -> Result<(), WhyUnknown> {
        self.text.clear();
        ENGINE.decode_vec(&self.signs, &mut self.text).map_err(|_| WhyUnknown::Undecodable)?;
        self.signs.clear();
        if !self.text.is_empty() {
            look(&self.text);
        }
        Ok(())
    }
}
