//! A PROXY header asks for no more than its bound, says the same whatever follows it, and written anew in version 1
//! it is the same caller.

use leastway::gateway::proxy_header::{Step, Told, parse};

pub fn check(bytes: &[u8]) {
    let mut length = 0;
    // Fed as it asks to be.
    let told = loop {
        let Some(header) = bytes.get(..length) else { return };
        match parse(header) {
            Ok(Step::Needs(more)) => {
                assert!(more > 0, "it goes on");
                length += more;
                assert!(length <= 16 + 2048, "it has a bound");
            }
            Ok(Step::Done(told)) => break told,
            Err(_) => return,
        }
    };
    let header = &bytes[..length];
    let Told::Caller(caller) = told else { return };
    if header.starts_with(b"PROXY ") {
        let text = std::str::from_utf8(header).expect("text");
        let words: Vec<&str> = text.trim_end().split(' ').collect();
        let said = format!("{}{}{}:{}", bracket(words[1], "["), words[2], bracket(words[1], "]"), words[4]);
        let said: std::net::SocketAddr = said.parse().expect("an address");
        assert_eq!((said.ip().to_canonical(), said.port()), (caller.ip(), caller.port()));
    }
    let family = if caller.is_ipv4() { "TCP4" } else { "TCP6" };
    let anew = format!("PROXY {family} {0} {0} {1} 443\r\n", caller.ip(), caller.port());
    assert_eq!(parse(anew.as_bytes()), Ok(Step::Done(told)));
}

fn bracket<'a>(family: &str, bracket: &'a str) -> &'a str {
    if family == "TCP6" { bracket } else { "" }
}
