//! An application that keeps every request as it reached it, octet for octet, and reads it as strictly
//! as can be: what it cannot read is kept as odd.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A request as it reached the application.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Reached {
    /// The request line and the headers.
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
}

impl Reached {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().skip(1).find_map(|line| {
            let (found, value) = line.split_once(": ")?;
            found.eq_ignore_ascii_case(name).then_some(value)
        })
    }
}

/// What reached the application so far.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recorder(Arc<Mutex<Vec<Reached>>>);

impl Recorder {
    /// Starts the application; it ends with the test.
    pub(crate) async fn start() -> (SocketAddr, Self) {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.unwrap();
        let (address, recorder) = (listener.local_addr().unwrap(), Self::default());
        let kept = recorder.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, kept.clone()));
            }
        });
        (address, recorder)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.lock().unwrap().len()
    }

    pub(crate) fn last(&self) -> Reached {
        self.0.lock().unwrap().last().cloned().unwrap_or_default()
    }
}

async fn serve(mut stream: TcpStream, recorder: Recorder) {
    while let Some(reached) = read(&mut stream).await {
        recorder.0.lock().unwrap().push(reached);
        let reply = b"HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\ncontent-length: 2\r\n\r\nok";
        if stream.write_all(reply).await.is_err() {
            return;
        }
    }
}

async fn line(stream: &mut TcpStream) -> Option<String> {
    let mut line = Vec::new();
    while !line.ends_with(b"\r\n") {
        line.push(stream.read_u8().await.ok()?);
    }
    Some(String::from_utf8_lossy(&line).into_owned())
}

async fn read(stream: &mut TcpStream) -> Option<Reached> {
    let mut reached = Reached::default();
    loop {
        let line = line(stream).await?;
        if line == "\r\n" {
            break;
        }
        reached.head.push_str(&line);
    }
    match (reached.header("content-length"), reached.header("transfer-encoding")) {
        (None, None) => {}
        (Some(length), None) => {
            reached.body = vec![0; length.parse().unwrap()];
            stream.read_exact(&mut reached.body).await.ok()?;
        }
        (None, Some("chunked")) => loop {
            let size = line(stream).await?;
            let mut chunk = vec![0; usize::from_str_radix(size.trim_end(), 16).unwrap()];
            stream.read_exact(&mut chunk).await.ok()?;
            assert_eq!(line(stream).await?, "\r\n");
            if chunk.is_empty() {
                break;
            }
            reached.body.extend(chunk);
        },
        odd => panic!("{odd:?}"),
    }
    Some(reached)
}
