//! Applications and their routes.

use super::ask::{ASK, CAP};
use super::browser::{CORS, SIGN_OUT};
use super::field::FIELD;
use super::given::{GIVEN, GIVES, NEEDS};
use super::hold::HOLD;
use super::reply::REPLY;
use super::rewrite::REWRITE;
use super::session::APPLICATION_SESSION;
use super::{Absent, Kind, Table, credential, key, upstream, words};
use crate::domain::action::Action;
use crate::domain::given::WhenUnknown;
use crate::features::browser::settings::ScriptUse;
use crate::features::route::settings::{Entries, OperationKind, Quirk};
use crate::features::upstream::settings::{Connections, Cookies, IdentityHeaders, Protocol};

pub(super) static APPLICATION: Table = Table {
    header: "[application.NAME]",
    doc: "An application: what is protected, and how it is reached.",
    keys: &[
        key(
            "host",
            Kind::Texts("ehr.clinic.example"),
            Absent::Refused,
            "The host names under which callers reach it, without a port.",
        ),
        key(
            "path",
            Kind::Text("/ehr/"),
            Absent::Is("\"/\""),
            "The path below which it lives; begins and ends in `/`.",
        ),
        key(
            "upstream",
            Kind::Texts("http://10.0.0.7:8080"),
            Absent::Refused,
            "Its servers, `http://host:port` or `https://host:port`, at most 64; the one with the fewest requests takes each.",
        ),
        key(
            "protocol",
            Kind::Word(words!(Protocol)),
            Absent::Is("\"http1\""),
            "What is spoken with them: `http1`, or `h2` for HTTP/2 by ALPN under TLS and with prior knowledge in \
             plain, as gRPC needs. WebSockets go by HTTP/1.1 all the same, where a server agrees on that by ALPN; to one in \
             plain they go only with `http1`.",
        ),
        key(
            "provider",
            Kind::Texts("clinic"),
            Absent::Means("the only provider"),
            "The providers at which its people sign in. Of several, people choose on a page, or say their e-mail address \
             where `domains` are declared.",
        ),
        key(
            "unmatched",
            Kind::Word(|| vec!["deny", "observe"]),
            Absent::Is("\"deny\""),
            "What happens to a request that no route matches: `observe` lets whoever is signed in pass, for learning weeks. `validate` \
             warns where it is not said.",
        ),
        key(
            "idle_ignore",
            Kind::Texts("/poll/**"),
            Absent::Is("[]"),
            "Paths whose requests are no sign of a person: they keep no session alive.",
        ),
        key(
            "quirks",
            Kind::Words(words!(Quirk)),
            Absent::Is("[]"),
            "How it reads requests where others read them differently. `fhir_search`: a POST to `…/_search` is the \
             search that a GET would be. `method_override`: every posted form is read, up to `guard.request_body`, \
             and refused if its `_method` is not asked for. `json_of_any_type`: a body is JSON whatever its media type \
             says, where `cap` or `ask` look into it.",
        ),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for `https` servers.",
        ),
        key(
            "connect_timeout",
            Kind::Duration("100ms", "60s"),
            Absent::Is("\"5s\""),
            "How long a connection may take.",
        ),
        key(
            "reply_timeout",
            Kind::Duration("1s", "1h"),
            Absent::Is("\"60s\""),
            "How long the head of a reply may take, from the last piece of the request's body that was taken.",
        ),
        key(
            "reply_idle",
            Kind::Duration("1s", "1h"),
            Absent::Is("\"2m\""),
            "How long it may be silent in the middle of a reply; then that is broken off, as `upstream-timeout`. \
             Server-sent events and gRPC calls may be silent for 15 minutes at least.",
        ),
        key(
            "keep_alive",
            Kind::Duration("0s", "10m"),
            Absent::Is("\"15s\""),
            "How long a connection may lie unused before it is closed.",
        ),
        key(
            "preserve_host",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether it sees the host that callers asked for, or its own.",
        ),
        key(
            "identity_headers",
            Kind::Words(words!(IdentityHeaders)),
            Absent::Is("[]"),
            "Families of headers that tell it who asks, beside the signed assertion.",
        ),
        key(
            "rewrite",
            Kind::Table(&REWRITE),
            Absent::Means("its defaults"),
            "What is rewritten in its replies, so that what it says of its own address holds for callers.",
        ),
        key(
            "hold",
            Kind::Table(&HOLD),
            Absent::Means("its defaults"),
            "What is kept of forms that could not be sent, for the person who typed them.",
        ),
        key(
            "session",
            Kind::Table(&APPLICATION_SESSION),
            Absent::Means("as elsewhere"),
            "Shorter times of sessions.",
        ),
        key(
            "cors",
            Kind::Table(&CORS),
            Absent::Means("no other origin"),
            "Which other origins may ask it by script.",
        ),
        key(
            "script",
            Kind::Word(words!(ScriptUse)),
            Absent::Is("\"none\""),
            "A script beside its pages, which signs in in a window of its own, sends again what met an ended session, and warns \
             before a session is locked: `serve` it at `/.leastway/leastway.js`, for whoever makes the pages to name there, or \
             `inject` it into HTML that is shown in a window, which is then asked for uncompressed.",
        ),
        key(
            "cookies",
            Kind::Word(words!(Cookies)),
            Absent::Is("\"browser\""),
            "Who has its cookies: the `browser`, or we (`keep`), for each session in memory, those that are `HttpOnly` and set \
             for somebody who is signed in here. Then another person at the same browser starts without them, and its person \
             goes on. Not with `balance.sticky = \"application_cookie\"`.",
        ),
        key(
            "sign_out",
            Kind::Table(&SIGN_OUT),
            Absent::Means("it is not signed out"),
            "How it is signed out itself.",
        ),
        key(
            "connections",
            Kind::Word(words!(Connections)),
            Absent::Is("\"shared\""),
            "Whose requests a connection may carry: `shared`, anybody's one after the other, or `per_person`. A connection \
             on which NTLM or Negotiate was seen is never shared either way.",
        ),
        key(
            "credential",
            Kind::Named(&credential::CREDENTIAL),
            Absent::Means("none: it is asked as the caller asks"),
            "Accounts of ours at the application, by name. Then nothing that a caller sends passes for one: \
             `Authorization` and the headers named here are removed.",
        ),
        key(
            "default_credential",
            Kind::Text("reader"),
            Absent::Means("none"),
            "The account that is used where no route and no rule names one; let it be one that can do little. On public \
             routes none is used.",
        ),
        key(
            "tls",
            Kind::Table(&upstream::TLS),
            Absent::Means("its defaults"),
            "How `https` servers are greeted.",
        ),
        key(
            "balance",
            Kind::Table(&upstream::BALANCE),
            Absent::Means("its defaults"),
            "Which server takes a request.",
        ),
        key("health", Kind::Table(&upstream::HEALTH), Absent::Means("its defaults"), "When a server is out."),
        key(
            "given",
            Kind::Named(&GIVEN),
            Absent::Means("their defaults"),
            "What more is said of things that its routes hand out and need.",
        ),
        key(
            "patient_unknown",
            Kind::Word(words!(WhenUnknown)),
            Absent::Is("\"deny\""),
            "A route has `patient = \"session\"`, and whose record is open is not known, as after a restart: it is refused with \
             `patient-unknown`, or passes if the rules permit it without a patient, and its event says so.",
        ),
        key(
            "downtime",
            Kind::Table(&DOWNTIME),
            Absent::Means("nothing"),
            "What people are told beside that it is down.",
        ),
        key("route", Kind::Tables(&ROUTE), Absent::Means("none"), "Its routes."),
    ],
};

