//! What is asked by a request goes on without it; where it is written down depends on whether the caller still waits.

use tokio::sync::oneshot;

/// The request by which something is asked, as long as its caller stays.
#[derive(Debug)]
pub struct Requester<T>(oneshot::Sender<ToWrite<T>>);

/// What is to be written down in the event of a request.
#[derive(Debug)]
pub struct ToWrite<T> {
    /// What is done.
    pub told: T,
    /// Told when it is on the disk, or cannot be; dropped where the request leaves no event.
    pub written: oneshot::Sender<bool>,
}

/// A request, and where it waits for what is to be written down.
pub fn requester<T>() -> (Requester<T>, oneshot::Receiver<ToWrite<T>>) {
    let (request, to_write) = oneshot::channel();
    (Requester(request), to_write)
}

impl<T> Requester<T> {
    /// Whether the request's event could be written; none where its caller has left.
    pub async fn write(self, told: T) -> Option<bool> {
        let (written, is_written) = oneshot::channel();
        self.0.send(ToWrite { told, written }).ok()?;
        is_written.await.ok()
    }
}
