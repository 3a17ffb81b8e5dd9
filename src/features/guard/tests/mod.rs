//! The guard against what would get around it. Each asserts what was released: nothing, where it was withheld.

pub(super) mod codings;
mod files;
mod limits;
mod listing;
mod redacting;
mod spilling;
mod sums;
mod texts;
mod truncating;
mod unknown;
mod windows;

use std::cell::RefCell;
use std::collections::VecDeque;
use std::future::poll_fn;
use std::io::Write as _;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use flate2::Compression;
use http::header::{CONTENT_DISPOSITION, CONTENT_ENCODING, CONTENT_RANGE, CONTENT_TYPE};
use http::{Response, StatusCode};
use http_body::{Body, Frame};

use super::body::{EndedHow, GuardError, GuardedBody, ReleaseRecord, Watch};
use super::ledger::{Amounts, Came, Claim, Ledger};
use super::limit::{Beyond, Step, Terms, Verdict};
use super::meter::Meter;
use super::redact::{Fault, Plan, Plans};
use super::release::{Cause, Withheld, release};
use super::settings::{GuardSettings, SpillSettings};
use super::spill::{Spills, Unheld};
use super::trailers::Trailers;
use crate::domain::action::Action;
use crate::domain::application::ApplicationName;
use crate::domain::count::{Count, WhyUnknown};
use crate::domain::field::{Field, Place};
use crate::domain::limit::{Exceeded, LimitName, Limits, OnExceed, Window};
use crate::domain::patient::{PatientDigest, PatientNames, PatientRef};
use crate::domain::proof::Durable;
use crate::domain::purpose::Basis;
use crate::domain::reason::Reason;
use crate::domain::reply_shape::{PatientLocator, RecordsPointer, ReplyKind, ReplyShape};
use crate::domain::row_selector::RowSelector;
use crate::domain::subject::SubjectId;
use crate::foundation::clock::Timestamp;
use crate::foundation::digest::DigestKey;
use crate::foundation::entropy::SystemEntropy;

const HOUR: Duration = Window::Hour.lasts();
const SHIFT: Duration = Window::Shift.lasts();
const DAY: Duration = Window::Day.lasts();

/// An application's body: pieces, and perhaps a failure. Tells how often it was asked.
#[derive(Default)]
struct Upstream {
    pieces: VecDeque<Result<Frame<Bytes>, &'static str>>,
    asked: Rc<RefCell<usize>>,
    /// It never comes to its end.
    stalls: bool,
}

impl Upstream {
    fn sending(pieces: impl IntoIterator<Item = impl AsRef<[u8]>>) -> Self {
        let piece = |piece: &[u8]| Ok(Frame::data(Bytes::copy_from_slice(piece)));
        Self { pieces: pieces.into_iter().map(|bytes| piece(bytes.as_ref())).collect(), ..Self::default() }
    }
}

impl Body for Upstream {
    type Data = Bytes;
    type Error = &'static str;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, &'static str>>> {
        *self.asked.borrow_mut() += 1;
        let piece = self.pieces.pop_front();
        if piece.is_none() && self.stalls { Poll::Pending } else { Poll::Ready(piece) }
    }

    fn is_end_stream(&self) -> bool {
        self.pieces.is_empty() && !self.stalls
    }
}

const SETTINGS: GuardSettings =
    GuardSettings { hold_bytes: 1024 * 1024, decompression_ratio: 200, request_body_bytes: 1024 };

fn terms(action: Action) -> Terms {
    let limits = Limits {
        records_per_response: Some(10),
        records_per_export: Some(10),
        on_exceed: OnExceed::Block,
        on_unknown_count: OnExceed::Block,
        ..Limits::NONE
    };
    let (justified, stepped_up) = (false, false);
    let basis = Basis::Operations;
    Terms { limits, action, basis, justified, stepped_up, redactable: true, truncatable: true }
}

fn csv_shape() -> ReplyShape {
    ReplyShape {
        kind: ReplyKind::Csv { delimiter: None, header: true },
        patient: Some(PatientLocator::Column("ID".to_owned())),
        same_numbers: true,
    }
}

fn json_shape() -> ReplyShape {
    ReplyShape {
        kind: ReplyKind::Json { records: RecordsPointer::read("/data") },
        patient: None,
        same_numbers: false,
    }
}

fn csv(rows: usize) -> Vec<u8> {
    let mut body = b"ID,name\n".to_vec();
    (0..rows).for_each(|row| writeln!(body, "{row},\"a name,\nof two lines\"").unwrap());
    body
}

fn json(records: usize) -> Vec<u8> {
    serde_json::to_vec(&serde_json::json!({ "data": vec![serde_json::json!({ "id": 1 }); records] })).unwrap()
}

/// What came out: the bytes, how they ended, and what the event will say.
#[derive(Debug)]
struct Out {
    bytes: Vec<u8>,
    error: Option<GuardError>,
    record: ReleaseRecord,
}

struct Reply {
    head: http::response::Builder,
    body: Upstream,
    shape: Option<ReplyShape>,
    settings: GuardSettings,
    plans: Plans,
    claim: Option<Box<Claim>>,
    disk: Rc<Disk>,
    /// What events call the patients, where they keep whom it lists.
    names: Option<PatientNames>,
}

/// Where replies wait that are longer than can be held in memory.
struct Disk {
    folder: tempfile::TempDir,
    spills: Spills,
    settings: SpillSettings,
}