static DOWNTIME: Table = Table {
    header: "[application.NAME.downtime]",
    doc: "What people do while the application does not answer: the page that says so tells it.",
    keys: &[
        key(
            "instructions",
            Kind::Text("Use the downtime forms in the red folder at the nurses' station."),
            Absent::Means("none"),
            "What to do, in the words of the house: one paragraph of at most 1000 characters.",
        ),
        key(
            "read_only",
            Kind::Text("https://records.clinic.example/"),
            Absent::Means("none"),
            "Where what was known last can be looked up: an `https` address. Nothing is checked there; it is another application.",
        ),
    ],
};

static ROUTE: Table = Table {
    header: "[[application.NAME.route]]",
    doc: "A route: a recognizable thing to do. The most specific one wins; a tie is a problem.",
    keys: &[
        key("name", Kind::Text("patient.open"), Absent::Refused, "Its name; unique within the application."),
        key("match", Kind::Table(&MATCH), Absent::Refused, "What it looks like; everything given must hold."),
        key(
            "action",
            Kind::Word(words!(Action)),
            Absent::Means("`view` for a public route; else a problem"),
            "What is done.",
        ),
        key(
            "background",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether a page does it by itself, as in a poll: it is no sign of a person, and keeps no session alive.",
        ),
        key(
            "hold",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether a form is kept that meets an ended session or needs a step-up, as `hold` of the application says. \
             `false` where what is posted must not be sent later, as with a payment.",
        ),
        key(
            "truncate",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether a reply may end after the last record that is allowed, where a role has `on_exceed = \"truncate\"`: of CSV with a \
             header, JSON, lines of JSON or a Bundle. `X-Leastway-Truncated` says so, and in a Bundle an `OperationOutcome`.",
        ),
        key(
            "fresh_fields",
            Kind::Texts("csrf_token"),
            Absent::Is("[]"),
            "Hidden fields of its form that the application makes anew for each page, such as a CSRF token. Where a form was kept \
             (`application/x-www-form-urlencoded`), the page that it was on is asked for once more before it is sent, as any request of its person \
             with an event of its own, and these fields are taken from there. Where they are not there, nothing is sent, and what was typed can be copied.",
        ),
        key("category", Kind::Texts("clinical"), Absent::Is("[]"), "To which kinds of data."),
        key("reply", Kind::Table(&REPLY), Absent::Means("not counted"), "How its reply is counted."),
        key(
            "field",
            Kind::Tables(&FIELD),
            Absent::Means("none"),
            "Fields of its reply that some may not see, although they may see the rest.",
        ),
        key(
            "cap",
            Kind::Tables(&CAP),
            Absent::Means("none"),
            "Numbers that are lowered before anything is sent, such as the size of a page.",
        ),
        key("ask", Kind::Table(&ASK), Absent::Means("anything"), "What may be asked for."),
        key(
            "credential",
            Kind::Text("admin"),
            Absent::Means("what the rules say, or the default"),
            "The account under which the application is asked, whoever is permitted.",
        ),
        key(
            "access",
            Kind::Word(|| vec!["policy", "public"]),
            Absent::Is("\"policy\""),
            "Whom the policy permits, or everybody without sign-in (still recorded).",
        ),
        key(
            "entries",
            Kind::Word(words!(Entries)),
            Absent::Means("none"),
            "What its body holds, each a request of its own that is recognized and decided as if it came alone: \
              `fhir` for batches and transactions. The whole passes only if all may.",
        ),
        key(
            "patient",
            Kind::Text("query:set_pid"),
            Absent::Means("`{patient}` of the path, or none"),
            "The patient whom it names: `query:NAME`, `form:NAME`, `json:/POINTER`, `path:CAPTURE`; or `session`, where it is about \
             the patient whose record was opened before.",
        ),
        key(
            "sets_patient",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether it opens that patient's record for those that follow: they are about the same patient, in all windows of the \
             session, until another is opened.",
        ),
        key("gives", Kind::Tables(&GIVES), Absent::Means("nothing"), "What its replies hand out."),
        key(
            "needs",
            Kind::Tables(&NEEDS),
            Absent::Means("nothing"),
            "What its requests need to have been given.",
        ),
        key(
            "reply_timeout",
            Kind::Duration("1s", "1h"),
            Absent::Means("the application's"),
            "How long the head of its reply may take: for a long poll, longer than that waits.",
        ),
        key(
            "reply_idle",
            Kind::Duration("1s", "24h"),
            Absent::Means("the application's"),
            "How long its reply may be silent in the middle, whatever its media type.",
        ),
        key(
            "websocket",
            Kind::Table(&WEBSOCKET),
            Absent::Means("its defaults"),
            "Bounds of the WebSockets that are opened through it.",
        ),
    ],
};

