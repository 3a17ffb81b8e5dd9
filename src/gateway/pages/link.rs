//! Where our own pages lead: paths of this host, never anywhere else.

use url::form_urlencoded;

use crate::domain::assurance::AssuranceNeed;
use crate::foundation::id::HoldId;

pub use crate::domain::own_path::{ME_END_PATH, SIGN_IN_PATH, SIGN_OUT_PATH, STEP_UP_PATH};

/// Where the stylesheet of every page is served.
pub const STYLESHEET_PATH: &str = "/.leastway/assets/page.css";
/// Where a person sees their access and signs out.
pub const ME_PATH: &str = "/.leastway/me";
/// Where they have forgotten where and when they use to be; POST only.
pub const ME_FORGET_PATH: &str = "/.leastway/me/forget";
/// Where a reason is given: GET for the form, POST for the answer.
pub const JUSTIFY_PATH: &str = "/.leastway/justify";
/// Where a person says why they work: GET for the choice, POST for the answer.
pub const PURPOSE_PATH: &str = "/.leastway/purpose";
/// Where a person says that it is an emergency, and sees what is open because of that: GET for either, POST for the answer.
pub const BREAK_GLASS_PATH: &str = "/.leastway/break-glass";
/// Where they end it; POST only.
pub const BREAK_GLASS_END_PATH: &str = "/.leastway/break-glass/end";
/// Where they write down why; POST only.
pub const BREAK_GLASS_TEXT_PATH: &str = "/.leastway/break-glass/text";
/// Where a person finds what they had typed and could not send.
pub const HELD_PATH: &str = "/.leastway/held";
/// Where they see what is in it; POST only.
pub const HELD_SHOW_PATH: &str = "/.leastway/held/show";
/// Where they throw it away; POST only.
pub const HELD_DISCARD_PATH: &str = "/.leastway/held/discard";

/// The parameter by which whoever signs in is asked who they are, whomever the provider knows already.
pub const ANEW: &str = "anew";

/// The parameter by which whoever signs in is asked where, whatever their browser remembers.
pub const ELSEWHERE: &str = "elsewhere";

/// The longest address that a person is sent back to.
const RETURN_BYTES_MAX: usize = 4096;

/// `text` if it is a path of this host that no browser reads as another host's: it begins with one
/// slash and holds neither backslashes, which browsers read as slashes, nor what they drop.
pub fn same_origin_path(text: &str) -> Option<&str> {
    let harmless = |byte: u8| byte.is_ascii_graphic() && byte != b'\\';
    let ours = text.starts_with('/')
        && !text.starts_with("//")
        && text.len() <= RETURN_BYTES_MAX
        && text.bytes().all(harmless);
    ours.then_some(text)
}

/// `text` if it is a path of this host, the first page otherwise.
pub(super) fn or_first_page(text: &str) -> &str {
    same_origin_path(text).unwrap_or("/")
}

/// Signing in, then back; or to what was kept, if it is theirs who comes back.
pub fn sign_in(return_to: &str, held: Option<HoldId>) -> String {
    let held = held.map(|id| id.to_string());
    let mut fields = vec![("return_to", or_first_page(return_to))];
    fields.extend(held.iter().map(|id| ("hold", id.as_str())));
    query(SIGN_IN_PATH, &fields)
}

/// Signing in as whoever one is, whomever the provider knows already; then there.
pub(super) fn sign_in_anew(return_to: &str) -> String {
    query(SIGN_IN_PATH, &[("return_to", or_first_page(return_to)), (ANEW, "1")])
}

/// Signing in, then back.
pub fn sign_in_address(return_to: &str) -> String {
    sign_in(return_to, None)
}

/// Signing in at another provider, then there.
pub(super) fn sign_in_elsewhere(return_to: &str) -> String {
    query(SIGN_IN_PATH, &[("return_to", or_first_page(return_to)), (ELSEWHERE, "1")])
}

/// Signing in as somebody else, maybe at another provider; then there.
pub(super) fn sign_in_as_another(return_to: &str) -> String {
    query(SIGN_IN_PATH, &[("return_to", or_first_page(return_to)), (ANEW, "1"), (ELSEWHERE, "1")])
}

/// Signing in stronger or fresher, then back.
pub fn step_up(need: &AssuranceNeed, return_to: &str) -> String {
    let fresh = need.fresh.map(|fresh| fresh.as_secs().to_string());
    let mut fields = vec![("class", need.class.as_str())];
    fields.extend(fresh.iter().map(|seconds| ("fresh", seconds.as_str())));
    fields.push(("return_to", or_first_page(return_to)));
    query(STEP_UP_PATH, &fields)
}

/// Giving a reason, then back.
pub(super) fn justify(application: Option<&str>, return_to: &str) -> String {
    let mut fields = Vec::with_capacity(2);
    fields.extend(application.map(|name| ("application", name)));
    fields.push(("return_to", or_first_page(return_to)));
    query(JUSTIFY_PATH, &fields)
}

/// Saying that it is an emergency, then there.
pub fn break_glass_address(prompt: &str, return_to: &str) -> String {
    query(BREAK_GLASS_PATH, &[("prompt", prompt), ("return_to", or_first_page(return_to))])
}

/// Saying why one works, then there.
pub fn purpose_address(return_to: &str) -> String {
    query(PURPOSE_PATH, &[("return_to", or_first_page(return_to))])
}

fn query(path: &str, fields: &[(&str, &str)]) -> String {
    form_urlencoded::Serializer::for_suffix(format!("{path}?"), path.len() + 1).extend_pairs(fields).finish()
}
