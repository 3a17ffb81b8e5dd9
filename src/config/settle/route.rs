//! Routes: what they look like.

use http::Method;
use http::header::HeaderName;

use super::ask::asks;
use super::field::fields;
use super::given::route_given;
use super::reply::reply;
use crate::config::reader::Reader;
use crate::config::reading::Mistake;
use crate::domain::action::Action;
use crate::domain::patience::Patience;
use crate::domain::reply_shape::{ReplyKind, Segment};
use crate::domain::websocket::WebSocketBounds;
use crate::features::guard::redact::can_be_cut;
use crate::features::route::call::{OPERATION, OPERATION_NAME, PERSISTED, ROOT_FIELD, RPC_METHOD};
use crate::features::route::settings::{Access, Condition, Match, OperationKind, RouteSettings, Test};

pub(super) fn route(reader: &Reader<'_>) -> Option<RouteSettings> {
    let name = reader.parsed("name");
    let matching = reader.table("match").and_then(|reader| matching(&reader));
    let access = reader.text_with("access", access);
    let action = action(reader, access);
    let (background, hold) = (reader.yes_no("background"), reader.yes_no("hold"));
    let truncate = reader.yes_no("truncate");
    let (categories, fresh_fields) = (reader.list("category"), reader.texts("fresh_fields"));
    let websocket = reader.table("websocket").and_then(|reader| websocket(&reader));
    let patience = patience(reader);
    let shape = reader.optional_table("reply").map(|reader| reply(&reader));
    let fields = fields(reader, shape.as_ref().and_then(Option::as_ref), access);
    let asks = asks(reader, matching.as_ref());
    let given = route_given(reader, matching.as_ref(), access);
    let entries = if reader.has("entries") { Some(reader.parsed("entries")?) } else { None };
    if entries.is_some() && access == Some(Access::Public) {
        let what = "a public route is decided about by nobody, and neither would its entries be";
        reader.error("entries", what, "`access = \"policy\"`");
        return None;
    }
    if let (Some(matching), Some(Some(shape))) = (&matching, &shape)
        && counts_by_a_name_of_the_query(matching, &shape.kind)
    {
        let what = "a query gives what it asks for names of its own, and under another name nothing would be counted";
        reader.error(
            "reply",
            what,
            "`kind = \"graphql\"`, or `*` for each name below `data`, such as `/data/*`",
        );
        return None;
    }
    if let (Some(matching), Some(fields)) = (&matching, &fields)
        && is_graphql(matching)
        && !fields.is_empty()
    {
        let what = "a query gives what it asks for names of its own, and under another name it would not be taken out";
        reader.error("field", what, "no `field`: `may` says who may ask, and `match.graphql` for what");
        return None;
    }
    if truncate == Some(true) && !matches!(&shape, Some(Some(shape)) if can_be_cut(&shape.kind)) {
        let what = "only replies whose records are counted one after the other can be cut";
        reader.error(
            "truncate",
            what,
            "a `reply` that is csv with a header, json, ndjson or fhir, or no `truncate`",
        );
        return None;
    }
    Some(RouteSettings {
        name: name?,
        matching: matching?,
        action: action?,
        background: background?,
        hold: hold?,
        truncate: truncate?,
        fresh_fields: fresh_fields?,
        categories: categories?,
        reply: match shape {
            Some(shape) => Some(shape?),
            None => None,
        },
        fields: fields?,
        access: access?,
        websocket: websocket?,
        patience: patience?,
        entries,
        asks: asks.ok()?,
        given: given.ok()?,
    })
}

/// Whether a GraphQL query could call the array that is counted otherwise (an alias).
fn counts_by_a_name_of_the_query(matching: &Match, kind: &ReplyKind) -> bool {
    let ReplyKind::Json { records } = kind else { return false };
    let is_named = |segment: &Segment| matches!(segment, Segment::Named { .. });
    is_graphql(matching) && records.segments().iter().skip(1).any(is_named)
}

fn is_graphql(matching: &Match) -> bool {
    matching.calls.iter().any(|condition| condition.key != RPC_METHOD)
}

fn websocket(reader: &Reader<'_>) -> Option<WebSocketBounds> {
    let (idle, lifetime) = (reader.duration("idle"), reader.duration("lifetime"));
    let (frame_bytes, keeps_session) = (reader.size("frame"), reader.yes_no("keeps_session"));
    Some(WebSocketBounds {
        idle: idle?,
        lifetime: lifetime?,
        frame_bytes: frame_bytes?,
        keeps_session: keeps_session?,
    })
}

fn patience(reader: &Reader<'_>) -> Option<Patience> {
    let optional = |name: &str| if reader.has(name) { reader.duration(name).map(Some) } else { Some(None) };
    let (head, silence) = (optional("reply_timeout"), optional("reply_idle"));
    Some(Patience { head: head?, silence: silence? })
}

fn action(reader: &Reader<'_>, access: Option<Access>) -> Option<Action> {
    match (reader.has("action"), access?) {
        (true, _) => reader.parsed("action"),
        (false, Access::Public) => Some(Action::View),
        (false, Access::Policy) => {
            let all: Vec<&str> = Action::ALL.iter().map(|action| action.as_str()).collect();
            reader.error("action", "`action` is missing", format!("one of {}", all.join(", ")));
            None
        }
    }
}

fn access(text: &str) -> Result<Access, Mistake> {
    match text {
        "policy" => Ok(Access::Policy),
        "public" => Ok(Access::Public),
        _ => Err(Mistake::new(format!("`{text}` is not one of policy, public"), "one of policy, public")),
    }
}

