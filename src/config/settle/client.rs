//! Programs that come with an access token of their own.

use std::net::IpAddr;

use ipnet::IpNet;
use jiff::civil::Date;

use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::application::NameError;
use crate::features::client::settings::{ClientSettings, Proof, StandingReason};

/// Reads `[client.NAME]`.
pub(in crate::config) fn client(name: &str, reader: &Reader<'_>) -> Option<ClientSettings> {
    let name = name.parse().map_err(|error: NameError| {
        reader.reading().error(reader.key(), error.to_string(), "a name such as `billing-export`");
    });
    let provider = reader.parsed("provider");
    let client_id = reader.text("client_id");
    let subject = reader.text("subject");
    let owner = reader.text_with("owner", owner);
    let groups = reader.texts("groups");
    let purpose = reader.parsed("purpose");
    let number = reader.text_with("number", short);
    let recipient = reader.text_with("recipient", short);
    let routes = reader.list("routes");
    let networks =
        if reader.has("networks") { reader.list_with("networks", network) } else { Some(Vec::new()) };
    let hours = reader.parsed("hours");
    let expires = reader.text_with("expires", date);
    let proof = proof(reader);
    let client_id: std::sync::Arc<str> = client_id?.into();
    Some(ClientSettings {
        name: name.ok()?,
        provider: provider?,
        subject: subject.map_or_else(|| client_id.clone(), Into::into),
        client_id,
        owner: owner?.into(),
        groups: groups?,
        purpose,
        standing: StandingReason { number, recipient },
        routes: routes?,
        networks: networks?,
        hours,
        expires: expires?,
        proof: proof?,
    })
}

fn proof(reader: &Reader<'_>) -> Option<Proof> {
    let audience = if reader.has("audience") { reader.texts("audience") } else { Some(Vec::new()) };
    let lasts = reader.duration("recheck");
    let by_signature = reader.text_with("token", |text| match text {
        "jwt" => Ok(true),
        "introspection" => Ok(false),
        _ => Err(Mistake::new(format!("`{text}` is no proof of a token"), "one of jwt, introspection")),
    });
    let (audience, lasts) = (audience?, lasts?);
    if !by_signature? {
        return Some(Proof::Introspection { audience, lasts });
    }
    if audience.is_empty() {
        // A token that the provider signed for another resource must not open this one (RFC 9068 section 4).
        let what = "a signed token says by its audience whom it is for, and none is asked for";
        reader.error("audience", what, "the identifier under which the provider knows this resource");
        return None;
    }
    if reader.has("recheck") {
        let what = "nobody is asked about a token that is proven by its signature";
        reader.error("recheck", what, "no `recheck`, or `token = \"introspection\"`");
        return None;
    }
    Some(Proof::Signature { audience })
}

pub(super) fn owner(text: &str) -> Result<String, Mistake> {
    let is_owner = !text.trim().is_empty() && text.len() <= OWNER_BYTES_MAX;
    if is_owner && !text.chars().any(char::is_control) {
        return Ok(text.to_owned());
    }
    Err(Mistake::new("nobody answers for it", "a person or a desk in one line of at most 200 bytes"))
}

fn short(text: &str) -> Result<String, Mistake> {
    let is_short = !text.trim().is_empty() && text.len() <= OWNER_BYTES_MAX;
    if is_short && !text.chars().any(char::is_control) {
        return Ok(text.trim().to_owned());
    }
    Err(Mistake::new("that is no line of 1 to 200 bytes", "one line of at most 200 bytes"))
}

fn network(text: &str) -> Result<IpNet, Mistake> {
    let one = || text.parse::<IpAddr>().map(IpNet::from);
    let right = "networks such as `\"10.0.0.0/8\"`, or addresses";
    text.parse().or_else(|_| one()).map_err(|_| Mistake::new(format!("`{text}` is not a network"), right))
}

fn date(text: &str) -> Result<Date, Mistake> {
    // Its own parser would take a date with a time too.
    let is_plain = text.len() == 10 && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'-');
    let date = text.parse().ok().filter(|_| is_plain);
    date.ok_or_else(|| Mistake::new(format!("`{text}` is not a day"), "such as `\"2027-03-31\"`"))
}

const OWNER_BYTES_MAX: usize = 200;
