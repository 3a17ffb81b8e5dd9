//! A line of CEF as a receiver takes it apart: by the escapes of the format, not by how it is written here.

use super::texts;
use crate::domain::event::Event;
use crate::features::export::format::Format;

/// The seven fields of the header, and the keys with their values in order.
pub(super) struct Parsed {
    pub header: Vec<String>,
    pub keys: Vec<(String, String)>,
}

impl Parsed {
    pub(super) fn of(event: &Event) -> Self {
        let texts = texts(Format::Cef, event);
        let [line] = texts.as_slice() else { panic!("one line: {texts:?}") };
        let (header, extension) = split_header(line);
        Self { header, keys: split_keys(extension) }
    }

    pub(super) fn value(&self, key: &str) -> Option<&str> {
        self.keys.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str())
    }
}

fn split_header(line: &str) -> (Vec<String>, &str) {
    let (mut fields, mut field) = (Vec::new(), String::new());
    let mut letters = line.char_indices();
    while let Some((at, letter)) = letters.next() {
        match letter {
            '\\' => field.extend(letters.next().map(|(_, escaped)| escaped)),
            '|' => {
                fields.push(std::mem::take(&mut field));
                if fields.len() == 7 {
                    return (fields, line.split_at(at + 1).1);
                }
            }
            other => field.push(other),
        }
    }
    panic!("no header of seven fields: {line}");
}

/// A key is what stands between the last white space and an equals sign that is not escaped.
fn split_keys(extension: &str) -> Vec<(String, String)> {
    let (mut keys, mut held, mut escaped) = (Vec::<(String, String)>::new(), String::new(), false);
    for letter in extension.chars() {
        match letter {
            _ if escaped => {
                held.push(letter);
                escaped = false;
            }
            '\\' => escaped = true,
            '=' => {
                let (before, key) = held.rsplit_once(' ').unwrap_or(("", &held));
                if let Some((_, value)) = keys.last_mut() {
                    before.clone_into(value);
                }
                keys.push((key.to_owned(), String::new()));
                held.clear();
            }
            other => held.push(other),
        }
    }
    if let Some((_, value)) = keys.last_mut() {
        *value = held;
    }
    keys
}
