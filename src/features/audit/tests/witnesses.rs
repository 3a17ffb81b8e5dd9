//! Witnesses by syslog: what they are sent, what a file of theirs proves, and a journal that is verified up to an entry.

use tokio::io::AsyncReadExt as _;
use tokio::net::TcpListener;

use super::signed::{against, key, newest, signed};
use super::*;
use crate::features::audit::Head;
use crate::features::audit::directory::segments;
use crate::features::audit::read::head_at;
use crate::features::audit::settings::{WitnessPlace, WitnessSettings};
use crate::features::audit::tree::SignedCheckpoint;
use crate::features::audit::tree::checkpoint::{Checkpoint, Signed, of_lines, on_one_line};
use crate::features::audit::verify::TreeProblem;
use crate::features::audit::witness::{Told, Witness, WitnessFault};
use crate::platform::objects::fake::{Shared, bucket_at};
use crate::platform::objects::{LockMode, ObjectsError};
use crate::platform::syslog::SyslogTarget;

fn checkpoint(note: String) -> SignedCheckpoint {
    SignedCheckpoint { checkpoint: note.parse::<Signed>().unwrap().checkpoint, note }
}

#[test]
fn a_receiver_of_syslog_is_a_witness_and_its_file_is_held_against_the_journal() {
    let directory = signed();
    on_a_worker(told_by_syslog(directory.path()));
}

#[test]
fn a_bucket_is_a_witness_that_locks_each_checkpoint_under_its_size() {
    let directory = signed();
    on_a_worker(told_by_bucket(directory.path()));
}

async fn told_by_bucket(directory: &Path) {
    let signed = checkpoint(newest(directory));
    let server = Shared::default();
    let settings = WitnessSettings {
        name: "bucket".to_owned(),
        every: Duration::from_secs(3600),
        place: WitnessPlace::Bucket {
            bucket: Box::new(bucket_at(&server, Some(LockMode::Compliance)).await),
            retain_years: 10,
        },
    };
    let witness = Witness::new(&settings).unwrap();
    assert_eq!(witness.tell(&signed, MORNING).await, Told::Noted);
    assert!(!witness.lacks(&signed));
    let noted = {
        let server = server.lock().unwrap();
        let name = format!("/journal/gateway-1/checkpoints/{}", signed.checkpoint.size);
        let [mode, until, _] = &server.locks[&name];
        assert_eq!(mode.as_deref(), Some("COMPLIANCE"));
        assert!(until.as_deref().unwrap() >= "2036-03-01T08:00:00", "{until:?}");
        String::from_utf8(server.objects[&name].clone()).unwrap()
    };
    let report = against(directory, &key(directory), &noted);
    assert!(report.is_sound() && report.witnessed == 1, "{report:?}");

    // One that is not locked is not noted.
    server.lock().unwrap().forgets = true;
    server.lock().unwrap().locks.clear();
    let Told::Failed(WitnessFault::Bucket(fault)) = witness.tell(&signed, MORNING).await else {
        panic!("it was not locked")
    };
    assert!(matches!(fault, ObjectsError::Unlocked { .. }), "{fault}");
    assert_eq!(witness.now().failures, 1);
}

