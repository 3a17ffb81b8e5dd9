//! Starting, and the directory that a demo lives in.

use super::*;

#[tokio::test]
async fn a_port_that_is_taken_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = taken.local_addr().unwrap().port();
    let error = listen("the EHR", port).await.unwrap_err().to_string();
    assert!(error.contains("the EHR") && error.contains(&port.to_string()), "{error}");
}

#[test]
fn what_is_in_the_work_directory_stays_and_secrets_are_for_the_owner_only() {
    let folder = tempfile::tempdir().unwrap();
    let clock = TestClock::at(crate::foundation::clock::SystemClock.now());
    let entropy = SeededEntropy::new(1);
    let directory = WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    let authority = std::fs::read(directory.authority()).unwrap();
    std::fs::write(folder.path().join("roles.toml"), "# mine").unwrap();
    // As an earlier version would have left it.
    let shipped_now = std::fs::read_to_string(directory.configuration()).unwrap();
    std::fs::write(directory.configuration(), "# earlier").unwrap();
    let list = std::fs::read_to_string(folder.path().join("shipped")).unwrap();
    let (now, earlier) = (Digest::of(shipped_now.as_bytes()), Digest::of(b"# earlier"));
    std::fs::write(folder.path().join("shipped"), list.replace(&now.to_string(), &earlier.to_string()))
        .unwrap();

    WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    assert_eq!(std::fs::read_to_string(folder.path().join("roles.toml")).unwrap(), "# mine");
    assert_eq!(std::fs::read_to_string(directory.configuration()).unwrap(), shipped_now);
    assert_eq!(std::fs::read(directory.authority()).unwrap(), authority);

    clock.advance(Duration::from_secs(301 * 24 * 60 * 60));
    WorkDirectory::prepare(folder.path(), &clock, &entropy).unwrap();
    assert_ne!(std::fs::read(directory.authority()).unwrap(), authority, "old certificates are made anew");

    #[cfg(unix)]
    for name in ["certs/gateway.key", "certs/provider.key", "secrets/client-secret", "secrets/control-token"]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(folder.path().join(name)).unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{name}");
    }
}

#[test]
fn the_shipped_configuration_is_all_embedded() {
    let shipped = Path::new(env!("CARGO_MANIFEST_DIR")).join("config");
    let mut folders = vec![shipped.clone()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
            if entry.file_type().unwrap().is_dir() {
                // The texts of our pages are in the program; route files are for other products than the demo's.
                if entry.file_name() != "messages" && entry.file_name() != "routes" {
                    folders.push(entry.path());
                }
                continue;
            }
            // The rest of the folder is documentation.
            if entry.path().extension().is_none_or(|kind| kind != "toml" && kind != "cedar") {
                continue;
            }
            let name = entry.path().strip_prefix(&shipped).unwrap().to_str().unwrap().to_owned();
            assert!(work_directory::CONFIGURATION.iter().any(|(known, _)| *known == name), "{name}");
        }
    }
}

#[tokio::test]
async fn a_tour_through_nothing_says_that_it_failed() {
    let stage = Stage::new().await;
    let closed = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
    let ports = Ports { gateway: closed, ..Ports::SHIPPED };
    let clock: Arc<dyn Clock> = Arc::<TestClock>::clone(&stage.clock);
    let mut out = Vec::new();
    let mut tour =
        tour::Tour::new(&stage.directory, &stage.clinic, ports, clock, Arc::clone(&stage.entropy), &mut out);
    tour.visit().await.unwrap();
    assert!(matches!(tour.prove().unwrap(), tour::Verdict::Failed { steps } if steps > 5));
    assert!(!String::from_utf8(out).unwrap().contains("OK    "));
}
