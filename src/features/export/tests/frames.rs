//! Messages and frames of syslog, as another parser reads them, and a receiver that goes away.

use syslog_loose::{SyslogFacility, SyslogSeverity, Variant, parse_message};
use tokio::io::AsyncReadExt as _;

use super::*;
use crate::features::export::shape::Shape;
use crate::features::export::syslog::Sender;
use crate::platform::syslog::SyslogTarget;

/// The messages of frames by octet counting (RFC 5425, 4.3), and what is left of one that is not whole.
fn unframed(mut bytes: &[u8]) -> (Vec<String>, usize) {
    let mut messages = Vec::new();
    loop {
        let Some(space) = bytes.iter().position(|byte| *byte == b' ') else { return (messages, bytes.len()) };
        let length: usize = std::str::from_utf8(&bytes[..space]).unwrap().parse().unwrap();
        let Some(message) = bytes.get(space + 1..space + 1 + length) else { return (messages, bytes.len()) };
        messages.push(String::from_utf8(message.to_vec()).unwrap());
        bytes = &bytes[space + 1 + length..];
    }
}

#[test]
fn another_parser_reads_what_a_message_says() {
    let text = "{\"name\":\"Ruíz \\\"Q\\\" ]\",\"line\":1}";
    let mut document = document(4_294_967_296, text);
    document.severity = Severity::Warning;
    let (messages, rest) =
        unframed(&Sender::new("gate way-1é", Shape::Object).frames(&[document.clone(), document]));
    assert_eq!((messages.len(), rest), (2, 0));
    let message = parse_message(&messages[0], Variant::RFC5424);
    assert_eq!(message.facility, Some(SyslogFacility::LOG_AUDIT));
    assert_eq!(message.severity, Some(SyslogSeverity::SEV_WARNING));
    assert_eq!(
        (message.hostname, message.appname, message.msgid),
        (Some("gateway-1"), Some("leastway"), Some("request"))
    );
    assert_eq!(message.procid, None);
    assert_eq!(message.timestamp.unwrap().timestamp_millis(), 1_772_352_000_000 + 4_294_967_296_000);
    let data: Vec<String> = message.structured_data.iter().map(ToString::to_string).collect();
    // 4294967296 is 2 · 2147483647 + 2.
    assert_eq!(data[0], "[meta sequenceId=\"2\"]");
    assert!(data[1].starts_with("[origin software=\"leastway\" swVersion="), "{data:?}");
    assert_eq!(message.msg.strip_prefix('\u{feff}'), Some(text), "UTF-8, and marked as such");
}

#[test]
fn an_audit_message_is_marked_as_the_profile_says_and_a_nameless_node_is_nil() {
    let (messages, _) =
        unframed(&Sender::new(" ", Shape::AuditMessage).frames(&[document(1, "<AuditMessage/>")]));
    // IHE ITI-20: facility 10, severity 5.
    assert!(messages[0].starts_with("<85>1 "), "{}", messages[0]);
    let message = parse_message(&messages[0], Variant::RFC5424);
    assert_eq!((message.hostname, message.msgid), (None, Some("IHE+RFC-3881")));
}

#[tokio::test]
async fn a_connection_that_ends_is_seen_and_one_that_is_closed_was_read() {
    let folder = tempfile::tempdir().unwrap();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = SyslogTarget { host: "127.0.0.1".to_owned(), port, trust: None };
    let (mut courier, standing) = courier(settings(folder.path(), Target::Syslog(target)));
    assert!(courier.settles_in().is_some_and(|time| time >= Duration::from_secs(10)));
    assert!(!courier.has_lost(true), "nothing was handed over yet");

    // The first reads a little and goes away.
    assert_eq!(deliver(&mut courier, &documents(1..3)).await, Delivery::Done);
    let (mut first, _) = listener.accept().await.unwrap();
    let mut place = [0; 10];
    first.read_exact(&mut place).await.unwrap();
    drop(first);
    let mut looks = 0;
    while !courier.has_lost(true) {
        looks += 1;
        assert!(looks < 100, "nobody noticed");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert_eq!(counted(&standing).1, 1);

    // The second reads to the end.
    let read = tokio::spawn(async move {
        let (mut second, _) = listener.accept().await.unwrap();
        let mut all = Vec::new();
        second.read_to_end(&mut all).await.unwrap();
        all
    });
    assert_eq!(deliver(&mut courier, &documents(1..5)).await, Delivery::Done);
    assert!(courier.close().await);
    let (messages, rest) = unframed(&read.await.unwrap());
    assert_eq!((messages.len(), rest), (4, 0));
    assert!(!courier.close().await, "there is nothing that could have been read");

    // And nobody is there: what was written before may be lost.
    assert_eq!(deliver(&mut courier, &documents(1..2)).await, Delivery::Lost);
}