fn matching(reader: &Reader<'_>) -> Option<Match> {
    let methods = if reader.has("method") { reader.list_with("method", method) } else { Some(vec![]) };
    let path = reader.parsed("path");
    let conditions = |name: &str, key_of: fn(&str) -> Result<String, Mistake>| {
        if reader.has(name) { reader.conditions(name, key_of) } else { Some(vec![]) }
    };
    let query = conditions("query", parameter);
    let form = conditions("form", parameter);
    let json = conditions("json", pointer);
    let header = conditions("header", header);
    let methods_called = if reader.has("rpc_method") { reader.texts("rpc_method") } else { Some(vec![]) };
    let graphql = match reader.optional_table("graphql") {
        Some(reader) => graphql(&reader),
        None => Some(vec![]),
    };
    let (calls, is_graphql) = calls(methods_called?, graphql?);
    let matching = Match {
        methods: methods?,
        path: path?,
        query: query?,
        form: form?,
        json: json?,
        calls,
        header: header?,
    };
    refuse_two_bodies(reader, &matching, is_graphql).then_some(matching)
}

fn calls(methods: Vec<String>, graphql: Vec<Condition>) -> (Vec<Condition>, bool) {
    let is_graphql = !graphql.is_empty();
    let called = (!methods.is_empty()).then(|| one_of(RPC_METHOD, methods));
    (called.into_iter().chain(graphql).collect(), is_graphql)
}

/// Whether one request can meet all the conditions on its body.
fn refuse_two_bodies(reader: &Reader<'_>, matching: &Match, is_graphql: bool) -> bool {
    let is_rpc = reader.has("rpc_method");
    let what = if !matching.form.is_empty() && !matching.json.is_empty() {
        "a body is a form or JSON, never both: this route never matches"
    } else if is_rpc && !matching.form.is_empty() {
        "no form is a remote procedure call: this route never matches"
    } else if is_rpc && is_graphql {
        "no remote procedure call is GraphQL: this route never matches"
    } else {
        return true;
    };
    reader.reading().error(
        reader.key(),
        what,
        "one of `form`, `json`, `rpc_method` and `graphql`, or two routes",
    );
    false
}

fn graphql(reader: &Reader<'_>) -> Option<Vec<Condition>> {
    let texts = |name: &str| if reader.has(name) { reader.texts(name) } else { Some(vec![]) };
    let kinds =
        if reader.has("operation") { reader.list::<OperationKind>("operation") } else { Some(vec![]) };
    let (names, fields, persisted) = (texts("name"), texts("field"), reader.yes_no("persisted"));
    let kinds = kinds?.into_iter().map(|kind| kind.as_str().to_owned()).collect();
    let lists = [(OPERATION, kinds), (OPERATION_NAME, names?), (ROOT_FIELD, fields?)];
    let asked = lists.into_iter().filter(|(_, values): &(_, Vec<String>)| !values.is_empty());
    let mut conditions: Vec<Condition> = asked.map(|(key, values)| one_of(key, values)).collect();
    if persisted? {
        if !conditions.is_empty() {
            let what = "a persisted query says nothing of its operation or fields: this route never matches";
            reader.error("persisted", what, "`persisted = true` alone, on a route of its own");
            return None;
        }
        conditions.push(Condition { key: PERSISTED.to_owned(), test: Test::Present });
    }
    if conditions.is_empty() {
        let right = "`operation`, `name`, `field` or `persisted = true`";
        reader.reading().error(reader.key(), "`graphql` asks for nothing", right);
        return None;
    }
    Some(conditions)
}

fn one_of(key: &str, values: Vec<String>) -> Condition {
    Condition { key: key.to_owned(), test: Test::OneOf(values) }
}

fn method(text: &str) -> Result<Method, Mistake> {
    let right = "methods in upper case, such as `[\"GET\", \"POST\"]`";
    let wrong = || Mistake::new(format!("`{text}` is not a method"), right);
    if text.bytes().any(|byte| byte.is_ascii_lowercase()) {
        return Err(Mistake::new(
            format!("`{text}` is not in upper case, and methods are told apart by case"),
            right,
        ));
    }
    if matches!(text, "CONNECT" | "TRACE") {
        return Err(Mistake::new(format!("`{text}` is never forwarded"), right));
    }
    Method::from_bytes(text.as_bytes()).map_err(|_| wrong())
}

fn parameter(name: &str) -> Result<String, Mistake> {
    if name.is_empty() {
        return Err(Mistake::new("a parameter without a name", "the name of a parameter or field"));
    }
    Ok(name.to_owned())
}

pub(super) fn pointer(text: &str) -> Result<String, Mistake> {
    let escapes = text.split('~').skip(1).all(|rest| rest.starts_with(['0', '1']));
    if !escapes || !(text.is_empty() || text.starts_with('/')) {
        let right = "a pointer (RFC 6901) such as `\"/data/rows\"`; `~1` stands for `/`, `~0` for `~`";
        return Err(Mistake::new(format!("`{text}` is not a JSON pointer"), right));
    }
    Ok(text.to_owned())
}

fn header(name: &str) -> Result<String, Mistake> {
    HeaderName::from_bytes(name.as_bytes()).map(|name| name.as_str().to_owned()).map_err(|_| {
        Mistake::new(format!("`{name}` is not the name of a header"), "such as `x-requested-with`")
    })
}
