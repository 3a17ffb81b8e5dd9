//! One change to a good configuration, and the one problem that it makes.

use super::Folder;

/// A change to a file: put `new` where `old` stands.
pub(super) struct Case {
    file: &'static str,
    old: &'static str,
    new: &'static str,
    /// Key and message.
    problem: &'static str,
}

pub(super) const MAIN: &str = "leastway.toml";
pub(super) const EHR: &str = "applications/ehr.toml";
pub(super) const ROLES: &str = "roles.toml";

pub(super) const fn case(
    file: &'static str,
    old: &'static str,
    new: &'static str,
    problem: &'static str,
) -> Case {
    Case { file, old, new, problem }
}

pub(super) fn check(cases: &[Case]) {
    for Case { file, old, new, problem } in cases {
        let folder = Folder::good();
        folder.change(file, old, new);
        let found: Vec<String> =
            folder.problems().iter().map(|found| format!("{}: {}", found.key, found.what)).collect();
        let found: Vec<String> =
            found.iter().map(|found| found.replace(&format!("{}/", folder.0.path().display()), "")).collect();
        assert_eq!(found, [problem.to_string()], "{old} -> {new}\n{}", folder.report());
    }
}

#[test]
fn unknown_missing_and_mistyped_keys() {
    check(&[
        case(MAIN, "time_zone", "timezone", "timezone: `timezone` is not a key here"),
        case(
            EHR,
            "upstream =",
            "uppstream = 1\nupstream =",
            "application.ehr.uppstream: `uppstream` is not a key here",
        ),
        case(ROLES, "[role", "[gateway]\n[role", "gateway: `gateway` is not a key here"),
        case(MAIN, "version = 1\n", "", "version: `version` is missing"),
        case(MAIN, "version = 1", "version = 2", "version: 2 is out of range"),
        case(MAIN, "client_id = \"leastway\"", "", "provider[1].client_id: `client_id` is missing"),
        case(MAIN, "\"leastway\"", "7", "provider[1].client_id: a whole number does not belong here"),
        case(MAIN, "\"leastway\"", "\" \"", "provider[1].client_id: the text is empty"),
        case(MAIN, "[\"127.0.0.1:8443\"]", "[]", "gateway.listen: the list is empty"),
        case(EHR, "action = \"view\"", "", "application.ehr.route[1].action: `action` is missing"),
        case(
            ROLES,
            "routes = \"patient.*\"",
            "routes = []",
            "role.registrar.may[1].routes: the list is empty",
        ),
    ]);
}

