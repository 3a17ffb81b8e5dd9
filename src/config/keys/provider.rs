//! OpenID providers.

use super::directory::SCIM;
use super::signals::SIGNALS;
use super::{Absent, Kind, Table, key, words};
use crate::features::authn::settings::LoginAgain;

pub(super) static PROVIDER: Table = Table {
    header: "[[provider]]",
    doc: "An OpenID provider at which people sign in.",
    keys: &[
        key("name", Kind::Text("clinic"), Absent::Refused, "Its name in this configuration; unique."),
        key(
            "title",
            Kind::Text("Clinic staff"),
            Absent::Means("its name"),
            "What people read where they choose between providers; 60 characters at most.",
        ),
        key(
            "domains",
            Kind::Texts("clinic.example"),
            Absent::Is("[]"),
            "The domains of its people's e-mail addresses, exactly: whoever says such an address where several providers may \
             be meant is led here, with the address as `login_hint`. At one application a domain is one provider's.",
        ),
        key(
            "issuer",
            Kind::Text("https://id.clinic.example"),
            Absent::Refused,
            "Its issuer URL, exactly as in its metadata. `https`; `http` for loopback hosts only.",
        ),
        key("client_id", Kind::Text("leastway"), Absent::Refused, "Who we are there."),
        key(
            "client_secret",
            Kind::Secret,
            Absent::Means("there is a `client_key`"),
            "Our secret there (`client_secret_basic` or `client_secret_post`, as it takes them).",
        ),
        key(
            "client_key",
            Kind::Table(&CLIENT_KEY),
            Absent::Means("there is a `client_secret`"),
            "Our private key in place of a secret (`private_key_jwt`).",
        ),
        key(
            "pushed_requests",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether what a sign-in asks for goes to it directly, where it offers that (RFC 9126), and not in the browser's \
             URL. Where it demands that, it does in any case.",
        ),
        key(
            "own_callback",
            Kind::YesNo,
            Absent::Is("false"),
            "Whether its people come back to `/.leastway/callback/NAME`, an address of its own: so that no other provider \
             can have its answers sent to itself (mix-up, RFC 9700 section 4.4), where it says no `iss` in them (RFC 9207).",
        ),
        key(
            "scopes",
            Kind::Texts("openid"),
            Absent::Is("[\"openid\", \"profile\"]"),
            "What a sign-in asks for; `openid` is among them.",
        ),
        key(
            "claims",
            Kind::Map("groups"),
            Absent::Means("`groups = \"groups\"`, `name = \"name\"`"),
            "Our word for an attribute = the claim that carries it, in the ID token or in userinfo. Roles need \
             `groups`, rules by `location` need `location`.",
        ),
        key(
            "assurance",
            Kind::Named(&CLASS),
            Absent::Means("none: no rule may ask for assurance"),
            "The classes of assurance that it can prove, by name.",
        ),
        key("scim", Kind::Table(&SCIM), Absent::Means("none is kept"), "The directory that it keeps here."),
        key(
            "signals",
            Kind::Table(&SIGNALS),
            Absent::Means("none are taken"),
            "What it signals of its people.",
        ),
        key(
            "login_again",
            Kind::Word(words!(LoginAgain)),
            Absent::Is("\"both\""),
            "How it is asked to have somebody authenticate whom it knows already, to unlock a session: by `max_age` (what they \
             did after the lock, for another host, is enough), by `prompt=login` (`prompt`), or by both.",
        ),
        key(
            "access_token_type",
            Kind::Word(|| vec!["at+jwt", "jwt"]),
            Absent::Is("\"at+jwt\""),
            "The `typ` of the access tokens that it signs: `at+jwt` (RFC 9068), or `jwt` for providers that say `JWT` or \
             nothing there: then a token has to tell by its audience alone that it is no ID token.",
        ),
        key(
            "authorities",
            Kind::File("file:ca.pem"),
            Absent::Means("the system's"),
            "Certificates in PEM of the authorities that vouch for it.",
        ),
        key(
            "clock_skew",
            Kind::Duration("0s", "5m"),
            Absent::Is("\"30s\""),
            "How far its clock may be from ours.",
        ),
        key(
            "timeout",
            Kind::Duration("1s", "30s"),
            Absent::Is("\"5s\""),
            "How long one request to it may take.",
        ),
        key(
            "connect_to",
            Kind::Text("10.0.0.5:8443"),
            Absent::Means("the issuer's address"),
            "Where it is reached, `host:port`, if its public name leads elsewhere.",
        ),
    ],
};

static CLIENT_KEY: Table = Table {
    header: "[provider.client_key]",
    doc: "A private key by which we show it that we are its client. It knows the public half: \
          `openssl pkey -in client.key -pubout`.",
    keys: &[
        key(
            "key",
            Kind::File("file:secrets/client.key"),
            Absent::Refused,
            "The key in PEM, not encrypted: P-256, P-384 or Ed25519 in PKCS#8, or RSA of 2048 bits or more.",
        ),
        key(
            "id",
            Kind::Text("leastway-2026"),
            Absent::Means("none is sent"),
            "What it calls the key (`kid`).",
        ),
        key(
            "certificate",
            Kind::File("file:certs/client.pem"),
            Absent::Means("none is named"),
            "The certificate under which it knows the key (`x5t`), as Microsoft Entra ID does.",
        ),
        key(
            "audience",
            Kind::Word(|| vec!["issuer", "token_endpoint"]),
            Absent::Is("\"issuer\""),
            "Whom a statement of ours is for. `token_endpoint` only for providers that refuse the issuer: with it, a \
             provider that has been taken over could use our statement at another.",
        ),
    ],
};

static CLASS: Table = Table {
    header: "[provider.assurance.CLASS]",
    doc: "A class of assurance, such as `mfa`: how to ask for it, and what proves it in what comes back.",
    keys: &[
        key("ask", Kind::Table(&ASK), Absent::Means("with nothing more"), "How to ask for it."),
        key("proof", Kind::Table(&PROOF), Absent::Refused, "What proves it: any one of these; at least one."),
    ],
};

static ASK: Table = Table {
    header: "provider.assurance.CLASS.ask",
    doc: "How a class is asked for.",
    keys: &[
        key("acr_values", Kind::Texts("urn:clinic:mfa"), Absent::Is("[]"), "Sent as `acr_values`."),
        key("scope", Kind::Texts("otp"), Absent::Is("[]"), "Added to the scopes."),
        key(
            "prompt",
            Kind::Word(|| vec!["login", "consent", "select_account"]),
            Absent::Means("not sent"),
            "Sent as `prompt`.",
        ),
        key(
            "max_age",
            Kind::YesNo,
            Absent::Is("true"),
            "Whether the freshness that a rule asks for is sent as `max_age`; some providers answer it with an error.",
        ),
    ],
};

static PROOF: Table = Table {
    header: "provider.assurance.CLASS.proof",
    doc: "What proves a class: any one of these.",
    keys: &[
        key("acr", Kind::Texts("urn:clinic:mfa"), Absent::Is("[]"), "The `acr` is one of these."),
        key("amr", Kind::Texts("otp"), Absent::Is("[]"), "The `amr` has one of these."),
        key(
            "scope",
            Kind::Texts("otp"),
            Absent::Is("[]"),
            "The granted scope has one of these: for providers that bind a scope to a second factor.",
        ),
    ],
};
