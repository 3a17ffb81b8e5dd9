//! Tasks that stay on the thread of their connection.

use hyper::rt::Executor;

/// Runs what HTTP/2 needs on this worker: in its [`tokio::task::LocalSet`], outside of which it panics.
#[derive(Clone, Copy, Debug)]
pub struct LocalExecutor;

impl<F> Executor<F> for LocalExecutor
where
    F: Future + 'static,
    F::Output: 'static,
{
    fn execute(&self, future: F) {
        tokio::task::spawn_local(future);
    }
}
