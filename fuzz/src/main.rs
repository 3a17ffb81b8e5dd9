//! Fuzz targets: every parser of outside bytes, in one program. `fuzz/run` builds and runs them.
//!
//! The environment's `TARGET` says which; without it the names are listed. A target's arguments are those
//! of libFuzzer; a file as argument is tried once.
#![no_main]

mod access_token;
mod admit;
mod callback;
mod cap_request;
mod claims;
mod cookie_jar;
mod count_csv;
mod count_dicom;
mod count_fhir;
mod count_hl7;
mod count_html;
mod count_inside;
mod count_json;
mod count_multipart;
mod count_ndjson;
mod count_packed;
mod count_pdf;
mod count_sql;
mod count_xlsx;
mod count_xml;
mod count_zip;
mod counting;
mod decode;
mod device_proof;
mod evidence;
mod feeds;
mod form_page;
mod frames;
mod h2_frames;
mod handshake;
mod input;
mod journal;
mod justification;
mod link;
mod link_header;
mod logout_token;
mod manner;
mod normalize_body;
mod normalize_bundle;
mod normalize_coded;
mod normalize_cookie;
mod normalize_form;
mod normalize_graphql;
mod normalize_head;
mod normalize_host;
mod normalize_json;
mod normalize_json_rpc;
mod normalize_multipart;
mod normalize_path;
mod normalize_query;
mod normalize_xml_rpc;
mod plain_reply;
mod proof;
mod proxy_header;
mod redact;
mod redact_page;
mod redacting;
mod reply_count;
mod reply_head;
mod return_to;
mod rewrite_cookie;
mod rewrite_insert;
mod rewrite_literal;
mod rewrite_location;
mod scim;
mod security_event;
mod sieve;
mod signed;
mod signed_token;
mod sticky;
mod wire;

use std::sync::OnceLock;

/// A target takes any bytes, and panics where the parser does not keep what it promises.
type Target = fn(&[u8]);

macro_rules! targets {
    ($($name:ident),+ $(,)?) => {
        const TARGETS: &[(&str, Target)] = &[$((stringify!($name), $name::check)),+];
    };
}

targets! {
    access_token,
    admit,
    callback,
    cap_request,
    claims,
    cookie_jar,
    count_csv,
    count_dicom,
    count_fhir,
    count_hl7,
    count_html,
    count_inside,
    count_json,
    count_multipart,
    count_ndjson,
    count_packed,
    count_pdf,
    count_sql,
    count_xlsx,
    count_xml,
    count_zip,
    decode,
    feeds,
    form_page,
    device_proof,
    evidence,
    frames,
    h2_frames,
    handshake,
    journal,
    justification,
    link,
    link_header,
    logout_token,
    manner,
    normalize_body,
    normalize_bundle,
    normalize_coded,
    normalize_cookie,
    normalize_form,
    normalize_graphql,
    normalize_head,
    normalize_host,
    normalize_json,
    normalize_json_rpc,
    normalize_multipart,
    normalize_path,
    normalize_query,
    normalize_xml_rpc,
    proof,
    proxy_header,
    redact,
    redact_page,
    reply_count,
    reply_head,
    return_to,
    rewrite_cookie,
    rewrite_insert,
    rewrite_literal,
    rewrite_location,
    scim,
    security_event,
    sieve,
    signed,
    sticky,
    wire,
}

static CHOSEN: OnceLock<Target> = OnceLock::new();

fn choose() {
    let Ok(wanted) = std::env::var("TARGET") else {
        TARGETS.iter().for_each(|(name, _)| println!("{name}"));
        std::process::exit(0);
    };
    let (_, target) = TARGETS.iter().find(|(name, _)| *name == wanted).expect("TARGET is one of the names");
    CHOSEN.get_or_init(|| *target);
}

libfuzzer_sys::fuzz_target!(init: choose(), |bytes: &[u8]| CHOSEN.get().expect("chosen before")(bytes));
