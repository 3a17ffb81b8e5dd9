//! The tree over the entries, held against what was signed of it.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;

use super::Expectations;
use super::report::{Contradiction, Report, TreeProblem};
use crate::features::audit::error::ReadError;
use crate::features::audit::tree::checkpoint::{Signed, of_lines, split};
use crate::features::audit::tree::edge::Edge;
use crate::features::audit::tree::keys::{known, successor};
use crate::features::audit::tree::notary::NEWEST;
use crate::features::audit::tree::notes::Notes;
use crate::features::audit::tree::resume::{CHECKPOINTS, last_checkpoint};
use crate::features::audit::tree::tile::{TILE_WIDTH, Tile, read_edge};
use crate::foundation::digest::Digest;
use crate::platform::signed_note::VerifierKey;

/// The tree as it grows, and what is still to be compared with it.
#[derive(Debug)]
pub(super) struct Held<'a> {
    directory: &'a Path,
    /// `None` where the entries before an archive's end have no tiles.
    edge: Option<Edge>,
    trusted: Vec<VerifierKey>,
    own: Notes,
    /// The next of the journal's own.
    next: Option<Signed>,
    given: VecDeque<Given>,
    /// What is signed of more entries is not compared.
    through: Option<u64>,
    /// The size of the last checkpoint of the journal's own: what tiles there must be.
    signed: u64,
    own_fit: u64,
    given_fit: u64,
    /// The size of the last of the journal's own that fits.
    signed_through: u64,
    /// The size of the last of a witness's that fits.
    witnessed_through: u64,
    /// The size of the last of the journal's own that was looked at.
    looked: u64,
    found: Vec<Contradiction>,
}

#[derive(Debug)]
struct Given {
    from: Arc<str>,
    signed: Signed,
    is_witness: bool,
}

impl<'a> Held<'a> {
    /// What is signed of a journal without its entries up to `before`.
    pub(super) fn open(
        directory: &'a Path,
        before: u64,
        expectations: &Expectations,
    ) -> Result<Self, ReadError> {
        let disk = |error| ReadError::disk(directory, error);
        // First the newest: it is written after the one at the end of all.
        let newest = match std::fs::read_to_string(directory.join(NEWEST)) {
            Ok(text) => Some(text),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => None,
            Err(error) if error.kind() == std::io::ErrorKind::InvalidData => Some(String::new()),
            Err(error) => return Err(disk(error)),
        };
        let last = last_checkpoint(directory).unwrap_or_default();
        let signed = last.map_or(0, |last| last.checkpoint.size);
        let mut held = Self {
            directory,
            edge: read_edge(directory, before).map_err(disk)?,
            trusted: expectations.keys.clone(),
            own: Notes::open(&directory.join(CHECKPOINTS)).map_err(disk)?,
            next: None,
            given: VecDeque::new(),
            through: expectations.through.map(|through| through.sequence),
            signed,
            own_fit: 0,
            given_fit: 0,
            signed_through: 0,
            witnessed_through: 0,
            looked: 0,
            found: Vec::new(),
        };
        if expectations.keys.is_empty() {
            match known(directory) {
                Ok(keys) => held.trusted = keys,
                Err(_) => held.contradict("checkpoint.keys", 0, TreeProblem::Keys),
            }
        }
        if let Some(newest) = newest {
            held.give(NEWEST, &newest, false);
            if held.given.iter().any(|given| given.signed.checkpoint.size > signed) {
                held.contradict(NEWEST, signed, TreeProblem::Missing);
            }
        }
        for text in &expectations.witnessed {
            match of_lines(text) {
                Some(notes) => notes.for_each(|note| held.give_line(&note, &expectations.keys)),
                None => split(text).for_each(|note| held.give(WITNESS, note, true)),
            }
        }
        held.given.make_contiguous().sort_by_key(|given| given.signed.checkpoint.size);
        held.read_next().map_err(disk)?;
        held.given.retain(|given| held.through.is_none_or(|through| given.signed.checkpoint.size <= through));
        // What is older than an archive's end cannot be compared any more.
        held.given.retain(|given| before == 0 || given.signed.checkpoint.size > before);
        while held.next.as_ref().is_some_and(|next| next.checkpoint.size <= before && before > 0) {
            held.read_next().map_err(disk)?;
        }
        Ok(held)
    }

    fn give(&mut self, from: &str, note: &str, is_witness: bool) {
        match note.parse() {
            Ok(signed) => self.given.push_back(Given { from: from.into(), signed, is_witness }),
            Err(_) => self.contradict(from, 0, TreeProblem::Unreadable),
        }
    }

    /// Where several journals are noted in one file, only those that the keys are of are meant.
    fn give_line(&mut self, note: &str, keys: &[VerifierKey]) {
        let is_of = |origin: &str| keys.iter().any(|key| key.name().as_str() == origin);
        let is_another = |signed: &Signed| !keys.is_empty() && !is_of(&signed.checkpoint.origin);
        if !note.parse().is_ok_and(|signed| is_another(&signed)) {
            self.give(WITNESS, note, true);
        }
    }