static WEBSOCKET: Table = Table {
    header: "application.NAME.route.websocket",
    doc: "Bounds of a WebSocket. It ends with its session at the latest, by a close frame.",
    keys: &[
        key(
            "idle",
            Kind::Duration("1s", "24h"),
            Absent::Is("\"15m\""),
            "How long there may be no frame with data, from either side; pings and pongs do not count.",
        ),
        key("lifetime", Kind::Duration("1s", "7d"), Absent::Is("\"12h\""), "How long it may last in all."),
        key("frame", Kind::Size("1KiB", "1GiB"), Absent::Is("\"16MiB\""), "How large a frame may be."),
        key(
            "keeps_session",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether data from the caller is a sign of a person, as a request is, and keeps the session alive.",
        ),
    ],
};

static MATCH: Table = Table {
    header: "application.NAME.route.match",
    doc: "What a route looks like. Conditions are tables: `{ document = true }` present, `= false` absent, \
          `= \"csv\"` equal, `= [\"csv\", \"xlsx\"]` one of these.",
    keys: &[
        key("method", Kind::Texts("GET"), Absent::Means("any"), "The methods."),
        key(
            "path",
            Kind::Text("/patients/{patient}"),
            Absent::Refused,
            "The path: `{name}` captures one segment, `{a,b}` is either text, `*` matches one, `**` the rest.",
        ),
        key(
            "query",
            Kind::Conditions("export"),
            Absent::Means("any"),
            "Conditions on the query's parameters.",
        ),
        key(
            "form",
            Kind::Conditions("export"),
            Absent::Means("any"),
            "Conditions on the fields of a form body (URL-encoded or multipart).",
        ),
        key(
            "json",
            Kind::Conditions("/report/format"),
            Absent::Means("any"),
            "Conditions on a JSON body, by pointer (RFC 6901).",
        ),
        key(
            "rpc_method",
            Kind::Texts("patient.export"),
            Absent::Means("any"),
            "The methods of JSON-RPC 2.0 or XML-RPC. All calls of a batch have to be the same route.",
        ),
        key(
            "graphql",
            Kind::Table(&GRAPHQL),
            Absent::Means("any"),
            "What a GraphQL request asks for, in its body or its query.",
        ),
        key("header", Kind::Conditions("x-requested-with"), Absent::Means("any"), "Conditions on headers."),
    ],
};

static GRAPHQL: Table = Table {
    header: "application.NAME.route.match.graphql",
    doc: "What a GraphQL request asks for. Each root field counts by itself, under its own name and not its alias, \
          behind whatever fragment; all of a request have to be the same route.",
    keys: &[
        key("operation", Kind::Words(words!(OperationKind)), Absent::Means("any"), "The kinds of operation."),
        key("name", Kind::Texts("PatientPage"), Absent::Means("any"), "The names of operations."),
        key("field", Kind::Texts("patient"), Absent::Means("any"), "The root fields."),
        key(
            "persisted",
            Kind::YesNo,
            Absent::Is("false"),
            "`true`: queries that are named by a digest and not written, and nothing else. Without such a route \
             they are refused, for nobody here knows what they do.",
        ),
    ],
};
