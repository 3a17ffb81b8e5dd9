//! Every event in every format: it is written, software of others reads it back, and it tells no more than the event does.

mod cef;
mod properties;
mod samples;
mod typical;

use serde_json::Value;

use super::{Format, Teller, documents};
use crate::domain::event::Event;

const TELLER: Teller<'static> = Teller { node: "gateway-1" };

fn texts(format: Format, event: &Event) -> Vec<String> {
    documents(format, event, &TELLER).into_iter().map(|bytes| String::from_utf8(bytes).unwrap()).collect()
}

fn objects(format: Format, event: &Event) -> Vec<Value> {
    texts(format, event).iter().map(|text| serde_json::from_str(text).unwrap()).collect()
}

fn object(format: Format, event: &Event) -> Value {
    let mut objects = objects(format, event);
    assert_eq!(objects.len(), 1);
    objects.remove(0)
}
