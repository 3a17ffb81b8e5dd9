//! How a pack is made: the journal is verified, its events are read once for all that is shown, and what comes of it is packed.

use std::fmt::Write as _;
use std::io::{Seek, Write};
use std::path::Path;
use std::sync::Arc;

use jiff::tz::TimeZone;

use super::Order;
use super::rulebooks::pack_rulebooks;
use crate::features::audit::archive::{ArchiveError, Elsewhere, Stretch};
use crate::features::audit::index::Hints;
use crate::features::audit::period::{Noted, checkpoints};
use crate::features::audit::prove::{ProveError, prove_consistency};
use crate::features::audit::query::Filter;
use crate::features::audit::scan::Scan;
use crate::features::audit::verify::{Expectations, Report as Verification, verify};
use crate::features::audit::{Head, JournalError, ReadError};
use crate::features::evidence::manifest::{FORM, INDEX, Journal};
use crate::features::evidence::safeguard::exhibits_of;
use crate::features::evidence::versions::Versions;
use crate::features::evidence::{Exhibit, Extracts, Manifest, PackError, Packing, PageError, Shown, index};
use crate::features::report::{
    AskError, Asked, Format, Maker, People, Read, ReportName, Style, WriteError, write,
};
use crate::platform::signed_note::SigningKey;

/// Of which journal a pack is made, and by whom it is signed.
#[derive(Debug)]
pub struct Source<'a> {
    /// The journal's folder.
    pub directory: &'a Path,
    /// The key that signs its checkpoints.
    pub key: Arc<SigningKey>,
    /// The most bytes of all files of the pack.
    pub bytes_max: u64,
    /// What of the time that is asked for is not in the folder.
    pub missing: Elsewhere,
}

