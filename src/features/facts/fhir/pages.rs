//! Asks for a search, page by page: each where the one before says, and never at another origin than the first.

use std::collections::HashSet;
use std::time::Duration;

use tokio::time::Instant;
use url::Url;

use super::gathering::Gathering;
use super::settings::FhirSettings;
use crate::features::facts::fault::FeedFault;
use crate::features::facts::fetching::Fetching;
use crate::features::facts::settings::FeedSettings;
use crate::features::facts::table::Table;
use crate::foundation::clock::Timestamp;
use crate::foundation::entropy::Entropy;

/// A page is no larger than this.
pub(in crate::features::facts) const PAGE_BYTES_MAX: u64 = 16 * 1024 * 1024;

/// All pages, as one table, and when the first was made: what has changed since then may be missing.
pub(in crate::features::facts) async fn read(
    fetching: &Fetching,
    fhir: &FhirSettings,
    settings: &FeedSettings,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(Table, Timestamp), FeedFault> {
    let all = follow(fetching, Gathering::new(fhir.clone(), settings), settings, entropy, now);
    let (gathering, made) = tokio::time::timeout(READ_WITHIN, all)
        .await
        .map_err(|_| FeedFault::TooSlow { limit: READ_WITHIN })??;
    let settings = settings.clone();
    let table = aside(move || gathering.finish(&settings)).await?;
    Ok((table, made))
}

async fn follow(
    fetching: &Fetching,
    mut gathering: Gathering,
    settings: &FeedSettings,
    entropy: &dyn Entropy,
    now: Timestamp,
) -> Result<(Gathering, Timestamp), FeedFault> {
    let begun = Instant::now();
    let (mut seen, mut first, mut bytes) = (HashSet::new(), None, 0_u64);
    let mut url = fetching.url()?;
    loop {
        if seen.len() >= PAGES_MAX {
            return Err(FeedFault::TooManyPages { limit: PAGES_MAX });
        }
        if !seen.insert(url.clone()) {
            return Err(FeedFault::Circular);
        }
        let then = now.plus(begun.elapsed());
        let answer = fetching.page(&url, entropy, then).await?;
        let made = *first.get_or_insert(answer.made.min(now));
        bytes += u64::try_from(answer.body.len()).unwrap_or(u64::MAX);
        if bytes > settings.bytes_max {
            return Err(FeedFault::TooLarge { limit: settings.bytes_max });
        }
        let (taken, next) = aside(move || {
            let next = gathering.take(&answer.body, then)?;
            Ok((gathering, next))
        })
        .await?;
        gathering = taken;
        match next {
            Some(next) => url = beside(&url, &next)?,
            None => return Ok((gathering, made)),
        }
    }
}

/// Where the next page is: at the same origin, or nowhere.
fn beside(page: &Url, next: &str) -> Result<Url, FeedFault> {
    let next = page.join(next).map_err(|_| FeedFault::Elsewhere)?;
    let is_plain = next.username().is_empty() && next.password().is_none();
    if next.origin() == page.origin() && is_plain { Ok(next) } else { Err(FeedFault::Elsewhere) }
}

/// On a thread that may take its time.
async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, FeedFault> + Send + 'static,
) -> Result<T, FeedFault> {
    let done = tokio::task::spawn_blocking(work).await;
    done.unwrap_or_else(|error| Err(FeedFault::Unreadable { cause: error.to_string() }))
}

/// More pages than this are not asked for.
const PAGES_MAX: usize = 10_000;
/// How long all pages together may take.
const READ_WITHIN: Duration = Duration::from_secs(15 * 60);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_next_page_is_beside_the_one_before() {
        let page: Url = "https://fhir.clinic.example/r4/CareTeam?status=active".parse().unwrap();
        let next = |text| beside(&page, text).map(|url| url.to_string());
        let right = "https://fhir.clinic.example/r4?page=2";
        for text in [right, "/r4?page=2", "https://fhir.clinic.example:443/r4?page=2"] {
            assert_eq!(next(text).as_deref(), Ok(right), "{text}");
        }
        for text in [
            "https://fhir.clinic.example.evil.example/r4?page=2",
            "http://fhir.clinic.example/r4?page=2",
            "https://fhir.clinic.example:8443/r4?page=2",
            "//evil.example/r4?page=2",
            "https://leastway@fhir.clinic.example/r4?page=2",
            "file:///etc/passwd",
            "https://",
        ] {
            assert_eq!(next(text), Err(FeedFault::Elsewhere), "{text}");
        }
    }
}
