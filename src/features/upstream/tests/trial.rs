//! Trials of an account: what is asked, and what each answer means.

use http::HeaderName;

use super::*;
use crate::features::upstream::credential::Credential;
use crate::features::upstream::trial::{Answer, Trial};
use crate::foundation::secret::Secret;

fn bearer() -> Credential {
    let value = Secret::new("Bearer Zebra-7-Quartz".to_owned());
    Credential::Header { name: HeaderName::from_static("authorization"), value }
}

fn id() -> RequestId {
    RequestId::new(Timestamp::from_seconds(1), &SeededEntropy::new(1))
}

#[tokio::test]
async fn an_answer_is_yes_or_no_or_tells_nothing() {
    let unclear = |status: u16| Answer::Unclear(StatusCode::from_u16(status).unwrap());
    let cases = [
        ("200 OK", Answer::Accepted),
        ("204 No Content", Answer::Accepted),
        ("401 Unauthorized", Answer::Refused),
        ("403 Forbidden", Answer::Refused),
        ("302 Found\r\nlocation: /login", Answer::Refused),
        ("404 Not Found", unclear(404)),
        ("423 Locked", unclear(423)),
        ("429 Too Many Requests", unclear(429)),
        ("503 Service Unavailable", unclear(503)),
    ];
    let run = async {
        for (head, expected) in cases {
            let answer = format!("HTTP/1.1 {head}\r\ncontent-length: 0\r\n\r\n");
            let settings = settings_of(&[server(move |_, _| std::future::ready(answer.clone())).await]);
            let test = "/api".parse().unwrap();
            let trial = Trial { settings: &settings, test: &test, host: "ehr.example" };
            assert_eq!(trial.ask_as(0, &bearer(), id()).await.unwrap(), expected, "{head}");
            assert_eq!(trial.ask_as_stranger(0, &bearer(), id()).await.unwrap(), expected, "{head}");
        }
    };
    LocalSet::new().run_until(run).await;
}

#[tokio::test]
async fn each_server_is_asked_as_the_gateway_asks_and_only_itself() {
    let run = async {
        let echo = |name: &'static str| {
            server(move |request, _| async move {
                let asks = request.starts_with("GET /api?deep=1 HTTP/1.1\r\n")
                    && request.contains("x-forwarded-proto: https\r\n")
                    && request.contains("host: ehr.example\r\n");
                let is_account = request.contains("authorization: Bearer Zebra-7-Quartz\r\n");
                match (asks, is_account) {
                    (true, true) if name == "first" => reply("yes"),
                    (true, _) => "HTTP/1.1 401 X\r\ncontent-length: 0\r\n\r\n".to_owned(),
                    (false, _) => "HTTP/1.1 500 X\r\ncontent-length: 0\r\n\r\n".to_owned(),
                }
            })
        };
        let settings = settings_of(&[echo("first").await, echo("second").await]);
        let test = "/api?deep=1".parse().unwrap();
        let trial = Trial { settings: &settings, test: &test, host: "ehr.example" };
        for (position, expected) in [(0, Answer::Accepted), (1, Answer::Refused)] {
            assert_eq!(trial.ask_as(position, &bearer(), id()).await.unwrap(), expected);
            assert_eq!(trial.ask_as_stranger(position, &bearer(), id()).await.unwrap(), Answer::Refused);
        }
        let gone = trial.ask_as(2, &bearer(), id()).await.unwrap_err();
        assert!(!format!("{gone:?} {trial:?}").contains("Zebra"), "{gone:?}");
    };
    LocalSet::new().run_until(run).await;
}