/// Why a pack could not be made.
#[derive(Debug, thiserror::Error)]
pub enum MakeError {
    /// The journal cannot be read.
    #[error(transparent)]
    Read(#[from] ReadError),
    /// What is archived of it cannot be told.
    #[error(transparent)]
    Archived(#[from] ArchiveError),
    /// What is kept beside it cannot be read.
    #[error(transparent)]
    Kept(#[from] JournalError),
    /// A report cannot be asked for.
    #[error(transparent)]
    Ask(#[from] AskError),
    /// A report cannot be written.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// An extract cannot be written.
    #[error("an extract cannot be written: {0}")]
    Extract(#[from] csv::Error),
    /// A text cannot be written.
    #[error("a file of the pack cannot be written: {0}")]
    Text(#[from] std::fmt::Error),
    /// The verification cannot be written.
    #[error("the verification cannot be written: {0}")]
    Json(#[from] serde_json::Error),
    /// The page cannot be written.
    #[error(transparent)]
    Page(#[from] PageError),
    /// The pack cannot be written.
    #[error(transparent)]
    Pack(#[from] PackError),
    /// Nobody waits for it any more.
    #[error("nobody waits for the pack any more")]
    Left,
}

/// Makes a pack, as long as somebody waits for it. A journal that does not fit is told in the pack.
pub fn make<W: Write + Seek>(
    source: &Source<'_>,
    order: &Order,
    is_awaited: &dyn Fn() -> bool,
    out: W,
) -> Result<(W, Manifest), MakeError> {
    let expectations =
        Expectations { through: order.through, archived: order.archived, ..Expectations::default() };
    let verification = verify(source.directory, &expectations)?;
    // Where entries do not fit, nothing behind them is believed.
    let through = order.through.filter(|_| verification.is_sound()).unwrap_or_else(|| verification.head());
    let mut gathered = Gathering::of(order)?;
    let read = gathered.read(source, order, through, is_awaited)?;
    let noted = checkpoints(source.directory, (order.since, order.until), Some(through))?;

    let mut packing = Packing::new(out, source.bytes_max);
    let mut shown = Vec::new();
    gathered.pack(&read, order, &mut packing, &mut shown)?;
    let (versions, unnamed) = gathered.versions.finish();
    shown.push(pack_rulebooks(source.directory, &versions, unnamed, &mut packing)?);
    shown.push(pack_verification(&verification, &mut packing)?);
    shown.push(pack_checkpoints(source.directory, &noted, &mut packing)?);
    let exhibits = exhibits_of(&order.safeguards);
    shown.sort_by_key(|shown: &Shown| exhibits.iter().position(|exhibit| *exhibit == shown.exhibit));

    let manifest = Manifest {
        form: FORM.to_owned(),
        made_by: concat!("leastway ", env!("CARGO_PKG_VERSION")).to_owned(),
        journal: Journal {
            origin: source.key.verifier().name().to_string(),
            key: source.key.verifier().to_string(),
            first: read.first,
            last: read.last,
            checkpoint: noted.newest,
            is_sound: verification.is_sound(),
            fault: verification.first_fault().or(read.stopped),
        },
        since: order.since,
        until: order.until,
        language: order.language.code().to_owned(),
        safeguards: order.safeguards.clone(),
        rules: versions.iter().map(|version| version.name.to_string()).collect(),
        shown,
        files: Vec::new(),
    };
    packing.add(INDEX, index(&manifest, order.language)?.as_bytes())?;
    Ok(packing.finish(manifest, &source.key)?)
}

/// What is gathered of the events while they are read once.
struct Gathering {
    reports: Vec<(Exhibit, Maker)>,
    extracts: Extracts,
    versions: Versions,
}

impl Gathering {
    fn of(order: &Order) -> Result<Self, MakeError> {
        let exhibits = exhibits_of(&order.safeguards);
        let named = exhibits.iter().filter_map(|exhibit| Some((*exhibit, report_of(*exhibit)?)));
        let reports = named.map(|(exhibit, report)| {
            let asked = Asked {
                report,
                patient: None,
                application: None,
                person: None,
                since: Some(order.since),
                until: Some(order.until),
                people: People::ByName,
                all: false,
            };
            Ok((exhibit, Maker::new(asked)?))
        });
        Ok(Self {
            reports: reports.collect::<Result<_, AskError>>()?,
            extracts: Extracts::of(&exhibits)?,
            versions: Versions::default(),
        })
    }

    fn read(
        &mut self,
        source: &Source<'_>,
        order: &Order,
        through: Head,
        is_awaited: &dyn Fn() -> bool,
    ) -> Result<Read, MakeError> {
        let filter = Filter { since: Some(order.since), until: Some(order.until), ..Filter::default() };
        let through = Some(through).filter(|through| through.sequence > 0);
        let mut scan = Scan::open(source.directory, &filter, through, Hints::Used)?;
        let mut stopped = None;
        for event in scan.by_ref() {
            if !is_awaited() {
                return Err(MakeError::Left);
            }
            match event {
                Ok(event) if filter.fits(&event) => {
                    self.reports.iter_mut().for_each(|(_, maker)| maker.take(&event));
                    self.extracts.take(&event)?;
                    self.versions.take(&event);
                }
                Ok(_) => {}
                Err(ReadError::Misfit(misfit)) => stopped = Some(misfit.to_string()),
                Err(error) => return Err(error.into()),
            }
        }
        let last = scan.read_through().map(|last| last.to_string());
        let Elsewhere { archived, retired } = source.missing;
        let (archived, destroyed) = (archived.map(Stretch::brief), retired.map(Stretch::brief));
        Ok(Read { first: scan.first(), last, archived, destroyed, stopped })
    }

    /// Packs reports and extracts.
    fn pack<W: Write + Seek>(
        &mut self,
        read: &Read,
        order: &Order,
        packing: &mut Packing<W>,
        shown: &mut Vec<Shown>,
    ) -> Result<(), MakeError> {
        for (exhibit, maker) in self.reports.drain(..) {
            let report = maker.finish(read.clone());
            let mut files = Vec::new();
            for format in [Format::Html, Format::Csv] {
                let style = Style { format, language: order.language, zone: TimeZone::UTC };
                let path = format!("reports/{exhibit}.{format}");
                packing.add(&path, &write(&report, &style)?)?;
                files.push(path);
            }
            let left_out = report.sections.iter().map(|section| section.left_out).sum();
            shown.push(Shown { exhibit, files, rows: None, left_out });
        }
        for extract in std::mem::take(&mut self.extracts).finish()? {
            let path = format!("events/{}.csv", extract.exhibit);
            packing.add(&path, &extract.table)?;
            shown.push(Shown {
                exhibit: extract.exhibit,
                files: vec![path],
                rows: Some(extract.rows),
                left_out: extract.left_out,
            });
        }
        Ok(())
    }
}

/// The report that an exhibit is, if it is one.
const fn report_of(exhibit: Exhibit) -> Option<ReportName> {
    match exhibit {
        Exhibit::UserActivity => Some(ReportName::UserActivity),
        Exhibit::Privileged => Some(ReportName::Privileged),
        Exhibit::Leavers => Some(ReportName::Leavers),
        Exhibit::Coverage => Some(ReportName::Coverage),
        Exhibit::Decisions
        | Exhibit::Refusals
        | Exhibit::Withheld
        | Exhibit::Exports
        | Exhibit::Emergencies
        | Exhibit::SignIns
        | Exhibit::SessionsEnded
        | Exhibit::Reviews
        | Exhibit::SealsOpened
        | Exhibit::Disclosures
        | Exhibit::ProtectedCategories
        | Exhibit::PatientRequests
        | Exhibit::Policies
        | Exhibit::Verification
        | Exhibit::Checkpoints => None,
    }
}

fn pack_verification<W: Write + Seek>(
    verification: &Verification,
    packing: &mut Packing<W>,
) -> Result<Shown, MakeError> {
    let (text, json) = ("verification/verification.txt", "verification/verification.json");
    packing.add(text, told(verification)?.as_bytes())?;
    packing.add(json, &serde_json::to_vec_pretty(verification)?)?;
    let files = vec![text.to_owned(), json.to_owned()];
    Ok(Shown { exhibit: Exhibit::Verification, files, rows: None, left_out: 0 })
}

/// The verification for people: the entries, and what was signed of them.
fn told(verification: &Verification) -> Result<String, std::fmt::Error> {
    let mut out = String::new();
    match &verification.misfit {
        Some(misfit) => writeln!(out, "The journal does not fit: {misfit}")?,
        None => writeln!(out, "{}", verification.verdict())?,
    }
    for contradiction in &verification.contradictions {
        writeln!(out, "  {contradiction}")?;
    }
    let Verification { segments, entries, openings, closings, .. } = verification;
    writeln!(out, "segments    {segments}")?;
    writeln!(out, "entries     {entries}: {openings} begin an event, {closings} end one")?;
    writeln!(
        out,
        "unfinished  {} with an unknown outcome, {} at the end",
        verification.outcome_unknown, verification.under_way
    )?;
    if let (Some(first), Some(last)) = (verification.first, verification.last) {
        writeln!(out, "time        {first} to {last}")?;
    }
    if let Some(silence) = verification.longest_silence {
        let seconds = silence.lasts().as_secs();
        writeln!(out, "silence     {seconds} s at the most, from {} to {}", silence.from, silence.to)?;
    }
    writeln!(out, "signed      {} entries", verification.signed_through)?;
    writeln!(out, "head        {}", verification.head())?;
    Ok(out)
}

fn pack_checkpoints<W: Write + Seek>(
    directory: &Path,
    noted: &Noted,
    packing: &mut Packing<W>,
) -> Result<Shown, MakeError> {
    let mut files = Vec::new();
    let mut add = |packing: &mut Packing<W>, name: &str, bytes: &[u8]| {
        let path = format!("checkpoints/{name}");
        let added = packing.add(&path, bytes);
        files.push(path);
        added
    };
    add(packing, "days.txt", noted.days.join("\n\n").as_bytes())?;
    if let Some(newest) = &noted.newest {
        add(packing, "newest.txt", newest.as_bytes())?;
    }
    if let (Some(first), Some(newest)) = (&noted.first, &noted.newest) {
        match prove_consistency(directory, first, newest) {
            Ok(proof) => {
                let proof = crate::features::audit::prove::Proof::Consistency(proof);
                add(packing, "consistency.json", &serde_json::to_vec_pretty(&proof)?)?;
            }
            Err(ProveError::Read(error)) => return Err(error.into()),
            // A tree that contradicts itself is told by the verification; one whose tiles are in an archive proves nothing here.
            Err(
                ProveError::Contradicted
                | ProveError::Tree(_)
                | ProveError::Checkpoint
                | ProveError::Unknown(_)
                | ProveError::Archived { .. }
                | ProveError::Retired { .. }
                | ProveError::Unsigned(_),
            ) => {}
        }
    }
    Ok(Shown { exhibit: Exhibit::Checkpoints, files, rows: Some(noted.days.len() as u64), left_out: 0 })
}
