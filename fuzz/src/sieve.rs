//! The sieve before the HTTP library: what it lets through is what came, in order and unchanged, up to the first
//! head that is not clean and not beyond; after a switch to another protocol all that follows.

use std::collections::VecDeque;
use std::io;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};

use leastway::gateway::normalize::wire::{Found, Head, Wire};
use leastway::gateway::sieve::Sieve;
use tokio::io::{AsyncRead, ReadBuf};

use crate::input::{Input, pieces};

const HEAD_BYTES_MAX: usize = 4096;

struct Socket<'a>(VecDeque<&'a [u8]>);

impl AsyncRead for Socket<'_> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        if let Some(piece) = self.0.pop_front() {
            let (now, later) = piece.split_at(piece.len().min(into.remaining()));
            into.put_slice(now);
            if !later.is_empty() {
                self.0.push_front(later);
            }
        }
        Poll::Ready(Ok(()))
    }
}

pub fn check(bytes: &[u8]) {
    let mut input = Input::new(bytes);
    let (cut, room, switches) = (input.byte(), usize::from(input.byte()) + 1, input.byte() & 1 == 1);
    let bytes = input.rest();
    let (mut sieve, gate) = Sieve::new(Socket(pieces(bytes, cut).collect()), HEAD_BYTES_MAX);
    let mut context = Context::from_waker(Waker::noop());
    let (mut passed, mut answered) = (Vec::new(), 0);
    let mut buffer = vec![0; room];
    loop {
        let mut into = ReadBuf::new(&mut buffer);
        match Pin::new(&mut sieve).poll_read(&mut context, &mut into) {
            Poll::Ready(Ok(())) if into.filled().is_empty() => break,
            Poll::Ready(Ok(())) => passed.extend_from_slice(into.filled()),
            Poll::Ready(Err(error)) => {
                assert_eq!(error.kind(), io::ErrorKind::InvalidData);
                break;
            }
            Poll::Pending => {
                // All that was delivered is served; one that asked for another protocol is the last of it.
                let (clean, end) = clean_heads(&passed);
                while answered < clean {
                    assert_eq!(gate.next(), None);
                    answered += 1;
                }
                if gate.next().is_some() {
                    break;
                }
                assert_eq!(end, passed.len(), "nothing goes on after it");
                gate.answered(switches);
                if switches {
                    return assert_eq!(all_of(&mut sieve, passed), bytes);
                }
            }
        }
    }
    assert!(bytes.starts_with(&passed));
    if !first_switches(bytes) {
        let (_, end) = clean_heads(bytes);
        assert!(passed.len() >= end, "whole heads before what is odd are served");
    }
}

fn all_of(sieve: &mut Sieve<Socket<'_>>, mut passed: Vec<u8>) -> Vec<u8> {
    let mut context = Context::from_waker(Waker::noop());
    let mut buffer = vec![0; 64];
    loop {
        let mut into = ReadBuf::new(&mut buffer);
        match Pin::new(&mut *sieve).poll_read(&mut context, &mut into) {
            Poll::Ready(Ok(())) if into.filled().is_empty() => return passed,
            Poll::Ready(Ok(())) => passed.extend_from_slice(into.filled()),
            other => panic!("another protocol is not looked at: {other:?}"),
        }
    }
}

/// How many heads are clean, those that ask for another protocol included, and where the last ends.
fn clean_heads(bytes: &[u8]) -> (usize, usize) {
    let (mut wire, mut at, mut count) = (Wire::new(HEAD_BYTES_MAX), 0, 0);
    loop {
        match wire.read(&bytes[at..]) {
            Found::Head(length, Head::Clean | Head::Upgrade) => {
                at += length;
                count += 1;
            }
            Found::Nothing | Found::Head(_, Head::Odd(_)) | Found::Broken(..) => return (count, at),
        }
    }
}

fn first_switches(bytes: &[u8]) -> bool {
    let (mut wire, mut at) = (Wire::new(HEAD_BYTES_MAX), 0);
    loop {
        match wire.read(&bytes[at..]) {
            Found::Head(length, Head::Clean) => at += length,
            Found::Head(_, Head::Upgrade) => return true,
            Found::Nothing | Found::Head(_, Head::Odd(_)) | Found::Broken(..) => return false,
        }
    }
}