impl Disk {
    /// With room for so much of one reply, and of all.
    fn with_room(reply_bytes_max: u64, bytes_max: u64) -> Rc<Self> {
        let folder = tempfile::tempdir().unwrap();
        let directory = folder.path().join("spill");
        let settings = SpillSettings { directory, reply_bytes_max, bytes_max };
        Rc::new(Self { folder, spills: Spills::new(Arc::new(SystemEntropy)), settings })
    }
}

impl Reply {
    fn of(shape: Option<ReplyShape>, kind: &str, body: impl AsRef<[u8]>) -> Self {
        Self::pieces(shape, kind, [body])
    }

    fn pieces(
        shape: Option<ReplyShape>,
        kind: &str,
        pieces: impl IntoIterator<Item = impl AsRef<[u8]>>,
    ) -> Self {
        let head = Response::builder().header(CONTENT_TYPE, kind);
        Self {
            head,
            body: Upstream::sending(pieces),
            shape,
            settings: SETTINGS,
            claim: None,
            plans: Plans::default(),
            disk: Disk::with_room(1 << 30, 1 << 30),
            names: None,
        }
    }

    /// What is too long for memory waits there.
    fn on(mut self, disk: &Rc<Disk>) -> Self {
        self.disk = disk.clone();
        self
    }

    fn status(mut self, status: u16) -> Self {
        self.head = self.head.status(status);
        self
    }

    fn header(mut self, name: http::HeaderName, value: &str) -> Self {
        self.head = self.head.header(name, value);
        self
    }

    /// Without the members `ssn`, or the column.
    fn without(mut self, place: Place) -> Self {
        self.plans.always = self.plan("ssn", place);
        self
    }

    /// Without that where it is beyond a limit.
    fn without_beyond(mut self, place: Place) -> Self {
        self.plans.beyond = self.plan("who", place);
        self
    }

    fn plan(&self, name: &str, place: Place) -> Option<Arc<Plan>> {
        let (name, places) = (name.parse().unwrap(), vec![place]);
        let field = Field { name, categories: Vec::new(), identifies: true, places };
        Plan::new(self.shape.as_ref().map(|shape| &shape.kind), [&field]).map(Arc::new)
    }

    fn hold_bytes(mut self, hold_bytes: usize) -> Self {
        self.settings.hold_bytes = hold_bytes;
        self
    }

    /// Takes its room of the windows.
    fn claiming(mut self, claim: Claim) -> Self {
        self.claim = Some(Box::new(claim));
        self
    }

    fn ask(self, terms: &Terms) -> Result<Response<GuardedBody<Upstream>>, Withheld> {
        let (head, body) = self.head.body(self.body).unwrap().into_parts();
        let mut meter = Meter::new(self.shape.as_ref(), &head, &self.settings);
        if let Some(names) = self.names {
            meter.list_by(names);
        }
        let reply = Response::from_parts(head, body);
        let disk = self.disk.spills.under(&self.disk.settings);
        let taken = (self.claim, self.plans);
        run(release(reply, meter, terms, taken, Durable::assertion(), &self.settings, disk))
    }

    /// Let go of as it comes, and yet held to its limits.
    fn streamed(self, terms: &Terms) -> Out {
        let (head, body) = self.head.body(self.body).unwrap().into_parts();
        let mut watch = Watch {
            trailers: Trailers::of(&head.headers, true),
            meter: Meter::new(self.shape.as_ref(), &head, &self.settings),
            redaction: None,
            terms: *terms,
            taken_away: true,
            may_deny: true,
            claim: self.claim,
            window: Verdict::Within,
            came: 0,
            whole: None,
            cut_after: None,
        };
        watch.begin(0);
        read(Response::from_parts(head, GuardedBody::streaming(VecDeque::new(), body, watch)))
    }

    /// Released and read to its end.
    fn released(self, terms: &Terms) -> Out {
        read(self.ask(terms).expect("released"))
    }

    /// Withheld: not one byte came out.
    fn withheld(self, terms: &Terms) -> Withheld {
        self.ask(terms).map(read).expect_err("withheld")
    }

    fn stays_unknown(self, why: WhyUnknown) {
        let withheld = self.withheld(&terms(Action::Export));
        assert_eq!(withheld.verdict(), Some(Verdict::Block(Beyond::CountUnknown(why))));
        assert_eq!(withheld.tally.records, Count::Unknown(why));
        assert_eq!(withheld.reason(), Reason::CountUnknown);
    }

    fn carries(self, records: u64) {
        let out = self.released(&terms(Action::Export));
        assert_eq!(out.record.records, Count::Exactly(records));
        assert_eq!(out.record.ended, EndedHow::Complete);
    }
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}

fn read(reply: Response<GuardedBody<Upstream>>) -> Out {
    let record = Rc::new(RefCell::new(Vec::new()));
    let mut body = reply.into_body();
    let told = Rc::clone(&record);
    body.on_end(move |ended| told.borrow_mut().push(ended));
    let (mut bytes, mut error) = (Vec::new(), None);
    run(async {
        while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
            match frame {
                Ok(frame) => bytes.extend_from_slice(&frame.into_data().expect("trailers are dropped")),
                Err(broken) => error = Some(broken),
            }
        }
    });
    drop(body);
    let record = record.borrow();
    let [record] = record.as_slice() else { panic!("the end is told once, not {} times", record.len()) };
    assert_eq!(record.bytes, bytes.len() as u64);
    Out { bytes, error, record: *record }
}

pub(super) fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}
