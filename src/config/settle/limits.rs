//! How much one caller may take, and how slow it may be.

use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::config::units;
use crate::gateway::limits::settings::{LimitSettings, Rate};
use crate::platform::http::pace::Pace;

pub(in crate::config) fn limits(reader: &Reader<'_>) -> Option<LimitSettings> {
    let connections_per_address = reader.whole("connections_per_address");
    let connections_per_person = reader.whole("connections_per_person");
    let new_connections_per_address = reader.text_with("new_connections_per_address", rate);
    let requests_per_address = reader.text_with("requests_per_address", rate);
    let requests_per_person = reader.text_with("requests_per_person", rate);
    let sign_ins_per_address = reader.text_with("sign_ins_per_address", rate);
    let refused_events = reader.text_with("refused_events", rate);
    let reserved = reader.whole("reserved");
    let (idle, unread) = (reader.duration("idle"), reader.duration("unread"));
    let (body_rate, body_grace) = (reader.size("body_rate"), reader.duration("body_grace"));
    let (streams, resets) = (reader.whole("streams"), reader.whole("resets"));
    let control_frames = reader.text_with("control_frames", rate);
    Some(LimitSettings {
        connections_per_address: count(connections_per_address?),
        connections_per_person: count(connections_per_person?),
        new_connections_per_address: new_connections_per_address?,
        requests_per_address: requests_per_address?,
        requests_per_person: requests_per_person?,
        sign_ins_per_address: sign_ins_per_address?,
        refused_events: refused_events?,
        reserved_percent: count(reserved?),
        idle: idle?,
        unread: unread?,
        body: Pace::Rate { bytes_per_second: body_rate?, grace: body_grace? },
        streams: u32::try_from(streams?).unwrap_or(u32::MAX),
        resets: count(resets?),
        control_frames: control_frames?,
    })
}

fn rate(text: &str) -> Result<Option<Rate>, Mistake> {
    if text == "none" {
        return Ok(None);
    }
    let read = text.split_once('/').and_then(|(amount, period)| {
        let is_plain = amount.bytes().all(|digit| digit.is_ascii_digit());
        Rate::new(amount.parse().ok().filter(|_| is_plain)?, units::duration(period)?)
    });
    read.map(Some).ok_or_else(|| {
        let right =
            "a number from 1 to 1000000 and a time from `1s` to `1h`, such as `\"1000/10s\"`, or `\"none\"`";
        Mistake::new(format!("`{text}` is not a rate"), right)
    })
}

fn count(number: u64) -> usize {
    usize::try_from(number).unwrap_or(usize::MAX)
}
