//! Makes the indexes of the journal's full segments, beside everything else: nobody waits for one.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::sleep;

use crate::features::audit::index::{Look, Made, make_missing};
use crate::foundation::entropy::Entropy;

/// Goes on until it is dropped. Each index is looked at once, at the start; from then on only what is missing is made.
pub async fn run(journal: PathBuf, entropy: Arc<dyn Entropy>) {
    let going = Going::default();
    let mut look = Look::AtEach;
    loop {
        let (directory, entropy, is_over) = (journal.clone(), entropy.clone(), going.is_over.clone());
        let making = move || make_missing(&directory, look, &*entropy, &|| !is_over.load(Ordering::Relaxed));
        match tokio::task::spawn_blocking(making).await {
            Ok(Ok(Made { made, .. })) => {
                if made > 0 {
                    tracing::info!(segments = made, "segments of the journal were indexed");
                }
                look = Look::ForAbsent;
            }
            Ok(Err(error)) => tracing::warn!(%error, "segments of the journal could not be indexed"),
            Err(error) => tracing::error!(%error, "indexing the journal ended by a mistake of ours"),
        }
        sleep(LOOKED_EVERY).await;
    }
}

/// Stops the making of indexes when nobody goes on.
#[derive(Debug, Default)]
struct Going {
    is_over: Arc<AtomicBool>,
}

impl Drop for Going {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
    }
}

/// How soon a full segment has its index.
const LOOKED_EVERY: Duration = Duration::from_secs(30);
