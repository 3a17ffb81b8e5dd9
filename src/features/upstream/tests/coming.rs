//! An application that answers before it has the whole request.

use http::Response;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::*;
use crate::features::upstream::send::ReplyBody;

/// More than the sockets between both sides hold.
const WHOLE: usize = 32 * 1024 * 1024;

/// An application that has read the head of its only request.
async fn begun<F, A>(go_on: F) -> (SocketAddr, JoinHandle<A::Output>)
where
    F: FnOnce(TcpStream) -> A + 'static,
    A: Future<Output: 'static> + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let application = tokio::task::spawn_local(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        read_head(&mut stream).await.unwrap();
        go_on(stream).await
    });
    (address, application)
}

async fn begin(address: SocketAddr) -> Response<ReplyBody> {
    let body = RequestBody::Held(Full::new(Bytes::from(vec![b'x'; WHOLE])));
    let mut request = Request::post("/").header("host", "ehr.example").body(body).unwrap();
    send(&pool(address), &mut request, &NOBODY, &Permit::assertion(), &Journaled::assertion()).await.unwrap()
}

/// How much of the request comes, up to all of it.
async fn rest(stream: &mut TcpStream) -> usize {
    let (mut came, mut piece) = (0, vec![0; 64 * 1024]);
    while came < WHOLE {
        match stream.read(&mut piece).await {
            Ok(length @ 1..) => came += length,
            Ok(0) | Err(_) => break,
        }
    }
    came
}

async fn in_time(run: impl Future<Output = ()>) {
    timeout(Duration::from_secs(20), LocalSet::new().run_until(run)).await.expect("it hangs");
}

#[tokio::test]
async fn its_reply_is_read_while_the_rest_is_sent_and_nothing_follows_on_the_connection() {
    in_time(async {
        let (address, application) = begun(|mut stream| async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nso far: ").await.unwrap();
            let came = rest(&mut stream).await;
            (came, stream.read(&mut [0]).await.unwrap())
        })
        .await;
        let reply = begin(address).await;
        assert_eq!(read_bounded(reply.into_body(), 100).await.unwrap(), "so far: ");
        assert_eq!(application.await.unwrap(), (WHOLE, 0));

        let (address, application) = begun(|mut stream| async move {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 8\r\n\r\nso ").await.unwrap();
            let came = rest(&mut stream).await;
            stream.write_all(b"good.").await.unwrap();
            came
        })
        .await;
        let reply = begin(address).await;
        assert_eq!(read_bounded(reply.into_body(), 100).await.unwrap(), "so good.");
        assert_eq!(application.await.unwrap(), WHOLE);
    })
    .await;
}

#[tokio::test]
async fn a_reply_that_was_read_leaves_the_rest_on_its_way_and_one_that_is_given_up_takes_it_along() {
    in_time(async {
        for (length, is_whole) in [(2, true), (3, false)] {
            let (told, is_over) = oneshot::channel();
            let (address, application) = begun(move |mut stream| async move {
                let reply = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\nok");
                stream.write_all(reply.as_bytes()).await.unwrap();
                is_over.await.unwrap();
                rest(&mut stream).await
            })
            .await;
            let mut body = begin(address).await.into_body();
            let begun = http_body_util::BodyExt::frame(&mut body).await.unwrap().unwrap();
            assert_eq!(begun.into_data().unwrap(), "ok");
            drop(body);
            told.send(()).unwrap();
            assert_eq!(application.await.unwrap() == WHOLE, is_whole);
        }
    })
    .await;
}