async fn told_by_syslog(directory: &Path) {
    let signed = checkpoint(newest(directory));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = SyslogTarget { host: "127.0.0.1".to_owned(), port, trust: None };
    let witness = WitnessSettings {
        name: "siem".to_owned(),
        every: Duration::from_secs(60),
        place: WitnessPlace::Syslog(target),
    };
    let witness = Witness::new(&witness).unwrap();
    let reading = tokio::spawn(async move {
        let (mut connection, _) = listener.accept().await.unwrap();
        let mut all = String::new();
        connection.read_to_string(&mut all).await.unwrap();
        all
    });
    assert!(witness.lacks(&signed));
    assert_eq!(witness.tell(&signed, MORNING).await, Told::Noted);
    assert!(!witness.lacks(&signed));

    let frame = reading.await.unwrap();
    let (length, message) = frame.split_once(' ').unwrap();
    assert_eq!(length.parse::<usize>().unwrap(), message.len(), "one message, counted in octets");
    assert!(!message.contains('\n') && message.starts_with("<109>1 "), "{message}");
    let file = format!(
        "Mar  1 08:00:00 host sshd: a line of somebody else\n{message}\nMar  1 08:00:01 host sshd: more\n"
    );
    let key = key(directory);
    let report = against(directory, &key, &file);
    assert!(report.is_sound() && report.witnessed == 1, "{report:?}");

    // Nobody listens any more.
    let later =
        SignedCheckpoint { checkpoint: Checkpoint { size: u64::MAX, ..signed.checkpoint.clone() }, ..signed };
    assert!(matches!(witness.tell(&later, MORNING).await, Told::Failed(_)));
    assert_eq!(witness.tell(&later, MORNING).await, Told::StillFailed);
    assert!(witness.lacks(&later));
}

#[test]
fn lines_of_other_journals_are_passed_over_and_lines_that_were_cut_are_told() {
    let (directory, other) = (signed(), signed());
    let (own, another) = (on_one_line(&newest(directory.path())), on_one_line(&newest(other.path())));
    let key = key(directory.path());
    let report = against(directory.path(), &key, &format!("{another}\n{own}\n"));
    assert!(report.is_sound() && report.witnessed == 1, "{report:?}");
    // Without a key nobody knows which are meant.
    let expectations = Expectations { witnessed: vec![format!("{another}\n")], ..Expectations::default() };
    assert!(!verify(directory.path(), &expectations).unwrap().is_sound());

    let cut: String = own.chars().take(own.len() - 40).collect();
    let report = against(directory.path(), &key, &format!("{cut}\n"));
    let problems: Vec<_> = report.contradictions.iter().map(|found| found.problem.clone()).collect();
    assert_eq!(problems, [TreeProblem::Unreadable]);
    assert!(of_lines("nothing of ours\n").is_none());
    let found: Vec<String> = of_lines(&format!("<1>{own}\"}}, and more")).unwrap().collect();
    assert_eq!(found, [newest(directory.path())]);
}

#[test]
fn a_journal_is_verified_up_to_an_entry_whatever_comes_after_it() {
    let directory = signed();
    let heads: Vec<Head> = Reader::open(directory.path())
        .unwrap()
        .map(|stored| stored.map(|stored| Head { sequence: stored.sequence, hash: stored.hash }).unwrap())
        .collect();
    let up_to = |through| {
        verify(directory.path(), &Expectations { through: Some(through), ..Expectations::default() })
    };
    for through in &heads {
        let report = up_to(*through).unwrap();
        assert!(report.is_sound() && report.entries == through.sequence, "{report:?}");
        assert_eq!(report.head(), *through);
        assert_eq!(head_at(directory.path(), through.sequence).unwrap(), Some(*through));
    }
    let last = heads.last().unwrap();
    assert_eq!(head_at(directory.path(), last.sequence + 1).unwrap(), None);
    let another = Head { hash: heads[0].hash, ..heads[4] };
    assert!(!up_to(another).unwrap().is_sound(), "it is another entry");
    assert!(!up_to(Head { sequence: last.sequence + 1, ..*last }).unwrap().is_sound(), "it is not there");

    // What was changed behind it is not looked at, what was changed before it is told.
    let segment = segments(directory.path()).unwrap().remove(0);
    let mut bytes = std::fs::read(&segment.path).unwrap();
    let second =
        bytes.windows(8).enumerate().filter(|(_, window)| *window == b"{\"entry\"").nth(2).unwrap().0;
    bytes[second + 12] ^= 1;
    std::fs::write(&segment.path, bytes).unwrap();
    assert!(up_to(heads[0]).unwrap().is_sound());
    assert!(!up_to(heads[3]).unwrap().is_sound());
}
