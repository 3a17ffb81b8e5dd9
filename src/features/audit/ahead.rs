//! Reads entries ahead on a thread of its own, so that whoever asks much of each need not wait for the next.

use std::panic::resume_unwind;
use std::path::Path;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::{Builder, JoinHandle};
use std::vec;

use super::error::{Misfit, Problem, ReadError};
use super::read::{Reader, Stored};

type Batch = Vec<Result<Stored, ReadError>>;

/// The entries of a [`Reader`], in order, up to the first error. Bounded memory: no more is read ahead than a few batches.
#[derive(Debug)]
pub(super) struct Ahead {
    /// `None` once nothing more comes.
    batches: Option<Receiver<Batch>>,
    ready: vec::IntoIter<Result<Stored, ReadError>>,
    reading: Option<JoinHandle<Reader>>,
    /// Where it has ended.
    ended: Option<Reader>,
}

impl Ahead {
    /// Begins to read a journal in `directory`.
    pub(super) fn begin(directory: &Path, reader: Reader) -> Result<Self, ReadError> {
        let (sender, receiver) = sync_channel(BATCHES);
        let reading = Builder::new().name("journal-reader".to_owned()).spawn(move || read(reader, &sender));
        let reading = reading.map_err(|error| ReadError::disk(directory, error))?;
        Ok(Self { batches: Some(receiver), ready: vec![].into_iter(), reading: Some(reading), ended: None })
    }

    /// `problem`, at the place where reading has ended.
    pub(super) fn misfit(&self, problem: Problem) -> Option<Misfit> {
        self.ended.as_ref().and_then(|reader| reader.misfit(problem))
    }

    /// A mistake of ours there is one here: half a journal is not taken for a whole one.
    fn end(&mut self) {
        self.batches = None;
        match self.reading.take().map(JoinHandle::join) {
            Some(Ok(reader)) => self.ended = Some(reader),
            Some(Err(panic)) => resume_unwind(panic),
            None => {}
        }
    }
}

fn read(mut reader: Reader, sender: &SyncSender<Batch>) -> Reader {
    let mut goes_on = true;
    while goes_on {
        let mut batch = Vec::with_capacity(ENTRIES);
        while goes_on && batch.len() < ENTRIES {
            let next = reader.next();
            goes_on = matches!(next, Some(Ok(_)));
            batch.extend(next);
        }
        // Nobody asks for more.
        goes_on = sender.send(batch).is_ok() && goes_on;
    }
    reader
}

impl Iterator for Ahead {
    type Item = Result<Stored, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(stored) = self.ready.next() {
                return Some(stored);
            }
            match self.batches.as_ref()?.recv() {
                Ok(batch) => self.ready = batch.into_iter(),
                Err(_) => self.end(),
            }
        }
    }
}

impl Drop for Ahead {
    fn drop(&mut self) {
        self.batches = None;
        // It ends with the batch that it is at; where it has failed, nobody is told half of anything.
        self.reading.take().map(JoinHandle::join);
    }
}

/// How many entries are handed over at once: so many that threads are seldom woken, so few that they take little memory.
const ENTRIES: usize = 256;
const BATCHES: usize = 4;
