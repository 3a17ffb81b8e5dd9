//! What outsiders hold: proofs, and what witnesses have noted.

use std::fs;

use super::signed::{against, key, newest, signed};
use super::*;
use crate::features::audit::archive::Elsewhere;
use crate::features::audit::prove::{
    CheckError, Checked, EventProof, Proof, ProveError, check, prove_consistency, prove_event,
};
use crate::features::audit::settings::{WitnessPlace, WitnessSettings};
use crate::features::audit::tree::checkpoint::split;
use crate::features::audit::witness::Told;
use crate::platform::signed_note::SigningKey;

#[test]
fn an_event_is_proven_to_somebody_who_has_the_key_alone() {
    type Change = fn(&mut EventProof);

    let directory = signed();
    let (key, event) = (key(directory.path()), opening(4).event);
    let proof = prove_event(directory.path(), event, &Elsewhere::default()).unwrap();
    let text = serde_json::to_string(&Proof::Event(proof.clone())).unwrap();
    let Checked::Event { event: proven, payloads, checkpoint } =
        check(&text, std::slice::from_ref(&key)).unwrap()
    else {
        panic!("it proves something else");
    };
    assert_eq!((proven, payloads.len()), (event, 2));
    assert_eq!(checkpoint.size, report(directory.path()).last_sequence);

    let changes: [(&str, Change, CheckError); 6] = [
        (
            "another payload",
            |it| it.entries[1].payload = it.entries[1].payload.replace("501", "500"),
            CheckError::Elsewhere,
        ),
        ("another place", |it| it.entries[0].index += 1, CheckError::Elsewhere),
        ("a hash less", |it| drop(it.entries[0].hashes.pop()), CheckError::Elsewhere),
        ("no entries", |it| it.entries.clear(), CheckError::OtherEvent),
        ("an entry twice", |it| it.entries[1] = it.entries[0].clone(), CheckError::OtherEvent),
        ("another event", |it| it.event = opening(5).event, CheckError::OtherEvent),
    ];
    for (name, change, error) in changes {
        let mut other = proof.clone();
        change(&mut other);
        let text = serde_json::to_string(&Proof::Event(other)).unwrap();
        assert_eq!(check(&text, std::slice::from_ref(&key)), Err(error), "{name}");
    }
    let stranger = SigningKey::generate(key.name().clone(), &SystemEntropy).unwrap();
    assert_eq!(check(&text, &[stranger.verifier().clone()]), Err(CheckError::Unsigned));
    assert!(matches!(check("{}", &[key]), Err(CheckError::Unreadable(_))));
    let unknown = opening(400).event;
    assert!(
        matches!(prove_event(directory.path(), unknown, &Elsewhere::default()), Err(ProveError::Unknown(event)) if event == unknown)
    );
}

#[test]
fn one_checkpoint_is_proven_to_go_on_from_another() {
    let directory = signed();
    let key = key(directory.path());
    let all = fs::read_to_string(directory.path().join("checkpoints")).unwrap();
    let (old, new) = (split(&all).next().unwrap(), newest(directory.path()));
    let proof = prove_consistency(directory.path(), old, &new).unwrap();
    let text = serde_json::to_string(&Proof::Consistency(proof.clone())).unwrap();
    assert!(
        matches!(check(&text, std::slice::from_ref(&key)), Ok(Checked::Consistency { old, new }) if old.size < new.size)
    );

    let other = signed();
    let stranger = newest(other.path());
    assert!(matches!(prove_consistency(directory.path(), &stranger, &new), Err(ProveError::Contradicted)));
    let mut changed = proof;
    changed.hashes.pop();
    let text = serde_json::to_string(&Proof::Consistency(changed)).unwrap();
    assert_eq!(check(&text, &[key]), Err(CheckError::Elsewhere));
}

#[tokio::test]
async fn a_witness_notes_checkpoints_and_one_that_cannot_lags() {
    let directory = tempfile::tempdir().unwrap();
    let media = tempfile::tempdir().unwrap();
    let file = media.path().join("mounted/checkpoints");
    let mut settings = settings(directory.path(), 1 << 20);
    settings.witnesses = vec![WitnessSettings {
        name: "evidence".to_owned(),
        every: Duration::from_secs(60),
        place: WitnessPlace::File(file.clone()),
    }];
    let journal = open(&settings);
    journal.record(&opening(1), Some(&closing(1))).await.unwrap();
    journal.close();
    let (signed, witness) = (journal.checkpoint().unwrap(), journal.witnesses()[0].clone());
    assert!(witness.lacks(&signed));
    assert!(matches!(witness.tell(&signed, MORNING).await, Told::Failed(_)));
    assert_eq!(witness.tell(&signed, MORNING).await, Told::StillFailed);
    assert_eq!((witness.now().size, witness.now().failures), (0, 2));
    fs::create_dir(media.path().join("mounted")).unwrap();
    assert_eq!(witness.tell(&signed, MORNING).await, Told::Again);
    assert!(!witness.lacks(&signed));
    assert_eq!(witness.tell(&signed, MORNING).await, Told::Noted);
    // A full disk has left half a note.
    let whole = fs::read_to_string(&file).unwrap();
    for half in [10, signed.note.chars().count() - 3] {
        let torn: String = signed.note.chars().take(half).collect();
        fs::write(&file, format!("{whole}\n\n{torn}")).unwrap();
        assert_eq!(witness.tell(&signed, MORNING).await, Told::Noted);
        let found = against(directory.path(), &key(directory.path()), &fs::read_to_string(&file).unwrap());
        assert!(found.is_sound() && found.witnessed == 3, "{half}: {found:?}");
    }
    fs::write(&file, whole).unwrap();
    let noted = fs::read_to_string(file).unwrap();
    let found = against(directory.path(), &key(directory.path()), &noted);
    assert!(found.is_sound() && found.witnessed == 2, "{found:?}");
}