#[test]
fn values_out_of_range_or_of_another_form() {
    check(&[
        case(MAIN, "[gateway]", "[session]\nidle = \"1s\"\n[gateway]", "session.idle: `1s` is out of range"),
        case(
            MAIN,
            "[gateway]",
            "[session]\nidle = \"15\"\n[gateway]",
            "session.idle: `15` is not a number and a unit",
        ),
        case(
            MAIN,
            "[gateway]",
            "[session]\nidle = \"20h\"\n[gateway]",
            "session.absolute: a session would end before it can be idle for as long as `idle` says",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nhead_bytes = \"2MiB\"",
            "gateway.head_bytes: `2MiB` is out of range",
        ),
        case(MAIN, "[gateway]", "[gateway]\nworkers = 0", "gateway.workers: 0 is out of range"),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nlimits.requests_per_person = \"10\"",
            "gateway.limits.requests_per_person: `10` is not a rate",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nlimits.refused_events = \"+1/1s\"",
            "gateway.limits.refused_events: `+1/1s` is not a rate",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nlimits.sign_ins_per_address = \"1/1ms\"",
            "gateway.limits.sign_ins_per_address: `1/1ms` is not a rate",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nproxy_protocol = \"::/0\"",
            "gateway.proxy_protocol: `::/0` is everybody: any caller could claim any address",
        ),
        case(
            EHR,
            "upstream =",
            "rewrite.cookie_path = \"ehr\"\nupstream =",
            "application.ehr.rewrite.cookie_path: `ehr` is not the path of a cookie",
        ),
        case(
            EHR,
            "upstream =",
            "rewrite.literal = [{ find = \"abc\", replace = \"x\" }]\nupstream =",
            "application.ehr.rewrite.literal[1].find: `abc` has 3 bytes",
        ),
        case(
            EHR,
            "upstream =",
            "rewrite.literal = [{ find = \"http\", replace = \"x\" }, { find = \"http://a\", replace = \"y\" }]\nupstream =",
            "application.ehr.rewrite.literal[1].find: `http` is the beginning of `http://a`",
        ),
        case(
            EHR,
            "action = \"view\"",
            "action = \"view\"\nwebsocket = { frame = \"1B\" }",
            "application.ehr.route[1].websocket.frame: `1B` is out of range",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\ntrusted_proxies = \"0.0.0.0/0\"",
            "gateway.trusted_proxies: `0.0.0.0/0` is everybody: any caller could claim any address",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nredirect = \"127.0.0.1:8443\"",
            "gateway.redirect: `127.0.0.1:8443` is where TLS is spoken",
        ),
        case(
            MAIN,
            "[gateway]",
            "[control]\nlisten = \"0.0.0.0:9443\"\n[gateway]",
            "control.listen: `0.0.0.0:9443` is reachable from elsewhere, and the control plane speaks plain HTTP",
        ),
        case(
            MAIN,
            "[gateway]",
            "[gateway]\nhsts = \"0s\"",
            "gateway.hsts: `0s` is not how long a browser may remember",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal]\nsync = \"2s\"\n[gateway]",
            "journal.sync: `2s` is not a way to keep the journal",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal]\norigin = \"my journal\"\n[gateway]",
            "journal.origin: a name is 1 to 200 characters without blanks and without `+`",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal]\nspool = \"data/journal\"\n[gateway]",
            "journal.spool: it is the journal's own folder",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal]\ngap = \"always\"\n[gateway]",
            "journal.gap: `always` is not one of never, treatment-reads",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"evidence\"\n[gateway]",
            "journal.witness[1]: nothing says where it is",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"bucket\"\nbucket = \"s3:/b\"\n[gateway]",
            "journal.witness[1].bucket: `s3:/b` is no bucket",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"bucket\"\nbucket = \"s3://b/p\"\nsecret_key = \"env:CLIENT_SECRET\"\n[gateway]",
            "journal.witness[1].access_key: nothing says as whom the bucket is used",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"evidence\"\nfile = \"a\"\nlock = \"none\"\n[gateway]",
            "journal.witness[1].lock: it means nothing where there is no `bucket`",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"evidence\"\nfile = \"a\"\nbucket = \"s3://b/p\"\n[gateway]",
            "journal.witness[1].bucket: it is somewhere else, too",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"evidence\"\nfile = \"a\"\nurl = \"https://b.example/\"\n[gateway]",
            "journal.witness[1].url: it is somewhere else, too",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"siem\"\nsyslog = \"tcp://siem.clinic.example:514\"\n[gateway]",
            "journal.witness[1].syslog: a witness is told by TLS: without it, whoever is on the way says what it has noted",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"siem\"\nsyslog = \"tcp+tls://siem.clinic.example/x\"\n[gateway]",
            "journal.witness[1].syslog: a receiver of syslog is only a scheme, a host and a port",
        ),
        case(
            MAIN,
            "[gateway]",
            "[[journal.witness]]\nname = \"siem\"\nurl = \"https://b.example/\"\nsyslog = \"tcp+tls://a.example\"\n[gateway]",
            "journal.witness[1].syslog: it is somewhere else, too",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal.archive]\nto = \"s3:/journal\"\n[gateway]",
            "journal.archive.to: `s3:/journal` leads to no archive",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal.archive]\nto = \"file:a\"\nkeep_local = \"1d\"\n[gateway]",
            "journal.archive.keep_local: `1d` is out of range",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal.archive]\nto = \"file:a\"\nlock = \"none\"\n[gateway]",
            "journal.archive.lock: it means nothing for where `to` leads",
        ),
        case(
            MAIN,
            "[gateway]",
            "[journal.archive]\nto = \"s3://b\"\nendpoint = \"https://s3.example/b\"\n[gateway]",
            "journal.archive.endpoint: nothing stands behind the server",
        ),
        case(
            MAIN,
            "[gateway]",
            "[store]\nurl = \"postgres://db\"\n[gateway]",
            "store.url: the user is missing, or not a plain name",
        ),
        case(MAIN, "\"UTC\"", "\"Mars\"", "time_zone: `Mars` is no time zone that this machine knows"),
        case(
            MAIN,
            "https://id.",
            "http://id.",
            "provider[1].issuer: `http://id.clinic.example` is not encrypted",
        ),
        case(
            MAIN,
            "claims",
            "scopes = [\"profile\"]\nclaims",
            "provider[1].scopes: without `openid` the provider sends no ID token",
        ),
        case(
            MAIN,
            "proof = { acr = \"urn:mfa\" }",
            "proof = {}",
            "provider[1].assurance.mfa.proof: nothing would ever prove this class",
        ),
        case(
            MAIN,
            "claims",
            "connect_to = \"id\"\nclaims",
            "provider[1].connect_to: `id` is not a host and a port",
        ),
        case(
            MAIN,
            "claims",
            "scim = { token = \"env:CLIENT_SECRET\" }\nclaims",
            "provider[1].scim.token: the token is so short that it could be guessed",
        ),
        case(
            MAIN,
            "claims",
            "scim = { token = \"file:roles.toml\", claim = \"name\" }\nclaims",
            "provider[1].scim.claim: `name` is no attribute by which the provider tells one person from another",
        ),
        case(
            MAIN,
            "claims",
            "scim = { token = \"file:roles.toml\", networks = \"here\" }\nclaims",
            "provider[1].scim.networks: `here` is not a network",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\" }\nclaims",
            "provider[1].signals: no signal could ever come",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\", token = \"env:CLIENT_SECRET\" }\nclaims",
            "provider[1].signals.token: the token is so short that it could be guessed",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = [], token = \"file:roles.toml\" }\nclaims",
            "provider[1].signals.audience: the list is empty",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\", poll = \"http://id.clinic.example/poll\" }\nclaims",
            "provider[1].signals.poll: `http://id.clinic.example/poll` is not encrypted",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\", poll = \"https://id.clinic.example/poll\", poll_every = \"0s\" }\nclaims",
            "provider[1].signals.poll_every: `0s` is out of range",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\", token = \"file:roles.toml\", issuer = \"https://a.example/?b\" }\nclaims",
            "provider[1].signals.issuer: `https://a.example/?b`: an issuer URL has no `?` and no `#`",
        ),
        case(
            MAIN,
            "claims",
            "signals = { audience = \"us\", token = \"file:roles.toml\", email = \"name\" }\nclaims",
            "provider[1].signals.email: `name` is no attribute by which the provider tells one person from another",
        ),
        case(
            MAIN,
            "claims",
            "scim = { token = \"file:roles.toml\" }\nsignals = { audience = \"us\", token = \"file:roles.toml\" }\nclaims",
            "provider[1].signals.token: something else is done by this token",
        ),
        case(
            EHR,
            "\"ehr.clinic.example\"",
            "\"ehr.clinic.example:443\"",
            "application.ehr.host: `ehr.clinic.example:443` is not a host name",
        ),
        case(
            EHR,
            "http://10.0.0.7:8080",
            "http://10.0.0.7:8080/ehr",
            "application.ehr.upstream: a server is only a scheme, a host and a port",
        ),
        case(
            ROLES,
            "06:00-20:00",
            "6-20",
            "role.registrar.may[1].when.hours: hours look like `06:00-20:00`, not `6-20`",
        ),
        case(
            ROLES,
            "06:00-20:00",
            "06:00-06:00",
            "role.registrar.may[1].when.hours: hours look like `06:00-20:00`, not `06:00-06:00`",
        ),
        case(
            ROLES,
            "assurance = \"mfa\", ",
            "",
            "role.registrar.may[1].when.fresh: `fresh` says how recently `assurance` was proven, and none is asked for",
        ),
    ]);
}

