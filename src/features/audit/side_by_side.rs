//! Work on several segments at once, taken in their order.

use std::collections::VecDeque;
use std::ops::ControlFlow;
use std::panic::resume_unwind;
use std::thread::{ScopedJoinHandle, available_parallelism, scope};

/// Does jobs on at most so many threads, and hands over what each gives, in the order of the jobs, until `take` has enough. An
/// error of a job ends it when its turn comes.
pub(super) fn in_order<T: Send, E: Send, B>(
    threads: usize,
    mut jobs: impl Iterator<Item: FnOnce() -> Result<T, E> + Send>,
    mut take: impl FnMut(T) -> ControlFlow<B>,
) -> Result<Option<B>, E> {
    if threads < 2 {
        for job in jobs {
            if let ControlFlow::Break(enough) = take(job()?) {
                return Ok(Some(enough));
            }
        }
        return Ok(None);
    }
    scope(|scope| {
        let mut under_way: VecDeque<ScopedJoinHandle<'_, Result<T, E>>> = VecDeque::new();
        loop {
            let room = threads.saturating_sub(under_way.len());
            under_way.extend(jobs.by_ref().take(room).map(|job| scope.spawn(job)));
            let Some(first) = under_way.pop_front() else { return Ok(None) };
            let done = first.join().unwrap_or_else(|panic| resume_unwind(panic))?;
            if let ControlFlow::Break(enough) = take(done) {
                return Ok(Some(enough));
            }
        }
    })
}

/// On how many threads work is done that is worth one for each `worth` of it: no more than there are cores.
pub(super) fn threads(work: u64, worth: u64) -> usize {
    let cores = available_parallelism().map_or(1, usize::from).min(THREADS_MAX);
    cores.min(usize::try_from(work / worth.max(1)).unwrap_or(THREADS_MAX)).max(1)
}

const THREADS_MAX: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn squares(threads: usize, enough: u32) -> (Vec<u32>, Result<Option<&'static str>, String>) {
        let mut taken = Vec::new();
        let jobs = (0..20_u32)
            .map(|number| move || if number == 13 { Err(format!("{number}")) } else { Ok(number * number) });
        let ended = in_order(threads, jobs, |square| {
            taken.push(square);
            if square >= enough { ControlFlow::Break("enough") } else { ControlFlow::Continue(()) }
        });
        (taken, ended)
    }

    #[test]
    fn what_is_done_at_once_is_taken_in_order_until_it_is_enough_or_fails() {
        for threads in [1, 2, 7] {
            let (taken, ended) = squares(threads, 30);
            assert_eq!((taken, ended), (vec![0, 1, 4, 9, 16, 25, 36], Ok(Some("enough"))), "{threads}");
            let (taken, ended) = squares(threads, u32::MAX);
            assert_eq!((taken.len(), ended), (13, Err("13".to_owned())), "{threads}");
        }
    }

    #[test]
    fn little_work_is_done_on_one_thread() {
        assert_eq!(threads(3, 4), 1);
        assert!(threads(u64::MAX, 1) <= THREADS_MAX);
    }
}