    /// The next of the journal's own that can be read.
    fn read_next(&mut self) -> std::io::Result<()> {
        loop {
            let Some(note) = self.own.next()? else {
                self.next = None;
                return Ok(());
            };
            let Ok(signed) = note.parse::<Signed>() else {
                self.contradict(CHECKPOINTS, 0, TreeProblem::Unreadable);
                continue;
            };
            let size = signed.checkpoint.size;
            if size <= self.looked {
                self.contradict(CHECKPOINTS, size, TreeProblem::Order);
                continue;
            }
            self.looked = size;
            self.next = Some(signed);
            return Ok(());
        }
    }

    /// A key was told in the journal: it is trusted, where one that is trusted has signed that.
    pub(super) fn told(&mut self, told: &str) {
        let new = self.trusted.iter().find_map(|trusted| successor(told, trusted));
        self.trusted.extend(new.filter(|new| !self.trusted.contains(new)));
    }

    /// The next entry.
    pub(super) fn grow(&mut self, leaf: Digest) {
        let Some(mut edge) = self.edge.take() else { return };
        let (directory, signed) = (self.directory, self.signed);
        let mut wrong = Vec::new();
        edge.append(leaf, |tile, hashes| {
            let end = (tile.index + 1).checked_mul(1 << (8 * (u32::from(tile.level) + 1)));
            if end.is_some_and(|end| end <= signed) && !is_kept(directory, tile, hashes) {
                wrong.push(tile);
            }
        });
        for tile in wrong {
            self.contradict(&tile.path(TILE_WIDTH).to_string_lossy(), edge.size(), TreeProblem::Tile);
        }
        let size = edge.size();
        if self.next.as_ref().is_some_and(|next| next.checkpoint.size == size) {
            self.compare_own(&edge);
        }
        while self.given.front().is_some_and(|given| given.signed.checkpoint.size == size) {
            let Some(given) = self.given.pop_front() else { break };
            let fits = self.compare(&given.from, &given.signed, &edge, self.witnessed_through);
            if fits && given.is_witness {
                self.given_fit += 1;
                self.witnessed_through = size;
            }
        }
        self.edge = Some(edge);
    }

    fn compare_own(&mut self, edge: &Edge) {
        let Some(signed) = self.next.take() else { return };
        if self.compare(CHECKPOINTS, &signed, edge, self.signed_through) {
            self.own_fit += 1;
            self.signed_through = edge.size();
        }
        for (tile, hashes) in edge.partial() {
            let path = tile.path(hashes.len());
            let is_wanted = edge.size() == self.signed || self.directory.join(&path).exists();
            if is_wanted && !is_kept(self.directory, tile, hashes) {
                self.contradict(&path.to_string_lossy(), edge.size(), TreeProblem::Tile);
            }
        }
        // What cannot be read here was readable a moment ago: the end is then found wanting.
        if self.read_next().is_err() {
            self.contradict(CHECKPOINTS, edge.size(), TreeProblem::Unreadable);
        }
    }

    /// Whether a checkpoint of as many entries fits; those of the same hand fit up to `fits`.
    fn compare(&mut self, from: &str, signed: &Signed, edge: &Edge, fits: u64) -> bool {
        let size = edge.size();
        if !signed.is_signed_by(&self.trusted) {
            self.contradict(from, size, TreeProblem::Unsigned);
            return false;
        }
        if signed.checkpoint.root != edge.root() {
            self.contradict(from, size, TreeProblem::Replaced { fits });
            return false;
        }
        true
    }

    fn contradict(&mut self, file: &str, size: u64, problem: TreeProblem) {
        if self.found.len() < FOUND_MAX {
            self.found.push(Contradiction { file: file.into(), size, problem });
        }
    }

    /// The journal has ended before these.
    fn beyond(&mut self, left: Vec<(Arc<str>, Signed)>, entries: u64) {
        for (from, signed) in left {
            // One that nobody trusted has signed says nothing.
            let is_signed = signed.is_signed_by(&self.trusted);
            let problem = if is_signed { TreeProblem::Cut { entries } } else { TreeProblem::Unsigned };
            self.contradict(&from, signed.checkpoint.size, problem);
        }
    }

    /// All entries were seen, or all up to one that does not fit.
    pub(super) fn end(mut self, report: &mut Report, is_whole: bool) {
        let through = self.through.unwrap_or(u64::MAX);
        let own = self.next.take().filter(|next| next.checkpoint.size <= through);
        let own = own.map(|next| (CHECKPOINTS.into(), next));
        let given = std::mem::take(&mut self.given).into_iter().map(|given| (given.from, given.signed));
        let left: Vec<(Arc<str>, Signed)> = own.into_iter().chain(given).collect();
        match self.edge.take() {
            Some(edge) if is_whole => self.beyond(left, edge.size()),
            // What comes after an entry that does not fit cannot be compared.
            Some(_) => {}
            None if left.is_empty() => {}
            // Before an archive's end there are only tiles, and these are not there.
            None => self.contradict("tile", report.last_sequence, TreeProblem::Tile),
        }
        report.checkpoints = self.own_fit;
        report.witnessed = self.given_fit;
        report.signed_through = self.signed_through;
        report.contradictions = self.found;
    }
}

fn is_kept(directory: &Path, tile: Tile, hashes: &[Digest]) -> bool {
    tile.read(directory, hashes.len()).is_ok_and(|kept| kept.as_deref() == Some(hashes))
}

const WITNESS: &str = "a witness's checkpoint";
const FOUND_MAX: usize = 16;
