//! An application's replies by HTTP/1.1: cut anywhere they are the same; a lenient reader of the whole finds the same
//! head, body and end, or they are refused; whatever is as the grammar wants it is not; what comes behind a reply is
//! given to nobody; and an application that never ends fills no memory.

use std::cell::Cell;
use std::collections::VecDeque;
use std::io;
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::LazyLock;
use std::task::{Context, Poll, Waker};

use http::{HeaderMap, Method, Response};
use leastway::features::upstream::error::UpstreamError;
use leastway::features::upstream::replies::Replies;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, ReadBuf};
use tokio::runtime::{Builder, Runtime};

use crate::input::{Input, pieces};
use crate::plain_reply::{self, End, Plain};

/// An application that has its answers ready: one when a request has come, and more of it whenever it is read.
#[derive(Clone)]
struct Application {
    answers: VecDeque<VecDeque<Vec<u8>>>,
    now: VecDeque<Vec<u8>>,
    /// Whether it closes after the last.
    closes: bool,
    /// Whether it says the last over and over.
    is_endless: bool,
    asked: Vec<u8>,
    said: Rc<Cell<usize>>,
}

impl AsyncRead for Application {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        space: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        assert!(space.remaining() <= SPACE_BYTES_MAX);
        let Some(mut piece) = self.now.pop_front() else {
            let is_over = self.closes && self.answers.is_empty();
            return if is_over { Poll::Ready(Ok(())) } else { Poll::Pending };
        };
        if self.is_endless && self.answers.is_empty() && self.said.get() < SAID_BYTES_MAX {
            self.now.push_back(piece.clone());
        }
        let later = piece.split_off(piece.len().min(space.remaining()));
        space.put_slice(&piece);
        self.said.set(self.said.get() + piece.len());
        if !later.is_empty() {
            self.now.push_front(later);
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Application {
    fn poll_write(mut self: Pin<&mut Self>, _: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        self.asked.extend_from_slice(bytes);
        if self.asked.ends_with(b"\r\n\r\n") {
            let next = self.answers.pop_front().unwrap_or_default();
            self.now.extend(next);
            self.asked.clear();
        }
        Poll::Ready(Ok(bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

/// What was heard of one answer.
#[derive(Debug, Default, PartialEq)]
struct Heard {
    head: Option<(u16, HeaderMap)>,
    body: Vec<u8>,
    trailers: HeaderMap,
    ended: Ended,
    /// Whether another request may be asked.
    goes_on: bool,
    /// What came behind a reply that switches protocols.
    behind: Vec<u8>,
}

#[derive(Debug, Default, PartialEq)]
enum Ended {
    #[default]
    Waiting,
    Whole,
    Closed,
    Malformed,
}

impl From<UpstreamError> for Ended {
    fn from(error: UpstreamError) -> Self {
        match error {
            UpstreamError::Malformed(_) => Self::Malformed,
            UpstreamError::Aborted(_) => Self::Closed,
            other => panic!("{other:?}"),
        }
    }
}

/// Asks for as long as may be.
fn hear(application: Application, methods: u8) -> Vec<Heard> {
    let (said, answers) = (application.said.clone(), application.answers.len());
    let (mut replies, mut all) = (Replies::new(application), Vec::new());
    for number in 0..answers {
        let mut heard = Heard::default();
        let (before, answered) = (said.get(), now(replies.ask(method(methods, number))));
        match answered {
            None => {}
            Some(Err(error)) => heard.ended = error.into(),
            Some(Ok(head)) => hear_body(&mut replies, &head, &mut heard),
        }
        let overhead = (said.get() - before).saturating_sub(heard.body.len() * CHUNK_BYTES);
        assert!(overhead <= OVERHEAD_BYTES_MAX, "{overhead} bytes that say nothing");
        heard.goes_on = heard.ended == Ended::Whole && replies.goes_on();
        let (goes_on, switches) =
            (heard.goes_on, heard.head.as_ref().is_some_and(|(status, _)| *status == 101));
        all.push(heard);
        if switches && let Some(last) = all.last_mut() {
            assert!(!goes_on);
            let mut socket = replies.into_socket();
            let mut buffer = [0; 512];
            while let Some(Ok(length @ 1..)) = now(socket.read(&mut buffer)) {
                last.behind.extend_from_slice(&buffer[..length]);
            }
            break;
        }
        if !goes_on {
            break;
        }
    }
    all
}

fn hear_body(replies: &mut Replies<Application>, head: &Response<()>, heard: &mut Heard) {
    heard.head = Some((head.status().as_u16(), head.headers().clone()));
    while let Some(frame) = now(replies.frame()) {
        match frame {
            Some(Ok(frame)) => match frame.into_data() {
                Ok(data) => heard.body.extend_from_slice(&data),
                Err(frame) => heard.trailers = frame.into_trailers().expect("data or trailers"),
            },
            Some(Err(error)) => {
                heard.ended = error.into();
                return;
            }
            None => {
                heard.ended = Ended::Whole;
                return;
            }
        }
    }
}

/// Whatever comes without waiting.
fn now<T>(future: impl Future<Output = T>) -> Option<T> {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(output) => Some(output),
        Poll::Pending => None,
    }
}

fn method(methods: u8, number: usize) -> Method {
    match methods >> (2 * number) & 3 {
        1 => Method::HEAD,
        2 => Method::POST,
        _ => Method::GET,
    }
}

pub fn check(bytes: &[u8]) {
    static RUNTIME: LazyLock<Runtime> =
        LazyLock::new(|| Builder::new_current_thread().enable_time().build().expect("a runtime"));
    let _timers = RUNTIME.enter();
    let mut input = Input::new(bytes);
    let (choice, methods, cut) = (input.byte(), input.byte(), input.byte());
    let answers: Vec<Vec<u8>> = input.rest().split(|byte| *byte == NEXT).take(4).map(stretched).collect();
    let closes = choice & 1 == 1;
    let application = |cut: Option<u8>| Application {
        answers: answers
            .iter()
            .map(|answer| match cut {
                Some(cut) => pieces(answer, cut).map(<[u8]>::to_vec).collect(),
                None => [answer.clone()].into_iter().filter(|answer| !answer.is_empty()).collect(),
            })
            .collect(),
        now: VecDeque::new(),
        closes,
        is_endless: choice & 2 == 2,
        asked: Vec::new(),
        said: Rc::default(),
    };
    let whole = hear(application(None), methods);
    if choice & 2 == 2 {
        return;
    }
    assert_eq!(hear(application(Some(cut)), methods), whole);
    for (number, (heard, answer)) in whole.iter().zip(&answers).enumerate() {
        let closes = closes && number + 1 == answers.len();
        let plain = plain_reply::read(answer, method(methods, number) == Method::HEAD);
        agree(heard, plain, answer, closes);
    }
}

/// What a lenient reader of the whole finds is what was heard.
fn agree(heard: &Heard, plain: Option<Plain>, answer: &[u8], closes: bool) {
    let Some((status, headers)) = &heard.head else {
        let may_be_refused = plain.as_ref().is_none_or(|plain| !plain.is_strict);
        let is_open = plain.is_none();
        assert!(if heard.ended == Ended::Malformed { may_be_refused } else { is_open });
        return;
    };
    let plain = plain.expect("a head");
    assert_eq!((*status, sorted(headers)), (plain.status, plain.framed_headers()));
    assert!(plain.body.starts_with(&heard.body));
    let ends_here = plain.end == End::At(answer.len());
    match heard.ended {
        Ended::Whole => {
            assert!(
                plain.body == heard.body && plain.end != End::Open && (closes || plain.end != End::Closed)
            );
            assert_eq!(sorted(&heard.trailers), plain.sorted_trailers());
            assert!(!heard.goes_on || plain.keeps && ends_here, "it ends behind its reply");
            assert!(heard.goes_on || closes || !(plain.keeps && ends_here), "it goes on");
        }
        Ended::Waiting => assert!(!closes && plain.body == heard.body && !matches!(plain.end, End::At(_))),
        Ended::Closed => assert!(closes && plain.body == heard.body && plain.end == End::Open),
        Ended::Malformed => assert!(!plain.is_strict || plain.end == End::Open),
    }
    if *status == 101 {
        let End::At(end) = plain.end else { panic!("it has no body") };
        assert_eq!(heard.behind, answer[end..]);
    }
}

fn sorted(headers: &HeaderMap) -> Vec<(String, Vec<u8>)> {
    let mut fields: Vec<_> =
        headers.iter().map(|(name, value)| (name.as_str().to_owned(), value.as_bytes().to_vec())).collect();
    fields.sort_by(|one, other| one.0.cmp(&other.0));
    fields
}

/// `LONG`, a number and a byte are that byte so many times 256: a fuzzer writes nothing long by itself.
fn stretched(bytes: &[u8]) -> Vec<u8> {
    let (mut long, mut bytes) = (Vec::new(), bytes.iter());
    while let Some(byte) = bytes.next() {
        match (*byte, bytes.as_slice()) {
            (LONG, [times, repeated, rest @ ..]) => {
                long.resize(long.len() + 256 * usize::from(*times), *repeated);
                bytes = rest.iter();
            }
            (byte, _) => long.push(byte),
        }
    }
    long
}

const NEXT: u8 = 0x1e;
const LONG: u8 = 0x1d;
/// More than is ever read at once.
const SPACE_BYTES_MAX: usize = 128 * 1024;
/// Heads, trailers and extensions, and what is read ahead.
const OVERHEAD_BYTES_MAX: usize = 512 * 1024;
/// The most that one byte of a body costs in chunks.
const CHUNK_BYTES: usize = 32;
const SAID_BYTES_MAX: usize = 2 * 1024 * 1024;