#[test]
fn routes_that_cannot_be_matched_or_counted() {
    check(&[
        case(
            EHR,
            "/patients/{patient}",
            "/a%20b",
            "application.ehr.route[1].match.path: `a%20b` in `/a%20b`: write text decoded, without `%`, `?`, `#`, `\\`, \
             `.` or `..` alone, or an empty segment inside",
        ),
        case(
            EHR,
            "\"GET\"",
            "\"get\"",
            "application.ehr.route[1].match.method: `get` is not in upper case, and methods are told apart by case",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "form = { export = [] }",
            "application.ehr.route[2].match.form.export: an empty list is never met",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "json = { rows = true }",
            "application.ehr.route[2].match.json.rows: `rows` is not a JSON pointer",
        ),
        case(
            EHR,
            "form = {",
            "json = { \"/rows\" = true }, form = {",
            "application.ehr.route[2].match: a body is a form or JSON, never both: this route never matches",
        ),
        case(
            EHR,
            "form = {",
            "rpc_method = [\"read\"], form = {",
            "application.ehr.route[2].match: no form is a remote procedure call: this route never matches",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "rpc_method = [\"read\"], graphql = { field = [\"me\"] }",
            "application.ehr.route[2].match: no remote procedure call is GraphQL: this route never matches",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "rpc_method = []",
            "application.ehr.route[2].match.rpc_method: the list is empty",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "graphql = {}",
            "application.ehr.route[2].match.graphql: `graphql` asks for nothing",
        ),
        case(
            EHR,
            "form = { export = \"csv\" }",
            "graphql = { persisted = true, field = [\"me\"] }",
            "application.ehr.route[2].match.graphql.persisted: a persisted query says nothing of its operation or \
             fields: this route never matches",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "graphql = { field = [\"rows\"] } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"json\", \
             records = \"/data/rows\" }",
            "application.ehr.route[2].reply: a query gives what it asks for names of its own, and under another \
             name nothing would be counted",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "graphql = { field = [\"rows\"] } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"json\", \
             records = \"/data/*\" }\nfield = [{ name = \"ssn\", category = \"demographics\", at = \"member:ssn\" }]",
            "application.ehr.route[2].field: a query gives what it asks for names of its own, and under another name it \
             would not be taken out",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "graphql = { field = [\"rows\"] } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"graphql\", \
             records = \"/data/*\" }",
            "application.ehr.route[2].reply.records: `records` means nothing for `graphql`",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"gzip\" }",
            "application.ehr.route[2].reply.of: it is not said what the file inside holds",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"zstd\", \
             of = \"gzip\" }",
            "application.ehr.route[2].reply.of: `gzip` is not one of csv, tsv, json, ndjson, xml, sql, hl7v2, dicom, pdf",
        ),
        case(
            EHR,
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"csv\", \
             patient = \"column:ID\" }",
            "form = { export = \"csv\" } }\naction = \"export\"\ncategory = \"demographics\"\nreply = { kind = \"gzip\", \
             of = \"sql\", patient = \"member:ID\" }",
            "application.ehr.route[2].reply.patient: no record of this kind of reply could be found to name its patient so",
        ),
        case(
            EHR,
            "access = \"public\"",
            "access = \"public\"\nentries = \"fhir\"",
            "application.ehr.route[3].entries: a public route is decided about by nobody, and neither would its \
             entries be",
        ),
        case(
            EHR,
            "kind = \"csv\",",
            "kind = \"csv\", records = \"/rows\",",
            "application.ehr.route[2].reply.records: `records` means nothing for `csv`",
        ),
        case(
            EHR,
            "kind = \"csv\",",
            "kind = \"csv\", rows = \"#list tr\",",
            "application.ehr.route[2].reply.rows: `rows` means nothing for `csv`",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"html\", rows = \"#list tr:nth-child(2)\"",
            "application.ehr.route[2].reply.rows: `#list tr:nth-child(2)` asks for siblings, states or places, which a \
             page with broken markup has not",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"html\", rows = \"tr\"",
            "application.ehr.route[2].reply.rows: `tr` does not say what the rows stand in",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"html\"",
            "application.ehr.route[2].reply.rows: it is not said which elements are records",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"xml\", records = \"row\"",
            "application.ehr.route[2].reply.records: `row` is not a path to elements",
        ),
        case(
            EHR,
            "kind = \"csv\",",
            "kind = \"csv\", of = \"csv\",",
            "application.ehr.route[2].reply.of: `of` means nothing for `csv`",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"zip\", of = \"zip\"",
            "application.ehr.route[2].reply.of: `zip` is not one of csv, tsv, json, ndjson, xml, sql, hl7v2, dicom, pdf",
        ),
        case(
            EHR,
            "kind = \"csv\",",
            "kind = \"zip\",",
            "application.ehr.route[2].reply.patient: no record of this kind of reply could be found to name its patient so",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"xlsx\", entries = \"*.xml\"",
            "application.ehr.route[2].reply.entries: `entries` means nothing for `xlsx`",
        ),
        case(
            EHR,
            "kind = \"csv\",",
            "kind = \"json\", of = \"csv\",",
            "application.ehr.route[2].reply.inside: it is not said where the file is",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"json\", inside = \"/data\"",
            "application.ehr.route[2].reply.of: it is not said what the file inside holds",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"pdf\"",
            "application.ehr.route[2].reply.records: it is not said which elements are records",
        ),
        case(
            EHR,
            "kind = \"csv\", patient = \"column:ID\"",
            "kind = \"pdf\", records = \"/page\"",
            "application.ehr.route[2].reply.records: `/page` is not one of pages, document",
        ),
        case(
            EHR,
            "column:ID",
            "cell:0",
            "application.ehr.route[2].reply.patient: `cell:0` does not say where a record names its patient",
        ),
        case(
            EHR,
            "column:ID",
            "member:id",
            "application.ehr.route[2].reply.patient: no record of this kind of reply could be found to name its patient so",
        ),
        case(
            EHR,
            "patient = \"column:ID\"",
            "same_numbers = true",
            "application.ehr.route[2].reply.same_numbers: it is not said where a record names its patient",
        ),
        case(
            EHR,
            "\"static\"",
            "\"patient.open\"",
            "application.ehr.route[3].name: `ehr` has another route `patient.open`",
        ),
    ]);
}

#[test]
fn files_that_cannot_be_used() {
    check(&[
        case(
            MAIN,
            "\"roles.toml\"",
            "\"role.toml\"",
            "include: `role.toml` cannot be read: there is no such file",
        ),
        case(MAIN, "policies/*.cedar", "rules/*.cedar", "policies: no file fits `rules/*.cedar`"),
        case(
            MAIN,
            "certs/gateway.pem",
            "certs/none.pem",
            "gateway.certificate[1].chain: `certs/none.pem` cannot be read: there is no such file",
        ),
        case(
            MAIN,
            "file:certs/gateway.key",
            "file:certs/gateway.pem",
            "gateway.certificate[1].key: `certs/gateway.pem` holds no private key that can be read",
        ),
        case(
            MAIN,
            "certs/gateway.pem",
            "roles.toml",
            "gateway.certificate[1].chain: `roles.toml` holds no certificate",
        ),
        case(
            MAIN,
            "env:CLIENT_SECRET",
            "env:OTHER",
            "provider[1].client_secret: the environment has no variable `OTHER`",
        ),
        case(
            MAIN,
            "env:CLIENT_SECRET",
            "file:none",
            "provider[1].client_secret: `none` cannot be read: there is no such file",
        ),
        case(
            MAIN,
            "client_secret = \"env:CLIENT_SECRET\"",
            "client_key = { key = \"file:certs/gateway.pem\" }",
            "provider[1].client_key.key: `certs/gateway.pem` holds no private key that signs by ES256, ES384, EdDSA, PS256 or RS256",
        ),
        case(
            MAIN,
            "client_secret = \"env:CLIENT_SECRET\"",
            "client_secret = \"env:CLIENT_SECRET\"\nclient_key = { key = \"file:certs/gateway.key\" }",
            "provider[1].client_secret: there is a `client_key` too, and nobody can tell which counts",
        ),
        case(
            MAIN,
            "client_secret = \"env:CLIENT_SECRET\"",
            "",
            "provider[1]: nothing shows the provider that it is us",
        ),
    ]);
}

#[test]
fn what_may_be_asked_for_has_its_place_in_the_request() {
    const AT: &str = "action = \"view\"";
    let with = |ask: &'static str| -> &'static str { Box::leak(format!("{ask}\n{AT}").into_boxed_str()) };
    check(&[
        case(
            EHR,
            AT,
            with("cap = [{ max = 5 }]"),
            "application.ehr.route[1].cap[1]: a cap is about one place",
        ),
        case(
            EHR,
            AT,
            with("cap = [{ query = \"a\", form = \"a\", max = 5 }]"),
            "application.ehr.route[1].cap[1]: a cap is about one place",
        ),
        case(
            EHR,
            AT,
            with("cap = [{ form = \"rows\", max = 5 }]"),
            "application.ehr.route[1].cap[1].form: the route's requests have no form",
        ),
        case(
            EHR,
            AT,
            with("cap = [{ json = \"/rows\", max = 5 }]"),
            "application.ehr.route[1].cap[1].json: the route's requests have no JSON body",
        ),
        case(
            EHR,
            AT,
            with("cap = [{ query = \"a\", max = 5 }, { query = \"a\", max = 6 }]"),
            "application.ehr.route[1].cap: `a` is capped twice",
        ),
        case(
            EHR,
            AT,
            with("cap = [{ query = \"a\", max = 5, also = { b = \"x\" } }]"),
            "application.ehr.route[1].cap[1].also: `x` is not a whole number",
        ),
        case(
            EHR,
            AT,
            with("ask = { destination = { in = \"path:modality\", allow = \"PACS\" } }"),
            "application.ehr.route[1].ask.destination.in: the route's path captures nothing of that name",
        ),
        case(
            EHR,
            AT,
            with("ask = { ids = { in = \"cookie:a\", max = 5 } }"),
            "application.ehr.route[1].ask.ids.in: `cookie:a` is no place in a request",
        ),
        case(
            EHR,
            AT,
            with("ask = { format = { in = \"query:as\", names = { csv = \"csv\" }, allow = \"pdf\" } }"),
            "application.ehr.route[1].ask.format.allow: `pdf` has no name, so nobody can ask for it",
        ),
        case(
            EHR,
            AT,
            with(
                "ask = { span = { from = \"query:a\", to = \"query:b\", max = \"9d\", dates = \"%m/%d\" } }",
            ),
            "application.ehr.route[1].ask.span.dates: `%m/%d` does not say how a day is written",
        ),
    ]);
}
